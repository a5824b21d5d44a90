"""A training run as the linter understands it, whatever file it was read from.

Rules read only these records; they never know the file format.
"""

from __future__ import annotations

import re
from enum import Enum, auto

from lora_lint.records import dataclass, field, replace
from lora_lint.run.events import Train
from lora_lint.run.launch import Launch
from lora_lint.run.values import ABSENT, Known, Phrased, Unknown, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any, Literal

    from lora_lint.knowledge.resolve import Loaded
    from lora_lint.knowledge.servers import Server
    from lora_lint.readers.shell import Word
    from lora_lint.run.events import Event
    from lora_lint.run.flaws import Flaw
    from lora_lint.run.framework import Framework
    from lora_lint.run.given import Given
    from lora_lint.run.problems import NewKey, NewValue, Problem, UnknownKey
    from lora_lint.run.values import Value
    from lora_lint.run.versions import Pin, Version
    from lora_lint.source import SourceFile, Span
    from lora_lint.unread import Unread

    SweepKeeps = Literal["ratio", "step"]
    """What a sweep keeps while the rank varies, where the user states it: alpha/r (or alpha/sqrt(r) under rsLoRA), or
    the size of the first optimizer step."""
    Method = Literal["supervised", "preference", "rl", "classification", "unknown"]

_OWN_NAMES = Unknown("the framework builds this model from modules of its own")


_JUDGED_ELSEWHERE = Unknown("only another file decides it, and it is judged there")


@dataclass(frozen=True)
class Adapter:
    """The LoRA settings of a run, in PEFT's vocabulary whatever the dialect's spelling (see peft.LoraConfig).

    `target_modules` holds a `tuple[str, ...]` for a list (suffix semantics) or a `str` (a regex, or "all-linear"),
    already translated to the names of the model's modules; None means "the framework's default targets".
    `scale` is set only by dialects that give alpha/r itself (mlx-lm). Spans point at the value; `keys` maps the
    field name (`rank`, `alpha`, …) to the user's own spelling (`r`, `lora_r`, `lora_rank` …) for messages.
    """

    span: Span
    rank: Value[int] = ABSENT
    alpha: Value[float] = ABSENT
    dropout: Value[float] = ABSENT
    target_modules: Value[tuple[str, ...] | str | None] = ABSENT
    exclude_modules: Value[tuple[str, ...] | str | None] = Known(None, None, "framework-default")
    target_parameters: Value[tuple[str, ...] | None] = Known(None, None, "framework-default")
    layers_to_transform: Value[tuple[int, ...] | int | None] = Known(None, None, "framework-default")
    layers_pattern: Value[tuple[str, ...] | str | None] = Known(None, None, "framework-default")
    rank_pattern: Value[Mapping[str, int]] = Known({}, None, "framework-default")
    alpha_pattern: Value[Mapping[str, float]] = Known({}, None, "framework-default")
    use_rslora: Value[bool] = Known(False, None, "framework-default")
    use_dora: Value[bool] = Known(False, None, "framework-default")
    bias: Value[str] = Known("none", None, "framework-default")
    lora_bias: Value[bool] = Known(False, None, "framework-default")
    modules_to_save: Value[tuple[str, ...] | None] = Known(None, None, "framework-default")
    trainable_token_indices: Value[Any] = Known(None, None, "framework-default")
    init_lora_weights: Value[bool | str] = Known(True, None, "framework-default")
    inference_mode: Value[bool] = Known(False, None, "framework-default")
    task_type: Value[str | None] = Known(None, None, "framework-default")
    dtype: Value[str] = ABSENT
    """That of the adapter's own weights, where one setting of a file decides it."""
    scale: Value[float] = ABSENT
    parts: Value[tuple[str, ...]] = ABSENT
    """The parts of the model that unsloth adapts where it chooses the targets itself, of knowledge.unsloth.PARTS."""
    target_spans: tuple[tuple[str, Span], ...] = ()
    """Where each entry of a `target_modules` list is written, when it is written as a literal: (entry, span) pairs."""
    keys: Mapping[str, str] = field(default_factory=dict)
    reader_unknown: Value[bool] = Known(False, None, "framework-default")
    """Any program may read the settings, key by key: one that is not present already may mean nothing to it."""
    of_saved: bool = False
    """The settings are read from the folder of an adapter, and its weights are not."""

    def key(self, name: str) -> str:
        """The user's spelling of a field: `lora_r` for "rank" in axolotl; PEFT's own name if none was recorded."""
        return self.keys.get(name, {"rank": "r", "alpha": "lora_alpha", "dropout": "lora_dropout"}.get(name, name))


