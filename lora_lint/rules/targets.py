"""LL2xx: whether the targets name modules of the model."""

from __future__ import annotations

import re

from lora_lint.finding import Finding, Fix
from lora_lint.knowledge import versions
from lora_lint.knowledge.architectures import names_module
from lora_lint.records import replace
from lora_lint.rules.changes import put, put_targets, settable
from lora_lint.rules.experts import target_parameters, without_dropout
from lora_lint.rules.filters import all_saved
from lora_lint.rules.projections import OF_MLPS, ROLES, correction, own_names
from lora_lint.rules.reached import (
    ALL_LINEAR,
    OUTSIDE,
    ROUTERS,
    cases_of,
    is_shorthand,
    leaves,
    linears,
    model_label,
    model_place,
    resolved_of,
    shorthand_of,
    sureness,
)
from lora_lint.rules.words import names, resting, some_case
from lora_lint.run.values import Known, alternatives

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from lora_lint.finding import Change, Confidence
    from lora_lint.knowledge.models import Model
    from lora_lint.knowledge.resolve import Case, Resolved
    from lora_lint.run.run import Run
    from lora_lint.source import Span

_OF_REGEXES = frozenset(r"\*+?^$|()[]{}")
_LANGUAGE_PART = "language_model"
"""What transformers calls the text model in those that see or hear (5.23.0, models/*/modeling_*.py)."""
_JOINED = r"[\w\s]+(?:,[\w\s]+)+"
"""Names in one string, which as a regex matches the path of no module."""


