"""LL206, LL207, LL215: mixtures of experts, whose experts and routers are parameters in transformers 5."""

from __future__ import annotations

import re
from math import prod

from lora_lint.finding import Finding, Fix
from lora_lint.knowledge.versions import added, named, without
from lora_lint.rules.changes import all_of, put, settable
from lora_lint.rules.projections import OF_MLPS, ROLES
from lora_lint.rules.reached import (
    ROUTERS,
    cases_of,
    code_known,
    leaves,
    linears,
    model_label,
    model_place,
    names_or_shorthand,
    shorthand_alone,
    sureness,
)
from lora_lint.rules.words import least, names, number, plural, resting, surety
from lora_lint.run.values import Known, alternatives, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from lora_lint.finding import Change
    from lora_lint.knowledge.modules import Parameter
    from lora_lint.knowledge.resolve import Case
    from lora_lint.run.run import Run


_SOMETIMES = frozenset({"nemotron_h"})
"""Types of models some of which have no experts; the config of each says which layers have."""
_ACTIVE = r"-a\d+b"
"""The billions of parameters that are active, which names of mixtures of experts give."""


def moe_experts_not_adapted(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:
    """LL206"""
    resolved, cases = cases_of(run)
    if not cases or not names_or_shorthand(run) or not all(_experts_missed(case) for case in cases):
        return
    case, adapter = cases[0], run.adapter
    experts = _experts(case)
    held = sum(prod(record.shape) for record in experts)
    share = held / case.total if case.total else None
    if share is not None and share < options["min-share"]:
        return
    if share is None and case.model.model_type in _SOMETIMES and not re.search(_ACTIVE, str(case.name.value).lower()):
        return
    key, parameters = adapter.key("target_modules"), target_parameters(case)
    weight = f", which hold {share:.0%} of the model" if share is not None else ""
    adapted = leaves(record.path for record in case.match.modules)
    how = "Choose a framework that adapts the parameters of experts"
    if settable(run, "target_parameters"):
        how = f"Add `{adapter.key('target_parameters')}={_quoted(parameters)}`{without_dropout(run)}"
    since, pin = added("target_parameters"), without(run, "target_parameters")
    if since is not None and pin is not None:
        how = f"Use PEFT {named(since)} or newer, which has `target_parameters` ({pin})"
    message = (
        f"`{key}` matches no expert of {model_label(case.name, case.model)}: with transformers {case.version} the "
        f"experts are parameters, not linear layers{weight}. PEFT adapts only {names(adapted)} and does not warn. "
        f"{how}, or name only attention if that is intended"
    )
    changes: tuple[Change, ...] = ()
    if settable(run, "target_parameters"):
        changes = put(adapter, "target_parameters", parameters)
        if known(adapter.dropout) != 0:
            changes = all_of(changes, put(adapter, "dropout", 0.0)) if run.framework.can("dropout") else ()
    fix = Fix("unsafe", "Adapt the experts too", changes)
    yield resting(
        *("LL206", message, run.adapter.target_modules, run.model.name),
        otherwise=run.adapter.span,
        doubt=least(sureness(run, resolved), code_known(run, resolved)),
        related=model_place(run, case.name, case.model),
        fix=fix,
    )


def _experts_missed(case: Case) -> bool:
    """Whether names that match in the MLPs, or "all-linear", match none of the fused experts."""
    experts = {record.owner for record in _experts(case)}
    match = case.match
    if not experts or case.partial or not match.modules or match.errors or match.used_defaults:
        return False
    if any(record.path in experts for record in match.modules):
        return False
    wanted = case.targets.value
    if isinstance(wanted, str):
        return True
    return any(ROLES.get(entry.rpartition(".")[2]) in OF_MLPS for entry in set(wanted or ()) - set(match.unmatched))


def _experts(case: Case) -> list[Parameter]:
    """The experts that are fused into 3-D parameters."""
    found: list[Parameter] = [
        record
        for record in case.built.beside.parameters
        if len(record.shape) == 3 and ("expert" in record.owner or "moe" in record.owner.rpartition(".")[0])
    ]
    return found


def without_dropout(run: Run) -> str:
    """The dropout that experts require, in parentheses; nothing if the framework has no setting for it."""
    return f" (with {run.adapter.key('dropout')} 0)" if run.framework.can("dropout") else ""


def target_parameters(case: Case) -> tuple[str, ...]:
    """What `target_parameters` calls the experts that are not adapted: the ends of their paths, from the MLP on."""
    adapted = {(record.path, record.parameter) for record in case.match.modules}
    left = [record for record in _experts(case) if (record.owner, record.name) not in adapted]
    return tuple(dict.fromkeys(".".join(f"{each.owner}.{each.name}".rsplit(".", 3)[1:]) for each in left))


def moe_lora_dropout(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL207"""
    adapter = run.adapter
    dropouts = [each.value for each in alternatives(adapter.dropout)]
    if not dropouts or not all(dropout > 0 for dropout in dropouts):
        return
    resolved, cases = cases_of(run)
    written = bool(known(adapter.target_parameters))
    if run.model.loader_adapts:
        return  # unsloth chooses by its own regex
    if "expert-dropout" in run.framework.avoids and not written:
        return
    if not cases or (not written and not names_or_shorthand(run)):
        return
    reached = [[record for record in case.match.modules if record.parameter is not None] for case in cases]
    if not all(reached):
        return
    case, key = cases[0], adapter.key("dropout")
    what = names(dict.fromkeys(f"{each.path.rpartition('.')[2]}.{each.parameter}" for each in reached[0]))
    how = (
        f"`{adapter.key('target_parameters')}` names"
        if written
        else f"with transformers {case.version} PEFT maps `{adapter.key('target_modules')}` to"
    )
    message = (
        f"`{key}={number(dropouts[0])}` with experts that are adapted as parameters: {how} {what} of "
        f"{model_label(case.name, case.model)}, which LoRA adapts only without dropout: PEFT raises a ValueError once "
        f"the model is loaded. Set `{key}` to 0"
    )
    sure = least(sureness(run, resolved), surety(adapter.dropout), "certain" if written else code_known(run, resolved))
    # If another version may load the experts as layers, the dropout has an effect there.
    fix = Fix("safe" if sure == "certain" else "unsafe", f"Set {key} to 0", put(adapter, "dropout", 0.0))
    yield resting(
        *("LL207", message, adapter.dropout, run.model.name),
        otherwise=adapter.span,
        doubt=sure,
        related=model_place(run, case.name, case.model),
        fix=fix,
    )


def router_adapted(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL215"""
    adapter = run.adapter
    if not run.framework.passes_on or not shorthand_alone(run):
        return
    resolved, cases = cases_of(run)
    reached = [_routers(case) for case in cases]
    if not cases or not all(reached):
        return
    case, key = cases[0], adapter.key("target_modules")
    instead, label = _without_routers(run, case), model_label(case.name, case.model)
    count = f"{plural(len(reached[0]), 'layer')} " if case.built.certain else ""
    excluded = ""
    if run.framework.can("exclude_modules"):
        excluded = f", and `{adapter.key('exclude_modules')}` does not prevent that for parameters"
    message = (
        f'`{key}="all-linear"` adapts the routers of {label} too ({count}such as `{reached[0][0]}`): training moves '
        f"tokens between experts that pretraining had balanced{excluded}. Name the layers instead: {names(instead)}"
    )
    changes = put(adapter, "target_modules", instead) if isinstance(adapter.target_modules, Known) else ()
    fix = Fix("unsafe", "Name the layers without the router", changes)
    yield resting(
        *("LL215", message, run.adapter.target_modules, run.model.name),
        otherwise=run.adapter.span,
        doubt=least(sureness(run, resolved), code_known(run, resolved)),
        related=model_place(run, case.name, case.model),
        fix=fix,
    )


def _routers(case: Case) -> list[str]:
    """The adapted routers of models that have experts."""
    if not any(".experts" in f"{module.path}." for module in case.modules):
        return []
    return [
        record.path
        for record in case.match.modules
        if record.path.rpartition(".")[2] in ("gate", "router")
        or record.path.endswith((".router.layer", ".router.classifier"))
    ]


def _without_routers(run: Run, case: Case) -> tuple[str, ...]:
    """The names that adapt everything else: linear layers, and PEFT's names for experts that transformers 5 fuses."""
    from lora_lint.knowledge import moe

    base = moe.family(case.built.architecture.model_type, case.version, run.below("peft"))
    old = moe.old_names(base) if base is not None else {}
    experts = [name for name, new in old.items() if name not in ROUTERS and not new.startswith("gate.")]
    return tuple(dict.fromkeys([*(leaf for leaf in linears(case) if leaf not in ROUTERS), *experts]))


def _quoted(entries: Iterable[str]) -> str:
    return "[" + ", ".join(f'"{entry}"' for entry in entries) + "]"