@dataclass(frozen=True)
class OwnModels:
    """What the user states about models, in the settings of the same names.

    `models`: a name or a glob, to a model type, to another name, or to config fields with a `model_type` or a `like`
    (another name). `types`: a model type, to another type, to a folder that `lora-lint learn` wrote, or to the names of
    modules.
    """

    models: Mapping[str, str | Mapping[str, Any]] = field(default_factory=dict)
    types: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class BaseModel:
    """The model that is adapted. `name` is a hub id or a path; `loader` the class or key that loads it
    (`AutoModelForCausalLM`, `FastLanguageModel`, …: decides the head); `quantization` is "4bit", "8bit" or None.
    `architecture` is a transformers model type when the dialect itself names it (torchtune builders)."""

    name: Value[str] = ABSENT
    loader: str | None = None
    quantization: Value[str | None] = ABSENT
    dtype: Value[str | None] = ABSENT
    labels: Value[int | None] = ABSENT
    """The number of labels that a classifier is loaded for; None: the config's."""
    architecture: str | None = None
    own_class: str | None = None
    """The class of the model if the program builds it without a name: one of its own, or torch's."""
    own: OwnModels = OwnModels()
    """What the settings state about models, applied by the engine."""
    transformers: str | None = None
    """The version of transformers that the user states (the `transformers` setting) or the project pins."""
    remote_code: bool = False
    """The program allows code from the model's repository to run instead of the class in transformers."""
    loader_adapts: bool = False
    """The library that loads it also adds the adapter, with targets, refusals and defaults that differ from PEFT's."""
    edited: bool = False
    """The program changes the model's modules before the wrap (a fused layer split by hand…): there may be names that
    the knowledge does not have."""
    revision: Value[str | None] = ABSENT
    """The branch, tag or commit of its repository; None or ABSENT: the default one."""
    subfolder: Value[str] = ABSENT
    """The folder of its repository that it is in; "" or ABSENT: the top one."""
    unwrapped: bool = False
    """PEFT, as a library that the program imports has changed it, adapts the layer inside a module that wraps one."""
    by_type: bool = False
    """transformers chooses its class by its type alone, among those that `loader` has."""
    loaded: Loaded | None = None
    """The modules of the model object itself, in a run that is judged while it runs; its name then decides nothing."""


@dataclass(frozen=True)
class Dataset:
    """What is trained on: `size` in training examples after every cut that was read, `how` says where it came from."""

    name: Value[str] = ABSENT
    size: Value[int] = ABSENT
    how: str = ""
    template: Value[str] = ABSENT
    """The name of the tokenizer whose own chat template writes its conversations, at the place that asks for that."""


