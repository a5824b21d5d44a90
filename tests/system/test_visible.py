"""No text of a user acts on the terminal, the log or the document that shows it, in any format."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_lint.finding import Finding, Fix, Related, Verdict
from lora_lint.linting.engine import lint_text
from lora_lint.linting.outcome import Outcome, Summary
from lora_lint.report import FORMATS, View, render
from lora_lint.settings import Settings
from lora_lint.source import SourceFile, Span
from lora_lint.system.visible import columns, encodable, json_text, octets, visible
from tests.support.processes import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path

NAMES = (
    b"\xff\xfe.py",
    b"a\x1b[31m\x07\x7f.py",
    b"n\n::error file=a.py::x.py",
    "\u202egnp.py".encode(),
    "a\u2028b\u0085\u061c\u2066.py".encode(),
)
"""Names of files that do harm where they are printed as they are."""
ANY = st.text(st.characters(), max_size=40) | st.text(
    st.sampled_from(
        "\x00\x07\x1b\r\n\t\x7f\x85\x9b\u061c\u200e\u2028\u202e\u2066\ufeff\ufffe\ud800\udcff<>&\"'`%:,#\\漢é"
    ),
    max_size=40,
)
"""Texts of all characters, and texts of those that mean something somewhere."""
PROGRAM = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=0, target_modules=["q_proj", "\\ud800\\x1b\\u202e"]))
"""


def outcome(path: str, message: str, line: str) -> Outcome:
    """One finding, with a fix, a related place and a verdict, in which all that a user may choose is given."""
    text = line.encode("utf-8", "replace")
    span = Span(path, 0, len(text))
    finding = Finding(
        "LL105",
        message,
        span,
        level="error",
        related=(Related(span, message), Related(span, message)),
        fix=Fix("unsafe", message),
        fingerprint="f" * 16,
        verdict=Verdict("confirmed", message, {message: [message, float("inf")]}),
    )
    return Outcome((finding,), Summary(1, 1, 1), texts={path: SourceFile(path, "python", text)})


def assert_clean(text: str) -> None:
    """Nothing but characters that are seen, and the newlines of the format."""
    assert [each for each in text.split("\n") if not each.isprintable()] == []


class TestVisible:
    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("train.py", "train.py"),
            ("été/訓練.py", "été/訓練.py"),
            (r"(q|v)_proj\.weight", r"(q|v)_proj\.weight"),
            ("a\x1b[31mb", r"a\x1b[31mb"),
            ("n\n::error::x", r"n\n::error::x"),
            ("a\r\t\x07\x7f", r"a\r\t\x07\x7f"),
            ("\x9b", r"\x9b"),
            ("\u202eab\u2066", r"\u202eab\u2066"),
            ("\u2028\u2029\u0085", r"\u2028\u2029\x85"),
            ("q_proj\u200b", r"q_proj\u200b"),
            (os.fsdecode(b"\xff.py"), r"\xff.py"),
            ("\ud800", r"\ud800"),
            ("\U000e0001", r"\U000e0001"),
        ],
    )
    def test_what_is_shown(self, text: str, shown: str) -> None:
        assert visible(text) == shown

    @given(ANY)
    def test_any_text(self, text: str) -> None:
        shown = visible(text)
        assert shown.isprintable()
        assert shown.encode().decode() == shown
        assert visible(shown) == shown
        assert shown == text or not text.isprintable()

    @given(ANY)
    def test_encodable_changes_surrogates_alone(self, text: str) -> None:
        kept = encodable(text)
        assert kept.encode().decode() == kept
        assert kept == text or any("\ud800" <= each <= "\udfff" for each in text)
        assert visible(kept) == visible(text)

    @given(st.binary(max_size=20))
    def test_octets_are_those_of_the_file_system(self, name: bytes) -> None:
        assert octets(name.decode("utf-8", "surrogateescape")) == name

    @given(st.dictionaries(ANY, ANY | st.lists(ANY) | st.floats(), max_size=4))
    def test_json_for_strict_readers(self, document: dict[str, Any]) -> None:
        text = json_text(document)
        assert_clean(text)

        def refuse(name: str) -> None:
            raise AssertionError(f"{name} is no JSON")

        read = json.loads(text.encode(), parse_constant=refuse)
        for key, value in document.items():
            if isinstance(value, str) and encodable(key) == key:
                assert read[key] == encodable(value)

    def test_columns(self) -> None:
        assert (columns("abc"), columns("漢字"), columns("e\u0301"), columns("กำ"), columns("❤\ufe0f")) == (
            3,
            4,
            1,
            2,
            1,
        )


