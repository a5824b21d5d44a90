"""Commands that name a configuration file and override settings of it: read from both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint.linting import engine
from lora_lint.run.values import Known, Unknown, known
from lora_lint.settings import Settings
from tests.support.reading import only, plain, shell

if TYPE_CHECKING:
    from pathlib import Path

AXOLOTL = """\
base_model: meta-llama/Llama-3.1-8B
adapter: lora
lora_r: 32
lora_alpha: 16
lora_target_linear: true
sequence_len: 2048
micro_batch_size: 2
learning_rate: 0.0002
datasets:
  - path: data/train.jsonl
    type: alpaca
"""
FACTORY = """\
model_name_or_path: Qwen/Qwen2.5-7B-Instruct
stage: sft
do_train: true
finetuning_type: lora
lora_rank: 8
lora_alpha: 16
dataset: mine
"""
TORCHTUNE = """\
model:
  _component_: torchtune.models.llama3.lora_llama3_8b
  lora_attn_modules: [q_proj, v_proj]
  lora_rank: 8
  lora_alpha: 16
optimizer:
  _component_: torch.optim.AdamW
  lr: 3e-4
"""
TRL = """\
model_name_or_path: Qwen/Qwen2.5-0.5B
use_peft: true
lora_r: 32
lora_alpha: 16
learning_rate: 2.0e-4
"""
MLX = """\
model: mlx-community/Qwen2.5-7B-Instruct-4bit
fine_tune_type: lora
data: data
learning_rate: 1e-5
lora_parameters:
  rank: 8
  scale: 20.0
  dropout: 0.0
"""
SWIFT = """\
model: Qwen/Qwen2.5-7B-Instruct
tuner_type: lora
lora_rank: 8
lora_alpha: 32
dataset: [mine]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a config of each framework in conf/ and scripts/ beside it."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "scripts").mkdir()
    (tmp_path / "recipes/configs/llama3").mkdir(parents=True)
    texts = {"axolotl": AXOLOTL, "factory": FACTORY, "tune": TORCHTUNE, "trl": TRL, "mlx": MLX, "swift": SWIFT}
    for name, text in texts.items():
        (tmp_path / f"conf/{name}.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "recipes/configs/llama3/8B_lora.yaml").write_text(TORCHTUNE, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("command", "dialect", "rank", "alpha", "rate"),
    [
        ("axolotl train conf/axolotl.yaml --lora-r 8 --learning-rate 1e-4", "axolotl", 8, 16, 1e-4),
        ("axolotl train conf/axolotl.yaml --lora-alpha 64 --launcher torchrun -- --lora-r 2", "axolotl", 32, 64, 2e-4),
        ("accelerate launch -m axolotl.cli.train conf/axolotl.yaml --lora_r=8", "axolotl", 8, 16, 2e-4),
        ("FORCE_TORCHRUN=1 llamafactory-cli train conf/factory.yaml lora_rank=16", "llamafactory", 16, 16, 5e-5),
        ("torchrun src/train.py conf/factory.yaml learning_rate=1e-3", "llamafactory", 8, 16, 1e-3),
        (
            "tune run --nproc_per_node 2 lora_finetune_distributed --config conf/tune.yaml model.lora_rank=64",
            "torchtune",
            64,
            16,
            3e-4,
        ),
        ("tune run lora_finetune_single_device --config llama3/8B_lora optimizer.lr=1e-3", "torchtune", 8, 16, 1e-3),
        ("uv run trl sft --config conf/trl.yaml --lora_r 8", "trl", 8, 16, 2e-4),
        ("trl sft --config=conf/trl.yaml --learning_rate 1e-3", "trl", 32, 16, 1e-3),
        ("swift sft conf/swift.yaml --lora_rank 16 --learning_rate 1e-4", "ms_swift", 16, 32, 1e-4),
    ],
)
def test_the_file_and_the_command_are_read_together(
    project: Path, command: str, dialect: str, rank: int, alpha: int, rate: float
) -> None:
    run = only(shell(command, project))
    assert run.dialect == dialect
    assert (plain(run.adapter.rank), plain(run.adapter.alpha), plain(run.training.learning_rate)) == (rank, alpha, rate)


def test_a_framework_that_gives_the_scale_itself(project: Path) -> None:
    run = only(shell("mlx_lm.lora --config conf/mlx.yaml --learning-rate 1e-4", project))
    assert (plain(run.adapter.rank), plain(run.adapter.scale), plain(run.training.learning_rate)) == (8, 20.0, 1e-4)


