"""How a program is laid out over devices: sharding, quantization, placement, and how many processes are started."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lora_lint.interpreter.shell import read_shell
from lora_lint.knowledge.layouts import quantizer_in_name, zero_in_name
from lora_lint.linting.reading import read
from lora_lint.programs.launchers import launched
from lora_lint.project import Project
from lora_lint.run.launch import Placement, Quantizer, Sharding
from lora_lint.run.values import Unknown, known
from lora_lint.source import SourceFile
from tests.support.reading import IMPORTS, config, only, plain, read_python

if TYPE_CHECKING:
    from pathlib import Path

    from lora_lint.run.launch import Launch

PROGRAM = (
    IMPORTS
    + """
from transformers import AwqConfig, BitsAndBytesConfig, GPTQConfig
import torch
model = AutoModelForCausalLM.from_pretrained("gpt2"{loading})
model = get_peft_model(model, LoraConfig(r=8))
Trainer(model, TrainingArguments("out"{arguments})).train()
"""
)


@pytest.mark.parametrize(
    ("arguments", "sharding"),
    [
        (", fsdp='full_shard', fsdp_config={'version': 1}", Sharding.FSDP1),
        (", fsdp='full_shard', fsdp_config={'fsdp_version': 2}", Sharding.FSDP2),
        (", fsdp='full_shard', fsdp_config={'use_orig_params': False}", Sharding.FSDP1),
        (", fsdp='full_shard', fsdp_config={'sync_module_states': True, 'version': 2}", Sharding.FSDP2),
        (", fsdp='full_shard'", Sharding.FSDP),
        (", fsdp=''", Unknown),
        (", deepspeed='ds_z3_config.json'", Sharding.ZERO3),
        (", deepspeed={'zero_optimization': {'stage': 3}}", Sharding.ZERO3),
        (", deepspeed={'zero_optimization': {'stage': 1}}", Sharding.ZERO),
        (", deepspeed='config.json'", Unknown),
        (", **more", Unknown),
        ("", Unknown),
    ],
)
def test_sharding(arguments: str, sharding: object) -> None:
    run = only(read_python(PROGRAM.format(loading="", arguments=arguments)))
    assert plain(run.launch.sharding) is sharding


def test_the_file_of_a_deepspeed_config_outweighs_its_name(tmp_path: Path) -> None:
    (tmp_path / "ds_z3.json").write_text('{"zero_optimization": {"stage": 2}}')
    run = only(read_python(PROGRAM.format(loading="", arguments=", deepspeed='ds_z3.json'"), tmp_path))
    assert plain(run.launch.sharding) is Sharding.ZERO
    text = "model_name_or_path: gpt2\nfinetuning_type: lora\nlora_rank: 8\ndeepspeed: ds_z3.json\n"
    assert plain(only(config(text, folder=tmp_path)).launch.sharding) is Sharding.ZERO


@pytest.mark.parametrize(
    ("loading", "quantizer", "storage", "placement"),
    [
        (", quantization_config=BitsAndBytesConfig(load_in_4bit=True)", Quantizer.BITSANDBYTES, "uint8", Unknown),
        (
            ", quantization_config=BitsAndBytesConfig(bnb_4bit_quant_storage=torch.bfloat16)",
            *(Quantizer.BITSANDBYTES, "bfloat16", Unknown),
        ),
        (", quantization_config=GPTQConfig(bits=4)", Quantizer.GPTQ, "uint8", Unknown),
        (", quantization_config=AwqConfig()", Quantizer.AWQ, "uint8", Unknown),
        (", device_map='auto'", Unknown, Unknown, Placement.SPREAD),
        (", device_map={'': 0}", Unknown, Unknown, Placement.FIXED),
        (", device_map={'': 'cuda:0'}", Unknown, Unknown, Placement.FIXED),
        (", device_map={'': local_rank}", Unknown, Unknown, Unknown),
        (", device_map='cuda'", Unknown, Unknown, Unknown),
        (", device_map={'': 'cuda'}", Unknown, Unknown, Unknown),
        (", device_map={'': 'mps'}", Unknown, Unknown, Unknown),
        (", device_map={'a': 0, 'b': 1}", Unknown, Unknown, Unknown),
    ],
)
def test_the_base(loading: str, quantizer: object, storage: object, placement: object) -> None:
    launch = only(read_python(PROGRAM.format(loading=loading, arguments=""))).launch
    assert (plain(launch.quantizer), plain(launch.storage), plain(launch.placement)) == (quantizer, storage, placement)


@pytest.mark.parametrize(
    ("command", "processes"),
    [
        ("torchrun --nproc_per_node 4 train.py", 4),
        ("torchrun --nproc-per-node=2 train.py --lora_r 8", 2),
        ("torchrun --nnodes 2 --nproc_per_node 8 -m pkg.train", 8),
        ("accelerate launch --num_processes 2 --mixed_precision bf16 train.py", 2),
        ("deepspeed --num_gpus=3 train.py", 3),
        ("python -m torch.distributed.run --nproc_per_node 2 train.py", 2),
        ("torchrun --nproc_per_node gpu train.py", None),
        ("torchrun --nproc_per_node $N train.py", None),
        ("torchrun train.py --num_processes 4", None),
        ("python train.py", None),
    ],
)
def test_processes_of_launchers(command: str, processes: int | None) -> None:
    (started,) = read_shell(SourceFile("run.sh", "shell", command.encode()))
    call = launched(started)
    assert call is not None
    assert call.processes == processes


@pytest.mark.parametrize(
    ("script", "processes"),
    [
        ("torchrun --nproc_per_node 4 train.py\n", 4),
        ("python train.py\ntorchrun --nproc_per_node 2 train.py\n", 2),
        ("torchrun --nproc_per_node 1 train.py\n", Unknown),
        ("torchrun --nproc_per_node 4 other.py\n", Unknown),
    ],
)
def test_processes_of_a_program(tmp_path: Path, script: str, processes: object) -> None:
    program = PROGRAM.format(loading=", device_map='auto'", arguments="")
    (tmp_path / "run.sh").write_text(script)
    (tmp_path / "train.py").write_text(program)
    run = only(read_python(program, tmp_path))
    assert plain(run.launch.processes) == processes


@pytest.mark.parametrize(
    ("name", "stage"),
    [
        ("ds_z3_config.json", Sharding.ZERO3),
        ("configs/zero2.json", Sharding.ZERO),
        ("deepspeed_stage_3.json", Sharding.ZERO3),
        ("zero_stage3_offload.json", Sharding.ZERO3),
        ("zero3/config.json", None),
        ("ds_config.json", None),
        ("size32.json", None),
    ],
)
def test_stages_in_names(name: str, stage: Sharding | None) -> None:
    found = zero_in_name(name)
    assert (found.sharding if found is not None else None) is stage


@pytest.mark.parametrize(
    ("name", "quantizer"),
    [
        ("Qwen/Qwen2.5-14B-Instruct-GPTQ-Int4", Quantizer.GPTQ),
        ("TheBloke/Llama-2-7B-AWQ", Quantizer.AWQ),
        ("someone/llama_hqq", Quantizer.HQQ),
        ("someone/hawqs-7b", None),
    ],
)
def test_quantizers_in_names(name: str, quantizer: Quantizer | None) -> None:
    assert quantizer_in_name(name) is quantizer


TRAIN = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, Trainer

bits = BitsAndBytesConfig(load_in_4bit=True)
model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf", quantization_config=bits, dtype="bfloat16")
Trainer(model=get_peft_model(model, LoraConfig(r=8))).train()
"""


