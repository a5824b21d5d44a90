"""Commands that name a configuration file and override some of its settings."""

from __future__ import annotations

from lora_lint.frameworks import registry
from lora_lint.frameworks.commands import CONFIG, arguments_of, settled, start_problems, untaken
from lora_lint.frameworks.commands import entry as setting
from lora_lint.frameworks.fields import unfolded
from lora_lint.frameworks.settings import given_to, with_document
from lora_lint.programs.call_sites import CallSite
from lora_lint.programs.written import document_of
from lora_lint.readers.nodes import Entry, Mapping, Scalar
from lora_lint.records import replace
from lora_lint.run.run import Adapter, Reading, Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.frameworks.commands import Start
    from lora_lint.programs.launchers import Call
    from lora_lint.project import Project
    from lora_lint.readers.shell import Word
    from lora_lint.run.framework import CommandLine
    from lora_lint.source import Span


def reading_of(start: Start, call: Call, span: Span, path: str, project: Project) -> Reading | None:
    """The runs in which settings of a command take part, together with those of its configuration file, and the
    framework's settings; None if the command in the script at `path` names no such file.

    A command without its own settings has no run: the file is read by itself. Where the project does not have the file,
    the settings of the command alone are known.
    """
    command = start.command
    found = _file(start)
    if found is None:
        return None
    file, words = found
    arguments = arguments_of(words, span, command.beside)
    says = [setting(key, value, start.span) for key, value in start.says.items()]
    written = document_of(call, file.text, path)
    if not arguments.mapping.entries and not says and written is None:
        return Reading()
    arguments = replace(arguments, mapping=Mapping((*says, *arguments.mapping.entries), span))
    read = written or _document(file, command, path, project)
    is_there = read is not None
    document = Mapping((), span) if read is None else read
    placed = _placed(arguments.mapping, document, command.component)
    whole = unfolded(Mapping((*document.entries, *placed), document.span))
    reader = registry.reader(start.framework.name)
    if not reader.recognises(whole):
        return Reading()
    runs = tuple(with_document(start.framework, whole, run) for run in reader.read(whole, project).runs)
    if written is not None and not arguments.mapping.entries:
        own = given_to(start.framework.name, whole, False) if command.checked else ()
        return Reading(runs, given=own)
    is_open = arguments.open or not is_there  # what the file sets is not known
    site = CallSite(call, span, arguments, alone=len(runs) == 1)
    shown = (site.run(settled(each, arguments, usual=is_there)) for each in runs)
    given = given_to(start.framework.name, whole, is_open, arguments.defaults) if command.checked else ()
    return Reading(tuple(run for run in shown if run is not None), given=tuple(map(site.settings, given)))


def misnamed(start: Start, path: str, project: Project) -> Run | None:
    """What is wrong with a command in the script at `path` that names a configuration file with settings which it does
    not take, which have no effect there, or which it cannot start; None if nothing is."""
    found = _file(start) if start.command.takes or start.command.idle else None
    document = _document(found[0], start.command, path, project) if found is not None else None
    if found is None or document is None:
        return None
    place = found[0].span
    more = arguments_of(found[1], start.span, start.command.beside).mapping.entries if start.command.idle else ()
    whole = Mapping((*document.entries, *more), document.span)
    problems = (*untaken(start, whole, place), *start_problems(start, whole))
    return Run(start.framework, place, Adapter(place), trained=False, problems=problems) if problems else None


def named_document(start: Start, path: str, project: Project) -> Mapping | None:
    """The configuration file that a command in the script at `path` names, if the command overrides nothing in it."""
    command = start.command
    found = _file(start)
    if found is None or arguments_of(found[1], start.span, command.beside).mapping.entries:
        return None
    return _document(found[0], command, path, project)


def _file(start: Start) -> tuple[Word, tuple[Word, ...]] | None:
    """The configuration file that a command names, and its other words."""
    if start.command.config == "first":
        return _first(start.words)
    return _option(start.words, start.command.option) if start.command.config else None


def _first(words: tuple[Word, ...]) -> tuple[Word, tuple[Word, ...]] | None:
    """The file in the first argument, and the other words."""
    if not words or not CONFIG.search(words[0].text or words[0].tail):
        return None
    return words[0], words[1:]


def _option(words: tuple[Word, ...], option: str) -> tuple[Word, tuple[Word, ...]] | None:
    """The file in an option such as `--config`, or in `config=` among overrides, and the other words."""
    names = ("--config", "-c") if option == "config" else (f"--{option}",)
    for at, word in enumerate(words):
        name, _, value = (word.text or "").partition("=")
        if name in (*names, option) and value:
            return replace(word, text=value), (*words[:at], *words[at + 1 :])
        if name in names and at + 1 < len(words):
            return words[at + 1], (*words[:at], *words[at + 2 :])
    return None


def _document(file: Word, command: CommandLine, path: str, project: Project) -> Mapping | None:
    """The content of a configuration file, relative to the script at `path` or to the folders above it."""
    from lora_lint.libraries import loaded

    name = file.text
    if not name:
        return None
    names = list(dict.fromkeys((name, f"{name}{command.suffix}")))
    if command.shipped and not CONFIG.search(name):
        names = [f"{folder}/{name}.yaml".lstrip("/") for folder in ("", *command.shipped)]
    place = project.nearest(path, *names)
    return loaded.mapping(project, place) if place is not None else None


def _placed(given: Mapping, document: Mapping, component: str | None) -> list[Entry]:
    """The settings of a command under the keys of the file: `--no-x` is x at false, and a name given for a whole
    section is that of its component."""
    entries = []
    for entry in given.entries:
        key, value = str(entry.key.value), entry.value
        section = document.get(key)
        if component and isinstance(section, Mapping) and section.entry(component) and isinstance(value, Scalar):
            key = f"{key}.{component}"
        elif key.startswith("no_") and isinstance(value, Scalar) and value.value is True and not value.raw:
            key, value = key[3:], Scalar(False, "", value.span)
        entries.append(Entry(Scalar(key, entry.key.raw, entry.key.span), value))
    return entries
