"""Applies the framework versions that a project pins to its runs."""

from __future__ import annotations

import os
from functools import partial

from lora_lint.knowledge import key_versions, signatures, training_arguments, versions
from lora_lint.linting.gone_imports import gone_imports
from lora_lint.linting.older_pins import lowest_asked
from lora_lint.linting.requirements import Allowed, allowed_by
from lora_lint.records import replace
from lora_lint.run.flaws import OldMethod
from lora_lint.run.problems import Dropped, InvalidValue, NewKey, NewValue, UnknownKey
from lora_lint.run.values import alternatives
from lora_lint.run.versions import Pin, padded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from lora_lint.project import Project
    from lora_lint.run.flaws import Flaw
    from lora_lint.run.given import Given
    from lora_lint.run.problems import Clash, Problem
    from lora_lint.run.run import Reading, Run
    from lora_lint.run.values import Value
    from lora_lint.run.versions import Version
    from lora_lint.source import SourceFile, Span

_ADDED = (
    "layers_to_transform layers_pattern rank_pattern alpha_pattern use_rslora use_dora exclude_modules lora_bias "
    "trainable_token_indices target_parameters"
).split()
"""The settings in `run.Adapter` that the first PEFT did not have."""


def with_pins(reading: Reading, source: SourceFile, project: Project) -> Reading:
    """The runs of programs, adjusted for the pinned versions of PEFT, transformers and TRL, and all settings with the
    pin of the framework that receives them. What a version newer than the facts, or the project's own source of the
    framework, may accept is no problem; nor is anything that a source of unknown version receives."""
    runs = (*reading.runs, *(run for sweep in reading.sweeps for run in sweep.runs))
    judged = (
        run.framework.direct or run.given or run.problems or run.recent or run.serving or run.framework.requires
        for run in runs
    )
    if not reading.given and not any(judged):
        return reading
    allowed = allowed_by(project, source)
    pins = {name: each.pin for name, each in allowed.items() if each.pin is not None}
    newer = frozenset(
        name for name, each in allowed.items() if each.own or (each.least and _is_news(name, each.least, runs))
    )
    releases, imports = _releases(allowed, source), gone_imports(source)
    lowest = partial(lowest_asked, source=source, project=project)
    drops = imports or any(
        run.training.unknown_keywords or run.training.outdated or run.training.setup.flaws for run in runs
    )
    clashing = _clashes(source, project, allowed)
    if not pins and not newer and not drops and not any(run.pins for run in runs):
        return reading
    copied = frozenset(name for name, each in allowed.items() if each.own)
    unversioned = frozenset(name for name in copied if allowed[name].pin is None)

    def pinned(given: tuple[Given, ...], known: Mapping[str, Pin]) -> tuple[Given, ...]:
        left = (each for each in given if each.framework not in unversioned)
        return tuple(replace(each, pin=known.get(each.framework)) for each in left)

    def apply(run: Run) -> Run:
        if not run.framework.direct:
            serves = run.serving is not None
            its = ("trl", "peft") if run.framework.name == "trl" else (run.framework.name,)  # as TRL passes settings on
            own = {name: pin for name, pin in pins.items() if serves or name in its}
            if run.framework.name in copied:
                run = _without_lists(run)
            problems = tuple(_of_version(run, own.get(run.framework.name)))
            if run.framework.name in unversioned:
                problems = tuple(each for each in problems if not _is_of_releases(each))
            if (pin := pins.get("transformers")) is not None and pin.lacks((5,)):
                run = replace(run, model=replace(run.model, transformers="4"))
            problems = (*problems, *clashing)
            run = replace(run, pins=own, given=pinned(run.given, pins), newer=newer, problems=problems)
            return _without_guesses(_with_ranges(run, allowed, source) if run.framework.requires else run)
        shown = {name: pin for name, pin in run.pins.items() if _says_more(pin, pins.get(name))}
        known = {**pins, **shown}
        run = replace(run, pins=known, given=pinned(run.given, known))
        if _is_transformers_4(run):
            run = replace(run, model=replace(run.model, transformers="4"))
        if "peft" in pins:
            run = replace(run, problems=(*_problems_left(run), *_too_new(run, pins["peft"])))
        run = replace(run, problems=(*run.problems, *_dropped(run, imports, releases, lowest), *clashing))
        run = replace(run, implied=_implied(run, imports))
        setup = run.training.setup
        if setup.flaws:
            flaws = tuple(_of_release(setup.flaws, releases.get("transformers"), lowest))
            run = replace(run, training=replace(run.training, setup=replace(setup, flaws=flaws)))
        return _without_guesses(replace(run, newer=newer))

    settled = replace(reading.mapped(apply), given=pinned(reading.given, pins))
    if clashing and not runs:
        from lora_lint.programs.serving import with_problem

        return replace(settled, runs=tuple(map(with_problem, clashing)))
    return settled


