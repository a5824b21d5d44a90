"""Scripts of Windows: variables, continued lines, loops, lists of arguments and conditions of cmd and of PowerShell."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_lint import discovery
from lora_lint.linting import engine
from lora_lint.linting.checker import Checker
from lora_lint.readers.commands import fragments
from lora_lint.settings import Settings
from lora_lint.source import SourceFile
from tests.support.reading import only, plain, shell

if TYPE_CHECKING:
    from pathlib import Path

BATCH = r"""
    @echo off
    set MODEL=E:\models\anything v5.safetensors
    set "DIM=64"
    rem accelerate launch train_network.py --network_dim=3 --network_module=networks.lora
    call venv\Scripts\activate.bat
    accelerate launch --num_cpu_threads_per_process 1 ^
        E:\sd-scripts\train_network.py ^
        --pretrained_model_name_or_path="%MODEL%" ^
        --learning_rate=1e-4 ^
        --network_dim=%dim% --network_alpha 32 ^
        --network_module=networks.lora
    pause
    """
SWEEP = """
    for %%d in (4 8 16) do (
      accelerate.exe launch train_network.py --pretrained_model_name_or_path=a/b ^
        --network_module=networks.lora --network_dim=%%d --network_alpha=16
    )
    """
POWERSHELL = r"""
    # the settings
    $model_type = "sdxl" # or sd1.5
    $pretrained_model = "./models/model.safetensors"
    $network_dim = 64
    $network_alpha = 1
    $train_unet_only = 0
    $Env:HF_HOME = "huggingface"
    .\venv\Scripts\activate
    $ext_args = [System.Collections.ArrayList]::new()
    $trainer_file = "./sd-scripts/train_network.py"
    if ($model_type -eq "sdxl") {
      $trainer_file = "./sd-scripts/sdxl_train_network.py"
    }
    else {
      [void]$ext_args.Add("--clip_skip=2")
    }
    if ($train_unet_only) {
      [void]$ext_args.Add("--network_train_unet_only")
    }
    [void]$ext_args.Add("--network_alpha=" + $network_alpha)
    accelerate launch --num_cpu_threads_per_process=8 $trainer_file `
      --pretrained_model_name_or_path=$pretrained_model `
      --learning_rate="1e-4" `
      --network_module='networks.lora' `
      --network_dim=$network_dim $ext_args
    """


def text_of(script: str, name: str) -> str:
    """The script as another shell gets it."""
    source = SourceFile(name, "shell", textwrap.dedent(script).encode())
    return b"".join(each.text for each in fragments(source)).decode()


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_batch_file(ends: str) -> None:
    run = only(shell(textwrap.dedent(BATCH).replace("\n", ends), name="train.bat"))
    assert (run.dialect, plain(run.adapter.rank), plain(run.adapter.alpha)) == ("kohya", 64, 32)
    assert plain(run.model.name) == "E:/models/anything v5.safetensors"
    assert plain(run.training.learning_rate) == 1e-4


def test_a_loop_of_a_batch_file_is_a_sweep() -> None:
    reading = shell(SWEEP, name="sweep.cmd")
    assert [plain(run.adapter.rank) for run in reading.runs] == [4, 8, 16]
    found = engine.lint_text(textwrap.dedent(SWEEP).encode(), "sweep.cmd", Settings()).findings
    assert "LL101" in {finding.code for finding in found}


def test_places_are_those_of_the_file() -> None:
    text = textwrap.dedent(BATCH).replace("--network_alpha 32", "--network_alpha 1")
    (finding,) = engine.lint_text(text.encode(), "train.bat", Settings(select=("LL104",))).findings
    assert text.encode()[finding.span.start : finding.span.end] == b"1"
    assert "scales the adapter by 0.0156" in finding.message


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_powershell_script(ends: str) -> None:
    run = only(shell(textwrap.dedent(POWERSHELL).replace("\n", ends), name="train.ps1"))
    assert (run.dialect, plain(run.adapter.rank), plain(run.adapter.alpha)) == ("kohya", 64, 1)
    assert plain(run.model.name) == "./models/model.safetensors"
    text = text_of(POWERSHELL, "train.ps1")
    assert "sdxl_train_network.py" in text
    assert "clip_skip" not in text and "network_train_unet_only" not in text


def test_a_condition_that_is_not_known() -> None:
    script = POWERSHELL.replace('if ($model_type -eq "sdxl")', "if (Test-Path .\\a)").replace(
        "$train_unet_only = 0", ""
    )
    text = text_of(script, "train.ps1")
    assert "trainer_file=$UNKNOWN_VALUE" in text
    assert "ext_args+=(--network_train_unet_only=$UNKNOWN_VALUE)" in text


def test_a_launcher_by_its_path() -> None:
    script = BATCH.replace("accelerate launch", r"python .\venv\Scripts\accelerate.exe launch", 2)
    assert plain(only(shell(script, name="train.bat")).adapter.rank) == 64


def test_a_loop_of_powershell() -> None:
    script = """
        foreach ($dim in 4, 8, 16) {
          accelerate launch train_network.py --pretrained_model_name_or_path=a/b `
            --network_module=networks.lora --network_dim=$dim --network_alpha=8
        }
        """
    assert [plain(run.adapter.rank) for run in shell(script, name="sweep.ps1").runs] == [4, 8, 16]


@pytest.mark.parametrize("name", ["train.bat", "train.cmd", "train.ps1"])
def test_they_are_found_in_a_folder(tmp_path: Path, name: str) -> None:
    script = POWERSHELL if name.endswith("ps1") else BATCH
    (tmp_path / name).write_text(textwrap.dedent(script))
    outcome = engine.lint([tmp_path.as_posix()], Settings(select=("LL104",)), jobs=1)
    assert len(outcome.findings) == (1 if name.endswith("ps1") else 0)
    assert outcome.summary.runs == 1


def test_a_flag_is_fixed_in_place(tmp_path: Path) -> None:
    path = tmp_path / "train.bat"
    path.write_text(textwrap.dedent(BATCH).replace("--network_alpha 32", "--network_alpha 1"))
    found = discovery.Found(path.as_posix(), "shell", path.read_bytes(), True)
    (finding,) = (each for each in Checker(Settings()).check(found).findings if each.code == "LL104")
    assert finding.fix is not None and finding.fix.applicability == "unsafe"


@given(st.text(alphabet="abc=%$^`\"'(){}\\ \n\r-#@!;:+0", max_size=120), st.sampled_from(["a.bat", "a.ps1"]))
def test_no_script_makes_the_reader_fail(text: str, name: str) -> None:
    source = SourceFile(name, "shell", text.encode())
    for fragment in fragments(source):
        for at in range(0, len(fragment.text), 7):
            start, end = fragment.place(at, min(at + 5, len(fragment.text)))
            assert 0 <= start <= end <= len(source.utf8)


def test_a_backslash_that_continues_a_line_elsewhere(tmp_path: Path) -> None:
    script = tmp_path / "train.bat"
    script.write_text("swift sft \\ --model Qwen/Qwen3-0.6B \\ --train_type lora --dataset a/b --learning_rate 1e-4\n")
    report = engine.lint_text(script.read_bytes(), "train.bat", Settings())
    assert [each.code for each in report.findings] == ["LL905"]
