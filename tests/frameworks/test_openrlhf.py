"""OpenRLHF's commands, with options in sections and with the older ones."""

from __future__ import annotations

from typing import Any

import pytest

from lora_lint.linting import engine
from lora_lint.run.values import Known
from lora_lint.settings import Settings
from tests.support.reading import edited, only, plain, shell

HEALTHY = """\
set -x

read -r -d '' training_commands <<EOF
openrlhf.cli.train_sft \\
    --data.dataset Open-Orca/OpenOrca \\
    --data.input_key question \\
    --data.output_key response \\
    --data.max_samples 50000 \\
    --train.batch_size 64 \\
    --train.max_epochs 1 \\
    --model.model_name_or_path ${MODEL:-meta-llama/Llama-3.1-8B} \\
    --ckpt.output_dir ./checkpoint/llama3-lora\\
    --ds.zero_stage 2 \\
    --adam.lr 1e-4 \\
    --ds.lora.rank 32 \\
    --ds.lora.alpha 32 \\
    --ds.lora.target_modules q_proj k_proj v_proj o_proj
EOF

if [[ ${1} != "slurm" ]]; then
    deepspeed --module $training_commands
fi
"""
PPO = """\
ray job submit --address="http://127.0.0.1:8265" --runtime-env-json='{"working_dir": "/openrlhf"}' \\
   -- python3 -m openrlhf.cli.train_ppo_ray \\
   --pretrain Qwen/Qwen2.5-7B-Instruct \\
   --reward_pretrain OpenRLHF/Llama-3-8b-rm-700k \\
   --prompt_data OpenRLHF/prompt-collection-v0.1 --max_samples 20000 \\
   --actor_learning_rate 1e-5 --critic_learning_rate 9e-6 \\
   --vllm_num_engines 2 --packing_samples \\
   --load_in_4bit --lora_rank 16 --lora_alpha 32
"""


def codes(text: str) -> list[str]:
    return [finding.code for finding in engine.lint_text(text.encode(), "run.sh", Settings()).findings]


def adapter(text: str) -> Any:
    return only(shell(text)).adapter


@pytest.mark.parametrize("text", [HEALTHY, PPO])
def test_healthy_scripts_lint_clean(text: str) -> None:
    assert codes(text) == []


def test_settings_in_sections() -> None:
    run = only(shell(HEALTHY))
    assert (run.dialect, plain(run.model.name), plain(run.dataset.size)) == (
        "openrlhf",
        "meta-llama/Llama-3.1-8B",
        50000,
    )
    assert (plain(run.adapter.rank), plain(run.adapter.alpha), plain(run.adapter.dropout)) == (32, 32, 0)
    assert plain(run.adapter.target_modules) == ("q_proj", "k_proj", "v_proj", "o_proj")
    assert run.adapter.key("rank") == "ds.lora.rank"
    assert (plain(run.training.learning_rate), plain(run.training.epochs), run.training.method) == (
        1e-4,
        1,
        "supervised",
    )


def test_older_settings() -> None:
    run = only(shell(PPO))
    assert (plain(run.model.name), plain(run.model.quantization)) == ("Qwen/Qwen2.5-7B-Instruct", "4bit")
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (16, 32)
    assert run.adapter.target_modules == Known("all-linear", None, "framework-default")
    assert run.adapter.key("rank") == "lora_rank"
    assert (plain(run.training.learning_rate), run.training.method) == (1e-5, "rl")
    assert plain(run.dataset.size) == 20000


@pytest.mark.parametrize(
    ("command", "rate", "epochs", "method"),
    [
        ("openrlhf.cli.train_sft", 5e-6, 2, "supervised"),
        ("openrlhf.cli.train_dpo", 1e-5, 1, "preference"),
        ("openrlhf.cli.train_rm", 9e-6, 1, "preference"),
        ("openrlhf.cli.train_ppo_ray", 1e-6, 1, "rl"),
        ("openrlhf.cli.train_kto", 1e-5, 1, "preference"),
    ],
)
def test_defaults_of_each_trainer(command: str, rate: float, epochs: int, method: str) -> None:
    run = only(shell(f"deepspeed --module {command} --pretrain a/b --lora_rank 8"))
    assert (plain(run.training.learning_rate), plain(run.training.epochs), run.training.method) == (
        rate,
        epochs,
        method,
    )
    assert run.adapter.alpha == Known(16, None, "framework-default")


@pytest.mark.parametrize(
    "text",
    [edited(HEALTHY, ("--ds.lora.rank 32", "--ds.lora.rank 0")), "python -m openrlhf.cli.train_sft --pretrain a/b"],
)
def test_no_lora_run(text: str) -> None:
    assert shell(text).runs == ()


@pytest.mark.parametrize(
    ("text", "change", "code"),
    [
        (HEALTHY, ("o_proj", "out_proj"), "LL202"),
        (HEALTHY, ("q_proj k_proj v_proj o_proj", "all-linear"), "LL204"),
        (HEALTHY, ("alpha 32", "alpha 1"), "LL104"),
        (HEALTHY, ("lr 1e-4", "lr 5e-6"), "LL501"),
        (HEALTHY, ("${MODEL:-meta-llama/Llama-3.1-8B}", "mistralai/Mixtral-8x7B-v0.1"), None),
        (PPO, ("--lora_alpha 32", "--lora_alpha 0"), "LL105"),
        (PPO, ("num_engines 2", "num_engines 0"), "LL904"),
        (PPO, ("--load_in_4bit", "--load_in_4bit --param_dtype fp16"), "LL904"),
        (PPO, ("--load_in_4bit", "--advantage_estimator rloo"), "LL904"),
        (PPO, ("--load_in_4bit", "--advantage_estimator rloo --n_samples_per_prompt 4"), None),
        (HEALTHY, ("--ds.zero_stage 2", "--data.multiturn"), "LL904"),
        (HEALTHY, ("--ds.zero_stage 2", "--data.multiturn --data.apply_chat_template"), "LL421"),
        (HEALTHY, ("--ds.zero_stage 2", "--ds.ring_attn_size 2"), "LL904"),
    ],
)
def test_a_broken_script(text: str, change: tuple[str, str], code: str | None) -> None:
    assert codes(edited(text, change)) == ([] if code is None else [code])


def test_messages_have_its_own_names() -> None:
    (finding,) = engine.lint_text(edited(HEALTHY, ("alpha 32", "alpha 1")).encode(), "run.sh", Settings()).findings
    assert "`ds.lora.alpha=1`" in finding.message
    assert "`ds.lora.rank=32`" in finding.message
