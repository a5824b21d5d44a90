"""Programs that start a training program of the project in a loop over ranks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lora_lint.libraries.marks import starts_programs
from lora_lint.linting import engine
from lora_lint.run.values import ABSENT, Known
from lora_lint.settings import Settings
from tests.support.reading import plain, read_python

if TYPE_CHECKING:
    from pathlib import Path

TRAIN = """\
import argparse
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

parser = argparse.ArgumentParser()
parser.add_argument("--lora_r", type=int, default=8)
parser.add_argument("--lora_alpha", type=int, default=16)
parser.add_argument("--use_rslora", action="store_true")
args = parser.parse_args()
model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")
config = LoraConfig(
    r=args.lora_r, lora_alpha=args.lora_alpha, use_rslora=args.use_rslora, target_modules=["c_attn"]
)
Trainer(model=get_peft_model(model, config), args=TrainingArguments("out")).train()
"""
FIXED, TIED, RSLORA = (
    [(8, 16, False), (32, 16, False)],
    [(8, 16, False), (32, 64, False)],
    [(8, 16, True), (32, 16, True)],
)
LAUNCHERS = {
    "a list": (
        'import subprocess\nfor r in [8, 32]:\n    subprocess.run(["python", "train.py", "--lora_r", str(r)], check=True)',
        FIXED,
    ),
    "this Python, word by word": (
        'import subprocess, sys\nfor r in (8, 32):\n    cmd = [sys.executable, "-u", "train.py"]\n'
        '    cmd += [f"--lora_r={r}"]\n    cmd.append("--seed")\n    cmd.append(seed)\n    subprocess.Popen(cmd).wait()',
        FIXED,
    ),
    "a text": (
        'import os\nfor r in [8, 32]:\n    os.system(f"accelerate launch --num_processes 2 train.py --lora_r {r}")',
        FIXED,
    ),
    "a text that is split": (
        'import shlex, subprocess\nfor r in [8, 32]:\n'
        '    subprocess.call(shlex.split(f"CUDA_VISIBLE_DEVICES=0 python train.py --lora_r={r}"))',
        FIXED,
    ),
    "a helper under a product": (
        'import itertools, subprocess\ndef launch(r, lr):\n'
        '    subprocess.run(f"python train.py --lora_r {r} --lr {lr}", shell=True)\n'
        'for r, lr in itertools.product([8, 32], [1e-4]):\n    launch(r, lr)',
        FIXED,
    ),
    "a grid of dicts": (
        'import subprocess\nGRID = [{"lora_r": 8}, {"lora_r": 32}]\nfor point in GRID:\n    cmd = ["python", "train.py"]\n'
        '    for key, value in point.items():\n        cmd += [f"--{key}", str(value)]\n    subprocess.run(cmd)',
        FIXED,
    ),
    "alpha tied to the rank": (
        'import subprocess\nfor r in [8, 32]:\n'
        '    subprocess.run(["python", "train.py", "--lora_r", str(r), "--lora_alpha", str(2 * r)])',
        TIED,
    ),
    "rsLoRA": (
        'import os\nfor r in [8, 32]:\n    os.system(f"python train.py --lora_r {r} --use_rslora")',
        RSLORA,
    ),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text(TRAIN, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(("program", "points"), LAUNCHERS.values(), ids=LAUNCHERS)
def test_launchers(program: str, points: list[tuple[int, int, bool]], folder: Path) -> None:
    (sweep,) = read_python(program, folder, "sweep.py").sweeps
    adapters = [run.adapter for run in sweep.runs]
    assert [(plain(a.rank), plain(a.alpha), plain(a.use_rslora)) for a in adapters] == points
    assert sweep.kind.phrase == "loop"
    assert all(run.span.path.endswith("sweep.py") for run in sweep.runs)


@pytest.mark.parametrize(
    "program",
    [
        'import subprocess\nsubprocess.run(["python", "train.py", "--lora_r", "8"])',
        'import subprocess\nfor lr in [1, 2]:\n    subprocess.run(["python", "train.py", "--seed", str(lr)])  # lora',
        'import subprocess\nfor r in ranks:\n    subprocess.run(["python", "train.py", "--lora_r", str(r)])',
        'import os\nfor r in [8, 32]:\n    os.system(f"python missing.py --seed {r}")  # lora',
        'import os\nfor r in [8, 32]:\n    os.system("echo \'lora")',
        'import os\nos.system(8)  # lora',
    ],
    ids=["one", "another setting", "unknown ranks", "another program", "no command line", "no text"],
)  # fmt: skip
def test_no_sweep(program: str, folder: Path) -> None:
    assert read_python(program, folder, "sweep.py").sweeps == ()


def test_a_long_function_of_another_file_makes_the_command(folder: Path) -> None:
    settings = "".join(f'    command += ["--seed", "{seed}"]\n' for seed in range(12))
    helper = f"def command_of(r):\n    command = ['python', 'train.py']\n{settings}    return command + ['--lora_r', str(r)]\n"
    (folder / "commands.py").write_text(helper, encoding="utf-8")
    program = "import subprocess\nfrom commands import command_of\nfor r in [8, 16]:\n    subprocess.run(command_of(r))"
    (sweep,) = read_python(program + "  # lora", folder, "sweep.py").sweeps
    assert [plain(run.adapter.rank) for run in sweep.runs] == [8, 16]


@pytest.mark.parametrize(
    ("program", "starts"),
    [
        ("import os, subprocess as sp\nsp.run('lora')", True),
        ("os.system('lora')", True),
        ("parser.add_argument('--workers', help='Number of subprocesses to use with lora')", False),
        ("subprocess.run(['ls'])", False),
    ],
)
def test_programs_that_may_start_others(program: str, starts: bool) -> None:
    assert starts_programs(program.encode()) is starts


def test_a_program_that_starts_itself_ends(folder: Path) -> None:
    program = (
        TRAIN + 'import subprocess\nfor r in [8, 16]:\n    subprocess.run(["python", "train.py", "--lora_r", str(r)])'
    )
    (folder / "train.py").write_text(program, encoding="utf-8")
    (sweep,) = read_python(program, folder).sweeps
    assert len(sweep.runs) == 2


def test_the_program_may_tie_alpha_to_the_rank(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    program = LAUNCHERS["a list"][0]
    (folder / "sweep.py").write_text(program, encoding="utf-8")
    codes = lambda: {finding.code for finding in engine.lint(["."], Settings(), jobs=1).findings}  # noqa: E731
    assert "LL101" in codes()
    (folder / "train.py").write_text(TRAIN.replace("lora_alpha=args.lora_alpha", "lora_alpha=2 * args.lora_r"))
    assert "LL101" not in codes()


def test_a_value_is_shown_at_its_option(folder: Path) -> None:
    program = LAUNCHERS["a text"][0]
    (sweep,) = read_python(program, folder, "sweep.py").sweeps
    rank = sweep.runs[1].adapter.rank
    assert rank != ABSENT
    assert isinstance(rank, Known)
    assert rank.span is not None
    assert program.encode()[rank.span.start : rank.span.end].decode() == "{r}"


class TestDeepSpeedStatesOtherwise:
    """transformers 5.23.0, integrations/deepspeed.py (trainer_config_process): the config and the arguments agree, or
    the config says "auto"."""

    PROGRAM = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

model = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), LoraConfig(r=8, lora_alpha=16))
args = TrainingArguments("out", deepspeed="ds.json", per_device_train_batch_size=8, learning_rate=2e-4, bf16=True)
Trainer(model=model, args=args, train_dataset=data).train()
"""

    @pytest.mark.parametrize(
        ("config", "says"),
        [
            ({}, ""),
            ({"train_micro_batch_size_per_gpu": "auto", "bf16": {"enabled": "auto"}}, ""),
            ({"train_micro_batch_size_per_gpu": 8, "bf16": {"enabled": True}}, ""),
            ({"train_micro_batch_size_per_gpu": 4}, "`per_device_train_batch_size` is 8 here and 4 there"),
            ({"gradient_accumulation_steps": 2}, "`gradient_accumulation_steps` is 1 here and 2 there"),
            (
                {"optimizer": {"type": "AdamW", "params": {"lr": 1e-5}}},
                "`learning_rate` is 0.0002 here and 1e-05 there",
            ),
            ({"bf16": {"enabled": False}}, "`bf16` is True here and False there"),
        ],
    )
    def test_it(self, tmp_path: Path, config: dict[str, object], says: str) -> None:
        (tmp_path / "ds.json").write_text(json.dumps({"zero_optimization": {"stage": 2}, **config}))
        (tmp_path / "train.py").write_text(self.PROGRAM)
        settings = Settings(root=str(tmp_path), select=frozenset({"LL904"}))
        found = [each.message for each in engine.lint([str(tmp_path / "train.py")], settings, jobs=1).findings]
        assert len(found) == bool(says) and all(says in message for message in found)