@dataclass(frozen=True)
class TrainerSetup:
    """What a program gives a trainer beside its settings, as it is where the trainer is created."""

    whole: tuple[str, ...] = ()
    """Parts of the model beside the adapted one that train in full, at the same rate."""
    replaced: bool = False
    """Another library replaces the trainer by its own of the same name."""
    reference: Span | None = None
    """Where DPO is given a reference model beside the config of an adapter, without being told to use it."""
    formatter: Formatter | None = None
    """A function that makes lists of the rows, which the trainer wants as texts."""
    text_rewards: tuple[TextReward, ...] = ()
    """Reward functions that take completions for texts, where the trainer passes lists of messages."""
    early: EarlyImport | None = None
    """Where the trainer is imported, if that is before the library that replaces it."""
    masked_end: MaskedEnd | None = None
    """The token at the end of each text, which the collator takes for padding."""
    padded_labels: PaddedLabels | None = None
    """Labels with the padding of the texts in them."""
    double_start: DoubleStart | None = None
    """Texts of a chat template that are tokenized with another start token."""
    own_evaluation: bool = False
    """The trainer is a class of the program's own, with methods or names of labels that decide what it measures."""
    flaws: tuple[Flaw, ...] = ()
    """What it is given and cannot work with."""


@dataclass(frozen=True)
class Training:
    """How it is trained. `trainer`: the class, the framework, or "a training loop", for messages. `optimizer` in the
    framework's spelling (`adamw_torch`, `paged_adamw_8bit`, `sgd`, …)."""

    trainer: str | None = None
    method: Method = "unknown"
    optimizer: Value[str] = ABSENT
    learning_rate: Value[float] = ABSENT
    epochs: Value[float] = ABSENT
    max_steps: Value[int] = ABSENT
    batch_size: Value[int] = ABSENT
    accumulation: Value[int] = ABSENT
    warmup: Value[float] = ABSENT
    """The steps in which the rate rises to its height; a share of all steps if it is below 1."""
    schedule: Value[str] = ABSENT
    """How the rate changes, in transformers' spelling (`linear`, `cosine`, `constant`, …)."""
    span: Span | None = None
    unknown_keywords: tuple[UnknownKey, ...] = ()
    """Keyword arguments that the class of training arguments does not accept."""
    checkpointing: Value[bool | None] = ABSENT
    """The trainer switches gradient checkpointing on; None, as transformers has it, is off."""
    reentrant: bool = False
    """It leaves the kind of checkpointing to transformers, or asks for the reentrant kind."""
    by_hand: bool = False
    """A training loop in the program, with its own optimizer: no trainer prepares or saves anything."""
    bare_reference: Value[bool] = ABSENT
    """The reference model of a preference training is the base alone, without the adapter that training starts from."""
    half: Value[bool | None] = ABSENT
    """Autocast computes in float16 (`fp16=True`); None, as transformers has it, is off."""
    loads_best: Value[bool | None] = ABSENT
    """The trainer loads the best checkpoint when it ends; None is off."""
    setup: TrainerSetup = TrainerSetup()
    """What else the program gives its trainer."""
    outdated: tuple[UnknownKey, ...] = ()
    """Keyword arguments that newer releases no longer accept, in whichever file they are."""


@dataclass(frozen=True)
class Formatter:
    """A function that returns a list for each row, and the first release of TRL that fails on it."""

    name: str
    span: Span
    since: Version


@dataclass(frozen=True)
class TextReward:
    """A reward function, and where the trainer is given it."""

    name: str
    span: Span


@dataclass(frozen=True)
class EarlyImport:
    """An import of a library's class, and the library that is imported later and replaces such classes."""

    library: str
    later: str
    span: Span


@dataclass(frozen=True)
class MaskedEnd:
    """A token that ends each text and whose label is masked: where the collator is given, and where the program appends
    the token. `by_default`: TRL before 0.16.0 chooses the collator."""

    span: Span
    written: Span
    by_default: bool = False


@dataclass(frozen=True)
class PaddedLabels:
    """Labels that are copied from padded texts: where, and where the texts are padded."""

    span: Span
    padding: Span


@dataclass(frozen=True)
class DoubleStart:
    """Texts that a chat template has written, where they are tokenized like any other: by the trainer itself, or by
    the program."""

    span: Span
    written: Span
    by_trainer: bool


