"""The journal of a study: what is in it is known after any end of the process."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_lint.ablate.errors import StudyError
from lora_lint.ablate.journal import NAME, StudyJournal
from lora_lint.ablate.trial import TrialRecord

if TYPE_CHECKING:
    from typing import Any

STUDY: dict[str, Any] = {"model": "small", "arms": [{"rank": 8}]}


def record(seed: int, steps: int = 4) -> TrialRecord:
    losses = tuple((step, 3.0 - step / 8) for step in range(0, steps + 1, 2))
    return TrialRecord("key", seed, steps, losses, 2.5, None, 1.0, 10, 20)


def written(folder: Path, count: int = 3) -> Path:
    journal = StudyJournal(folder, STUDY)
    journal.note("plan", "steps", 8)
    for seed in range(count):
        journal.add(record(seed), b"paused")
    journal.close()
    return folder / NAME


def test_what_was_written_is_known_again(tmp_path: Path) -> None:
    written(tmp_path)
    journal = StudyJournal(tmp_path, STUDY)
    assert journal.fact("plan", "steps") == 8
    assert [journal.trial("key", seed) for seed in range(4)] == [record(0), record(1), record(2), None]
    assert journal.snapshot("key", 0, 4) == b"paused"
    assert journal.snapshot("key", 0, 5) is None
    journal.close()


@given(st.floats(0, 1))
def test_a_torn_journal_goes_on_after_its_last_whole_line(share: float) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = written(folder)
        content = path.read_bytes()
        torn = content[: round(share * len(content))]
        path.write_bytes(torn)
        journal = StudyJournal(folder, STUDY)
        journal.add(record(7), None)
        journal.close()
        whole = torn[: torn.rfind(b"\n") + 1]
        lines = path.read_bytes().splitlines()
        assert path.read_bytes().startswith(whole)
        assert all(json.loads(line) for line in lines)
        assert json.loads(lines[0])["kind"] == "study"
        assert json.loads(lines[-1])["seed"] == 7


def test_another_study_is_not_continued(tmp_path: Path) -> None:
    content = written(tmp_path).read_bytes()
    with pytest.raises(StudyError, match="differs in arms"):
        StudyJournal(tmp_path, {**STUDY, "arms": [{"rank": 16}]})
    assert (tmp_path / NAME).read_bytes() == content


@pytest.mark.parametrize("content", [b"[]\n", b"{}\n", b"not JSON\n", b"\xff\n"])
def test_what_is_no_journal_is_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(StudyError, match=r"not the journal|another study"):
        StudyJournal(tmp_path, STUDY)
    assert (tmp_path / NAME).read_bytes() == content


def test_two_studies_do_not_share_a_folder(tmp_path: Path) -> None:
    journal = StudyJournal(tmp_path, STUDY)
    with pytest.raises(StudyError, match="another study writes"):
        StudyJournal(tmp_path, STUDY)
    journal.close()
    StudyJournal(tmp_path, STUDY).close()


def test_a_failure_is_kept_with_its_reason(tmp_path: Path) -> None:
    journal = StudyJournal(tmp_path, STUDY)
    journal.add(TrialRecord("key", 0, failure="out of memory"), None)
    journal.close()
    journal = StudyJournal(tmp_path, STUDY)
    kept = journal.trial("key", 0)
    assert kept is not None
    assert kept.failure == "out of memory"
    journal.close()


def test_a_finished_trial_keeps_no_snapshot(tmp_path: Path) -> None:
    journal = StudyJournal(tmp_path, STUDY)
    journal.add(record(0), b"paused")
    journal.add(record(0, 8), None)
    assert journal.snapshot("key", 0, 4) is None
    journal.close()
