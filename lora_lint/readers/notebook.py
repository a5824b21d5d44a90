"""Jupyter notebooks: the code cells as one program."""

from __future__ import annotations

import ast
import json
import re
import warnings
from bisect import bisect_left
from codecs import BOM_UTF8

from lora_lint.readers.errors import Unreadable
from lora_lint.readers.magics import BLANKED_CELLS, comment, python_of
from lora_lint.readers.python import parse_ahead
from lora_lint.readers.text import without_surrogates
from lora_lint.records import replace
from lora_lint.source import SourceFile, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_SHELL_CELL = re.compile(r"\s*%%(?:bash|sh|shell|script|!)")
_BASH_CELL = re.compile(r"\s*%%(?:bash|sh|shell)\b")
_COMMAND = re.compile(r"\s*!+(?!\s*(?:pip|apt|apt-get|cat|cd|cp|curl|echo|git|ls|mkdir|nvidia-smi|rm|unzip|wget)\b)")
_FILLED_IN = re.compile(r"(?<![${])\{[A-Za-z_][\w.\[\]'\"()]*\}")
_PIP = re.compile(r"\bpip3?[ \t]+(?:-\S+[ \t]+)*install\b(.*)")
_SAID = (b"Num examples = ", b" examples/s]")
_TRAINED_ON = re.compile(r"Num examples = ([\d,]{1,15})[\s|]+Num Epochs =")
_TRAINER = re.compile(r"Trainer\s*\(")
_BAR = re.compile(
    r"^(Tokenizing\ train\ dataset)?[^|\n]{0,80}:\s+\d+%\|[^|\n]{0,40}\|\s*\d+/(\d{1,12})\ \[[^\n]{0,60}examples/s\]",
    re.MULTILINE,
)
"""How datasets shows that it prepares rows (5.2.0, arrow_dataset.py): `Map: 100%|███| 1850/1850 [00:01<00:00, …]`. TRL
says which they are (1.16.0, sft_trainer.py)."""
_PACKED = re.compile(r"packing['\"]?\s*[=:]\s*True")
_BULK = ((b'"outputs": [\n', b"]"), (b'"widgets": {\n', b"}"))
"""How Jupyter begins and ends the parts that make up most of a notebook's bytes and contain no code (nbformat 5.10,
v4/rwbase.py)."""
_CELL = b'"cell_type"'
_CONFLICT = b"\n<<<<<<< "


def read_notebook(path: str, data: bytes) -> SourceFile:
    """The code cells of a notebook (nbformat 3 and 4), one after another.

    Magics, shell lines and cells that are not Python become comments of the same length, so that every place keeps its
    line and column. A notebook in another language gives an empty program. Raises Unreadable for a file that is not a
    notebook.
    """
    return without_broken_cells(read_cells(path, data))


def read_cells(path: str, data: bytes) -> SourceFile:
    """`read_notebook` with non-Python cells unchanged, which is all that a report needs: finding them takes most of the
    time. Raises Unreadable."""
    try:
        content = _content(data)
    except UnicodeDecodeError as error:
        raise Unreadable(f"This notebook is not valid UTF-8 (byte 0x{error.object[error.start]:02x})") from None
    except RecursionError:
        raise Unreadable("This notebook is nested too deeply to be read", limit="depth") from None
    except json.JSONDecodeError as error:
        at = len(error.doc[: error.pos].encode())
        raise Unreadable(f"This notebook is not valid JSON ({error.msg})", Span(path, at, at)) from None
    except ValueError as error:  # a number with more digits than Python reads
        raise Unreadable(f"This notebook is not valid JSON ({error})") from None
    if not isinstance(content, dict):
        raise Unreadable("This file is not a notebook: its JSON is not an object")
    cells = _cells(content)
    if cells is None:
        raise Unreadable("This file is not a notebook: it has no list of cells")
    if _language(content) not in ("python", "ipython", ""):
        return SourceFile(path, "notebook", b"", (0,))
    lines: list[str] = []
    starts: list[int] = []
    commands: list[tuple[int, bytes]] = []
    for cell in cells:
        starts.append(len(lines))
        commands += _commands(cell, len(lines))
        lines += python_of(cell).split("\n")
    text = without_surrogates("\n".join(lines)).encode().replace(b"\0", b" ")
    trained_on = _trained_on(content) if any(said in data for said in _SAID) else None
    installs = tuple(_installs(cells)) if b"pip" in data else ()
    return SourceFile(path, "notebook", text, tuple(starts) or (0,), trained_on, installs, tuple(commands))