@pytest.mark.parametrize(
    ("command", "config", "processes", "sharding"),
    [
        ("accelerate launch --config_file c.yaml train.py", "distributed_type: FSDP\nnum_processes: 4\n", 4, "FSDP1"),
        (
            "accelerate launch --config_file=c.yaml --num_processes 2 train.py",
            "distributed_type: FSDP\nfsdp_config:\n  fsdp_version: 2\nnum_processes: 4\n",
            2,
            "FSDP2",
        ),
        (
            "accelerate launch --config_file c.yaml train.py",
            "distributed_type: DEEPSPEED\ndeepspeed_config:\n  zero_stage: 3\nnum_processes: 8\n",
            8,
            "ZERO3",
        ),
        (
            "accelerate launch --config_file c.yaml train.py",
            "distributed_type: DEEPSPEED\ndeepspeed_config:\n  deepspeed_config_file: ds_z2.json\nnum_processes: 8\n",
            8,
            "ZERO",
        ),
        ("accelerate launch --config_file c.yaml train.py", "distributed_type: MULTI_GPU\nnum_processes: 2\n", 2, None),
        ("accelerate launch --config_file c.yaml train.py", "distributed_type: 'NO'\nnum_processes: 1\n", None, None),
        ("accelerate launch --use_fsdp --num_processes 2 train.py", "", 2, "FSDP1"),
        ("accelerate launch --use_deepspeed --zero_stage 2 train.py", "", None, "ZERO"),
        ("accelerate launch --config_file none.yaml train.py", "", None, None),
        ("accelerate launch --config_file c.yaml train.py", "- broken: [\n", None, None),
        ("torchrun --nproc_per_node 4 train.py", "", 4, None),
        ("python train.py", "", None, None),
    ],
)
def test_what_launchers_say(
    command: str, config: str, processes: int | None, sharding: str | None, tmp_path: Path
) -> None:
    (tmp_path / "c.yaml").write_text(config, encoding="utf-8")
    (tmp_path / "run.sh").write_text(command + "\n", encoding="utf-8")
    (tmp_path / "train.py").write_text(TRAIN, encoding="utf-8")
    source = SourceFile((tmp_path / "train.py").as_posix(), "python", TRAIN.encode())
    (run,) = read(source, Project(tmp_path.as_posix())).runs
    found = known(run.launch.sharding)
    assert known(run.launch.processes) == processes
    assert (None if found is None else found.name) == sharding


