"""What frameworks refuse: the tables, and what is made of them."""

from __future__ import annotations

import re
import subprocess
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from lora_lint.discovery import Found
from lora_lint.frameworks import refusals, refused_pack
from lora_lint.frameworks.conditions import condition
from lora_lint.knowledge import schemas, signatures
from lora_lint.linting.checker import Checker
from lora_lint.records import replace
from lora_lint.settings import Settings
from scripts import compare_frameworks, compare_on_models, compare_refusals, list_refusals

if TYPE_CHECKING:
    from lora_lint.finding import Finding

BESIDE = {
    "axolotl": {
        f"unsloth_{name}" for name in ("cross_entropy_loss", "lora_mlp", "lora_qkv", "lora_o", "rms_norm", "rope")
    },
    "llamafactory": {"eval_dataset_size"},
    "diffusers_examples": {"needs"},
    "kohya": {"script_of"},
    "musubi_tuner": {"script_of", "prepares", "caches"},
    "torchtune": {"profiler", "max_new_tokens", "tasks"},
    "transformers": {"evaluation_strategy"},
    "trl": {"use_liger_loss"},
}
"""Settings that a recipe reads by a constant, so that the schema does not have them, those of other recipes, that older versions have, or
programs that are alike, and what a command adds."""
FRAMEWORKS = sorted(refusals.tables())
START = (
    "from peft import AdaLoraConfig, BOFTConfig, EvaConfig, GraloraConfig, HRAConfig, IA3Config, LoftQConfig, LoraConfig\n"
    "from peft import OFTConfig, PromptTuningConfig, PsoftConfig, ShadowConfig, SupertuningConfig, get_peft_model\n"
)


def rows_of(framework: str) -> list[tuple[str, refusals.Refusal]]:
    """The rows of a framework, each with what receives its settings."""
    table = refusals.table(framework)
    assert table is not None
    return [(owner, row) for owner, rows in table.rows.items() for row in rows]


def found(text: str, name: str = "train.py") -> list[Finding]:
    """The findings of LL904 and LL905."""
    kind: Any = "python" if name.endswith(".py") else "yaml"
    result = Checker(Settings()).check(Found(name, kind, text.encode(), True))
    return [finding for finding in result.findings if finding.code in ("LL904", "LL905")]


def of_config(text: str) -> list[tuple[str, str]]:
    return [(finding.code, finding.confidence) for finding in found(f"{START}config = {text}\n")]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_rows_are_about_settings_that_there_are(framework: str) -> None:
    for owner, row in rows_of(framework):
        keys = schemas.keys(framework) if schemas.has(framework) else frozenset()
        if keys:  # of scripts, each has further options
            keys = keys.union(
                *(schemas.keys(framework, part) for part in schemas.load(framework)["$defs"] if ".py" in part)
            )
        names = signatures.keywords(owner) if owner else keys
        names |= BESIDE.get(framework, set()) if names else set()
        read = condition(row.when).names
        sections = {name.partition(".")[0] for name in (*read, row.key, *row.others)} - set(refusals.FACTS)
        assert sections <= names or not names, row
        assert row.key in read or row.ignored or "adapted_kinds" in read, row  # which follow from the targets
        assert not row.says.endswith(".") and not row.instead.endswith("."), row


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_rows_that_go_by_a_name_are_likely(framework: str) -> None:
    """A model's name may say less or more than its config."""
    for _, row in rows_of(framework):
        asks_the_name = [part for part in re.split(r"\band\b|\bor\b", row.when) if part.strip().startswith("names_")]
        assert row.likely or not asks_the_name, row


@pytest.mark.torch
@pytest.mark.parametrize("name", ["accelerate", "peft", "transformers", "trl"])
def test_the_rows_are_in_the_source_and_all_of_it_is_read(name: str) -> None:
    table, spec = refusals.table(name), find_spec(name)
    assert table is not None and metadata.version(name) == table.version
    assert spec is not None and spec.origin is not None
    assert list_refusals.compared(name, Path(spec.origin).parent) == ([], [])


def test_what_a_release_adds_and_drops(tmp_path: Path) -> None:
    table = refusals.table("litgpt")
    assert table is not None
    old, new = tmp_path / "old", tmp_path / "new"
    for row in list_refusals.every_row(table):
        file, _, line = row.source.rpartition(":")
        for folder, number in ((old, int(line)), (new, int(line) + 7)):
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
            lines += [""] * (number - len(lines))
            lines[number - 1] = f"    raise ValueError('check {line} of {file}')"
            path.write_text("\n".join(lines), encoding="utf-8")
    assert list_refusals.changes("litgpt", old, new) == ([], [])
    recipe = (new / "args.py").read_text(encoding="utf-8")
    (new / "args.py").write_text(recipe.replace("check 59", "LoRA needs 59"), encoding="utf-8")
    came, gone = list_refusals.changes("litgpt", old, new)
    assert [each.partition(": ")[0] for each in came] == ["args.py:66"]
    assert [each.partition(": ")[0] for each in gone] == ["args.py:59"]


def test_the_page_is_current() -> None:
    assert list_refusals.main(["--docs", "--check"]) == 0