class TestFormats:
    @pytest.mark.parametrize("output_format", FORMATS)
    @given(path=ANY, message=ANY, line=ANY)
    def test_nothing_acts(self, output_format: str, path: str, message: str, line: str) -> None:
        text = render(output_format, outcome(path, message, line.replace("\0", "")))
        assert_clean(text)
        assert text.encode()
        if output_format in ("json", "sarif", "gitlab"):
            json.loads(text)
        elif output_format == "junit":
            ElementTree.fromstring(text.encode())
        elif output_format in ("github", "concise"):
            assert len(text.splitlines()) == 2

    @given(path=ANY, message=ANY)
    def test_json_keeps_the_exact_texts(self, path: str, message: str) -> None:
        found = json.loads(render("json", outcome(path, message, "x")))["findings"][0]
        assert (found["path"], found["message"]) == (encodable(path), encodable(message))

    @given(before=ANY)
    def test_the_underline_stands_under_the_span(self, before: str) -> None:
        before = "".join(before.encode("utf-8", "replace").decode().replace("\0", "").splitlines())
        source = SourceFile("a.py", "python", f"{before}lora\n".encode())
        start = len(before.encode())
        found = Finding("LL105", "Wrong", Span("a.py", start, start + 4), level="error")
        rows = render("full", Outcome((found,), Summary(1, 1, 1), texts={"a.py": source})).splitlines()
        shown = next(row for row in rows if row.startswith("  1 | "))
        under = next(row for row in rows if set(row) <= set(" |^") and "^" in row)
        assert under.count("^") == 4
        assert columns(shown[: shown.rindex("lora")]) == under.index("^")


STRINGS = ("\\ud800", "\\udcff", "\\u001b", "\\u202e", "\\u2028")
"""Escapes that Python and JSON read alike."""


class TestStrings:
    """Strings of programs and configs, wherever a finding repeats them."""

    def outcome(self, text: str, path: str) -> Outcome:
        found = lint_text(text, path, Settings())
        assert [finding for finding in found.findings if finding.code == "LL900"] == []
        for output_format in FORMATS:
            assert_clean(render(output_format, found))
        return found

    @pytest.mark.parametrize("string", STRINGS)
    def test_python(self, string: str) -> None:
        program = PROGRAM.replace("\\ud800\\x1b\\u202e", string)
        found = {finding.code: finding for finding in self.outcome(program, "train.py").findings}
        value = ast.literal_eval(f'"{string}"')
        assert f"`{value}` is not in" in found["LL202"].message

    @pytest.mark.parametrize("string", STRINGS)
    def test_notebook(self, string: str) -> None:
        cell = {"cell_type": "code", "metadata": {}, "outputs": [], "source": PROGRAM}
        text = json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
        raw = text.replace("\\\\ud800\\\\x1b\\\\u202e", string)  # in the JSON itself, and so in the program's text
        assert raw != text
        assert {finding.code for finding in self.outcome(raw, "n.ipynb").findings} == {"LL105", "LL202"}

    @pytest.mark.parametrize("string", STRINGS)
    def test_json(self, string: str) -> None:
        text = (
            '{"peft_type": "LORA", "base_model_name_or_path": "meta-llama/Llama-2-7b-hf", "r": 8, "lora_alpha": 8, '
            f'"target_modules": ["q_proj", "{string}"]}}'
        )
        [finding] = self.outcome(text, "adapter_config.json").findings
        assert finding.code == "LL202", "half of a surrogate pair is no regular expression"

    @pytest.mark.parametrize("string", STRINGS[2:])  # YAML has no surrogates
    def test_yaml(self, string: str) -> None:
        text = f'base_model: meta-llama/Llama-2-7b-hf\nadapter: lora\nlora_r: 8\nlora_alpha: 0\n"{string}": 1\n'
        text += f'lora_target_modules: ["q_proj", "{string}"]\nsequence_len: 512\n'
        codes = {finding.code for finding in self.outcome(text, "config.yaml").findings}
        assert {"LL105", "LL202"} <= codes


class TestLongLines:
    @pytest.mark.parametrize("letter", ["a", "漢", "\x1b", "e\u0301", "\t"])
    @pytest.mark.parametrize(
        ("before", "after"), [(0, 0), (30, 0), (0, 900), (100, 900), (900, 0), (900, 900), (5000, 5)]
    )
    @pytest.mark.parametrize("width", [40, 100, 200])
    def test_what_is_meant_is_shown_and_underlined(self, letter: str, before: int, after: int, width: int) -> None:
        line = f"{letter * before}lora{letter * after}\n"
        start = len((letter * before).encode())
        source = SourceFile("a.py", "python", line.encode())
        found = Finding("LL105", "Wrong", Span("a.py", start, start + 4), level="error")
        seen = Outcome((found,), Summary(1, 1, 1), texts={"a.py": source})
        rows = render("full", seen, View(width)).splitlines()
        [shown] = [row for row in rows if row.startswith("  1 | ")]
        [under] = [row for row in rows if set(row) <= set(" |^") and "^" in row]
        assert columns(shown) <= width
        assert under.count("^") == 4
        assert columns(shown[: shown.index("lora")]) == under.index("^")
        assert ("…" in shown) is (columns(visible(line.rstrip("\n").replace("\t", "    "))) > width - len("  1 | "))


