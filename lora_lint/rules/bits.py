"""LL804, LL805: what an adapter needs from a base model whose weights bitsandbytes has packed."""

from __future__ import annotations

from enum import Enum, auto

from lora_lint.finding import Add, Finding, Fix, Related, Write
from lora_lint.knowledge import versions
from lora_lint.rules.changes import drop_given
from lora_lint.rules.heads import SAVED_BY_TASK
from lora_lint.rules.reached import cases_of, model_place, sureness
from lora_lint.rules.refusals import refused_combination
from lora_lint.rules.words import least, names, place, resting, setting
from lora_lint.run.launch import Quantizer
from lora_lint.run.values import ABSENT, Known, alternatives, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from lora_lint.finding import Change
    from lora_lint.knowledge.resolve import Case
    from lora_lint.run.run import Run

_PACKED: frozenset[str | None] = frozenset({"4bit", "8bit"})
_CHECKED = ("pissa", "corda")
"""Initialisations that check the dtype of the base weights first (PEFT 0.21.2, tuners/lora/layer.py)."""
_TEXTS = {
    "loftq": (
        "LoftQ quantizes the weights itself, and treats the packed integers as weights: the shapes or values that it "
        "computes are wrong"
    ),
    "orthogonal": "its matrices get the integer dtype of the packed weights, and PyTorch raises a RuntimeError",
}


