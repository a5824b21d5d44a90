"""The dtypes of a model and of its adapters, as events that lead to them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from lora_lint.run import events

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.guarding.places import Places
    from lora_lint.guarding.state import State
    from lora_lint.run.events import Event


def dtype_name(model: Any, state: State) -> str | None:
    """The dtype of most of the base model's parameters: "bfloat16"; None if it has none."""
    own = state.own_ids
    kinds: Counter[str] = Counter()
    for each in model.parameters():
        if id(each) not in own and each.is_floating_point():
            kinds[str(each.dtype).removeprefix("torch.")] += each.numel()
    return kinds.most_common(1)[0][0] if kinds else None


def dtype_events(model: Any, state: State, places: Places) -> Iterator[Event]:
    """The casts after the wrap: an adapter is float16 on another base, or copies of modules are not on a float16
    one."""
    if state.half and not state.base_half:
        yield events.Halve(places.wrap)
    elif state.base_half and not state.half and (state.integrated or _copies_are_cast(model)):
        yield events.Cast(places.wrap)


def _copies_are_cast(model: Any) -> bool:
    """Whether the copies of saved modules that train have another dtype than the float16 of the base model."""
    copies = [each for name, each in model.named_parameters() if ".modules_to_save." in name and each.requires_grad]
    return bool(copies) and not any(str(each.dtype) == "torch.float16" for each in copies)
