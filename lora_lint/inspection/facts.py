"""One run as plain JSON values: everything that was read of it, and what follows from that."""

from __future__ import annotations

import math
from enum import Enum

from lora_lint.run.cases import together
from lora_lint.run.choices import caller
from lora_lint.run.values import ABSENT, Choices, Known, Reason, Unknown, alternatives, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lora_lint.knowledge.matching import Matched
    from lora_lint.knowledge.resolve import Resolved
    from lora_lint.project import Project
    from lora_lint.run.run import Run
    from lora_lint.run.values import Value
    from lora_lint.source import SourceFile

BYTES_ON_DISK = 4
"""Bytes per parameter in a saved adapter: PEFT trains and saves in fp32 by default."""
BYTES_IN_TRAINING = 16
"""Bytes per trainable parameter: fp32 weight, gradient, and Adam's two moments."""

_ADAPTER_FIELDS = (
    "rank",
    "alpha",
    "dropout",
    "target_modules",
    "exclude_modules",
    "target_parameters",
    "layers_to_transform",
    "rank_pattern",
    "alpha_pattern",
    "modules_to_save",
    "use_rslora",
    "use_dora",
    "bias",
    "init_lora_weights",
    "task_type",
)
_COUNTED = ("rank_pattern", "modules_to_save", "use_dora", "bias", "lora_bias", "task_type", "trainable_token_indices")
"""What the number of trainable parameters depends on besides the rank and the targets."""
TRAINING_FIELDS = ("optimizer", "learning_rate", "epochs", "max_steps", "batch_size", "accumulation")
LAUNCH_FIELDS = ("processes", "sharding", "quantizer", "storage", "compute", "placement")


def facts(run: Run, source: SourceFile, project: Project) -> dict[str, Any]:
    """One run as JSON values: `{"value": …}`, `{"choices": […]}` or `{"unknown": "why"}` for each setting. `"cases"`
    says how callers choose each of the choices: "with `--phi`", "" by default, null where that has no name. What
    belongs to the launch also has the file and line that it comes from, as `at`."""
    from lora_lint.knowledge.resolve import resolve

    place = source.locate(run.span)
    resolved = resolve(run.judged() if run.own_names else run)
    parameters = _parameters(run, resolved)
    exact = parameters.get("trainable")
    return {
        "path": place.path,
        "line": place.line,
        "cell": place.cell,
        "dialect": run.dialect,
        "trained": run.trained,
        "task": run.task,
        "model": _model(run, resolved),
        "method": run.method,
        "adapter": {name: _value(getattr(run.adapter, name)) for name in _ADAPTER_FIELDS},
        "scale": _scale(run),
        "modules": _modules(resolved),
        "unmatched": sorted({entry for case in resolved.cases[:1] for entry in case.match.unmatched}),
        "parameters": parameters,
        "bytes": None
        if exact is None
        else {"adapter": exact * BYTES_ON_DISK, "training_state": exact * BYTES_IN_TRAINING},
        "dataset": {
            "name": _value(run.dataset.name),
            "size": _value(run.dataset.size),
            "how": run.dataset.how,
        },
        "training": {
            "trainer": run.training.trainer,
            "method": run.training.method,
            **{name: _value(getattr(run.training, name)) for name in TRAINING_FIELDS},
        },
        "launch": {
            name: _value(value) | _written_at(value, source, project)
            for name in LAUNCH_FIELDS
            if (value := getattr(run.launch, name)) is not ABSENT
        },
    }


def _written_at(value: Value[Any], source: SourceFile, project: Project) -> dict[str, Any]:
    """The file and line that a value comes from."""
    span = (value.written or value.span) if isinstance(value, Known) else None
    if span is None:
        return {}
    other = source if span.path == source.path else project.load(span.path)
    if other is None:
        return {"at": span.path}
    place = other.locate(span)
    cell = "" if place.cell is None else f"cell {place.cell}:"
    return {"at": f"{place.path}:{cell}{place.line}"}


def _value(value: Value[Any]) -> dict[str, Any]:
    if isinstance(value, Known):
        return {"value": _plain(value.value), "origin": value.origin}
    if isinstance(value, Choices):
        said = [caller(option.under) for option in value.options]
        cases = {"cases": said} if any(said) else {}
        return {"choices": [_plain(option.value) for option in value.options]} | cases
    whether_given = {} if value.reason is not Reason.NOT_GIVEN else {"given": False}
    return {"unknown": value.why} | whether_given


