"""configparser: settings in INI files, read by section and option.

Source: Python 3.11 configparser.py.
"""

from __future__ import annotations

from lora_lint.interpreter import standard
from lora_lint.interpreter.values import Arguments, Const, DictVal, ListVal, Member, Native, Opaque, Val
from lora_lint.libraries import loaded
from lora_lint.libraries.convert import text_of
from lora_lint.readers.ini import DEFAULT, read_ini
from lora_lint.run.values import Reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.interpreter.machine import Machine
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span

_TYPES = {"get": None, "getint": "int", "getfloat": "float", "getboolean": "bool"}
_TRUTHS = {"1": True, "yes": True, "true": True, "on": True, "0": False, "no": False, "false": False, "off": False}


class Section(DictVal):
    """The settings of a section: texts by option."""

    __slots__ = ()

    def attribute(self, machine: Machine, name: str, span: Span) -> Val:
        if name in _TYPES:
            return Native(f"SectionProxy.{name}", lambda given, at: self.option(machine, name, given, at))
        return Member(DictVal(self.items, self.span, self.open), name)

    def option(self, machine: Machine, getter: str, given: Arguments, span: Span) -> Val:
        """`section.getint("rank", fallback=8)`."""
        key, fallback = text_of(given.get("option", 0)), given.get("fallback", 1)
        value = self.items.get(key.lower()) if key is not None else None
        if value is not None:
            return _typed(machine, value, getter, span)
        if key is None or fallback is None:
            return Opaque("the INI file does not have it", span, Reason.CONFIG)
        return fallback.overridable() if self.open else fallback


class Parser(DictVal):
    """A `ConfigParser`: sections by name, of the files that it has read. It is open once one of them is not known."""

    __slots__ = ("context",)

    def __init__(self, context: Context, span: Span) -> None:
        super().__init__({}, span)
        self.context = context

    def attribute(self, machine: Machine, name: str, span: Span) -> Val:
        if name in ("read", "read_file", "readfp"):
            return Native(f"ConfigParser.{name}", self.read)
        if name in _TYPES:
            return Native(f"ConfigParser.{name}", lambda given, at: self.option(machine, name, given, at))
        if name == "sections":
            return Native("ConfigParser.sections", self.sections)
        return Native(f"ConfigParser.{name}", lambda _given, at: Opaque(f"`{name}` of a ConfigParser", at))

    def read(self, given: Arguments, span: Span) -> Val:
        """`parser.read("settings.ini")`, with one path or several, and `parser.read_file(file)`."""
        named = given.get("filenames", 0) or given.get("f", 0)
        paths = named.items if isinstance(named, ListVal) else [named]
        for path in paths:
            self._take(loaded.opened_path(path) or path, span)
        return Opaque("the names of the files that were read", span)

    def _take(self, path: Val | None, span: Span) -> None:
        content = loaded.content(self.context, path, span, read_ini)
        if not isinstance(content, DictVal):
            self.open = True
            return
        for name, settings in content.items.items():
            before, added = self.items.get(name), settings.mapping()
            both = {**(before.items if isinstance(before, DictVal) else {}), **(added.items if added else {})}
            self.context.machine.journal.set_item(self.items, name, Section(both, span))

    def sections(self, _given: Arguments, span: Span) -> Val:
        """`parser.sections()`: the names, without the one of the defaults."""
        return ListVal([Const(name, span) for name in self.items if name != DEFAULT], span, "list", self.open)

    def option(self, machine: Machine, getter: str, given: Arguments, span: Span) -> Val:
        """`parser.getint("lora", "rank", fallback=8)`."""
        section = self.items.get(text_of(given.get("section", 0)))
        if not isinstance(section, Section):
            section = Section({}, span, self.open)
        rest = Arguments(given.positional[1:], given.keywords, given.spans, given.open)
        return section.option(machine, getter, rest, span)


def _typed(machine: Machine, value: Val, getter: str, span: Span) -> Val:
    """A text as the getter converts it; it keeps the place where it is written."""
    kind = _TYPES[getter]
    if kind is None or not isinstance(value, Const):
        return value
    if kind == "bool":
        truth = _TRUTHS.get(str(value.value).lower())
        return Opaque("it is neither true nor false", span) if truth is None else Const(truth, value.span, value.origin)
    made = standard.call(machine, f"builtins.{kind}", Arguments([value], {}, {}), span)
    return (
        Const(made.value, value.span, value.origin) if isinstance(made, Const) else Opaque("it is not a number", span)
    )


def parser(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`ConfigParser()`."""
    return Parser(context, span)


CALLS: dict[str, Handler] = dict.fromkeys(("ConfigParser", "RawConfigParser", "SafeConfigParser"), parser)
