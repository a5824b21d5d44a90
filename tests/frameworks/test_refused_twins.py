"""At least five refusals of every framework, each with an accepted twin: here for classes of programs, for axolotl and
LLaMA-Factory; the others are in `test_refused_files`, `test_refused_by_image_trainers` and `test_refused_by_trainers`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from lora_lint.discovery import Found
from lora_lint.frameworks import refusals
from lora_lint.linting import engine
from lora_lint.linting.checker import Checker
from lora_lint.settings import Settings
from tests.frameworks import test_refused_by_image_trainers, test_refused_by_trainers, test_refused_files

if TYPE_CHECKING:
    from pathlib import Path

LLAMA = "from transformers import AutoModelForCausalLM, BitsAndBytesConfig, Trainer, TrainingArguments\n"
BASES = {
    "peft": "from peft import *\nfrom peft import get_peft_model\nmodel = get_peft_model(model, {})\n",
    "transformers": f"from peft import LoraConfig, get_peft_model\n{LLAMA}"
    "model = AutoModelForCausalLM.from_pretrained('facebook/opt-125m')\n"
    "model = get_peft_model(model, LoraConfig(task_type='CAUSAL_LM', target_modules=['q_proj']))\n"
    "Trainer(model, args=TrainingArguments('o', {}), train_dataset=data, eval_dataset=held_out).train()\n",
    "trl": f"from peft import LoraConfig, get_peft_model\nfrom trl import *\nfrom trl import SFTTrainer\n{LLAMA}"
    "model = AutoModelForCausalLM.from_pretrained('facebook/opt-125m')\n"
    "model = get_peft_model(model, LoraConfig(task_type='CAUSAL_LM', target_modules=['q_proj']))\n"
    "{}Trainer(model, args={}Config('o', {}), train_dataset=data, eval_dataset=held_out).train()\n",
    "unsloth": "from unsloth import FastLanguageModel\n"
    "model, tokenizer = FastLanguageModel.from_pretrained('unsloth/Llama-3.2-1B', {})\n"
    "model = FastLanguageModel.get_peft_model(model, 16, {})\n",
    "llamafactory": "model_name_or_path: Qwen/Qwen2.5-7B\nlora_rank: 8\ndataset: mine\ntemplate: qwen\noutput_dir: o\n{}\n",
    "axolotl": "base_model: NousResearch/Llama-2-7b-hf\nadapter: lora\nlora_r: 8\nmicro_batch_size: 2\n{}\n",
}
DATA = "datasets: [{path: a/b, type: alpaca}]\n"
CHECKPOINTED = f"{DATA}gradient_checkpointing: true\n"
TRAIN = "do_train: true\nfinetuning_type: lora\n"
TWINS = [
    ("axolotl", f"{DATA.replace('alpaca', 'chat_template')}rl: grpo", f"{DATA.replace('alpaca', 'mine.rows')}rl: grpo"),
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
    *(
        ("peft", f"{owner}Config({key}={refused})", f"{owner}Config({key}={accepted})")
        for owner, key, refused, accepted in (
            *(("HRA", "r", 0, 8), ("LoHa", "r", -1, 8), ("RandLora", "r", 0, 8), ("Shira", "r", 0, 8)),
            *(("TinyLora", "u", 0, 8), ("UniLora", "unilora_dropout", 1.5, 1.0), ("Road", "group_size", 7, 64)),
            *(("Hira", "init_weights", "'pissa'", "'gaussian'"), ("Psoft", "psoft_svd", "'fast'", "'full'")),
        )
    ),
    (
        "transformers",
        "optim='galore_adamw'",
        "optim='galore_adamw', optim_target_modules=['attn']",
    ),
    (
        "transformers",
        "optim='apollo_adamw_layerwise', optim_target_modules='all-linear', gradient_accumulation_steps=4",
        "optim='apollo_adamw', optim_target_modules='all-linear', gradient_accumulation_steps=4",
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
    *(
        (
            "llamafactory",
            f"do_train: true\nfinetuning_type: oft\n{key}: true",
            f"do_train: true\nfinetuning_type: oft\n{key}: false",
        )
        for key in ("use_kt", "use_unsloth")
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
    (
        "axolotl",
        f"{DATA}qat: {{activation_dtype: int8}}",
        f"{DATA}qat: {{weight_dtype: int4, activation_dtype: int8}}",
    ),
    ("axolotl", f"{DATA}qat: {{fake_quant_after_n_steps: 9}}", f"{DATA}qat: {{weight_dtype: int4}}"),
    ("axolotl", f"{DATA}qat: {{weight_dtype: nvfp4}}", f"{DATA}qat: {{weight_dtype: nvfp4, group_size: 16}}"),
    (
        "axolotl",
        f"{DATA}qat: {{weight_dtype: nvfp4, activation_dtype: int8, group_size: 16}}",
        f"{DATA}qat: {{weight_dtype: nvfp4, activation_dtype: nvfp4, group_size: 16}}",
    ),
    ("axolotl", f"{DATA}qat: {{weight_dtype: mxfp4, group_size: 16}}", f"{DATA}qat: {{weight_dtype: mxfp4}}"),
    ("axolotl", f"{DATA}qat: {{weight_dtype: fp8}}", f"{DATA}qat: {{weight_dtype: fp8, activation_dtype: float8}}"),
    (
        "axolotl",
        f"{DATA}qat: {{weight_dtype: int4, activation_dtype: mxfp4}}",
        f"{DATA}qat: {{weight_dtype: int4, activation_dtype: fp8}}",
    ),
    (
        "axolotl",
        f"{CHECKPOINTED}lora_qkv_kernel: true\nselective_checkpointing: {{save: [attention, mm]}}",
        f"{CHECKPOINTED}lora_qkv_kernel: false\nselective_checkpointing: {{save: [attention, mm]}}",
    ),
    (
        "axolotl",
        f"{CHECKPOINTED}lora_o_kernel: true\nselective_checkpointing: {{save_matmul_min_k: 64}}",
        f"{CHECKPOINTED}lora_o_kernel: false\nselective_checkpointing: {{save_matmul_min_k: 64}}",
    ),
    (
        "axolotl",
        f"{CHECKPOINTED}lora_mlp_kernel: true\nselective_checkpointing: {{save_modules: [down_proj]}}",
        f"{CHECKPOINTED}lora_mlp_kernel: true\nselective_checkpointing: {{save_modules: [o_proj]}}",
    ),
    (
        "axolotl",
        f"{CHECKPOINTED}lora_mlp_kernel: true\nselective_checkpointing: {{save_modules: [layers]}}",
        f"{CHECKPOINTED}selective_checkpointing: {{save_modules: [layers]}}\nlora_mlp_kernel: false",
    ),
    ("axolotl", f"{DATA}lora_target_modules: ['q_proj(']", f"{DATA}lora_target_modules: ['q_proj$']"),
    (
        "axolotl",
        f"{DATA}deepspeed: z2.json\ncontext_parallel_size: 2\nrl: dpo",
        f"{DATA}deepspeed: z2.json\ncontext_parallel_size: 1\nrl: dpo",
    ),
    (
        "axolotl",
        f"{DATA}deepspeed: z2.json\ncontext_parallel_size: 2\ncontext_parallel: {{backend: ring}}",
        f"{DATA}deepspeed: z2.json\ncontext_parallel_size: 2\ncontext_parallel: {{backend: auto}}",
    ),
    (
        "axolotl",
        f"{DATA}export: {{quantize: [Q4_K_M], outtype: q8_0}}",
        f"{DATA}export: {{quantize: [Q4_K_M], outtype: f16}}",
    ),
    (
        "axolotl",
        f"{DATA}export: {{quantize: [Q4_K_M], outfile: a.gguf}}",
        f"{DATA}export: {{quantize: [Q4_K_M], outfile: 'a-{{ftype}}.gguf'}}",
    ),
    ("axolotl", f"{DATA}warmup_steps: 0.1", f"{DATA}warmup_steps: 10"),
    ("axolotl", f"{DATA}tokens: {{pad_token: '<pad>'}}", f"{DATA}special_tokens: {{pad_token: '<pad>'}}"),
    (
        "axolotl",
        f"{DATA}base_model: tiiuae/falcon-7b\nfsdp_config: {{offload_params: false}}",
        f"{DATA}base_model: a/b\nfsdp_config: {{offload_params: false}}",
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


LIKELY = [
    (
        "llamafactory",
        f"{TRAIN}model_name_or_path: OpenGVLab/InternVL3-8B\ntemplate: intern_vl",
        f"{TRAIN}model_name_or_path: OpenGVLab/InternVL3-8B-hf\ntemplate: intern_vl",
    ),
    ("llamafactory", f"{TRAIN}eval_strategy: steps", f"{TRAIN}eval_strategy: steps\neval_dataset_size: 0.1"),
    *(
        (
            "axolotl",
            f"{DATA}fsdp_version: 2\nfsdp_config: {{{key}: FULL_SHARD}}",
            f"{DATA}fsdp_version: 2\nfsdp_config: {{reshard_after_forward: true}}",
        )
        for key in ("sharding_strategy", "fsdp_sharding_strategy")
    ),
    (
        "axolotl",
        f"{CHECKPOINTED}selective_checkpointing: {{save_modules: [q_proj]}}",
        f"{CHECKPOINTED}selective_checkpointing: {{save_modules: [q_proj]}}\nlora_qkv_kernel: false",
    ),
    ("axolotl", f"{DATA}adapter: dora", f"{DATA}adapter: dora\nplugins: [mine.DoraPlugin]"),
    (
        "llamafactory",
        "model_name_or_path: a/b-GPTQ-Int4\ndo_train: true\nfinetuning_type: full",
        "model_name_or_path: a/b-GPTQ-Int4\ndo_train: true\nfinetuning_type: lora",
    ),
]
"""Settings that are refused as far as names and files say, and others that are accepted."""


@pytest.mark.parametrize(("framework", "refused", "accepted"), LIKELY)
def test_a_likely_refusal_and_its_twin(framework: str, refused: str, accepted: str) -> None:
    assert found(framework, refused) == [("LL904", "likely")]
    assert found(framework, accepted) == []


@pytest.mark.parametrize(("version", "expected"), [("0.10.0", []), ("0.14.0", ["LL904"])])
def test_what_an_older_release_does_not_refuse(tmp_path: Path, version: str, expected: list[str]) -> None:
    """OFT has blocks since 0.14."""
    (tmp_path / "requirements.txt").write_text(f"peft=={version}\n")
    (tmp_path / "a.py").write_text(text("peft", "OFTConfig(r=8, target_modules=['q_proj'])"))
    findings = engine.lint([str(tmp_path / "a.py")], Settings()).findings
    assert [each.code for each in findings if each.code == "LL904"] == expected


@pytest.mark.parametrize(
    ("trainer", "settings", "version", "refused"),
    [
        ("KTO", "use_liger_loss=True", "0.19.0", True),
        ("KTO", "use_liger_kernel=True", "0.25.0", True),
        ("KTO", "use_liger_kernel=True", "0.26.0", False),
        ("DPO", "use_liger_loss=True, loss_type='ipo'", "0.21.0", True),
        ("DPO", "use_liger_loss=True, loss_type='sigmoid'", "0.21.0", False),
        ("DPO", "use_liger_kernel=True", "1.2.0", True),
        ("DPO", "use_liger_kernel=True", "0.27.0", False),
        ("DPO", "sync_ref_model=True, precompute_ref_log_probs=True", "0.23.0", True),
        ("GRPO", "use_liger_loss=True, delta=1.5", "0.19.0", True),
        ("GRPO", "use_liger_kernel=True, delta=1.5", "1.4.0", False),
        ("GRPO", "use_liger_kernel=True, top_entropy_quantile=0.2", "0.27.0", True),
        ("GRPO", "use_liger_kernel=True, importance_sampling_level='sequence'", "0.27.0", True),
        ("GRPO", "use_liger_kernel=True, importance_sampling_level='sequence'", "1.0.0", False),
    ],
)
def test_what_only_older_releases_of_trl_refuse(
    tmp_path: Path, trainer: str, settings: str, version: str, refused: bool
) -> None:
    (tmp_path / "requirements.txt").write_text(f"trl=={version}\n")
    (tmp_path / "a.py").write_text(text("trl", f"{trainer}: {settings}"))
    findings = engine.lint([str(tmp_path / "a.py")], Settings(select=("LL904",))).findings
    assert len([each for each in findings if each.code == "LL904"]) == refused


SERVED = "model_name_or_path: a/b\ntemplate: qwen\ninfer_backend: {}\nadapter_name_or_path: {}\n"


@pytest.mark.parametrize(
    ("backend", "adapters", "more", "refused"),
    [
        ("vllm", "saves/a", "stage: dpo", True),
        ("huggingface", "saves/a", "stage: dpo", False),
        ("vllm", "saves/a,saves/b", "", True),
        ("vllm", "saves/a", "", False),
        ("vllm", "saves/a", "quantization_bit: 4", True),
        ("huggingface", "saves/a", "quantization_bit: 4", False),
    ],
)
def test_an_adapter_that_is_served(backend: str, adapters: str, more: str, refused: bool) -> None:
    """Its run is left out where nothing is known of the training, but not its settings."""
    kind: Any = "yaml"
    result = Checker(Settings()).check(Found("a.yaml", kind, (SERVED.format(backend, adapters) + more).encode(), True))
    assert [each.code for each in result.findings] == ["LL904"] * refused


def test_options_of_fsdp_1_are_dropped() -> None:
    options = "fsdp_config: {use_orig_params: true, limit_all_gathers: true}"
    assert found("axolotl", f"{DATA}fsdp_version: 2\n{options}") == [("LL905", "certain")]
    assert found("axolotl", f"{DATA}fsdp: [full_shard]\n{options}") == [("LL904", "likely")]


@pytest.mark.parametrize("key", ["predict_with_generate", "pissa_init", "pure_bf16", "use_unsloth", "use_kt"])
@pytest.mark.parametrize(
    ("stage", "config", "expected"),
    [
        (3, "ds.json", ["certain"]),
        (2, "ds.json", []),
        (None, "ds_z3.json", ["likely"]),
        (None, "ds_z2.json", []),
    ],
)
def test_what_a_sharded_model_cannot_do(
    tmp_path: Path, key: str, stage: int | None, config: str, expected: list[str]
) -> None:
    if stage is not None:
        (tmp_path / config).write_text(f'{{"zero_optimization": {{"stage": {stage}}}}}')
    file = tmp_path / "a.yaml"
    file.write_text(text("llamafactory", f"{TRAIN}val_size: 0.1\ndeepspeed: {config}\n{key}: true"))
    findings = engine.lint([str(file)], Settings()).findings
    assert [each.confidence for each in findings if each.code == "LL904"] == expected


OTHERS = {
    "areal",
    "nemo_automodel",
    "minicpm_v_finetune",
    "nemo_rl",
    "openrlhf",
    "prime_rl",
    "qlora_pipe",
    "qlora_pipe_lite",
    "qwen_vl_series",
    "skyrl",
    "sglang",
    "vllm",
}
"""Frameworks with a module of tests for all of their few rows."""
FEW = {
    *("areal", "firefly", "fireworks", "internvl_chat", "keras_hub", "loralib", "mlx_tune", "mlx_vlm", "nemo_rl"),
    *("minicpm_v_finetune", "nova", "qwen_vl_finetune", "qwen_vl_series", "sglang", "tinker", "training_hub", "vllm"),
    "wandb",
}
"""Frameworks whose sources refuse less than five settings that a file decides."""


def refused(framework: str) -> int:
    """The number of rows of a framework that are refused."""
    table = refusals.table(framework)
    assert table is not None
    return sum(not row.ignored for rows in table.rows.values() for row in rows)


def test_the_sources_that_refuse_less() -> None:
    assert {name for name in refusals.tables() if refused(name) < 5} == FEW


def test_every_framework_has_five() -> None:
    counted = Counter(name for name, *_ in TWINS)
    counted.update(name for name, *_ in test_refused_files.REFUSED)
    counted.update(name.partition(":")[0] for name, *_ in test_refused_by_image_trainers.REFUSED)
    others = (*test_refused_by_trainers.REFUSED, *test_refused_by_trainers.MISSING)
    counted.update(name.partition(":")[0].removesuffix("_command") for name, *_ in others)
    assert {name for name in refusals.tables() if counted[name] < min(5, refused(name))} == OTHERS
