"""What frameworks refuse in their files: each refusal beside a file that differs in little, and that is accepted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lora_lint.discovery import Found
from lora_lint.frameworks import refusals
from lora_lint.knowledge.versions import number
from lora_lint.linting import engine
from lora_lint.linting.checker import Checker
from lora_lint.settings import Settings
from scripts.generate_refusal_versions import OUTPUT

if TYPE_CHECKING:
    from pathlib import Path

LLAMA = "model: {_component_: torchtune.models.llama3_2.lora_llama3_2_1b, lora_attn_modules: [q_proj], lora_rank: 8}\n"
COSINE = "lr_schedule: {name: cosine_decay, arguments: [1e-5, 1000]}\n"
FINETUNE = "trainer: {type: finetune}\n"
MERGED = "adapter: {type: lora, postprocessor: {merge_adapter_into_base_model: true}}\n"


def verl(more: str = "") -> str:
    return f"actor_rollout_ref: {{model: {{path: a/b, lora_rank: 8}}, {more}}}\n".replace(", }", "}")


def ludwig(output: str = "text") -> str:
    return f"input_features: [{{name: x, type: text}}]\noutput_features: [{{name: y, type: {output}}}]\n"


BASES = {
    "ms_swift": "model: Qwen/Qwen2.5-7B-Instruct\ntuner_type: lora\nlora_rank: 8\ndataset: [a/b]\n",
    "litgpt": "checkpoint_dir: checkpoints/Qwen/Qwen2.5-7B\nlora_r: 8\nlora_query: true\nprecision: bf16-true\n",
    "mlx_lm": "model: Qwen/Qwen2.5-7B-Instruct\nfine_tune_type: lora\ntrain: true\nnum_layers: 8\n",
    "torchtune": "tokenizer: {_component_: torchtune.models.llama3.llama3_tokenizer, path: /t}\nseed: 1\n",
    "verl": "trainer: {n_gpus_per_node: 8, nnodes: 1}\n",
    "ludwig": "model_type: llm\nbase_model: Qwen/Qwen2.5-7B\n# an adapter\n",
    "accelerate": "compute_environment: LOCAL_MACHINE\nnum_machines: 1\nnum_processes: 4\n",
}
MULTI, FSDP = "distributed_type: MULTI_GPU\n", "distributed_type: FSDP\nfsdp_config:\n"
ZERO = "distributed_type: DEEPSPEED\ndeepspeed_config:\n"
REFUSED = [
    ("accelerate", "distributed_type: TPU\n", "distributed_type: XLA\n"),
    ("accelerate", f"{MULTI}mixed_precision: no\n", f"{MULTI}mixed_precision: 'no'\n"),
    ("accelerate", f"{MULTI}mixed_precision: bfloat16\n", f"{MULTI}mixed_precision: bf16\n"),
    ("accelerate", f"{MULTI}gpu_ids: 0\n", f"{MULTI}gpu_ids: 0,1\n"),
    ("accelerate", f"{MULTI}gpu_ids: '0'\n", "distributed_type: 'NO'\ngpu_ids: '0'\n"),
    (
        "accelerate",
        f"{MULTI}dynamo_config: {{dynamo_backend: triton}}\n",
        f"{MULTI}dynamo_config: {{dynamo_backend: INDUCTOR}}\n",
    ),
    (
        "accelerate",
        f"{FSDP}  fsdp_sync_module_states: false\n",
        f"{FSDP}  fsdp_sync_module_states: false\n  fsdp_cpu_ram_efficient_loading: false\n",
    ),
    (
        "accelerate",
        f"{FSDP}  fsdp_version: 2\n  fsdp_reshard_after_forward: FULL_SHARD\n",
        f"{FSDP}  fsdp_version: 2\n  fsdp_reshard_after_forward: true\n",
    ),
    (
        "accelerate",
        f"{FSDP}  fsdp_version: 2\n  fsdp_state_dict_type: LOCAL_STATE_DICT\n",
        f"{FSDP}  fsdp_version: 1\n  fsdp_state_dict_type: LOCAL_STATE_DICT\n",
    ),
    (
        "accelerate",
        f"{FSDP}  fsdp_auto_wrap_policy: TRANSFORMER\n",
        f"{FSDP}  fsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP\n",
    ),
    (
        "accelerate",
        f"{FSDP}  fsdp_activation_checkpointing_offload: true\n  fsdp_version: 2\n",
        f"{FSDP}  fsdp_activation_checkpointing_offload: true\n  fsdp_version: 2\n"
        "  fsdp_activation_checkpointing: true\n",
    ),
    (
        "accelerate",
        f"{ZERO}  deepspeed_config_file: ds.json\n  zero_stage: 3\n  gradient_clipping: 1.0\n",
        f"{ZERO}  deepspeed_config_file: ds.json\n  zero3_init_flag: true\n",
    ),
    ("ms_swift", "quant_method: bnb\nquant_bits: 2\n", "quant_method: hqq\nquant_bits: 2\n"),
    ("ms_swift", "packing: true\nattn_impl: sdpa\n", "packing: true\nattn_impl: flash_attn\n"),
    ("ms_swift", "streaming: true\nmax_steps: 9\nlazy_tokenize: true\n", "streaming: true\nmax_steps: 9\n"),
    ("ms_swift", "fsdp: fsdp2\nsave_only_model: true\n", "fsdp: fsdp2\nsave_only_model: false\n"),
    ("ms_swift", "warmup_ratio: 0.1\nwarmup_steps: 10\n", "warmup_ratio: 0.1\nwarmup_steps: 0\n"),
    ("ms_swift", "rlhf_type: dpo\nref_model: c/d\n", "rlhf_type: grpo\nbeta: 0\nref_model: c/d\n"),
    (
        "ms_swift",
        "rlhf_type: kto\nloss_type: [kto]\nloss_weights: [1.0]\n",
        "rlhf_type: dpo\nloss_weights: [1.0, 1.0]\n",
    ),
    ("ms_swift", "rlhf_type: grpo\ntruncation_strategy: right\n", "rlhf_type: dpo\ntruncation_strategy: right\n"),
    (
        "ms_swift",
        "rlhf_type: grpo\nuse_liger_kernel: true\ndelta: 4.0\n",
        "rlhf_type: grpo\nuse_liger_kernel: false\ndelta: 4.0\n",
    ),
    ("ms_swift", "rlhf_type: orpo\nsequence_parallel_size: 2\n", "rlhf_type: dpo\nsequence_parallel_size: 2\n"),
    ("ms_swift", "adapters: [c/d, e/f]\n", "adapters: [c/d]\n"),
    (
        "ms_swift",
        "rlhf_type: grpo\nadvantage_estimator: gae\n",
        "rlhf_type: grpo\nadvantage_estimator: rloo\n",
    ),
    ("litgpt", "train: {max_norm: 1.0}\n", "train: {max_norm: null, max_steps: 100}\n"),
    ("litgpt", "train: {lr_warmup_steps: 0}\n", "train: {lr_warmup_steps: 1}\n"),
    ("litgpt", "quantize: bnb.nf4\nprecision: bf16-mixed\n", "quantize: bnb.nf4\nprecision: bf16-true\n"),
    ("litgpt", "quantize: bnb.nf4\ndevices: 2\n", "quantize: bnb.nf4\ndevices: auto\n"),
    (
        "litgpt",
        "quantize: bnb.nf4\noptimizer: SGD\n",
        "quantize: bnb.nf4\noptimizer: {class_path: torch.optim.AdamW}\n",
    ),
    (
        "litgpt",
        "devices: 8\ntrain: {global_batch_size: 16, micro_batch_size: 4}\n",
        "devices: 4\ntrain: {global_batch_size: 16, micro_batch_size: 4}\n",
    ),
    ("mlx_lm", "lr_schedule: cosine_decay\n", "lr_schedule: {name: cosine_decay, arguments: [1e-5, 1000]}\n"),
    (
        "mlx_lm",
        "lr_schedule: {name: cosine_decay}\n",
        "lr_schedule: {name: exponential_decay, arguments: [1e-5, 0.9]}\n",
    ),
    ("mlx_lm", "lr_schedule: {arguments: [1e-5, 9]}\n", "lr_schedule: {name: cosine_decay, arguments: [1e-5, 9]}\n"),
    (
        "mlx_lm",
        "lr_schedule: {name: step_decay, arguments: [1e-5, 0.9]}\n",
        "lr_schedule: {name: step_decay, arguments: [1e-5, 0.9, 10]}\n",
    ),
    ("mlx_lm", "fine_tune_type: lorra\n", "fine_tune_type: dora\n"),
    ("mlx_lm", "hf_dataset: {name: a/b}\n", "hf_dataset: {path: a/b}\n"),
    ("mlx_lm", "test: true\nhf_dataset: {path: a/b}\n", "test: true\nhf_dataset: {path: a/b, test_split: test}\n"),
    ("torchtune", f"{LLAMA}dtype: fp16\n", f"{LLAMA}dtype: bf16\n"),
    (
        "torchtune",
        f"{LLAMA}enable_activation_offloading: true\n",
        f"{LLAMA}enable_activation_offloading: true\nenable_activation_checkpointing: true\n",
    ),
    (
        "torchtune",
        f"{LLAMA}profiler: {{_component_: torch.profiler.profile}}\n",
        f"{LLAMA}profiler: {{_component_: torchtune.training.setup_torch_profiler}}\n",
    ),
    (
        "torchtune",
        LLAMA.replace("lora_rank", "apply_lora_to_output: true, lora_rank"),
        LLAMA.replace("lora_rank", "apply_lora_to_output: false, lora_rank"),
    ),
    (
        "torchtune",
        f"{LLAMA}dataset: {{_component_: torchtune.datasets.alpaca_dataset, packed: true}}\n",
        f"{LLAMA}dataset: {{_component_: torchtune.datasets.alpaca_dataset, packed: false}}\n",
    ),
    (
        "torchtune",
        f"{LLAMA}quantizer: {{_component_: torchtune.training.quantization.Int8DynActInt4WeightQATQuantizer}}\ncompile: true\n",
        f"{LLAMA}quantizer: {{_component_: torchtune.training.quantization.Int8DynActInt4WeightQATQuantizer}}\ncompile: false\n",
    ),
    (
        "torchtune",
        f"{LLAMA}checkpointer: {{_component_: torchtune.training.FullModelMetaCheckpointer, checkpoint_files: [a, b]}}\n",
        f"{LLAMA}checkpointer: {{_component_: torchtune.training.FullModelHFCheckpointer, checkpoint_files: [a, b]}}\n",
    ),
    (
        "verl",
        verl("actor: {ppo_micro_batch_size: 8, ppo_micro_batch_size_per_gpu: 1}"),
        verl("actor: {ppo_micro_batch_size: 8}"),
    ),
    ("verl", f"{verl()}data: {{train_batch_size: 128}}\n", f"{verl()}data: {{train_batch_size: 256}}\n"),
    (
        "verl",
        f"{verl()}data: {{train_batch_size: 1020}}\n",
        f"{verl('rollout: {n: 2}')}data: {{train_batch_size: 1020}}\n",
    ),
    ("verl", verl("rollout: {mode: sync}"), verl("rollout: {mode: async}")),
    (
        "verl",
        verl("rollout: {name: vllm, pipeline_model_parallel_size: 2}"),
        verl("rollout: {name: vllm, pipeline_model_parallel_size: 1}"),
    ),
    (
        "verl",
        verl("rollout: {log_prob_use_dynamic_bsz: true}"),
        verl("rollout: {log_prob_use_dynamic_bsz: true}, actor: {use_dynamic_bsz: true}"),
    ),
    ("ludwig", f"{ludwig()}adapter: {{type: lora}}\n", f"{ludwig()}adapter: {{type: lora}}\n{FINETUNE}"),
    (
        "ludwig",
        f"{ludwig()}{FINETUNE}quantization: {{bits: 4}}\n",
        f"{ludwig()}{FINETUNE}adapter: {{type: lora}}\nquantization: {{bits: 4}}\n",
    ),
    (
        "ludwig",
        f"{ludwig()}{FINETUNE}{MERGED}quantization: {{bits: 4}}\n",
        f"{ludwig()}{FINETUNE}{MERGED}quantization: {{bits: 8}}\n",
    ),
    ("ludwig", f"{ludwig(output='category')}{FINETUNE}", f"{ludwig(output='text')}{FINETUNE}"),
    ("ludwig", f"{ludwig()}prompt: {{template: a}}\n", f"{ludwig()}prompt: {{template: 'a {{x}}'}}\n"),
    (
        "ludwig",
        f"{ludwig()}prompt: {{template: 'a {{x}}', task: b}}\n",
        f"{ludwig()}prompt: {{template: '{{__task__}} {{x}}', task: b}}\n",
    ),
    (
        "ludwig",
        f"{ludwig()}trainer: {{type: finetune, batch_size: 3, effective_batch_size: 16}}\n",
        f"{ludwig()}trainer: {{type: finetune, batch_size: 4, effective_batch_size: 16}}\n",
    ),
]
"""Settings that are refused for certain, and others that are not."""
MISSING = [
    (
        "accelerate",
        f"mixed_precision: bf16\n{ZERO}  deepspeed_config_file: ds.json\n",
        f"mixed_precision: bf16\n{ZERO}  zero_stage: 2\n",
    ),
    ("ms_swift", "packing: true\n", "packing: false\n"),
    ("ms_swift", "rlhf_type: grpo\nuse_vllm: true\n", "rlhf_type: grpo\nuse_vllm: true\nvllm_mode: colocate\n"),
    ("ms_swift", "tuner_type: lorra\n", "tuner_type: lorra\nexternal_plugins: [tuner.py]\n"),
    ("ms_swift", "quant_method: bnb\n", "quant_method: fp8\n"),
    ("torchtune", f"{LLAMA}device: npu\ncompile: true\n", f"{LLAMA}device: npu\ncompile: false\n"),
    *(
        (
            "torchtune",
            f"{LLAMA}checkpointer: {{_component_: torchtune.training.FullModelHFCheckpointer}}\n{task}\n",
            f"{LLAMA}checkpointer: {{_component_: torchtune.training.FullModelHFCheckpointer}}\n{task}\n"
            "optimizer: {_component_: torch.optim.AdamW}\n",
        )
        for task in ("max_new_tokens: 300", "tasks: [truthfulqa_mc2]")
    ),
    ("verl", "actor_rollout_ref: {model: {lora_rank: 8}}\ntrainer: {resume_mode: resume_path}\n", verl()),
]
"""Settings that are refused unless a command line gives what they need."""
IGNORED = [
    (
        "accelerate",
        f"{FSDP}  fsdp_version: 2\n  fsdp_use_orig_params: true\n  fsdp_backward_prefetch: BACKWARD_PRE\n",
        f"{FSDP}  fsdp_version: 1\n  fsdp_use_orig_params: true\n  fsdp_backward_prefetch: BACKWARD_PRE\n",
    ),
    (
        "accelerate",
        f"{ZERO}  zero_stage: 2\n  zero3_init_flag: true\n",
        f"{ZERO}  zero_stage: 3\n  zero3_init_flag: true\n",
    ),
    ("ms_swift", "target_regex: .*q_proj\ntarget_modules: [v_proj]\n", "target_regex: .*q_proj\n"),
    ("ms_swift", "val_dataset: [c/d]\nsplit_dataset_ratio: 0.1\n", "val_dataset: [c/d]\nsplit_dataset_ratio: 0\n"),
    ("ms_swift", "rlhf_type: dpo\nteacher_model: c/d\n", "rlhf_type: gkd\nteacher_model: c/d\n"),
    ("litgpt", "train: {min_lr: 1e-5}\n", "train: {min_lr: 6.0e-5}\n"),
    ("mlx_lm", f"{COSINE}learning_rate: 1e-4\n", f"{COSINE}learning_rate: 1e-5\n"),
    ("mlx_lm", "hf_dataset: {path: a/b}\ndata: d\n", "data: d\n"),
    (
        "mlx_lm",
        "optimizer_config: {adamw: {weight_decay: 0.1}}\n",
        "optimizer: adamw\noptimizer_config: {adamw: {weight_decay: 0.1}}\n",
    ),
    (
        "torchtune",
        f"{LLAMA}checkpointer: {{_component_: torchtune.training.FullModelHFCheckpointer, adapter_checkpoint: a}}\n",
        f"{LLAMA}resume_from_checkpoint: true\ncheckpointer: {{_component_: torchtune.training.FullModelHFCheckpointer, adapter_checkpoint: a}}\n",
    ),
]
"""Settings that are accepted, and that some other setting leaves without effect."""
OTHERS = [
    ("torchtune", "model: {_component_: torchtune.models.llama3.llama3_8b}\ndtype: fp16\n"),
    ("verl", "model: {path: a/b, lora_rank: 8}\ndata: {train_batch_size: 128, train_files: c}\ntrainer: {nnodes: 1}\n"),
    ("ms_swift", "model: Qwen/Qwen2.5-7B\ntuner_type: lora\nmerge_lora: true\nadapters: [c/d, e/f]\n"),
    ("ms_swift", "model: Qwen/Qwen2.5-7B\ntrain_type: lora\ndataset: [a/b]\npacking: true\nattn_impl: sdpa\n"),
    (
        "ms_swift",
        "model: Qwen/Qwen2.5-7B\ntuner_type: lora\ndataset: [a/b]\npacking: true\nattn_impl: sdpa\nmicro_batch_size: 1\n",
    ),
]
"""Whole files of other versions, or for other commands."""


def found(text: str, name: str = "a.yaml") -> list[tuple[str, str]]:
    kind: Any = "shell" if name.endswith(".sh") else "yaml"
    result = Checker(Settings()).check(Found(name, kind, text.encode(), True))
    return [(each.code, each.confidence) for each in result.findings if each.code in ("LL904", "LL905")]


@pytest.mark.parametrize(("framework", "refused", "accepted"), REFUSED)
def test_refused(framework: str, refused: str, accepted: str) -> None:
    assert found(BASES[framework] + refused) == [("LL904", "certain")]
    assert found(BASES[framework] + accepted) == []


@pytest.mark.parametrize(("framework", "refused", "accepted"), MISSING)
def test_refused_where_nothing_else_is_given(framework: str, refused: str, accepted: str) -> None:
    assert found(BASES[framework] + refused) == [("LL904", "likely")]
    assert found(BASES[framework] + accepted) == []


@pytest.mark.parametrize(("framework", "ignored", "accepted"), IGNORED)
def test_ignored(framework: str, ignored: str, accepted: str) -> None:
    assert [code for code, _ in found(BASES[framework] + ignored)] == ["LL905"]
    assert found(BASES[framework] + accepted) == []


@pytest.mark.parametrize(("framework", "text"), OTHERS)
def test_other_files(framework: str, text: str) -> None:
    del framework
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "code", "applicability"),
    [
        ("fsdp: fsdp2\nsave_only_model: true\n", "LL904", "unsafe"),
        ("val_dataset: [c/d]\nsplit_dataset_ratio: 0.1\n", "LL905", "safe"),
        ("warmup_ratio: 0.1\nwarmup_steps: 10\n", "LL904", None),
        ("quant_bits: 4\n", "LL905", None),
    ],
)
def test_a_setting_is_removed_where_that_is_the_only_remedy(text: str, code: str, applicability: str | None) -> None:
    kind: Any = "yaml"
    result = Checker(Settings()).check(Found("a.yaml", kind, (BASES["ms_swift"] + text).encode(), True))
    (finding,) = (each for each in result.findings if each.code == code)
    assert (finding.fix.applicability if finding.fix is not None else None) == applicability


TRAIN = "axolotl.cli.train --base_model a/b --adapter lora --lora_r 8"


@pytest.mark.parametrize(
    ("launcher", "expected"),
    [
        ("accelerate launch --multi_gpu --use_fsdp", ["certain"]),
        ("accelerate launch --multi_gpu --num_processes 1", ["certain"]),
        ("accelerate launch --multi_gpu --num_processes 2", []),
        ("python -m accelerate.commands.launch --use_parallelism_config", ["certain"]),
        ("accelerate launch --use_parallelism_config --config_file a.yaml", []),
        ("accelerate launch --use_fsdp --fsdp_version 2 --fsdp_state_dict_type LOCAL_STATE_DICT", ["certain"]),
        ("accelerate launch --use_fsdp --fsdp_state_dict_type LOCAL_STATE_DICT", []),
        ("accelerate launch --mixed_precision bfloat16", ["certain"]),
        ("accelerate launch --mixed_precision no", []),
        ("torchrun --mixed_precision bfloat16", []),
    ],
)
def test_options_of_the_launcher(launcher: str, expected: list[str]) -> None:
    assert [confidence for code, confidence in found(f"{launcher} -m {TRAIN}\n", "a.sh")] == expected


FULL = "model_name_or_path: Qwen/Qwen2.5-7B\nstage: sft\ndo_train: true\nfinetuning_type: full\ndataset: a\ntemplate: qwen\n"
EIGHT = "base_model: NousResearch/Llama-2-7b-hf\nadapter: lora\nload_in_8bit: true\nlora_r: 8\ndatasets: [{path: a, type: alpaca}]\n"


@pytest.mark.parametrize(
    ("text", "command", "expected"),
    [
        (FULL, "llamafactory-cli train a.yaml quantization_bit=4", ["LL904"]),
        (FULL, "llamafactory-cli train a.yaml quantization_bit=4 finetuning_type=lora", []),
        (FULL, "llamafactory-cli train a.yaml", []),
        (EIGHT, "accelerate launch -m axolotl.cli.train a.yaml --adapter qlora", ["LL904"]),
        (EIGHT, "accelerate launch -m axolotl.cli.train a.yaml --adapter qlora --no-load_in_8bit --load_in_4bit", []),
        (f"{EIGHT}flash_attn_fuse_mlp: true\n", "axolotl train a.yaml --lora_r 16", []),
    ],
)
def test_settings_of_a_command_over_a_file(tmp_path: Path, text: str, command: str, expected: list[str]) -> None:
    (tmp_path / "a.yaml").write_text(text)
    (tmp_path / "train.sh").write_text(f"{command}\n")
    findings = engine.lint([str(tmp_path / "train.sh")], Settings()).findings
    assert [each.code for each in findings if each.code in ("LL902", "LL904", "LL905")] == expected


@pytest.mark.parametrize("framework", BASES)
def test_there_are_enough(framework: str) -> None:
    assert found(BASES[framework]) == []
    assert sum(name == framework for name, *_ in REFUSED) >= 5


PACKED = (
    "base_model: a/b\nadapter: lora\nlora_r: 8\nrl: dpo\nsample_packing: true\ndatasets: [{path: a, type: alpaca}]\n"
)


@pytest.mark.parametrize(
    ("requirement", "expected"), [("", 1), ("axolotl==0.8.0", 1), ("axolotl<0.8", 0), ("axolotl~=0.12.0", 1)]
)
def test_releases_that_were_not_read_refuse_nothing(tmp_path: Path, requirement: str, expected: int) -> None:
    (tmp_path / "a.yaml").write_text(PACKED)
    (tmp_path / "requirements.txt").write_text(requirement)
    findings = engine.lint([str(tmp_path / "a.yaml")], Settings()).findings
    assert sum(each.code == "LL904" for each in findings) == expected


@pytest.mark.parametrize("framework", sorted(refusals.tables()))
def test_the_versions_of_rows_are_none_after_that_of_the_table(framework: str) -> None:
    table = refusals.table(framework)
    assert table is not None
    found = json.loads(OUTPUT.read_text(encoding="utf-8")).get(framework, {"since": {}})
    assert found["since"].keys() <= {row.source for rows in table.every().values() for row in rows}
    for rows in table.every().values():
        for row in rows:
            since = refusals.since(framework, row)
            assert not since or number(since) <= number(table.version.partition(" ")[0])


ROLLOUT = verl("rollout: {mode: sync}")  # refused since 0.7.1


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ("verl==0.7.1", ["LL904"]),
        ("verl>=0.5", ["LL904"]),
        ("verl==0.5.0", []),
        ("verl<0.7", []),
        ("VeRL == 0.5.*", []),
        ("verl @ git+https://github.com/volcengine/verl@v0.5.0", []),
        ("axolotl==0.5.0", ["LL904"]),
    ],
)
@pytest.mark.parametrize("name", ["config.yaml", "train.sh"])
def test_a_refusal_follows_the_version_that_the_project_pins(
    tmp_path: Path, name: str, requirement: str, expected: list[str]
) -> None:
    command = "python3 -m verl.trainer.main_ppo actor_rollout_ref.model.path=a/b actor_rollout_ref.model.lora_rank=8"
    batch = "actor_rollout_ref.actor.use_dynamic_bsz=True"
    text = ROLLOUT if name.endswith("yaml") else f"{command} {batch} actor_rollout_ref.rollout.mode=sync\n"
    (tmp_path / name).write_text(text)
    (tmp_path / "requirements.txt").write_text(f"{requirement}\n")
    findings = [
        each for each in engine.lint([str(tmp_path / name)], Settings()).findings if each.code in ("LL904", "LL905")
    ]
    assert [each.code for each in findings] == expected
    pinned = findings and requirement == "verl==0.7.1"
    assert not pinned or "verl 0.7.1 (requirements.txt has `verl==0.7.1`)" in findings[0].message


@pytest.mark.parametrize(
    ("requirement", "rank", "expected"),
    [
        ("verl==0.5.0", 1, 1),
        ("verl==0.6.0", 24, 1),
        ("verl==0.6.0", 32, 0),
        ("verl==0.6.1", 24, 0),
        ("verl==0.3.0", 24, 0),
        ("", 24, 0),
    ],
)
def test_older_releases_of_verl_pass_the_rank_to_vllm_as_it_is(
    tmp_path: Path, requirement: str, rank: int, expected: int
) -> None:
    model = f"actor_rollout_ref.model.path=a/b actor_rollout_ref.model.lora_rank={rank}"
    command = f"python3 -m verl.trainer.main_ppo {model} actor_rollout_ref.rollout.name=vllm\n"
    (tmp_path / "train.sh").write_text(command)
    (tmp_path / "requirements.txt").write_text(f"{requirement}\n")
    findings = engine.lint([str(tmp_path / "train.sh")], Settings()).findings
    assert sum("max_lora_rank" in each.message for each in findings) == expected


@pytest.mark.parametrize(
    ("name", "text", "related"),
    [
        (
            "a.yaml",
            f"{BASES['accelerate']}{ZERO}  deepspeed_config_file: d\n  zero_stage: 3\n  gradient_clipping: 1\n",
            2,
        ),
        ("a.yaml", f"{FULL}use_rslora: true\nuse_dora: true\npissa_init: true\n", 3),
        ("a.yaml", f"{BASES['litgpt']}train: {{max_norm: 1.0, max_tokens: 9, tie_embeddings: true}}\n", 2),
        (
            "a.py",
            "from transformers import AutoModelForCausalLM, BitsAndBytesConfig\nfrom peft import LoraConfig\n"
            "bits = BitsAndBytesConfig(load_in_8bit=True, bnb_4bit_quant_type='nf4', bnb_4bit_use_double_quant=True)\n"
            "model = AutoModelForCausalLM.from_pretrained('a/b', quantization_config=bits)\n"
            "model.add_adapter(LoraConfig(target_modules=['q_proj']))\n",
            2,
        ),
    ],
)
def test_settings_that_have_one_cause_are_one_finding(name: str, text: str, related: int) -> None:
    kind: Any = "python" if name.endswith("py") else "yaml"
    findings = Checker(Settings()).check(Found(name, kind, text.encode(), True)).findings
    (finding,) = (each for each in findings if each.code in ("LL904", "LL905"))
    assert len(finding.related) == related
