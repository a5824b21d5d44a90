"""LL216: targets that name modules for which PEFT has no LoRA layer."""

from __future__ import annotations

from lora_lint.finding import Finding, Fix
from lora_lint.knowledge.modules import LINEAR_KINDS
from lora_lint.rules.changes import put, settable
from lora_lint.rules.reached import (
    cases_of,
    is_shorthand,
    leaves,
    linears,
    model_label,
    model_place,
    sureness,
)
from lora_lint.rules.words import names, resting
from lora_lint.run.values import known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from lora_lint.knowledge.matching import PeftRefusal
    from lora_lint.knowledge.resolve import Case
    from lora_lint.run.run import Run

_KINDS = ("unsupported-kind", "mamba-module")
_READ_PAST = ("dt_proj",)
"""Layers whose weight Mamba reads too, and for which PEFT does not warn (transformers 5.23.0, modeling_mamba.py)."""


def unsupported_target(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL216"""
    if run.method != "LoraConfig" or run.model.loader_adapts:
        return  # unsloth builds its own regex
    resolved, cases = cases_of(run)
    refusals = [_refusal(case) for case in cases]
    if not cases or not all(refusals):
        return
    case, refusal = cases[0], refusals[0]
    assert refusal is not None
    adapter, label = run.adapter, model_label(case.name, case.model)
    key, entries, taken = adapter.key("target_modules"), _entries(case, refusal), _adaptable(case, refusal)
    if not run.framework.passes_on and (taken or not entries):
        return  # others choose among the modules of a name themselves, or let PEFT wrap what is inside
    if refusal.kind in run.framework.avoids or (refusal.kind == "unsupported-kind" and run.model.unwrapped):
        return
    raises = "PEFT raises a ValueError once the model is loaded"
    if refusal.kind == "mamba-module":
        message = (
            f"`{key}` matches {names(leaves(refusal.names))} of {label}, whose weights Mamba's kernels use directly, "
            f"bypassing an adapter: from 0.16 on {raises}"
        )
    else:
        kind = next(record.kind for record in case.match.modules if record.path == refusal.names[0])
        shown = entries or [str(case.targets.value)]
        message = (
            f"PEFT cannot adapt `{refusal.names[0]}` of {label}, a {kind}: {names(shown)} in `{key}` "
            f"{'matches' if len(shown) == 1 else 'match'} it, but LoRA adapts single layers (linear, embedding, "
            f"convolution), and {raises}"
        )
    excluded, instead = _excluding(refusal, taken), _instead(case, refusal, entries)
    fix: Fix | None = None
    if excluded and settable(run, "exclude_modules"):
        message += f'. Keep to the rest: `{adapter.key("exclude_modules")}=r"{excluded}"`'
        if known(adapter.exclude_modules) is None:
            fix = Fix("unsafe", "Exclude these parts", put(adapter, "exclude_modules", excluded))
    elif instead and not taken:
        message += f". Name {names(instead)}"
        if len({id(each.model) for each in cases}) == 1:
            fix = Fix("unsafe", "Name the layers that LoRA can adapt", put(adapter, "target_modules", instead))
    yield resting(
        *("LL216", message, run.adapter.target_modules, run.model.name),
        otherwise=run.adapter.span,
        span=dict(adapter.target_spans).get(entries[0]) if len(entries) == 1 else None,
        doubt=sureness(run, resolved),
        related=model_place(run, case.name, case.model),
        fix=fix,
    )


def _refusal(case: Case) -> PeftRefusal | None:
    """The error for modules that PEFT cannot wrap, if there is one."""
    found = (error for error in case.match.errors if error.kind in _KINDS)
    return None if case.partial else next(found, None)


def _entries(case: Case, refusal: PeftRefusal) -> list[str]:
    """The entries of a list that name rejected modules; none if the targets are a string."""
    if not isinstance(case.targets.value, tuple):
        return []
    refused = set(refusal.names)
    return list(dict.fromkeys(record.entry for record in case.match.modules if record.path in refused))


def _adaptable(case: Case, refusal: PeftRefusal) -> list[str]:
    """The modules among those that the rejected entries name which LoRA can adapt."""
    refused, entries = set(refusal.names), set(_entries(case, refusal))
    return [each.path for each in case.match.modules if each.entry in entries and each.path not in refused]


def _excluding(refusal: PeftRefusal, taken: Sequence[str]) -> str:
    """A regex for the parts of the model that contain all rejected modules and no others: its towers."""
    parts = dict.fromkeys(".".join(path.split(".")[:2]) for path in refusal.names)
    if not taken or any(f"{path}.".startswith(f"{part}.") for path in taken for part in parts):
        return ""
    towers = [part.rpartition(".")[2] for part in parts]
    return rf".*{towers[0]}\..*" if len(towers) == 1 else rf".*({'|'.join(towers)})\..*"


def _instead(case: Case, refusal: PeftRefusal, entries: Sequence[str]) -> tuple[str, ...]:
    """The targets without rejected modules, and with the linear layers inside a block that was named as a whole."""
    refused, wanted = set(refusal.names), case.targets.value
    if is_shorthand(wanted):
        kept = leaves(record.path for record in case.match.modules if record.path not in refused)
        return tuple(leaf for leaf in kept if leaf not in (*leaves(refused), *_READ_PAST))
    if not isinstance(wanted, tuple):
        return ()
    inside = leaves(
        module.path
        for module in case.modules
        if module.kind in LINEAR_KINDS and any(module.path.startswith(f"{path}.") for path in refused)
    )
    own = (leaf for leaf in inside if leaf in linears(case))
    return tuple(dict.fromkeys([*(entry for entry in wanted if entry not in entries), *own]))
