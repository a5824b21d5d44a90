"""The settings that a mapping gives a framework: a configuration file, or the options of a command."""

from __future__ import annotations

from lora_lint.frameworks import refusals, registry
from lora_lint.frameworks.fields import Fields, unfolded, with_dotted_keys
from lora_lint.knowledge import schemas
from lora_lint.readers.nodes import Mapping
from lora_lint.records import replace
from lora_lint.run.given import Given
from lora_lint.run.problems import UnknownKey
from lora_lint.run.run import plain_folder
from lora_lint.run.values import Known, Unknown, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import Any

    from lora_lint.readers.nodes import Entry
    from lora_lint.run.framework import Framework
    from lora_lint.run.run import Reading, Run
    from lora_lint.run.values import Value
    from lora_lint.source import Span


def with_given(reading: Reading, framework: str, document: Mapping) -> Reading:
    """A reading with the framework's settings, if any of its refusals are known: with each run, or alone if there is
    none."""
    given = given_to(framework, document)
    if not given:
        return reading
    if not reading.runs and not reading.sweeps:
        return replace(reading, given=given)
    return reading.mapped(lambda run: replace(run, given=given))


def is_borrowed(framework: Framework, document: Mapping) -> bool:
    """Whether a file is that of another program, which has taken over keys that a framework has at the top of its."""
    at_the_top = framework.commands and registry.own(framework.name, "settings") is None
    if not at_the_top or any(command.component for command in framework.commands):  # a file that names its components
        return False
    return schemas.has(framework.name) and schemas.is_borrowed(framework.name, document)


def with_document(framework: Framework, mapping: Mapping, run: Run) -> Run:
    """A run with the folder that its framework saves the adapter in, if it is written out or there is a usual
    one, and with the keys that not all releases of the framework know."""
    key, usual = framework.other_keys.get("output"), framework.defaults.get("output")
    folder = known(Fields(mapping).text(key, Known(usual))) if key is not None else None
    saves = (plain_folder(folder),) if folder else run.saves
    recent = schemas.new_keys(framework.name, mapping, framework.unknown_keys)
    gone = schemas.gone_overrides(framework.name, framework.title, mapping, framework.unknown_keys)
    return replace(run, saves=saves, recent=(*run.recent, *recent), problems=(*run.problems, *gone))


def with_misplaced(framework: Framework, document: Mapping, run: Run) -> Run:
    """A run with the keys at the top of its file that the framework knows in a section only, which does not have
    them."""
    known_already = {problem.span for problem in run.problems}
    found = (each for each in _misplaced(framework, document) if each.span not in known_already)
    return replace(run, problems=(*run.problems, *found))


def _misplaced(framework: Framework, document: Mapping) -> Iterator[UnknownKey]:
    name, sections = framework.name, framework.sections
    top = schemas.keys(name) if sections and schemas.has(name) else frozenset()
    if not sections or not top:
        return
    whole = with_dotted_keys(unfolded(document))
    for entry in document.entries:
        key = str(entry.key.value)
        if key in top or key in sections or entry.key.span.start < document.span.start:
            continue
        fitting = [path for path, part in sections.items() if key in schemas.keys(name, part)]
        if fitting and all(whole.entry(f"{path}.{key}") is None for path in fitting):
            owner, instead = f"{framework.title} at the top of a file", f"Write it in `{fitting[0]}`"
            yield UnknownKey(key, entry.key.span, owner, (), "is not read", instead)


def given_to(
    framework: str, document: Mapping, is_open: bool = False, defaults: Collection[Span] = (), owner: str | None = None
) -> tuple[Given, ...]:
    """The framework's settings, if any of its refusals are known. `is_open`: there are more that are not known, and
    these may be overridden, as may anything written at one of `defaults`. `owner` is what receives them, where that is
    not in the document."""
    table = refusals.table(framework)
    if table is None:
        return ()
    owner_of = registry.own(framework, "owner") if owner is None else None
    receiver = owner_of(document) if owner_of is not None else owner or ""
    if receiver is None:
        return ()
    takers = ((framework, receiver), *table.hands_on)
    read = [(mapping.span, _read(mapping, is_open, defaults)) for mapping in _mappings(framework, document)]
    return tuple(Given(name, span, values, class_, open=is_open) for span, values in read for name, class_ in takers)


def given_as_options(name: str, options: Mapping, is_open: bool, defaults: Collection[Span]) -> Given:
    """The options of a program that has a table of refusals, and no files or settings of its own."""
    return Given(name, options.span, _read(options, is_open, defaults), open=is_open)


def _read(mapping: Mapping, is_open: bool, defaults: Collection[Span]) -> dict[str, Value[Any]]:
    """The settings of a mapping; what may be overridden is a default."""
    values = dict(_values(mapping, ""))
    if is_open or defaults:
        for name, value in values.items():
            if isinstance(value, Known) and (is_open or value.span in defaults):
                values[name] = Known(value.value, value.span, "cli-default")
    return values


def _mappings(framework: str, document: Mapping) -> Iterator[Mapping]:
    """The mappings of settings in a file of a framework, or in the options of its command."""
    settings_of = registry.own(framework, "settings")
    yield from settings_of(document) if settings_of is not None else (document,)


def _values(mapping: Mapping, prefix: str) -> Iterator[tuple[str, Value[Any]]]:
    """The settings of a mapping: sections as a whole and their content. Empty settings are not given."""
    for entry in mapping.entries:
        if not isinstance(entry.key.value, str):
            continue
        name = f"{prefix}{entry.key.value}"
        value = _value(entry)
        if not isinstance(value, Known) or value.value is not None:
            yield name, value
        if isinstance(entry.value, Mapping):
            yield from _values(entry.value, f"{name}.")


def _value(entry: Entry) -> Value[Any]:
    try:
        return Known(_frozen(schemas.plain(entry.value)), entry.value.span)
    except schemas.FilledIn:
        return Unknown("it is filled in when the run starts", entry.value.span)


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
