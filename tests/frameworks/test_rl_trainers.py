"""EasyR1, SkyRL, AReaL, ROLL and prime-rl."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint.linting import engine
from lora_lint.run.values import Known, Unknown
from lora_lint.settings import Settings
from tests.support.reading import config, edited, only, plain, realistic, shell

if TYPE_CHECKING:
    from pathlib import Path

EASYR1, SKYRL, AREAL, ROLL = (
    realistic(*name.split("/"))
    for name in ("easyr1/grpo.yaml", "skyrl/gsm8k.yaml", "areal/gsm8k.yaml", "roll/rlvr.yaml")
)
RL, SFT = realistic("prime_rl", "rl.toml"), realistic("prime_rl", "sft.toml")
NAMES = {EASYR1: "a.yaml", SKYRL: "a.yaml", AREAL: "a.yaml", ROLL: "a.yaml", RL: "a.toml", SFT: "a.toml"}
COMMAND = """\
LORA_RANK=32
uv run --isolated --extra megatron --env-file .env -m skyrl.train.entrypoints.main_base \\
  trainer.policy.model.path="Qwen/Qwen3-0.6B" \\
  trainer.policy.model.lora.rank=$LORA_RANK \\
  trainer.policy.model.lora.alpha=32 \\
  trainer.policy.model.lora.target_modules="['q_proj','v_proj']" \\
  trainer.policy.optimizer_config.lr=3.0e-5