def no_target_match(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL201"""
    if not any(_judged(known.value) for known in alternatives(run.adapter.target_modules)) or all_saved(run):
        return
    resolved = resolved_of(run)
    cases = resolved.cases
    foreign = [_foreign(model, known) for _, model in resolved.remote for known in _targets(run)]
    if (not cases and not foreign) or _paths_differ(run, cases) or any(_wrapped(run, case) for case in cases):
        return
    if any(_names_a_whole(case) for case in cases):
        return
    if not all(_nothing(case) for case in cases) or any(matched or not missing for matched, missing in foreign):
        yield from _nothing_in_one(run, cases)
        return
    key = run.adapter.key("target_modules")
    if cases:
        message = _nothing_message(cases[0], key, run.framework.adapts)
        name, model, targets = cases[0].name, cases[0].model, cases[0].targets
    else:
        name, model = resolved.remote[0]
        targets = _targets(run)[0]
        message = (
            f"{_are(foreign[0][1])} not in {model_label(name, model)}, so nothing is adapted: PEFT raises a ValueError "
            f"once the model is loaded. The model has {names(model.module_names or ())}"
        )
    if isinstance(targets.value, str):
        changes = _as_list(run, resolved, targets.value)
        certain = sureness(run, resolved) == "certain"
        fix = Fix("safe" if certain else "unsafe", "Use a list of names", changes) if changes else None
    else:
        changes = _own_names(run, resolved, targets.value or ())
        fix = Fix("unsafe", "Use the model's own names", changes) if changes else None
    yield resting(
        *("LL201", message, targets, name),
        otherwise=run.adapter.span,
        doubt=sureness(run, resolved),
        related=model_place(run, name, model),
        fix=fix,
    )


def _nothing_in_one(run: Run, cases: Iterable[Case]) -> Iterator[Finding]:
    """LL201 of one of the models that a run may load, as under `if args.phi:`, where the targets are those of all."""
    targets = run.adapter.target_modules
    if not isinstance(targets, Known):
        return
    by_name: dict[str, list[Case]] = {}
    for case in cases:
        by_name.setdefault(case.name.value, []).append(case)
    for same in by_name.values():
        case = same[0]
        if all(_nothing(each) and each.exact for each in same):
            also = " (one of the models that this run may load)"
            message = _nothing_message(case, run.adapter.key("target_modules"), run.framework.adapts, also)
            yield resting(
                *("LL201", message),
                *(targets, case.name),
                otherwise=run.adapter.span,
                doubt="likely",
                related=model_place(run, case.name, case.model),
            )
            return


def _nothing_message(case: Case, key: str, framework: str, also: str = "") -> str:
    """What is wrong where a model has none of the targets; `also` follows the model's name."""
    label = model_label(case.name, case.model) + also
    has = _has(linears(case))
    wanted = case.targets.value
    raises = f"{framework} does not warn"
    if framework == "PEFT":
        raises = "PEFT raises a ValueError once the model is loaded"
    if case.match.out_of_layers:
        return (
            f"`layers_to_transform` leaves none of {names(case.match.out_of_layers)} in {label}, so nothing is "
            f"adapted: {raises}"
        )
    if case.match.excluded:
        return f"Everything that `{key}` names in {label} is excluded again, so nothing is adapted: {raises}"
    if isinstance(wanted, str):
        hint = ""
        if not _is_regex(wanted):
            words = re.findall(r"[^,\s]+", wanted)
            listed = ", ".join(f'"{word}"' for word in words)
            hint = (
                ". A string is a regular expression for the whole path of a module: for modules named "
                f"{', '.join(words)} write `[{listed}]`"
            )
        start = f'`{key}="{wanted}"` matches no module of {label} by its whole path, so nothing is adapted'
        return f"{start}: {raises}{hint}.{has}"
    entries = _plain(wanted or ())
    return f"{_are(entries, _corrections(entries, case))} not in {label}, so nothing is adapted: {raises}.{has}"


def unmatched_target_module(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL202"""
    if not all(isinstance(known.value, tuple) for known in _targets(run)):
        return
    resolved = resolved_of(run)
    groups: dict[tuple[int, int], list[Case]] = {}
    for case in resolved.cases:
        groups.setdefault((id(case.model), id(case.targets)), []).append(case)
    missing = [_missing(cases) for cases in groups.values()]
    foreign = [_foreign(model, known) for _, model in resolved.remote for known in _targets(run)]
    if not missing and not foreign:
        return
    if not all(missing) or not all(matched and lacking for matched, lacking in foreign):
        return
    lacking_here = {entry for entries in (*missing, *(lacking for _, lacking in foreign)) for entry in entries}
    if any(_may_take(replace(run, model=other, others=()), lacking_here) for other in run.others):
        return  # the entries are for several models
    if missing:
        cases = next(iter(groups.values()))
        case = next(case for case in cases if case.match.modules)
        entries, name, model, targets = missing[0], case.name, case.model, case.targets
        message, level = _partial_message(case, entries, run)
        renamed = next((case for case in cases if not case.match.modules), None)
        if renamed is not None:
            message, level = f"{message}. With transformers {renamed.version} the list matches nothing at all", None
    else:
        name, model = resolved.remote[0]
        targets, entries, level = _targets(run)[0], foreign[0][1], None
        message = (
            f"{_are(entries)} not in {model_label(name, model)}: PEFT adapts only {names(foreign[0][0])} and does not "
            f"warn. The model has {names(model.module_names or ())}"
        )
    spans = dict(run.adapter.target_spans)
    written = [spans[entry] for entry in entries if entry in spans]
    doubt = sureness(run, resolved)
    if run.framework.reader_unknown and "gate_up_proj" in entries:
        doubt = "possible"  # unsloth maps it to the experts' parameter, and it is not known what reads the file
    fix = Fix("unsafe", f"Replace {names(entries)} with the model's own names", _own_names(run, resolved, entries))
    current = run.adapter.target_modules
    if level == "advice" and run.framework.adapts == "PEFT" and isinstance(current, Known):
        rest = tuple(entry for entry in current.value or () if entry not in entries)
        changes = put_targets(run.adapter, rest)
        fix = Fix("safe", f"Remove {names(entries)}, which has no effect", changes)
    yield resting(
        *("LL202", message, targets, name),
        otherwise=run.adapter.span,
        span=written[0] if len(written) == 1 and len(entries) == 1 else None,
        doubt=doubt,
        level=level,
        related=model_place(run, name, model),
        fix=fix,
    )


def _own_names(run: Run, resolved: Resolved, missing: Iterable[str]) -> tuple[Change, ...]:
    """The change to the model's own names, if there is one model and one list that is written as such."""
    targets = run.adapter.target_modules
    if not isinstance(targets, Known) or not isinstance(targets.value, tuple) or targets.span is None:
        return ()
    if len({id(case.model) for case in resolved.cases}) != 1 or run.framework.adapts != "PEFT":
        return ()  # another framework may need different names, such as whole paths
    new = own_names(targets.value, missing, linears(resolved.cases[0]))
    return put(run.adapter, "target_modules", new) if new else ()


def _as_list(run: Run, resolved: Resolved, text: str) -> tuple[Change, ...]:
    """The change from a string that matches nothing to the list of the names in it, if the model has all of them."""
    targets = run.adapter.target_modules
    names_in = tuple(name for name in re.split(r"[,\s]+", text) if name)
    if not resolved.cases or not isinstance(targets, Known) or targets.span is None or _is_regex(text):
        return ()
    if not names_in or not all(set(names_in) <= set(linears(case)) for case in resolved.cases):
        return ()
    return put(run.adapter, "target_modules", names_in)


def _partial_message(case: Case, entries: Sequence[str], run: Run) -> tuple[str, Any]:
    adapter = run.adapter
    adapted = leaves(record.path if record.parameter is None else record.parameter for record in case.match.modules)
    rest = [leaf for leaf in linears(case) if leaf not in adapted and leaf not in ROUTERS]
    count = f" ({case.parameters:,} parameters)" if case.parameters else ""
    start = f"{_are(entries, _corrections(entries, case))} not in {model_label(case.name, case.model)}"
    experts = target_parameters(case) if any(ROLES.get(entry) in OF_MLPS for entry in entries) else ()
    if experts and settable(run, "target_parameters"):
        message = (
            f"{start}: PEFT adapts only {names(adapted)}{count} and does not warn. The model's experts are parameters, "
            f"which `{adapter.key('target_parameters')}` reaches: {names(experts)}{without_dropout(run)}"
        )
        return message, None
    if not rest:
        message = (
            f"{start}. All linear layers are adapted anyway ({names(adapted)}), so nothing is lost; without "
            f"{'it' if len(entries) == 1 else 'them'} the list shows what is adapted"
        )
        return message, "advice"
    owner = run.framework.adapts
    message = f"{start}: {owner} adapts only {names(adapted)}{count} and does not warn.{_has(rest, other=True)}"
    return message, None


def _may_take(run: Run, entries: Collection[str]) -> bool:
    """Whether some entries may be for a model of which not all is known, or match its modules."""
    _, cases = cases_of(run)
    unmatched = {entry for case in cases for entry in case.match.unmatched}
    return not cases or any(case.partial for case in cases) or not unmatched.issuperset(entries)


def _missing(cases: Sequence[Case]) -> list[str]:
    """Entries that match nothing under any version, although others match; none if nothing matches at all."""
    if not any(case.match.modules for case in cases) or any(case.match.used_defaults for case in cases):
        return []
    sure = all(case.sure_head for case in cases)
    return [
        entry
        for entry in _plain(cases[0].match.entries)
        if all(entry in case.match.unmatched and not _may_have(case, entry) for case in cases)
        and (sure or entry.rpartition(".")[2] not in OUTSIDE)
    ]


def _may_have(case: Case, entry: str) -> bool:
    """Whether the model has such a module in a kind of layer that its own config may use but the class's default does
    not (the convolutions of LFM2)."""
    return not case.built.certain and names_module(case.built.architecture, entry.rpartition(".")[2])


def _nothing(case: Case) -> bool:
    """Whether a case adapts nothing because nothing matches, not because a setting is unknown."""
    if case.partial or case.match.used_defaults or case.match.modules:
        return False
    wanted = case.targets.value
    if isinstance(wanted, str) and not case.sure_head and not re.fullmatch(_JOINED, wanted):
        return False
    return _judged(wanted) and any(error.kind == "no-match" for error in case.match.errors)


def _wrapped(run: Run, case: Case) -> bool:
    """Whether a fork of the framework is asked for parts of the model's linear layers (`q_proj.module`), as after it
    has put each layer into a module of its own."""
    entries = _plain(case.match.entries) if run.framework.name in run.newer else ()
    owners = {entry.rpartition(".")[0].rpartition(".")[2] for entry in entries}
    return not owners.isdisjoint(linears(case))


def _judged(wanted: tuple[str, ...] | str | None) -> bool:
    """Whether this rule checks the targets: set, and not only entries that LL203 and LL204 report."""
    if isinstance(wanted, tuple):
        return bool(_plain(wanted))
    return bool(wanted) and not is_shorthand(wanted)


def _plain(entries: Iterable[str]) -> list[str]:
    """The entries that are names, in order and without repeats."""
    return [entry for entry in dict.fromkeys(entries) if entry and not _is_regex(entry) and not is_shorthand(entry)]


def _paths_differ(run: Run, cases: Iterable[Case]) -> bool:
    """Whether a regex for whole paths meets other paths in the version of transformers that the project pins."""
    whole = any(isinstance(known.value, str) and not is_shorthand(known.value) for known in _targets(run))
    return (
        whole
        and run.before("transformers", versions.PARTS_BELOW_MODEL) is not None
        and any(module.path.startswith("model.language_model.") for case in cases for module in case.modules)
    )


def _names_a_whole(case: Case) -> bool:
    """Whether a regex looks for the language model of a larger one where the model, going by its name, is that part
    alone. Models of one family are published both ways: the regex knows better."""
    wanted = case.targets.value
    if not isinstance(wanted, str) or _LANGUAGE_PART not in wanted:
        return False
    from lora_lint.knowledge.models import Clue

    return case.model.how in (Clue.FAMILY, Clue.BASENAME) and not any(
        _LANGUAGE_PART in module.path for module in case.modules
    )


def _is_regex(entry: str) -> bool:
    return not _OF_REGEXES.isdisjoint(entry)


def _targets(run: Run) -> list[Known[Any]]:
    return list(alternatives(run.adapter.target_modules))


def _foreign(model: Model, known: Known[Any]) -> tuple[list[str], list[str]]:
    """Entries that a model outside transformers has, in its own order, and those it lacks, by its known leaf names.

    PEFT saves a set: the order of the entries differs from adapter to adapter, and is nothing to tell."""
    if not isinstance(known.value, tuple):
        return [], []
    order = {name: at for at, name in enumerate(model.module_names or ())}
    leaves_of = {entry: entry.rpartition(".")[2] for entry in _plain(known.value)}
    entries = {entry: leaf for entry, leaf in leaves_of.items() if leaf not in OUTSIDE}
    matched = [entry for entry, leaf in entries.items() if leaf in order]
    matched.sort(key=lambda entry: order[entries[entry]])
    return matched, [entry for entry in entries if entry not in matched]


def _has(leaves: Sequence[str], other: bool = False) -> str:
    if not leaves:
        return ""
    what = "other linear layer" if other else "linear layer"
    verb = " is" if len(leaves) == 1 else "s are"
    return f" The model's {what}{verb} {names(leaves)}"


def _corrections(entries: Sequence[str], case: Case) -> str:
    """` (did you mean `v_proj`?)` for misspelt names, or nothing."""
    meant = [name for entry in entries if (name := correction(entry, linears(case))) is not None]
    return f" (did you mean {names(meant)}?)" if meant else ""


def _are(entries: Sequence[str], meant: str = "") -> str:
    return f"{names(entries)}{meant} {'is' if len(entries) == 1 else 'are'}"


def regex_in_target_list(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL203"""
    key = run.adapter.key("target_modules")
    for entries, span, confidence, whole in _entries(run, _is_regex):
        many = len(entries) > 1
        nothing = (
            "" if _plain(whole) else ". Nothing else is in the list: PEFT raises a ValueError once the model is loaded"
        )
        message = (
            f"{names(entries)} in `{key}` {'are regular expressions' if many else 'is a regular expression'}, but PEFT "
            f"compares list entries literally with the ends of module names: {'they name' if many else 'it names'} "
            f"nothing{nothing}. A regex works only as the whole value, matched against whole paths: "
            f'`{key}="{_one_regex(whole)}"`'
        )
        fix = _as_text(run, _one_regex(whole), "Write one regex string")
        targets = run.adapter.target_modules
        yield resting("LL203", message, targets, otherwise=run.adapter.span, span=span, doubt=confidence, fix=fix)


def _as_text(run: Run, text: str, message: str) -> Fix:
    """The fix that turns a list into a string: safe if the list has one entry, which then certainly adapts nothing."""
    targets = run.adapter.target_modules
    if not isinstance(targets, Known) or not isinstance(targets.value, tuple) or targets.span is None or "…" in text:
        return Fix("unsafe", message)
    changes = put(run.adapter, "target_modules", text)
    return Fix("safe" if len(targets.value) == 1 else "unsafe", message, changes)


def _one_regex(entries: Sequence[str]) -> str:
    """A regex for whole paths that matches what the entries of a list are meant to."""
    parts = [entry if _is_regex(entry) else rf".*\.{entry}" for entry in entries if not is_shorthand(entry)]
    if len(parts) > 4:
        return "…"
    return parts[0] if len(parts) == 1 else "|".join(f"({part})" for part in parts)


def all_linear_in_list(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL204"""
    key = run.adapter.key("target_modules")
    for entries, span, confidence, whole in _entries(run, is_shorthand):
        others = _plain(whole)
        nothing = "only the other entries count" if others else "nothing is adapted and PEFT raises a ValueError"
        short = shorthand_of(run)
        how = f'The shorthand works only as the whole value: `{key}="{short}"`'
        if short is None and run.framework.every_layer is not None:
            came = versions.named(versions.ALL_LINEAR)
            how = f"The shorthand came with PEFT {came} ({run.pins['peft']}): name the layers"
        elif short != ALL_LINEAR:
            how = "Name the layers" if short is None else f'All linear layers are `{key}="{short}"` here'
        message = (
            f"`{entries[0]}` inside the list `{key}` is taken for a module name, and no module has it: {nothing}. {how}"
        )
        fix = None if short is None else _as_text(run, short, f'Set {key} to the string "{short}"')
        targets = run.adapter.target_modules
        yield resting("LL204", message, targets, otherwise=run.adapter.span, span=span, doubt=confidence, fix=fix)


def _entries(run: Run, wrong: Callable[[str], bool]) -> Iterator[tuple[list[str], Span, Confidence, tuple[str, ...]]]:
    """The wrong entries of each target list with their place, one by one if each has its own, else together; and the
    whole list."""
    spans = dict(run.adapter.target_spans)
    for known, confidence in some_case(run.adapter.target_modules):
        if not isinstance(known.value, tuple):
            continue
        found = [entry for entry in dict.fromkeys(known.value) if wrong(entry)]
        rest = [entry for entry in found if entry not in spans]
        for entry in found:
            if entry in spans:
                yield [entry], spans[entry], confidence, known.value
        if rest:
            yield rest, known.span or run.adapter.span, confidence, known.value