def _plain(value: Any) -> Any:
    """A value in its JSON form."""
    if isinstance(value, tuple | list | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _scale(run: Run) -> dict[str, Any]:
    """The factor on the adapter's output: alpha / r, or alpha / sqrt(r) with rsLoRA."""
    adapter = run.adapter
    if alternatives(adapter.scale):
        return _value(adapter.scale) | {"formula": "as given"}
    for value, name in ((adapter.rank, "rank"), (adapter.alpha, "alpha"), (adapter.use_rslora, "rslora")):
        if isinstance(value, Unknown):
            return {"unknown": f"{adapter.key(name)} is not known: {value.why}"}
    scales: dict[float, str] = {}
    for rank, alpha, rslora in together(adapter.rank, adapter.alpha, adapter.use_rslora):
        if _number(rank.value) and _number(alpha.value) and rank.value > 0:
            root = math.sqrt(rank.value) if rslora.value else rank.value
            scales[alpha.value / root] = "alpha / sqrt(r)" if rslora.value else "alpha / r"
    if not scales:
        return {"unknown": "rank or alpha is not a finite number"}
    if len(scales) == 1:
        [(scale, formula)] = scales.items()
        return {"value": scale, "formula": formula}
    return {"choices": sorted(scales)}


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _model(run: Run, resolved: Resolved) -> dict[str, Any]:
    model = resolved.model
    facts: dict[str, Any] = {
        "name": _value(run.model.name),
        "class": run.model.own_class,
        "loader": run.model.loader,
        "quantization": _value(run.model.quantization),
        "dtype": _value(run.model.dtype),
    }
    if model is not None:
        facts |= {
            "type": model.model_type,
            "how": model.how.phrase,
            "source": model.source,
            "confidence": model.confidence,
            "complete": model.complete,
        }
    return facts


def _modules(resolved: Resolved) -> list[dict[str, Any]]:
    """The matched modules of the first case, grouped by name and shape. If some dimension of the model is not known,
    the names alone: the shapes would be those of its class's defaults."""
    groups: dict[tuple[str, int, int, int | None], int] = {}
    for case in resolved.cases[:1]:
        if not case.exact:
            names = dict.fromkeys(_name(module) for module in case.match.modules)
            return [{"name": name, "inputs": None, "outputs": None, "rank": None, "count": None} for name in names]
        for module in case.match.modules:
            key = (_name(module), module.inputs, module.outputs, module.rank)
            groups[key] = groups.get(key, 0) + 1
    return [
        {"name": name, "inputs": inputs, "outputs": outputs, "rank": rank, "count": count}
        for (name, inputs, outputs, rank), count in groups.items()
    ]


def _name(module: Matched) -> str:
    return module.path.rpartition(".")[2] + (f".{module.parameter}" if module.parameter else "")


def _parameters(run: Run, resolved: Resolved) -> dict[str, Any]:
    """The exact number of trainable parameters, or why it is not known; with that of the whole model where it
    is known."""
    rank = run.adapter.rank if run.method == "LoraConfig" else Known(0)
    if isinstance(rank, Unknown):
        return {"unknown": f"{run.adapter.key('rank')} is not known: {rank.why}"}
    if not resolved.cases:
        return {"unknown": resolved.why or "the modules of the model are not known"}
    if known(rank) is None:
        return {"unknown": f"{run.adapter.key('rank')} has several values"}
    counts = {case.parameters for case in resolved.cases}
    if None in counts and run.method != "LoraConfig" and all(case.exact for case in resolved.cases):
        return {"unknown": f"the parameters of {run.method} are not counted under these settings"}
    open_settings = [run.adapter.key(name) for name in _COUNTED if not isinstance(getattr(run.adapter, name), Known)]
    if None in counts and open_settings and all(case.exact for case in resolved.cases):
        from lora_lint.rules.words import listed

        return {"unknown": f"{listed(open_settings)} {'is' if len(open_settings) == 1 else 'are'} not known"}
    if None in counts:
        kinds = {case.model.model_type for case in resolved.cases if case.parameters is None}
        return {"unknown": f"not every dimension of the {' or '.join(sorted(kinds))} model is known"}
    if len(counts) != 1:
        return {"unknown": "it differs between the possible models or targets"}
    trainable = counts.pop()
    assert trainable is not None
    total = resolved.total
    return {"trainable": trainable} | ({"model": total, "share": trainable / total} if total else {})