@pytest.mark.process
@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not allow such names")
class TestProcess:
    @pytest.fixture(params=NAMES, ids=ascii)
    def name(self, request: pytest.FixtureRequest, tmp_path: Path) -> bytes:
        name: bytes = request.param
        with open(os.path.join(os.fsencode(tmp_path), name), "w") as file:
            file.write(PROGRAM)
        return name

    def run(self, folder: Path, *arguments: str | bytes, locale: str = "C.UTF-8") -> tuple[int, str, str]:
        environment = {**os.environ, "LC_ALL": locale, "PYTHONUTF8": "0", "COLUMNS": "80"}
        command = [sys.executable, "-m", "lora_lint", *arguments]
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=PATIENCE, env=environment)
        assert b"Traceback" not in done.stderr
        out, errors = done.stdout.decode(), done.stderr.decode()
        assert_clean(errors)
        return done.returncode, out, errors

    @pytest.mark.parametrize("output_format", FORMATS)
    def test_every_format(self, name: bytes, tmp_path: Path, output_format: str) -> None:
        status, out, errors = self.run(tmp_path, "--output-format", output_format, ".")
        assert (status, errors) == (1, "")
        assert_clean(out)
        assert "LL105" in out
        if output_format == "sarif":
            result = json.loads(out)["runs"][0]["results"][0]
            uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
            assert unquote_to_bytes(uri) == name
        elif output_format in ("json", "gitlab"):
            json.loads(out)
        elif output_format == "junit":
            ElementTree.fromstring(out.encode())
        elif output_format == "github":
            commands = ("::error title=LL", "::warning title=LL", "::notice title=LL")
            assert all(line.startswith(commands) for line in out.splitlines()[:-1])
        status, again, _ = self.run(tmp_path, "--output-format", output_format, "--output-file", "report", ".")
        assert (status, again) == (1, "")
        assert (tmp_path / "report").read_text(encoding="utf-8") == out, "from the cache, and into a file"

    def test_in_a_terminal_without_unicode(self, name: bytes, tmp_path: Path) -> None:
        for output_format in FORMATS:
            status, _, errors = self.run(tmp_path, "--output-format", output_format, name, locale="C")
            assert (status, errors) == (1, "")

    def test_inspect(self, name: bytes, tmp_path: Path) -> None:
        status, out, _ = self.run(tmp_path, "inspect", name)
        assert status == 0
        assert_clean(out)
        assert r"\ud800\x1b\u202e" in out
        status, out, _ = self.run(tmp_path, "inspect", "--output-format", "json", name)
        assert status == 0
        assert_clean(out)
        [run] = json.loads(out)["runs"]
        assert run["path"] == encodable(os.fsdecode(name))
        assert run["adapter"]["target_modules"]["value"] == ["q_proj", "\\ud800\x1b\u202e"]

    def test_baseline(self, name: bytes, tmp_path: Path) -> None:
        status, _, errors = self.run(tmp_path, "--write-baseline", "known.json", ".")
        assert (status, errors) == (0, "lora-lint: known.json: 2 findings written\n")
        assert_clean((tmp_path / "known.json").read_text(encoding="utf-8"))
        status, out, errors = self.run(tmp_path, "--baseline", "known.json", ".")
        assert (status, errors) == (0, "")
        assert out.startswith("No findings (2 suppressed)")
        with open(os.path.join(os.fsencode(tmp_path), name), "w") as file:
            file.write(PROGRAM.replace("lora_alpha=0", "lora_alpha=8").replace('"\\ud800\\x1b\\u202e"', '"v_proj"'))
        _, _, errors = self.run(tmp_path, "--baseline", "known.json", ".")
        assert "2 baseline entries no longer match anything" in errors

    def test_a_diff_that_git_applies(self, name: bytes, tmp_path: Path) -> None:
        path = os.path.join(os.fsencode(tmp_path), name)
        with open(path, "w") as file:
            file.write(PROGRAM.replace("lora_alpha=0", "lora_alpa=8"))
        status, out, _ = self.run(tmp_path, "--diff", "--unsafe-fixes", ".")
        assert status == 1
        assert_clean(out)
        subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=out.encode(), check=True, timeout=PATIENCE)
        with open(path) as file:
            assert "lora_alpha=8" in file.read()

    def test_a_program_that_a_script_calls(self, name: bytes, tmp_path: Path) -> None:
        with open(os.path.join(os.fsencode(tmp_path), name), "w") as file:
            file.write("import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('--r', default=8)\n")
            file.write("args = parser.parse_args()\n" + PROGRAM.replace("r=8", "r=args.r"))
        (tmp_path / "run.sh").write_text("python train.py --r 16\n")
        status, out, _ = self.run(tmp_path, "--output-format", "json", ".")
        assert status == 1
        assert [finding["code"] for finding in json.loads(out)["findings"]] == ["LL105", "LL202"]

    @pytest.mark.parametrize("name", NAMES, ids=ascii)
    def test_complaints(self, name: bytes, tmp_path: Path) -> None:
        status, _, errors = self.run(tmp_path, b"gone" + name)
        assert status == 2
        assert len(errors.splitlines()) == 1
        status, _, errors = self.run(tmp_path, b"--" + name, ".")
        assert status == 2
        (tmp_path / "lora-lint.toml").write_bytes(b"")
        status, _, errors = self.run(tmp_path, "--output-file", b"no/such/" + name, ".")
        assert status == 2
        assert len(errors.splitlines()) == 1
