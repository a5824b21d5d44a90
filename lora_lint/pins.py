"""The versions of frameworks that a project pins, and what follows from them for its runs.

What is looked at is the nearest folder, from that of the linted file up to the top of the project, whose lock file,
requirements or pyproject.toml names the framework. A lower bound pins nothing: the newest version is assumed.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from lora_lint import disk
from lora_lint.knowledge.peft_versions import ADDED
from lora_lint.records import replace
from lora_lint.run import UnknownKey, alternatives

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.project import Project
    from lora_lint.run import Reading, Run

LIMIT = 4_000_000
"""Bytes of a file that is looked into."""
_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock")
_LOCKED = r'^name = "{0}"\r?\nversion = "([\d.]+)[^"]*"'
_REQUIRED = r"^{0}[ \t]*(?:\[[^\]\n]*\])?[ \t]*([^;#\n]*)"
_QUOTED = r"""["']{0}[ \t]*(?:\[[^\]\n]*\])?[ \t]*([^"';\n]*)"""
_POETRY = r"""^{0}[ \t]*=[ \t]*(?:\{{[^}}\n]*version[ \t]*=[ \t]*)?["']([^"'\n]*)"""
_BOUND = re.compile(r"(===?|~=|<=|<|\^|~)?[ \t]*v?(\d+(?:\.\d+)*)(\.\*)?[^,]*")

Version = tuple[int, ...]


class Pin(NamedTuple):
    """The newest version that a project allows: all are older than `below`. `text` is how it is written in `file`."""

    below: Version
    text: str
    file: str

    def lacks(self, version: Version) -> bool:
        """Whether what came with `version` is in none of the versions that are allowed."""
        return _padded(version) >= _padded(self.below)


def pin_of(project: Project, path: str, package: str) -> Pin | None:
    """What the project of the file at `path` pins a package to; None if that is no version or nothing."""
    found = _found_in(project)
    for folder in project.upwards(os.path.dirname(path), beyond=True):
        told, pin = found.get((folder, package), _in_folder)
        if told:
            return pin
    return None


def with_pins(reading: Reading, path: str, project: Project) -> Reading:
    """The runs, with what the pinned versions of PEFT and transformers make of them."""
    runs = (*reading.runs, *(run for sweep in reading.sweeps for run in sweep.runs))
    if not any(run.dialect == "peft" for run in runs):
        return reading
    peft, transformers = (pin_of(project, path, package) for package in ("peft", "transformers"))
    if peft is None and transformers is None:
        return reading

    def apply(run: Run) -> Run:
        if run.dialect != "peft":
            return run
        if transformers is not None and transformers.lacks((5, 0, 1)):
            run = replace(run, model=replace(run.model, transformers="4"))
        lacking = tuple(_lacking(run, peft)) if peft is not None else ()
        return replace(run, problems=(*run.problems, *lacking)) if lacking else run

    return reading.mapped(apply)


def _lacking(run: Run, pin: Pin) -> Iterator[UnknownKey]:
    """The settings of a run that no allowed version of PEFT has."""
    for field, version in ADDED.items():
        values = alternatives(getattr(run.adapter, field))
        spans = [value.span for value in values if value.span is not None and value.origin != "framework-default"]
        if pin.lacks(version) and spans and len(spans) == len(values):
            came = ".".join(map(str, version))
            owner = f"LoraConfig before PEFT {came} ({pin.file} has `{pin.text}`)"
            yield UnknownKey(run.adapter.key(field), spans[0], owner, (), "raises a TypeError")


@lru_cache(maxsize=1)
def _found_in(_: Project) -> disk.Remembered[tuple[str, str], tuple[bool, Pin | None]]:
    """What the folders of a project pin, for all of its files."""
    return disk.Remembered()


def _in_folder(where: tuple[str, str]) -> tuple[bool, Pin | None]:
    """Whether the files of a folder name a package, and what they pin it to: a lock before all others, of several
    requirements the widest."""
    folder, package = where
    names = disk.names(folder) or ()
    for name in names:
        if name in _LOCKS:
            text = _text(os.path.join(folder, name))
            locked = re.findall(_LOCKED.format(package), text, re.MULTILINE)
            if locked:
                newest = max(locked, key=lambda each: _padded(_numbers(each)))
                return True, Pin(_after(_numbers(newest)), f"{package} {newest}", name)
    pins: list[Pin | None] = []
    for name in names:
        if name == "pyproject.toml":
            patterns: tuple[str, ...] = (_QUOTED, _POETRY)
        elif name.startswith("requirements") and name.endswith(".txt"):
            patterns = (_REQUIRED,)
        else:
            continue
        text = _text(os.path.join(folder, name))
        for pattern in patterns:
            for found in re.finditer(pattern.format(package), text, re.MULTILINE | re.IGNORECASE):
                wanted = found[1].strip()
                if wanted and not re.match(r"[=<>~!^\d(@,*]", wanted):
                    continue  # another package, whose name begins alike
                below = _upper(wanted)
                written = re.sub(r"\s+", " ", found[0]).strip("\"' ")
                pins.append(None if below is None else Pin(below, written, name))
    bounded = [pin for pin in pins if pin is not None]
    widest = max(bounded, key=lambda pin: _padded(pin.below)) if bounded and len(bounded) == len(pins) else None
    return bool(pins), widest


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
        elif star or operator == "~":
            bounds.append(_next(numbers if star or len(numbers) < 3 else numbers[:2]))
        elif operator == "~=":
            bounds.append(_next(numbers[:-1] or numbers))
        elif operator == "^":
            first = next((place for place, number in enumerate(numbers) if number), len(numbers) - 1)
            bounds.append(_next(numbers[: first + 1]))
        else:  # exact: written so, or a version alone as Poetry has it
            bounds.append(_after(numbers))
    return min(bounds, key=_padded, default=None)


def _numbers(text: str) -> Version:
    return tuple(int(part) for part in text.split(".") if part.isdecimal())


def _next(numbers: Version) -> Version:
    return (*numbers[:-1], numbers[-1] + 1)


def _after(numbers: Version) -> Version:
    """The version after an exact one: with three numbers, of which the last grows."""
    return _next(_padded(numbers)[:3])


def _padded(numbers: Version) -> Version:
    return (*numbers, *(0,) * (4 - len(numbers)))
