"""What a session of fixes makes, whatever the rules propose: it believes none of them, and looks at what came out.

The rules here are made up: a text is a line `name = number` for each setting, and a rule says of a line what is wrong
and what would be right.
"""

from __future__ import annotations

import os
import re
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lora_lint.finding import Finding, Fix, Write
from lora_lint.fixes import session
from lora_lint.linting import engine
from lora_lint.linting.outcome import Outcome
from lora_lint.settings import Settings, override
from lora_lint.source import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lora_lint.finding import Level

    Rule = Callable[[dict[str, int]], Iterator[tuple[str, str, int | None]]]

ASSIGNMENT = re.compile(rb"(\w+) = (\d+)")


def made_up(
    patch: pytest.MonkeyPatch, *rules: Rule, announces: tuple[str, ...] = (), level: Level = "error"
) -> list[bytes]:
    """Has texts linted by some made-up rules; gives the list of those that are."""
    texts: list[bytes] = []

    def lint_text(text: bytes, path: str, *_: object, **__: object) -> Outcome:
        texts.append(text)
        found = {match[1].decode(): match for match in ASSIGNMENT.finditer(text)}
        values = {name: int(match[2]) for name, match in found.items()}
        findings = []
        for rule in rules:
            for code, name, wanted in rule(values):
                span = Span(path, *found[name].span(2))
                changes = () if wanted is None else (Write(span, wanted),)
                findings.append(Finding(code, "", span, level=level, fix=Fix("safe", "", changes, announces)))
        return Outcome(tuple(findings))

    patch.setattr(engine, "lint_text", lint_text)
    return texts


@pytest.fixture
def lint(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[bytes]]:
    return partial(made_up, monkeypatch)


def fixed(text: str, settings: Settings | None = None, **options: Any) -> session.Fixed:
    return session.fixed_text(text.encode(), "a.py", "python", settings or Settings(), unsafe=False, **options)


def below_ten(values: dict[str, int]) -> Iterator[tuple[str, str, int | None]]:
    yield from (("LL104", name, 10) for name, value in values.items() if value < 10)


def test_all_fixes_are_tried_together(lint: Any) -> None:
    texts = lint(below_ten)
    once = fixed("a = 1\nb = 20\nc = 3\n")
    assert (once.after, once.findings, once.left) == (b"a = 10\nb = 20\nc = 10\n", 2, ())
    assert len(texts) == 2


def test_a_fix_that_leaves_its_finding_is_not_made(lint: Any) -> None:
    def ever_more(values: dict[str, int]) -> Iterator[tuple[str, str, int | None]]:
        yield "LL104", "a", values["a"] + 1

    lint(ever_more)
    once = fixed("a = 1")
    assert (once.after, once.findings) == (b"a = 1", 0)
    assert once.left == ("LL104 on line 1 is not fixed: it would still be there",)


def test_a_fix_that_brings_another_finding_is_not_made(lint: Any) -> None:
    def ten_is_odd(values: dict[str, int]) -> Iterator[tuple[str, str, int | None]]:
        yield from (("LL201", name, None) for name, value in values.items() if name == "b" and value == 10)

    lint(below_ten, ten_is_odd)
    once = fixed("a = 1\nb = 2\nc = 3\n")
    assert once.after == b"a = 10\nb = 2\nc = 10\n"
    assert once.left == ("LL104 on line 2 is not fixed: the fix would cause LL201 on line 2",)
    assert fixed(once.after.decode()).after == once.after


@pytest.mark.parametrize(
    ("announces", "expected"), [((), 1), (("LL201",), 30), (("LL",), 30), (("LL3",), 1), (("LL2011",), 1)]
)
def test_what_a_fix_announces_may_come_and_is_fixed_too(lint: Any, announces: tuple[str, ...], expected: int) -> None:
    def ten_is_low(values: dict[str, int]) -> Iterator[tuple[str, str, int | None]]:
        yield from (("LL201", name, 30) for name, value in values.items() if value == 10)

    lint(below_ten, ten_is_low, announces=announces)
    assert fixed("a = 1").after == f"a = {expected}".encode()


def test_a_place_is_fixed_once(lint: Any) -> None:
    """Two rules that want the opposite, and announce each other."""

    def above_nine(values: dict[str, int]) -> Iterator[tuple[str, str, int | None]]:
        yield from (("LL201", name, 1) for name, value in values.items() if value > 9)

    texts = lint(below_ten, above_nine, announces=("LL",))
    once = fixed("a = 1")
    assert (once.after, once.findings) == (b"a = 10", 1)
    assert once.left == ("LL201 on line 1 is not fixed: the fix would cause LL104 on line 1",)
    assert len(texts) == 3


@settings(max_examples=30)
@given(st.sets(st.integers(0, 19), max_size=4))
def test_fixes_that_do_not_keep_their_word_hinder_no_other(bad: set[int]) -> None:
    def breaks(values: dict[str, int]) -> Iterator[tuple[str, str, int | None]]:
        yield from (("LL201", f"a{each}", None) for each in bad if values[f"a{each}"] == 10)

    with pytest.MonkeyPatch.context() as patch:
        texts = made_up(patch, below_ten, breaks)
        once = fixed("".join(f"a{number} = 1\n" for number in range(20)))
    values = {match[1].decode(): int(match[2]) for match in ASSIGNMENT.finditer(once.after)}
    assert values == {f"a{number}": 1 if number in bad else 10 for number in range(20)}
    assert len(once.left) == len(bad)
    assert len(texts) < session.TRIALS


