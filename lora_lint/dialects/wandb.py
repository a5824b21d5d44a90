"""W&B sweep files: `method` and `parameters` over LoRA settings.

Source: the sweep configuration's documentation (values, value, distribution with min and max).
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from lora_lint.dialects.fields import Fields
from lora_lint.readers.nodes import Mapping, Scalar, Sequence
from lora_lint.run import ABSENT, Adapter, Known, Reading, Run, Sweep, Unknown

if TYPE_CHECKING:
    from lora_lint.project import Project
    from lora_lint.run import Value

NAME = "wandb"
_METHODS = frozenset({"grid", "random", "bayes"})
_SPELLINGS = {
    "rank": ("lora_r", "lora_rank", "r", "rank", "lora.r", "lora.rank"),
    "alpha": ("lora_alpha", "alpha", "lora.alpha", "lora.lora_alpha"),
    "use_rslora": ("use_rslora", "rslora", "lora.use_rslora", "peft_use_rslora"),
}
_MAX_RUNS = 64


def recognises(document: Mapping) -> bool:
    """Whether a mapping is a sweep: a tokenizer's file may have these keys too, but not with these values."""
    method, parameters = document.get("method"), document.get("parameters")
    return isinstance(method, Scalar) and method.value in _METHODS and isinstance(parameters, Mapping)


def read(document: Mapping, project: Project) -> Reading:  # noqa: ARG001
    """The runs of a sweep over the rank, with what else it sets; nothing of a sweep over other things."""
    parameters = document.get("parameters")
    assert isinstance(parameters, Mapping)
    found = {field: _axis(parameters, names) for field, names in _SPELLINGS.items()}
    key, ranks = found["rank"]
    if key is None or not ranks or not all(isinstance(rank, Known) for rank in ranks):
        return Reading()
    keys = {field: name for field, (name, _) in found.items() if name is not None}
    span = Fields(parameters).span(key)
    runs = []
    for rank, alpha, rslora in product(ranks, found["alpha"][1], found["use_rslora"][1]):
        adapter = Adapter(
            span=rank.span or span if isinstance(rank, Known) else span,
            rank=rank,
            alpha=alpha,
            use_rslora=rslora,
            keys=keys,
        )
        runs.append(Run(NAME, span, adapter, trained=True))
        if len(runs) > _MAX_RUNS:
            return Reading()
    return Reading(tuple(runs), (Sweep("W&B sweep", span, tuple(runs)),) if len(runs) > 1 else ())


def _axis(parameters: Mapping, names: tuple[str, ...]) -> tuple[str | None, list[Value[Any]]]:
    """The key of one setting, and each value that the sweep gives it; unknown where the program sets it."""
    key = next((name for name in names if parameters.entry(name) is not None), None)
    node = parameters.get(key) if key is not None else None
    if not isinstance(node, Mapping):
        return None, [ABSENT]
    values = node.get("values")
    if isinstance(values, Sequence):
        return key, [_known(item) for item in values.items]
    if node.entry("value") is not None:
        return key, [_known(node.get("value"))]
    return key, [Unknown("it is drawn from a range", node.span)]


def _known(node: Any) -> Value[Any]:
    if isinstance(node, Scalar) and isinstance(node.value, (bool, int, float)):
        return Known(node.value, node.span)
    return Unknown("it is no number", getattr(node, "span", None))
