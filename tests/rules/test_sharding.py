"""LL801, LL802 and LL904: what sharding asks of packed base weights and device maps, and data parallelism of
checkpoints; what PyTorch, transformers and accelerate do is reproduced with them, and LLaMA-Factory's own check is kept
as a table of what it was read to refuse."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.distributed
from accelerate import FullyShardedDataParallelPlugin
from peft import LoraConfig, get_peft_model
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard
from transformers import LlamaConfig, LlamaForCausalLM, TrainingArguments
from transformers.integrations import accelerate as placing

from lora_lint.linting import engine
from lora_lint.settings import Settings
from tests.support.programs import found_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAM = """\
import torch
from peft import LoraConfig
from transformers import AutoModelForCausalLM, BitsAndBytesConfig
from trl import SFTConfig, SFTTrainer

model = AutoModelForCausalLM.from_pretrained(
    "meta-llama/Llama-2-7b-hf", quantization_config=BitsAndBytesConfig({}), dtype=torch.bfloat16
)
lora = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
args = SFTConfig("out", learning_rate=2e-4, fsdp="full_shard auto_wrap", fsdp_config={})
SFTTrainer(model=model, args=args, train_dataset=data, peft_config=lora).train()
"""
FOUR_BITS = "load_in_4bit=True, bnb_4bit_compute_dtype=torch.bfloat16"
CONFIG = """\
stage: sft
do_train: true
finetuning_type: lora
lora_target: all
lora_rank: 8
dataset: tickets
template: qwen
learning_rate: 1.0e-4
"""
PLAIN = "model_name_or_path: Qwen/Qwen2.5-14B-Instruct\n"
QUANTIZED = "model_name_or_path: Qwen/Qwen2.5-14B-Instruct-{}\n"


@pytest.fixture(scope="module")
def one_process() -> Iterator[None]:
    """A group of one process, which is enough for PyTorch to shard."""
    if torch.distributed.is_initialized():
        yield
        return
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


def layer(stored: torch.dtype, *, norm_first: bool) -> nn.Module:
    """A frozen layer in bfloat16 with a linear layer whose weight is stored in a dtype, as bitsandbytes packs it."""
    linear, norm = nn.Linear(8, 8, dtype=torch.bfloat16), nn.LayerNorm(8, dtype=torch.bfloat16)
    linear.weight = nn.Parameter(torch.zeros(32, 1, dtype=stored), requires_grad=False)
    net = nn.Sequential(*((norm, linear) if norm_first else (linear, norm)))
    return net.requires_grad_(False)


@pytest.mark.usefixtures("one_process")
@pytest.mark.parametrize("use_orig_params", [True, False])
@pytest.mark.parametrize(
    ("bits", "stored", "norm_first", "error"),
    [
        (FOUR_BITS, torch.uint8, False, "Cannot flatten integer dtype tensors"),
        (FOUR_BITS, torch.uint8, True, "Must flatten tensors with uniform dtype"),
        ("load_in_8bit=True", torch.int8, False, "Cannot flatten integer dtype tensors"),
        (FOUR_BITS + ", bnb_4bit_quant_storage='float16'", torch.float16, False, "Must flatten tensors with uniform"),
        (FOUR_BITS + ", bnb_4bit_quant_storage=torch.bfloat16", torch.bfloat16, False, ""),
    ],
)
def test_fsdp_1_flattens_weights_of_one_dtype(
    bits: str, stored: torch.dtype, norm_first: bool, error: str, use_orig_params: bool
) -> None:
    net = layer(stored, norm_first=norm_first)
    with pytest.raises(ValueError, match=error) if error else nullcontext():
        FullyShardedDataParallel(net, device_id=torch.device("cpu"), use_orig_params=use_orig_params)
    assert ("LL801" in found_in(PROGRAM.format(bits, {"version": 1}))) is bool(error)
    assert ("LL801" in found_in(PROGRAM.format(bits, {"use_orig_params": use_orig_params}))) is bool(error)


@pytest.mark.usefixtures("one_process")
@pytest.mark.parametrize(("bits", "stored"), [(FOUR_BITS, torch.uint8), ("load_in_8bit=True", torch.int8)])
def test_fsdp_2_shards_each_weight(bits: str, stored: torch.dtype) -> None:
    fully_shard(layer(stored, norm_first=False), mesh=init_device_mesh("cpu", (1,)))
    assert "LL801" not in found_in(PROGRAM.format(bits, {"version": 2}))


def test_the_version_that_is_used_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FSDP_VERSION", raising=False)
    assert FullyShardedDataParallelPlugin().fsdp_version == 1
    config: dict[str, Any] = {"fsdp_transformer_layer_cls_to_wrap": ["LlamaDecoderLayer"]}
    args = TrainingArguments(str(tmp_path), fsdp="full_shard auto_wrap", fsdp_config=config, use_cpu=True)
    assert args.fsdp_plugin_args is not None
    assert args.fsdp_plugin_args["fsdp_version"] == 2
    assert "LL801" not in found_in(PROGRAM.format(FOUR_BITS, config))


@pytest.mark.parametrize(
    ("model", "refused"),
    [
        # LLaMA-Factory 0.9.5, llamafactory/model/model_utils/quantization.py (configure_quantization), 2026-11-30
        (QUANTIZED.format("GPTQ-Int4"), True),
        (QUANTIZED.format("AWQ"), True),
        (PLAIN + "quantization_method: bnb\nquantization_bit: 8\n", True),
        (PLAIN + "quantization_method: bnb\nquantization_bit: 4\n", False),
        (PLAIN + "quantization_method: hqq\nquantization_bit: 4\n", True),
        (PLAIN + "quantization_method: eetq\nquantization_bit: 8\n", True),
        ("model_name_or_path: openai/gpt-oss-20b\n", False),  # MXFP4 is unpacked first
        ("model_name_or_path: Qwen/Qwen3-8B-FP8\n", False),  # so is FP8
        (PLAIN, False),
    ],
)
@pytest.mark.parametrize("sharding", ["deepspeed: ds_z3_config.json\n", "fsdp: full_shard auto_wrap\n"])
def test_what_llamafactory_refuses_to_shard(model: str, refused: bool, sharding: str) -> None:
    found = engine.lint_text(model + CONFIG + sharding, "sft.yaml", Settings(select=("LL801",))).findings
    assert [each.code for each in found] == ["LL801"] * refused


DATA_PARALLEL = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-7B-Instruct")
model.enable_input_require_grads()
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj"], task_type="CAUSAL_LM"))
args = TrainingArguments("out", learning_rate=2e-4, {})
Trainer(model=model, args=args, train_dataset=data).train()
"""
BY_TRL = """\
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer

lora = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj"], task_type="CAUSAL_LM")
args = SFTConfig("out", learning_rate=2e-4, {})
SFTTrainer(model="Qwen/Qwen2.5-7B-Instruct", args=args, train_dataset=data, peft_config=lora).train()
"""
ON = "gradient_checkpointing=True"
REENTRANT = f"{ON}, gradient_checkpointing_kwargs={{'use_reentrant': True}}"
TORCHRUN = "torchrun --nproc_per_node 4 train.py\n"


