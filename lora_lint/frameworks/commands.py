"""Command lines of frameworks: the records say which commands start one, and their options are read like its file."""

from __future__ import annotations

import re

from lora_lint import marks
from lora_lint.frameworks import registry
from lora_lint.frameworks.settings import given_to, with_document
from lora_lint.knowledge import schemas
from lora_lint.readers.arguments import options, overrides
from lora_lint.readers.nodes import Entry, Mapping, Placeholder, Scalar, Sequence
from lora_lint.records import dataclass, field, replace
from lora_lint.run.problems import InvalidValue, Overridden, UnknownKey
from lora_lint.run.values import Known, Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import abc
    from collections.abc import Iterator
    from typing import Any

    from lora_lint.programs.launchers import Call
    from lora_lint.project import Project
    from lora_lint.readers.arguments import CommandOptions
    from lora_lint.readers.nodes import Node
    from lora_lint.readers.shell import Word
    from lora_lint.run.framework import CommandLine, Framework, Spelling
    from lora_lint.run.problems import Problem
    from lora_lint.run.run import Run
    from lora_lint.run.values import Value
    from lora_lint.source import Span

_OF_A_COPY = 2
"""How many options that a script of examples does not have show that it is a changed copy."""
_OWN_BASE = re.compile(r"(?:--config-(?:path|dir)|-c[pd])(?:=|$)")
"""What gives Hydra another folder for the configuration whose keys are overridden."""
CONFIG = re.compile(r"\.(?:ya?ml|json|toml)$")


@dataclass(frozen=True)
class Start:
    """A call of a framework's command: what it is to do, and the arguments after that."""

    framework: Framework
    command: CommandLine
    name: str
    task: str | None
    words: tuple[Word, ...]
    span: Span
    environment: abc.Mapping[str, Word] = field(default_factory=dict)
    says: abc.Mapping[str, Any] = field(default_factory=dict)
    """What is known by the command itself: what its record says, and the named groups of its name."""
    earlier: tuple[Start, ...] = ()
    """What the same script starts before it."""


def start_of(call: Call) -> Start | None:
    """The framework that a call starts, and how; None if it is not such a call, or does not train."""
    for command, framework, match in _commands(call):
        groups = match.groupdict("")
        task = groups.pop("task", None) or None
        words = call.arguments
        if command.tasks:
            task, words = (words[0].text or "" if words else ""), words[1:]
            if task not in command.tasks:
                continue
        if call.kind == "command":
            words = _until_dashes(words)
        says = {**command.says, **groups}
        return Start(framework, command, call.name, task, words, call.span, call.environment, says)
    return None


def _commands(call: Call) -> list[tuple[CommandLine, Framework, re.Match[str]]]:
    """The commands that a call is, each with its framework."""
    if call.kind == "command":
        owners = {marks.COMMANDS[call.name]} if call.name in marks.COMMANDS else set()
    else:
        owners = {owner for kind, name, owner in marks.PROGRAMS if _match(kind, name, call)}
    return [
        (command, framework, match)
        for framework in map(registry.framework, sorted(owners))
        for command in framework.commands
        if (match := _match(command.kind, command.name, call)) is not None and _has(command.needs, call)
    ]


def _has(option: str, call: Call) -> bool:
    """Whether a call has an option, if one is asked for."""
    return not option or any(word.beginning.partition("=")[0] == option for word in call.arguments)


def _match(kind: str, name: str, call: Call) -> re.Match[str] | None:
    if kind != call.kind:
        return None
    if kind == "command":
        name = re.escape(name)
    if kind != "script":
        return re.fullmatch(name, call.name)
    return re.search(rf"{'/' if call.cut else '(?:^|/)'}{name}$", call.name)