"""
ALL = "all-linear"
OWN = Unknown
QAT = "      fake_int4_qat: {enabled: true}\n"


def codes(text: str, name: str = "a.yaml") -> list[str]:
    return [finding.code for finding in engine.lint_text(text.encode(), name, Settings()).findings]


@pytest.mark.parametrize(
    ("text", "rank", "alpha", "targets", "rate", "model", "method"),
    [
        (EASYR1, 64, 64, ("q_proj", "k_proj", "v_proj", "o_proj"), 1e-5, "Qwen/Qwen2.5-VL-7B-Instruct", "rl"),
        (SKYRL, 32, 32, ALL, 3e-5, "Qwen/Qwen2.5-1.5B-Instruct", "rl"),
        (AREAL, 16, 16, ALL, 1e-4, "Qwen/Qwen2.5-1.5B-Instruct", "rl"),
        (ROLL, 32, 32, ("o_proj", "q_proj", "k_proj", "v_proj"), 2e-5, "Qwen/Qwen2.5-7B", "rl"),
        (RL, 32, 64, OWN, 1e-5, "Qwen/Qwen3-4B-Instruct-2507", "rl"),
        (SFT, 16, 32, OWN, 1e-4, "Qwen/Qwen3-4B", "supervised"),
    ],
)
def test_settings(text: str, rank: int, alpha: float, targets: object, rate: float, model: str, method: str) -> None:
    run = only(config(text, NAMES[text]))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (rank, alpha)
    assert plain(run.judged().adapter.target_modules) == targets
    assert (plain(run.training.learning_rate), plain(run.model.name), run.training.method) == (rate, model, method)


@pytest.mark.parametrize(
    ("further", "targets", "dropout"),
    [
        ('"$@"', Known(ALL, None, "cli-default"), Known(0.0, None, "cli-default")),
        ("$EXTRA", OWN, OWN),
        ('$EXTRA "$@"', OWN, OWN),
    ],
)
def test_further_arguments(further: str, targets: object, dropout: object) -> None:
    """Callers of a script seldom give it targets; a variable with arguments may hold anything."""
    text = edited(COMMAND, ("  trainer.policy.model.lora.target_modules=\"['q_proj','v_proj']\" \\\n", ""))
    adapter = only(shell(text.rstrip("\n") + f" {further}\n")).adapter
    for value, expected in ((adapter.target_modules, targets), (adapter.dropout, dropout)):
        assert (plain(value) is Unknown) if expected is Unknown else value == expected
    assert plain(adapter.rank) == 32


@pytest.mark.parametrize(("text", "name"), NAMES.items())
def test_healthy_files_lint_clean(text: str, name: str) -> None:
    assert codes(text, name) == []


@pytest.mark.parametrize(
    ("text", "change"),
    [
        (EASYR1, ("rank: 64", "rank: 0")),
        (SKYRL, ("rank: 32", "rank: 0")),
        (AREAL, ("use_lora: true", "use_lora: false")),
        (ROLL, ("lora_target: ${lora_target}", "lora_target: null")),
        (SFT, ("[model.lora]", "[model.ac]")),
    ],
)
def test_no_lora_run(text: str, change: tuple[str, str]) -> None:
    assert config(edited(text, change), NAMES[text]).runs == ()


@pytest.mark.parametrize(
    ("text", "lines", "rank", "alpha"),
    [
        (EASYR1, "        alpha: 64\n", 64, 64),
        (SKYRL, "        alpha: 32\n", 32, 16),
        (AREAL, "  lora_rank: 16\n  lora_alpha: 16\n", 32, 16),
        (ROLL, "    lora_rank: 32\n    lora_alpha: 32\n", 8, 16),
        (SFT, "rank = 16\nalpha = 32\n", 16, 32),
    ],
)
def test_defaults(text: str, lines: str, rank: int, alpha: float) -> None:
    adapter = only(config(edited(text, (lines, "")), NAMES[text])).adapter
    assert (plain(adapter.rank), adapter.alpha) == (rank, Known(alpha, None, "framework-default"))


@pytest.mark.parametrize(
    ("text", "change", "found"),
    [
        (EASYR1, ("alpha: 64", "alpha: 1"), "LL104"),
        (EASYR1, ("o_proj", "out_proj"), "LL202"),
        (SKYRL, ("alpha: 32", "alpha: 0"), "LL105"),
        (SKYRL, ("alpha: 32", "alpha: 32\n        target_modules: [q_proj, v_porj]"), "LL202"),
        (SKYRL, ("backend: vllm", "backend: sglang"), "LL904"),
        (SKYRL, ("backend: vllm", "weight_sync_backend: delta"), "LL904"),
        (SKYRL, ("backend: vllm", "offload_kv_for_weight_sync: true"), "LL904"),
        (SKYRL, ("backend: vllm", "offload_kv_for_weight_sync: false"), ""),
        (SKYRL, ("alpha: 32", "alpha: 32\n      fake_int4_qat: {enabled: true}"), "LL904"),
        (SKYRL, ("alpha: 32", "alpha: 32\n      fake_int4_qat: {enabled: false}"), ""),
        (
            edited(SKYRL, ("strategy: fsdp", "strategy: megatron")),
            ("    model:\n", f"    megatron_config: {{lora_config: {{merge_lora: true}}}}\n    model:\n{QAT}"),
            "LL904",
        ),
        (AREAL, ("lora_alpha: 16", "lora_alpha: 256"), "LL104"),
        (AREAL, ("[all-linear]", "[q_proj, v_porj]"), "LL202"),
        (AREAL, ("peft_type: lora", "peft_type: dora"), "LL904"),
        (AREAL, ("fsdp:d4", "megatron:d4"), ""),
        (
            edited(AREAL, ("fsdp:d4", "megatron:d4")),
            ("path: Qwen", "megatron: {bridge_type: mbridge}\n  path: Qwen"),
            "LL904",
        ),
        (ROLL, ("lora_alpha: 32", "lora_alpha: 1"), "LL104"),
        (ROLL, ("lora_alpha: 32", "lora_alpha: 0"), ""),
        (ROLL, ("o_proj,q_proj", "o_proj,query"), "LL202"),
        (RL, ("alpha = 64", "alpha = 1"), "LL104"),
        (RL, ("[inference]", "[orchestrator.model.lora]\nrank = 8"), "LL904"),
        (RL, ("[inference]", "[orchestrator.model.lora]\nrank = 32"), ""),
        (RL, ("[inference]", "[weight_broadcast]\ntype = 'nccl'"), "LL904"),
        (RL, ("[inference]", "[weight_broadcast]\ntype = 'filesystem'"), ""),
        (RL, ("[inference]", "[orchestrator.model.lora]\nalpha = 16"), "LL904"),
        (RL, ("[inference]", "[orchestrator.model.lora]\nalpha = 64"), ""),
        (RL, ("[inference]", "[trainer.weight_broadcast]\ntype = 'nccl'"), "LL904"),
        (RL, ("[inference]", "[trainer.weight_broadcast]\ntype = 'filesystem'"), ""),
        (SFT, ("[optim]", "[model.vlm]\nfreeze_vision_encoder = true\n[optim]"), ""),
        (SFT, ("[optim]", "[model.vlm]\nfreeze_vision_encoder = false\n[optim]"), "LL904"),
        (SFT, ("lr = 1e-4", "lr = 1e-6"), "LL501"),
    ],
)
def test_a_broken_file(text: str, change: tuple[str, str], found: str) -> None:
    name = "a.toml" if "[model]" in text else "a.yaml"
    assert codes(edited(text, change), name) == found.split()


def test_messages_have_their_own_names() -> None:
    (finding,) = engine.lint_text(edited(EASYR1, ("alpha: 64", "alpha: 1")).encode(), "a.yaml", Settings()).findings
    assert finding.message.startswith("`worker.actor.model.lora.alpha=1` with `worker.actor.model.lora.rank=64`")


def test_a_command_of_skyrl() -> None:
    run = only(shell(COMMAND))
    assert (run.dialect, plain(run.adapter.rank), plain(run.adapter.target_modules)) == (
        "skyrl",
        32,
        ("q_proj", "v_proj"),
    )
    assert (plain(run.model.name), plain(run.training.learning_rate)) == ("Qwen/Qwen3-0.6B", 3e-5)
    assert codes(edited(COMMAND, ("alpha=32", "alpha=1")), "a.sh") == ["LL104"]


def test_megatron_has_names_of_its_own() -> None:
    run = only(
        shell(edited(COMMAND, ("trainer.policy.model.path", "trainer.strategy=megatron trainer.policy.model.path")))
    )
    assert plain(run.adapter.target_modules) == ("q_proj", "v_proj")
    assert plain(run.judged().adapter.target_modules) is Unknown


def test_a_command_of_easyr1_changes_its_file(tmp_path: Path) -> None:
    (tmp_path / "grpo.yaml").write_text(EASYR1, encoding="utf-8")
    words = "python3 -m verl.trainer.main config=grpo.yaml worker.actor.model.lora.rank=16 trainer.n_gpus_per_node=1"
    run = only(shell(words, tmp_path))
    assert (run.dialect, plain(run.adapter.rank), plain(run.adapter.alpha)) == ("easyr1", 16, 64)


def test_a_command_whose_file_the_project_does_not_have() -> None:
    words = (
        "python3 -m verl.trainer.main config=examples/config.yaml "
        "worker.actor.model.model_path=Qwen/Qwen2.5-7B-Instruct worker.actor.model.lora.rank=64"
    )
    run = only(shell(words))
    assert (plain(run.adapter.rank), plain(run.model.name)) == (64, "Qwen/Qwen2.5-7B-Instruct")
    assert (plain(run.adapter.alpha), plain(run.adapter.target_modules)) == (Unknown, Unknown)
    assert shell("python3 -m verl.trainer.main config=examples/config.yaml").runs == ()


def test_a_command_of_verl_is_still_its_own() -> None:
    words = "python3 -m verl.trainer.main_ppo actor_rollout_ref.model.path=a/b actor_rollout_ref.model.lora_rank=8"
    assert only(shell(words)).dialect == "verl"


def test_slime_trains_no_adapter() -> None:
    """`--q-lora-rank` is the rank of a part of the model's attention."""
    assert shell("python3 train.py --hf-checkpoint a/b --q-lora-rank 1536 --kv-lora-rank 512 --lr 1e-6").runs == ()
