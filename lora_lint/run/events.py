"""Events on a run's model object, in program order."""

from __future__ import annotations

from enum import Enum, auto

from lora_lint.records import dataclass, field
from lora_lint.run.values import ABSENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn, TypeAlias

    from lora_lint.run.values import Value
    from lora_lint.source import Span

DEFAULT_ADAPTER = ("default",)
"""The name that PEFT and transformers give an adapter by default."""


class Selected(Enum):
    """A selection of parameters that is not made by fragments of their names."""

    ALL = auto()
    UNREADABLE = auto()
    """Some parameters; which ones cannot be read."""


@dataclass(frozen=True)
class Fragments:
    """The parameters whose names contain one of these fragments. `by_state`: those that require a gradient were chosen,
    which are these if nothing else was made trainable."""

    names: tuple[str, ...]
    by_state: bool = field(default=False, compare=False)


INPUT_EMBEDDINGS = "get_input_embeddings()"
OUTPUT_EMBEDDINGS = "get_output_embeddings()"
"""In place of a name: the parameters of the module that this method returns, which each kind of model names itself."""
Selection: TypeAlias = Selected | Fragments
"""The parameters that a statement freezes or unfreezes."""


@dataclass(frozen=True)
class _Occurrence:
    """What all events have. `flag` is the source text of a condition that decides whether the event happens at all;
    `loop` is the span of the enclosing loop that repeats it on the same object, if there is one."""

    span: Span
    flag: str | None = None
    loop: Span | None = None


@dataclass(frozen=True)
class Load(_Occurrence):
    """The base model is loaded."""


@dataclass(frozen=True)
class Resize(_Occurrence):
    """The embeddings are resized for new tokens: `tokens` are those written out, as far as they can be read; `unread`:
    the program also computes others. `padding`: tokens for padding alone, which are new if the vocabulary has none."""

    tokens: tuple[str, ...] = ()
    unread: bool = False
    padding: tuple[str, ...] = ()


@dataclass(frozen=True)
class PrepareKbit(_Occurrence):
    """`prepare_model_for_kbit_training`."""


@dataclass(frozen=True)
class EnableInputGrads(_Occurrence):
    """`enable_input_require_grads`, one part of k-bit preparation. `hooked`: a hook of the program's own does it, for
    whichever module."""

    hooked: bool = False


@dataclass(frozen=True)
class EnableCheckpointing(_Occurrence):
    """`gradient_checkpointing_enable`, another part of it. `reentrant`: the program does not ask for the non-reentrant
    kind, which transformers 5 uses anyway."""

    reentrant: bool = False


@dataclass(frozen=True)
class Cast(_Occurrence):
    """The model, or a part of it, is cast to another dtype, or to one that is not known."""


@dataclass(frozen=True)
class Halve(_Occurrence):
    """The whole model is cast to float16."""


@dataclass(frozen=True)
class OfAdapters(_Occurrence):
    """An event on adapters: `adapters` are their names, None where they are not known."""

    adapters: tuple[str, ...] | None = DEFAULT_ADAPTER


@dataclass(frozen=True)
class Making:
    """The settings of an adapter on a model, as far as a program or a saved config shows them."""

    init: Value[bool | str] = ABSENT
    rslora: Value[bool] = ABSENT
    lora_bias: Value[bool] = ABSENT
    rank: Value[int] = ABSENT


@dataclass(frozen=True)
class _PutOn(OfAdapters):
    """An adapter is put on the model and is the only active one.

    `trainable`: whether it then trains, ABSENT where the program leaves that to the framework. `wrapped`: the model is
    a PeftModel already, rather than the base model, which PEFT changes in place. `integrated`: a method of
    transformers' own model does it, which activates different adapters than PEFT's. `compiled`: where `torch.compile`
    has produced the module that the adapter goes onto. `autocast`: whether PEFT casts an adapter in float16 or bfloat16
    to float32, its default.
    """

    trainable: Value[bool] = ABSENT
    wrapped: bool = False
    integrated: bool = False
    compiled: Span | None = None
    autocast: Value[bool] = ABSENT
    made: Making = Making()


@dataclass(frozen=True)
class Wrap(_PutOn):
    """A new adapter: `get_peft_model`, transformers' `add_adapter`, a trainer with a `peft_config`. `guarded`: the
    program first checks whether the model has one. `prompts`: it learns prompts, and leaves the layers alone.
    `unprepared`: its initialisation needs a function of PEFT that neither the program nor any around it names."""

    guarded: bool = False
    prompts: bool = False
    unprepared: bool = False


@dataclass(frozen=True)
class LoadAdapter(_PutOn):
    """A saved adapter: `PeftModel.from_pretrained` and its relatives, transformers' `load_adapter`. `found`: the loader
    of the base model finds it in the folder that it is given, and freezes it."""

    found: bool = False


@dataclass(frozen=True)
class _PutBeside(OfAdapters):
    """An adapter is added to those that a PeftModel has, and is not active. `may_switch`: the program's text mentions
    ways to activate adapters, which it may use where it is not followed."""

    may_switch: bool = False
    made: Making = Making()


@dataclass(frozen=True)
class Blend:
    """How `add_weighted_adapter` builds an adapter from others: their names in order, None where they are not known,
    its `combination_type` and its `svd_rank`."""

    names: tuple[str, ...] | None
    weights: Value[tuple[float, ...]]
    kind: Value[str]
    rank: Value[int | None]


