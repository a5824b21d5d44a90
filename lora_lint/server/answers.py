"""What a worker gives to the service: plain records, with places as the editor counts them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lora_lint.records import NamedTuple, dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lora_lint.finding import Level
    from lora_lint.server.positions import Encoding, Place, Point
    from lora_lint.source import FileKind, Span


class Task(NamedTuple):
    """A text to read as if it were the file `path` (absolute). `by_cell`: an editor holds the notebook cell by cell,
    and `data` is made of its cells. `table` has the editor's settings, by the names in the settings' schema."""

    path: str
    kind: FileKind
    data: bytes
    by_cell: bool
    encoding: Encoding
    table: Mapping[str, Any]


@dataclass(frozen=True)
class Problem:
    """A finding. `related` are other places with what they have to do with it; `fix` says what its fix would do, which
    keeps what is trained if it is `safe`; `span` is its place for the worker."""

    code: str
    name: str
    level: Level
    message: str
    url: str
    place: Place
    span: Span
    related: tuple[tuple[Place, str], ...] = ()
    fix: str | None = None
    safe: bool = False


@dataclass(frozen=True)
class Note:
    """Text in Markdown about what is written at a place."""

    place: Place
    text: str


@dataclass(frozen=True)
class Lens:
    """A line above a run."""

    place: Place
    title: str


@dataclass(frozen=True)
class Link:
    """A place that names the file `target`, by its absolute path."""

    place: Place
    target: str
    tooltip: str


@dataclass(frozen=True)
class Name:
    """A name that can be written, and what it is."""

    text: str
    detail: str
    documentation: str = ""


@dataclass(frozen=True)
class Analysis:
    """Everything that an editor shows about a text. `hints` are shown at the ends of their places; `targets` are the
    names of the model's modules; `reads` the real paths of the files that the result depends on. `broken`: the text
    cannot be read, so that there is nothing but the problem. It took `seconds` of CPU time; `log` is for the editor's
    log."""

    problems: tuple[Problem, ...] = ()
    notes: tuple[Note, ...] = ()
    hints: tuple[Note, ...] = ()
    lenses: tuple[Lens, ...] = ()
    links: tuple[Link, ...] = ()
    targets: tuple[Name, ...] = ()
    dialects: tuple[str, ...] = ()
    reads: frozenset[str] = field(default=frozenset())
    broken: bool = False
    seconds: float = 0.0
    log: tuple[str, ...] = field(default=())


class TextChange(NamedTuple):
    """A replacement in a text, or in a code cell of a notebook (from 0)."""

    cell: int | None
    start: Point
    end: Point
    text: str


class Rewritten(NamedTuple):
    """The replacements that fix a text, or why there are none."""

    changes: tuple[TextChange, ...]
    problem: str = ""
