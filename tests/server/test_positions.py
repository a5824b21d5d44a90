"""Places as editors count them, and the replacements that turn one text into another."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_lint.server.answers import Task
from lora_lint.server.changes import changes, notebook
from lora_lint.server.positions import Buffer, Encoding, Point, units

TEXTS = st.text(st.sampled_from("ab \n\r\té😀\u2028\x0c"), max_size=40)
ENCODINGS = st.sampled_from(["utf-8", "utf-16", "utf-32"])


def code_units(text: str, encoding: Encoding) -> list[str]:
    """One character for each code unit: the character where it starts, nothing for the rest."""

    def width(character: str) -> int:
        if encoding == "utf-8":
            return len(character.encode())
        return 2 if encoding == "utf-16" and ord(character) > 0xFFFF else 1

    return [part for character in text for part in (character, *[""] * (width(character) - 1))]


def replaced(text: str, start: Point, end: Point, new: str, encoding: Encoding) -> str:
    """The text with another one in a range, by the words of the protocol alone."""
    lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)
    flat = [code_units(line, encoding) for line in lines]
    before = [unit for line in flat[: start.line] for unit in line] + flat[start.line][: start.character]
    after = flat[end.line][end.character :] + [unit for line in flat[end.line + 1 :] for unit in line]
    return "".join([*before, new, *after])


def points(text: str, encoding: Encoding) -> list[Point]:
    """Every position between two characters of a line, by the words of the protocol alone."""
    found = []
    for number, line in enumerate(re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)):
        body = line.rstrip("\r\n")
        found += [Point(number, units(body[:end], encoding)) for end in range(len(body) + 1)]
    return found


@given(TEXTS, ENCODINGS)
def test_positions_and_offsets_agree(text: str, encoding: Encoding) -> None:
    buffer = Buffer(text, encoding)
    for point in points(text, encoding):
        assert buffer.point(buffer.offset(point)) == point


@given(TEXTS, TEXTS, ENCODINGS, st.data())
def test_a_change_is_made_where_the_editor_makes_it(
    text: str, new: str, encoding: Encoding, data: st.DataObject
) -> None:
    start, end = sorted(data.draw(st.tuples(*[st.sampled_from(points(text, encoding))] * 2)))
    assert Buffer(text, encoding).changed(start, end, new).text == replaced(text, start, end, new, encoding)


@pytest.mark.parametrize(
    ("point", "offset"),
    [(Point(0, 99), 1), (Point(9, 0), 5), (Point(1, 99), 5), (Point(-1, -1), 0), (Point(1, 0), 3)],
)
def test_what_lies_outside_is_at_the_nearest_end(point: Point, offset: int) -> None:
    assert Buffer("a\r\nbc", "utf-16").offset(point) == offset


def test_half_a_character_is_none() -> None:
    buffer = Buffer("x\ud800y", "utf-16")
    assert buffer.text == "x?y"
    assert buffer.offset(Point(0, 2)) == 2
    assert Buffer("😀", "utf-16").offset(Point(0, 1)) == 0


@given(TEXTS, TEXTS, ENCODINGS)
def test_changes_turn_one_text_into_the_other(old: str, new: str, encoding: Encoding) -> None:
    # A file's own line ends: a lone CR and other separators are characters of Python's strings alone.
    task = Task("/a.yaml", "yaml", old.encode(), False, encoding, {})
    text = old
    for change in sorted(changes(task, new.encode()), key=lambda each: each.start, reverse=True):
        assert change.cell is None
        text = replaced(text, change.start, change.end, change.text, encoding)
    assert text == new


def test_changes_of_a_notebook_are_those_of_its_cells() -> None:
    task = Task("/a.ipynb", "notebook", notebook(["a\nb\n", "c", ""]), True, "utf-16", {})
    [change] = changes(task, notebook(["a\nb\n", "d\nc", ""]))
    assert change == (1, Point(0, 0), Point(0, 0), "d\n")
