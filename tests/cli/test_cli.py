"""The command line, as a process and in-process."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lora_lint import __version__
from lora_lint.__main__ import main
from lora_lint.knowledge import edition
from lora_lint.terminal import progress
from tests.support.processes import PATIENCE

ROOT = Path(__file__).parents[2]
BROKEN = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")
config = LoraConfig(r=8, lora_alpha=0, target_modules=["q_proj", "v_proj"])
model = get_peft_model(model, config)
"""
FINE = BROKEN.replace("lora_alpha=0", "lora_alpha=8")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    return tmp_path


def process(*arguments: str, stdin: str | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lora_lint", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **env},
        timeout=PATIENCE,
    )


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Status, stdout and stderr of a call in this process."""
    status = main(list(arguments))
    told = capsys.readouterr()
    return status, told.out, told.err


def findings(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, object]]:
    _, out, _ = call(capsys, "--output-format", "json", *arguments)
    found: list[dict[str, object]] = json.loads(out)["findings"]
    return found


@pytest.mark.process
class TestAsAProcess:
    def test_version(self) -> None:
        for flag in ("--version", "-V"):
            done = process(flag)
            assert (done.returncode, done.stderr) == (0, "")
            first, second = done.stdout.splitlines()
            assert first == f"lora-lint {__version__}"
            assert second == str(edition.current())

    def test_version_imports_next_to_nothing(self) -> None:
        code = (
            "import sys\nfrom lora_lint.__main__ import main\nmain(['--version'])\n"
            "print(sorted({'click', 'typing', 'inspect', 'json', 'yaml', 'dataclasses'} & set(sys.modules)))"
        )
        done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, cwd=ROOT)
        assert done.stdout.splitlines()[-1] == "[]"

    def test_a_plain_lint_imports_nothing_heavy(self) -> None:
        Path("a.py").write_text(FINE)
        code = (
            f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom lora_lint.__main__ import main\nmain(['a.py'])\n"
            "heavy = {'click', 'jsonschema', 'concurrent.futures', 'multiprocessing', 'tempfile', 'tomllib',"
            " 'importlib.metadata', 'difflib', 'asyncio', 'torch', 'transformers', 'peft', 'libcst',"
            " 'inspect', 'dataclasses', 'pkgutil'}\n"
            "print(sorted(heavy & set(sys.modules)))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.stdout.splitlines()[-1] == "[]", done.stderr

    def test_a_plain_lint_compiles_few_patterns_before_it_needs_them(self) -> None:
        Path("a.py").write_text(FINE)
        code = (
            f"import re, sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom lora_lint.__main__ import main\nmain(['a.py'])\n"
            "ours = [module for name, module in sys.modules.items() if name.startswith('lora_lint.')]\n"
            "print(sorted(module.__name__ for module in ours if any(isinstance(each, re.Pattern) for each in"
            " vars(module).values())))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        at_import = {"lora_lint.libraries.marks", "lora_lint.report.full", "lora_lint.run.run"}
        assert set(ast.literal_eval(done.stdout.splitlines()[-1])) <= at_import, done.stderr

    def test_libcst_is_imported_to_fix_structure_alone(self) -> None:
        program = (
            "from peft import PeftModel\nfrom transformers import AutoModelForCausalLM, Trainer\n"
            'model = AutoModelForCausalLM.from_pretrained("gpt2")\nmodel = PeftModel.from_pretrained(model, "a")\n'
            "Trainer(model=model, train_dataset=data).train()\n"
        )
        for options, imported in (
            ([], False),
            (["--output-format", "json"], False),
            (["--output-format", "sarif"], True),
            (["--fix"], True),
        ):
            Path("frozen.py").write_text(program)
            arguments = ["--isolated", "--no-cache", *options, "frozen.py"]
            code = (
                f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom lora_lint.__main__ import main\n"
                f"main({arguments!r})\nprint('libcst' in sys.modules)"
            )
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
            assert done.stdout.splitlines()[-1] == str(imported), done.stderr

    def test_findings_go_to_stdout_and_the_status_is_one(self) -> None:
        Path("a.py").write_text(BROKEN)
        done = process("a.py")
        assert done.returncode == 1
        assert "LL105" in done.stdout
        assert done.stderr == ""
        Path("a.py").write_text(FINE)
        assert process("a.py").returncode == 0

    def test_standard_input(self) -> None:
        done = process("--output-format", "json", "-", stdin=BROKEN)
        assert done.returncode == 1
        [finding] = [each for each in json.loads(done.stdout)["findings"] if each["code"] == "LL105"]
        assert (finding["path"], finding["line"]) == ("<stdin>", 5)
        done = process("--stdin-filename", "sub/x.yaml", "-", stdin="base_model: a\nadapter: lora\nlora_r: [\n")
        assert "sub/x.yaml" in done.stdout

    def test_usage_errors(self) -> None:
        for arguments in (("--bogus",), ("--fail-on", "sometimes"), ("explain",), ("--jobs", "0")):
            done = process(*arguments)
            assert (done.returncode, done.stdout) == (2, "")
            assert "Traceback" not in done.stderr
            assert done.stderr

    @pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT for a single process")
    @pytest.mark.usefixtures("interruptible")
    @pytest.mark.parametrize("ignored", [False, True])
    def test_ctrl_c_stops_it_unless_it_was_started_in_the_background(self, ignored: bool) -> None:
        """With `nohup` or `&`, a shell's script starts a process that ignores SIGINT, and so must lora-lint."""
        if ignored:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        started = subprocess.Popen(
            [sys.executable, "-m", "lora_lint", "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert started.stdin is not None
        started.stdin.write(b"#\n" * 400_000)  # more than a pipe holds: all is written only once it is being read
        started.stdin.flush()
        started.send_signal(signal.SIGINT)
        out, err = started.communicate(BROKEN.encode(), timeout=PATIENCE)
        if ignored:
            assert (started.returncode, err) == (1, b"")
            assert b"LL105" in out
        else:
            assert (started.returncode, out, err.strip()) == (130, b"", b"lora-lint: interrupted")

    def test_any_locale_will_do(self) -> None:
        Path("ä.py").write_text(BROKEN + "# ä\n", encoding="utf-8")
        for encoding in ("ascii", "latin-1", "utf-8"):
            for output in ("full", "json", "junit"):
                done = process("--output-format", output, "ä.py", PYTHONIOENCODING=encoding)
                assert done.returncode == 1, done.stderr
                assert done.stderr == ""

    def test_completion(self) -> None:
        assert "_LORA_LINT_COMPLETE" in process("completion", "bash").stdout

        def completed(words: str, index: int) -> list[str]:
            environment = {"COMP_WORDS": words, "COMP_CWORD": str(index), "_LORA_LINT_COMPLETE": "bash_complete"}
            return [line.partition(",")[2] for line in process(**environment).stdout.splitlines()]

        assert "explain" in completed("lora-lint exp", 1)
        assert "--select" in completed("lora-lint --sel", 1)
        assert "LL101" in completed("lora-lint --select LL1", 2)
        assert "zero-scale" in completed("lora-lint explain zero", 2)


@pytest.mark.parametrize("arguments", [(), ("check",), ("--jobs", "1", ".")])
def test_an_interrupt_ends_cleanly(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lora_lint.linting.engine.lint", interrupt)
    status, out, err = call(capsys, *arguments)
    assert (status, out, err.strip()) == (130, "", "lora-lint: interrupted")


def test_the_default_command(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.py").write_text(BROKEN)
    plain = call(capsys)
    assert plain[0] == 1
    for arguments in (("check",), (".",), ("check", "."), ("--jobs", "1"), ("--isolated", ".")):
        assert call(capsys, *arguments) == plain
    assert call(capsys, "check", "a.py")[0] == 1


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (("-h",), ("--help",), ("check", "-h"), ("inspect", "--help")):
        status, out, _ = call(capsys, *arguments)
        assert status == 0
        assert "Usage: lora-lint" in out


def test_fail_on(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.py").write_text(BROKEN)
    assert call(capsys, "--fail-on", "error", "a.py")[0] == 1
    assert call(capsys, "--fail-on", "never", "a.py")[0] == 0
    Path("lora-lint.toml").write_text("[levels]\nALL = 'advice'")
    assert call(capsys, "a.py")[0] == 0
    assert call(capsys, "--fail-on", "advice", "a.py")[0] == 1
    Path("lora-lint.toml").write_text("preset = 'strict'\n[levels]\nALL = 'advice'")
    assert call(capsys, "a.py")[0] == 1


def test_selection(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.py").write_text(BROKEN)
    assert {each["code"] for each in findings(capsys, "--select", "zero-scale", "a.py")} == {"LL105"}
    assert {each["code"] for each in findings(capsys, "--select", "LL2,LL101", "a.py")} == set()
    assert "LL105" not in {each["code"] for each in findings(capsys, "--ignore", "zero-scale", "a.py")}
    assert {each["code"] for each in findings(capsys, "--select", "LL2", "--extend-select", "LL105", "a.py")} == {
        "LL105"
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--select", "LL1O5"), "--select: unknown rule 'LL1O5', did you mean 'LL105'?"),
        (("--ignore", "zero-scael"), "did you mean 'zero-scale'?"),
        (("explain", "zero-scael"), "did you mean 'zero-scale'?"),
        (("--config", "nope.toml"), "nope.toml"),
        (("--baseline", "nope.json"), "nope.json"),
        (("nope.py",), "nope.py: no such file or folder"),
        (("-", "a.py"), "give no other path"),
        (("--stdin-filename", "a.fish", "-"), "a.fish"),
        (("--stdin-filename", "a.py", "b.py"), "give `-` as the only path"),
        (("--fix", "-"), "standard input cannot be fixed"),
        (("--diff", "--stdin-filename", "a.py", "-"), "standard input cannot be fixed"),
        (("inspect", "--stdin-filename", "a.fish", "-"), "a.fish"),
        (("",), "'': no such file or folder"),
        (("explan", "LL101"), "no such file or command: 'explan', did you mean 'explain'?"),
        (("--output-file", "no/such/folder/x", "."), "cannot be written"),
        (("--write-baseline", "no/such/folder/x", "."), "cannot be written"),
        (("--select", ","), "lora-lint: error: --select: give at least one"),
        (("--format", "json"), "lora-lint: error: no such option '--format', did you mean '--output-format'?\n"),
        (("-q",), "lora-lint: error: no such option '-q'; `lora-lint check --help` lists them\n"),
        (
            ("--fail-on", "none"),
            "lora-lint: error: --fail-on: 'none' is not one of 'error', 'warning', 'advice', 'never'",
        ),
        (("recommend", "--model", "x", "--dataset-size", "7,4"), "--dataset-size: '7,4' is not a valid number"),
        (
            ("recommend", "--model", "qwen"),
            "qwen is not known; --online fetches its config.json, or give a folder with",
        ),
        (("recommend", "--model", "black-forest-labs/FLUX.1-dev"), "is a FluxTransformer2DModel"),
        (("fix", "."), "no such file or command: 'fix', did you mean '--fix'?"),
        (("--select", "LL2", "LL3"), "no such file: 'LL3'; separate rules by commas, as in '--select LL1,LL3'"),
        (("--select", "LL999"), "unknown rule 'LL999'; `lora-lint rules` lists them"),
    ],
)
def test_mistakes(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str) -> None:
    status, _, err = call(capsys, *arguments)
    assert status == 2
    assert message in err


def test_a_missing_path_does_not_stop_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.py").write_text(BROKEN)
    status, out, _ = call(capsys, "nope.py", "a.py")
    assert status == 2
    assert "LL105" in out


@pytest.mark.process
def test_nothing_but_the_error_where_nothing_that_is_named_is_there() -> None:
    for output_format in ("full", "concise"):
        done = process("--output-format", output_format, "nope.py", "gone")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == (
            "lora-lint: error: nope.py: no such file or folder\nlora-lint: error: gone: no such file or folder\n"
        )
    done = process("--output-format", "json", "nope.py")
    assert (done.returncode, json.loads(done.stdout)["findings"]) == (2, [])


@pytest.mark.process
def test_a_tree_without_a_run_says_so() -> None:
    Path("a.py").write_text("print(1)\n")
    Path("b.yaml").write_text("a: 1\n")
    done = process(".")
    assert (done.returncode, done.stdout, done.stderr) == (0, "No LoRA run found in 2 files\n", "")
    Path("a.py").write_text(FINE)
    assert process(".").stdout == "No findings in 1 run of 2 files\n"


AXOLOTL = "base_model: openai-community/gpt2\nadapter: lora\nlora_r: 8\nlora_alpha: 0\nsequence_len: 512\n"
ADAPTER = '{"peft_type": "LORA", "base_model_name_or_path": "openai-community/gpt2", "r": 8, "lora_alpha": 0}'
NOTEBOOK = json.dumps({"cells": [{"cell_type": "code", "source": BROKEN, "metadata": {}}], "nbformat": 4})
COMMANDS = "swift sft --train_type lora --model a/b --lora_rank 8 --lora_alpha 0\n"


@pytest.mark.process
@pytest.mark.parametrize(
    "text",
    [BROKEN, AXOLOTL, ADAPTER, NOTEBOOK, f"#!/bin/bash\n{COMMANDS}", f"python train.py\n{COMMANDS}"],
    ids=["python", "yaml", "json", "notebook", "bash", "commands"],
)
def test_standard_input_is_recognized(text: str) -> None:
    done = process("--output-format", "concise", "--select", "LL105", "-", stdin=text)
    assert (done.returncode, done.stdout.count("LL105")) == (1, 1), done.stdout + done.stderr
    assert done.stdout.startswith("<stdin>:")


@pytest.mark.process
def test_a_program_without_imports_is_recognized() -> None:
    done = process("-", stdin="print(1)\n")
    assert (done.returncode, done.stdout) == (0, "No LoRA run found in 1 file\n")


@pytest.mark.process
@pytest.mark.parametrize("text", ["Dear reader,\nthis is prose.\n", "#!/usr/bin/perl\nprint 1;\n", "a,b\n1,2\n"])
def test_standard_input_of_unknown_kind_is_refused(text: str) -> None:
    for command in ("check", "inspect"):
        done = process(command, "-", stdin=text)
        assert (done.returncode, done.stdout) == (2, "")
        assert "the kind of text on standard input cannot be recognised" in done.stderr
        assert "--stdin-filename" in done.stderr


def test_output_file(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.py").write_text(BROKEN)
    status, out, _ = call(capsys, "--output-format", "json", "--output-file", "out.json", "a.py")
    assert (status, out) == (1, "")
    assert json.loads(Path("out.json").read_text(encoding="utf-8"))["summary"]["errors"] >= 1


def test_baseline(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.py").write_text(BROKEN)
    status, out, err = call(capsys, "--write-baseline", "known.json", "a.py")
    assert (status, out) == (0, "")
    assert "written" in err
    assert call(capsys, "--baseline", "known.json", "a.py")[0] == 0
    Path("lora-lint.toml").write_text("baseline = 'known.json'")
    assert call(capsys, "a.py")[0] == 0
    assert call(capsys, "--write-baseline", "again.json", "a.py")[0] == 0
    assert Path("again.json").read_text() == Path("known.json").read_text()


def test_statistics(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.py").write_text(BROKEN)
    _, out, _ = call(capsys, "--statistics", "--select", "LL105", "a.py")
    assert out.endswith("1  LL105  zero-scale\n")
    _, out, err = call(capsys, "--statistics", "--output-format", "json", "--select", "LL105", "a.py")
    assert json.loads(out)
    assert err == "1  LL105  zero-scale\n"


def test_rules(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = call(capsys, "rules")
    assert status == 0
    assert any(line.startswith("LL105  zero-scale ") for line in out.splitlines())
    status, out, _ = call(capsys, "rules", "--output-format", "json")
    [rule] = [each for each in json.loads(out) if each["code"] == "LL102"]
    assert rule["name"] == "rslora-off-high-rank"
    assert rule["options"]
    assert rule["url"].endswith("/rules/LL102-rslora-off-high-rank.md")


@pytest.mark.process
def test_rules_are_filtered() -> None:
    def codes(*arguments: str) -> list[str]:
        return [line.split()[0] for line in process("rules", *arguments).stdout.splitlines()]

    assert codes("LL10") == sorted({"LL105", *codes("LL10")}) and len(codes("LL10")) > 3
    assert codes("zero-scale", "LL102") == ["LL105", "LL102"]
    assert "LL102" in codes("--level", "advice") and "LL105" not in codes("--level", "advice")
    assert codes("--level", "error", "LL102,LL105") == ["LL105"]
    assert "LL402" in codes("--fix", "safe") and "LL102" not in codes("--fix", "safe")
    assert codes("--fix", "unsafe", "LL102", "LL402") == ["LL102"]


@pytest.mark.process
def test_explain_takes_prefixes_and_gives_json() -> None:
    family = process("explain", "LL10")
    assert family.returncode == 0
    for code in ("LL102", "LL105"):
        assert process("explain", code).stdout in family.stdout
    [page] = json.loads(process("explain", "--output-format", "json", "zero-scale").stdout)
    assert (page["code"], page["level"], page["page"].strip()) == (
        "LL105", "error", process("explain", "LL105").stdout.strip()
    )  # fmt: skip


def test_explain(capsys: pytest.CaptureFixture[str]) -> None:
    by_code = call(capsys, "explain", "LL105")
    assert by_code[0] == 0
    assert "zero-scale" in by_code[1]
    assert call(capsys, "explain", "zero-scale") == by_code
    assert call(capsys, "explain", "ll105") == by_code


def test_colors(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a.py").write_text(BROKEN)

    def colored(*arguments: str) -> bool:
        return "\x1b[" in call(capsys, *arguments, "a.py")[1]

    assert not colored()
    assert colored("--color", "always")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert colored()
    assert not colored("--color", "never")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colored()
    assert colored("--color", "always")


def test_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    assert progress() is None
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    draw = progress()
    assert draw is not None
    draw(1, 4)
    assert terminal.getvalue() == ""
    clock[0] = 2.0
    draw(2, 4)
    assert "2/4 files" in terminal.getvalue()
    draw(0, 0)
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_level(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.py").write_text(BROKEN)
    Path("b.py").write_text(BROKEN.replace("lora_alpha=0", "lora_alpha=2").replace("r=8", "r=64"))
    Path("c.py").write_text(BROKEN.replace("lora_alpha=0", "lora_alpha=64").replace("r=8", "r=64"))
    shown = {
        level: sorted({str(finding["level"]) for finding in findings(capsys, "--level", level, ".")})
        for level in ("error", "warning", "advice")
    }
    assert shown == {
        "error": ["error"], "warning": ["error", "warning"], "advice": ["advice", "error", "warning"]
    }  # fmt: skip
    assert call(capsys, "--level", "error", "b.py") == (0, "No findings in 1 run of 1 file\n", "")


def test_a_fix_is_judged_by_what_the_level_hides_too(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.py").write_text(
        BROKEN.replace('["q_proj", "v_proj"]', '["c_attn"]').replace("lora_alpha=0", "lora_alpha=99")
    )
    every = call(capsys, "--diff", "--unsafe-fixes", "--select", "LL201", "a.py")
    assert (
        every[1] and call(capsys, "--diff", "--unsafe-fixes", "--select", "LL201", "--level", "error", "a.py") == every
    )


def test_the_model_is_that_of_runs_that_tell_none(capsys: pytest.CaptureFixture[str]) -> None:
    Path("told.py").write_text(FINE)
    Path("asked.py").write_text("import sys\n" + FINE.replace('"meta-llama/Llama-2-7b-hf"', "sys.argv[1]"))
    assert findings(capsys, ".") == []
    [finding] = findings(capsys, "--model", "openai-community/gpt2", ".")
    assert (finding["code"], finding["path"]) == ("LL201", "asked.py")
    _, out, _ = call(capsys, "inspect", "--output-format", "json", "--model", "openai-community/gpt2", "asked.py")
    assert json.loads(out)["runs"][0]["model"]["type"] == "gpt2"


def test_gpu_memory(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.py").write_text(FINE)
    assert [finding["code"] for finding in findings(capsys, "--gpu-memory", "8", "a.py")] == ["LL304"]
    assert findings(capsys, "--gpu-memory", "80", "a.py") == []
    for wrong in ("nan", "inf", "0", "much"):
        status, out, errors = call(capsys, "--gpu-memory", wrong, "a.py")
        assert (status, out) == (2, "") and "--gpu-memory" in errors


def test_dataset_size_and_task_hold_for_all_runs(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.py").write_text(FINE)
    _, out, _ = call(capsys, "inspect", "--output-format", "json", "--dataset-size", "321", "--task", "code", "a.py")
    [run] = json.loads(out)["runs"]
    assert run["dataset"]["size"] == {"value": 321, "origin": "setting"}
    assert run["task"] == "code"


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
class TestOnATerminal:
    def shown(self, columns: int, *arguments: str, **env: str) -> str:
        """What a terminal of so many columns shows."""
        import fcntl
        import pty
        import struct
        import termios

        main_end, end = pty.openpty()
        fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        unset = ("COLUMNS", "NO_COLOR", "VTE_VERSION", "WT_SESSION", "KONSOLE_VERSION", "KITTY_WINDOW_ID", "DOMTERM")
        told = {name: value for name, value in os.environ.items() if name not in unset}
        told |= {"TERM": "xterm", "TERM_PROGRAM": "", "PYTHONPATH": str(ROOT), **env}
        command = [sys.executable, "-m", "lora_lint", *arguments]
        done = subprocess.Popen(command, stdin=end, stdout=end, stderr=subprocess.DEVNULL, env=told)
        os.close(end)
        seen = b""
        with contextlib.suppress(OSError):  # which is how Linux tells that the other end is closed
            while part := os.read(main_end, 65536):
                seen += part
        os.close(main_end)
        assert done.wait(PATIENCE) == (arguments[0] not in ("explain", "rules"))
        return seen.decode().replace("\r\n", "\n")

    @pytest.mark.parametrize("columns", [60, 80, 120])
    def test_its_own_width(self, columns: int) -> None:
        Path("train.py").write_text(BROKEN)
        rows = self.shown(columns, "--color", "never", "train.py").splitlines()
        assert columns - 20 < max(map(len, rows)) <= columns

    def test_links_where_it_is_known_to_have_them(self) -> None:
        Path("train.py").write_text(BROKEN)
        link = "\x1b]8;;https://github.com/lora-lint/lora-lint/blob/main/rules/LL105-zero-scale.md\x1b\\LL105\x1b]8;;\x1b\\"
        assert link in self.shown(80, "train.py", TERM_PROGRAM="WezTerm")
        assert link in self.shown(80, "train.py", VTE_VERSION="7000")
        for plain in ({}, {"VTE_VERSION": "4000"}, {"TERM_PROGRAM": "WezTerm", "NO_COLOR": "1"}):
            assert "\x1b]8" not in self.shown(80, "train.py", **plain)

    def test_a_page_is_rendered(self) -> None:
        shown = self.shown(60, "explain", "LL105", NO_COLOR="1").splitlines()
        assert shown[0] == "LL105 zero-scale"
        assert not any(line.startswith(("#", "```")) for line in shown)
        prose = [line for line in shown if not line.startswith("    ")]
        assert max(map(len, prose)) <= 60
        assert "\x1b[1mWhy it matters\x1b[0m" in self.shown(60, "explain", "LL105")

    def test_the_list_of_rules_has_a_heading(self) -> None:
        heading, first, *_ = self.shown(120, "rules", "LL105", NO_COLOR="1").splitlines()
        assert heading.split() == ["code", "name", "level", "fix", "finds"]
        assert first.index("Alpha is 0") == heading.index("finds")
        assert max(map(len, self.shown(80, "rules", NO_COLOR="1").splitlines())) <= 80


@pytest.mark.process
def test_width_where_there_is_no_terminal() -> None:
    Path("train.py").write_text(BROKEN)
    widest = {
        columns: max(map(len, process("train.py", COLUMNS=columns).stdout.splitlines()))
        for columns in ("", "60", "160", "no", "0")
    }
    assert widest["60"] <= 60 < 80 < widest[""] == widest["no"] == widest["0"] <= 100 < widest["160"] <= 160


@pytest.mark.process
def test_advice_is_in_full_where_one_file_is_named() -> None:
    Path("train.py").write_text(BROKEN.replace("lora_alpha=0", "lora_alpha=128").replace("r=8", "r=64"))
    for path, stdin in (("train.py", None), ("-", Path("train.py").read_text())):
        alone = process("--select", "LL102", path, stdin=stdin).stdout
        assert "5:23: advice LL102 rslora-off-high-rank\n" in alone and "5 | config" in alone
    Path("no.json").write_text("{}")
    calls: tuple[tuple[str, ...], ...] = ((), (".",), ("train.py", "no.json"))
    for arguments in calls:
        assert "\nContested, not listed: LL102 " in process(*arguments).stdout
        several = process("--select", "LL102", *arguments).stdout
        assert several.startswith("advice LL102 rslora-off-high-rank\n  train.py:5:23: ")
        assert "5 | config" not in several
        assert (
            len(json.loads(process("--select", "LL102", "--output-format", "json", *arguments).stdout)["findings"]) == 1
        )


@pytest.mark.process
def test_add_ignore() -> None:
    Path("a.py").write_text(BROKEN)
    assert process("--diff", "--add-ignore", "on purpose", "a.py").stdout.count("\n+") == 2
    assert Path("a.py").read_text() == BROKEN
    done = process("--add-ignore", "on purpose", "a.py")
    assert (done.returncode, done.stderr) == (0, "lora-lint: 1 finding ignored in 1 file\n")
    text = Path("a.py").read_text()
    assert "# lora-lint: ignore[LL105] on purpose\n" in text
    again = process("--add-ignore", "again", "a.py")
    assert (again.returncode, again.stderr, Path("a.py").read_text()) == (0, "", text)
    for refused in (("--fix", "a.py"), ("-",), ("--unsafe-fixes", "a.py")):
        assert process("--add-ignore", "why", *refused, stdin="").returncode == 2
    assert "cannot be written" in process("--add-ignore", "a # b", "a.py").stderr
    forgotten = process("--add-ignore", "a.py")
    assert (forgotten.returncode, Path("a.py").read_text()) == (2, text)
    assert "'a.py' is a path" in forgotten.stderr
