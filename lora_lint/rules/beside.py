"""LL606, LL609: adapters that are on one model together, and their effect on each other."""

from __future__ import annotations

from math import sqrt

from lora_lint.finding import Finding, Related
from lora_lint.rules.words import happening, least, names, number
from lora_lint.run.events import AddBeside, DeleteAdapter, LoadBeside, PutBeside, PutOn, TakeOff
from lora_lint.run.values import always, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from lora_lint.run.events import Blend, Making
    from lora_lint.run.run import Run

_CHANGING = {"pissa": "PiSSA", "olora": "OLoRA", "corda": "CorDA"}
"""Initialisations that subtract an adapter's initial value from the base weights (PEFT 0.21.2, tuners/lora/layer.py),
also when a saved adapter is loaded whose config still names them."""
_SLACK = 1.01
_CONVERT = "`save_pretrained(…, path_initial_model_for_weight_conversion=…)`"


def init_changes_base(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL606"""
    there: dict[str, PutOn | PutBeside] = {}
    for event in run.events:
        if isinstance(event, DeleteAdapter):
            there = {name: put for name, put in there.items() if name not in (event.adapters or there)}
        elif isinstance(event, TakeOff):
            there = {}
        elif isinstance(event, PutOn | PutBeside) and not (isinstance(event, AddBeside) and event.blend is not None):
            name = event.adapters[0] if event.adapters else ""
            earlier = [(other, put) for other, put in there.items() if other != name and put.flag == event.flag]
            mover = _method(event.made) or next((found for _, put in earlier if (found := _method(put.made))), None)
            if mover is not None and earlier:
                yield _moved(event, earlier, mover)
                return
            there[name] = event


def _method(made: Making) -> str | None:
    """The initialisation of an adapter, if it changes the base model."""
    start = known(made.init)
    return _CHANGING.get(start.lower().partition("_niter")[0]) if isinstance(start, str) else None


def _moved(event: PutOn | PutBeside, earlier: Sequence[tuple[str, PutOn | PutBeside]], mover: str) -> Finding:
    """Adapters on one model, one of which changes the base weights under the others."""
    if _method(event.made) is not None:
        named = [name for name, _ in earlier if name]
        moved = names(named) if named else "the earlier adapter"
        what = f"{mover} subtracts this adapter's initial value from the base model's weights, so {moved} no "
        what += "longer computes what it was trained to"
        place, says = earlier[0][1].span, "the other adapter is added here"
    else:
        other = next(put for _, put in earlier if _method(put.made))
        what = f"The base model's weights are no longer the original ones: {mover} has subtracted another "
        what += "adapter's initial value from them, so this one works on different weights than "
        what += "it was trained on" if isinstance(event, LoadBeside) else "those it will be loaded on"
        place, says = other.span, f"{mover} changes the base model here"
    message = f"{what}. Give each its own model, or convert the {mover} adapter into a plain one with {_CONVERT}"
    return Finding("LL606", message, event.span, least("likely", happening(event)), None, (Related(place, says),))


def weighted_merge_loses_scale(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL609"""
    there: dict[str, PutOn | PutBeside] = {}
    for event in run.events:
        if isinstance(event, TakeOff) and not isinstance(event, DeleteAdapter):
            there = {}
        elif isinstance(event, AddBeside) and event.blend is not None:
            sources = [there.get(name) for name in event.blend.names or ()]
            first = sources[0] if sources else None
            if first is None:
                continue
            if always(first.made.rslora, True):
                message = _inflated(event.blend, [put.made for put in sources if put is not None], len(sources))
            elif any(put is not None and always(put.made.lora_bias, True) for put in sources):
                message = (
                    "`add_weighted_adapter` combines the matrices of the adapters and leaves out their `lora_bias`: "
                    "even a single adapter at weight 1.0 is not reproduced. Merge them into the base model one by one"
                )
            else:
                continue
            if message is not None:
                related = (Related(first.span, "the adapter that decides its settings is added here"),)
                yield Finding("LL609", message, event.span, least("likely", happening(event, first)), None, related)
                return
        elif isinstance(event, PutOn | PutBeside) and event.adapters:
            there[event.adapters[0]] = event


def _inflated(blend: Blend, made: Sequence[Making], count: int) -> str | None:
    """The problem with a blend that inherits rsLoRA from its first adapter; None if its weights compensate for that.

    Each adapter's scale is already in the matrices, and the blend's alpha is its rank: a scale of 1, or with rsLoRA the
    square root of the rank (PEFT 0.21.2, tuners/lora/model.py).
    """
    rank = _rank_of(blend, made) if len(made) == count else None
    weights = known(blend.weights)
    if rank is not None and weights is not None and sum(map(abs, weights)) * sqrt(rank) <= _SLACK:
        return None
    times = f"{number(round(sqrt(rank), 2))} times too strong (the root of its rank, {rank})" if rank else "too strong"
    return (
        "`add_weighted_adapter` inherits rsLoRA from the first adapter, with alpha equal to the rank: the "
        f"combined adapter is {times}. Divide the weights by the root of its rank, or merge the adapters one by one"
    )


def _rank_of(blend: Blend, made: Sequence[Making]) -> int | None:
    """The rank of a blend; None if it is not known."""
    ranks = [known(each.rank) for each in made]
    kind = "linear" if len(made) == 1 else known(blend.kind)
    sure = [rank for rank in ranks if rank is not None]
    if kind is None or len(sure) < len(ranks) or not sure:
        return None
    if kind == "cat":
        return sum(sure)
    return known(blend.rank) or max(sure) if kind.endswith("svd") else max(sure)
