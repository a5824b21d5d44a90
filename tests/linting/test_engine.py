"""Files to findings, whatever the files hold."""

from __future__ import annotations

import json
import os
import pickle
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lora_lint.finding import Finding
from lora_lint.linting.engine import lint, lint_text
from lora_lint.linting.hints import with_hints
from lora_lint.linting.outcome import Outcome, Summary
from lora_lint.linting.reading import Text
from lora_lint.project import Project
from lora_lint.readers.files import decode
from lora_lint.run.values import Known
from lora_lint.settings import Settings
from lora_lint.source import Span
from tests.support.toy import toy as toy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.run.run import Run

SCRIPT = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")
config = LoraConfig(r={rank}, lora_alpha=0, target_modules=["q_proj", "v_proj"])
model = get_peft_model(model, config)
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, text: str) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text)


def told(outcome: Outcome) -> list[str]:
    return [f"{finding.span.path} {finding.code} {finding.message}" for finding in outcome.findings]


@pytest.mark.usefixtures("toy")
class TestWithTheToy:
    def test_sorted_by_path_and_place_with_counts(self) -> None:
        write("b.py", "peft rank(64)\nrank(32)\n")
        write("a.py", "peft rank(16)\n")
        write("c.py", "print()\n")
        outcome = lint(["b.py", "."], Settings())
        assert [(finding.span.path, finding.span.start) for finding in outcome.findings] == [
            ("a.py", 10),
            ("b.py", 10),
            ("b.py", 19),
        ]
        assert outcome.summary == Summary(files=3, runs=3, advice=3)
        assert not outcome.failed

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("broken", "This file is broken"),
            ("deep", "nested too deeply"),
            ("large", "more memory"),
        ],
    )
    def test_one_finding_for_a_hostile_file_and_the_others_go_on(self, text: str, message: str) -> None:
        write("a.py", f"lora_ = peft {text}\n")
        write("b.py", "peft rank(64)\n")
        outcome = lint(["."], Settings())
        assert [finding.code for finding in outcome.findings] == ["LL900", "LL102"]
        assert message in outcome.findings[0].message
        assert outcome.findings[0].level == "error"
        assert not outcome.failed

    def test_an_unexpected_exception_says_whose_fault_it_is(self) -> None:
        write("a.py", "peft crash\n")
        write("b.py", "peft rank(64)\n")
        outcome = lint(["."], Settings())
        assert [finding.code for finding in outcome.findings] == ["LL900", "LL102"]
        assert "KeyError: 'toy'" in outcome.findings[0].message
        assert "bug in lora-lint" in outcome.findings[0].message
        assert outcome.failed

    def test_what_was_found_before_the_exception_is_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from lora_lint import rules

        def bad(*_: object) -> list[Finding]:
            raise ValueError("oops")

        monkeypatch.setattr(rules, "RUN_CHECKS", {**rules.RUN_CHECKS, "LL105": bad})
        outcome = lint_text("rank(64)\n", "a.py", Settings())
        assert sorted(finding.code for finding in outcome.findings) == ["LL102", "LL900"]

    def test_an_interrupt_is_not_swallowed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupt(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("lora_lint.linting.reading.read", interrupt)
        with pytest.raises(KeyboardInterrupt):
            lint_text("rank(64)\n", "a.py", Settings())

    def test_a_broken_file_that_only_mentions_the_word_is_passed_over(self) -> None:
        write("a.yaml", "text: lora is broken {{ x }}\n")
        assert told(lint(["."], Settings())) == []
        assert len(told(lint(["a.yaml"], Settings()))) == 1

    def test_confidence(self) -> None:
        write("a.py", "peft rank(65)\n")
        assert told(lint(["."], Settings())) == []
        outcome = lint(["."], Settings(confidence="possible"))
        assert len(outcome.findings) == 1
        assert outcome.summary.advice == 1

    def test_levels_options_and_selection(self) -> None:
        text = "rank(64)\n"
        assert lint_text(text, "a.py", Settings(levels={"LL102": "error"})).findings[0].level == "error"
        assert lint_text(text, "a.py", Settings(options={"LL102": {"min-rank": 65}})).findings == ()
        assert lint_text(text, "a.py", Settings(ignore=("LL102",))).findings == ()
        assert lint_text(text, "a.py", Settings(select=("LL101",))).findings == ()

    def test_per_file_ignores_count_as_suppressed(self) -> None:
        settings = Settings(per_file_ignores=(("tests/*", ("LL102",)),))
        write("tests/sub/a.py", "peft rank(64)\n")
        write("a.py", "peft rank(64)\n")
        outcome = lint(["."], settings)
        assert [finding.span.path for finding in outcome.findings] == ["a.py"]
        assert outcome.summary.suppressed == 1

    def test_what_the_user_says(self) -> None:
        def message(text: str, **settings: object) -> list[str]:
            outcome = lint_text(text, "a.py", Settings(**settings))  # type: ignore[arg-type]
            return [finding.message for finding in outcome.findings] + list(outcome.notes)

        assert message("rank(64)", dataset_size=7, task="code") == ["rank 64, 7 examples, code, None"]
        comment = "# lora-lint: dataset-size=500 task=chat model=org/name\n"
        assert message(comment + "rank(64)", dataset_size=7) == ["rank 64, 500 examples, chat, org/name"]
        two = "# lora-lint: task=chat\nrank(16)\n# lora-lint: task=code\nrank(64)\n"
        assert message(two) == ["rank 16, None examples, chat, None", "rank 64, None examples, code, None"]
        assert message("rank(64)\n# lora-lint: task=chat\n") == ["rank 64, None examples, chat, None"]
        assert message("rank(64)\n# lora-lint: task=caht\n")[1].startswith("a.py:2: `task=caht` is ignored")
        assert message("rank(64)\n# lora-lint: dataset-size=many\n")[1].startswith("a.py:2: `dataset-size=many`")

    def test_told_values_know_their_origin(self) -> None:
        from lora_lint.linting.suppression import comments
        from tests.support import toy as toys

        source = decode("a.py", "python", b"# lora-lint: dataset-size=5\nrank(64)\n")
        text = Text(source, comments(source), Settings(), Project(""))
        reading = with_hints(toys.read(source, None), text)
        size = reading.runs[0].dataset.size
        assert isinstance(size, Known)
        assert (size.value, size.origin) == (5, "setting")
        assert size.span is not None

    def test_one_finding_for_each_rule_and_place(self, monkeypatch: pytest.MonkeyPatch) -> None:
        span = Span("a.py", 0, 4)

        def three(*_: object) -> list[Finding]:
            return [
                Finding("LL102", "first", span, "likely"),
                Finding("LL102", "graver", span, "likely", "error"),
                Finding("LL102", "surer", span, "certain", "error"),
                Finding("LL102", "same", span, "certain", "error"),
            ]

        monkeypatch.setattr("lora_lint.rules.RUN_CHECKS", {"LL102": three})
        assert told(lint_text("rank(64)\n", "a.py", Settings())) == ["a.py LL102 surer"]

    def test_fingerprints(self) -> None:
        def prints(text: str, path: str = "a.py") -> list[str]:
            return [finding.fingerprint for finding in lint_text(text, path, Settings()).findings]

        first = prints("rank(64)\n")
        assert prints("\n\n  rank(64)\n") == first
        assert prints("rank(64)\n", "b.py") != first
        assert prints("rank(65)\n") != first
        assert len(set(prints("rank(64)\nrank(64)\nrank(64)\n"))) == 3
        assert prints("rank(64)\nrank(64)\n")[:1] == first

    def test_fingerprints_do_not_depend_on_the_folder(self, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write("sub/a.py", "peft rank(64)\n")
        [one] = lint(["sub"], Settings(root=str(here))).findings
        monkeypatch.chdir(here / "sub")
        [other] = lint(["."], Settings(root=str(here))).findings
        assert one.span.path != other.span.path
        assert one.fingerprint == other.fingerprint

    def test_findings_in_an_imported_module(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Two programs that share a helper: reported once, in the helper, whose comments count."""

        def helper(*_: object) -> list[Finding]:
            return [Finding("LL102", "in the helper", Span("helper.py", 5, 9))]

        monkeypatch.setattr("lora_lint.rules.RUN_CHECKS", {"LL102": helper})
        for name in ("a.py", "b.py"):
            write(name, "peft rank(64)\n")
        write("helper.py", "lora rank\n")
        outcome = lint(["."], Settings())
        assert told(outcome) == ["helper.py LL102 in the helper"]
        before = outcome.findings[0].fingerprint
        write("helper.py", "lora rank  # lora-lint: ignore[LL102]\n")
        outcome = lint(["."], Settings())
        assert told(outcome) == []
        assert outcome.summary.suppressed == 1
        write("helper.py", "lora rank\n# lora-lint: ignore[LL102]\n")
        outcome = lint(["."], Settings())
        assert [finding.code for finding in outcome.findings] == ["LL102", "LL910"]
        assert outcome.findings[0].fingerprint == before
        off = Settings(per_file_ignores=(("helper.py", ("LL102",)),))
        assert told(lint(["."], off)) == []

    def test_progress(self) -> None:
        for index in range(3):
            write(f"{index}.py", "peft\n")
        seen: list[tuple[int, int]] = []
        lint(["."], Settings(), progress=lambda done, total: seen.append((done, total)))
        assert seen == [(1, 3), (2, 3), (3, 3)]

    def test_a_file_that_takes_too_long_is_stopped(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from lora_lint.linting import reading as reading_module

        real = reading_module.read

        def read(source, project, **how):  # type: ignore[no-untyped-def]
            while b"endless" in source.utf8:
                pass
            return real(source, project, **how)

        monkeypatch.setattr(reading_module, "read", read)
        monkeypatch.setattr("lora_lint.linting.fence.PATIENCE", 0.2)
        write("a.py", "peft endless\n")
        write("b.py", "peft rank(64)\n")
        outcome = lint(["."], Settings())
        assert [(finding.span.path, finding.code) for finding in outcome.findings] == [
            ("a.py", "LL900"),
            ("b.py", "LL102"),
        ]
        assert [(each.path, each.limit) for each in outcome.unread] == [("a.py", "time")]
        assert outcome.summary.unread == 1
        assert outcome.notes == ("a.py: not read in full: checking it takes more than 0 s of CPU time",)
        assert not outcome.failed

    def test_what_was_found_before_the_limit_is_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from lora_lint import rules

        def endless(_run: Run, _options: object) -> Iterator[Finding]:
            while True:
                yield from ()

        checks = {**rules.RUN_CHECKS, "LL105": endless}
        monkeypatch.setattr(rules, "RUN_CHECKS", checks)
        monkeypatch.setattr("lora_lint.linting.fence.PATIENCE", 0.2)
        codes = [finding.code for finding in lint_text("peft rank(64)\n", "a.py", Settings()).findings]
        assert codes == ["LL900", "LL102"]

    def test_a_file_that_cannot_be_read_is_told_of_without_its_rule(self) -> None:
        write("a.py", "peft broken(\n")
        [unread] = lint(["a.py"], Settings(ignore=("LL900",))).unread
        assert (unread.path, unread.limit) == ("a.py", "finding")
        assert lint(["a.py"], Settings()).unread == ()

    def test_texts_too_large(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("lora_lint.discovery.SIZE_LIMIT", 10)
        [finding] = lint_text("rank(64)  # and more\n", "a.py", Settings()).findings
        assert finding.code == "LL900"

    def test_missing_paths_fail_and_the_others_go_on(self) -> None:
        write("a.py", "peft rank(64)\n")
        outcome = lint(["a.py", "nope.py"], Settings())
        assert outcome.failed
        assert outcome.notes == ("error: nope.py: no such file or folder",)
        assert len(outcome.findings) == 1

    def test_exclude_from_two_roots(self, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("sub/a.py", "sub/b.py", "sub/c.py"):
            write(name, "peft rank(64)\n")
        monkeypatch.chdir(here / "sub")
        settings = Settings(exclude=(("sub/a.py", str(here)), ("b.*", "")))
        assert [finding.span.path for finding in lint(["."], settings).findings] == ["c.py"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", "from peft import LoraConfig\n" + "x = 1\n" * 5_000),
        ("a.yaml", "adapter: lora\nlora_r: 8\nx: [" + "1, " * 5_000 + "]\n"),
        ("a.json", '{"peft_type": "LORA", "x": [' + "1, " * 5_000 + "1]}"),
        ("a.sh", "python train.py --lora_r 8\n" * 5_000),
    ],
)
def test_without_a_timer_the_readers_look_at_the_time(path: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lora_lint.linting.fence.PATIENCE", 0.0)
    found: list[Outcome] = []
    thread = threading.Thread(target=lambda: found.append(lint_text(text, path, Settings())))
    thread.start()
    thread.join()
    assert [each.limit for each in found[0].unread] == ["time"]


def test_sources_are_read_again_for_reports() -> None:
    write("a.py", "x = 'ä'\n")
    outcome = Outcome()
    assert outcome.source("a.py").text == "x = 'ä'\n"
    assert outcome.source("a.py") is outcome.source("a.py")
    assert outcome.source("gone.py").text == ""
    Path("b.json").write_bytes(b"\xff{")
    assert outcome.source("b.json").text
    assert lint_text("x = 1\n", "a.py", Settings()).source("a.py").text == "x = 1\n"


def test_an_outcome_can_be_sent_to_another_process() -> None:
    outcome = lint_text(SCRIPT.format(rank=8), "a.py", Settings())
    assert pickle.loads(pickle.dumps(outcome)) == outcome


def test_real_rules_find_something() -> None:
    outcome = lint_text(SCRIPT.format(rank=8), "a.py", Settings())
    assert "LL105" in [finding.code for finding in outcome.findings]
    assert outcome.summary.runs == 1


@pytest.mark.process
def test_several_processes_find_the_same() -> None:
    for index in range(40):
        write(f"f{index}.py", SCRIPT.format(rank=2 ** (index % 8)))
    write("z.py", "from peft import LoraConfig, (\n")
    one = lint(["."], Settings(), jobs=1)
    two = lint(["."], Settings(), jobs=2)
    assert one == two
    assert len(one.findings) > 40


@pytest.mark.process
def test_a_process_that_dies_takes_no_other_file_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import multiprocessing

    if "fork" not in multiprocessing.get_all_start_methods():
        return  # nothing to pass a deadly reader on with
    monkeypatch.setattr(
        multiprocessing.context._default_context, "_actual_context", multiprocessing.get_context("fork")
    )

    from lora_lint.linting import reading as reading_module

    real = reading_module.read

    def read(source, project, **how):  # type: ignore[no-untyped-def]
        if b"die" in source.utf8:
            os._exit(3)
        return real(source, project, **how)

    monkeypatch.setattr(reading_module, "read", read)
    for index in range(20):
        write(f"f{index:02}.py", SCRIPT.format(rank=8) + ("# die\n" if index == 7 else ""))
    outcome = lint(["."], Settings(), jobs=2)
    assert [finding.span.path for finding in outcome.findings if finding.code == "LL900"] == ["f07.py"]
    assert len({finding.span.path for finding in outcome.findings}) == 20
    assert outcome.failed


def examples() -> list[tuple[str, str]]:
    """(name, text) of every fenced example of the catalogue and every text under tests/ that a linter would read."""
    import re

    from lora_lint import catalogue

    found = []
    for code, rule in catalogue.rules().items():
        for number, match in enumerate(re.finditer(r"(?ms)^```(\w+)[^\n]*\n(.*?)^```", rule.body)):
            suffix = {"python": "py", "yaml": "yaml", "json": "json"}.get(match[1])
            if suffix:
                found.append((f"{code}-{number}.{suffix}", match[2]))
    return found


@pytest.mark.process
def test_the_prefilter_hides_nothing() -> None:
    samples = examples()
    assert samples
    for name, text in samples:
        write(name, text)
    everything = Settings(confidence="possible")
    fast, full = lint(["."], everything), lint(["."], everything, prefilter=False)
    assert fast.findings == full.findings
    assert fast.summary == full.summary


def test_findings_are_json() -> None:
    for finding in lint_text(SCRIPT.format(rank=8), "a.py", Settings()).findings:
        json.dumps([finding.code, finding.message, finding.level, finding.fingerprint])
        assert len(finding.fingerprint) == 16


def test_one_rule_speaks_of_the_alpha_of_a_sweep() -> None:
    text = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

for r in (2, 8, 64):
    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")
    model = get_peft_model(model, LoraConfig(r=r, lora_alpha=16, target_modules=["q_proj"]))
"""
    swept = lint_text(text.encode(), "train.py", Settings()).findings
    assert [finding.code for finding in swept] == ["LL101"]
    one = text.replace("(2, 8, 64)", "(2,)")
    assert {finding.code for finding in lint_text(one.encode(), "train.py", Settings()).findings} == {"LL104"}


def test_a_sweep_that_is_only_possible_silences_nothing() -> None:
    """Nothing shows that the adapters of a helper are trained, so that each is judged by itself."""
    text = (
        "from peft import LoraConfig\n\ndef make(r):\n    return LoraConfig(r=r, lora_alpha=16)\n\nmake(2)\nmake(8)\n"
    )
    assert [finding.code for finding in lint_text(text.encode(), "a.py", Settings()).findings] == ["LL104"]
    shown = lint_text(text.encode(), "a.py", Settings(confidence="possible")).findings
    assert [finding.code for finding in shown] == ["LL104"]
