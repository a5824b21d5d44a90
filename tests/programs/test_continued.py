"""Lines of options that the shell takes for commands, because the line above is not continued."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint import lint

if TYPE_CHECKING:
    from pathlib import Path

    from lora_lint import ReportedFinding

SWIFT = "swift sft --model Qwen/Qwen2.5-7B-Instruct --train_type lora --dataset d.jsonl \\\n  --lora_rank 8"
FLUX = (
    "accelerate launch flux_train_network.py --pretrained_model_name_or_path a.safetensors --clip_l c.safetensors "
    "--t5xxl t.safetensors --ae ae.safetensors --network_dim 16"
)
VERL = (
    "python3 -m verl.trainer.main_ppo algorithm.adv_estimator=grpo \\\n"
    "  actor_rollout_ref.model.path=Qwen/Qwen2.5-7B-Instruct \\\n  actor_rollout_ref.model.lora_rank=32"
)


def findings(folder: Path, text: str, name: str = "run.sh") -> list[ReportedFinding]:
    (folder / name).write_text(text, encoding="utf-8")
    return [each for each in lint((folder / name).as_posix()).findings if each.code not in ("LL102", "LL501")]


@pytest.mark.parametrize(
    "text, key, line, rest",
    [
        (f"{SWIFT}\n  --learning_rate 1e-4\n", "--learning_rate", 3, "this never reaches"),
        (f"{SWIFT} \\ \n  --learning_rate 1e-4 \\\n  --output_dir o\n", "--learning_rate", 3, "this and 1 more"),
        (
            f"{SWIFT} \\\n  # --lora_alpha 16 \\\n  --learning_rate 1e-4 --bf16\n",
            "--learning_rate",
            4,
            "this and 1 more",
        ),
        (
            f"{FLUX}\n  --network_module networks.lora_flux --network_alpha 16\n",
            "--network_module",
            2,
            "this and 1 more",
        ),
        (
            f"{VERL} \\\n  # actor_rollout_ref.model.lora_alpha=32 \\\n  actor_rollout_ref.actor.optim.lr=1e-5 $@\n",
            "actor_rollout_ref.actor.optim.lr",
            5,
            "this never reaches",
        ),
    ],
)
def test_options_below_a_line_that_ends_are_lost(tmp_path: Path, text: str, key: str, line: int, rest: str) -> None:
    (finding,) = findings(tmp_path, text)
    assert (finding.code, finding.line) == ("LL905", line)
    assert f"`{key}` as one of its own" in finding.message
    assert rest in finding.message


def test_lines_of_one_command_are_one_finding(tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, f"{SWIFT}\n  --learning_rate 1e-4\n  --output_dir o --bf16 true\n")
    assert "this and 2 more" in finding.message


def test_what_was_meant_is_judged(tmp_path: Path) -> None:
    """Alpha would be 1 if it were not for the line that is lost."""
    text = f"{FLUX} --network_module networks.lora_flux --learning_rate 1e-4\n  --network_alpha 16\n"
    assert [finding.code for finding in findings(tmp_path, text)] == ["LL905"]


@pytest.mark.parametrize(
    "text",
    [
        f"{SWIFT} \\\n  --learning_rate 1e-4\n",
        f"{SWIFT} --learning_rate 1e-4 \\\n  # --output_dir o\n",
        f"{SWIFT} --learning_rate 1e-4\necho --done\n",
        f"{SWIFT} --learning_rate 1e-4 > log.txt 2>&1 &\nwait\n",
        f"ARGS=(\n  --learning_rate 1e-4\n  --output_dir o\n)\n{SWIFT} ${{ARGS[@]}}\n",
        f"{SWIFT} --learning_rate 1e-4\ncat > notes.txt <<'EOF'\n--learning_rate is 1e-4\nEOF\n",
        f"echo start\n--not_ours\n{SWIFT} --learning_rate 1e-4\n",
        f"{VERL} \\\n  actor_rollout_ref.actor.optim.lr=1e-5 $@\nmy.tool --learning_rate=1\n",
    ],
)
def test_complete_commands_are_silent(tmp_path: Path, text: str) -> None:
    assert findings(tmp_path, text) == []


def test_a_command_that_trains_nothing(tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, "swift export\n  --adapters out/checkpoint-10 \\\n  --merge_lora true\n")
    assert (finding.code, finding.line) == ("LL905", 2)


def test_a_script_for_windows(tmp_path: Path) -> None:
    text = f"{FLUX} --network_module networks.lora_flux ^\n  --network_alpha 16\n  --learning_rate 1e-4\n"
    (finding,) = findings(tmp_path, text, "run.bat")
    assert (finding.code, finding.line) == ("LL905", 3)


@pytest.mark.parametrize(
    "text, told",
    [
        ("swift sft \\ --model Qwen/Qwen2.5-7B-Instruct --train_type lora --dataset d.jsonl --lora_rank 8\n", True),
        ("swift sft --model Qwen/Qwen2.5-7B-Instruct --train_type lora \\    --dataset d.jsonl --lora_rank 8\n", True),
        ("swift sft --model a\\ b --train_type lora --dataset d.jsonl --lora_rank 8\n", False),
        ('swift sft --model "a \\ b" --train_type lora --dataset d.jsonl --lora_rank 8\n', False),
        (f"{SWIFT} \\\n  --learning_rate 1e-4\necho \\ done\n", False),
    ],
)
def test_a_backslash_within_a_line_continues_nothing(tmp_path: Path, text: str, told: bool) -> None:
    found = [each for each in findings(tmp_path, text) if each.code == "LL905"]
    assert ["The backslash continues no line here" in each.message for each in found] == ([True] if told else [])
