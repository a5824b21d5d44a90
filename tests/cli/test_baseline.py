"""Baselines: what was there before is not shown again, wherever it has moved to."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from lora_lint.linting import baseline
from lora_lint.linting.engine import lint
from lora_lint.linting.outcome import Content, Outcome
from lora_lint.settings import Settings
from tests.support.toy import toy as toy

pytestmark = pytest.mark.usefixtures("toy")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(text: str, known: dict[str, dict[str, object]] | None = None) -> Outcome:
    Path("train.py").write_text("# lora\n" + text)
    return lint(["train.py"], Settings(), content=Content(baseline=known))


def test_round_trip() -> None:
    first = run("rank(64)\nrank(64)\nrank(32)\n")
    assert baseline.write("b.json", first.findings) == 3
    known = baseline.read("b.json")
    again = run("x = 1\n\n\nrank(64)\n  rank(64)\nrank(32)\nrank(128)\n", known)
    assert [finding.message for finding in again.findings] == ["rank 128, None examples, None, None"]
    assert again.summary.suppressed == 3
    assert again.notes == ()


def test_one_more_of_the_same_is_new() -> None:
    baseline.write("b.json", run("rank(64)\n").findings)
    assert len(run("rank(64)\nrank(64)\n", baseline.read("b.json")).findings) == 1


def test_stale_entries_are_noted() -> None:
    baseline.write("b.json", run("rank(64)\nrank(32)\n").findings)
    assert "1 baseline entry" in run("rank(64)\n", baseline.read("b.json")).notes[0]
    Path("other.py").write_text("# lora\n")
    assert lint(["other.py"], Settings(), content=Content(baseline=baseline.read("b.json"))).notes == ()


def test_entries_of_rules_that_did_not_run_are_not_stale() -> None:
    baseline.write("b.json", run("rank(64)\n").findings)
    content = Content(baseline=baseline.read("b.json"))
    assert lint(["train.py"], Settings(select=("LL401",)), content=content).notes == ()
    assert lint(["train.py"], Settings(ignore=("LL102",)), content=content).notes == ()


def test_the_file_is_sorted_and_the_same_each_time() -> None:
    findings = run("rank(64)\nrank(32)\n").findings
    baseline.write("a.json", findings)
    baseline.write("b.json", reversed(findings))
    assert Path("a.json").read_bytes() == Path("b.json").read_bytes()
    document = json.loads(Path("a.json").read_text())
    assert document["version"] == 1
    assert {entry["path"] for entry in document["findings"]} == {"train.py"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"version": 1}',
        '{"version": 2, "findings": []}',
        '{"version": 1, "findings": [{"fingerprint": 3, "path": "a.py"}]}',
        '{"version": 1, "findings": [{"fingerprint": "3", "path": []}]}',
        '{"version": 1, "findings": [{"fingerprint": "3"}]}',
        '{"version": "\xff", "findings": []}',
        "[" * 100_000,
    ],
)
def test_files_that_are_no_baseline(text: str) -> None:
    Path("b.json").write_text(text)
    with pytest.raises(baseline.BaselineError, match=r"b\.json"):
        baseline.read("b.json")


def test_what_another_file_holds_is_not_told() -> None:
    """A settings file may name any file as its baseline."""
    Path("b.json").write_text('{"version": "secret", "findings": []}')
    with pytest.raises(baseline.BaselineError) as caught:
        baseline.read("b.json")
    assert "secret" not in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes")
def test_only_a_regular_file_is_read() -> None:
    os.mkfifo("pipe")
    for name in ("pipe", "/dev/zero"):
        with pytest.raises(baseline.BaselineError, match=r"cannot be read .it is not a regular file"):
            baseline.read(name)


def test_a_path_that_no_system_has() -> None:
    with pytest.raises(baseline.BaselineError, match="embedded null"):
        baseline.read("a\0b")


def test_a_huge_file_is_not_read() -> None:
    Path("b.json").write_text("")
    os.truncate("b.json", 3_000_000_000)
    with pytest.raises(baseline.BaselineError, match="larger than 20 MB"):
        baseline.read("b.json")


def test_no_file() -> None:
    with pytest.raises(baseline.BaselineError, match="cannot be read"):
        baseline.read("gone.json")