@pytest.mark.parametrize(
    ("command", "reported"),
    [
        ("CUDA_VISIBLE_DEVICES=0,1 torchrun --nproc_per_node=4 train.py", True),
        ("CUDA_VISIBLE_DEVICES=0,1,2,3 torchrun --nproc_per_node=4 train.py", False),
        ("torchrun --nproc_per_node=4 train.py", False),
        ("CUDA_VISIBLE_DEVICES=$GPUS torchrun --nproc_per_node=4 train.py", False),
        ("export CUDA_VISIBLE_DEVICES=0,1\naccelerate launch --config_file eight.yaml train.py", True),
        ("CUDA_VISIBLE_DEVICES=0,1 accelerate launch --num_processes 4 --num_machines 2 train.py", False),
        ("CUDA_VISIBLE_DEVICES=0,1 deepspeed --num_gpus 4 train.py", False),
    ],
)
def test_more_processes_than_gpus(tmp_path: Path, command: str, reported: bool) -> None:
    (tmp_path / "run.sh").write_text(f"{command}\n")
    (tmp_path / "eight.yaml").write_text("distributed_type: MULTI_GPU\nnum_machines: 1\nnum_processes: 8\n")
    program = TestDeepSpeedStatesOtherwise.PROGRAM.replace('deepspeed="ds.json", ', "")
    (tmp_path / "train.py").write_text(program)
    settings = Settings(root=str(tmp_path), select=frozenset({"LL904"}))
    found = [each.message for each in engine.lint([str(tmp_path / "train.py")], settings, jobs=1).findings]
    assert [("processes are started" in message) for message in found] == [True] * reported