def _until_dashes(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """The arguments before `--`, after which the launcher's follow."""
    return next((words[:at] for at, word in enumerate(words) if word.text == "--"), words)


def arguments_of(words: tuple[Word, ...], span: Span, spelling: Spelling) -> CommandOptions:
    """The settings in some arguments, as flags or with dots."""
    return options(words, span) if spelling == "flags" else overrides(words, span)


def runs_of(start: Start, span: Span, project: Project) -> list[Run] | None:
    """The runs of a command that gives all settings itself; None if it is not such a command."""
    command = start.command
    if command.alone is None:
        return None
    arguments = arguments_of(start.words, span, command.alone)
    script = start.name.replace("\\", "/").rpartition("/")[2]
    if command.alone == "flags":
        whole = schemas.unabbreviated(start.framework.name, arguments.mapping, script)
        arguments = replace(arguments, mapping=whole)
    given = arguments.mapping
    if command.alone == "flags" and (given.entry(command.option) is not None or _is_config(arguments)):
        return []  # a configuration file, which is read by itself
    adds = {**command.implied, **start.says}
    implied = [entry(key, value, start.span) for key, value in adds.items() if given.entry(key) is None]
    given = Mapping((*implied, *given.entries), given.span)
    reader = registry.reader(start.framework.name)
    read_command = registry.own(start.framework.name, "read_command")
    if read_command is not None:
        reading = read_command(start, replace(arguments, mapping=given), project)
        if reading is None:
            return None
        runs: tuple[Run, ...] = reading.runs
    elif reader.recognises(given):
        runs = reader.read(given, project).runs
    else:
        return None  # another program may share the name
    if command.methods:
        method = command.methods.get(start.task or "", "unknown")
        runs = tuple(replace(run, training=replace(run.training, method=method)) for run in runs)
    own_base = any(_OWN_BASE.match(word.beginning) for word in start.words)
    is_open = arguments.open or not command.usual or own_base
    followed = command.followed and schemas.has(start.framework.name)
    changed = followed and schemas.is_borrowed(start.framework.name, arguments.mapping, script, _OF_A_COPY)
    checked = command.checked and not changed
    own = given_to(start.framework.name, given, is_open, arguments.defaults) if checked else ()
    unknown = schemas.unknown_options(start.framework.name, script, arguments.mapping) if not changed else []
    misused = () if changed else schemas.misused_options(start.framework.name, script, arguments.mapping)
    stray = _stray(start, script, arguments)
    problems: tuple[Problem, ...] = (*unknown, *misused, *stray, *_overridden(start, given), *untaken(start, given))
    problems = (*problems, *start_problems(start, given))
    runs = tuple(with_document(start.framework, given, run) for run in runs)
    if not command.checked or own_base:
        runs = tuple(map(_with_own_keys, runs))
    runs = tuple(replace(run, given=own, problems=(*run.problems, *problems)) for run in runs)
    return [settled(run, arguments, command.usual) for run in runs]


def _stray(start: Start, script: str, arguments: CommandOptions) -> Iterator[UnknownKey]:
    """The first word that no option of a script takes, if it has nothing but options."""
    name = start.framework.name
    if schemas.has(name) and schemas.part(name, script) is not None:
        for word in [each for each in arguments.positional if each.text][:1]:
            instead = "Quote a value that has blanks, and write none around `=` and commas"
            yield UnknownKey(str(word.text), word.span, script, (), "stops it with an error", instead)


def _with_own_keys(run: Run) -> Run:
    """The run of a command that has arguments of its own, so that no key is unknown to it, nor a value that older
    releases took."""

    def is_left(problem: Problem) -> bool:
        if isinstance(problem, InvalidValue):
            return problem.since is None
        return not isinstance(problem, UnknownKey)

    return replace(run, problems=tuple(filter(is_left, run.problems)), recent=())


def untaken(start: Start, given: Mapping, at: Span | None = None) -> tuple[UnknownKey, ...]:
    """The first of the settings, in a command or in the file that it names `at` a place, that the framework's files may
    have and the command does not take."""
    name, part = start.framework.name, start.command.takes
    taken = schemas.keys(name, part) if part and start.command.lenient not in start.environment else frozenset()
    for each in given.entries if taken else ():
        key = str(each.key.value)
        if key not in taken and key in schemas.keys(name):
            owner = f"`{start.name} {start.task}`"
            stops, instead = start.framework.unknown_keys, start.command.instead
            return (UnknownKey(key, at or each.key.span, owner, (), stops, instead),)
    idle, busy = start.command.idle, start.command.busy
    entry = given.entry(idle[0]) if idle is not None else None
    if idle is None or entry is None or any(given.entry(key) is not None for key in busy):
        return ()
    place, owner = at or entry.key.span, f"`{start.name} {start.task}`"
    return (UnknownKey(idle[0], place, owner, (), "has no effect: nothing is trained, and nothing saved", idle[1]),)


def start_problems(start: Start, given: Mapping) -> tuple[Problem, ...]:
    """What is wrong with how a command starts a training of some settings, by its environment."""
    own = registry.own(start.framework.name, "start_problems")
    return tuple(own(start, given)) if own is not None and start.environment else ()


def _overridden(start: Start, given: Mapping) -> Iterator[Overridden]:
    """The options for lists that a command gives twice, if values are lost by that."""
    for key in start.framework.lists:
        found = [entry for entry in given.entries if entry.key.value == key]
        for each in found[:-1]:
            kept = _texts(found[-1])
            lost = tuple(text for text in _texts(each) if text is not None and text not in kept)
            if lost and None not in kept:
                yield Overridden(key, each.key.span, lost, found[-1].key.span)


def _texts(entry: Entry) -> tuple[str | None, ...]:
    """The values of an option, as they are written; None for one that is not known."""
    items = entry.value.items if isinstance(entry.value, Sequence) else (entry.value,)
    values = (item.value for item in items if isinstance(item, Scalar))
    return tuple(None if isinstance(value, Placeholder) else str(value) for value in values)


def _is_config(arguments: CommandOptions) -> bool:
    first = arguments.positional[0].text if arguments.positional else None
    return CONFIG.search(first or "") is not None


def entry(key: str, value: Any, span: Span) -> Entry:
    """A setting that the command itself adds."""
    node: Node = Scalar(value, str(value), span)
    return Entry(Scalar(key, key, span), node)


_OPENED = ("rank", "alpha", "dropout", "target_modules", "scale", "use_rslora")
_HANDED = ("dropout", "target_modules", "use_rslora")
"""What callers of a script seldom give it, so that a default is likely to hold."""


def settled(run: Run, arguments: CommandOptions, usual: bool) -> Run:
    """The run, only as certain as its arguments: a variable's default may be overridden, and if there are further
    arguments, or defaults, that are not known, a missing setting is not known either."""
    adapter, model, training = (_each(record, arguments, usual) for record in (run.adapter, run.model, run.training))
    return replace(run, adapter=adapter, model=model, training=training)


def _each(record: Any, arguments: CommandOptions, usual: bool) -> Any:
    is_open = not usual or arguments.open
    changed: dict[str, Value[Any]] = {}
    for name in type(record).__match_args__:
        value = getattr(record, name)
        if not isinstance(value, Known):
            continue
        if value.origin == "framework-default":
            if usual and arguments.handed and name in _HANDED:
                changed[name] = Known(value.value, value.span, "cli-default", value.written)
            elif is_open and (name in _OPENED or name in ("learning_rate", "optimizer", "epochs")):
                changed[name] = Unknown("other arguments of the command may set it")
        elif arguments.open or value.span in arguments.defaults:
            changed[name] = Known(value.value, value.span, "cli-default", value.written)
    return replace(record, **changed) if changed else record
