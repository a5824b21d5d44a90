"""The store: what the followed program does to models, adapter configs, datasets and trainers, as it happens.

Records are frozen. While a program is followed, a model or a config changes in only two ways:

* what happens in order is appended to a `Log` through the machine's journal, which removes what a branch adds and joins
  what branches leave (`Context.happen`, `Context.trains`);
* what counts if it may happen at all is a `Fact` about one record (`Records.note`), which holds from then on, in
  whatever branch it was noted.

So a handler can change nothing about any record but the one it names, and no branch leaks into another.
"""

from __future__ import annotations

from enum import Enum, auto

from lora_lint.interpreter.values import Const, Opaque
from lora_lint.records import TypeVar, dataclass, field
from lora_lint.run.events import Selected
from lora_lint.run.run import TrainerSetup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Literal, TypeAlias

    from lora_lint.interpreter.definitions import Condition, Instance
    from lora_lint.interpreter.state import Step
    from lora_lint.interpreter.values import Arguments, Object, Val
    from lora_lint.project import Project
    from lora_lint.readers.nodes import Mapping
    from lora_lint.run.choices import Case
    from lora_lint.run.events import Event, Selection
    from lora_lint.run.problems import UnknownKey
    from lora_lint.run.run import Method, Unserved
    from lora_lint.run.versions import Pin
    from lora_lint.source import Span
    from lora_lint.unread import Limit

    Role: TypeAlias = Literal["parameters", "modules", "parameter", "module", "name"]

T = TypeVar("T")


@dataclass(frozen=True)
class Happening:
    """One event on a model; its flag and loop are added when the run is known. `conditions` are those that decide
    whether it happens, not on what; `loop` is the loop iteration that the model is older than."""

    event: Event
    conditions: tuple[Condition, ...] = ()
    loop: Step | None = None
    folder: tuple[Val, ...] = ()
    """The folder that an adapter is loaded from, and the subfolder, if they are given."""


class Log(list[T]):
    """The events on one model in program order. The journal removes what a branch adds; when branches join, their
    events follow one after another."""


class Fact(Enum):
    """Something that a program may do to a record on any of its paths."""

    HANDED = auto()
    """The model or the config is given to a function that is not followed, which may change it."""
    EDITED = auto()
    """A module of the model is replaced."""
    UNWRAPPED = auto()
    """PEFT adapts the layer inside a module that wraps one, as another library that the program imports has it."""
    USED = auto()
    """The config is put on a model."""
    WRITTEN = auto()
    """The config is turned into a dict or a file, as in programs that convert checkpoints."""
    BESIDE = auto()
    """The config belongs to a named adapter in addition to the first one on a model: no experiment of its own."""
    ROWS_CHANGED = auto()
    """Rows are added to the table or dropped, in place."""
    OTHER_METHODS = auto()
    """Another library has given the model methods of its own for adapters, under the names of transformers'."""


@dataclass(frozen=True, eq=False)
class ModelRecord:
    """One model object of the program, whatever names it goes by."""

    name: Val
    loader: str | None = None
    quantization: Val | None = None
    dtype: Val | None = None
    trail: tuple[Step, ...] = ()
    events: Log[Happening] = field(default_factory=Log)
    trainings: Log[TrainingRecord] = field(default_factory=Log)
    labels: Val | None = None
    facts: set[Fact] = field(default_factory=set)
    remote_code: bool = False
    own_class: str | None = None
    whole: bool = False
    """Loaded for full fine-tuning, so unsloth puts no adapter on it."""
    loader_adapts: bool = False
    """See run.BaseModel."""
    loading: Arguments | None = None
    """The arguments of the call that loads it."""
    by_type: bool = False
    """See run.BaseModel."""
    gone: tuple[UnknownKey, ...] = ()
    """The arguments of that call which newer releases do not take."""


@dataclass(frozen=True)
class ModelView:
    """A value through which a model is reached: plain, or wrapped by PEFT. `inside`: through an attribute of its
    wrapper. `compiled`: where `torch.compile` created it."""

    record: ModelRecord
    wrapped: bool = False
    inside: bool = False
    compiled: Span | None = None


@dataclass(frozen=True)
class PipelineRecord:
    """A pipeline of diffusers, with the model that denoises: the one that LoRA of images and videos is mostly for."""

    denoiser: Object

    def part(self, name: str) -> Object | None:
        """`pipeline.transformer`, `pipeline.unet`."""
        return self.denoiser if name in DENOISERS else None


DENOISERS = ("transformer", "unet")
"""The arguments and attributes of pipelines that hold their denoising model."""


@dataclass(frozen=True)
class Part:
    """Parameters or modules of a model: all of them, those below `path`, or one of an iteration over them.

    `role`: the plural for collections, the singular for an element, "name" for its name. `selection` is what a
    comprehension kept.
    """

    record: ModelRecord
    role: Role
    path: str | None = None
    named: bool = False
    selection: Selection = Selected.ALL


