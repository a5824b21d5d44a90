"""NeMo AutoModel's recipes, the files of NeMo RL, and Megatron-Bridge's LoRA in programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint.linting import engine
from lora_lint.run.values import Known, Unknown
from lora_lint.settings import Settings
from tests.support.reading import config, edited, only, plain, read_python, realistic, shell

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = realistic("nemo_automodel", "llama.yaml")
GRPO, SFT = realistic("nemo_rl", "grpo.yaml"), realistic("nemo_rl", "sft.yaml")


def codes(text: str) -> list[str]:
    return [finding.code for finding in engine.lint_text(text.encode(), "a.yaml", Settings()).findings]


@pytest.mark.parametrize("text", [RECIPE, GRPO, SFT])
def test_healthy_files_lint_clean(text: str) -> None:
    assert codes(text) == []


def test_recipe() -> None:
    run = only(config(RECIPE))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha), plain(run.adapter.dropout)) == (16, 32, 0.05)
    assert (plain(run.adapter.target_modules), plain(run.model.name)) == ("*_proj", "meta-llama/Llama-3.2-1B")
    assert (plain(run.training.learning_rate), plain(run.training.optimizer)) == (1e-4, "Adam")
    assert (plain(run.training.epochs), plain(run.training.batch_size), run.training.method) == (2, 64, "supervised")
    assert plain(run.dataset.size) == 87599


def test_a_model_with_random_weights() -> None:
    nested = edited(
        RECIPE,
        ("from_pretrained\n  pretrained", "from_config\n  config:\n    pretrained"),
    )
    assert plain(only(config(nested)).model.name) == "meta-llama/Llama-3.2-1B"


def test_its_models_have_names_of_their_own() -> None:
    assert plain(only(config(RECIPE)).judged().adapter.target_modules) is Unknown


def test_defaults_of_a_recipe() -> None:
    bare = edited(RECIPE, ('  target_modules: "*_proj"\n  dim: 16\n  alpha: 32\n  dropout: 0.05\n', ""))
    adapter = only(config(bare)).adapter
    values = [adapter.rank, adapter.alpha, adapter.dropout, adapter.target_modules]
    assert values == [Known(value, None, "framework-default") for value in (8, 32, 0.0, ("*_proj",))]


def test_exclusions_alone_leave_all_other_linear_layers() -> None:
    without = edited(RECIPE, ('  target_modules: "*_proj"\n', '  exclude_modules: ["*.out_proj"]\n'))
    adapter = only(config(without)).adapter
    assert (plain(adapter.target_modules), plain(adapter.exclude_modules)) == ("*", ("*.out_proj",))


@pytest.mark.parametrize(
    ("text", "change"),
    [
        (RECIPE, ("lora.PeftConfig", "other.PeftConfig")),
        (GRPO, ("enabled: true", "enabled: false")),
        (SFT, ("    peft:\n      enabled: true", "    peft:\n      enabled: false")),
    ],
)
def test_no_lora_run(text: str, change: tuple[str, str]) -> None:
    assert config(edited(text, change)).runs == ()


def test_reinforcement_learning() -> None:
    run = only(config(GRPO))
    assert (run.dialect, run.training.method) == ("nemo_rl", "rl")
    assert (plain(run.adapter.rank), plain(run.adapter.alpha), plain(run.model.name)) == (32, 64, "Qwen/Qwen3-8B-Base")


def test_another_file_may_set_what_is_left_out() -> None:
    short = edited(GRPO, ("      alpha: 64\n", ""))
    assert plain(only(config(short)).adapter.alpha) is Unknown
    alone = edited(short, ("defaults: ../../grpo_math_1B.yaml\n", ""))
    assert only(config(alone)).adapter.alpha == Known(32, None, "framework-default")


BASE = """\
defaults: shared.yaml
policy:
  train_global_batch_size: 64
  dtensor_cfg:
    lora_cfg:
      enabled: false
      target_modules: []
      match_all_linear: true
      alpha: 16
      dropout: 0.1
  optimizer:
    name: torch.optim.AdamW
    kwargs: {lr: 2.0e-4}
