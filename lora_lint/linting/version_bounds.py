"""The bounds that the text of a requirement sets to versions."""

from __future__ import annotations

import re

from lora_lint.run.versions import padded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.run.versions import Version

_RELEASE = re.compile(r"v?(\d+(?:\.\d+)+)")
_TAGGED = re.compile(rf"{_RELEASE.pattern}(?:\.?post\d+)?(?:-.*)?")
_BOUND = re.compile(r"(===?|~=|<=|<|\^|~|=)?[ \t]*v?(\d+(?:\.\d+)*)(\.\*)?[^,]*")
_LEAST = re.compile(r"(?:===?|[~>]=|>|\^|(?<![<>!~=])=|[ @])[ \t]*[\"']?v?(\d+(?:\.\d+)+)")


def after_tag(ref: str | None) -> Version | None:
    """The version below which a repository's tag lies; None for branches and commits."""
    tag = _RELEASE.fullmatch(ref or "")
    return _after(_numbers(tag[1])) if tag is not None else None


def after_image_tag(tag: str) -> Version | None:
    """The version below which the release lies that the tag of an image starts with, as `0.9.4-cu126` or
    `v0.8.5.post1`; None for any other tag."""
    found = _TAGGED.fullmatch(tag)
    return _after(_numbers(found[1])) if found is not None else None


def after_release(text: str) -> Version | None:
    """The version after the one that a text starts with; None if it starts with none."""
    found = _RELEASE.match(text)
    return _after(_numbers(found[1])) if found is not None else None


def upper(requirement: str) -> Version | None:
    """The version that all allowed ones are below; None if there is no such bound. Accepts PEP 440 specifiers, Poetry's
    (`^1.2`, a version alone) and conda's (`=1.2`), and alternatives of both (`1.2 | 1.3`)."""
    if "|" in requirement:
        below = [upper(each) for each in re.split(r"\|+", requirement)]
        return None if None in below else max(filter(None, below), key=padded)
    bounds = []
    for part in requirement.strip("() ").split(","):
        found = _BOUND.fullmatch(part.strip())
        if found is None:
            continue
        operator, numbers, star = found[1], _numbers(found[2]), found[3]
        if operator == "<":
            bounds.append(numbers)
        elif star or operator in ("~", "="):  # a single `=` is conda's: every version that starts so
            bounds.append(_next(numbers[:2] if operator == "~" and len(numbers) > 2 and not star else numbers))
        elif operator == "~=":
            bounds.append(_next(numbers[:-1] or numbers))
        elif operator == "^":
            first = next((place for place, number in enumerate(numbers) if number), len(numbers) - 1)
            bounds.append(_next(numbers[: first + 1]))
        else:  # exact: written so, or Poetry's version alone
            bounds.append(_after(numbers))
    return min(bounds, key=padded, default=None)


def least(requirement: str) -> Version | None:
    """The newest of the lower bounds of a requirement as it is written."""
    return max((_numbers(found[1]) for found in _LEAST.finditer(requirement)), key=padded, default=None)


def _numbers(text: str) -> Version:
    return tuple(int(part) for part in text.split(".") if part.isdecimal())


def _next(numbers: Version) -> Version:
    return (*numbers[:-1], numbers[-1] + 1)


def _after(numbers: Version) -> Version:
    """The version after an exact one: with three numbers, of which the last grows."""
    return _next((*numbers, 0, 0, 0)[:3])