class TestPrograms:
    @pytest.mark.parametrize(
        "text",
        [
            "LoraConfig(target_modules='.*q', layers_to_transform=[1])",
            "LoraConfig(target_modules='.*q', layers_pattern='layers', layers_to_transform=None)",
            "LoraConfig(target_modules=['q'], layers_pattern='layers')",
            "LoraConfig(target_modules=['q'], use_dora=True, megatron_config={'a': 1})",
            "LoraConfig(target_modules=['q'], init_lora_weights='loftq')",
            "LoraConfig(target_modules=['q'], lora_bias=True, init_lora_weights='pissa')",
            "LoraConfig(target_modules=['q'], lora_bias=True, use_dora=True)",
            "LoraConfig(target_modules=['q'], r=5, init_lora_weights='orthogonal')",
            "AdaLoraConfig(target_modules=['q'], total_step=100, use_dora=True)",
            "AdaLoraConfig(target_modules=['q'], total_step=100, tinit=80, tfinal=20)",
            "AdaLoraConfig(target_modules=['q'])",
            "IA3Config(target_modules=['k'], feedforward_modules=['down'])",
            "OFTConfig(target_modules=['q'], r=8)",
            "BOFTConfig(target_modules=['q'], boft_block_num=4)",
            "HRAConfig(target_modules='.*q', layers_to_transform=[1])",
            "GraloraConfig(target_modules=['q'], r=9)",
            "PromptTuningConfig(num_virtual_tokens=8, prompt_tuning_init='TEXT', prompt_tuning_init_text='a')",
            "ShadowConfig(shadow_model='gpt2', shadow_hidden_size=64)",
            "SupertuningConfig(lora_alpha=16)",
        ],
    )
    def test_refused(self, text: str) -> None:
        assert of_config(text) == [("LL904", "certain")]

    @pytest.mark.parametrize(
        "text",
        [
            "LoraConfig(target_modules=['q'], loftq_config=LoftQConfig())",
            "LoraConfig(target_modules=['q'], eva_config=EvaConfig(rho=2.0))",
            "AdaLoraConfig(target_modules=['q'], total_step=100, r=16)",
            "PsoftConfig(target_modules=['q'], psoft_svd_lowrank_niter=20)",
        ],
    )
    def test_ignored(self, text: str) -> None:
        assert of_config(text) == [("LL905", "certain")]

    @pytest.mark.parametrize(
        "text",
        [
            "LoraConfig(target_modules=['q'], layers_to_transform=[1], layers_pattern='layers')",
            "LoraConfig(target_modules='.*q', layers_to_transform=None)",
            "LoraConfig(target_modules=['q'], init_lora_weights='loftq', loftq_config=LoftQConfig())",
            "LoraConfig(target_modules=['q'], init_lora_weights='loftq', loftq_config=settings)",
            "LoraConfig(target_modules=['q'], init_lora_weights='loftq', **more)",
            "LoraConfig(target_modules=['q'], lora_bias=True, init_lora_weights=False)",
            "LoraConfig(target_modules=['q'], r=6, init_lora_weights='orthogonal')",
            "LoraConfig(target_modules=['q'], eva_config=EvaConfig(rho=2.0), init_lora_weights='eva')",
            "AdaLoraConfig(target_modules=['q'], total_step=100, tinit=10, tfinal=20)",
            "AdaLoraConfig(target_modules=['q'], total_step=steps, tinit=10, tfinal=20)",
            "IA3Config(target_modules=['k', 'down'], feedforward_modules=['down'])",
            "OFTConfig(target_modules=['q'], r=8, oft_block_size=0)",
            "OFTConfig(target_modules=['q'])",
            "OFTConfig(target_modules=['q'], r=rank)",
            "BOFTConfig(target_modules=['q'], boft_block_num=4, boft_block_size=0)",
            "HRAConfig(target_modules=['q'], layers_to_transform=[1])",
            "GraloraConfig(target_modules=['q'], r=9, gralora_k=3)",
            "PromptTuningConfig(num_virtual_tokens=8)",
            "ShadowConfig(shadow_hidden_size=64)",
            "PsoftConfig(target_modules=['q'], psoft_svd='lowrank', psoft_svd_lowrank_niter=20)",
        ],
    )
    def test_taken(self, text: str) -> None:
        assert of_config(text) == []

    @pytest.mark.parametrize(
        ("text", "refused"),
        [
            ("SFTConfig(output_dir='o', fp16=True, bf16=True)", ["fp16"]),
            ("SFTConfig(output_dir='o', fp16=True)", []),
            ("SFTConfig(output_dir='o', load_best_model_at_end=True)", ["load_best_model_at_end"]),
            ("SFTConfig(output_dir='o', load_best_model_at_end=True, eval_strategy='steps')", []),
            ("SFTConfig(output_dir='o', load_best_model_at_end=True, **more)", []),
            ("SFTConfig(output_dir='o', dataloader_prefetch_factor=2)", ["dataloader_prefetch_factor"]),
            ("SFTConfig(output_dir='o', dataloader_prefetch_factor=2, dataloader_num_workers=4)", []),
            ("SFTConfig(output_dir='o', lr_scheduler_type='reduce_lr_on_plateau')", ["lr_scheduler_type"]),
            ("SFTConfig('o', lr_scheduler_type='greedy')", ["lr_scheduler_type"]),
            ("SFTConfig('o', lr_scheduler_type='greedy', eval_strategy='epoch')", []),
            ("SFTConfig('o', padding_free=True)", ["padding_free"]),
            ("SFTConfig('o', padding_free=True, max_length=None)", []),
            ("SFTConfig('o', packing=True, max_length=None)", ["max_length"]),
            ("SFTConfig('o', packing=True)", []),
            ("SFTConfig('o', eval_strategy='steps', logging_strategy='no', logging_steps=0)", ["eval_strategy"]),
            ("SFTConfig('o', eval_strategy='steps', logging_strategy='no', logging_steps=0, eval_steps=9)", []),
        ],
    )
    def test_arguments_of_the_trainer(self, text: str, refused: list[str]) -> None:
        program = f"""\
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer
config = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj"], task_type="CAUSAL_LM")
trainer = SFTTrainer("facebook/opt-125m", args={text}, peft_config=config, train_dataset=data, eval_dataset=data)
trainer.train()
"""
        places = [finding for finding in found(program) if finding.code == "LL904"]
        assert [re.search(r"(?:refuses|without) `(\w+)", each.message)[1] for each in places] == refused  # type: ignore[index]

    @pytest.mark.parametrize(
        ("kind", "text", "refused"),
        [
            ("DPO", "f_divergence_type='js_divergence', loss_type='apo_zero'", ["f_divergence_type"]),
            ("DPO", "f_divergence_type='js_divergence', loss_type=['sigmoid', 'hinge']", []),
            ("DPO", "loss_type='exo_pair'", ["loss_type"]),
            ("DPO", "loss_type='exo_pair', label_smoothing=1e-3", []),
            ("DPO", "sync_ref_model=True", ["sync_ref_model"]),
            ("DPO", "sync_ref_model=False", []),
            ("KTO", "per_device_train_batch_size=1", ["per_device_train_batch_size"]),
            ("KTO", "per_device_train_batch_size=1, loss_type='apo_zero_unpaired'", []),
            ("GRPO", "generation_batch_size=12", ["generation_batch_size"]),
            ("GRPO", "generation_batch_size=12, num_generations=4", []),
            ("GRPO", "log_completions_hub_repo='a/b'", ["log_completions_hub_repo"]),
            ("GRPO", "log_completions_hub_repo='a/b', log_completions=True", []),
            ("RLOO", "auto_find_batch_size=True", ["auto_find_batch_size"]),
            ("RLOO", "auto_find_batch_size=False", []),
        ],
    )
    def test_arguments_of_other_trainers(self, kind: str, text: str, refused: list[str]) -> None:
        program = f"""\
from peft import LoraConfig
from trl import {kind}Config, {kind}Trainer
config = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj"], task_type="CAUSAL_LM")
args = {kind}Config("o", {text})
trainer = {kind}Trainer("facebook/opt-125m", args=args, peft_config=config, train_dataset=data)
trainer.train()
"""
        places = [finding for finding in found(program) if finding.code == "LL904"]
        assert [re.search(r"(?:refuses|without) `(\w+)", each.message)[1] for each in places] == refused  # type: ignore[index]

    @pytest.mark.parametrize(
        ("text", "refused"),
        [
            ("load_in_4bit=True, load_in_8bit=True", [("LL904", "certain")]),
            ("load_in_8bit=True", []),
            ("load_in_8bit=True, bnb_4bit_use_double_quant=True", [("LL905", "certain")]),
            ("load_in_4bit=True, bnb_4bit_use_double_quant=True", []),
            ("load_in_4bit=True, bnb_4bit_quant_storage='int4'", [("LL904", "certain")]),
            ("load_in_4bit=True, bnb_4bit_double_quant=True", [("LL905", "likely")]),
            ("load_in_4bit=True, bnb_4bit_double_quant=False, bnb_4bit_use_double_quant=True", []),
            ("load_in_4bit=True, bnb_4bit_compute_type='bfloat16'", [("LL905", "likely")]),
            ("load_in_4bit=True, bnb_4bit_compute_dtype='bfloat16'", []),
        ],
    )
    def test_quantizers(self, text: str, refused: list[tuple[str, str]]) -> None:
        program = f"""\
from transformers import AutoModelForCausalLM, BitsAndBytesConfig
model = AutoModelForCausalLM.from_pretrained("facebook/opt-125m", quantization_config=BitsAndBytesConfig({text}))
model = get_peft_model(model, LoraConfig(target_modules=["q_proj"], task_type="CAUSAL_LM"))
"""
        assert [(finding.code, finding.confidence) for finding in found(START + program)] == refused

    @pytest.mark.parametrize(
        ("loaded", "wrapped", "refused"),
        [
            ("", "", []),
            ("load_in_8bit=True", "", [("LL904", "certain")]),
            ("load_in_8bit=True, load_in_4bit=False", "", []),
            ("load_in_8bit=True, **more", "", []),
            ("qat_scheme='int4'", "", [("LL904", "certain")]),
            ("float8_training=True", "", [("LL904", "certain")]),
            ("", "init_lora_weights='mica'", [("LL904", "certain")]),
            ("", "init_lora_weights='loftq'", []),
            ("load_in_4bit=False", "init_lora_weights='mica'", []),
            ("", "init_lora_weights='olora'", []),
            ("", "alora_invocation_tokens=[1]", [("LL904", "certain")]),
            ("", "target_modules=['q_proj'], modules_to_save=['down_proj']", [("LL904", "likely")]),
            ("", "modules_to_save=['lm_head', 'embed_tokens']", []),
            ("fast_inference=True", "modules_to_save=['lm_head', 'embed_tokens']", [("LL904", "certain")]),
            ("fast_inference=True", "target_modules=['q_proj', 'lm_head']", [("LL904", "certain")]),
            ("fast_inference=fast", "target_modules=['q_proj', 'lm_head']", []),
            ("fast_inference=True", "bias='all'", [("LL904", "certain")]),
            ("", "bias='all'", []),
            ("", "loftq_config={'loftq_bits': 4}", [("LL905", "certain")]),
        ],
    )
    def test_unsloth(self, loaded: str, wrapped: str, refused: list[tuple[str, str]]) -> None:
        program = f"""\
from unsloth import FastLanguageModel
model, tokenizer = FastLanguageModel.from_pretrained("unsloth/Llama-3.2-1B", {loaded})
model = FastLanguageModel.get_peft_model(model, 16, {wrapped})
"""
        assert [(finding.code, finding.confidence) for finding in found(program)] == refused

    @pytest.mark.parametrize(
        ("method", "told"), [("merged_4bit", True), ("merged_4bit_forced", False), ("lora", False)]
    )
    def test_merging_into_4_bits(self, method: str, told: bool) -> None:
        program = f"""\
from unsloth import FastLanguageModel
model, tokenizer = FastLanguageModel.from_pretrained("unsloth/Llama-3.2-1B")
model = FastLanguageModel.get_peft_model(model, 16)
model.save_pretrained_merged("merged", tokenizer, save_method="{method}")
"""
        assert bool(found(program)) is told

    @pytest.mark.parametrize(
        ("method", "told"),
        [("'q4_k_m'", False), ("'Q8_0'", False), ("'int4'", True), ("['q8_0']", False), ("m", False)],
    )
    def test_ways_to_quantize(self, method: str, told: bool) -> None:
        program = f"""\
from unsloth import FastLanguageModel
model, tokenizer = FastLanguageModel.from_pretrained("unsloth/Llama-3.2-1B")
model = FastLanguageModel.get_peft_model(model, 16)
model.save_pretrained_gguf("out", tokenizer, quantization_method={method})
"""
        assert bool(found(program)) is told

    @pytest.mark.parametrize(
        ("model", "config", "refused"),
        [
            ("gpt2", "LoHaConfig(target_modules=['c_attn'])", ["target_modules"]),
            ("gpt2", "LoKrConfig(target_modules=['c_attn'])", ["target_modules"]),
            ("gpt2", "VeraConfig(target_modules=['c_attn'])", []),
            ("gpt2", "LoHaConfig(target_modules=targets)", []),
            ("gpt2", "LoHaConfig(target_modules=['c_attn'], exclude_modules=more)", []),
            ("meta-llama/Llama-2-7b-hf", "LoHaConfig(target_modules=['q_proj'])", []),
            ("meta-llama/Llama-2-7b-hf", "VeraConfig(target_modules=['q_proj', 'embed_tokens'])", ["target_modules"]),
            (
                "meta-llama/Llama-2-7b-hf",
                "AdaLoraConfig(target_modules=['embed_tokens'], total_step=100)",
                ["target_modules"],
            ),
            ("meta-llama/Llama-2-7b-hf", "LoraConfig(target_modules=['embed_tokens'], lora_bias=True)", ["lora_bias"]),
            ("meta-llama/Llama-2-7b-hf", "LoraConfig(target_modules=['q_proj'], lora_bias=True)", []),
            (
                "facebook/opt-125m",
                "LoraConfig(target_modules=['q_proj'], layer_replication=[[0, 4]])",
                ["layer_replication"],
            ),
            ("meta-llama/Llama-2-7b-hf", "LoraConfig(target_modules=['q_proj'], layer_replication=[[0, 4]])", []),
            (
                "Qwen/Qwen3-30B-A3B",
                "LoraConfig(target_parameters=['mlp.experts.gate_up_proj'], target_modules=['q_proj'], use_dora=True)",
                ["use_dora"],
            ),
            (
                "Qwen/Qwen3-30B-A3B",
                "LoraConfig(target_parameters=['mlp.experts.gate_up_proj'], target_modules=['q_proj'])",
                [],
            ),
            (
                "meta-llama/Llama-2-7b-hf",
                "LoraConfig(target_modules=['q_proj'], trainable_token_indices={'lm_hea': [1]})",
                ["trainable_token_indices"],
            ),
            ("meta-llama/Llama-2-7b-hf", "LoraConfig(target_modules=['q_proj'], trainable_token_indices=[1])", []),
            *(
                (model, f"LoraConfig(target_modules=['q_proj'], trainable_token_indices={tokens}{saved})", refused)
                for model, tokens, saved, refused in (
                    ("Qwen/Qwen2.5-1.5B", "[1]", ", modules_to_save=['lm_head']", ["modules_to_save"]),
                    (
                        "Qwen/Qwen2.5-1.5B",
                        "{'embed_tokens': tokenizer.convert_tokens_to_ids(new)}",
                        ", modules_to_save=['lm_head']",
                        ["modules_to_save"],
                    ),
                    ("Qwen/Qwen2.5-7B", "[1]", ", modules_to_save=['lm_head']", []),
                    ("Qwen/Qwen2.5-1.5B", "[1]", ", modules_to_save=['norm']", []),
                    ("Qwen/Qwen2.5-1.5B", "[1]", "", []),
                    ("Qwen/Qwen2.5-1.5B", "None", ", modules_to_save=['lm_head']", []),
                )
            ),
            ("mistralai/Mixtral-8x7B-v0.1", "LoraConfig(target_modules=['q_proj', 'w1'])", ["target_modules"]),
            ("mistralai/Mixtral-8x7B-v0.1", "LoraConfig(target_modules=['q_proj', 'w1', 'w3'])", []),
            (
                "meta-llama/Llama-2-7b-hf",
                "LoraConfig(target_modules=['q_proj', 'embed_tokens'], init_lora_weights='pissa')",
                ["init_lora_weights"],
            ),
            ("meta-llama/Llama-2-7b-hf", "LoraConfig(target_modules=['q_proj'], init_lora_weights='pissa')", []),
            ("gpt2", "LoHaConfig()", ["target_modules"]),
            ("gpt2", "VeraConfig()", []),
            ("mistralai/Mistral-7B-v0.1", "AdaLoraConfig(total_step=100)", ["target_modules"]),
            ("meta-llama/Llama-2-7b-hf", "AdaLoraConfig(total_step=100)", []),
            ("stabilityai/stablelm-2-1_6b", "IA3Config(target_modules=['q_proj'])", ["feedforward_modules"]),
            ("stabilityai/stablelm-2-1_6b", "IA3Config(target_modules=['q_proj'], feedforward_modules=[])", []),
            ("allenai/OLMo-2-1124-7B", "LoKrConfig()", ["target_modules"]),
            ("gpt2", "MissConfig(target_modules=['c_attn'])", ["target_modules"]),
            ("gpt2", "FourierFTConfig(target_modules=['c_attn'])", []),
            ("gpt2", "FourierFTConfig(layers_to_transform=[70])", ["target_modules"]),
            ("gpt2", "LoraConfig(layers_to_transform=[70])", ["target_modules"]),
            ("gpt2", "LoraConfig(layers_to_transform=[7])", []),
            (
                "gpt2",
                "LoraConfig(target_modules=['c_attn'], init_lora_weights='loftq', loftq_config={'loftq_bits': 4})",
                ["loftq_config"],
            ),
            ("meta-llama/Llama-2-7b-hf", "C3AConfig(target_modules=['q_proj', 'embed_tokens'])", ["target_modules"]),
            ("meta-llama/Llama-2-7b-hf", "OFTConfig(target_modules=['q_proj', 'embed_tokens'])", []),
        ],
    )
    def test_what_the_model_decides(self, model: str, config: str, refused: list[str]) -> None:
        program = f"""\
from peft import *
from peft import get_peft_model
from transformers import AutoModelForCausalLM
model = AutoModelForCausalLM.from_pretrained("{model}")
model = get_peft_model(model, {config})
"""
        places = [finding for finding in found(program) if finding.code == "LL904"]
        assert [re.search(r"(?:refuses|without) `(\w+)", each.message)[1] for each in places] == refused  # type: ignore[index]
        assert all(finding.confidence == "likely" or "loftq" in finding.message for finding in places)

    @pytest.mark.parametrize(
        ("quantized", "trains", "refused"),
        [
            ("Mxfp4Config()", True, True),
            ("Mxfp4Config(dequantize=False)", True, True),
            ("Mxfp4Config(dequantize=True)", True, False),
            ("Mxfp4Config(dequantize=args.whole)", True, False),
            ("Mxfp4Config()", False, False),
            ("FPQuantConfig()", True, True),
            ("FPQuantConfig(store_master_weights=True)", True, False),
            ("HqqConfig()", True, False),
        ],
    )
    def test_weights_that_trainer_does_not_take(self, quantized: str, trains: bool, refused: bool) -> None:
        program = (
            f"""\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, FPQuantConfig, HqqConfig, Mxfp4Config, Trainer, TrainingArguments
model = AutoModelForCausalLM.from_pretrained("openai/gpt-oss-20b", quantization_config={quantized})
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj"]))
"""
            + 'Trainer(model=model, args=TrainingArguments("out", learning_rate=2e-4), train_dataset=data).train()\n'
            * trains
        )
        assert ("LL904" in {finding.code for finding in found(program)}) is refused

    @pytest.mark.parametrize(
        ("name", "refused"),
        [
            ("openai/gpt-oss-20b", True),
            ("TheBloke/Mistral-7B-v0.1-AWQ", True),
            ("Qwen/Qwen2.5-7B-Instruct-GPTQ-Int4", True),
            ("unsloth/gpt-oss-20b-BF16", False),
            ("Qwen/Qwen2.5-7B-Instruct", False),
        ],
    )
    def test_weights_that_are_quantized_already(self, name: str, refused: bool) -> None:
        for bits in ("load_in_4bit=True", "load_in_8bit=True"):
            program = f"""\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, BitsAndBytesConfig
model = AutoModelForCausalLM.from_pretrained("{name}", quantization_config=BitsAndBytesConfig({bits}))
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj"]))
"""
            assert ("LL904" in {finding.code for finding in found(program)}) is refused

    @pytest.mark.torch
    def test_transformers_takes_one_kind_of_weights(self) -> None:
        from transformers import AwqConfig, BitsAndBytesConfig, Mxfp4Config
        from transformers.quantizers.auto import AutoHfQuantizer

        for own in (AwqConfig(), Mxfp4Config()):
            with pytest.raises(ValueError, match="same quantization config class"):
                AutoHfQuantizer.merge_quantization_configs(own, BitsAndBytesConfig(load_in_4bit=True))

    @pytest.mark.torch
    def test_trainer_takes_no_weights_in_mxfp4(self) -> None:
        from transformers import Mxfp4Config, trainer_utils
        from transformers.quantizers.quantizer_mxfp4 import Mxfp4HfQuantizer

        model = mock.Mock(is_quantized=True, spec=["is_quantized", "hf_quantizer"])
        model.hf_quantizer = Mxfp4HfQuantizer(Mxfp4Config())
        adapted = mock.patch.object(trainer_utils, "_is_peft_model", lambda _: True)
        with adapted, pytest.raises(ValueError, match="do not support training"):
            trainer_utils.validate_quantization_for_training(model)

    @pytest.mark.parametrize("method", ["AdaLoraConfig", "IA3Config", "LoHaConfig", "LoKrConfig", "VeraConfig"])
    def test_targets_of_other_methods_are_matched(self, method: str) -> None:
        """A method without a setting such as `exclude_modules` leaves out nothing."""
        start = f"{START}from peft import *\nfrom transformers import AutoModelForCausalLM\n"
        for target, expected in (("query", ["LL201"]), ("q_proj", [])):
            config = f"{method}(target_modules=['{target}'], {'total_step=9' if method == 'AdaLoraConfig' else ''})"
            loaded = (
                f"model = get_peft_model(AutoModelForCausalLM.from_pretrained('meta-llama/Llama-2-7b-hf'), {config})\n"
            )
            kind: Any = "python"
            result = Checker(Settings()).check(Found("a.py", kind, f"{start}{loaded}".encode(), True))
            assert [each.code for each in result.findings if each.code == "LL201"] == expected

    @pytest.mark.parametrize(
        ("made", "refused"),
        [
            ("Accelerator(mixed_precision='bf16')", []),
            ("Accelerator(mixed_precision='bfloat16')", [("LL904", "certain")]),
            ("Accelerator(dynamo_backend='inductor', dynamo_plugin=plugin)", []),
            ("Accelerator(dynamo_backend='inductor', dynamo_plugin=DeepSpeedPlugin())", [("LL904", "certain")]),
            (
                "Accelerator(gradient_accumulation_steps=4, gradient_accumulation_plugin=DeepSpeedPlugin())",
                [("LL904", "certain")],
            ),
            ("FullyShardedDataParallelPlugin(fsdp_version=2, forward_prefetch=True)", [("LL904", "certain")]),
            ("FullyShardedDataParallelPlugin(forward_prefetch=True)", []),
            (
                "FullyShardedDataParallelPlugin(fsdp_version=2, reshard_after_forward='FULL_SHARD')",
                [("LL904", "certain")],
            ),
            ("FullyShardedDataParallelPlugin(fsdp_version=2, reshard_after_forward=False)", []),
            ("FullyShardedDataParallelPlugin(fsdp_version=1, reshard_after_forward=True)", [("LL904", "certain")]),
            ("FullyShardedDataParallelPlugin(auto_wrap_policy='transformer')", [("LL904", "certain")]),
            ("FullyShardedDataParallelPlugin(fsdp_version=2, use_orig_params=True)", [("LL905", "certain")]),
            ("BnbQuantizationConfig()", [("LL904", "certain")]),
            ("BnbQuantizationConfig(load_in_4bit=True, load_in_8bit=True)", [("LL904", "certain")]),
            ("BnbQuantizationConfig(load_in_4bit=True, bnb_4bit_quant_type='nf4')", []),
            ("BnbQuantizationConfig(load_in_4bit=True, bnb_4bit_quant_type='int4')", [("LL904", "certain")]),
            ("ParallelismConfig(cp_size=2, sp_size=2)", [("LL904", "certain")]),
            ("ParallelismConfig(tp_size=2, dp_replicate_size=2)", [("LL904", "certain")]),
            ("ParallelismConfig(tp_size=2, dp_shard_size=2, dp_replicate_size=2)", []),
        ],
    )
    def test_accelerate(self, made: str, refused: list[tuple[str, str]]) -> None:
        program = f"""\
from accelerate import Accelerator, DeepSpeedPlugin, FullyShardedDataParallelPlugin
from accelerate.utils import BnbQuantizationConfig, ParallelismConfig
{START}made = {made}
config = LoraConfig(target_modules=["q_proj"], task_type="CAUSAL_LM")
"""
        assert [(finding.code, finding.confidence) for finding in found(program)] == refused

    def test_some_of_the_cases(self) -> None:
        text = f"{START}import sys\nstart = 'loftq' if sys.argv[1:] else True\n"
        assert [each.confidence for each in found(f"{text}config = LoraConfig(init_lora_weights=start)\n")] == [
            "likely"
        ]

    def test_the_other_settings_are_related(self) -> None:
        text = f"{START}config = LoraConfig(target_modules='.*q', layers_to_transform=[1])\n"
        (finding,) = found(text)
        assert text[finding.span.start : finding.span.end] == "[1]"
        assert [text[each.span.start : each.span.end] for each in finding.related] == ["'.*q'"]
        assert "PEFT 0.21.2" in finding.message and "tuners/lora/config.py:1041" in finding.message

    def test_an_older_version_that_does_not_refuse_it(self) -> None:
        text = f"{START}config = LoraConfig(target_modules=['q'], layers_pattern='layers')\n"
        old = '# /// script\n# dependencies = ["peft<0.13"]\n# ///\n'
        assert [each.code for each in found(text)] == ["LL904"]
        assert found(old + text) == []

    def test_another_rule_at_the_place_speaks_alone(self) -> None:
        assert of_config("LoraConfig(target_modules=['q'], target_parameters='experts')") == []