"""


def with_defaults(folder: Path, text: str) -> Path:
    """A file two folders below those that its `defaults` name."""
    (folder / "grpo_math_1B.yaml").write_text(BASE, encoding="utf-8")
    (folder / "shared.yaml").write_text("grpo: {max_num_epochs: 2, max_num_steps: 1000}\n", encoding="utf-8")
    path = folder / "recipes" / "llm" / "mine.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_the_files_below_set_what_is_left_out(tmp_path: Path) -> None:
    path = with_defaults(tmp_path, edited(GRPO, ("      alpha: 64\n", "")))
    run = only(config(path.read_text(encoding="utf-8"), "recipes/llm/mine.yaml", tmp_path))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha), plain(run.adapter.dropout)) == (32, 16, 0.1)
    assert (plain(run.adapter.target_modules), plain(run.training.learning_rate)) == ("*", 2e-4)
    assert (plain(run.training.epochs), plain(run.training.max_steps)) == (2, 500)
    assert isinstance(run.adapter.alpha, Known)
    assert isinstance(run.adapter.rank, Known)
    assert (run.adapter.alpha.span, run.adapter.alpha.written is not None) == (None, True)
    assert {place.path for place in (run.span, run.adapter.span, run.training.span) if place} == {str(path)}


@pytest.mark.parametrize(
    ("text", "old", "new", "targets"),
    [
        (GRPO, "alpha: 64", "target_modules: []", ("*_proj",)),
        (GRPO, "alpha: 64", "target_modules: []\n      exclude_modules: ['*out_proj']", "*"),
        (SFT, "target_modules: [linear_qkv, linear_proj]", "target_modules: []", "*"),
    ],
)
def test_an_empty_list_of_targets(text: str, old: str, new: str, targets: object) -> None:
    assert plain(only(config(edited(text, (old, new)))).adapter.target_modules) == targets


def test_a_section_that_replaces_the_one_below(tmp_path: Path) -> None:
    path = with_defaults(tmp_path, edited(GRPO, ("      alpha: 64\n", "      _override_: true\n")))
    run = only(config(path.read_text(encoding="utf-8"), "recipes/llm/mine.yaml", tmp_path))
    assert run.adapter.alpha == Known(32, None, "framework-default")


def test_a_file_that_brings_in_itself(tmp_path: Path) -> None:
    path = with_defaults(tmp_path, edited(GRPO, ("      alpha: 64\n", "")))
    (tmp_path / "shared.yaml").write_text("defaults: grpo_math_1B.yaml\n", encoding="utf-8")
    run = only(config(path.read_text(encoding="utf-8"), "recipes/llm/mine.yaml", tmp_path))
    assert plain(run.adapter.alpha) is Unknown


def test_megatron() -> None:
    run = only(config(SFT))
    assert (plain(run.adapter.rank), plain(run.adapter.target_modules)) == (16, ("linear_qkv", "linear_proj"))
    assert (plain(run.training.learning_rate), plain(run.training.batch_size)) == (1e-4, 64)


@pytest.mark.parametrize(
    ("text", "change", "found"),
    [
        (RECIPE, ("alpha: 32", "alpha: 1"), "LL104"),
        (RECIPE, ("lr: 1.0e-4", "lr: 1.0e-5"), "LL501"),
        (RECIPE, ("dropout: 0.05", "exclude_modules: ['*lm_head']"), "LL904"),
        (RECIPE, ("dropout: 0.05", "match_all_linear: true"), "LL904"),
        (RECIPE, ("dropout: 0.05", "dropout_position: both"), "LL904"),
        (RECIPE, ("distributed:", "quantization: {load_in_4bit: true}\ndistributed:"), ""),
        (
            edited(RECIPE, ("dropout: 0.05", "use_dora: true")),
            ("distributed:", "quantization: {load_in_4bit: true}\ndistributed:"),
            "LL504 LL904",
        ),
        (RECIPE, ("distributed:", "qat: {enabled: true}\ndistributed:"), "LL904"),
        (GRPO, ("alpha: 64", "alpha: 1"), "LL104"),
        (GRPO, ("activation_checkpointing: true", "tensor_parallel_size: 4"), ""),
        (
            edited(GRPO, ("alpha: 64", "use_triton: true")),
            ("activation_checkpointing: true", "tensor_parallel_size: 4"),
            "LL904",
        ),
        (SFT, ("alpha: 32", "alpha: 0"), "LL105"),
    ],
)
def test_a_broken_file(text: str, change: tuple[str, str], found: str) -> None:
    assert codes(edited(text, change)) == found.split()


def test_messages_have_its_own_names() -> None:
    (finding,) = engine.lint_text(edited(RECIPE, ("alpha: 32", "alpha: 1")).encode(), "a.yaml", Settings()).findings
    assert finding.message.startswith("`alpha=1` with `dim=16`")


def test_a_command_changes_a_recipe(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    run = only(shell("automodel recipe.yaml --nproc-per-node 8 --peft.dim 64 --peft.alpha=64", tmp_path))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (64, 64)
    assert shell("automodel recipe.yaml", tmp_path).runs == ()


def test_a_command_of_reinforcement_learning(tmp_path: Path) -> None:
    (tmp_path / "grpo.yaml").write_text(GRPO, encoding="utf-8")
    words = "uv run examples/run_grpo.py --config grpo.yaml policy.dtensor_cfg.lora_cfg.dim=64"
    assert plain(only(shell(words, tmp_path)).adapter.rank) == 64


BRIDGE = """\
from megatron.bridge.peft.lora import LoRA
from megatron.bridge.training.config import ConfigContainer


def container():
    return ConfigContainer(peft=LoRA(target_modules=["linear_qkv", "linear_proj"], dim=16, alpha=32))


container()
"""


def lint_program(text: str) -> list[str]:
    findings = engine.lint_text(text.encode(), "train.py", Settings()).findings
    return [f"{finding.code} {finding.message.partition(' scales')[0]}" for finding in findings]


def test_megatron_bridge() -> None:
    run = only(read_python(BRIDGE))
    assert (run.dialect, plain(run.adapter.rank), plain(run.adapter.alpha)) == ("megatron_bridge", 16, 32)
    assert plain(run.adapter.target_modules) is Unknown
    assert lint_program(BRIDGE) == []
    assert lint_program(edited(BRIDGE, ("alpha=32", "alpha=1"))) == ["LL104 `alpha=1` with `dim=16`"]


def test_a_recipe_may_set_the_rest_later() -> None:
    adapter = only(read_python(edited(BRIDGE, ("dim=16, alpha=32", "dim=16")))).adapter
    assert (plain(adapter.rank), plain(adapter.alpha)) == (16, Unknown)


def test_other_classes_of_that_name() -> None:
    program = "from mine import LoRA\n\n\ndef make(model):\n    return LoRA(model, dim=16, alpha=1)\n"
    assert read_python(program).runs == ()