def _with_ranges(run: Run, allowed: Mapping[str, Allowed], source: SourceFile) -> Run:
    """A framework's run with the releases of the libraries below it that do not go with the framework's own."""
    from lora_lint.linting.own_ranges import out_of_range, transformers_of

    problems = (*run.problems, *out_of_range(run, allowed, source.utf8))
    return replace(run, problems=problems, loads_with=transformers_of(run.framework.name, allowed))


def _clashes(source: SourceFile, project: Project, allowed: Mapping[str, Allowed]) -> list[Clash]:
    """The libraries that do not run together in a program; few projects pin any that may not."""
    if (
        not allowed
        or source.kind not in ("python", "notebook")
        or any(each in source.utf8 for each in _ASKS_FOR_VERSION)
    ):
        return []
    from lora_lint.linting.clashes import clashes

    return clashes(source, project, allowed)


_ASKS_FOR_VERSION = (
    *(b"__version__", b"except TypeError", b"signature(", b"__dataclass_fields__", b"__code__", b"fields("),
    *(b"importlib.metadata", b"importlib_metadata", b"getfullargspec"),
)
"""What programs ask before they use a keyword that some releases lack."""
_DROPPING = ("peft", "transformers", "trl", "vllm")
"""The packages of which dropped keywords and names are known."""


def _releases(allowed: Mapping[str, Allowed], source: SourceFile) -> dict[str, Allowed]:
    """The releases of packages that a program may be run with, unless it asks for the version itself."""
    if any(each in source.utf8 for each in _ASKS_FOR_VERSION):
        return {}
    found = {name: allowed.get(name, Allowed(None, None, None)) for name in _DROPPING}
    return {name: each for name, each in found.items() if not each.own}


def _dropped(
    run: Run,
    imports: Sequence[UnknownKey],
    releases: Mapping[str, Allowed],
    lowest: Callable[[str], Version | None],
) -> Iterator[Problem]:
    """The keywords of training arguments and trainers, and the imports, that releases no longer have: all that are
    allowed, or the newer ones of them where nothing asks for an older one."""
    in_newer: dict[str, list[UnknownKey]] = {}
    for each in (*run.training.unknown_keywords, *imports):
        allowed = releases.get(each.package)
        if each.until is None or allowed is None or _takes_old(run, each):
            continue
        if allowed.oldest is not None and padded(allowed.oldest) >= padded(each.until):
            release = f"{_title(each.package)} {versions.named(allowed.oldest)}"
            which = f"the oldest that the project allows (gone by {versions.named(each.until)})"
            yield replace(each, owner=f"{each.owner} of {release}, {which}")
        elif allowed.pin is None or not allowed.pin.lacks(each.until):
            asked = lowest(each.package)
            if asked is None or padded(asked) >= padded(each.until):
                in_newer.setdefault(each.package, []).append(each)
    for package, found in in_newer.items():
        first = min(found, key=lambda each: each.until or ())
        others = dict.fromkeys(each.key for each in found if each.key != first.key)
        yield Dropped(first, tuple(others), _title(package))


def _implied(run: Run, imports: Sequence[UnknownKey]) -> dict[str, Pin]:
    """The keywords and imports of a program that newer releases of a package refuse, of each package the one that was
    refused first."""
    found: dict[str, Pin] = {}
    for each in (*run.training.outdated, *imports):
        if each.until is None or not each.package or _takes_old(run, each):
            continue
        if each.package not in found or padded(each.until) < padded(found[each.package].below):
            found[each.package] = Pin(each.until, each.key, os.path.basename(each.span.path))
    return found


def _of_release(
    flaws: Iterable[Flaw], allowed: Allowed | None, lowest: Callable[[str], Version | None]
) -> Iterator[Flaw]:
    """The flaws that the allowed releases of transformers have: methods that are older than all of them for certain,
    than some of them where nothing asks for an older one."""
    for each in flaws:
        if not isinstance(each, OldMethod):
            yield each
        elif allowed is None:
            continue
        elif allowed.oldest is not None and padded(allowed.oldest) >= padded(each.since):
            yield replace(each, certain=True)
        elif allowed.pin is None or not allowed.pin.lacks(each.since):
            asked = lowest("transformers")
            if asked is None or padded(asked) >= padded(each.since):
                yield each


def _takes_old(run: Run, keyword: UnknownKey) -> bool:
    """Whether another library replaces a class of TRL by one that takes old keywords too."""
    return run.model.loader_adapts and training_arguments.is_of_trl(keyword.owner)


def _title(package: str) -> str:
    return {"peft": "PEFT", "trl": "TRL", "vllm": "vLLM"}.get(package, package)


def _of_version(run: Run, pin: Pin | None) -> Iterator[Problem]:
    """The problems of a framework's run in the pinned version: without keys and values that it still takes, and with
    those that it does not take yet."""
    for problem in run.problems:
        if pin is None or not _still_taken(problem, pin):
            yield problem
    oldest = key_versions.oldest(run.framework.name)
    for key in run.recent if pin is not None and oldest is not None and not pin.lacks(oldest) else ():
        if pin is not None and pin.lacks(key.since):
            owner = f"{run.framework.title} before {versions.named(key.since)} ({pin})"
            if isinstance(key, NewValue):
                yield InvalidValue(key.key, key.value, key.span, owner, key.expected)
            else:
                yield UnknownKey(key.key, key.span, owner, (), key.consequence)


