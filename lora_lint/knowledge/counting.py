"""The number of parameters that PEFT makes trainable. Every function returns None if a size that matters is not
known."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lora_lint.knowledge.index import Index
    from lora_lint.knowledge.modules import Module


def lora_parameters(module: Module, rank: int, *, dora: bool, lora_bias: bool) -> int | None:
    """The parameters that LoRA adds to a module: A and B, B's bias with `lora_bias`, the magnitude vector with DoRA."""
    inputs, outputs = module.inputs, module.outputs
    if not inputs or not outputs or module.own < 0:
        return None
    if module.kind == "MultiheadAttention":
        # The fused q, k and v projection, and out_proj with it.
        return rank * (inputs + 3 * inputs) + rank * 2 * inputs + (4 * inputs if lora_bias else 0)
    extra = outputs * (dora + lora_bias)
    if module.kind.startswith("Conv") and module.kind != "Conv1D":
        kernel = (module.own - module.bias) * module.groups // (inputs * outputs)
        return rank * inputs * kernel + rank // module.groups * outputs + extra
    return rank * (inputs + outputs) + extra


def parameter_lora(shape: tuple[int, ...] | None, rank: int) -> int | None:
    """The parameters that LoRA adds to a 2-D parameter, or to a 3-D one as a LoRA for each expert."""
    if shape is None or len(shape) not in (2, 3) or 0 in shape:
        return None
    experts = shape[0] if len(shape) == 3 else 1
    return rank * experts * (shape[-1] + shape[-2])


def total(sizes: Iterable[int | None]) -> int | None:
    """The sum, None if one of them is None."""
    result = 0
    for size in sizes:
        if size is None:
            return None
        result += size
    return result


def all_biases(index: Index, saved: set[str], tied: Sequence[tuple[str, ...]]) -> int | None:
    """Elements of all parameters named `bias` outside the modules in `saved` (their copies are counted whole)."""
    result = 0
    for module in index.modules:
        if module.own < 0:
            return None
        if module.bias and module.path not in saved:
            result += module.bias
    for group in tied:
        owners = [name.rpartition(".")[0] for name in group if name.endswith(".bias")]
        trained = sum(owner not in saved for owner in owners)
        # A shared tensor is counted once, and not at all if one of its owners is frozen as the original of a copy.
        surplus = trained - 1 if trained == len(owners) else trained
        if surplus > 0 and (first := index.module(owners[0])) is not None:
            result -= surplus * first.bias
    return result


def copied(index: Index, number: int, tied: Sequence[tuple[str, ...]]) -> int | None:
    """Elements of the copy that `modules_to_save` makes of the module at a position; parameters that are one tensor
    inside it stay one in the copy."""
    prefix = f"{index.modules[number].path}."
    result = total(module.own if module.own >= 0 else None for module in index.below(number))
    if result is None:
        return None
    for group in tied:
        inside = [name for name in group if name.startswith(prefix)]
        if len(inside) > 1:
            owner, _, name = inside[0].rpartition(".")
            module = index.module(owner)
            if module is None:
                return None
            result -= (len(inside) - 1) * (module.bias if name == "bias" else module.own - module.bias)
    return result