class TestFiles:
    LLAMAFACTORY = "model_name_or_path: Qwen/Qwen2.5-7B\nstage: sft\ndo_train: true\ndataset: mine\ntemplate: qwen\noutput_dir: o\n"
    AXOLOTL = "base_model: NousResearch/Llama-2-7b-hf\ndatasets: [{path: a/b, type: alpaca}]\nmicro_batch_size: 2\n"

    def of_llamafactory(self, text: str) -> list[tuple[str, str]]:
        return [(finding.code, finding.confidence) for finding in found(self.LLAMAFACTORY + text, "a.yaml")]

    def of_axolotl(self, text: str) -> list[tuple[str, str]]:
        return [(finding.code, finding.confidence) for finding in found(self.AXOLOTL + text, "a.yaml")]

    @pytest.mark.parametrize(
        ("text", "confidence"),
        [
            ("finetuning_type: full\nadapter_name_or_path: saves/a\n", "certain"),
            ("finetuning_type: full\nuse_rslora: true\n", "certain"),
            ("finetuning_type: full\nquantization_bit: 4\n", "certain"),
            ("finetuning_type: lora\nlora_rank: 8\nuse_galore: true\n", "certain"),
            ("finetuning_type: lora\nlora_rank: 8\nresize_vocab: true\nquantization_bit: 4\n", "certain"),
            ("finetuning_type: lora\nlora_rank: 8\nval_size: 0.1\neval_dataset: b\n", "certain"),
            ("finetuning_type: lora\nlora_rank: 8\nstage: ppo\n", "likely"),
            ("finetuning_type: lora\nlora_rank: 8\nstreaming: true\nmax_samples: 5\nmax_steps: 9\n", "certain"),
        ],
    )
    def test_llamafactory_refuses(self, text: str, confidence: str) -> None:
        assert self.of_llamafactory(text) == [("LL904", confidence)]

    @pytest.mark.parametrize(
        "text",
        [
            "finetuning_type: full\n",
            "finetuning_type: full\nuse_galore: true\nuse_rslora: false\n",
            "finetuning_type: lora\nlora_rank: 8\nquantization_bit: 4\nuse_dora: true\n",
            "finetuning_type: ${tuning}\nuse_rslora: true\n",
            "finetuning_type: lora\nlora_rank: 8\nval_size: 0.1\n",
            "finetuning_type: lora\nlora_rank: 8\nstage: ppo\nreward_model: saves/r\n",
            "finetuning_type: lora\nlora_rank: 8\nadapter_name_or_path: a, b\n",
        ],
    )
    def test_llamafactory_takes(self, text: str) -> None:
        assert self.of_llamafactory(text) == []

    @pytest.mark.parametrize(
        "text",
        [
            "load_in_4bit: true\n",
            "adapter: lora\nlora_r: 8\nflash_attn_fuse_mlp: true\n",
            "adapter: lora\nlora_r: 8\nload_in_8bit: true\nlora_mlp_kernel: true\n",
            "adapter: lora\nlora_r: 8\nrl: dpo\nsample_packing: true\n",
            "adapter: lora\nlora_r: 8\nwarmup_steps: 10\nwarmup_ratio: 0.1\n",
        ],
    )
    def test_axolotl_refuses(self, text: str) -> None:
        assert self.of_axolotl(text) == [("LL904", "certain")]

    @pytest.mark.parametrize(
        "text",
        [
            "load_in_4bit: false\n",
            "adapter: qlora\nlora_r: 8\nload_in_4bit: true\nload_in_8bit: false\n",
            "adapter: lora\nlora_r: 8\nload_in_4bit: true\nlora_mlp_kernel: true\n",
            "adapter: lora\nlora_r: 8\nwarmup_steps: 10\nwarmup_ratio:\n",
            "adapter: lora\nlora_r: 8\nrl: kto\nremove_unused_columns: false\n",
        ],
    )
    def test_axolotl_takes(self, text: str) -> None:
        assert self.of_axolotl(text) == []

    def test_axolotl_takes_groups_of_the_users_own_rows(self) -> None:
        group = "adapter: lora\nlora_r: 8\nrl: grpo\ngradient_accumulation_steps: 2\ntrl: {num_generations: 4}\n"
        text = self.AXOLOTL.replace("type: alpaca", "type: mine.rows") + group
        assert [finding.code for finding in found(text, "a.yaml")] == []

    @pytest.mark.parametrize(
        "text",
        [
            "adapter: qlora\nlora_r: 8\nload_in_8bit: true\n",
            "adapter: qlora\nlora_r: 8\nload_in_4bit: false\n",
            "adapter: qlora\nlora_r: 8\n",
        ],
    )
    def test_bits_that_qlora_does_not_have_are_an_invalid_value(self, text: str) -> None:
        kind: Any = "yaml"
        result = Checker(Settings()).check(Found("a.yaml", kind, (self.AXOLOTL + text).encode(), True))
        assert [each.code for each in result.findings if each.code in ("LL902", "LL904")] == ["LL902"]

    def test_options_of_a_command(self) -> None:
        text = "llamafactory-cli train --model_name_or_path Qwen/Qwen2.5-7B --dataset a --lora_rank 8 --pissa_init true"
        command = f"{text} --quantization_bit 4\n"
        kind: Any = "shell"
        result = Checker(Settings()).check(Found("a.sh", kind, command.encode(), True))
        assert [each.confidence for each in result.findings if each.code == "LL904"] == ["certain"]
        opened = Checker(Settings()).check(Found("a.sh", kind, f"{text} --stage kto $MORE\n".encode(), True))
        assert [each.confidence for each in opened.findings if each.code == "LL904"] == ["likely"]


