"""Gives the same generated files to a framework's own checks and to lora-lint, and lists where they disagree.

    python scripts/compare_frameworks.py FRAMEWORK [COUNT [SEED]]   compares with the framework that can be imported
    python scripts/compare_frameworks.py --docs RESULT…             writes docs/refusals-compared.md from results

FRAMEWORK is accelerate, llamafactory, llamafactory:served (a chat), llamafactory_v1, axolotl, ms_swift, torchtune,
litgpt, easyr1, h2o_llmstudio or mistral_finetune. It has to be importable, from its unpacked wheel or its checkout for
one, with what its arguments import; no model and no data set is downloaded.
COUNT (500) is the number of files, which are those of the SEED (0). What the framework refuses has to be reported as
LL902 or LL904, and what it takes must not be. The result is printed as JSON; the exit status is 1 if there is a
disagreement.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import runpy
import sys
import tempfile
import warnings
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from lora_lint.discovery import Found  # noqa: E402
from lora_lint.frameworks import refusals  # noqa: E402
from lora_lint.linting.checker import Checker  # noqa: E402
from lora_lint.settings import Settings  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

DOCS = ROOT / "docs" / "refusals-compared.md"
YES, NO = True, False
FLAG = (YES, NO)
MOST = 6
"""Settings beside those of the base."""
AIMED = 0.7
"""The share of the files that have the settings of a row."""


class Comparison(NamedTuple):
    """A file that is fine, further settings (`a.b` is in the mapping `a`) and what each may be, and the framework's own
    check, which raises what it refuses. `machine` is in errors that the machine decides on; `late` is whether the check
    makes the model."""

    base: dict[str, Any]
    pool: dict[str, tuple[Any, ...]]
    check: Callable[[dict[str, Any]], object]
    machine: tuple[str, ...] = ()
    late: bool = False


def llamafactory() -> Comparison:
    os.environ["DISABLE_VERSION_CHECK"] = "1"
    from unittest import mock

    from llamafactory.hparams import get_train_args, parser  # type: ignore[import-not-found]
    from transformers.training_args import ParallelMode

    parse = parser._parse_train_args

    def check(settings: dict[str, Any]) -> None:
        """A training, which DeepSpeed has started where its config is named."""
        split = settings.get("deepspeed")

        def parsed(given: dict[str, Any]) -> Any:
            arguments = parse({key: value for key, value in given.items() if key != "deepspeed"})
            arguments[2].deepspeed = split
            return arguments

        mode = ParallelMode.DISTRIBUTED if split else ParallelMode.NOT_PARALLEL
        with (
            mock.patch.multiple(
                parser,
                check_version=lambda *_, **__: None,  # which packages there are
                _parse_train_args=parsed,
                is_deepspeed_zero3_enabled=lambda: split == "ds_z3.json",
            ),
            mock.patch.object(parser._TRAIN_ARGS[2], "parallel_mode", mode),
        ):
            get_train_args(settings)

    base = {
        "model_name_or_path": "Qwen/Qwen2.5-7B",
        "stage": "sft",
        "finetuning_type": "lora",
        "do_train": YES,
        "dataset": "alpaca_en_demo",
        "template": "qwen",
        "output_dir": "saves/a",
        "report_to": "none",
    }
    pool: dict[str, tuple[Any, ...]] = {
        "stage": ("pt", "sft", "rm", "ppo", "dpo", "kto"),
        "finetuning_type": ("lora", "lora", "full", "freeze", "oft"),
        "quantization_bit": (4, 8),
        "adapter_name_or_path": ("saves/b", "saves/b,saves/c"),
        "create_new_adapter": FLAG,
        "pissa_init": FLAG,
        "resize_vocab": FLAG,
        "use_dora": FLAG,
        "use_rslora": FLAG,
        "loraplus_lr_ratio": (16.0,),
        "use_galore": FLAG,
        "use_badam": FLAG,
        "predict_with_generate": FLAG,
        "neat_packing": FLAG,
        "train_on_prompt": FLAG,
        "mask_history": FLAG,
        "load_best_model_at_end": FLAG,
        "shift_attn": FLAG,
        "reward_model": ("saves/r",),
        "reward_model_type": ("lora", "full", "api"),
        "streaming": FLAG,
        "max_steps": (100,),
        "max_samples": (50,),
        "val_size": (0.1,),
        "eval_dataset": ("alpaca_zh_demo",),
        "compute_accuracy": FLAG,
        "pref_loss": ("sigmoid", "simpo", "orpo"),
        "dpo_label_smoothing": (0.1,),
        "pure_bf16": FLAG,
        "bf16": (YES,),
        "use_unsloth": FLAG,
        "quantization_device_map": ("auto",),
        "deepspeed": ("ds_z2.json", "ds_z3.json"),
        "badam_mode": ("layer", "ratio"),
        "use_apollo": FLAG,
        "use_llama_pro": FLAG,
        "fp8": FLAG,
        "infer_backend": ("huggingface", "vllm", "sglang"),
        "rope_scaling": ("linear",),
        "dataset": ("a,b", "a"),
        "mix_strategy": ("concat", "interleave_under"),
        "interleave_probs": ("0.5,0.5", "1.0"),
        "export_quantization_bit": (4,),
        "export_quantization_dataset": ("data/c4.json",),
        "do_predict": FLAG,
        "eval_strategy": ("no", "steps"),
        "use_kt": FLAG,
        "report_to": ("none", "wandb", "mlflow", ["wandb", "mlflow"]),
        "image_max_pixels": (512, 4096),
        "image_min_pixels": (1024, 8192),
        "video_min_pixels": (256, 70000),
    }
    machine = (
        "is not installed",
        "CUDA",
        "distributed",
        "setup",
        "device",
        "pip install",
        "is required to use",
        "was not found",
        "Layer-wise BAdam",  # how anything but LoRA is sharded is not read
    )
    return Comparison(base, pool, check, machine)


def llamafactory_served() -> Comparison:
    from unittest import mock

    from llamafactory.hparams import get_infer_args, parser

    def check(settings: dict[str, Any]) -> None:
        with mock.patch.object(parser, "check_version", lambda *_, **__: None):
            get_infer_args(settings)

    base = {
        "model_name_or_path": "Qwen/Qwen2.5-7B",
        "adapter_name_or_path": "saves/b",
        "finetuning_type": "lora",
        "template": "qwen",
    }
    pool: dict[str, tuple[Any, ...]] = {
        "adapter_name_or_path": ("saves/b", "saves/b,saves/c"),
        "finetuning_type": ("lora", "full"),
        "infer_backend": ("huggingface", "vllm", "vllm", "sglang"),
        "stage": ("sft", "rm", "dpo"),
        "quantization_bit": (4, 8),
        "rope_scaling": ("linear", "dynamic"),
        "export_dir": ("out",),
        "export_quantization_bit": (4,),
        "export_quantization_dataset": ("data/c4.json",),
        "resize_vocab": FLAG,
        "use_dora": FLAG,
        "pissa_init": FLAG,
        "image_max_pixels": (512, 4096),
        "image_min_pixels": (1024, 8192),
    }
    return Comparison(base, pool, check, ("is not installed", "CUDA", "pip install"))


def axolotl() -> Comparison:
    from axolotl.utils.config import validate_config  # type: ignore[import-not-found]
    from axolotl.utils.dict import DictDefault  # type: ignore[import-not-found]
    from axolotl.utils.quantization import get_quantization_config  # type: ignore[import-not-found]

    base = {
        "base_model": "NousResearch/Llama-2-7b-hf",
        "datasets": [{"path": "mhenrichsen/alpaca_2k_test", "type": "alpaca"}],
        "adapter": "lora",
        "lora_r": 8,
        "lora_alpha": 16,
        "lora_target_linear": YES,
        "micro_batch_size": 2,
        "gradient_accumulation_steps": 2,
        "learning_rate": 0.0002,
        "num_epochs": 1,
        "sequence_len": 512,
        "output_dir": "out",
    }
    pool: dict[str, tuple[Any, ...]] = {
        "adapter": ("lora", "lora", "qlora", "dora"),
        "load_in_4bit": FLAG,
        "load_in_8bit": FLAG,
        "lora_dropout": (0.05, 0.0),
        "peft_layers_to_transform": ([0, 1],),
        "peft_layers_pattern": ("layers",),
        "unfrozen_parameters": ([".*norm.*"],),
        "loraplus_lr_ratio": (16.0,),
        "lr_groups": ([{"name": "a", "modules": ["q_proj"], "lr": 1e-4}],),
        "lora_mlp_kernel": FLAG,
        "trust_remote_code": FLAG,
        "sample_packing": FLAG,
        "pad_to_sequence_len": (YES,),
        "eval_sample_packing": FLAG,
        "rl": ("dpo", "dpo", "kto", "orpo", "grpo", "ipo", "simpo", "ebft", "gdpo"),
        "remove_unused_columns": (NO,),
        "warmup_steps": (10, 0.1),
        "warmup_ratio": (0.1,),
        "tokens": (["<a>"], {"pad_token": "<pad>"}),
        "val_set_size": (0.0, 0.1),
        "eval_steps": (10,),
        "evals_per_epoch": (2,),
        "eval_strategy": ("steps", "epoch"),
        "save_steps": (10,),
        "saves_per_epoch": (1,),
        "save_strategy": ("steps", "epoch", "best"),
        "gradient_checkpointing": FLAG,
        "merge_lora": (NO,),
        "relora": (YES,),
        "neftune_noise_alpha": (5.0,),
        "cut_cross_entropy": FLAG,
        "liger_cross_entropy": FLAG,
        "liger_fused_linear_cross_entropy": FLAG,
        "gptq": FLAG,
        "flash_attn_fuse_mlp": FLAG,
        "use_onebitllms": FLAG,
        "lora_qkv_kernel": FLAG,
        "lora_o_kernel": FLAG,
        "dpo_loss_type": (["sigmoid"], ["ipo"], ["sigmoid", "hinge"]),
        "dpo_loss_weights": ([1.0],),
        "trl": (
            *({"num_generations": 1}, {"num_generations": 4}, {"num_generations": 4, "generation_batch_size": 8}),
            *({"num_generations": 4, "generation_batch_size": 6}, {"use_liger_loss": YES}),
        ),
        "optimizer": ("adamw_torch", "adamw_8bit", "muon", "polora", "q_galore_adamw8bit", "flash_adamw"),
        "deepspeed": ("zero2.json",),
        "fsdp": (["full_shard"],),
        "lora_modules_to_save": (["embed_tokens"],),
        "peft_use_dora": FLAG,
        "peft_trainable_token_indices": ([1, 2],),
        "lisa_step_interval": (5,),
        "reward_model": FLAG,
        "process_reward_model": FLAG,
        "embedding_lr": (1e-4,),
        "embedding_lr_scale": (0.5,),
        "weight_decay": (0.0, 0.01),
        "max_memory": ({"0": "20GiB"},),
        "gpu_memory_limit": (20,),
        "chat_template": ("llama3", "jinja"),
        "chat_template_jinja": ("{{ messages }}",),
        "pretraining_dataset": ([{"path": "a/b"}],),
        "max_steps": (100,),
        "streaming": FLAG,
        "eval_table_size": (5,),
        "fp8": FLAG,
        "fp8_config": ({},),
        "gradient_checkpointing_kwargs": ({"use_reentrant": YES}, {"use_reentrant": NO}),
        "quantize_moe_experts": FLAG,
        "peft": ({"loftq_config": {"loftq_bits": 4}},),
        "qat": (
            *({}, {"weight_dtype": "int4"}, {"activation_dtype": "int8"}, {"activation_dtype": "nvfp4"}),
            *({"weight_dtype": "int4", "activation_dtype": kind} for kind in ("int4", "int8", "fp8", "mxfp4")),
            *({"weight_dtype": "fp8"}, {"weight_dtype": "fp8", "activation_dtype": "float8"}),
            *({"weight_dtype": "nvfp4"}, {"weight_dtype": "nvfp4", "group_size": 16}),
            {"weight_dtype": "nvfp4", "activation_dtype": "int8", "group_size": 16},
            *({"weight_dtype": "mxfp4"}, {"weight_dtype": "mxfp4", "group_size": 16}),
            *({"weight_dtype": "ternary"}, {"weight_dtype": "ternary", "activation_dtype": "int4"}),
        ),
        "export": (
            *({"quantize": ["Q4_K_M"], "outtype": kind} for kind in ("q8_0", "f16")),
            *({"quantize": ["Q4_K_M"], "outfile": name} for name in ("a.gguf", "a-{ftype}.gguf")),
            {"outtype": "q8_0", "outfile": "a.gguf"},
        ),
        "lora_target_modules": (["q_proj("], ["q_proj$", "v_proj"]),
        "lora_fp32_gradients": FLAG,
        "context_parallel_size": (1, 2),
        "context_parallel": ({"backend": "ring"}, {"backend": "auto"}),
        "dataset_exact_deduplication": FLAG,
        "skip_prepare_dataset": FLAG,
        "rpo_alpha": (1.0,),
        "dpo_norm_loss": FLAG,
        "s2_attention": FLAG,
        "flash_attn_rms_norm": FLAG,
        "max_packed_sequence_len": (512,),
        "unsloth_lora_mlp": FLAG,
        "unsloth_rope": FLAG,
        "save_safetensors": FLAG,
        "noisy_embedding_alpha": (5.0,),
        "pretrain_multipack_buffer_size": (10,),
        "streaming_multipack_buffer_size": (10,),
        "attn_implementation": ("sdpa", "flash_attention_2", "flex_attention"),
        "flash_attention": FLAG,
        "sdp_attention": FLAG,
        "push_dataset_to_hub": ("a/b",),
        "hf_use_auth_token": FLAG,
        "datasets": (
            [{"path": "a/b", "type": "sharegpt"}],
            [{"path": "a/b", "type": "alpaca"}, {"path": "c/d", "type": "alpaca"}],
        ),
        "include_tokens_per_second": FLAG,
        "tokenizer_use_mistral_common": FLAG,
        "special_tokens": ({"pad_token": "<pad>"},),
        "processor_kwargs": ({"revision": "a"}, {"use_fast": YES}),
        "do_bench_eval": FLAG,
        "do_causal_lm_eval": FLAG,
        "early_stopping_patience": (3,),
        "relora_steps": (100,),
        "jagged_restart_steps": (100,),
        "lr_scheduler": ("cosine", "one_cycle"),
        "revision_of_model": ("main",),
        "tensor_parallel_size": (1, 2),
        "fsdp_version": (1, 2),
        "fsdp_config": (
            {"offload_params": YES},
            {"fsdp_version": 2, "use_orig_params": YES},
            {"fsdp_version": 2, "fsdp_sharding_strategy": "FULL_SHARD"},
            {"forward_prefetch": NO},
            {"fsdp_offload_params": NO, "fsdp_cpu_ram_efficient_loading": NO},
            {"cpu_offload_pin_memory": NO},
            {"cpu_offload_pin_memory": NO, "offload_params": YES},
            {"cpu_ram_efficient_loading": YES},
            {"auto_wrap_policy": "SIZE_BASED_WRAP"},
            {"auto_wrap_policy": "SIZE_BASED_WRAP", "min_num_params": 10000},
        ),
        "fp8_enable_fsdp_float8_all_gather": FLAG,
        "model_quantization_config": ("Mxfp4Config",),
        "fp32_norms": FLAG,
        "dpo_use_liger_kernel": FLAG,
        "torch_compile": FLAG,
        "torch_compile_options": ({"shape_padding": YES},),
        "activation_offloading": (YES, NO, "hidden_states"),
        "selective_checkpointing": (
            *(YES, NO, {"save": ["attention"]}, {"save": ["attention", "mm"]}, {"save_matmul_min_k": 64}),
            *({"save_modules": [name]} for name in ("down_proj", "q_proj", "o_proj", "layers", "norm")),
        ),
        "scaling_softmax": FLAG,
        "batch_flattening": (YES, "auto"),
        "gemma4_hybrid_attn_impl": FLAG,
        "ple_cpu_offload": FLAG,
        "base_model": ("NousResearch/Llama-2-7b-hf", "tiiuae/falcon-7b", "mosaicml/mpt-7b"),
        "deepcompile": FLAG,
        "ebft": ({"mode": "strided"},),
        "test_datasets": ([{"path": "a/b", "type": "alpaca", "split": "test"}],),
        "metric_for_best_model": ("eval_loss",),
        "evaluation_strategy": ("steps",),
        "flash_optimum": FLAG,
        "batch_size": (8,),
        "micro_batch_size": (1, 2, None),
        "gradient_accumulation_steps": (1, 2, None),
    }
    machine = ("transformers-engine", "compute capability", "GPU", "torch version", "requires torch", "CUDA", "sm_")
    devices = {"n_gpu": 1, "n_node": 1, "bf16": YES, "fp8": YES, "tf32": YES, "compute_capability": "sm_90"}
    folder = tempfile.mkdtemp()
    Path(folder, "zero2.json").write_text(json.dumps({"zero_optimization": {"stage": 2}}), encoding="utf-8")

    def check(settings: dict[str, Any]) -> None:
        given = {key: f"{folder}/{value}" if key == "deepspeed" else value for key, value in settings.items()}
        checked = validate_config(DictDefault(given), dict(devices), {"torch_version": "2.13.0"})
        if checked.qat and checked.qat.weight_dtype.name != "ternary":  # as the loader does
            get_quantization_config(checked.qat.weight_dtype, checked.qat.activation_dtype, checked.qat.group_size)

    return Comparison(base, pool, check, machine, late=True)


def ms_swift() -> Comparison:
    from types import SimpleNamespace
    from unittest import mock

    import torch
    from swift.arguments import RLHFArguments, sft_args  # type: ignore[import-not-found]
    from swift.pipelines.train import rlhf, tuner  # type: ignore[import-not-found]
    from swift.rlhf_trainers.args_mixin import GRPOArgumentsMixin  # type: ignore[import-not-found]
    from swift.trainers.arguments import TrainArgumentsMixin  # type: ignore[import-not-found]
    from swift.tuners import Swift  # type: ignore[import-not-found]

    folder = tempfile.mkdtemp()
    config = {
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "torch_dtype": "bfloat16",
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": 1000,
        "max_position_embeddings": 512,
    }
    (Path(folder) / "config.json").write_text(json.dumps(config), encoding="utf-8")

    adapters = [f"{folder}/{name}" for name in ("one", "two")]
    for each in adapters:
        Path(each).mkdir()
        Path(each, "adapter_config.json").write_text("{}", encoding="utf-8")
    model = torch.nn.ModuleDict({"q_proj": torch.nn.Linear(2, 2)})

    def check(settings: dict[str, Any]) -> None:
        """What the arguments check, then what the pipeline checks before it wraps the model."""
        given = {key: value for key, value in settings.items() if key not in ("model", "output_dir")}
        given |= {key: adapters[: len(given[key])] for key in ("adapters", "ref_adapters") if key in given}
        usual = {"model_type": "qwen2", "template": "qwen2_5", "output_dir": f"{folder}/out", "use_cpu": YES}
        with (
            mock.patch.object(sft_args.TrainerFactory, "get_training_args", lambda _: SimpleNamespace(max_steps=10)),
            mock.patch.multiple(
                Swift, prepare_model=lambda model, *_, **__: model, from_pretrained=lambda model, *_, **__: model
            ),
            mock.patch.object(tuner, "get_target_modules", lambda *_: ["q_proj"]),
        ):
            args = RLHFArguments(model=folder, **usual, **given)
            rlhf.SwiftRLHF.prepare_model(args, model)
        # the arguments of the trainers, which need one version of TRL
        trained = SimpleNamespace(**vars(args), world_size=1, _hf_has_field=lambda _: YES)
        TrainArgumentsMixin._handle_hf_removed_args(trained)
        if args.rlhf_type == "grpo":
            GRPOArgumentsMixin._init_generation_batch_params(trained)
        with (
            mock.patch.object(rlhf.SwiftRLHF, "_prepare_single_model", lambda *_: (model, mock.Mock())),
            mock.patch.object(rlhf.SwiftSft, "_prepare_model_tokenizer", lambda _: None),
        ):
            pipeline = object.__new__(rlhf.SwiftRLHF)
            pipeline.args, pipeline.reward_template = args, []
            args.get_template = mock.Mock()
            pipeline._prepare_model_tokenizer()

    base = {
        "model": "Qwen/Qwen2.5-7B",
        "tuner_type": "lora",
        "dataset": ["a/b"],
        "add_version": NO,
        "rlhf_type": "dpo",
    }
    pool: dict[str, tuple[Any, ...]] = {
        "rlhf_type": ("dpo", "kto", "cpo", "orpo", "grpo", "gkd", "rm"),
        "tuner_type": ("lora", "lora", "full", "adalora", "lorra"),
        "tuner_backend": ("peft", "unsloth"),
        "lora_rank": (8,),
        "target_modules": (["q_proj"], ["all-linear"]),
        "target_regex": (".*q_proj",),
        "target_parameters": (["mlp.experts.down_proj"],),
        "adapters": (["a"], ["a", "b"]),
        "ref_adapters": (["a"], ["a", "b"]),
        "reward_model": (["i/j"], ["i/j", "k/l"]),
        "quant_method": ("bnb", "hqq", "quanto", "eetq"),
        "quant_bits": (2, 4, 8),
        "fsdp": ("fsdp2",),
        "deepspeed": ("zero2",),
        "save_only_model": FLAG,
        "zero_hpz_partition_size": (2,),
        "deepspeed_autotp_size": (2,),
        "use_liger_kernel": FLAG,
        "teacher_model_server": ("http://localhost:8000",),
        "vllm_server_host": (["localhost"],),
        "vllm_max_model_len": (1024,),
        "scale_rewards": ("none", "group", "gdpo"),
        "delta": (4.0,),
        "top_entropy_quantile": (0.5, 1.0),
        "log_entropy": FLAG,
        "importance_sampling_level": ("token", "sequence", "sequence_token"),
        "advantage_estimator": ("grpo", "rloo", "reinforce_plus_plus", "gae"),
        "packing": FLAG,
        "padding_free": FLAG,
        "attn_impl": ("sdpa", "flash_attn", "flash_attention_2"),
        "lazy_tokenize": FLAG,
        "streaming": FLAG,
        "max_steps": (100,),
        "warmup_ratio": (0.1,),
        "warmup_steps": (10, 0),
        "ref_model": ("c/d",),
        "beta": (0.0, 0.1),
        "loss_weights": ([1.0], [0.5, 0.5]),
        "loss_type": (["sigmoid"], ["sigmoid", "bco_pair"], ["real"]),
        "truncation_strategy": ("left", "right", "delete"),
        "num_generations": (1, 4, 8),
        "generation_batch_size": (8, 12),
        "vllm_mode": ("colocate",),
        "use_vllm": (NO,),
        "async_generate": (NO, YES),
        "sequence_parallel_size": (1, 2),
        "teacher_model": ("e/f",),
        "gkd_logits_topk": (20,),
        "seq_kd": FLAG,
        "reward_funcs": (["accuracy"],),
        "advantage_reweight": ("rlsd",),
        "sdar_loss_coef": (0.0, 0.1),
        "off_policy_sequence_mask_delta": (1.0,),
        "dynamic_sample": FLAG,
        "val_dataset": (["g/h"],),
        "split_dataset_ratio": (0.0, 0.1),
    }
    machine = (
        "global batch size",
        "global eval batch size",
        "per_device_train_batch_size * world_size",
        "is not installed",
        *(
            "HQQ version",
            "generation_batch_size (1)",
            "No module named",
            "No package metadata",
            "requires accelerate",
            "bitsandbytes",
            "pip install",
        ),
    )
    return Comparison(base, pool, check, machine, late=True)


def litgpt() -> Comparison:
    from types import SimpleNamespace
    from unittest import mock

    from litgpt.args import EvalArgs, TrainArgs  # type: ignore[import-not-found]
    from litgpt.finetune import lora  # type: ignore[import-not-found]

    class Launched(Exception):
        """All checks before the launch are passed."""

    def check(settings: dict[str, Any]) -> None:
        usual = {"save_interval": 1000, "log_interval": 1, "global_batch_size": 16, "micro_batch_size": 1, "epochs": 5}
        train = TrainArgs(**{**usual, "lr_warmup_steps": 100, **settings.get("train", {})})
        evaluated = EvalArgs(interval=100, max_new_tokens=100, max_iters=100)
        given = {key: value for key, value in settings.items() if key not in ("train", "checkpoint_dir")}
        config = SimpleNamespace(name="tiny")
        with (
            mock.patch.object(lora, "auto_download_checkpoint", lambda **_: Path("c")),
            mock.patch.object(lora, "check_valid_checkpoint_dir", lambda *_: None),
            mock.patch.object(lora, "init_out_dir", lambda folder: folder),
            mock.patch.object(lora.Config, "from_file", lambda *_, **__: config),
            mock.patch.object(lora, "choose_logger", lambda *_, **__: None),
            mock.patch.object(lora, "BitsandbytesPrecision", lambda *_: None),
            mock.patch.object(lora, "ModelParallelStrategy", lambda **_: None),
            mock.patch.object(lora.L, "Fabric", mock.Mock(side_effect=Launched)),
            contextlib.suppress(Launched),
        ):
            lora.setup(Path("c"), data=mock.Mock(), train=train, eval=evaluated, **given)
        lora.validate_args(train, evaluated)
        train.gradient_accumulation_iters(given.get("devices", 1), given.get("num_nodes", 1))

    base = {"checkpoint_dir": "checkpoints/Qwen/Qwen2.5-7B", "lora_r": 8}
    trained: tuple[dict[str, Any], ...] = (
        {"max_norm": 1.0},
        {"epochs": 2},
        {"epochs": 0},
        {"epochs": 0, "max_steps": 10},
        {"max_tokens": 1000},
        {"lr_warmup_steps": 10},
        {"global_batch_size": 8, "micro_batch_size": 4},
        {"global_batch_size": 2, "micro_batch_size": 4},
        {"tie_embeddings": NO},
        {"lr_warmup_fraction": 0.1},
        {"lr_warmup_fraction": 0.1, "lr_warmup_steps": 0},
        {"min_lr": 1e-5},
    )
    pool: dict[str, tuple[Any, ...]] = {
        "lora_query": FLAG,
        "lora_key": FLAG,
        "lora_alpha": (16,),
        "lora_dropout": (0.0, 0.1),
        "precision": ("bf16-true", "bf16-mixed", "32-true"),
        "quantize": ("bnb.nf4", "bnb.nf4-dq", "bnb.int8-training"),
        "devices": (1, 2, 4),
        "num_nodes": (1, 2),
        "optimizer": ("AdamW", "SGD", {"class_path": "torch.optim.SGD"}, {"class_path": "torch.optim.AdamW"}),
        "train": trained,
    }
    return Comparison(base, pool, check)


DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
"""torchtune's names of types."""