@dataclass(frozen=True, eq=False)
class ConfigRecord:
    """An adapter config as written: `kind` is the PEFT class name, `defaults` the framework's if they differ from
    PEFT's."""

    kind: str
    span: Span
    trail: tuple[Step, ...]
    conditions: tuple[Condition, ...]
    dialect: str = "peft"
    made_by: str = ""
    """The unsloth class that creates it."""
    of_saved: bool = False
    """It is read from the folder of an adapter."""
    facts: set[Fact] = field(default_factory=set)
    refused: set[Span] = field(default_factory=set)
    """Where it is given to a loader of transformers, which takes none."""


@dataclass(frozen=True)
class DatasetRecord:
    """A dataset, or one split of it: its name, how many examples it has, and how that number is known; not `exact`: a
    filter may leave fewer."""

    name: Val
    size: Val
    how: str = ""
    split: str | None = None
    exact: bool = True
    columns: frozenset[str] | None = None
    """All its columns; None where they are not known."""


@dataclass(frozen=True, eq=False)
class TableRecord:
    """A table of pandas: its name, rows, how their number is known; not `exact`: a condition may leave fewer."""

    name: Val
    size: Val
    how: str = "a local file"
    exact: bool = True
    facts: set[Fact] = field(default_factory=set)


@dataclass(frozen=True, eq=False)
class TrainingRecord:
    """A trainer or a training loop: its class, its arguments object, what it trains on and when it is created."""

    trainer: str
    method: Method
    span: Span
    arguments: Object | None = None
    dataset: Val | None = None
    values: dict[str, Val] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    by_hand: bool = False
    """A training loop in the program, with its own optimizer."""
    pin: Pin | None = None
    """The version of TRL that the trainer's arguments belong to."""
    alone: bool = False
    """It compares the model with a reference, and is given none."""
    gone: tuple[UnknownKey, ...] = ()
    """Its arguments that newer releases do not take."""
    batches: list[Val] = field(default_factory=list)
    """What the program gives to loaders that shuffle, before and after the training is created by hand."""
    setup: TrainerSetup = TrainerSetup()
    bare: bool = False
    """It is a trainer of transformers or TRL, and gets no config for an adapter."""


@dataclass(frozen=True, eq=False)
class RunRecord:
    """An adapter put on a model at one place of the program. `case` holds what callers choose to get there, with what
    the ends of functions before it leave."""

    config: Object
    model: ModelRecord
    span: Span
    trail: tuple[Step, ...]
    conditions: tuple[Condition, ...]
    dialect: str
    case: Case = ()


@dataclass(frozen=True)
class TokenizerRecord:
    """A tokenizer that was given one of unsloth's chat templates, by the template's name."""

    template: Val


@dataclass(frozen=True)
class StartedProgram:
    """Another program that is started: its command, as a list of words or as one text."""

    command: Val
    span: Span
    trail: tuple[Step, ...]


@dataclass(frozen=True)
class ServingEngine:
    """An engine of vLLM in a program, as it is made."""

    arguments: Arguments
    span: Span


@dataclass(frozen=True)
class ServedAdapter:
    """An adapter that vLLM loads in a program, by its folder."""

    folder: Val
    span: Span
    number: Val | None = None
    """Its `lora_int_id`."""
    unserved: Unserved | None = None
    """Why it is not loaded, where that shows in the call."""


@dataclass(frozen=True)
class NewTokens:
    """Literal tokens for a tokenizer, and the conditions that they are under. `unread`: there are others that cannot be
    read. `padding`: tokens for padding alone."""

    tokens: tuple[str, ...]
    conditions: tuple[Condition, ...]
    unread: bool = False
    padding: tuple[str, ...] = ()


class TokenLog(list[NewTokens]):
    """The added tokens, in program order; branches add theirs one after another."""