@pytest.mark.torch
@hypothesis_settings(max_examples=200, deadline=None, derandomize=True)
@given(st.randoms(use_true_random=False))
def test_peft_refuses_what_is_reported_and_takes_the_rest(random: Random) -> None:
    assert compare_refusals.disagreement(compare_refusals.generated(random)) is None


@pytest.mark.torch
def test_peft_refuses_on_tiny_models_what_is_reported_and_takes_the_rest() -> None:
    result = compare_on_models.compared(40, 3)
    assert result["refused"] > 15 and result["disagreements"] == []


@pytest.mark.torch
@pytest.mark.parametrize("kind", compare_refusals.ARGUMENTS)
def test_arguments_are_refused_where_it_is_reported(kind: str) -> None:
    random, checker = Random(0), Checker(Settings())
    calls = [compare_refusals.generated(random, (kind,)) for _ in range(500)]
    assert [told for call in calls if (told := compare_refusals.disagreement(call, checker)) is not None] == []


@pytest.mark.torch
def test_accelerate_refuses_what_is_reported_and_takes_the_rest() -> None:
    result = compare_frameworks.compared("accelerate", 60)
    assert result["refused"] > 20 and result["disagreements"] == []


def test_a_wheel_has_all_rows() -> None:
    documents = refused_pack.documents()
    tables = {name: refusals.table(name) for name in refusals.tables()}
    further = {table.others: table for table in tables.values() if table is not None and table.others}
    assert documents.keys() == tables.keys() | further.keys()
    for name, table in tables.items():
        assert table is not None and refusals.table_in(documents[name]) == replace(table, undecided=())
    for module, table in further.items():
        assert table.rows.keys() < table.every().keys()
        assert {**table.rows, **refusals.rows_in(documents[module])} == table.every()