def init_needs_full_weights(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:
    """LL805"""
    adapter, start = run.adapter, run.adapter.init_lora_weights
    bits = {each.value for each in alternatives(run.model.quantization)}
    if run.trained is False or run.method != "LoraConfig" or not bits or not bits <= _PACKED:
        return
    given = {each.value.lower() for each in alternatives(start) if isinstance(each.value, str)}
    name = given.pop() if len(given) == 1 and isinstance(start, Known) else ""
    harm = _harm(name, run)
    if harm is None or any(
        found.span == place(start, otherwise=adapter.span) for found in refused_combination(run, options)
    ):
        return
    key = adapter.key("init_lora_weights")
    loaded = " or ".join(sorted(map(str, bits)))
    remedy = "Load the base model unquantized, or leave the initialisation at its default"
    if name == "loftq":
        remedy += (
            "; on a quantized base, PEFT's `replace_lora_weights_loftq(model)` after the wrap does what LoftQ is for"
        )
    message = (
        f"{setting(key, repr(name))} computes from the base model's weights, but the model is in {loaded}: {harm}. "
        f"{remedy}"
    )
    where = place(run.model.quantization, otherwise=adapter.span)
    related = (Related(where, "the base model is quantized here"),) if where != adapter.span else ()
    changes: tuple[Change, ...] = tuple(Write(each.span, True) for each in alternatives(start) if each.span is not None)
    idle = drop_given(run, f"{name}_config") if changes else ()
    without = f", and drop {name}_config" if idle else ""
    fix = Fix("unsafe", f"Start from PEFT's default initialisation{without}", (*changes, *idle))
    yield resting("LL805", message, start, run.model.quantization, otherwise=adapter.span, related=related, fix=fix)


def _harm(name: str, run: Run) -> str | None:
    """What happens with an initialisation from packed weights; None if it can use them (OLoRA and EVA can)."""
    if name == "loftq" and run.framework.refuses_loftq:
        return f"{run.framework.title} raises a ValueError"
    if name.startswith(_CHECKED):
        return "PEFT raises a TypeError once the model is loaded"
    return _TEXTS.get(name)


def saved_module_quantized(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL804"""
    adapter, launch = run.adapter, run.launch
    if run.trained is False or run.model.edited or not isinstance(adapter.modules_to_save, Known):
        return
    if not _packs_whole_numbers(run) or launch.kept is not ABSENT:
        return
    resolved, cases = cases_of(run)
    if not cases or not all(case.sure_head for case in cases):
        return
    task = known(adapter.task_type) or ""
    saved = (*(adapter.modules_to_save.value or ()), *SAVED_BY_TASK.get(task, ()))
    sparing = _sparing(run)
    found = [list(dict.fromkeys(_packed(case, saved, sparing))) for case in cases]
    if not found or not all(found):
        return
    case, paths = cases[0], found[0]
    it = "them" if len(paths) > 1 else "it"
    by = adapter.key("modules_to_save" if adapter.modules_to_save.value else "task_type")
    output = case.built.beside.output_embedding
    skipped = [*paths, *([output] if output and output not in paths else [])]
    message = (
        f"`{by}` trains {names(paths)} of {case.built.architecture.class_name} in full, but bitsandbytes has packed "
        f"{it} into integers ({known(run.model.quantization)}{_only_since(case, saved, sparing, paths)}): the wrap "
        "raises a RuntimeError (only Tensors of floating point dtype can require gradients) once the model is loaded. "
        f"Keep {it} out of the quantization: "
        f"`llm_int8_skip_modules={skipped}` in BitsAndBytesConfig"
    )
    config = launch.quantizer.span if isinstance(launch.quantizer, Known) else None
    changes = (Add(config, "llm_int8_skip_modules", skipped),) if config is not None else ()
    fix = Fix("unsafe", f"Leave {names(paths)} unquantized", changes)
    yield resting(
        *("LL804", message, adapter.modules_to_save),
        otherwise=adapter.span,
        doubt=least("likely", sureness(run, resolved)),
        related=model_place(run, case.name, case.model),
        fix=fix,
    )


def _packs_whole_numbers(run: Run) -> bool:
    """Whether the base model is loaded by bitsandbytes, with weights that are stored as integers."""
    bits, launch = known(run.model.quantization), run.launch
    if bits not in _PACKED or not run.framework.direct:
        return False
    if launch.quantizer is not ABSENT and known(launch.quantizer) is not Quantizer.BITSANDBYTES:
        return False
    return bits == "8bit" or launch.storage is ABSENT or known(launch.storage) == "uint8"


class _Sparing(Enum):
    """Which module the releases of transformers leave unpacked beside the output embedding and what is tied to it."""

    WEIGHT = auto()
    """That of the last parameter, if it is a weight (5.0.0 to 5.23.0, quantizers/base.py)."""
    LAST = auto()
    """That of the last parameter (4.40.0 to 4.57.6, integrations/bitsandbytes.py)."""
    ALIKE = auto()
    """And each module with its name in its own, as `pre_classifier` has `classifier` (4.28.0 to 4.39.0); 4.31.0 takes
    the last of the model's children for it."""


def _sparing(run: Run) -> _Sparing:
    """What the newest release does that the project allows and the program can be run with."""
    if run.before("transformers", versions.SKIPPED_BY_WHOLE_NAME) is not None:
        return _Sparing.ALIKE
    old = run.kept_before("transformers", versions.HEAD_OF_LAST_PARAMETER) is not None
    return _Sparing.LAST if old else _Sparing.WEIGHT


def _only_since(case: Case, saved: Iterable[str], sparing: _Sparing, paths: list[str]) -> str:
    """Which of the packed modules the releases before leave as they are, where nothing asks for one of those."""
    if sparing is not _Sparing.WEIGHT:
        return ""
    before = set(_packed(case, saved, _Sparing.LAST))
    new = [path for path in paths if path not in before]
    since = f"since transformers {versions.named(versions.HEAD_OF_LAST_PARAMETER)}"
    return "" if not new else f", {since}" if new == paths else f"; {names(new)} {since}"


def _packed(case: Case, saved: Iterable[str], sparing: _Sparing) -> Iterator[str]:
    """The modules that are copied in full and are, or contain, a linear layer that transformers lets bitsandbytes
    pack."""
    endings = tuple(saved)
    left = {case.built.beside.output_embedding}
    left |= {name.removesuffix(".weight") for group in case.built.beside.tied for name in group}
    last = next((module for module in reversed(case.modules) if module.own != 0), None)
    if last is not None and not (sparing is _Sparing.WEIGHT and last.bias):
        left.add(last.path.partition(".")[0] if sparing is _Sparing.ALIKE else last.path)
    within = _is_alike if sparing is _Sparing.ALIKE else _is_below
    linears = [
        module.path
        for module in case.modules
        if module.kind == "Linear" and not any(kept and within(module.path, kept) for kept in left)
    ]
    for module in case.modules:
        if endings and module.path.endswith(endings) and any(_is_below(path, module.path) for path in linears):
            yield module.path


def _is_alike(path: str, module: str) -> bool:
    """Whether the name of a module occurs in a path."""
    return module in path


def _is_below(path: str, module: str) -> bool:
    """Whether a path is that of a module, or of one inside it."""
    return path == module or path.startswith(f"{module}.")
