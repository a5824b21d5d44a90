"""The releases of the libraries below them that frameworks ask for, by their own release.

A framework that has them (`Framework.requires`) has a module beside its own, as `REQUIRES`: a line a release, and what
it asks for in pip's words. A release between two that were read asks for something between both.
"""

from __future__ import annotations

import re

from lora_lint.knowledge.versions import number
from lora_lint.records import dataclass
from lora_lint.run.versions import padded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lora_lint.run.versions import Version

_BOUND = r"(>=|<=?)([\d.]+)"


@dataclass(frozen=True)
class Range:
    """The releases of a package from `least` to before `below` (None: without an end); `text`: as a framework writes
    it."""

    package: str
    least: Version | None
    below: Version | None
    text: str


def ranges(requires: str, oldest: Version, last: Version, *, developed: bool = False) -> dict[str, Range]:
    """What the releases of a framework from `oldest` to `last` allow together, by package; empty where one of them is
    older than those that were read, or newer. `developed`: what came before the oldest one, from its forerunner on."""
    rows = [(number(release), wanted.split()) for release, wanted in _rows(requires)]
    first = max((place for place, (release, _) in enumerate(rows) if padded(release) <= padded(oldest)), default=None)
    if developed and first and padded(rows[first][0]) == padded(oldest):
        first -= 1
    end = min((place for place, (release, _) in enumerate(rows) if padded(release) >= padded(last)), default=None)
    if first is None or end is None:
        return {}
    found: dict[str, list[Range]] = {}
    for _, wanted in rows[first : end + 1]:
        for text in wanted:
            each = _range(text)
            found.setdefault(each.package, []).append(each)
    count = end + 1 - first
    return {package: _widest(every) for package, every in found.items() if len(every) == count}


def _rows(requires: str) -> list[tuple[str, str]]:
    """The releases of a framework, and what each asks for."""
    lines = requires.strip().splitlines()
    return [(release, wanted) for release, _, wanted in (line.partition(": ") for line in lines)]


def _range(text: str) -> Range:
    package = re.split(r"[<>=]", text, maxsplit=1)[0]
    least = below = None
    for sign, release in re.findall(_BOUND, text):
        if sign == ">=":
            least = number(release)
        else:
            below = number(release) if sign == "<" else (*padded(number(release))[:3], 1)
    return Range(package, least, below, text)


def _widest(every: Sequence[Range]) -> Range:
    least = [each.least for each in every]
    below = [each.below for each in every]
    first = None if None in least else min((each for each in least if each is not None), key=padded)
    end = None if None in below else max((each for each in below if each is not None), key=padded)
    return Range(every[0].package, first, end, every[-1].text)