@dataclass
class Records:
    """Everything collected while one file is followed. `project` holds the other files that may be read.

    Handlers change it by its methods, never by its fields.
    """

    project: Project | None = None
    configs: list[Object] = field(default_factory=list)
    checked: list[tuple[str, Object]] = field(default_factory=list)
    """Configs that create no run, each with the framework whose refusals are known for it."""
    runs: list[RunRecord] = field(default_factory=list)
    models: list[ModelRecord] = field(default_factory=list)
    wandb_space: dict[str, Val] = field(default_factory=dict)
    launches: list[StartedProgram] = field(default_factory=list)
    flags: dict[str, Val] = field(default_factory=dict)
    """The program's flags of absl."""
    environment: dict[str, Val] = field(default_factory=dict)
    """The variables that the program sets: `[NAME]` to values."""
    written: dict[str, Mapping] = field(default_factory=dict)
    """The config files that the program's caller has written, by name."""
    wandb_config: Instance | None = None
    """The config that the program gives to `wandb.init`."""
    tokenizers: list[Val] = field(default_factory=list)
    """The names of the tokenizers that the program loads."""
    engines: list[ServingEngine] = field(default_factory=list)
    served: list[ServedAdapter] = field(default_factory=list)
    batches: list[Val] = field(default_factory=list)
    """The data that goes to loaders which shuffle it, as for training."""
    given: dict[str, Any] | None = None
    """The options that the program is called with, if its caller is known: names without dashes to values."""
    on_pages: dict[str, Any] = field(default_factory=dict)
    """The options that the project's pages give the program, for those that have no default."""
    by_default: bool = False
    """What the callers give counts only where the program has no default of its own."""
    given_all: bool = False
    """The call has no other options than these, so the other options keep their defaults."""
    caller: str | None = None
    """The file of the call, if the program is followed for one."""
    called: tuple[Mapping, bool] | None = None
    """The settings `lora.r=8` that a program under Hydra is called with, and whether it is a multirun."""
    loaded: dict[str, set[tuple[str, Span | None]]] = field(default_factory=dict)
    """The config files that each file of the program loads, each with the call of another file that loads it."""
    config_folder: tuple[str | None, str] | None = None
    """The folder of Hydra's configs, and the file that names it."""
    new_tokens: TokenLog = field(default_factory=TokenLog)
    unread: dict[tuple[Limit, str], None] = field(default_factory=dict)
    """What is not followed because of a limit, as a clause for the user."""
    patched: bool = False
    """A part of a library is replaced, by the program or by something that is not followed."""
    text: bytes = b""
    """The whole program, and its own trainers from other files, where a save checks whether the program may write parts
    of a model in other ways too."""

    def note(self, record: ModelRecord | ConfigRecord | TableRecord, fact: Fact) -> None:
        """Notes what the program may do to one record."""
        record.facts.add(fact)

    def read_too(self, text: bytes) -> None:
        """Adds a part of the program that another file holds."""
        if text not in self.text:
            self.text += b"\n" + text

    def patch(self) -> None:
        """Notes that a part of a library is replaced."""
        self.patched = True

    def refuse(self, config: ConfigRecord, span: Span) -> None:
        """Notes a call that takes no config of an adapter, and is given one."""
        config.refused.add(span)

    def add_model(self, model: ModelRecord) -> None:
        self.models.append(model)

    def add_config(self, config: Object) -> None:
        self.configs.append(config)

    def add_checked(self, framework: str, config: Object) -> None:
        self.checked.append((framework, config))

    def add_run(self, run: RunRecord) -> None:
        self.runs.append(run)

    def add_batches(self, data: Val) -> None:
        self.batches.append(data)

    def add_launch(self, launch: StartedProgram) -> None:
        self.launches.append(launch)

    def add_tokenizer(self, name: Val) -> None:
        self.tokenizers.append(name)

    def add_engine(self, engine: ServingEngine) -> None:
        self.engines.append(engine)

    def add_served(self, adapter: ServedAdapter) -> None:
        self.served.append(adapter)

    def add_training(self, model: ModelRecord, training: TrainingRecord) -> None:
        """Ties a training to a model after the program has been followed; `Context.trains` does so while it is."""
        model.trainings.append(training)

    def find_adapter(self, model: ModelRecord, found: Happening, after: int) -> None:
        """Notes an adapter that a model's loader finds, which is known once the program has been followed."""
        model.events.insert(after, found)

    def search(self, space: dict[str, Val]) -> None:
        """Notes the parameters of a W&B sweep, which `wandb.config` gives from then on."""
        self.wandb_space = space

    def configure(self, config: Instance) -> None:
        """Notes the config of a W&B run, which `wandb.config` gives from then on."""
        self.wandb_config = config

    def compose_from(self, folder: str | None, near: str) -> None:
        """Notes the folder of Hydra's configs, and the file that names it."""
        self.config_folder = (folder, near)

    def leave_unread(self, limit: Limit, detail: str) -> None:
        """Notes what is not followed because of a limit."""
        self.unread[limit, detail] = None

    def takes(self, default: Val | None) -> bool:
        """Whether an option has what the caller gives rather than its default: always in a tree; in a program that is
        named only where the default stands for none, as None, "" and 0 do."""
        if not self.by_default or default is None or isinstance(default, Opaque):
            return True
        value = default.value if isinstance(default, Const) else True
        return value is None or value == "" or (type(value) in (int, float) and value <= 0)

    def from_pages(self, names: Iterable[str], default: Val | None) -> Any:
        """What the project's pages give an option of some names that has no default; None if they give nothing."""
        if not isinstance(default, Opaque) and not (isinstance(default, Const) and default.value is None):
            return None
        return next((self.on_pages[name] for name in names if name in self.on_pages), None)

    def all_models(self) -> list[ModelRecord]:
        """The models of the program, and those that stand for one of several."""
        return [*self.models, *(run.model for run in self.runs)]

    def loads(self, program: str, configs: Iterable[str], call: Span | None = None) -> None:
        """Records that a file of the program loads config files, itself or through a call of another file."""
        self.loaded.setdefault(program, set()).update((config, call) for config in configs)