class Damage(Enum):
    """Why the file of an adapter's weights cannot be loaded."""

    POINTER = "pointer"
    """It is a pointer of Git LFS."""
    CUT_OFF = "cut off"


@dataclass(frozen=True)
class Weights:
    """The saved weights of an adapter, according to the header of their file: names to shapes, and bytes of each
    tensor. `untrained`: there are `lora_B`, and all of them are zero. `other_scales` are the scales in the configs of
    the same training's checkpoints, each with its path."""

    path: str
    shapes: Mapping[str, tuple[int, ...]]
    sizes: Mapping[str, int]
    untrained: bool = False
    other_scales: tuple[tuple[str, float], ...] = ()
    damage: Damage | None = None
    """There is a file, but not one with tensors; then nothing else is known of it."""


class Unserved(Enum):
    """Why a server has no adapter, whatever that is."""

    DISABLED = auto()
    """vLLM is not asked to take adapters."""
    BACKEND = auto()
    """LMDeploy's own engine serves the model, which takes none."""
    UNWRAPPED = auto()
    """unsloth is asked to load it on a model without one."""
    ENGINELESS = auto()
    """unsloth is asked to load it without vLLM's engine."""
    MERGED = auto()
    """It is the folder of a model that ms-swift has merged an adapter into."""
    LATER = auto()
    """vLLM is asked for it while it runs, which its environment does not allow."""
    FILE = auto()
    """The file of its weights is given in place of its folder."""
    WHOLE = auto()
    """A training of all weights has saved a model there."""
    UNASKED = auto()
    """unsloth's vLLM is not asked for it."""
    UNUSED = auto()
    """A program makes the request for it, and gives that to no call."""


@dataclass(frozen=True)
class Serving:
    """What serves or converts a saved adapter; `max_rank` is the highest rank that it accepts, 0 if that is any.
    `as_model`: the adapter is given where the base model belongs."""

    server: Server
    span: Span
    max_rank: Value[int]
    as_model: bool = False
    requantizes: bool = False
    """It merges the adapter into the base model, and quantizes weights that were quantized again."""
    as_file: bool = False
    """It is given the file of the weights, not the adapter's folder."""
    towers: Value[bool] = ABSENT
    """It adapts vision towers too."""
    unserved: Unserved | None = None
    targets: Value[Any] = ABSENT
    """The modules that it keeps adapters for, where a command chooses them."""


@dataclass(frozen=True)
class LeftOut:
    """A trainer that gets a model without an adapter."""

    trainer: str
    span: Span


_FEW_STEPS = 20
_FEW_EXAMPLES = 12
"""The most steps and examples of a smoke test."""


