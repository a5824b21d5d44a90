"""At least five refusals of every framework, each with an accepted twin: here for classes of programs, for axolotl and
LLaMA-Factory; the other files are in `test_refused_files` and `test_refused_by_image_trainers`."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from lora_lint.discovery import Found
from lora_lint.frameworks import refusals
from lora_lint.linting.checker import Checker
from lora_lint.settings import Settings
from tests.frameworks import test_refused_by_image_trainers, test_refused_files

LLAMA = "from transformers import AutoModelForCausalLM, BitsAndBytesConfig, Trainer, TrainingArguments\n"
BASES = {
    "peft": "from peft import *\nfrom peft import get_peft_model\nmodel = get_peft_model(model, {})\n",
    "transformers": f"from peft import LoraConfig, get_peft_model\n{LLAMA}"
    "model = AutoModelForCausalLM.from_pretrained('facebook/opt-125m')\n"
    "model = get_peft_model(model, LoraConfig(task_type='CAUSAL_LM', target_modules=['q_proj']))\n"
    "Trainer(model, args=TrainingArguments('o', {}), train_dataset=data).train()\n",
    "trl": f"from peft import LoraConfig, get_peft_model\nfrom trl import *\nfrom trl import SFTTrainer\n{LLAMA}"
    "model = AutoModelForCausalLM.from_pretrained('facebook/opt-125m')\n"
    "model = get_peft_model(model, LoraConfig(task_type='CAUSAL_LM', target_modules=['q_proj']))\n"
    "{}Trainer(model, args={}Config('o', {}), train_dataset=data).train()\n",
    "unsloth": "from unsloth import FastLanguageModel\n"
    "model, tokenizer = FastLanguageModel.from_pretrained('unsloth/Llama-3.2-1B', {})\n"
    "model = FastLanguageModel.get_peft_model(model, 16, {})\n",
    "llamafactory": "model_name_or_path: Qwen/Qwen2.5-7B\nlora_rank: 8\ndataset: mine\ntemplate: qwen\noutput_dir: o\n{}\n",
    "axolotl": "base_model: NousResearch/Llama-2-7b-hf\nadapter: lora\nlora_r: 8\nmicro_batch_size: 2\n{}\n",
}
DATA = "datasets: [{path: a/b, type: alpaca}]\n"
TRAIN = "do_train: true\nfinetuning_type: lora\n"
TWINS = [
    ("peft", "LoraConfig(r=7, init_lora_weights='orthogonal')", "LoraConfig(r=8, init_lora_weights='orthogonal')"),
    (
        "peft",
        "LoraConfig(target_modules='.*q_proj', layers_to_transform=[1])",
        "LoraConfig(target_modules=['q_proj'], layers_to_transform=[1])",
    ),
    ("peft", "AdaLoraConfig(total_step=0)", "AdaLoraConfig(total_step=1000)"),
    ("peft", "OFTConfig(r=8, oft_block_size=32)", "OFTConfig(r=8, oft_block_size=0)"),
    ("peft", "GraloraConfig(r=9, gralora_k=2)", "GraloraConfig(r=8, gralora_k=2)"),
    (
        "peft",
        "PromptTuningConfig(num_virtual_tokens=8, prompt_tuning_init='TEXT', tokenizer_name_or_path='gpt2')",
        "PromptTuningConfig(num_virtual_tokens=8, prompt_tuning_init='RANDOM', tokenizer_name_or_path='gpt2')",
    ),
    ("transformers", "fp16=True, bf16=True", "fp16=False, bf16=True"),
    ("transformers", "load_best_model_at_end=True", "load_best_model_at_end=True, eval_strategy='steps'"),
    ("transformers", "dataloader_prefetch_factor=2", "dataloader_prefetch_factor=2, dataloader_num_workers=1"),
    (
        "transformers",
        "lr_scheduler_type='reduce_lr_on_plateau'",
        "lr_scheduler_type='reduce_lr_on_plateau', eval_strategy='epoch'",
    ),
    (
        "transformers",
        "load_best_model_at_end=True, eval_strategy='steps', eval_steps=100, save_steps=150",
        "load_best_model_at_end=True, eval_strategy='steps', eval_steps=100, save_steps=200",
    ),
    ("trl", "SFT: packing=True, max_length=None", "SFT: packing=True, max_length=512"),
    ("trl", "DPO: loss_type=['hinge', 'ipo'], loss_weights=[1.0]", "DPO: loss_type=['hinge'], loss_weights=[1.0]"),
    (
        "trl",
        "GRPO: num_generations=8, generation_batch_size=12",
        "GRPO: num_generations=8, generation_batch_size=16",
    ),
    ("trl", "GRPO: num_generations=1", "GRPO: num_generations=2, generation_batch_size=8"),
    (
        "trl",
        "RLOO: num_generations=8, generation_batch_size=12",
        "RLOO: num_generations=8, generation_batch_size=16",
    ),
    ("unsloth", "load_in_8bit=True;", "load_in_8bit=True, load_in_4bit=False;"),
    ("unsloth", "qat_scheme='int4';", ";"),
    ("unsloth", "float8_training=True;", "float8_training=False;"),
    ("unsloth", ";init_lora_weights='mica'", "load_in_4bit=False;init_lora_weights='mica'"),
    ("unsloth", ";alora_invocation_tokens=[1]", ";alora_invocation_tokens=None"),
    ("llamafactory", "finetuning_type: full\nuse_dora: true", "finetuning_type: lora\nuse_dora: true"),
    (
        "llamafactory",
        f"{TRAIN}quantization_bit: 4\nresize_vocab: true",
        f"{TRAIN}quantization_bit: 4\nresize_vocab: false",
    ),
    ("llamafactory", f"{TRAIN}use_galore: true", f"{TRAIN}use_galore: false"),
    ("llamafactory", f"{TRAIN}val_size: 0.1\neval_dataset: b", f"{TRAIN}eval_dataset: b"),
    ("llamafactory", f"{TRAIN}pissa_init: true\nquantization_bit: 4", f"{TRAIN}pissa_init: true"),
    (
        "llamafactory",
        f"{TRAIN}image_max_pixels: 512\nimage_min_pixels: 1024",
        f"{TRAIN}image_max_pixels: 2048\nimage_min_pixels: 1024",
    ),
    (
        "llamafactory",
        f"{TRAIN}stage: ppo\nreward_model: r\nreport_to: mlflow",
        f"{TRAIN}stage: ppo\nreward_model: r\nreport_to: wandb",
    ),
    ("axolotl", f"{DATA}rl: dpo\nsample_packing: true", f"{DATA}sample_packing: true"),
    ("axolotl", f"{DATA}flash_attn_fuse_mlp: true", f"{DATA}flash_attn_fuse_mlp: false"),
    ("axolotl", f"{DATA}warmup_steps: 10\nwarmup_ratio: 0.1", f"{DATA}warmup_ratio: 0.1"),
    ("axolotl", "datasets: [{path: a/b, type: sharegpt}]", "datasets: [{path: a/b, type: chat_template}]"),
    ("axolotl", f"{DATA}rpo_alpha: 1.0", f"{DATA}rl_beta: 0.1"),
    (
        "axolotl",
        f"{DATA}activation_offloading: true",
        f"{DATA}activation_offloading: true\ngradient_checkpointing: true",
    ),
    (
        "axolotl",
        f"{DATA}optimizer: adamw_8bit\nfsdp_version: 2\nfsdp_config: {{offload_params: false}}",
        f"{DATA}optimizer: adamw_torch_8bit\nfsdp_version: 2\nfsdp_config: {{offload_params: false}}",
    ),
    ("axolotl", f"{DATA}flash_attention: true\nattn_implementation: sdpa", f"{DATA}attn_implementation: sdpa"),
    (
        "axolotl",
        f"{DATA}selective_checkpointing: true",
        f"{DATA}selective_checkpointing: true\ngradient_checkpointing: true",
    ),
    ("axolotl", f"{DATA}fp32_norms: true", f"{DATA}fp32_norms: false"),
]
"""Settings that are refused for certain, and others that differ in little and are accepted."""


def text(framework: str, settings: str) -> str:
    """The file or the program with some settings: of a trainer of TRL, or of loading and of wrapping by unsloth."""
    if framework == "trl":
        trainer, _, given = settings.partition(": ")
        return BASES[framework].format(trainer, trainer, given)
    return BASES[framework].format(*(settings.split(";") if framework == "unsloth" else (settings,)))


def found(framework: str, settings: str) -> list[tuple[str, str]]:
    kind: Any = "yaml" if framework in ("llamafactory", "axolotl") else "python"
    name = "a.yaml" if kind == "yaml" else "a.py"
    result = Checker(Settings()).check(Found(name, kind, text(framework, settings).encode(), True))
    return [(each.code, each.confidence) for each in result.findings if each.code in ("LL902", "LL904", "LL905")]


@pytest.mark.parametrize(("framework", "refused", "accepted"), TWINS)
def test_a_refusal_and_its_twin(framework: str, refused: str, accepted: str) -> None:
    assert found(framework, refused) == [("LL904", "certain")]
    assert found(framework, accepted) == []


OTHERS = {"areal", "nemo_automodel", "nemo_rl", "openrlhf", "prime_rl", "skyrl"}
"""Frameworks with a module of tests for all of their few rows."""


def test_every_framework_has_five() -> None:
    counted = Counter(name for name, *_ in TWINS)
    counted.update(name for name, *_ in test_refused_files.REFUSED)
    counted.update(name.partition(":")[0] for name, *_ in test_refused_by_image_trainers.REFUSED)
    assert {name for name in refusals.tables() if counted[name] < 5} == OTHERS
