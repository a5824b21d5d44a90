"""Comments that speak to the linter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_lint.finding import Finding
from lora_lint.linting import suppression
from lora_lint.settings import Settings
from lora_lint.source import SourceFile, Span
from tests.support import toy as toys
from tests.support.toy import toy as toy

if TYPE_CHECKING:
    from lora_lint.source import FileKind


def codes(text: str, path: str = "train.py", **settings: object) -> list[tuple[int, str]]:
    """(line, code) of the findings that are left, with the toy rule."""
    from lora_lint.linting.engine import lint_text

    outcome = lint_text(text, path, Settings(**settings))  # type: ignore[arg-type]
    source = outcome.source(path)
    return [(source.locate(finding.span).line, finding.code) for finding in outcome.findings]


pytestmark = pytest.mark.usefixtures("toy")
assert toys


@pytest.mark.parametrize(
    "comment",
    [
        "# lora-lint: ignore[LL102]",
        "# lora-lint: ignore[LL102] because the loss likes it",
        "# lora-lint: ignore[rslora-off-high-rank]",
        "# lora-lint: ignore[ll102, LL101]",
        "# lora-lint: ignore[LL1]",
        "# lora-lint: ignore",
        "# lora-lint: ignore because",
        "#lora-lint:ignore[LL102]",
        "# LORA-LINT: IGNORE[LL102]",
        "# type: ignore  # lora-lint: ignore[LL102]",
        "# noqa",
        "# noqa: LL102",
        "# noqa:E501,LL102",
        "# NoQA: E501 LL102 and a reason",
        "# pylint: disable=x # noqa: LL102",
    ],
)
def test_at_the_end_of_the_line(comment: str) -> None:
    assert codes("rank(64)\n", select=("LL102",)) == [(1, "LL102")]
    assert codes(f"rank(64)  {comment}\n", select=("LL102",)) == []
    assert codes(f"rank(64)  {comment}\nrank(64)\n", select=("LL102",)) == [(2, "LL102")]


@pytest.mark.parametrize(
    "comment", ["# noqa: E501", "# noqa:nonsense", "# lora-lint: ignore[LL101]", "# lora-lint ignore", "# ignore"]
)
def test_comments_that_speak_of_something_else(comment: str) -> None:
    assert codes(f"rank(64)  {comment}\n", select=("LL102",)) == [(1, "LL102")]


@pytest.mark.parametrize("quote", ['"', "'", '"""', "'''"])
@pytest.mark.parametrize("prefix", ["", "r", "f", "b"])
def test_not_within_strings(quote: str, prefix: str) -> None:
    line = f"f({prefix}{quote}# lora-lint: ignore{quote}, rank(64))\n"
    assert codes(line, select=("LL102",)) == [(1, "LL102")]
    tricky = f"f({prefix}{quote}a\\{quote[0]} # noqa{quote}, rank(64))\n"
    assert codes(tricky, select=("LL102",)) == [(1, "LL102")]


def test_on_a_line_of_its_own() -> None:
    assert codes("# lora-lint: ignore[LL102]\nrank(64)\nrank(64)\n") == [(3, "LL102")]
    assert codes("# lora-lint: ignore[LL102]\n# more words\nrank(64)\n") == []
    assert codes("# lora-lint: ignore[LL102]\n\nrank(64)\n", select=("LL102",)) == [(3, "LL102")]


STATEMENT = """\
config = make({0}
    4,{1}
    rank(64),{2}
    8,
){3}
other = rank(64)
"""


@pytest.mark.parametrize("place", [0, 2, 3])
def test_a_statement_of_several_lines(place: int) -> None:
    comments = [""] * 4
    comments[place] = "  # lora-lint: ignore[LL102]"
    assert codes(STATEMENT.format(*comments)) == [(6, "LL102")]


def test_in_the_middle_of_a_statement_only_its_line_counts() -> None:
    text = STATEMENT.format("", "  # lora-lint: ignore[LL102]", "", "")
    assert codes(text, select=("LL102",)) == [(3, "LL102"), (6, "LL102")]
    above = "config = make(\n    # lora-lint: ignore[LL102]\n    rank(64),\n    rank(32),\n)\n"
    assert codes(above, select=("LL102",)) == [(4, "LL102")]


def test_above_a_statement_it_speaks_for_all_of_it() -> None:
    assert codes("# lora-lint: ignore[LL102]\n" + STATEMENT.format("", "", "", "")) == [(7, "LL102")]


def test_joined_lines_are_one_statement() -> None:
    assert codes("x = 1 + \\\n    rank(64) + \\\n    2  # noqa: LL102\n") == []


def test_whole_file() -> None:
    text = "rank(64)\n# lora-lint: ignore-file[LL102] on purpose\nrank(32)\n"
    assert codes(text) == []
    assert codes(text.replace("[LL102]", "")) == []


def test_windows_newlines() -> None:
    assert codes("rank(64)  # noqa: LL102\r\nrank(64)\r\n") == [(2, "LL102")]