TWO_ON_TWO = "CUDA_VISIBLE_DEVICES=0,1 torchrun --nproc_per_node=2 train.py"
THREE_ON_THREE = "CUDA_VISIBLE_DEVICES=0,1,3 torchrun --nproc_per_node=3 train.py"


@pytest.mark.parametrize(
    ("commands", "reported"),
    [
        ((TWO_ON_TWO, THREE_ON_THREE), False),
        ((THREE_ON_THREE, TWO_ON_TWO), False),
        ((TWO_ON_TWO, "torchrun --nproc_per_node=8 train.py"), False),
        ((TWO_ON_TWO, "CUDA_VISIBLE_DEVICES=0 python train.py", THREE_ON_THREE), False),
        ((THREE_ON_THREE, "CUDA_VISIBLE_DEVICES=0,1 torchrun --nproc_per_node=4 train.py"), True),
    ],
)
def test_processes_and_gpus_are_those_of_one_command(tmp_path: Path, commands: tuple[str, ...], reported: bool) -> None:
    for number, command in enumerate(commands):
        (tmp_path / f"{number}.sh").write_text(f"{command}\n")
    (tmp_path / "train.py").write_text(TestDeepSpeedStatesOtherwise.PROGRAM.replace('deepspeed="ds.json", ', ""))
    settings = Settings(root=str(tmp_path), select=frozenset({"LL904"}))
    found = [each.message for each in engine.lint([str(tmp_path / "train.py")], settings, jobs=1).findings]
    assert [("processes are started" in message) for message in found] == [True] * reported