def _content(data: bytes) -> Any:
    """The JSON of a notebook. Raises ValueError and RecursionError."""
    written = data.removeprefix(BOM_UTF8)
    shorter = _without_bulk(written)
    if shorter is not written:
        try:
            return json.loads(shorter.decode())
        except ValueError:
            pass  # the whole text shows what is wrong, and where
    return json.loads(written.decode())


def _without_bulk(data: bytes) -> bytes:
    """A notebook without outputs and widget states where they are written as Jupyter writes them: up to the first line
    that closes them at the indentation of their key. No string contains the end of a line. What trainers printed about
    their data stays, and so does anything that has a cell in it or ends in a git conflict."""
    parts: list[bytes] = []
    done = 0
    for key, close in _BULK:
        at = data.find(key, done)
        while at >= 0:
            line_end = data.rfind(b"\n", 0, at)
            start = at + len(key) - 1
            end = data.find(data[line_end:at] + close, start) if data[line_end:at].isspace() else -1
            bulk = data[start:end] if end >= 0 else b""
            said = _SAID if close == b"]" else ()
            if bulk and not any(word in bulk for word in (*said, _CELL, _CONFLICT)):
                parts.append(data[done:start])
                done = end
            at = data.find(key, max(start, end))
    return b"".join((*parts, data[done:])) if parts else data


def without_broken_cells(source: SourceFile) -> SourceFile:
    """A notebook's program with the non-Python cells as comments."""
    if _parses_by_cell(source):
        return source
    lines = source.text.split("\n")
    ends = (*source.cells[1:], len(lines))
    for start, end in zip(source.cells, ends, strict=True):
        if not _valid("\n".join(lines[start:end])):
            lines[start:end] = map(comment, lines[start:end])
    return replace(source, utf8="\n".join(lines).encode())