def test_every_framework_is_compared_with_its_newest_release() -> None:
    """Each table is a package or a commit of a repository, whose short form is in the table's docstring."""
    for name in refusals.tables():
        table = refusals.table(name)
        assert table is not None
        if name in list_refusals.REPOSITORIES:
            _, commit, _ = list_refusals.REPOSITORIES[name]
            module = import_module(f"lora_lint.frameworks.refused_by.{name}")
            assert commit[:7] in (module.__doc__ or "")
        else:
            assert re.fullmatch(r"\d+(\.\d+)+", table.version)


@pytest.mark.process
def test_a_commit_of_a_repository(tmp_path: Path) -> None:
    """The rows' commit and the newest one, from a repository on this machine."""
    git = ["git", "-C", str(tmp_path / "origin"), "-c", "user.name=a", "-c", "user.email=a@b"]
    (tmp_path / "origin" / "src").mkdir(parents=True)
    subprocess.run([*git, "init", "-q"], check=True)
    commits = []
    for number in (1, 2):
        (tmp_path / "origin" / "src" / "a.py").write_text(f"raise ValueError('LoRA {number}')\n", encoding="utf-8")
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run([*git, "commit", "-qm", "a"], check=True)
        told = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
        commits.append(told.stdout.strip())
    known = {"kohya": ((tmp_path / "origin").as_posix(), commits[0], "src")}
    with mock.patch.multiple(list_refusals, REPOSITORIES=known, GITHUB=""):
        old = list_refusals.unpacked("kohya", "1", tmp_path / "old")
        new = list_refusals.unpacked("kohya", None, tmp_path / "new")
    assert list(list_refusals.statements(old)) == ["raise ValueError('LoRA 1')"]
    assert list(list_refusals.statements(new)) == ["raise ValueError('LoRA 2')"]
