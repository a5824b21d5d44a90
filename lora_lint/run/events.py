"""What happens to a run's model object, in program order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from lora_lint.records import dataclass
from lora_lint.run.values import ABSENT

if TYPE_CHECKING:
    from lora_lint.run.values import Value
    from lora_lint.source import Span

DEFAULT_ADAPTER = ("default",)
"""What PEFT and transformers call an adapter that is given no name."""


EventKind = Literal[
    "load",  # the base model is loaded
    "resize",  # its embeddings get rows for new tokens
    "prepare-kbit",  # prepare_model_for_kbit_training
    "wrap",  # get_peft_model, transformers' add_adapter, a trainer that is given a peft_config
    "input-grads",  # enable_input_require_grads: part of what k-bit preparation does
    "checkpoint",  # gradient_checkpointing_enable: another part of it
    "load-adapter",  # PeftModel.from_pretrained and its kin, transformers' load_adapter; `trainable` says is_trainable
    "add-beside",  # PeftModel.add_adapter, add_weighted_adapter: a new adapter that is not active
    "load-beside",  # PeftModel.load_adapter: a loaded one that is not active
    "set-adapter",  # makes adapters the active ones; `trainable` says whether they train then
    "set-requires-grad",  # PeftModel.set_requires_grad
    "enable-adapters",  # enable_adapters, the end of a `with model.disable_adapter()`
    "disable-adapters",
    "delete-adapter",
    "freeze",
    "unfreeze",
    "unwrap",  # unload, merge_and_unload
    "optimizer",  # an optimizer is made by hand on parameters of the model: later unfreezing does not reach it
    "optimizer-of-others",  # one is made on parameters of other models alone
    "train",  # trainer.train(), an optimizer step, …
    "save",  # save_pretrained, the trainer's save_model
]


@dataclass(frozen=True)
class Event:
    """Something that happens to the run's model object, in program order.

    `names` (freeze, unfreeze): fragments of the names of the parameters that are touched, or None for all of them, or
    () for a selection that cannot be read; (resize) the tokens that the program writes out and has added before;
    (unwrap) `("merge_and_unload",)` or `("unload",)`; (checkpoint) `("reentrant",)` where the program does not ask for
    the other kind, which transformers 5 takes anyway.
    `adapters` are the names of the adapters that it concerns, None where they are not known. `wrapped` (wrap,
    load-adapter): the adapter goes onto a PeftModel, and not onto the base model, which PEFT changes in place.
    `integrated`: a method of transformers' own model does it, which differs from PEFT's in what it activates.
    `trainable` is for "load-adapter", "load-beside", "set-adapter" and "set-requires-grad".
    `flag` is the source text of a condition that decides whether it happens at all. `loop` is the span of the
    enclosing loop that repeats it on the same object, if one does.
    """

    kind: EventKind
    span: Span
    names: tuple[str, ...] | None = None
    trainable: Value[bool] = ABSENT
    flag: str | None = None
    loop: Span | None = None
    adapters: tuple[str, ...] | None = DEFAULT_ADAPTER
    wrapped: bool = False
    integrated: bool = False