@dataclass(frozen=True)
class Run:
    """One training run: one adapter on one model.

    `framework` is whose spelling it is written in; `span` is the construct that makes the run (the wrap, the
    trainer, the document); `trained` is False when the file shows the adapter is only loaded or merged, None when
    that is not known.
    """

    framework: Framework
    span: Span
    adapter: Adapter
    model: BaseModel = BaseModel()
    dataset: Dataset = Dataset()
    training: Training = Training()
    events: tuple[Event, ...] = ()
    problems: tuple[Problem, ...] = ()
    given: tuple[Given, ...] = ()
    """The framework's settings by its own names: those of the file, or of the objects of a program."""
    recent: tuple[NewKey | NewValue, ...] = ()
    """The keys and values that older releases of its framework do not know."""
    trained: bool | None = None
    unfrozen_patterns: Value[tuple[str, ...]] = ABSENT
    """Regexes of the parameters that alone stay trainable after the wrap (`unfrozen_parameters` of axolotl 0.19.0,
    train.py and utils/freeze.py)."""
    weights: Weights | None = None
    """The saved weights, where a trained adapter's folder is read."""
    serving: Serving | None = None
    saves: tuple[str, ...] = ()
    """The folders that its adapter is saved in, where they are written out."""
    base_saved_by: Span | None = None
    """The run of the project that saves an adapter in the folder which is named as the base model."""
    loads: str | None = None
    """The folder that its adapter is loaded from, where that is written out and another program may have filled it."""
    trained_by: Run | None = None
    """The run that has trained the adapter which this one loads."""
    trained_on: Value[str] = ABSENT
    """The base model that the saved adapter's own config names, where the run loads one that lies in the project."""
    method: str = "LoraConfig"
    """The class of PEFT's config: those of other methods (IA3Config, LoHaConfig …) have no rank, or a different one."""
    saves_otherwise: bool = False
    """The program shows other ways to save weights than those that write the adapter alone."""
    thaws: bool = False
    """The program makes parameters trainable somewhere, perhaps where nothing is followed: in a callback, in a method
    of its own trainer."""
    changeable: bool = False
    """Code that is not followed may change its model or its config: it is given one of them, or patches a library."""
    compares_rates: bool = False
    """It is one of several runs of a program that differ in the learning rate."""
    stops_early: bool = False
    """The program stops when the loss on other examples rises."""
    others: tuple[BaseModel, ...] = ()
    """The other models that the same config is put on."""
    left_out: LeftOut | None = None
    """How the program trains a model without the adapter, whose config nothing uses."""
    settings: Mapping[str, Value[Any]] = field(default_factory=dict)
    """The settings of a method other than LoRA that are given, by its own keywords."""
    gpu_memory: float | None = None
    """GiB of all GPUs together, where the user states it (the `gpu-memory` setting)."""
    task: str | None = None
    """What the run is for, where the user states it (the `task` setting or comment; `settings.TASKS`)."""
    sweep_keeps: SweepKeeps | None = None
    """What the sweep that the run is part of keeps (the `sweep-keeps` setting or comment)."""
    own_names: bool = False
    """The targets are a framework's own names, for modules that transformers builds differently: they are shown, but no
    rule looks at them."""
    config: Span | None = None
    """Where a program builds the adapter's config, possibly in a file that it imports."""
    elsewhere: tuple[str, ...] = ()
    """Settings (`adapter.target_modules`) that only another file decides, where they are judged."""
    launch: Launch = Launch()
    pins: Mapping[str, Pin] = field(default_factory=dict)
    """What the project allows only in versions older than the newest: peft, transformers and trl under a program that
    calls them itself, otherwise the run's own framework."""
    newer: frozenset[str] = frozenset()
    """The frameworks of which the project requires a version newer than the one that the facts are from: what they do
    not know may exist."""
    loads_with: Pin | None = None
    """What keeps the transformers with which a framework loads the model older than the newest."""
    implied: Mapping[str, Pin] = field(default_factory=dict)
    """What the program gives packages, or imports from them, that their newer releases refuse."""

    @property
    def dialect(self) -> str:
        """The name of its framework, as reports show it."""
        return self.framework.name

    @property
    def path(self) -> str:
        return self.span.path

    def before(self, framework: str, version: Version) -> Pin | None:
        """The pin that keeps a framework older than `version`; None if it may be newer, which is assumed."""
        pin = self.pins.get(framework)
        return pin if pin is not None and pin.lacks(version) else None

    def kept_before(self, framework: str, version: Version) -> Pin | None:
        """What keeps a framework older than `version`: a pin, or what the program gives it or imports from it, without
        which newer releases stop it whatever else they do; None if it may be newer."""
        own = self.implied.get(framework)
        return self.before(framework, version) or (own if own is not None and own.lacks(version) else None)

    def below(self, framework: str) -> Version | None:
        """The version that a framework is older than; None: it is the newest."""
        pin = self.pins.get(framework)
        return None if pin is None else pin.below

    def is_smoke_test(self) -> bool:
        """Whether it only shows that the code runs, or what it takes: it is a few steps long, or has a dozen
        examples."""
        trains = [event for event in self.events if isinstance(event, Train)]
        if trains and all(event.single for event in trains):
            return True
        steps, size = known(self.training.max_steps), known(self.dataset.size)
        return (steps is not None and 0 < steps <= _FEW_STEPS) or (size is not None and 0 < size <= _FEW_EXAMPLES)

    def judged(self) -> Run:
        """The run as the rules see it: without what is judged in another file, and without a framework's own names."""
        if not self.elsewhere and not self.own_names:
            return self
        records: dict[str, Any] = {}
        for setting in self.elsewhere:
            record, _, name = setting.partition(".")
            records[record] = replace(records.get(record, getattr(self, record)), **{name: _JUDGED_ELSEWHERE})
        if self.own_names:
            records["adapter"] = replace(records.get("adapter", self.adapter), target_modules=_OWN_NAMES)
        return replace(self, **records)


