"""What further trainers refuse, in files, commands and programs: each refusal beside one that differs in little, and
that is accepted."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from lora_lint.discovery import Found
from lora_lint.frameworks import refusals
from lora_lint.linting.checker import Checker
from lora_lint.settings import Settings

BASES = {
    "llamafactory_v1": "model: Qwen/Qwen3-8B\npeft_config: {{name: lora, r: 8{peft}}}\ntrain_dataset: d.yaml\n{}\n",
    "easyr1": "data: {{{data}}}\nalgorithm: {{{algorithm}}}\ntrainer: {{n_gpus_per_node: 8{trainer}}}\nworker:\n"
    "  rollout: {{seed: 1{rollout}}}\n  actor: {{model: {{model_path: a/b, lora: {{rank: 8{lora}}}}}{actor}}}\n",
    "roll": "pretrain: a/b\nactor_train: {{model_args: {{lora_target: q_proj, lora_rank: 8, lora_alpha: 16}}}}\n{}\n",
    "open_instruct": "model_name_or_path: a/b\nuse_lora: true\nlora_rank: 8\n{}\n",
    "lerobot": "lerobot-train --policy.path=a/b --policy.repo_id=me/b --peft.method_type=LORA --peft.r=8 {}\n",
    "diffusers_examples": "accelerate launch train_dreambooth_lora_{}.py --pretrained_model_name_or_path a/b --rank 8 "
    "--instance_data_dir d --instance_prompt p {}\n",
    "megatron_bridge": "from megatron.bridge.peft.lora import LoRA\nfrom megatron.bridge.peft.dora import DoRA\n"
    "from megatron.bridge.peft.canonical_lora import CanonicalLoRA\nfrom megatron.bridge.training.config import *\n"
    "from megatron.bridge.training.config import CheckpointConfig, ProfilingConfig, SchedulerConfig, TrainingConfig\n"
    "peft = LoRA(dim=8, alpha=16)\nmore = {}\n",
    "adapter_hub": "from adapters import AutoAdapterModel, BnConfig, LoRAConfig\n"
    "model = AutoAdapterModel.from_pretrained('roberta-base')\nmodel.add_adapter('a', config={})\n",
}
KINDS = {"lerobot": "shell", "diffusers_examples": "shell", "megatron_bridge": "python", "adapter_hub": "python"}
PLACES = {"llamafactory_v1": ("peft",), "easyr1": ("data", "algorithm", "trainer", "rollout", "lora", "actor")}
"""The places in a base that have names."""
REFUSED = [
    ("llamafactory_v1", "flash_attn: fa2", "flash_attn: flash_attention_2"),
    (
        "llamafactory_v1",
        "batching_strategy: dynamic_batching\nmax_steps: 9\nsave_epochs: 1",
        "batching_strategy: dynamic_batching\nmax_steps: 9\nsave_steps: 1",
    ),
    (
        "llamafactory_v1",
        "batching_strategy: padding_free",
        "batching_strategy: padding_free\nflash_attn: flash_attention_2",
    ),
    (
        "llamafactory_v1",
        "dist_config: {name: fsdp2, cp_size: 2}",
        "dist_config: {name: fsdp2, cp_size: 2}\nflash_attn: flash_attention_2",
    ),
    (
        "llamafactory_v1",
        "flash_attn: flash_attention_2\ndist_config: {name: deepspeed, config_file: d.json, cp_size: 2}",
        "flash_attn: flash_attention_2\ndist_config: {name: deepspeed, config_file: d.json, cp_size: 1}",
    ),
    ("llamafactory_v1", "dist_config: {name: deepspeed}", "dist_config: {name: deepspeed, config_file: d.json}"),
    ("llamafactory_v1", "init_config: {name: init_on_meta}", "init_config: {name: init_on_rank0}"),
    ("llamafactory_v1", "global_batch_size: 9\nmicro_batch_size: 2", "global_batch_size: 8\nmicro_batch_size: 2"),
    ("llamafactory_v1", "quant_config: {quantization_bit: 4}", "quant_config: {name: bnb, quantization_bit: 4}"),
    ("llamafactory_v1", "peft: , adapter_name_or_path: [a, b]", "peft: , adapter_name_or_path: [a]"),
    ("easyr1", "rollout: , n: 1", "rollout: , n: 2"),
    ("easyr1", "algorithm: kl_type: none", "algorithm: kl_type: fixed"),
    (
        "easyr1",
        "algorithm: kl_type: adaptive, kl_horizon: 0",
        "algorithm: kl_type: adaptive, kl_horizon: 100",
    ),
    ("easyr1", "algorithm: kl_penalty: k3", "algorithm: kl_penalty: low_var_kl"),
    ("easyr1", "actor: , optim: {strategy: sgd}", "actor: , optim: {strategy: adamw_bf16}"),
    ("easyr1", "actor: , optim: {lr_scheduler_type: linear}", "actor: , optim: {lr_scheduler_type: cosine}"),
    ("easyr1", "lora: , target_modules: [q_proj]", "lora: , target_modules: q_proj"),
    ("easyr1", "trainer: , load_checkpoint_path: out", "trainer: , load_checkpoint_path: out/global_step_9"),
    (
        "roll",
        "actor_infer: {strategy_args: {strategy_name: hf_infer}}",
        "actor_infer: {strategy_args: {strategy_name: vllm}}",
    ),
    (
        "roll",
        "async_generation_ratio: 1\ngenerate_opt_level: 0",
        "async_generation_ratio: 1\ngenerate_opt_level: 1",
    ),
    (
        "roll",
        "async_generation_ratio: 0.5\nrewards: {math: {tag_included: [a]}}",
        "async_generation_ratio: 1\nrewards: {math: {tag_included: [a]}}",
    ),
    ("roll", "profiler_timeline: true\nprofiler_memory: true", "profiler_timeline: true\nprofiler_memory: false"),
    (
        "roll",
        "is_pure_opd: true\nuse_opd: true\nteacher: {a: 1}",
        "is_pure_opd: true\nuse_opd: false\nteacher: {a: 1}",
    ),
    (
        "roll",
        "rollout_batch_size: 12\ntrain_env_manager: {group_size: 8}",
        "rollout_batch_size: 16\ntrain_env_manager: {group_size: 8}",
    ),
    (
        "roll",
        "val_batch_size: 12\nval_env_manager: {num_env_groups: 4, group_size: 4}",
        "val_batch_size: 16\nval_env_manager: {num_env_groups: 4, group_size: 4}",
    ),
    ("open_instruct", "dataset_name: a/b\ndataset_mixer: {a/b: 1.0}", "dataset_mixer: {a/b: 1.0}"),
    (
        "open_instruct",
        "final_lr_ratio: 0.1\nlr_scheduler_type: cosine",
        "final_lr_ratio: 0.1\nlr_scheduler_type: linear",
    ),
    ("open_instruct", "final_lr_ratio: 1.5", "final_lr_ratio: 0.5"),
    ("open_instruct", "zero_stage: 2\noffload_param: true", "zero_stage: 3\noffload_param: true"),
    ("open_instruct", "zero_stage: 4", "zero_stage: 3"),
    ("open_instruct", "packing: true\nconcatenated_forward: false", "packing: true\nconcatenated_forward: true"),
    ("open_instruct", "loss_type: ipo", "loss_type: wpo"),
    ("open_instruct", "dataset_mixer_list: [a/b, '1.0', c/d]", "dataset_mixer_list: [a/b, '1.0', c/d, '1.0']"),
    (
        "open_instruct",
        "dataset_mixer_list: [a/b, '1.0']\ndataset_mixer_list_splits: [train, test]",
        "dataset_mixer_list: [a/b, '1.0']\ndataset_mixer_list_splits: [train]",
    ),
    ("lerobot", "--parallelism.dp_shard=4", "--parallelism.dp_replicate=4"),
    ("lerobot", "--ema.enable=true", "--ema.enable=false"),
    ("lerobot", "--accelerator.mixed_precision=fp32", "--accelerator.mixed_precision=bf16"),
    ("lerobot", "--policy.type=smolvla", "--policy.device=cuda"),
    ("lerobot", "--dataset.repo_type=bucket", "--dataset.repo_type=bucket --dataset.streaming=true"),
    (
        "lerobot",
        "--dataset.repo_type=bucket --dataset.streaming=true --dataset.eval_split=0.1",
        "--dataset.streaming=true --dataset.eval_split=0.1",
    ),
    ("lerobot", "--eval.recording_repo_id=a/b", "--eval.recording_repo_id=a/b --eval.recording=true"),
    ("lerobot", "--dataset.eval_split=1.0", "--dataset.eval_split=0.2"),
    ("diffusers_examples:flux", "--dataset_name a/b", "--max_train_steps 500"),
    ("diffusers_examples:flux", "--report_to wandb --hub_token t", "--report_to tensorboard --hub_token t"),
    ("diffusers_examples:sdxl", "--do_edm_style_training --snr_gamma 5.0", "--do_edm_style_training"),
    (
        "diffusers_examples:flux2",
        "--do_fp8_training --bnb_quantization_config_path q.json",
        "--bnb_quantization_config_path q.json",
    ),
    ("diffusers_examples:flux", "--mixed_precision fp32", "--mixed_precision bf16"),
    (
        "diffusers_examples:flux_advanced",
        "--train_text_encoder --train_text_encoder_ti",
        "--train_text_encoder_ti",
    ),
    (
        "diffusers_examples:flux_advanced",
        "--train_text_encoder_ti --train_transformer_frac 0.5 --train_text_encoder_ti_frac 0.5",
        "--train_text_encoder_ti --train_transformer_frac 0.5 --train_text_encoder_ti_frac 1.0",
    ),
    ("megatron_bridge", "DoRA(dim=8, dropout_position='post')", "DoRA(dim=8, dropout_position='pre')"),
    (
        "megatron_bridge",
        "CanonicalLoRA(dim=8, target_modules=['linear_qkv'])",
        "CanonicalLoRA(dim=8, target_modules=['linear_q'])",
    ),
    (
        "megatron_bridge",
        "CanonicalLoRA(dim=8, target_modules=['linear_fc1'])",
        "CanonicalLoRA(dim=8, target_modules=['linear_fc1_up'])",
    ),
    (
        "megatron_bridge",
        "LoRA(dim=8, exclude_modules=['linear_fc2'])",
        "LoRA(dim=8, target_modules=[], exclude_modules=['linear_fc2'])",
    ),
    (
        "megatron_bridge",
        "LoRA(dim=8, lora_A_init_method='uniform')",
        "LoRA(dim=8, lora_A_init_method='kaiming')",
    ),
    ("adapter_hub", "LoRAConfig(r=8, composition_mode='scale')", "LoRAConfig(r=1, composition_mode='scale')"),
    ("adapter_hub", "LoRAConfig(r=8, composition_mode='multiply')", "LoRAConfig(r=8, composition_mode='add')"),
    ("adapter_hub", "LoRAConfig(r=8, init_weights='gaussian')", "LoRAConfig(r=8, init_weights='bert')"),
    (
        "adapter_hub",
        "LoRAConfig(r=1, composition_mode='scale', dropout=0.1)",
        "LoRAConfig(r=1, composition_mode='add', dropout=0.1)",
    ),
    (
        "adapter_hub",
        "LoRAConfig(r=1, composition_mode='scale', use_dora=True)",
        "LoRAConfig(r=1, composition_mode='add', use_dora=True)",
    ),
    ("adapter_hub", "BnConfig(scaling=4)", "BnConfig(scaling=4.0)"),
]
"""Settings that are refused for certain, and others that are not."""
MISSING = [
    ("llamafactory_v1", "batching_strategy: dynamic_batching", "batching_strategy: dynamic_batching\nmax_steps: 9"),
    ("easyr1", "data: rollout_batch_size: 300", "data: rollout_batch_size: 512"),
    ("easyr1", "rollout: , tensor_parallel_size: 3", "rollout: , tensor_parallel_size: 4"),
    (
        "easyr1",
        "actor: , micro_batch_size_per_device_for_update: 3",
        "actor: , micro_batch_size_per_device_for_update: 8",
    ),
    ("roll", "val_prompt_length: 9", "val_prompt_length: 9\nval_sequence_length: 99"),
    ("open_instruct", "push_to_hub: false", "push_to_hub: false\ntry_launch_beaker_eval_jobs: false"),
    ("lerobot", "--eval_steps=100", "--eval_steps=100 --dataset.eval_split=0.1"),
    (
        "diffusers_examples:flux",
        "--with_prior_preservation --class_prompt p",
        "--with_prior_preservation --class_prompt p --class_data_dir c",
    ),
    (
        "megatron_bridge",
        "SchedulerConfig(lr_warmup_fraction=0.1, lr_warmup_iters=9)",
        "SchedulerConfig(lr_warmup_iters=9)",
    ),
    ("megatron_bridge", "TrainingConfig(train_iters=9, num_epochs=1)", "TrainingConfig(num_epochs=1)"),
]
"""Settings that are refused unless something else gives, or changes, what they need."""
IGNORED = [
    ("diffusers_examples:flux", "--optimizer prodigy --use_8bit_adam", "--optimizer adamw --use_8bit_adam"),
    ("diffusers_examples:flux", "--class_data_dir c", "--with_prior_preservation --class_prompt p --class_data_dir c"),
    (
        "diffusers_examples:flux",
        "--train_text_encoder --optimizer prodigy --text_encoder_lr 1e-5",
        "--train_text_encoder --optimizer adamw --text_encoder_lr 1e-5",
    ),
]
"""Settings that are accepted, and that some other setting leaves without effect."""


def text(framework: str, settings: str) -> str:
    """What is given to a framework, for the script that stands after its name: settings for one of PLACES, or else for
    the top."""
    name, _, script = framework.partition(":")
    place, _, given = settings.partition(": ")
    places = dict.fromkeys(PLACES.get(name, ()), "")
    if place in places:
        return BASES[name].format("", **{**places, place: given})
    return BASES[name].format(*([script] if script else []), settings, **places)


def found(framework: str, settings: str) -> list[tuple[str, str]]:
    kind: Any = KINDS.get(framework.partition(":")[0], "yaml")
    suffix = {"shell": "sh", "python": "py", "yaml": "yaml"}[kind]
    given = text(framework, settings).encode()
    result = Checker(Settings()).check(Found(f"a.{suffix}", kind, given, True))
    return [(each.code, each.confidence) for each in result.findings if each.code in ("LL902", "LL904", "LL905")]


@pytest.mark.parametrize(("framework", "refused", "accepted"), REFUSED)
def test_refused(framework: str, refused: str, accepted: str) -> None:
    assert found(framework, refused) == [("LL904", "certain")]
    assert found(framework, accepted) == []


@pytest.mark.parametrize(("framework", "refused", "accepted"), MISSING)
def test_refused_where_nothing_else_is_given(framework: str, refused: str, accepted: str) -> None:
    assert found(framework, refused) == [("LL904", "likely")]
    assert found(framework, accepted) == []


@pytest.mark.parametrize(("framework", "ignored", "accepted"), IGNORED)
def test_ignored(framework: str, ignored: str, accepted: str) -> None:
    assert [code for code, _ in found(framework, ignored)] == ["LL905"]
    assert found(framework, accepted) == []


@pytest.mark.parametrize("framework", BASES)
def test_there_are_enough(framework: str) -> None:
    table = refusals.table(framework)
    assert table is not None
    counted = Counter(name.partition(":")[0] for name, *_ in REFUSED)
    assert counted[framework] >= min(5, sum(not row.ignored for rows in table.rows.values() for row in rows))