def _is_of_releases(problem: Problem) -> bool:
    """Whether a problem rests on what releases of a framework have, of which a copy may be any."""
    return isinstance(problem, InvalidValue) or (isinstance(problem, UnknownKey) and problem.until is not None)


def _without_lists(run: Run) -> Run:
    """The run without values that are missing in a list of its framework, of which the project has its own copy."""
    left = (each for each in run.problems if not (isinstance(each, InvalidValue) and each.of_list))
    return replace(run, problems=tuple(left), recent=tuple(key for key in run.recent if isinstance(key, NewKey)))


def _still_taken(problem: Problem, pin: Pin) -> bool:
    """Whether the pinned version knows a key, or takes a value, that newer ones do not."""
    if isinstance(problem, UnknownKey):
        return problem.until is not None and pin.lacks(problem.until)
    return isinstance(problem, InvalidValue) and problem.since is not None and pin.lacks(problem.since)


def _says_more(pin: Pin, other: Pin | None) -> bool:
    """Whether a call implies a narrower version of a framework than the project allows."""
    return other is None or not other.lacks(pin.below)


def _is_transformers_4(run: Run) -> bool:
    if run.before("transformers", (5, 0, 0)) is not None:
        return True
    first, last = versions.WITHOUT_TRANSFORMERS_5
    return run.before("peft", last) is not None and run.before("peft", first) is None


def _problems_left(run: Run) -> Iterator[Problem]:
    """The problems, without settings that only the newest PEFT has dropped."""
    for problem in run.problems:
        gone = versions.removed(problem.key) if isinstance(problem, UnknownKey) else None
        if gone is None or run.before("peft", gone) is None:
            yield problem


def _is_news(framework: str, version: Version, runs: Iterable[Run]) -> bool:
    """Whether a version is newer than the one that a framework's keywords were read from."""
    records = (run.framework for run in runs if run.framework.name == framework and not run.framework.direct)
    read = {record.version for record in records if record.version}
    return signatures.is_newer(framework, version) or any(padded(version) > padded(each) for each in read)


def _without_guesses(run: Run) -> Run:
    """The run without keys that are unknown only to versions older than the one that the project requires."""
    if not run.newer:
        return run

    def is_left(problem: Problem) -> bool:
        owner = signatures.framework(problem.owner) or run.dialect if isinstance(problem, UnknownKey) else None
        return owner not in run.newer

    training = replace(run.training, unknown_keywords=tuple(filter(is_left, run.training.unknown_keywords)))
    return replace(run, problems=tuple(filter(is_left, run.problems)), training=training)


def _too_new(run: Run, pin: Pin) -> Iterator[Problem]:
    """The settings of a run that no allowed version of PEFT has, and the values that none accepts."""
    adapter = run.adapter
    for field in _ADDED:
        came = versions.added(field)
        if came is not None and pin.lacks(came) and (span := _span_of(getattr(adapter, field))):
            here = span if adapter.span.holds(span) else adapter.span  # a default elsewhere, which is not the keyword
            yield UnknownKey(adapter.key(field), here, _before(came, pin), (), "raises a TypeError")
    for targets in alternatives(adapter.target_modules) if pin.lacks(versions.ALL_LINEAR) else ():
        # Otherwise a program found all linear layers.
        known = targets.origin == "literal" and isinstance(targets.value, str)
        if known and str(targets.value).lower() == "all-linear" and targets.span is not None:
            expected = (
                "names, or a regular expression for whole paths; as one this matches nothing and raises a ValueError"
            )
            owner = _before(versions.ALL_LINEAR, pin)
            yield InvalidValue(adapter.key("target_modules"), targets.value, targets.span, owner, expected)
    for start in alternatives(adapter.init_lora_weights):
        came = versions.initialisation(start.value) if isinstance(start.value, str) else None
        if came is not None and pin.lacks(came) and start.span is not None:
            expected = "another value, and raises a ValueError once the model is loaded"
            if pin.lacks(versions.UNKNOWN_INITIALISATION_RAISES):
                expected = "True or False: it silently takes any text for True"
            yield InvalidValue(adapter.key("init_lora_weights"), start.value, start.span, _before(came, pin), expected)


def _span_of(value: Value[Any]) -> Span | None:
    """The place where a setting is written, if every possible value is written."""
    every = alternatives(value)
    spans = [known.span for known in every if known.span is not None and known.origin != "framework-default"]
    return spans[0] if spans and len(spans) == len(every) else None


def _before(came: Version, pin: Pin) -> str:
    return f"LoraConfig before PEFT {versions.named(came)} ({pin})"