class _Anything(type):
    """A class that may be called, subscripted and decorate: whatever is done with it gives it, or what it decorates."""

    def __call__(cls, *arguments: Any, **_: Any) -> Any:
        plain = len(arguments) == 1 and callable(arguments[0])
        return arguments[0] if plain else cls

    def __getitem__(cls, _: Any) -> Any:
        return cls


class _Stub:
    """Finds empty modules for a package that is not installed."""

    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        return ModuleSpec(name, self, is_package=True) if name.partition(".")[0] == self.package else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = ModuleType(spec.name)
        module.__getattr__ = self._made  # type: ignore[method-assign]
        return module

    @staticmethod
    def _made(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Anything(name, (), {})

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing in it."""


def torchtune() -> Comparison:
    from types import SimpleNamespace
    from unittest import mock

    from omegaconf import OmegaConf  # type: ignore[import-not-found]

    sys.meta_path[:0] = [_Stub("torchao"), _Stub("torchdata")]  # which none of the checks needs
    import torch
    import torchtune  # type: ignore[import-not-found]
    from torchtune import config, datasets, training, utils

    recipes = Path(torchtune.__file__).parent.parent / "recipes"
    plain = runpy.run_path(str(recipes / "lora_finetune_single_device.py"))["LoRAFinetuneRecipeSingleDevice"]
    aware = runpy.run_path(str(recipes / "qat_lora_finetune_distributed.py"))["QATLoRAFinetuneRecipeDistributed"]
    folder = Path(tempfile.mkdtemp())
    for name in ("a.pt", "b.pt", "a.safetensors", "b.safetensors"):
        (folder / name).write_bytes(b"")
    (folder / "config.json").write_text("{}", encoding="utf-8")

    class Checked(Exception):
        """The checks before the data are passed."""

    @cache
    def made(model: str) -> Any:
        with torch.device("meta"):
            return config.instantiate(OmegaConf.create(json.loads(model)))

    def check(settings: dict[str, Any]) -> None:
        """What a recipe checks when it is made and set up, without weights, and without data."""
        cfg = OmegaConf.create(settings)
        device = SimpleNamespace(type=settings["device"])
        with (
            mock.patch.object(utils, "get_device", lambda **_: device),
            mock.patch.object(training, "get_dtype", lambda name, **_: getattr(torch, DTYPES[name])),
            mock.patch.object(training, "set_seed", lambda **_: 1),
        ):
            recipe = (aware if "quantizer" in settings else plain)(cfg=cfg)
            stopped = mock.patch.object(type(recipe), "load_checkpoint", mock.Mock(side_effect=Checked))
            with stopped, mock.patch.object(config, "instantiate", mock.Mock()), contextlib.suppress(Checked):
                plain.setup(recipe, cfg)
        given = {**settings["checkpointer"], "checkpoint_dir": str(folder), "output_dir": f"{folder}-out"}
        config.instantiate(OmegaConf.create(given), should_load_recipe_state=NO)
        model = made(json.dumps(settings["model"]))
        if "quantizer" in settings:
            with mock.patch.object(config, "instantiate", mock.Mock(side_effect=Checked)), contextlib.suppress(Checked):
                aware._convert_model_to_qat(recipe, model, cfg.quantizer)
        recipe._setup_profiler(cfg.get("profiler"))
        recipe._tokenizer = SimpleNamespace(max_seq_len=settings["tokenizer"].get("max_seq_len"), pad_id=0)
        packed = mock.Mock(side_effect=Checked)
        with (
            mock.patch.object(datasets._sft, "load_dataset", lambda *_, **__: []),
            mock.patch.object(datasets._alpaca, "PackedDataset", packed),
            contextlib.suppress(Checked),
        ):
            config.instantiate(cfg.dataset, recipe._tokenizer)
        if "left_pad_sequence" in cfg.get("collate_fn", ""):
            with mock.patch.object(config, "instantiate", mock.Mock()):
                recipe._setup_data(cfg.dataset, NO, 1, cfg.collate_fn)

    adapter: dict[str, Any] = {"lora_rank": 8, "lora_alpha": 16, "lora_attn_modules": ["q_proj"]}
    llama, qwen = "torchtune.models.llama3_2.lora_llama3_2_1b", "torchtune.models.qwen2_5.lora_qwen2_5_0_5b"
    read: dict[str, Any] = {"checkpoint_dir": "c", "checkpoint_files": ["a.safetensors"], "model_type": "LLAMA3"}
    read["_component_"] = "torchtune.training.FullModelHFCheckpointer"
    base = {
        "model": {"_component_": llama, **adapter},
        "tokenizer": {"_component_": "torchtune.models.llama3.llama3_tokenizer", "path": "t", "max_seq_len": 512},
        "checkpointer": read,
        "dataset": {"_component_": "torchtune.datasets.alpaca_dataset"},
        "metric_logger": {"_component_": "torchtune.training.metric_logging.DiskLogger", "log_dir": "l"},
        "output_dir": "o",
        "seed": 1,
        "epochs": 1,
        "max_steps_per_epoch": 10,
        "resume_from_checkpoint": NO,
        "gradient_accumulation_steps": 1,
        "device": "cuda",
        "dtype": "fp32",
        "compile": NO,
    }
    pool: dict[str, tuple[Any, ...]] = {
        "model": (
            {"_component_": llama, **adapter, "use_dora": YES},
            {"_component_": llama, **adapter, "apply_lora_to_mlp": YES},
            {"_component_": llama, **adapter, "apply_lora_to_output": YES},
            {"_component_": llama, **adapter, "lora_attn_modules": []},
            {"_component_": qwen, **adapter, "apply_lora_to_output": YES},
            {"_component_": qwen, **adapter},
        ),
        "tokenizer": (
            {"_component_": "torchtune.models.llama3.llama3_tokenizer", "path": "t"},
            {"_component_": "torchtune.models.llama3.llama3_tokenizer", "path": "t", "max_seq_len": None},
        ),
        "dataset": (
            {"_component_": "torchtune.datasets.alpaca_dataset", "packed": YES},
            {"_component_": "torchtune.datasets.alpaca_dataset", "packed": NO},
            {"_component_": "torchtune.datasets.multimodal.the_cauldron_dataset", "subset": "a", "packed": YES},
        ),
        "checkpointer": (
            {**read, "checkpoint_files": ["a.safetensors", "b.safetensors"]},
            {**read, "_component_": "torchtune.training.FullModelMetaCheckpointer", "checkpoint_files": ["a.pt"]},
            {
                **read,
                "_component_": "torchtune.training.FullModelMetaCheckpointer",
                "checkpoint_files": ["a.pt", "b.pt"],
            },
            {
                **read,
                "_component_": "torchtune.training.FullModelTorchTuneCheckpointer",
                "checkpoint_files": ["a.pt", "b.pt"],
            },
        ),
        "quantizer": (
            {"_component_": "torchtune.training.quantization.Int8DynActInt4WeightQATQuantizer", "groupsize": 256},
        ),
        "collate_fn": ("torchtune.data.left_pad_sequence", "torchtune.data.padded_collate_sft"),
        "profiler": (
            {"_component_": "torchtune.training.setup_torch_profiler", "enabled": NO},
            {"_component_": "torch.profiler.profile"},
            {"enabled": NO},
        ),
        "device": ("cuda", "cpu", "npu"),
        "dtype": tuple(DTYPES),
        "enable_activation_checkpointing": FLAG,
        "enable_activation_offloading": FLAG,
        "compile": FLAG,
        "batch_size": (1, 2),
        "clip_grad_norm": (1.0,),
        "log_every_n_steps": (1,),
        "log_peak_memory_stats": FLAG,
        "save_adapter_weights_only": FLAG,
        "max_steps_per_epoch": (10, 100),
        "gradient_accumulation_steps": (1, 8),
    }
    return Comparison(base, pool, check, late=True)


def accelerate() -> Comparison:
    from unittest import mock

    import yaml
    from accelerate.commands import launch
    from accelerate.utils import DeepSpeedPlugin, FullyShardedDataParallelPlugin
    from accelerate.utils.launch import prepare_deepspeed_cmd_env, prepare_multi_gpu_env

    folder = tempfile.mkdtemp()
    zero = Path(folder, "ds.json")
    zero.write_text(json.dumps({"zero_optimization": {"stage": 2}}), encoding="utf-8")

    def check(settings: dict[str, Any]) -> None:
        """What `accelerate launch` checks, and what the plugins check in the program that it starts."""
        config = Path(folder, "config.yaml")
        text = yaml.safe_dump(settings).replace("mixed_precision: 'no'", "mixed_precision: no")
        config.write_text(text.replace("ds.json", zero.as_posix()), encoding="utf-8")
        args = launch.launch_command_parser().parse_args(["--config_file", str(config), "train.py"])
        environment: dict[str, str] = {}
        args, _, _ = launch._validate_launch_command(args)
        if args.use_deepspeed:
            with mock.patch.object(launch, "deepspeed_launcher", lambda _: None):
                launch.launch_command(launch.launch_command_parser().parse_args(["--config_file", str(config), "a.py"]))
            fields = [*settings.get("deepspeed_config", {})] + ["mixed_precision"] * ("mixed_precision" in settings)
            args.deepspeed_fields_from_accelerate_config = ",".join(fields)
            _, environment = prepare_deepspeed_cmd_env(args)
        else:
            environment = prepare_multi_gpu_env(args)
        with mock.patch.dict(os.environ, environment):
            if args.use_fsdp:
                FullyShardedDataParallelPlugin(sync_module_states=NO, cpu_ram_efficient_loading=NO)  # these need a GPU
            if args.use_deepspeed:
                DeepSpeedPlugin()

    base = {"compute_environment": "LOCAL_MACHINE", "num_processes": 4, "num_machines": 1}
    sharded: tuple[dict[str, Any], ...] = (
        {},
        {"fsdp_version": 2},
        {"fsdp_version": 2, "fsdp_reshard_after_forward": YES},
        {"fsdp_version": 2, "fsdp_reshard_after_forward": "FULL_SHARD"},
        {"fsdp_version": 2, "fsdp_state_dict_type": "LOCAL_STATE_DICT"},
        {"fsdp_state_dict_type": "LOCAL_STATE_DICT"},
        {"fsdp_auto_wrap_policy": "TRANSFORMER_BASED_WRAP"},
        {"fsdp_auto_wrap_policy": "transformer"},
        {"fsdp_version": 2, "fsdp_sharding_strategy": "FULL_SHARD", "fsdp_use_orig_params": YES},
        {"fsdp_version": 2, "fsdp_backward_prefetch": "BACKWARD_PRE", "fsdp_forward_prefetch": YES},
        {"fsdp_sync_module_states": NO},
        {"fsdp_sync_module_states": NO, "fsdp_cpu_ram_efficient_loading": NO},
        {"fsdp_activation_checkpointing_offload": YES, "fsdp_version": 2},
        {"fsdp_activation_checkpointing_offload": YES, "fsdp_activation_checkpointing": YES},
        {
            "fsdp_activation_checkpointing_offload": YES,
            "fsdp_activation_checkpointing": YES,
            "fsdp_version": 2,
        },
    )
    split: tuple[dict[str, Any], ...] = (
        {"zero_stage": 2},
        {"zero_stage": 3, "zero3_init_flag": YES},
        {"deepspeed_config_file": "ds.json"},
        {"deepspeed_config_file": "ds.json", "zero_stage": 2},
        {"deepspeed_config_file": "ds.json", "gradient_clipping": 1.0, "offload_param_device": "cpu"},
        {"deepspeed_config_file": "ds.json", "zero3_init_flag": NO},
        {"deepspeed_config_file": "ds.json", "gradient_accumulation_steps": 4},
        {"deepspeed_config_file": "ds.json", "offload_optimizer_device": "cpu", "zero3_save_16bit_model": YES},
        {"deepspeed_config_file": "ds.json", "offload_optimizer_nvme_path": "/n", "offload_param_nvme_path": "/n"},
    )
    pool: dict[str, tuple[Any, ...]] = {
        "distributed_type": ("MULTI_GPU", "FSDP", "FSDP", "FSDP", "DEEPSPEED", "DEEPSPEED", "TPU"),
        "mixed_precision": ("bf16", "fp16", "bfloat16", NO),
        "gpu_ids": ("all", "0", "0,1", 0),
        "fsdp_config": sharded,
        "deepspeed_config": split,
        "dynamo_config": ({"dynamo_backend": "INDUCTOR"}, {"dynamo_backend": "TRITON"}),
    }
    return Comparison({**base, "distributed_type": "MULTI_GPU"}, pool, check)


def llamafactory_v1() -> Comparison:
    from llamafactory.v1.config import get_args

    base = {"model": "Qwen/Qwen2.5-7B", "train_dataset": "data.yaml", "output_dir": "o", "peft_config.name": "lora"}
    plugins: dict[str, tuple[Any, ...]] = {
        "init_config": ({"name": "init_on_default"}, {"device": "cpu"}),
        "kernel_config": ({"name": "auto"}, {"include_kernels": "auto"}),
        "quant_config": ({"name": "bnb", "quantization_bit": 4}, {"quantization_bit": 4}),
        "dist_config": ({"name": "fsdp2"}, {"dp_size": 2}),
        "optim_config": ({"name": "adamw"}, {"lr": 1e-4}),
        "lr_scheduler_config": ({"name": "cosine"}, {"warmup": 10}),
    }
    pool: dict[str, tuple[Any, ...]] = {
        **plugins,
        "batching_strategy": ("normal", "padding_free", "dynamic_batching", "dynamic_padding_free"),
        "max_steps": (100, 0, -1),
        "save_epochs": (1.0,),
        "save_steps": (10,),
        "flash_attn": ("eager", "sdpa", "flash_attention_2", "flash_attention_3", "auto"),
        "cutoff_len": (512,),
        "bf16": FLAG,
    }
    return Comparison(base, pool, get_args)


def easyr1() -> Comparison:
    from types import SimpleNamespace

    from omegaconf import OmegaConf  # type: ignore[import-not-found]

    sys.meta_path[:0] = [_Stub(name) for name in ("ray", "tensordict", "torchdata", "codetiming")]
    for name, made in (("fsdp_workers", "FSDPWorker"), ("rollout.vllm_rollout_spmd", "vLLMRollout")):
        sys.modules[f"verl.workers.{name}"] = SimpleNamespace(**{made: None})  # type: ignore[assignment]
    from verl.trainer.config import PPOConfig  # type: ignore[import-not-found]
    from verl.trainer.ray_trainer import RayPPOTrainer  # type: ignore[import-not-found]

    def check(settings: dict[str, Any]) -> None:
        """What `verl.trainer.main` makes of a file, and the trainer on one batch of data."""
        config = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(PPOConfig()), OmegaConf.create(settings)))
        config.deep_post_init()
        RayPPOTrainer(config, None, None, [1], [1], {}, None)

    lora = "worker.actor.model.lora"
    base = {
        "data.train_files": "a/b@train",
        "data.val_files": "a/b@test",
        "data.rollout_batch_size": 512,
        "worker.actor.global_batch_size": 128,
        "worker.actor.model.model_path": "Qwen/Qwen2.5-7B-Instruct",
        f"{lora}.rank": 64,
        "worker.rollout.n": 5,
        "algorithm.adv_estimator": "grpo",
        "trainer.n_gpus_per_node": 8,
    }
    pool: dict[str, tuple[Any, ...]] = {
        "algorithm.adv_estimator": ("gae", "grpo", "rloo", "remax", "reinforce_plus_plus", "ppo"),
        "algorithm.kl_type": ("fixed", "adaptive", "none"),
        "algorithm.kl_horizon": (0.0, -1.0, 1000.0),
        "algorithm.disable_kl": FLAG,
        "data.rollout_batch_size": (128, 100, 512),
        "worker.actor.global_batch_size": (64, 96, 128),
        "worker.actor.micro_batch_size_per_device_for_experience": (4, 16, 7),
        "worker.critic.global_batch_size": (64, 96, 512),
        "worker.rollout.n": (1, 5, 8),
        f"{lora}.target_modules": ("all-linear", "q_proj,v_proj"),
        f"{lora}.exclude_modules": (".*visual.*",),
        "trainer.max_steps": (10,),
    }
    return Comparison(base, pool, check)


def h2o_llmstudio() -> Comparison:
    from unittest import mock

    packages = (
        *("h2o_wave", "h2o_drive", "deepspeed", "sacrebleu", "wandb", "neptune", "boto3", "botocore"),
        *("openai", "azure", "kaggle", "textstat", "mlflow", "plotly", "seaborn", "matplotlib", "coolname", "captum"),
        *("sqlitedict", "bokeh", "sklearn", "pandas", "pyarrow", "html2text", "IPython", "pygments", "keyring"),
    )
    sys.meta_path[:0] = [_Stub(name) for name in packages]
    sys.modules["bitsandbytes"] = mock.MagicMock()
    import llm_studio  # type: ignore[import-not-found]
    import torch

    os.chdir(Path(llm_studio.__file__).parent.parent)  # which has the prompts that its metrics name
    from llm_studio.python_configs import text_causal_language_modeling_config as language  # type: ignore[import-not-found]
    from llm_studio.python_configs.cfg_checks import check_config_for_errors  # type: ignore[import-not-found]
    from llm_studio.src.utils.config_utils import (  # type: ignore[import-not-found]
        convert_nested_dictionary_to_cfg_base,
    )

    def check(settings: dict[str, Any]) -> None:
        """What the training asks of a file before it starts, on a machine with 8 GPUs and without data."""
        with mock.patch.object(torch.cuda, "device_count", lambda: 8), mock.patch.object(language, "sanity_check"):
            errors = check_config_for_errors(convert_nested_dictionary_to_cfg_base(settings))
        for kind, message in zip(errors["type"], errors["message"], strict=True):
            if kind == "error":
                raise ValueError(message)

    base = {
        "problem_type": "text_causal_language_modeling",
        "llm_backbone": "h2oai/h2o-danube3-500m-base",
        "dataset.train_dataframe": "data/train.pq",
        "environment.gpus": ["0", "1"],
        "training.lora": YES,
    }
    pool: dict[str, tuple[Any, ...]] = {
        "problem_type": (
            *("text_causal_classification_modeling", "text_causal_classification_modeling", "text_dpo_modeling"),
            *("text_causal_regression_modeling", "text_sequence_to_sequence_modeling", "text_rlhf_modeling"),
        ),
        "environment.use_deepspeed": FLAG,
        "environment.gpus": ([], ["0"], ["0", "1", "2"]),
        "architecture.backbone_dtype": ("int4", "int8", "float16", "bfloat16"),
        "architecture.pretrained": FLAG,
        "logging.logger": ("None", "W&B", "Neptune"),
        "logging.log_step_size": ("absolute", "relative"),
        "training.loss_function": ("CrossEntropyLoss", "BinaryCrossEntropyLoss"),
        "dataset.num_classes": (1, 2, 3),
        "dataset.answer_column": (["a"], ["a", "b"], "a"),
        "dataset.parent_id_column": ("None", "parent"),
        "training.epochs": (0, 1),
    }
    return Comparison(base, pool, check)


def mistral_finetune() -> Comparison:
    sys.meta_path[:0] = [_Stub(name) for name in ("wandb", "mlflow")]
    from finetune.args import TrainArgs  # type: ignore[import-not-found]

    base = {
        "data.instruct_data": "a.jsonl",
        "model_id_or_path": "mistral_models/7B",
        "run_dir": "runs/a",
        "lora.rank": 64,
    }
    pool: dict[str, tuple[Any, ...]] = {
        "data.instruct.shuffle": FLAG,
        "data.instruct.dynamic_chunk_fn_call": FLAG,
        "wandb.project": ("", "a"),
        "wandb.offline": FLAG,
        "mlflow.tracking_uri": ("http://localhost",),
        "mlflow.experiment_name": ("a",),
        "num_microbatches": (-1, 0, 1, 8),
        "num_ckpt_keep": (0, 1, 3),
        "seq_len": (8192,),
        "save_adapters": FLAG,
    }
    return Comparison(base, pool, TrainArgs.from_dict)


FRAMEWORKS: dict[str, Callable[[], Comparison]] = {
    "accelerate": accelerate,
    "llamafactory": llamafactory,
    "llamafactory:served": llamafactory_served,
    "llamafactory_v1": llamafactory_v1,
    "axolotl": axolotl,
    "ms_swift": ms_swift,
    "torchtune": torchtune,
    "litgpt": litgpt,
    "easyr1": easyr1,
    "h2o_llmstudio": h2o_llmstudio,
    "mistral_finetune": mistral_finetune,
}


ALONE = (
    (
        "mlx-lm, ai-toolkit, OneTrainer, SimpleTuner, diffusion-pipe, qlora-pipe, qlora-pipe-lite,"
        " unsloth, diffusers' scripts, llama-cookbook,"
        " LLM2Vec, MoE-PEFT, Firefly, InternVL, mlx-tune, mlx-vlm",
        "no validator that takes a whole configuration: the checks stand in functions that also load and train",
    ),
    (
        "verl, Ludwig, sd-scripts, musubi-tuner, OpenRLHF, SkyRL, AReaL, NeMo, prime-rl, AdapterHub, AutoTrain,"
        " fms-hf-tuning, LeRobot, Megatron-Bridge, open-instruct, ROLL, Training Hub, xtuner",
        "a part of the checks could be called alone, and is not compared yet",
    ),
    (
        "Amazon Nova's recipes, Fireworks, Tinker, Together AI",
        "the service checks a job, and what its client checks first is a few settings",
    ),
    ("KerasHub, loralib, W&B", "they refuse nothing that a file decides"),
)
"""Frameworks that are not compared with, and why."""


def aims(name: str, comparison: Comparison) -> list[list[str]]:
    """The settings that each row goes by, as far as they are generated."""
    table = refusals.table(name.partition(":")[0])
    assert table is not None
    asked = ([part for name in row.settings for part in (name.partition(".")[0], name)] for row in table.rows[""])
    return [keys for each in asked if (keys := [key for key in dict.fromkeys(each) if key in comparison.pool])]


def generated(random_: random.Random, comparison: Comparison, rows: list[list[str]]) -> dict[str, Any]:
    """The settings of a file: any, or those of a row and some others."""
    keys = random_.sample(list(comparison.pool), random_.randint(1, min(MOST, len(comparison.pool))))
    if random_.random() < AIMED:
        keys = [*random_.choice(rows), *keys[:2]]
    return nested({**comparison.base, **{key: random_.choice(comparison.pool[key]) for key in keys}})


def nested(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings as a file has them: `a.b` is in the mapping `a`."""
    made: dict[str, Any] = {}
    for name, value in settings.items():
        *parents, key = name.split(".")
        place = made
        for parent in parents:
            place = place.setdefault(parent, {})
        place[key] = value
    return made


def refused_by_framework(settings: dict[str, Any], comparison: Comparison) -> str | None:
    """What the framework says when it refuses the settings; None if it takes them."""
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            comparison.check(json.loads(json.dumps(settings)))
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def reported(settings: dict[str, Any], checker: Checker, late: bool = False) -> tuple[list[str], bool]:
    """What lora-lint says is refused in a file, before a model is loaded unless it is `late`, and whether it finds any
    error: one of another rule at the same place speaks alone."""
    kind: Any = "yaml"
    text = "".join(f"{key}: {json.dumps(value)}\n" for key, value in settings.items())  # JSON is YAML
    result = checker.check(Found("config.yaml", kind, text.encode(), True))
    found = (each for each in result.findings if each.code in ("LL902", "LL904"))
    ours = [f"{each.code}: {each.message}" for each in found if late or "once the model is loaded" not in each.message]
    return ours, any(each.level == "error" and each.code != "LL904" for each in result.findings)


def compared(name: str, count: int, seed: int = 0) -> dict[str, Any]:
    """How many files are refused, and where the two disagree."""
    comparison, random_, checker = FRAMEWORKS[name](), random.Random(seed), Checker(Settings())
    rows, refused, machine = aims(name, comparison), 0, 0
    told = []
    for _ in range(count):
        settings = generated(random_, comparison, rows)
        why, (ours, otherwise) = (
            refused_by_framework(settings, comparison),
            reported(settings, checker, comparison.late),
        )
        refused += why is not None
        own = {key: value for key, value in settings.items() if nested(comparison.base).get(key) != value}
        if why is not None and not ours and not otherwise:
            if any(words in why for words in comparison.machine):
                machine += 1
            else:
                told.append(f"{own}: it is refused ({why[:300]}), and lora-lint says nothing")
        elif ours and why is None:
            told.append(f"{own}: it is taken, and lora-lint says {ours[0]}")
    framework, _, way = name.partition(":")
    table = refusals.table(framework)
    assert table is not None
    return {
        "framework": f"{table.title} {table.version}" + (f", {way}" if way else ""),
        "files": count,
        "refused": refused,
        "machine": machine,
        "disagreements": told,
    }


def document(results: list[dict[str, Any]]) -> str:
    """The page of the comparisons with frameworks."""
    lines = [
        "# Refusals compared with the frameworks themselves",
        "",
        "Written by `python scripts/compare_frameworks.py --docs` from its results, and from those of",
        "compare_refusals.py for PEFT, transformers and TRL, and compare_on_models.py for `get_peft_model`. Generated",
        "settings are given to the framework's own checks and to lora-lint. `machine` counts refusals that depend on",
        "devices, packages, the number of processes or the widths of layers, which lora-lint does not report.",
        "",
        "| framework | settings | refused | machine | disagreements |",
        "|---|---|---|---|---|",
    ]
    for each in results:
        numbers = (each["files"], each["refused"], each["machine"], len(each["disagreements"]))
        lines.append(f"| {each['framework']} | {' | '.join(map(str, numbers))} |")
    told = [f"- {each['framework']}: {line}" for each in results for line in each["disagreements"]]
    lines += ["", "Disagreements:", "", *told] if told else []
    lines += ["", "Read in the source alone:", "", "| framework | reason |", "|---|---|"]
    lines += [f"| {names} | {reason} |" for names, reason in ALONE]
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--docs"]:
        results = [json.loads(Path(path).read_text(encoding="utf-8")) for path in arguments[1:]]
        DOCS.write_text(document(results), encoding="utf-8")
        return 0
    if not arguments or arguments[0] not in FRAMEWORKS:
        print(__doc__)
        return 2
    count, seed = map(int, (*arguments[1:3], *("500", "0")[len(arguments) - 1 :]))
    result = compared(arguments[0], count, seed)
    print(json.dumps(result, indent=1))
    return int(bool(result["disagreements"]))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