def test_summary_counts_what_was_suppressed() -> None:
    from lora_lint.linting.engine import lint_text

    outcome = lint_text("rank(64)  # noqa: LL102\nrank(65)  # noqa: LL102\nrank(32)\n", "a.py", Settings())
    assert (len(outcome.findings), outcome.summary.suppressed) == (1, 1)


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("# lora-lint: ignore[LL102]", "`ignore[LL102]` suppresses nothing: there is no LL102 finding here"),
        ("# lora-lint: ignore", "`ignore` suppresses nothing: there is no finding here"),
        ("# noqa: LL102", "`noqa: LL102` suppresses nothing: there is no LL102 finding here"),
        ("# lora-lint: ignore-file[LL102]", "there is no LL102 finding in this file"),
        ("# lora-lint: ignore[LL999]", "names 'LL999', which is not a rule"),
        ("# lora-lint: ignore[rslora-of-high-rank]", "did you mean 'rslora-off-high-rank'?"),
        ("# noqa: LL999", "names 'LL999', which is not a rule"),
        ("# lora-lint: disable=LL102", "is not understood"),
    ],
)
def test_unused(comment: str, expected: str) -> None:
    from lora_lint.linting.engine import lint_text

    [finding] = lint_text(f"rank(4)  {comment}\n", "a.py", Settings()).findings
    assert (finding.code, finding.level) == ("LL910", "advice")
    assert expected in finding.message
    assert finding.span.start > 9


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa",
        "# noqa: E501",
        "# lora-lint: ignore[LL910]",
        "# lora-lint: ignore[LL201]",  # not run: the toy is the only rule
        "# lora-lint: see the manual",
        "# lora-lint: task=chat",
    ],
)
def test_not_judged(comment: str) -> None:
    assert codes(f"rank(4)  {comment}\n") == []


def test_rules_that_were_not_asked_for_are_not_judged() -> None:
    assert codes("rank(4)  # lora-lint: ignore[LL102]\n", ignore=("LL102",)) == []
    assert codes("rank(4)  # lora-lint: ignore\n", ignore=("LL102",)) == []
    off = (("*.py", ("LL102",)),)
    assert codes("rank(4)  # lora-lint: ignore[LL102]\n", per_file_ignores=off) == []


def test_a_finding_not_shown_still_needs_its_comment() -> None:
    assert codes("rank(65)  # lora-lint: ignore[LL102]\n") == []


def test_toml() -> None:
    assert codes("a = 'rank(64)' # lora-lint: ignore[LL102]\nb = 'rank(64)'\n", "a.toml") == [(2, "LL102")]
    assert codes("# lora-lint: ignore[LL102]\na = 'rank(64)'\n", "a.toml") == []


def test_yaml() -> None:
    assert codes("lora_r: rank(64)  # lora-lint: ignore[LL102]\nb: rank(64)\n", "a.yaml") == [(2, "LL102")]
    assert codes("# lora-lint: ignore[LL102]\nlora_r: rank(64)\nb: rank(64)\n", "a.yaml") == [(3, "LL102")]
    assert codes('a: "x # noqa" rank(64)\n', "a.yaml") == [(1, "LL102")]
    assert codes("a: 'x # noqa' rank(64)\n", "a.yaml") == [(1, "LL102")]
    assert codes("a: don't rank(64) # noqa: LL102\n", "a.yaml") == []
    assert codes("a: rank(64)#noqa\n", "a.yaml") == [(1, "LL102")]


def test_json_has_no_comments() -> None:
    assert codes('{"a": "rank(64) # noqa"}\n', "a.json") == [(1, "LL102")]


def test_hints() -> None:
    text = "# lora-lint: model=org/name dataset-size=1_000, task=code\n"
    said = suppression.comments(SourceFile("a.py", "python", text.encode()))
    assert [(hint.key, hint.value) for hint in said.hints] == [
        ("model", "org/name"),
        ("dataset-size", "1_000"),
        ("task", "code"),
    ]
    assert not said.ignores
    assert not said.mistaken


@given(st.text(alphabet="\"'#\\\n ()[]{}rab:-," + "noqa" + "ä"), st.sampled_from(["python", "yaml", "notebook"]))
def test_no_text_is_too_strange(text: str, kind: FileKind) -> None:
    strange = f"{text}# lora-lint: ignore[LL102]{text}# noqa{text}"
    source = SourceFile("a.py", kind, strange.encode())
    said = suppression.comments(source)
    end = len(source.utf8)
    finding = Finding("LL102", "", Span("a.py", end, end))
    kept, silenced = suppression.silence([finding], said, source)
    assert len(kept) + len(silenced) == 1
    for each in suppression.unused(said, frozenset({"LL102"}), True):
        assert 0 <= each.span.start < each.span.end <= end


def test_long_strings_cost_linear_time() -> None:
    text = "x = '''" + "a\\'b\" # noqa " * 200_000 + "'''  # lora-lint: ignore\n" + '"' * 100_001
    said = suppression.comments(SourceFile("a.py", "python", text.encode()))
    assert [ignore.text for ignore in said.ignores] == ["ignore"]