ZERO3 = {"zero_optimization": {"stage": 3}}
GATHERED = {"zero_optimization": {"stage": 3, "stage3_gather_16bit_weights_on_model_save": True}}


def _persisting(threshold: object) -> str:
    return json.dumps({"zero_optimization": {"stage": 3, "stage3_param_persistence_threshold": threshold}})


BY_ACCELERATE = "distributed_type: DEEPSPEED\ndeepspeed_config:\n  zero_stage: 3\nnum_processes: 4\n"


def launch_with(folder: Path, argument: str, files: dict[str, str]) -> Launch:
    """How a program is launched with an argument and these files, by a script that hands Accelerate its settings."""
    program = PROGRAM.format(loading="", arguments=f", {argument}" if argument else "")
    files = {"train.py": program, "run.sh": "accelerate launch --config_file c.yaml train.py\n", **files}
    for name, text in files.items():
        (folder / name).write_text(text)
    return only(read_python(program, folder)).launch


@pytest.mark.parametrize(
    ("argument", "files", "gathers"),
    [
        ("deepspeed='ds.json'", {"ds.json": json.dumps(ZERO3)}, False),
        ("deepspeed='ds.json'", {"ds.json": json.dumps(GATHERED)}, True),
        ("deepspeed='ds.json'", {"ds.json": json.dumps(GATHERED).replace("true", '"auto"')}, Unknown),
        ("deepspeed='ds.json'", {"ds.json": json.dumps(GATHERED).replace("stage3_g", "g")}, True),
        ("deepspeed='ds.json'", {"ds.json": json.dumps(GATHERED).replace("16bit", "fp16")}, True),
        ("deepspeed='ds_z3.json'", {}, Unknown),
        (f"deepspeed={ZERO3}", {}, False),
        (f"deepspeed={GATHERED}", {}, True),
        (f"deepspeed={GATHERED}".replace("stage3_g", "g"), {}, True),
        ("", {"c.yaml": BY_ACCELERATE}, False),
        ("", {"c.yaml": BY_ACCELERATE.replace("3\n", "3\n  zero3_save_16bit_model: true\n")}, True),
        ("", {"c.yaml": BY_ACCELERATE.replace("zero_stage: 3", "deepspeed_config_file: ds.json")}, Unknown),
    ],
)
def test_whether_zero_gathers_to_save(tmp_path: Path, argument: str, files: dict[str, str], gathers: object) -> None:
    assert plain(launch_with(tmp_path, argument, files).gathers) == gathers


@pytest.mark.parametrize(
    ("argument", "files", "whole"),
    [
        ("deepspeed='ds.json'", {"ds.json": json.dumps(ZERO3)}, 100_000),
        ("deepspeed='ds.json'", {"ds.json": _persisting(1e6)}, 1_000_000),
        ("deepspeed='ds.json'", {"ds.json": _persisting(1e6).replace("stage3_", "")}, 1_000_000),
        ("deepspeed='ds.json'", {"ds.json": _persisting("auto")}, "auto"),
        ("deepspeed='ds.json'", {"ds.json": _persisting([])}, Unknown),
        ("deepspeed='ds_z3.json'", {}, Unknown),
        (f"deepspeed={ZERO3}", {}, 100_000),
        (f"deepspeed={_persisting(5)}", {}, 5),
        ("", {"c.yaml": BY_ACCELERATE}, 100_000),
        ("", {"c.yaml": "distributed_type: NO\n"}, Unknown),
    ],
)
def test_what_zero_leaves_whole(tmp_path: Path, argument: str, files: dict[str, str], whole: object) -> None:
    assert plain(launch_with(tmp_path, argument, files).whole) == whole