def _cells(content: dict[str, Any]) -> list[str] | None:
    """The texts of the code cells."""
    listed = _code_cells(content)
    if listed is None:
        return None
    texts = (_joined(cell.get("source", cell.get("input", ""))) for cell in listed)
    return [text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", " ") for text in texts]


def _code_cells(content: dict[str, Any]) -> list[dict[str, Any]] | None:
    listed = content.get("cells")
    if listed is None and isinstance(content.get("worksheets"), list):  # nbformat 3
        sheets = [sheet for sheet in content["worksheets"] if isinstance(sheet, dict)]
        listed = [cell for sheet in sheets for cell in sheet.get("cells") or []]
    if not isinstance(listed, list):
        return None
    return [cell for cell in listed if isinstance(cell, dict) and cell.get("cell_type") == "code"]


def _joined(text: Any) -> str:
    """A text that may be written as a list of its lines."""
    if isinstance(text, list):
        return "".join(part for part in text if isinstance(part, str))
    return text if isinstance(text, str) else ""


def _trained_on(content: dict[str, Any]) -> int | None:
    """The number of examples that the trainers of a notebook printed, if all printed the same one (transformers 5.23,
    trainer.py, and unsloth: `Num examples = 1,000 | Num Epochs = 3`; an evaluation prints no epochs); otherwise the
    number that they prepared."""
    found: set[str] = set()
    prepared: set[str] = set()
    for cell in _code_cells(content) or ():
        source = _joined(cell.get("source"))
        if _PACKED.search(source):
            return None  # it is the number of packs
        outputs = cell.get("outputs")
        printed = "".join(map(_printed, outputs)) if isinstance(outputs, list) else ""
        found.update(_TRAINED_ON.findall(printed))
        prepared.update(_prepared(source, printed))
    numbers = {int(number.replace(",", "")) for number in found or prepared}
    return numbers.pop() if len(numbers) == 1 else None


def _prepared(source: str, printed: str) -> list[str]:
    """The number of rows that a trainer prepares for training: those of the first bar of the cell that creates it,
    unless the cell prepares rows itself."""
    bars = _BAR.findall(printed) if "examples/s]" in printed else []
    named = [rows for of_trainer, rows in bars if of_trainer]
    alone = _TRAINER.search(source) is not None and ".map(" not in source
    return named or [rows for _, rows in bars[:1] if alone]


def _printed(output: Any) -> str:
    """The text of an output: of a stream, or of a bar that shows progress."""
    if not isinstance(output, dict):
        return ""
    data = output.get("data")
    return _joined(output.get("text")) + (_joined(data.get("text/plain")) if isinstance(data, dict) else "")


def _installs(cells: list[str]) -> Iterator[str]:
    """What the pip commands of a notebook install."""
    for cell in cells:
        if "pip" not in cell:
            continue
        shell = _SHELL_CELL.match(cell) is not None
        for line in cell.replace("\\\n", " ").split("\n"):
            command = line.lstrip()
            if command.startswith(("!", "%")) or (shell and not command.startswith("#")):
                found = _PIP.search(command)
                if found is not None:
                    yield found[1]


def _language(content: dict[str, Any]) -> str:
    metadata = content.get("metadata")
    if not isinstance(metadata, dict):
        return ""
    for key, name in (("language_info", "name"), ("kernelspec", "language")):
        described = metadata.get(key)
        if isinstance(described, dict) and isinstance(described.get(name), str):
            return str(described[name]).lower().rstrip("0123456789")
    return ""


def _commands(cell: str, line: int) -> Iterator[tuple[int, bytes]]:
    """What a cell that begins on a line gives to a shell: a `%%bash` cell as one script, else each line with `!`.

    IPython replaces `{rank}` in a line by a value of the program, which is not known: a variable of the shell that
    nobody sets replaces it here.
    """
    if _BASH_CELL.match(cell):
        yield line, _magic_blanked(cell).encode("utf-8", "replace")
    elif "!" in cell and not BLANKED_CELLS.match(cell):
        lines = cell.split("\n")
        at = 0
        while at < len(lines):
            first = at
            at += 1
            found = _COMMAND.match(lines[first])
            if found is None:
                continue
            while lines[at - 1].endswith("\\") and at < len(lines):
                at += 1
            text = " " * found.end() + "\n".join(lines[first:at])[found.end() :]
            yield line + first, _FILLED_IN.sub(_unset, text).encode("utf-8", "replace")


def _magic_blanked(cell: str) -> str:
    magic = cell.index("%%")
    end = cell.find("\n", magic)
    end = len(cell) if end < 0 else end
    return cell[:magic] + " " * (end - magic) + cell[end:]


def _unset(found: re.Match[str]) -> str:
    return "$" + "_" * (len(found[0]) - 1)


def _parses_by_cell(source: SourceFile) -> bool:
    """Whether every cell is Python, by one look at all of them: they are if the whole is and no statement continues
    from one cell to the next. Otherwise each has to be checked separately."""
    tree = parse_ahead(source.utf8)
    if tree is None:
        return False
    for statement in tree.body:
        decorators = getattr(statement, "decorator_list", ())
        first = min((statement.lineno, *(decorator.lineno for decorator in decorators)))
        last = statement.end_lineno or statement.lineno
        if bisect_left(source.cells, first) != bisect_left(source.cells, last):
            return False
    # Such a line is an error at the end of a cell, but not before an empty line.
    return b"\\\n" not in source.utf8 or not any(
        source.line_text(start).endswith("\\") for start in source.cells if start
    )


def _valid_later(text: str) -> bool:
    """Whether only a newer Python can read a cell."""
    from lora_lint.readers.newer import rewritten

    newer = rewritten(text.encode("utf-8", "replace"))
    return newer is not None and _valid(newer.decode())


def _valid(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except SyntaxError as error:
        # Allowed in a cell but not in a module; the interpreter accepts both.
        return "outside function" in (error.msg or "") or _valid_later(text)
    except (ValueError, RecursionError, MemoryError):
        return False
    return True