@pytest.mark.parametrize(("second", "reported"), [("bf16", False), ("fp16", True)])
def test_several_configs_of_the_launcher_state_different_things(tmp_path: Path, second: str, reported: bool) -> None:
    for number, kind in enumerate(("fp16", second)):
        stated = {"zero_optimization": {"stage": 2}, kind: {"enabled": True}}
        (tmp_path / f"{kind}.json").write_text(json.dumps(stated))
        config = (
            f"distributed_type: DEEPSPEED\nnum_processes: 4\ndeepspeed_config:\n  deepspeed_config_file: {kind}.json\n"
        )
        (tmp_path / f"{number}.yaml").write_text(config)
        (tmp_path / f"{number}.sh").write_text(f"accelerate launch --config_file {number}.yaml train.py\n")
    program = TestDeepSpeedStatesOtherwise.PROGRAM.replace('deepspeed="ds.json", ', "").replace(
        "bf16=True", "fp16=False"
    )
    (tmp_path / "train.py").write_text(program)
    settings = Settings(root=str(tmp_path), select=frozenset({"LL904"}))
    found = [each.message for each in engine.lint([str(tmp_path / "train.py")], settings, jobs=1).findings]
    assert [("in the DeepSpeed config" in message) for message in found] == [True] * reported


class TestLayersThatFsdpWraps:
    """accelerate 1.15.0, utils/dataclasses.py (set_auto_wrap_policy): each class has to be in the model."""

    PROGRAM = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

model = get_peft_model(AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-7B"), LoraConfig(r=8, lora_alpha=16))
args = TrainingArguments("out"{})
Trainer(model=model, args=args, train_dataset=data).train()
"""

    def of(self, tmp_path: Path, settings: str = "") -> list[str]:
        (tmp_path / "train.py").write_text(self.PROGRAM.format(settings))
        chosen = Settings(root=str(tmp_path), select=frozenset({"LL904"}))
        return [each.message for each in engine.lint([str(tmp_path / "train.py")], chosen, jobs=1).findings]

    @pytest.mark.parametrize(("layer", "reported"), [("LlamaDecoderLayer", True), ("Qwen2DecoderLayer", False)])
    def test_in_the_arguments(self, tmp_path: Path, layer: str, reported: bool) -> None:
        given = f", fsdp='full_shard auto_wrap', fsdp_config={{'transformer_layer_cls_to_wrap': ['{layer}']}}"
        assert [layer in message for message in self.of(tmp_path, given)] == [True] * reported

    @pytest.mark.parametrize(
        ("layer", "policy", "reported"),
        [
            ("MistralDecoderLayer", "TRANSFORMER_BASED_WRAP", True),
            ("Qwen2DecoderLayer", "TRANSFORMER_BASED_WRAP", False),
            ("OwnBlock", "TRANSFORMER_BASED_WRAP", False),
            ("MistralDecoderLayer", "SIZE_BASED_WRAP", False),
        ],
    )
    def test_in_the_config_of_the_launcher(self, tmp_path: Path, layer: str, policy: str, reported: bool) -> None:
        (tmp_path / "fsdp.yaml").write_text(
            "compute_environment: LOCAL_MACHINE\ndistributed_type: FSDP\nnum_processes: 4\nfsdp_config:\n"
            f"  fsdp_auto_wrap_policy: {policy}\n  fsdp_transformer_layer_cls_to_wrap: {layer}\n"
        )
        (tmp_path / "run.sh").write_text("accelerate launch --config_file fsdp.yaml train.py\n")
        assert [layer in message for message in self.of(tmp_path)] == [True] * reported

    @pytest.mark.torch
    def test_the_classes_are_those_of_transformers(self) -> None:
        from importlib import import_module

        from lora_lint.knowledge import layouts

        for kind, layer in layouts.LAYERS.items():
            assert hasattr(import_module(f"transformers.models.{kind}.modeling_{kind}"), layer), kind
