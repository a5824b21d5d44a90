"""What only a live run shows, beside what the rules find in its record: under the codes of the rules that it belongs
to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lora_lint.finding import Finding
from lora_lint.guarding.adapters import configured_scale
from lora_lint.guarding.modules import base_of, is_checkpointing, is_nested
from lora_lint.rules.life import NESTED
from lora_lint.rules.words import names, number, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from lora_lint.guarding.places import Places
    from lora_lint.guarding.state import State
    from lora_lint.guarding.subject import Subject

_SHOWN = 3
_SLACK = 1e-6


def live_findings(subject: Subject, state: State, places: Places) -> Iterator[Finding]:
    """The findings that no record of a run can show."""
    yield from _of_nesting(subject, places)
    yield from _of_optimizer(state, places)
    yield from _of_scales(state, places)
    yield from _without_input_gradient(subject, state, places)


def _of_nesting(subject: Subject, places: Places) -> Iterator[Finding]:
    """LL414: a PeftModel in a PeftModel."""
    if not is_nested(subject.model):
        return
    yield Finding("LL414", NESTED, places.wrap)


def _of_optimizer(state: State, places: Places) -> Iterator[Finding]:
    """LL417: adapter parameters that the optimizer lacks, where it has others; and those that it has twice."""
    held = state.optimizer
    total = sum(each.requires_grad for adapter in state.adapters for each in adapter.parameters.values())
    if held.missing and not held.before_the_wrap:
        message = (
            f"{len(held.missing)} of the adapter's {plural(total, 'trainable parameter')} are not in the optimizer "
            f"({some(held.missing)}): no step changes them. Create the optimizer after the last adapter is added, from "
            "all parameters that require a gradient"
        )
        yield Finding("LL417", message, places.optimizer)
    if held.twice:
        message = (
            f"The optimizer has {plural(len(held.twice), 'parameter')} of the adapter more than once "
            f"({some(held.twice)}): each step changes them several times. Give each parameter to one group"
        )
        yield Finding("LL417", message, places.optimizer)


def _of_scales(state: State, places: Places) -> Iterator[Finding]:
    """LL705: layers whose scale is not the one that the adapter's config gives."""
    for adapter in state.trainees:
        if not hasattr(adapter.config, "use_rslora"):
            continue  # another method than LoRA
        wrong = {
            path: (scale, meant)
            for path, scale in adapter.scales.items()
            if abs(scale - (meant := configured_scale(adapter.config, path))) > _SLACK * abs(meant)
        }
        if not wrong:
            continue
        path, (scale, meant) = next(iter(wrong.items()))
        message = (
            f"{plural(len(wrong), 'adapted layer')} of `{adapter.name}` {'has' if len(wrong) == 1 else 'have'} another "
            f"scale than the adapter's config gives: {number(scale)} in `{path}`, and {number(meant)} by the config, "
            "which is what is saved. Loaded again, the adapter works with another strength than it was trained with. "
            "Set `lora_alpha` to what is meant, and leave the layers alone"
        )
        yield Finding("LL705", message, places.wrap)


def _without_input_gradient(subject: Subject, state: State, places: Places) -> Iterator[Finding]:
    """LL411: reentrant checkpointing of layers whose input requires no gradient."""
    base = base_of(subject.model)
    if not is_checkpointing(base) or not any(map(_is_reentrant, base.modules())):
        return
    inputs = base.get_input_embeddings() if hasattr(base, "get_input_embeddings") else None
    if inputs is None or getattr(base, "_require_grads_hook", None) is not None or inputs._forward_hooks:
        return
    if any(each.requires_grad for each in inputs.parameters()) or not any(each.trains for each in state.adapters):
        return
    message = (
        "Gradient checkpointing is reentrant, and the embeddings are frozen: no input of a layer requires a gradient, "
        "and the first `backward()` raises a RuntimeError (element 0 of tensors does not require grad). Call "
        "`model.enable_input_require_grads()` before the training, or set "
        '`gradient_checkpointing_kwargs={"use_reentrant": False}`'
    )
    yield Finding("LL411", message, places.wrap)


def _is_reentrant(module: Any) -> bool:
    if not getattr(module, "gradient_checkpointing", False):
        return False
    keywords = getattr(getattr(module, "_gradient_checkpointing_func", None), "keywords", None) or {}
    return keywords.get("use_reentrant") is True


def some(parameters: Sequence[str]) -> str:
    """The first names of some parameters, without the wrap's prefix."""
    shown = [name.removeprefix("base_model.model.") for name in parameters[:_SHOWN]]
    more = len(parameters) - len(shown)
    return names(shown) + (f" and {more} more" if more > 0 else "")