class SweepKind(Phrased):
    """The construct that makes the runs of a sweep; the phrase completes "in this …"."""

    LOOP = "loop"
    ARRAY = "job array"
    """Of Slurm."""
    COMPREHENSION = "comprehension"
    CALLS = "series of calls"
    """Calls of one helper."""
    CHOICES = "argparse choices"
    """The values that an option accepts: each call of the program picks one."""
    HYDRA = "Hydra multirun"
    OPTUNA = "Optuna study"
    RAY = "Ray Tune search"
    WANDB = "W&B sweep"


@dataclass(frozen=True)
class Sweep:
    """Several runs of one experiment that differ in their settings: a loop, a grid, a search space."""

    kind: SweepKind
    span: Span
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class Started:
    """A program that a configuration file starts several times, as a sweep does, with the options of each call. `span`
    is where the program is named, `sweep_span` where the sweep is."""

    program: SourceFile
    span: Span
    calls: tuple[tuple[Word, ...], ...]
    sweep: SweepKind
    sweep_span: Span


@dataclass(frozen=True)
class Reading:
    """Everything in a file: its runs (those of sweeps included, in order) and the sweeps among them. `recognised` names
    the frameworks whose configuration the file is, whether or not it trains LoRA; `unread` is what was left out because
    of a limit. If the program that is `started` can be followed, its runs count instead of these."""

    runs: tuple[Run, ...] = ()
    sweeps: tuple[Sweep, ...] = ()
    recognised: tuple[str, ...] = ()
    unread: tuple[Unread, ...] = ()
    given: tuple[Given, ...] = ()
    """Settings of frameworks that belong to no run: files that train no LoRA."""
    started: Started | None = None

    def __iter__(self) -> Iterator[Run]:
        return iter(self.runs)

    def mapped(self, change: Callable[[Run], Run]) -> Reading:
        """The same with each run changed, including those in the sweeps."""
        sweeps = (replace(sweep, runs=tuple(map(change, sweep.runs))) for sweep in self.sweeps)
        return replace(self, runs=tuple(map(change, self.runs)), sweeps=tuple(sweeps))


def names_folder(run: Run) -> bool:
    """Whether a framework's training names its base model as a folder, not as a repository on the hub."""
    name = known(run.model.name)
    return bool(run.trained and not run.framework.direct and name and (name[0] in "./" or name.count("/") > 1))


_CHECKPOINT = r"(?:/v\d+-\d[\d-]*)?(?:/checkpoint-\d+)?$"
"""What a trainer adds to the folder that it was given: a checkpoint's name, and in ms-swift one for each start."""


def training_folder(folder: str) -> str:
    """The folder that a training was given, of one that it saves an adapter in."""
    return re.sub(_CHECKPOINT, "", plain_folder(folder))


def is_weights_file(name: str) -> bool:
    """Whether a path is that of a file with weights, not of a folder."""
    return name.endswith((".safetensors", ".npz"))


def plain_folder(folder: str) -> str:
    """A folder's path as `saves` and `loads` of a run have it: others may write it in another way."""
    return folder.removeprefix("./").rstrip("/")
