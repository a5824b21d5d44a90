"""W&B sweep files: `method` and `parameters` over LoRA settings.

Source: docs.wandb.ai/models/sweeps/sweep-config-keys (value, values, distribution with min and max, nested parameters).
"""

from __future__ import annotations

import os
import re
from itertools import islice, product

from lora_lint.frameworks.fields import Fields
from lora_lint.readers.nodes import Mapping, Scalar, Sequence
from lora_lint.readers.unparsed import may_tie_alpha
from lora_lint.run.framework import Framework
from lora_lint.run.run import Adapter, BaseModel, Reading, Run, Started, Sweep, SweepKind, Training
from lora_lint.run.values import ABSENT, Known, Unknown, alternatives, is_number
from lora_lint.unread import Unread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from lora_lint.project import Project
    from lora_lint.readers.nodes import Node
    from lora_lint.run.values import Value
    from lora_lint.source import SourceFile

FRAMEWORK = Framework(
    name="wandb",
    title="W&B",
    source="docs.wandb.ai/models/sweeps/sweep-config-keys",
    keys={"rank": "lora_r", "alpha": "lora_alpha", "use_rslora": "use_rslora"},
    kinds=("yaml", "json"),
    sections=None,
    marks=((b"parameters", b"method"),),
    searches=True,
)
_METHODS = frozenset({"grid", "random", "bayes"})
_SPELLINGS = {
    "rank": ("lora_r", "lora_rank", "peft_r", "r", "rank"),
    "alpha": ("lora_alpha", "peft_alpha", "alpha"),
    "use_rslora": ("use_rslora", "rslora", "peft_use_rslora", "lora_use_rslora"),
}
_LORA = re.compile(r"lora|peft", re.IGNORECASE)
_MODELS = ("model_name_or_path", "base_model", "model_name", "model", "model_id")
_RATES = ("learning_rate", "lr")
_EVEN = frozenset({"int_uniform", "uniform", "q_uniform", "q_log_uniform_values", "log_uniform_values"})
_MAX_RUNS = 64
_Axis: TypeAlias = "tuple[str | None, list[Value[Any]]]"


def recognises(document: Mapping) -> bool:
    """Whether a mapping is a sweep: a tokenizer's file may have these keys too, but not with these values."""
    method, parameters = document.get("method"), document.get("parameters")
    return isinstance(method, Scalar) and method.value in _METHODS and isinstance(parameters, Mapping)


def read(document: Mapping, project: Project) -> Reading:
    """The runs of a sweep over the rank, with what else it sets; none for a sweep over other things."""
    parameters = document.get("parameters")
    assert isinstance(parameters, Mapping)
    flat = dict(_flat(parameters, ""))
    found = {field: _axis(flat, field) for field in _SPELLINGS}
    key, ranks = found["rank"]
    if key is None or not ranks or not all(isinstance(rank, Known) for rank in ranks):
        return Reading()
    if not _LORA.search(" ".join(_texts(document))):
        return Reading()  # the rank of something else
    program = _program(document, project)
    started = None if program is None else _started(document, flat, found, program)
    alphas, switches = found["alpha"][1] or [ABSENT], found["use_rslora"][1]
    if program is not None and may_tie_alpha(program.utf8):
        alphas = [Unknown("the program may tie it to the rank")]
    elif not switches:
        switches = [Known(False, None, "framework-default")]
    keys = {field: name for field, (name, _) in found.items() if name is not None}
    model = BaseModel(_single(flat, _MODELS, Fields.text))
    training = Training(learning_rate=_single(flat, _RATES, Fields.number))
    span = Fields(parameters).span(key.partition(".")[0])
    runs = []
    for rank, alpha, rslora in product(ranks, alphas, switches or [ABSENT]):
        adapter = Adapter(span=rank.span or span, rank=rank, alpha=alpha, use_rslora=rslora, keys=keys)  # type: ignore[union-attr]
        runs.append(Run(FRAMEWORK, span, adapter, model, training=training, trained=True))
        if len(runs) > _MAX_RUNS:
            total = len(ranks) * len(alphas) * len(switches or [ABSENT])
            lost = f"the sweep has {total:,} combinations of ranks and scales, and more than {_MAX_RUNS} are not judged"
            return Reading(unread=(Unread(span.path, "variants", lost),), started=started)
    sweeps = (Sweep(SweepKind.WANDB, span, tuple(runs)),) if len(runs) > 1 else ()
    return Reading(tuple(runs), sweeps, started=started)