def test_values_of_the_file_point_there(project: Path) -> None:
    text = "axolotl train ../conf/axolotl.yaml --lora-r 8\n"
    run = only(shell(text, project, "scripts/run.sh"))
    rank, alpha = run.adapter.rank, run.adapter.alpha
    assert isinstance(rank, Known) and isinstance(alpha, Known)
    assert rank.span is not None and text[rank.span.start : rank.span.end] == "8"
    assert alpha.written is not None and alpha.written.path.endswith("conf/axolotl.yaml")
    assert AXOLOTL[alpha.written.start : alpha.written.end] == "16"


@pytest.mark.parametrize(
    "command",
    [
        "axolotl train conf/axolotl.yaml",
        "axolotl train conf/axolotl.yaml --launcher torchrun",
        "axolotl train conf/missing.yaml --lora-r 8",
        'axolotl train "$CONFIG" --lora-r 8',
        "axolotl preprocess conf/axolotl.yaml --lora-r 8",
        "llamafactory-cli train conf/factory.yaml",
        "llamafactory-cli train conf/factory.yaml output_dir=out",
        "llamafactory-cli train conf/factory.yaml finetuning_type=full learning_rate=1e-4",
        "tune run lora_finetune_single_device --config conf/tune.yaml",
        "tune run lora_finetune_single_device --config llama9/missing model.lora_rank=8",
        "trl sft --config conf/trl.yaml",
    ],
)
def test_commands_without_a_run_of_their_own(project: Path, command: str) -> None:
    assert shell(command, project).runs == ()


def test_what_the_file_alone_decides_is_judged_there(project: Path) -> None:
    run = only(shell("axolotl train conf/axolotl.yaml --learning-rate 1e-4", project))
    assert known(run.adapter.target_modules) == "all-linear"
    judged = run.judged()
    assert isinstance(judged.adapter.target_modules, Unknown) and isinstance(judged.adapter.use_rslora, Unknown)
    assert known(judged.adapter.rank) == 32


def test_a_component_and_a_switch(project: Path) -> None:
    builder = "torchtune.models.llama3.qlora_llama3_8b"
    command = f"tune run lora_finetune_single_device --config conf/tune.yaml model={builder} model.lora_rank=4"
    assert known(only(shell(command, project)).model.quantization) == "4bit"
    run = only(shell("axolotl train conf/axolotl.yaml --no-lora-target-linear --lora-r 4", project))
    assert isinstance(run.adapter.target_modules, Unknown)


def found(folder: Path, text: str) -> list[str]:
    (folder / "run.sh").write_text(text, encoding="utf-8")
    return [each.code for each in engine.lint([str(folder / "run.sh")], Settings(), jobs=1).findings]


def test_a_loop_over_ranks_with_the_alpha_of_the_file(project: Path) -> None:
    loop = "for r in 8 16 64; do\n  llamafactory-cli train conf/factory.yaml lora_rank=$r ALPHA\ndone\n"
    assert "LL101" in found(project, loop.replace("ALPHA", ""))
    assert "LL101" not in found(project, loop.replace("ALPHA", "lora_alpha=$((2 * r))"))


def test_a_key_that_is_not_known(project: Path) -> None:
    command = "tune run lora_finetune_single_device --config conf/tune.yaml model.lora_rnk=4 optimizer.lr=1e-4\n"
    assert found(project, command) == ["LL901"]
    # That of the file is found in the file.
    (project / "conf/tune.yaml").write_text(TORCHTUNE.replace("lora_rank", "lora_rnk"), encoding="utf-8")
    command = "tune run lora_finetune_single_device --config conf/tune.yaml optimizer.lr=1e-4\n"
    assert found(project, command) == []


@pytest.mark.parametrize("option", ["--config sft.yaml", "--config=sft.yaml", "-c sft.yaml", "-c=sft.yaml"])
def test_ways_to_name_the_file(option: str, tmp_path: Path) -> None:
    (tmp_path / "sft.yaml").write_text("model_name_or_path: m\nuse_peft: true\nlora_r: 16\n", encoding="utf-8")
    run = only(shell(f"trl sft --lora_alpha 64 {option} --lora_dropout 0.2", tmp_path))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha), plain(run.adapter.dropout)) == (16, 64, 0.2)


def test_an_option_without_its_file() -> None:
    assert (
        plain(only(shell("trl sft --model_name_or_path m --use_peft --lora_r 8 --lora_alpha 4 -c")).adapter.rank) == 8
    )
    assert shell("trl sft --model_name_or_path m --use_peft --lora_r 8 --config").runs == ()