@pytest.mark.parametrize(
    ("program", "arguments", "start", "pin", "found"),
    [
        (DATA_PARALLEL, ON, TORCHRUN, "transformers==4.46.3", True),
        (DATA_PARALLEL, f"{ON}, ddp_find_unused_parameters=True", TORCHRUN, "transformers<5", True),
        (DATA_PARALLEL, REENTRANT, TORCHRUN, "", True),
        (DATA_PARALLEL, REENTRANT, "accelerate launch --multi_gpu --num_processes=2 train.py\n", "", True),
        (DATA_PARALLEL, REENTRANT, "deepspeed --include localhost:0,1 train.py\n", "", True),
        (BY_TRL, REENTRANT, "python -m torch.distributed.run --nproc-per-node=2 train.py\n", "", True),
        (BY_TRL, ON, "#SBATCH -N 1\nsrun torchrun --nproc_per_node 4 /home/me/project/src/train.py\n",
         "transformers==4.51.0", True),
        (DATA_PARALLEL, ON, TORCHRUN, "", False),
        (DATA_PARALLEL, ON, "python train.py\n", "transformers==4.46.3", False),
        (DATA_PARALLEL, ON, "torchrun --nproc_per_node 1 train.py\n", "transformers==4.46.3", False),
        (DATA_PARALLEL, ON, "torchrun --nproc_per_node gpu train.py\n", "transformers==4.46.3", False),
        (DATA_PARALLEL, f"{REENTRANT}, ddp_find_unused_parameters=False", TORCHRUN, "", False),
        (DATA_PARALLEL, REENTRANT.replace("True}", "False}"), TORCHRUN, "transformers==4.46.3", False),
        (DATA_PARALLEL, "gradient_checkpointing=False", TORCHRUN, "transformers==4.46.3", False),
        (DATA_PARALLEL, f"{REENTRANT}, deepspeed='z.json'", TORCHRUN, "", False),
        (DATA_PARALLEL, f"{REENTRANT}, fsdp='full_shard'", TORCHRUN, "", False),
        (DATA_PARALLEL.replace("model = get_peft", "other = get_peft"), f"{REENTRANT}, **more", TORCHRUN, "", False),
    ],
)  # fmt: skip
def test_reentrant_checkpointing_of_copies(
    tmp_path: Path, program: str, arguments: str, start: str, pin: str, found: bool
) -> None:
    """LL904: DDP marks a parameter twice."""
    for name, text in {
        "src/train.py": program.format(arguments),
        "jobs/train.sh" if "/home" in start else "src/train.sh": start,
        "requirements.txt": pin,
        "src/z.json": '{"zero_optimization": {"stage": 2}}',
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    codes = [each.code for each in engine.lint([tmp_path.as_posix()], Settings(select=("LL904",)), jobs=1).findings]
    assert codes == ["LL904"] * found


@pytest.mark.parametrize(("reentrant", "unused"), [(True, True), (True, False), (False, True)])
@pytest.mark.usefixtures("one_process")
def test_what_data_parallelism_makes_of_checkpoints(reentrant: bool, unused: bool) -> None:
    """Trainer gives DDP `find_unused_parameters=True` for a PeftModel (transformers 5.23.0, trainer.py:756)."""
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    model = LlamaForCausalLM(LlamaConfig(**sizes, vocab_size=32))
    model.enable_input_require_grads()
    model.gradient_checkpointing_enable({"use_reentrant": reentrant})
    adapted = get_peft_model(model, LoraConfig(r=2, target_modules=["q_proj"]))
    parallel = nn.parallel.DistributedDataParallel(adapted.train(), find_unused_parameters=unused)
    tokens = torch.arange(8)[None]
    loss = parallel(input_ids=tokens, labels=tokens).loss
    refused = pytest.raises(RuntimeError, match="mark a variable ready only once")
    with refused if reentrant and unused else nullcontext():
        loss.backward()


ZERO = """\
import os
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, HfArgumentParser, Trainer, TrainingArguments

{first}
model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf"{placed})
{then}
lora = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
model = get_peft_model(model, lora)
Trainer(model=model, args=args, train_dataset=data).train()
"""
ARGS = 'args = TrainingArguments("out", learning_rate=2e-4, deepspeed="zero.json")'
PARSED = "(args,) = HfArgumentParser(TrainingArguments).parse_args_into_dataclasses()"
OWN = ', device_map={"": int(os.environ.get("LOCAL_RANK", 0))}'


@pytest.mark.parametrize(
    ("first", "placed", "then", "stage", "refused"),
    [
        (ARGS, OWN, "", 3, True),
        (ARGS, ', device_map="auto"', "", 3, True),
        (PARSED, OWN, "", 3, True),
        (PARSED, ', device_map={"": 0}', "", 3, True),
        ("", OWN, ARGS, 3, False),  # ZeRO-3 is not on yet
        (ARGS, OWN, "", 2, False),
        (ARGS, "", "", 3, False),
        (ARGS, ", device_map=None", "", 3, False),
        (f"{PARSED}\nplace = None if args.deepspeed else 'auto'", ", device_map=place", "", 3, False),
    ],
)
def test_device_maps_while_zero_3_is_on(
    first: str, placed: str, then: str, stage: int, refused: bool, tmp_path: Path
) -> None:
    (tmp_path / "zero.json").write_text(f'{{"zero_optimization": {{"stage": {stage}}}}}')
    (tmp_path / "train.py").write_text(ZERO.format(first=first, placed=placed, then=then))
    (tmp_path / "run.sh").write_text("deepspeed train.py --output_dir out --learning_rate 2e-4 --deepspeed zero.json\n")
    found = engine.lint([str(tmp_path)], Settings(select=("LL802",)), jobs=1).findings
    assert [each.code for each in found] == ["LL802"] * refused


@pytest.mark.parametrize("on", [True, False])
def test_transformers_refuses_device_maps_while_zero_3_is_on(on: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placing, "is_deepspeed_zero3_enabled", lambda: on)
    with pytest.raises(ValueError, match="not compatible with passing a `device_map`") if on else nullcontext():
        placing.check_and_set_device_map({"": 0})