def test_there_is_an_end_to_trials(lint: Any) -> None:
    def breaks(values: dict[str, int]) -> Iterator[tuple[str, str, int | None]]:
        yield from (("LL201", name, None) for name, value in values.items() if value == 10)

    texts = lint(below_ten, breaks)
    once = fixed("".join(f"a{number} = 1\n" for number in range(2 * session.TRIALS)))
    assert once.before == once.after
    assert len(texts) <= session.TRIALS + 1


def test_only_what_is_shown_is_fixed(lint: Any) -> None:
    """What a baseline hides stays as it is."""
    lint(below_ten)
    assert fixed("a = 1\nb = 2\n", shown={("LL104", Span("a.py", 10, 11))}).after == b"a = 1\nb = 10\n"


@pytest.mark.parametrize(
    ("options", "made"),
    [
        ({}, False),
        ({"select": ("ALL",)}, False),
        ({"extend_select": ("ALL",)}, False),
        ({"select": ("LL104",)}, True),
        ({"select": ("scale-out-of-range",)}, True),
        ({"select": ("LL1",)}, True),
        ({"extend_select": ("LL104",)}, True),
        ({"select": ("ALL", "LL104")}, True),
        ({"select": ("ALL",), "extend_select": ("LL1XX",)}, True),
        ({"extend_select": ("LL105",)}, False),
    ],
)
def test_advice_is_fixed_where_the_rule_was_named(lint: Any, options: dict[str, Any], made: bool) -> None:
    lint(lambda values: (("LL104", name, 10) for name, value in values.items() if value < 10), level="advice")
    settings = override(Settings(), **options)
    assert "LL104" in settings.selected() or not made
    assert fixed("a = 1", settings).after == (b"a = 10" if made else b"a = 1")


def test_a_selection_of_the_settings_file_counts(tmp_path: Path) -> None:
    from lora_lint.catalogue import rules
    from lora_lint.settings import load

    path = tmp_path / "lora-lint.toml"
    path.write_text('select = ["ALL", "zero-scale"]\nextend-select = ["LL6"]\nignore = ["LL602"]', encoding="utf-8")
    settings = load(str(path))
    named = {"LL105", *(code for code in rules() if code.startswith("LL6") and code != "LL602")}
    assert settings.named() == named
    assert {"LL104", "LL201"} <= settings.selected()
    assert override(settings, select=("LL2",)).named() == {code for code in settings.selected() if code[:3] == "LL2"}


@given(
    text=st.text("ab\n", min_size=1, max_size=30),
    cuts=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 4), st.text("xyz\n", max_size=4)), max_size=4),
    place=st.tuples(st.integers(0, 30), st.integers(1, 5)),
    windows=st.booleans(),
)
def test_places_move_with_the_text(
    text: str, cuts: list[tuple[int, int, str]], place: tuple[int, int], windows: bool
) -> None:
    """What no edit touches is found where it stands afterwards."""
    from lora_lint.fixes.edits import Edit, applied, disjoint
    from lora_lint.source import SourceFile

    if windows:
        text = text.replace("\n", "\r\n") + "\r\n"
    source = SourceFile("a.py", "python", text.encode())
    size = len(source.utf8)
    start = min(place[0], size - 1)
    span = Span("a.py", start, min(start + place[1], size))
    edits = sorted(
        {Edit(Span("a.py", min(at, size), min(at + length, size)), new) for at, length, new in cuts},
        key=lambda edit: edit.span,
    )
    apart = all(edit.span.end < span.start or edit.span.start > span.end for edit in edits)
    if not disjoint(edits) or len({edit.span for edit in edits}) < len(edits) or not apart:
        return
    ((_, moved),) = session._moved([("LL104", span)], edits, source)
    assert applied(source.utf8, edits)[moved.start : moved.end] == source.utf8[span.start : span.end]


def test_what_follows_from_other_values_is_fixed_after_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two fixes of one place: that of the graver finding follows from others, and has to wait."""

    def check(data: bytes, path: str, _: Settings, **__: object) -> Outcome:
        span = Span(path, 4, len(data))
        texts = {b"a = 1": (("LL104", "2", "error", True), ("LL301", "8", "warning", False)),
                 b"a = 8": (("LL104", "16", "error", True),)}.get(data, ())  # fmt: skip
        return Outcome(
            tuple(
                Finding(code, "", span, level=level, fix=Fix("safe", "", (Write(span, int(value)),), ("LL",), follows))
                for code, value, level, follows in texts
            )
        )

    monkeypatch.setattr(engine, "lint_text", check)
    once = fixed("a = 1")
    assert (once.after, once.findings) == (b"a = 16", 2)


def test_a_file_that_is_write_protected_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Moving a draft into its place would need no right to write to it."""
    path = tmp_path / "a.py"
    path.write_bytes(b"before")
    real = os.access
    monkeypatch.setattr(os, "access", lambda place, mode: place != str(path) and real(place, mode))
    with pytest.raises(PermissionError):
        session.write(session.Fixed(str(path), b"before", b"after", 1))
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]