def _started(document: Mapping, flat: dict[str, Mapping], found: dict[str, _Axis], program: SourceFile) -> Started:
    """The program of a sweep, with the options of each of its calls.

    An agent calls `python program --key=value …` (docs.wandb.ai/models/sweeps/define-sweep-configuration, `command`).
    """
    from lora_lint.readers.shell import Word

    axes = {key: values for key, values in found.values() if key is not None}
    command = document.get("command")
    fixed: list[Word] = []
    for item in command.items if isinstance(command, Sequence) else ():
        text = item.raw if isinstance(item, Scalar) else ""
        fixed += [Word(text, item.span)] if text.startswith("--") and "$" not in text else []
    for key, node in flat.items():
        if key not in axes:
            value = node.get("value")
            constant = value.raw if isinstance(value, Scalar) else None
            fixed += [Word(f"--{key}", node.span), Word(constant, value.span if value is not None else node.span)]
    span = Fields(document).span("parameters")
    calls = []
    for point in islice(product(*axes.values()), _MAX_RUNS + 1):
        words = list(fixed)
        for key, setting in zip(axes, point, strict=True):
            place = next((each.span for each in alternatives(setting) if each.span), span)
            words += [Word(f"--{key}", place), Word(str(setting.value) if isinstance(setting, Known) else None, place)]
        calls.append(tuple(words))
    return Started(program, Fields(document).span("program"), tuple(calls), SweepKind.WANDB, span)


def _flat(parameters: Mapping, before: str) -> list[tuple[str, Mapping]]:
    """Each parameter by name, nested ones with dots."""
    found: list[tuple[str, Mapping]] = []
    for entry in parameters.entries:
        if isinstance(entry.value, Mapping):
            name, inner = f"{before}{entry.key.value}", entry.value.get("parameters")
            found += _flat(inner, f"{name}.") if isinstance(inner, Mapping) else [(name, entry.value)]
    return found


def _axis(flat: dict[str, Mapping], field: str) -> tuple[str | None, list[Value[Any]]]:
    """The key of one setting, and each value that the sweep gives it; none if the program sets it."""
    key = next(
        (key for name in _SPELLINGS[field] for key in flat if key.rpartition(".")[2].replace("-", "_") == name), None
    )
    if key is None:
        return None, []
    node = flat[key]
    values, distribution = node.get("values"), node.get("distribution")
    if isinstance(values, Sequence):
        return key, [_known(item, field) for item in values.items]
    if node.entry("value") is not None:
        return key, [_known(node.get("value"), field)]
    ends = [node.get("min"), node.get("max")]
    if distribution is None or getattr(distribution, "value", None) in _EVEN:
        return key, [_known(end, field) for end in ends]
    return key, [Unknown("it is drawn from a distribution", node.span)]


def _known(node: Node | None, field: str) -> Value[Any]:
    value = node.value if isinstance(node, Scalar) else None
    if is_number(value):
        value = int(value) if float(value).is_integer() else value
        fits = field == "alpha" or (field == "rank" and isinstance(value, int))
    else:
        fits = isinstance(value, bool) and field == "use_rslora"
    span = node.span if node is not None else None
    return Known(value, span) if fits else Unknown(f"it is not a valid {field}", span)


def _single(flat: dict[str, Mapping], names: tuple[str, ...], typed: Callable[[Fields, str], Value[Any]]) -> Value[Any]:
    """The value of a parameter that is not swept."""
    for name in names:
        if name in flat and isinstance(flat[name].get("value"), Scalar):
            return typed(Fields(flat[name]), "value")
    return ABSENT


def _texts(node: Node) -> list[str]:
    """All keys and strings of a document."""
    if isinstance(node, Scalar):
        return [str(node.value)]
    if isinstance(node, Sequence):
        return [text for item in node.items for text in _texts(item)]
    return [text for entry in node.entries for text in (str(entry.key.value), *_texts(entry.value))]


def _program(document: Mapping, project: Project) -> SourceFile | None:
    """The program that the sweep starts, if it is next to the sweep's file or under the current folder."""
    program = document.get("program")
    name = program.value if isinstance(program, Scalar) else None
    if not isinstance(name, str):
        return None
    for path in (os.path.join(os.path.dirname(document.span.path), name), name):
        source = project.load(path)
        if source is not None:
            return source
    return None