@dataclass(frozen=True)
class AddBeside(_PutBeside):
    """`PeftModel.add_adapter`: a new adapter. `blend`: `add_weighted_adapter` builds it from others."""

    blend: Blend | None = None


@dataclass(frozen=True)
class LoadBeside(_PutBeside):
    """`PeftModel.load_adapter`: a saved adapter."""

    trainable: Value[bool] = ABSENT


@dataclass(frozen=True)
class SetWeights(_Occurrence):
    """The weights of a model or of its adapter are replaced: `set_peft_model_state_dict`, `load_state_dict`."""


@dataclass(frozen=True)
class SetAdapter(OfAdapters):
    """The adapters become the active ones; `trainable` says whether they then train."""

    trainable: Value[bool] = ABSENT


@dataclass(frozen=True)
class SetRequiresGrad(OfAdapters):
    """`PeftModel.set_requires_grad`."""

    trainable: Value[bool] = ABSENT


@dataclass(frozen=True)
class EnableAdapters(_Occurrence):
    """`enable_adapters`, the end of a `with model.disable_adapter()`."""


@dataclass(frozen=True)
class DisableAdapters(_Occurrence):
    """`disable_adapters`."""


@dataclass(frozen=True)
class DeleteAdapter(OfAdapters):
    """`delete_adapter`."""


@dataclass(frozen=True)
class Freeze(_Occurrence):
    """Parameters are frozen: where it cannot be read which, all except those whose names contain one of the fragments
    in `spares`, if these are known."""

    selection: Selection = Selected.ALL
    spares: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unfreeze(_Occurrence):
    """Parameters become trainable. `asked`: only where an option is given another value than its default."""

    selection: Selection = Selected.ALL
    asked: bool = False


@dataclass(frozen=True)
class Unwrap(_Occurrence):
    """The adapters are removed: `unload`, or `merge_and_unload`, which `merges` them into the base model. `unties`: the
    program's text mentions the setting that ties embeddings."""

    merges: bool = False
    unties: bool = False


@dataclass(frozen=True)
class SaveMerged(_Occurrence):
    """The base model is saved with the adapters merged into its weights; the model itself keeps them apart."""


@dataclass(frozen=True)
class MakeOptimizer(_Occurrence):
    """The program creates an optimizer on parameters of the model: later unfreezing does not reach it. `sure`: they are
    certainly this model's. `adapter_alone`: they are chosen by the names of the adapter's."""

    sure: bool = True
    adapter_alone: bool = False


@dataclass(frozen=True)
class MakeOtherOptimizer(_Occurrence):
    """The program creates an optimizer on parameters of other models alone."""


@dataclass(frozen=True)
class Train(_Occurrence):
    """`trainer.train()`, an optimizer step … `resumes`: it goes on from a checkpoint of the trainer. `single`: one step
    in no loop."""

    resumes: Value[bool] = ABSENT
    single: bool = False


@dataclass(frozen=True)
class MaskLabels(_Occurrence):
    """Only what follows a marker in the text is trained: unsloth's `train_on_responses_only`. `marker` stands before an
    answer; `template` is the name of the chat template that the tokenizer was given."""

    marker: Value[str] = ABSENT
    template: Value[str] = ABSENT


@dataclass(frozen=True)
class Answer(_Occurrence):
    """The model is asked for answers: `generate`, `trainer.evaluate()`, a pipeline. `only`: the program's text holds no
    other way to train it, or to give it weights."""

    only: bool = False


@dataclass(frozen=True)
class Save(_Occurrence):
    """`save_pretrained`, `push_to_hub`, the trainer's `save_model`. `adapter_alone`: nothing else of the model is
    saved. `wrapped`: a PeftModel saves, which writes the weights of its adapters. `converted`: an adapter that started
    from the base model's weights is saved as a plain one. `gathered`: by something that may collect what the processes
    hold of each weight: a trainer, which is `by_trainer`, or the program itself, for a state dict. `as_merged`: the
    name of the folder says that the adapter is merged, while the program names no way to merge one."""

    adapter_alone: bool = False
    wrapped: bool = False
    converted: bool = False
    gathered: bool = False
    by_trainer: bool = False
    as_merged: bool = False


PutOn: TypeAlias = Wrap | LoadAdapter
"""An adapter is put on the model."""
PutBeside: TypeAlias = AddBeside | LoadBeside
"""An adapter is added to those that a PeftModel has."""
TakeOff: TypeAlias = Load | Unwrap | DeleteAdapter
"""Events that leave a model without the adapter that was put on it."""
Event: TypeAlias = (
    Load
    | Resize
    | PrepareKbit
    | EnableInputGrads
    | EnableCheckpointing
    | Cast
    | Halve
    | Wrap
    | LoadAdapter
    | AddBeside
    | LoadBeside
    | SetWeights
    | SetAdapter
    | SetRequiresGrad
    | EnableAdapters
    | DisableAdapters
    | DeleteAdapter
    | Freeze
    | Unfreeze
    | Unwrap
    | MakeOptimizer
    | MakeOtherOptimizer
    | Train
    | MaskLabels
    | Answer
    | Save
    | SaveMerged
)
"""Any event on the run's model object."""


def assert_never(event: NoReturn) -> NoReturn:
    """Marks that every kind of event has been handled: a type checker reports a missing one (typing.assert_never, which
    Python 3.10 lacks)."""
    raise AssertionError(f"unhandled: {event!r}")
