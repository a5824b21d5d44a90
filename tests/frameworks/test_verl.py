"""verl: hydra's sections and dotted keys, reinforcement learning and supervised training, Megatron's own block."""

from __future__ import annotations

import re

import pytest

from lora_lint.linting import engine
from lora_lint.run.events import Load, LoadAdapter, Train
from lora_lint.run.problems import UnknownKey
from lora_lint.run.values import Unknown
from lora_lint.settings import Settings
from tests.support.reading import config, edited, only, plain, realistic

GRPO, SFT, MEGATRON = (realistic("verl", name) for name in ("grpo.yaml", "sft.yaml", "megatron.yaml"))


def test_reinforcement_learning() -> None:
    run = only(config(GRPO))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (64, 32)
    assert plain(run.adapter.target_modules) == "all-linear"
    assert (plain(run.model.name), run.training.method) == ("Qwen/Qwen2.5-3B-Instruct", "rl")
    assert (plain(run.training.learning_rate), plain(run.training.epochs)) == (3e-6, 15)
    assert plain(run.dataset.size) == 2000
    assert run.problems == ()


def test_supervised() -> None:
    run = only(config(SFT))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (32, 16)
    assert plain(run.adapter.target_modules) == ("q_proj", "v_proj")
    assert (plain(run.model.name), run.training.method) == ("google/gemma-1.1-7b-it", "supervised")
    assert plain(run.training.learning_rate) == 1e-4


def test_megatron() -> None:
    run = only(config(MEGATRON))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha), plain(run.adapter.use_dora)) == (32, 64, True)
    assert plain(run.adapter.target_modules) == ("linear_qkv", "linear_proj")
    assert plain(run.judged().adapter.target_modules) is Unknown
    assert [run.adapter.key(name) for name in ("rank", "alpha", "dropout")] == [
        "lora.rank",
        "lora.alpha",
        "lora.dropout",
    ]


def test_dotted_keys() -> None:
    text = """\
        actor_rollout_ref.model.path: Qwen/Qwen2.5-3B-Instruct
        actor_rollout_ref.model.lora_rank: 32
        actor_rollout_ref.actor.optim.lr: 3e-5
        +actor_rollout_ref.model.note: 1
        """
    run = only(config(text))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (32, 16)
    assert (plain(run.model.name), plain(run.training.learning_rate)) == ("Qwen/Qwen2.5-3B-Instruct", 3e-5)


def test_references() -> None:
    text = "rank: 16\n" + edited(GRPO, ("lora_rank: 64", "lora_rank: ${rank}"))
    assert plain(only(config(text)).adapter.rank) == 16


def test_an_adapter_that_is_trained_on() -> None:
    run = only(config(edited(GRPO, ("lora_rank: 64", "lora_rank: 64\n    lora_adapter_path: out/adapter"))))
    assert [type(event) for event in run.events] == [Load, LoadAdapter, Train]
    assert plain(run.adapter.rank) is Unknown


@pytest.mark.parametrize(
    "text",
    [
        edited(GRPO, ("lora_rank: 64", "lora_rank: 0")),
        edited(GRPO, ("    lora_rank: 64\n", "")),
        edited(MEGATRON, ("rank: 32", "rank: 0")),
        edited(SFT, ("trainer:", "other:")),
    ],
)
def test_no_lora_run(text: str) -> None:
    assert config(text).runs == ()


def test_a_misspelt_key() -> None:
    (problem,) = only(config(edited(GRPO, ("lora_alpha", "lora_aplha")))).problems
    assert isinstance(problem, UnknownKey)
    assert (problem.key, problem.suggestions) == ("lora_aplha", ("lora_alpha",))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=8", ["rollout.log_prob_micro_batch_size_per_gpu"]),
        ("actor_rollout_ref.actor.use_dynamic_bsz=True", []),
        ("--config-path=$PWD/config", []),
        ("$@", []),
    ],
)
def test_a_command_gives_the_batch_of_each_gpu(options: str, told: list[str]) -> None:
    command = "python3 -m verl.trainer.main_ppo actor_rollout_ref.model.path=a actor_rollout_ref.model.lora_rank=8"
    found = engine.lint_text(f"{command} {options}\n".encode(), "run.sh", Settings(select=("LL904",))).findings
    assert [f"actor_rollout_ref.{each}" for each in told] == [
        match[1] for each in found if (match := re.search(r"refuses overrides without `([\w.]*)`", each.message))
    ]


def test_what_a_file_leaves_out_a_command_may_give() -> None:
    text = "data: {train_files: a}\nactor_rollout_ref:\n  model: {path: a, lora_rank: 8}\n  actor: {use_dynamic_bsz: false}\n"
    assert not engine.lint_text(text.encode(), "ppo.yaml", Settings(select=("LL904",))).findings
