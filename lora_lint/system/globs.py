"""Globs in settings: `*` and `?` stay within a folder, `**` does not, `[…]` is a set.

A glob with few stars becomes a regular expression. One with many would backtrack almost forever, so it is followed
character by character with all its positions at once, which takes no more steps than the product of both lengths.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Literal, TypeAlias

_FEW = 2
"""The most stars in a glob that becomes a regular expression: on a path of 4,096 characters that takes some eight
million steps at most."""
_SET = r"\[(!?)(\]?[^\]]*)\]"
_Part: TypeAlias = "tuple[Literal['letter', 'star', 'folders'], str]"
"""A part of a glob and its regular expression: one character, any number of them, or any number of whole folders."""


def matcher(globs: Iterable[str]) -> Callable[[str], bool]:
    """A test whether an entire text matches one of the globs."""
    quick: list[str] = []
    slow: list[list[_Part]] = []
    for glob in globs:
        parts = list(_parts(glob))
        if sum(kind != "letter" for kind, _ in parts) > _FEW:
            slow.append(parts)
        else:
            quick.append("(?:" + "".join(regex for _, regex in parts) + ")")
    fullmatch = re.compile("|".join(quick) or r"(?!)").fullmatch
    if not slow:
        return lambda text: fullmatch(text) is not None
    return lambda text: fullmatch(text) is not None or any(_follows(parts, text) for parts in slow)


def _parts(glob: str) -> Iterator[_Part]:
    index = 0
    while index < len(glob):
        rest = glob[index:]
        if rest.startswith("**/"):
            yield "folders", "(?:.*/)?"
            index += 3
        elif rest.startswith("**"):
            yield "star", ".*"
            index += 2
        elif rest[0] == "*":
            yield "star", "[^/]*"
            index += 1
        elif rest[0] == "?":
            yield "letter", "[^/]"
            index += 1
        elif rest[0] == "[" and (closed := re.match(_SET, rest)) and (letters := _set(*closed.groups())):
            yield "letter", letters
            index += closed.end()
        else:
            yield "letter", re.escape(rest[0])
            index += 1


def _set(negated: str, members: str) -> str | None:
    """A set as a regular expression; None for a range that runs backwards, which matches nothing."""
    letters = f"[{'^' if negated else ''}{re.escape(members).replace(chr(92) + '-', '-')}]"
    try:
        re.compile(letters)
    except re.error:
        return None
    return letters


def _follows(parts: list[_Part], text: str) -> bool:
    """Whether a text matches. A position in the glob is the number of parts done; one within folders is negative."""
    tests = [re.compile(regex.rstrip("*")).fullmatch for _, regex in parts]

    def reached(place: int) -> Iterator[int]:
        """A position and those after it that skip parts which may be empty."""
        yield place
        if 0 <= place < len(parts) and parts[place][0] != "letter":
            if parts[place][0] == "folders":
                yield -place - 1
            yield from reached(place + 1)

    places = set(reached(0))
    for letter in text:
        following: set[int] = set()
        for place in places:
            if place < 0:
                following.add(place)
                if letter == "/":
                    following.update(reached(-place))
            elif place < len(parts) and parts[place][0] != "folders" and tests[place](letter):
                following.update(reached(place + 1) if parts[place][0] == "letter" else (place, *reached(place + 1)))
        places = following
    return len(parts) in places
