"""Which versions of the frameworks a project allows.

The nearest place decides: the program itself (the pip commands of a notebook, or of a shell script for the programs
that it starts; inline metadata), then the folders from its own up to the top of the project, in each of which a lock
file comes before all others. Of several requirements the widest counts. A lower bound pins nothing: the newest version
is assumed.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from lora_lint import disk
from lora_lint.run import Pin, padded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lora_lint.project import Project
    from lora_lint.run import Version
    from lora_lint.source import SourceFile

    Pins: TypeAlias = "Mapping[str, Pin | None]"
    """What is said of each framework that is named: None where every version is allowed."""

FRAMEWORKS = ("peft", "transformers", "trl")
LIMIT = 4_000_000
"""Bytes of a file that is looked into."""
_LOCKED = r'^name = "{0}"\r?\nversion = "([\d.]+)[^"]*"'
_LOCKED_BY_PIPENV = r'"{0}"\s*:\s*\{{[^{{}}]*"version"\s*:\s*"==([\d.]+)'
_LOCKS = {"uv.lock": _LOCKED, "poetry.lock": _LOCKED, "pdm.lock": _LOCKED, "Pipfile.lock": _LOCKED_BY_PIPENV}
_REQUIRED = r"^[ \t]*{0}[ \t]*(?:\[[^\]\n]*\])?[ \t]*([^;#\n]*)"
_QUOTED = r"""["']{0}[ \t]*(?:\[[^\]\n]*\])?[ \t]*([^"';\n]*)"""
_TABLE = r"""^{0}[ \t]*=[ \t]*(?:\{{[^}}\n]*version[ \t]*=[ \t]*)?["']([^"'\n]*)"""
_CONDA = r"""^[ \t]*-[ \t]*["']?(?:[\w.-]+::)?{0}[ \t]*(?:\[[^\]\n]*\])?[ \t]*([^"';#\n]*)"""
_GIT = r"""git\+[^\s"']*/{0}(?:\.git)?(?:@([^\s"'#;\]]+))?(?![\w.-])"""
_PATTERNS = (
    (re.compile(r"[\w.-]*requirements?[\w.-]*\.txt"), (_REQUIRED, _GIT)),
    (re.compile(r"pyproject\.toml"), (_QUOTED, _TABLE, _GIT)),
    (re.compile(r"setup\.cfg"), (_REQUIRED, _GIT)),
    (re.compile(r"setup\.py"), (_QUOTED, _GIT)),
    (re.compile(r"Pipfile"), (_TABLE,)),
    (re.compile(r"(?:conda|environment)[\w.-]*\.ya?ml"), (_CONDA, _GIT)),
)
"""Names of files, and what is looked for in them."""
_REQUIREMENT = re.compile(r"[=<>~!^\d(@,*]")
_BOUND = re.compile(r"(===?|~=|<=|<|\^|~|=)?[ \t]*v?(\d+(?:\.\d+)*)(\.\*)?[^,]*")
_TAG = re.compile(r"v?\d+(?:\.\d+)+")
_PIP = re.compile(r"(?:.*/)?pip[\d.]*")
_METADATA = re.compile(rb"^# /// script\s*$(.*?)^# ///\s*$", re.MULTILINE | re.DOTALL)


def pins_of(project: Project, source: SourceFile) -> dict[str, Pin]:
    """What a program is run with at most: the FRAMEWORKS that a version is pinned of."""
    pins = dict(_in_program(source))
    found = _found_in(project)
    for folder in project.upwards(os.path.dirname(source.path), beyond=True):
        pins = {**found.get(folder, _in_folder), **pins}
    return {framework: pin for framework, pin in pins.items() if pin is not None}


@lru_cache(maxsize=1)
def _found_in(_: Project) -> disk.Remembered[str, Pins]:
    """What the folders of a project pin, for all of its files."""
    return disk.Remembered()


def _in_program(source: SourceFile) -> Pins:
    """What a program says itself."""
    name = os.path.basename(source.path)
    installs = _of_script(source) if source.kind == "shell" else map(_split, source.installs)
    pins = _widest(found for words in installs for found in _installed(words, name))
    if pins:
        return pins
    if b"# /// script" in source.utf8 and (block := _METADATA.search(source.utf8)):
        return _widest(_asked_for(block[1].decode(), (_QUOTED, _GIT), name))
    return {}


def _of_script(source: SourceFile) -> Iterator[list[str]]:
    """What each pip command of a shell script installs, as far as its words are known."""
    if b"pip" not in source.utf8:
        return
    from lora_lint.readers.shell import read_shell

    for command in read_shell(source):
        words = [word.head if word.text is None else word.text for word in command.words]
        pip = next((place for place, word in enumerate(words) if _PIP.fullmatch(word)), None)
        if pip is not None and "install" in words[pip:] and not {"echo", "printf"} & set(words[:pip]):
            yield words[words.index("install", pip) + 1 :]


def _split(command: str) -> list[str]:
    import shlex

    try:
        return shlex.split(command, comments=True)
    except ValueError:
        return command.split()


def _installed(words: Iterable[str], file: str) -> Iterator[tuple[str, Pin | None]]:
    """The frameworks that the words of a pip command name."""
    for word in words:
        yield from _asked_for(word, (r"^{0}(?:\[[^\]]*\])?(?![\w.-])(.*)", _GIT), file)


def _in_folder(folder: str) -> Pins:
    """What the files of a folder say, locks before all others."""
    names = disk.names(folder) or ()
    pins: dict[str, Pin | None] = {}
    for name in names:
        if name in _LOCKS:
            text = _text(os.path.join(folder, name))
            for framework in FRAMEWORKS:
                locked = re.findall(_LOCKS[name].format(framework), text, re.MULTILINE)
                if locked:
                    newest = max(map(_numbers, locked))
                    pins[framework] = Pin(_after(newest), f"{framework} {'.'.join(map(str, newest))}", name)
    found: list[tuple[str, Pin | None]] = []
    for name in (*names, *_listed(folder, names)):
        patterns = next((wanted for names_of, wanted in _PATTERNS if names_of.fullmatch(os.path.basename(name))), None)
        if patterns is not None:
            found += _asked_for(_text(os.path.join(folder, name)), patterns, name)
    return {**_widest(found), **pins}


def _listed(folder: str, names: Iterable[str]) -> list[str]:
    """The files of a folder for requirements."""
    if "requirements" not in names:
        return []
    below = disk.names(os.path.join(folder, "requirements")) or ()
    # Each is one of the requirements, whatever it is called.
    return [f"requirements/{name}" for name in below if _PATTERNS[0][0].fullmatch(name)]


def _asked_for(text: str, patterns: Iterable[str], file: str) -> Iterator[tuple[str, Pin | None]]:
    """Each requirement of a framework in a text, None where it has no upper bound."""
    for framework in FRAMEWORKS:
        for pattern in patterns:
            for found in re.finditer(pattern.format(framework), text, re.MULTILINE | re.IGNORECASE):
                wanted = (found[1] or "").strip()
                if pattern is _GIT:
                    below = _after(_numbers(wanted.lstrip("v"))) if _TAG.fullmatch(wanted) else None
                elif wanted and not _REQUIREMENT.match(wanted):
                    continue  # another package, whose name begins alike
                else:
                    below = _upper(wanted)
                written = re.sub(r"\s+", " ", found[0]).strip("\"' -")
                yield framework, None if below is None else Pin(below, written, file)


def _widest(found: Iterable[tuple[str, Pin | None]]) -> Pins:
    """Of several requirements of a framework the one that allows the newest version."""
    pins: dict[str, Pin | None] = {}
    for framework, pin in found:
        before = pins.get(framework, pin)
        wider = before is None or pin is None or before.lacks(pin.below)
        pins[framework] = None if before is None or pin is None else pin if wider else before
    return pins


def _text(path: str) -> str:
    try:
        data = disk.read(path, LIMIT)
    except OSError:
        return ""
    return "" if data is None else data.decode("utf-8", "replace")


def _upper(requirement: str) -> Version | None:
    """The version that all allowed ones are below; None where there is no such bound."""
    bounds = []
    for part in requirement.strip("() ").split(","):
        found = _BOUND.fullmatch(part.strip())
        if found is None:
            continue
        operator, numbers, star = found[1], _numbers(found[2]), found[3]
        if operator == "<":
            bounds.append(numbers)
        elif star or operator in ("~", "="):  # one sign is conda's: every version that starts so
            bounds.append(_next(numbers[:2] if operator == "~" and len(numbers) > 2 and not star else numbers))
        elif operator == "~=":
            bounds.append(_next(numbers[:-1] or numbers))
        elif operator == "^":
            first = next((place for place, number in enumerate(numbers) if number), len(numbers) - 1)
            bounds.append(_next(numbers[: first + 1]))
        else:  # exact: written so, or a version alone as Poetry has it
            bounds.append(_after(numbers))
    return min(bounds, key=padded, default=None)


def _numbers(text: str) -> Version:
    return tuple(int(part) for part in text.split(".") if part.isdecimal())


def _next(numbers: Version) -> Version:
    return (*numbers[:-1], numbers[-1] + 1)


def _after(numbers: Version) -> Version:
    """The version after an exact one: with three numbers, of which the last grows."""
    return _next((*numbers, 0, 0, 0)[:3])
