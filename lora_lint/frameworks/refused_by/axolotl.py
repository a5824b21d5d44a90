"""axolotl 0.21.0: what the validators of its schemas refuse."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_VALID = "utils/schemas/validation.py"
_PEFT = "utils/schemas/peft.py"
_CONFIG = "utils/schemas/config.py"
_OLD = "utils/schemas/deprecated.py"
_KERNELS = ("lora_mlp_kernel", "lora_qkv_kernel", "lora_o_kernel")
_OTHER_ATTENTION = (
    *("bloom", "cohere", "dbrx", "deepseek_v2", "deepseek_v3", "falcon", "glm4_moe", "glm4_moe_lite", "glm_moe_dsa"),
    *("gpt2", "gpt_bigcode", "gpt_neo", "gpt_neox", "gptj", "jetmoe", "lfm2", "lfm2_moe", "llama4", "minicpm3"),
    *("minimax_m2", "mistral4", "mllama", "mpt", "olmo", "olmo2", "olmo3", "olmoe", "opt", "persimmon", "phi", "phi3"),
    *("phi4_multimodal", "stablelm"),
)
"""Model types whose attention (transformers 5.23) has none of the lines that `patch_self_attn_lora` replaces."""
_EITHER = "Leave one of the two out"
_LORA = "adapter in ('lora', 'qlora')"


def _both(one: str, other: str, says: str, line: int, *, source: str = _VALID) -> Refusal:
    """Two settings that exclude each other."""
    return Refusal(one, f"{one} and {other}", says, _EITHER, f"{source}:{line}", (other,))


def _out(key: str, when: str, says: str, source: str, others: tuple[str, ...] = (), cause: str = "") -> Refusal:
    """A setting that must be removed."""
    return Refusal(key, when, says, f"Leave `{key}` out", source, others, drop=True, cause=cause)


def _polora(key: str, says: str, line: int) -> Refusal:
    return Refusal(
        key,
        f"{key} and optimizer == 'polora'",
        says,
        "Leave it out, or take another optimizer",
        f"{_VALID}:{line}",
        ("optimizer",),
        cause=f"{_VALID}:{line}",
    )


_UNTRAINED = "polora has no optimizer for parameters other than LoRA's, so what this adds would never be trained"
_OWN_RATES = "polora sets the size of its steps itself, and this would be ignored"
_ROWS = (
    *(
        Refusal(
            key,
            f"{key} and not adapter and not inference",
            f"`{key}` is not supported without an adapter",
            f"Set `adapter: {adapter}`, or leave `{key}` out for a full fine-tuning",
            f"{_PEFT}:207",
            ("adapter",),
        )
        for key, adapter in (("load_in_4bit", "qlora"), ("load_in_8bit", "lora"))
    ),
    Refusal(
        "load_in_8bit",
        "load_in_8bit and adapter == 'qlora' and not merge_lora",
        "qlora cannot be loaded in 8 bit",
        "Set `load_in_4bit: true` in its place, or `adapter: lora`",
        f"{_PEFT}:239",
        ("adapter",),
    ),
    Refusal(
        "gptq",
        "gptq and adapter == 'qlora' and not merge_lora",
        "qlora cannot be loaded with gptq",
        "Set `adapter: lora`, or leave `gptq` out",
        f"{_PEFT}:242",
        ("adapter",),
    ),
    Refusal(
        "adapter",
        "adapter == 'qlora' and not load_in_4bit and not load_in_8bit and not gptq and not merge_lora",
        "qlora requires `load_in_4bit: true`",
        "Set it, or `adapter: lora`",
        f"{_PEFT}:245",
        ("load_in_4bit",),
    ),
    *(
        Refusal(
            key,
            f"{key} and adapter == 'qlora' and merge_lora",
            f"qlora cannot be merged with `{key}`",
            f"Leave `{key}` out for the merge",
            f"{_PEFT}:{line}",
            ("merge_lora",),
        )
        for key, line in (("load_in_8bit", 229), ("gptq", 232), ("load_in_4bit", 235))
    ),
    Refusal(
        "lora_dropout",
        "lora_dropout and lora_target_parameters",
        "`lora_dropout` must be 0 with `lora_target_parameters`",
        "Set `lora_dropout: 0`",
        f"{_PEFT}:269",
        ("lora_target_parameters",),
        sets=(("lora_dropout", 0),),
    ),
    Refusal(
        "peft_init_lora_weights",
        "lora_target_parameters and (is_text(peft_init_lora_weights) and peft_init_lora_weights != 'gaussian'"
        " or peft.loftq_config)",
        "with `lora_target_parameters` it must be the default or gaussian: others read weights that fused experts lack",
        "Leave it out",
        f"{_PEFT}:283",
        ("lora_target_parameters",),
        "0.20.0",
        drop=True,
    ),
    Refusal(
        "lora_fp32_gradients",
        "lora_fp32_gradients and adapter not in ('lora', 'qlora', 'multilora')",
        "`lora_fp32_gradients` requires a LoRA adapter",
        "Set `adapter: lora`, or leave it out",
        f"{_CONFIG}:2071",
        ("adapter",),
        "0.20.0",
    ),
    Refusal(
        "bnb_config_kwargs.blocksize",
        "load_in_4bit and nf4_backend != 'torchao' and bnb_config_kwargs.blocksize is not None"
        " and bnb_config_kwargs.blocksize != 64",
        "bitsandbytes quantizes to 4 bit in blocks of 64",
        "Leave it out",
        f"{_VALID}:1602",
        ("load_in_4bit",),
        "0.20.0",
        drop=True,
    ),
    _both("lr_groups", "loraplus_lr_ratio", "`lr_groups` and `loraplus_lr_ratio` cannot be used together", 833),
    Refusal(
        "unfrozen_parameters",
        "unfrozen_parameters and peft_layers_to_transform and adapter",
        "`unfrozen_parameters` with `peft_layers_to_transform` has unexpected behavior",
        _EITHER,
        f"{_VALID}:844",
        ("peft_layers_to_transform",),
    ),
    Refusal(
        "peft_layers_pattern",
        "peft_layers_pattern and not peft_layers_to_transform",
        "`peft_layers_pattern` requires `peft_layers_to_transform`",
        "Set it, or leave `peft_layers_pattern` out",
        f"{_VALID}:853",
        ("peft_layers_to_transform",),
    ),
    Refusal(
        "flash_attn_fuse_mlp",
        f"flash_attn_fuse_mlp and {_LORA}",
        "fused modules are not supported with LoRA or QLoRA",
        "Leave `flash_attn_fuse_mlp` out",
        f"{_VALID}:861",
        ("adapter",),
        drop=True,
    ),
    Refusal(
        "use_onebitllms",
        f"use_onebitllms and {_LORA}",
        "LoRA and QLoRA are not supported with `use_onebitllms`",
        "Leave `use_onebitllms` out",
        f"{_VALID}:874",
        ("adapter",),
        drop=True,
    ),
    *(
        Refusal(
            kernel,
            f"{kernel} and adapter == 'lora' and load_in_8bit",
            f"`{kernel}` is not compatible with LoRA in 8 bit",
            f"Leave `{kernel}` out, or take 4 bit",
            f"{_VALID}:906",
            ("load_in_8bit",),
        )
        for kernel in _KERNELS
    ),
    *(
        Refusal(
            kernel,
            f"{kernel} and trust_remote_code",
            f"`{kernel}` is not compatible with `trust_remote_code`",
            f"Leave `trust_remote_code` out, or set `{kernel}: false`",
            f"{_VALID}:938",
            ("trust_remote_code",),
        )
        for kernel in _KERNELS
    ),
    *(
        Refusal(
            kernel,
            f"{kernel} and adapter in ('lora', 'qlora') and model_type in {_OTHER_ATTENTION}",
            "the model's attention does not use a supported q/k/v/o projection layout",
            "Set `lora_qkv_kernel: false` and `lora_o_kernel: false`",
            "monkeypatch/lora_kernels.py:326",
            since="0.17.0",
            late=True,
            sets=((kernel, False),),
            cause="attention kernels",
        )
        for kernel in _KERNELS[1:]
    ),
    Refusal(
        "sample_packing",
        "sample_packing and rl",
        "`sample_packing: true` does not work with RLHF training",
        "Leave it out",
        f"{_VALID}:953",
        ("rl",),
        drop=True,
    ),
    Refusal(
        "rl",
        "rl == 'kto' and remove_unused_columns is not False and not sample_packing",
        "kto requires `remove_unused_columns: false`",
        "Set it",
        f"{_VALID}:964",
        ("remove_unused_columns",),
        sets=(("remove_unused_columns", False),),
    ),
    *(
        Refusal(
            loss,
            f"{loss} and (rl or reward_model or process_reward_model or cut_cross_entropy"
            " or liger_fused_linear_cross_entropy or chunked_cross_entropy)",
            f"`{loss}` is a loss for supervised fine-tuning, without another cross entropy",
            "Leave it out",
            f"{_VALID}:1434",
            ("rl", "cut_cross_entropy"),
            "0.20.0",
            drop=True,
        )
        for loss in ("use_dft", "use_eaft")
    ),
    Refusal(
        "trl.vllm_lora_sync",
        "trl.vllm_lora_sync and trl.use_vllm and trl.vllm_mode == 'colocate'",
        "`vllm_lora_sync: true` requires `vllm_mode: server`",
        "Leave it out: a colocated engine loads the merged weights",
        f"{_VALID}:2568",
        ("trl.vllm_mode",),
        "0.21.0",
        drop=True,
    ),
    Refusal(
        "trl.vllm_mode",
        "trl.vllm_mode == 'colocate' and trl.use_vllm and adapter and (trl.async_prefetch or trl.use_data_producer)",
        "the asynchronous GRPO trainer sends adapters to a vLLM server only",
        "Set `vllm_mode: server`",
        f"{_VALID}:2574",
        ("adapter", "trl.async_prefetch"),
        "0.21.0",
    ),
    Refusal(
        "dpo_loss_weights",
        "rl == 'dpo' and dpo_loss_weights is not None and dpo_loss_type is None",
        "`dpo_loss_weights` requires `dpo_loss_type`",
        "Set it, or leave `dpo_loss_weights` out",
        f"{_VALID}:1030",
        ("rl",),
    ),
    *(
        Refusal(
            key,
            f"{key} is not None and rl != 'dpo'",
            "it is for DPO only",
            "Leave it out, or set `rl: dpo`",
            f"{_VALID}:1043",
            ("rl",),
            cause="DPO",
        )
        for key in ("dpo_loss_type", "dpo_loss_weights")
    ),
    Refusal(
        "trl.num_generations",
        "rl == 'grpo' and is_whole(trl.num_generations) and trl.num_generations < 2",
        "GRPO requires at least 2 generations: a single one has no advantage over others",
        "Raise `num_generations`",
        f"{_VALID}:1078",
        ("rl",),
    ),
    Refusal(
        "trl.num_generations",
        "rl == 'grpo' and trl.generation_batch_size is None and is_whole(micro_batch_size)"
        " and is_whole(gradient_accumulation_steps) and is_whole(trl.num_generations) and trl.num_generations > 1"
        " and micro_batch_size * gradient_accumulation_steps % trl.num_generations != 0",
        "the generation batch size, `micro_batch_size` times `gradient_accumulation_steps`, must be divisible by it",
        "Raise `gradient_accumulation_steps` to a multiple",
        f"{_VALID}:1120",
        ("micro_batch_size", "gradient_accumulation_steps"),
        until="0.21.0",  # from which on the number of GPUs counts
    ),
    Refusal(
        "optimizer",
        "optimizer == 'muon' and deepspeed",
        "the optimizer muon is incompatible with DeepSpeed",
        "Take another optimizer, or FSDP2",
        f"{_VALID}:1221",
        ("deepspeed",),
    ),
    Refusal(
        "optimizer",
        "optimizer == 'polora' and adapter not in ('lora', 'qlora')",
        "polora only updates the factors of LoRA",
        "Set `adapter: lora`, or take another optimizer",
        f"{_VALID}:1232",
        ("adapter",),
    ),
    Refusal(
        "optimizer",
        "optimizer == 'polora' and deepspeed",
        "polora is not compatible with DeepSpeed",
        "Take another optimizer, or FSDP2",
        f"{_VALID}:1239",
        ("deepspeed",),
    ),
    *(
        _polora(key, _UNTRAINED, 1258)
        for key in (
            *("lora_modules_to_save", "unfrozen_parameters", "peft_use_dora", "peft_trainable_token_indices"),
            *("lisa_step_interval", "reward_model", "process_reward_model"),
        )
    ),
    *(
        _polora(key, _OWN_RATES, 1276)
        for key in ("loraplus_lr_ratio", "lr_groups", "embedding_lr", "embedding_lr_scale")
    ),
    Refusal(
        "weight_decay",
        "weight_decay and optimizer == 'polora'",
        "polora does not support weight decay",
        "Leave `weight_decay` out",
        f"{_VALID}:1287",
        ("optimizer",),
        ignored=True,
    ),
    Refusal(
        "optimizer",
        "optimizer == 'q_galore_adamw8bit' and adapter",
        "it works on parameters in full precision, and is incompatible with an adapter",
        "Leave `adapter` out, or take another optimizer",
        f"{_VALID}:1297",
        ("adapter",),
    ),
    Refusal(
        "optimizer",
        "starts(optimizer, 'flash_') and deepspeed",
        "flash optimizers are incompatible with DeepSpeed",
        "Take another optimizer, or FSDP2",
        f"{_VALID}:1326",
        ("deepspeed",),
    ),
    *(
        _both(one, other, "only one optimization of the cross entropy can be enabled", 1397)
        for one, other in (
            ("cut_cross_entropy", "chunked_cross_entropy"),
            ("liger_cross_entropy", "liger_fused_linear_cross_entropy"),
            ("liger_cross_entropy", "cut_cross_entropy"),
            ("liger_fused_linear_cross_entropy", "cut_cross_entropy"),
            ("liger_cross_entropy", "chunked_cross_entropy"),
            ("liger_fused_linear_cross_entropy", "chunked_cross_entropy"),
        )
    ),
    *(
        Refusal(
            key,
            f"{key} and fsdp_version == 2 and rl in ('dpo', 'kto', 'orpo', 'ipo')",
            f"FSDP2 does not support `{key}` with preference training",
            "Use DeepSpeed, or set `fsdp_version: 1`",
            f"{_VALID}:1508",
            ("fsdp_version", "rl"),
            until="0.20.0",
        )
        for key in ("load_in_8bit", "load_in_4bit")
    ),
    *(
        Refusal(
            key,
            f"{key} and fsdp_config and rl in ('dpo', 'kto', 'orpo', 'ipo')",
            f"FSDP2 does not support `{key}` with preference training",
            "Use DeepSpeed, or leave `fsdp_config` out",
            f"{_VALID}:1508",
            ("fsdp_config", "rl"),
            "0.20.0",
        )
        for key in ("load_in_8bit", "load_in_4bit")
    ),
    Refusal(
        "fsdp",
        "fsdp",
        "the list named strategies of FSDP 1, which axolotl 0.20 removed",
        "Use `fsdp_config`, or axolotl 0.19",
        f"{_VALID}:1444",
        since="0.20.0",
        likely=True,
    ),
    *(
        Refusal(
            key,
            f"{key} is not None and {key} != 2 and {key} != '2'",
            "axolotl 0.20 removed FSDP 1",
            "Set it to 2, or use axolotl 0.19",
            f"{_VALID}:1456",
            since="0.20.0",
            likely=True,
        )
        for key in ("fsdp_version", "fsdp_config.fsdp_version")
    ),
    _both("max_memory", "gpu_memory_limit", "`max_memory` and `gpu_memory_limit` exclude each other", 1705),
    _both("deepspeed", "fsdp", "`deepspeed` and `fsdp` cannot be used together", 1714),
    Refusal(
        "deepspeed",
        "deepspeed and fsdp_config and not fsdp",
        "`deepspeed` and `fsdp_config` cannot be used together",
        _EITHER,
        f"{_VALID}:1714",
        ("fsdp_config",),
        "0.20.0",
    ),
    Refusal(
        "fp8_enable_fsdp_float8_all_gather",
        "fp8_enable_fsdp_float8_all_gather and not fsdp_config",
        "it requires FSDP, with its section `fsdp_config`",
        "Leave it out",
        f"{_VALID}:692",
        ("fsdp_config",),
        "0.20.0",
        drop=True,
    ),
    *(
        _both(key, "model_quantization_config", f"`model_quantization_config` and `{key}` exclude each other", 1722)
        for key in ("load_in_8bit", "load_in_4bit")
    ),
    Refusal(
        "chat_template",
        "chat_template == 'jinja' and not chat_template_jinja",
        "`chat_template: jinja` requires `chat_template_jinja`",
        "Give the template there",
        f"{_VALID}:1833",
        ("chat_template_jinja",),
    ),
    Refusal(
        "pretraining_dataset",
        "pretraining_dataset and not max_steps",
        "a streamed `pretraining_dataset` needs `max_steps`",
        "Set it",
        f"{_VALID}:1852",
        ("max_steps",),
        likely=True,
    ),
    _both(
        "gradient_accumulation_steps",
        "batch_size",
        "only one of `gradient_accumulation_steps` and `batch_size` may be set",
        507,
    ),
    _both("warmup_ratio", "warmup_steps", "`warmup_steps` and `warmup_ratio` exclude each other", 529),
    Refusal(
        "save_steps",
        "save_steps and save_strategy and save_strategy != 'steps'",
        "`save_steps` needs `save_strategy: steps`",
        "Set it, or leave `save_steps` out",
        f"{_VALID}:540",
        ("save_strategy",),
    ),
    _both("save_steps", "saves_per_epoch", "`save_steps` and `saves_per_epoch` exclude each other", 544),
    Refusal(
        "eval_steps",
        "eval_steps and eval_strategy and eval_strategy != 'steps'",
        "`eval_steps` needs `eval_strategy: steps`",
        "Set it, or leave `eval_steps` out",
        f"{_VALID}:568",
        ("eval_strategy",),
    ),
    *(
        Refusal(
            key,
            f"val_set_size == 0 and {key} and eval_strategy != 'no' and not test_datasets{alone}",
            f"`{key}` needs data to evaluate on",
            "Raise `val_set_size`, or name `test_datasets`",
            f"{_VALID}:578",
            ("val_set_size",),
        )
        for key, alone in (("eval_steps", ""), ("eval_strategy", " and not eval_steps"))
    ),
    Refusal(
        "evaluation_strategy",
        "val_set_size == 0 and evaluation_strategy and evaluation_strategy != 'no' and not eval_strategy"
        " and not eval_steps and not test_datasets",
        "`evaluation_strategy` needs data to evaluate on",
        "Raise `val_set_size`, or name `test_datasets`",
        f"{_VALID}:578",
        ("val_set_size",),
    ),
    Refusal(
        "eval_strategy",
        "evals_per_epoch and eval_strategy and eval_strategy != 'steps'",
        "`evals_per_epoch` needs `eval_strategy: steps`",
        "Leave `eval_strategy` out",
        f"{_VALID}:590",
        ("evals_per_epoch",),
        drop=True,
    ),
    Refusal(
        "relora",
        "relora and not jagged_restart_steps",
        "ReLoRA needs `jagged_restart_steps`",
        "Set it",
        f"{_VALID}:2226",
        ("jagged_restart_steps",),
    ),
    _both("eval_steps", "evals_per_epoch", "`eval_steps` and `evals_per_epoch` exclude each other", 582),
    Refusal(
        "val_set_size",
        "val_set_size and test_datasets",
        "`val_set_size` should not be used with `test_datasets`",
        "Set `val_set_size: 0`",
        f"{_VALID}:339",
        ("test_datasets",),
        sets=(("val_set_size", 0),),
    ),
    Refusal(
        "eval_table_size",
        "eval_table_size and sample_packing and eval_sample_packing is not False",
        "`eval_table_size` is not supported with packed evaluation samples",
        "Set `eval_sample_packing: false`",
        f"{_VALID}:368",
        ("sample_packing", "eval_sample_packing"),
        sets=(("eval_sample_packing", False),),
    ),
    Refusal(
        "fp8_config",
        "fp8_config is not None and not fp8",
        "`fp8_config` requires `fp8: true`",
        "Set it, or leave `fp8_config` out",
        f"{_VALID}:661",
        ("fp8",),
    ),
    Refusal(
        "gradient_checkpointing_kwargs.use_reentrant",
        "unfrozen_parameters and gradient_checkpointing_kwargs.use_reentrant == True",
        "`use_reentrant` must be false if a part of the model is frozen",
        "Set it to false",
        f"{_VALID}:708",
        ("unfrozen_parameters",),
        sets=(("gradient_checkpointing_kwargs.use_reentrant", False),),
    ),
    Refusal(
        "lora_target_linear",
        "lora_target_linear and quantize_moe_experts",
        "`lora_target_linear` is not compatible with `quantize_moe_experts`",
        "Name the experts in `lora_target_parameters`, and the other layers in `lora_target_modules`",
        f"{_CONFIG}:2046",
        ("quantize_moe_experts",),
    ),
    *(
        Refusal(
            key,
            f"{key} and adapter == '{adapter}' and model_quantization_config is None and not merge_lora"
            " and base_model in ('openai/gpt-oss-20b', 'openai/gpt-oss-120b')",
            "the weights of this model are in MXFP4, and transformers quantizes none of them again",
            f"Leave `{key}` out, and set `model_quantization_config: Mxfp4Config` with `dequantize: true`",
            f"loaders/model.py:{line}",
            ("base_model",),
            late=True,
        )
        for key, adapter, line in (("load_in_4bit", "qlora", 1060), ("load_in_8bit", "lora", 1091))
    ),
    Refusal(
        "quantize_moe_experts",
        "quantize_moe_experts and adapter not in ('lora', 'qlora')",
        "`quantize_moe_experts` requires `adapter: lora` or `qlora`",
        "Set it, or leave `quantize_moe_experts` out",
        f"{_CONFIG}:2051",
        ("adapter",),
    ),
    Refusal(
        "quantize_moe_experts",
        "quantize_moe_experts and adapter in ('lora', 'qlora') and not load_in_4bit and not load_in_8bit",
        "`quantize_moe_experts` requires `load_in_4bit` or `load_in_8bit`",
        "Set one of them, or leave `quantize_moe_experts` out",
        f"{_CONFIG}:2053",
        ("load_in_4bit", "load_in_8bit"),
    ),
    *(
        _both(key, "qat", f"QAT and `{key}` cannot be used together", line, source=_CONFIG)
        for key, line in (("peft", 2144), ("load_in_8bit", 2147), ("load_in_4bit", 2150))
    ),
    Refusal(
        "save_strategy",
        "save_strategy == 'best' and not metric_for_best_model",
        "`save_strategy: best` requires `metric_for_best_model`",
        "Set it, to eval_loss for one",
        f"{_CONFIG}:1911",
        ("metric_for_best_model",),
    ),
    _both(
        "dataset_exact_deduplication",
        "skip_prepare_dataset",
        "`dataset_exact_deduplication` has no effect if the preparation is skipped",
        2233,
        source=_CONFIG,
    ),
    Refusal(
        "dataset_exact_deduplication",
        "dataset_exact_deduplication and (streaming or pretraining_dataset)",
        "`dataset_exact_deduplication` is not available for streamed data",
        "Leave it out",
        f"{_CONFIG}:2224",
        ("streaming", "pretraining_dataset"),
        drop=True,
    ),
)
_FFN = "('gate_proj', 'up_proj', 'down_proj')"
_ADAPTER = "loaders/adapter.py"
_MIXLORA = (
    *(
        Refusal(
            "adapter",
            f"adapter == 'mixlora' and not {key}",
            f"`{key}` is required with the adapter mixlora",
            "Set it",
            f"{_PEFT}:{line}",
            (key,),
            "0.20.0",
        )
        for key, line in (("lora_r", 296), ("lora_alpha", 298))
    ),
    Refusal(
        "mixlora_top_k",
        "is_whole(mixlora_top_k) and is_whole(mixlora_num_experts) and mixlora_top_k > mixlora_num_experts",
        "it must not exceed `mixlora_num_experts`",
        "Lower it, or raise `mixlora_num_experts`",
        f"{_PEFT}:386",
        ("mixlora_num_experts",),
        "0.20.0",
        absent=True,
    ),
    Refusal(
        "flash_attn_fuse_mlp",
        "flash_attn_fuse_mlp and adapter == 'mixlora'",
        "fused modules are not supported with MixLoRA",
        "Leave `flash_attn_fuse_mlp` out",
        f"{_VALID}:861",
        ("adapter",),
        "0.20.0",
        drop=True,
    ),
    Refusal(
        "rl",
        "rl and adapter == 'mixlora'",
        "MixLoRA is not compatible with training on preferences or rewards",
        "Set `adapter: lora`",
        f"{_VALID}:865",
        ("adapter",),
        "0.20.0",
    ),
    Refusal(
        "lora_target_linear",
        "lora_target_linear and adapter == 'mixlora'",
        "MixLoRA replaces the layers of the MLPs, so that LoRA cannot adapt them as well",
        "Name the layers of the attention in `lora_target_modules`",
        f"{_ADAPTER}:627",
        ("adapter",),
        "0.20.0",
        late=True,
    ),
    Refusal(
        "lora_target_modules",
        f"adapter == 'mixlora' and is_list(lora_target_modules) and common(lora_target_modules, {_FFN})",
        "MixLoRA replaces the layers of the MLPs, so that LoRA cannot adapt them as well",
        "Leave `gate_proj`, `up_proj` and `down_proj` out",
        f"{_ADAPTER}:639",
        ("adapter",),
        "0.20.0",
        late=True,
    ),
)
_BITS = (*(f"{name}_8bit" for name in ("adamw", "adamw_bnb", "paged_adamw")),)
_OLD_ATTENTION = (
    *("xformers_attention", "sage_attention", "flex_attention"),
    *("flash_attention", "sdp_attention", "eager_attention"),
)
_RELORA = "relora and jagged_restart_steps"
_EBFT = "rl == 'ebft' and ebft.mode == 'strided'"
_REMOVED = (
    *(
        _out(key, when, "it is no longer supported", f"{_OLD}:{line}")
        for key, when, line in (
            ("max_packed_sequence_len", "max_packed_sequence_len", 33),
            ("dpo_use_logits_to_keep", "dpo_use_logits_to_keep is not None", 91),
            ("dpo_generate_during_eval", "dpo_generate_during_eval is not None", 101),
            ("dpo_norm_loss", "dpo_norm_loss is not None", 111),
            ("rpo_alpha", "rpo_alpha is not None", 121),
            ("s2_attention", "s2_attention", 131),
            ("flash_attn_rms_norm", "flash_attn_rms_norm", 140),
        )
    ),
    Refusal(
        "rope_scaling",
        "rope_scaling",
        "it is a key of `overrides_of_model_config`",
        "Move it there",
        f"{_OLD}:40",
    ),
    *(
        Refusal(
            f"unsloth_{name}",
            f"unsloth_{name}",
            "it has been removed",
            f"Set `{instead}: true` in its place" if instead else "Leave it out",
            f"{_VALID}:295",
            drop=not instead,
            cause="unsloth",
        )
        for name, instead in (
            *(("lora_mlp", "lora_mlp_kernel"), ("lora_qkv", "lora_qkv_kernel"), ("lora_o", "lora_o_kernel")),
            *(("cross_entropy_loss", ""), ("rms_norm", ""), ("rope", "")),
        )
    ),
    Refusal(
        "save_safetensors",
        "save_safetensors == False",
        "transformers 5 saves nothing but safetensors",
        "Leave it out",
        "utils/schemas/model.py:170",
        drop=True,
    ),
    Refusal(
        "datasets",
        "is_list(datasets) and starts(field(first(datasets), 'type'), 'sharegpt')",
        "`type: sharegpt` has been replaced by `type: chat_template`",
        "Set that",
        f"{_VALID}:276",
    ),
    Refusal(
        "datasets",
        "rl in ('grpo', 'gdpo') and is_list(datasets) and field(first(datasets), 'type') in"
        " ('chat_template', 'chat_template.default', 'alpaca', 'completion', 'input_output')",
        "this `type` makes texts or pairs of answers, and GRPO needs a prompt for each row",
        "Name a function of your own that makes it, as `module.function`",
        "utils/data/rl.py:360",
        ("rl",),
    ),
    *(
        _out(old, f"{old} and {new}", f"`{new}` has replaced it, and both are set", f"{_VALID}:{line}", (new,))
        for old, new, line in (
            ("noisy_embedding_alpha", "neftune_noise_alpha", 609),
            ("pretrain_multipack_buffer_size", "streaming_multipack_buffer_size", 631),
        )
    ),
    *(
        _out(
            flag,
            f"{flag} and attn_implementation is not None",
            "`attn_implementation` has replaced the flags for single backends, and both are set",
            f"{_CONFIG}:1669",
            ("attn_implementation",),
            "attention",
        )
        for flag in _OLD_ATTENTION
    ),
)
_DATA = (
    Refusal(
        "push_dataset_to_hub",
        "push_dataset_to_hub and hf_use_auth_token != True",
        "`push_dataset_to_hub` requires `hf_use_auth_token: true`",
        "Set it",
        f"{_VALID}:330",
        ("hf_use_auth_token",),
        sets=(("hf_use_auth_token", True),),
    ),
    *(
        Refusal(
            "val_set_size",
            f"val_set_size and {streamed}",
            f"no part of a streamed data set can be split off, and `{streamed}` streams it",
            "Set `val_set_size: 0`, and name `test_datasets`",
            f"{_VALID}:{line}",
            (streamed,),
            sets=(("val_set_size", 0),),
        )
        for streamed, line in (("pretraining_dataset", 1888), ("streaming", 1898))
    ),
    Refusal(
        "streaming",
        "streaming and not max_steps",
        "the length of streamed data is not known, and needs `max_steps`",
        "Set it",
        f"{_VALID}:1908",
        ("max_steps",),
        likely=True,
    ),
    Refusal(
        "sample_packing",
        "sample_packing and streaming and is_list(datasets) and len(datasets) > 1",
        "samples of several streamed data sets are not packed yet",
        "Leave it out, or name one data set",
        f"{_VALID}:1923",
        ("streaming", "datasets"),
    ),
    _out(
        "include_tokens_per_second",
        "include_tokens_per_second and pretraining_dataset",
        "the tokens of a `pretraining_dataset` are not counted",
        f"{_VALID}:819",
        ("pretraining_dataset",),
    ),
    *(
        _out(
            key,
            f"{key} and tokenizer_use_mistral_common",
            "the tokenizer of mistral-common cannot be changed",
            f"{_VALID}:{line}",
            ("tokenizer_use_mistral_common",),
            "mistral-common",
        )
        for key, line in (
            *(("added_tokens_overrides", 785), ("special_tokens", 790), ("tokens", 795), ("chat_template", 800)),
            ("processor_kwargs", 805),
        )
    ),
    *(
        Refusal(
            f"processor_kwargs.{key}",
            f"processor_kwargs.{key} is not None",
            f"`{instead}` at the top sets this",
            f"Set `{instead}`, and leave it out here",
            "utils/schemas/model.py:130",
            drop=True,
        )
        for key, instead in (("revision", "revision_of_model"), ("trust_remote_code", "trust_remote_code"))
    ),
)
_TRAINED = (
    Refusal(
        "batch_size",
        "batch_size and not micro_batch_size and not gradient_accumulation_steps",
        "at least two of `batch_size`, `micro_batch_size` and `gradient_accumulation_steps` are needed",
        "Set `micro_batch_size`",
        f"{_VALID}:456",
        likely=True,
    ),
    Refusal(
        "do_bench_eval",
        "do_bench_eval and not evals_per_epoch and not eval_steps",
        "`do_bench_eval` requires `evals_per_epoch` or `eval_steps`",
        "Set one of them",
        f"{_VALID}:597",
    ),
    Refusal(
        "eval_sample_packing",
        "eval_sample_packing and do_causal_lm_eval",
        "samples are not packed where text is generated for the evaluation",
        "Set `eval_sample_packing: false`",
        f"{_VALID}:730",
        ("do_causal_lm_eval",),
        sets=(("eval_sample_packing", False),),
    ),
    Refusal(
        "early_stopping_patience",
        "early_stopping_patience and (not save_steps or not eval_steps)",
        "`early_stopping_patience` requires `save_steps` and `eval_steps`",
        "Set both",
        f"{_VALID}:2260",
        ("save_steps", "eval_steps"),
    ),
    Refusal(
        "early_stopping_patience",
        "early_stopping_patience and save_steps % eval_steps != 0",
        "`early_stopping_patience` requires `save_steps` to be a multiple of `eval_steps`",
        "Set `save_steps` to one",
        f"{_VALID}:2264",
        ("save_steps", "eval_steps"),
    ),
    _both("revision_of_model", "gptq", "another revision of a GPTQ model cannot be loaded", 2178),
    *(
        Refusal(
            "relora",
            f"{_RELORA} and {when}",
            says,
            "Leave one of the two out",
            f"{_VALID}:{line}",
            (other,),
        )
        for when, says, line, other in (
            ("not adapter", "ReLoRA needs an adapter", 2237, "adapter"),
            ("(fsdp or fsdp_config)", "ReLoRA does not support FSDP", 2242, "fsdp_config"),
            ("deepspeed", "ReLoRA does not support DeepSpeed", 2245, "deepspeed"),
            ("lr_scheduler == 'one_cycle'", "ReLoRA is not compatible with this scheduler", 2248, "lr_scheduler"),
        )
    ),
    Refusal(
        "relora_steps",
        "relora_steps and optimizer == 'polora'",
        "polora keeps its momentum elsewhere, where ReLoRA does not reset it",
        "Take another optimizer",
        f"{_VALID}:1282",
        ("optimizer",),
    ),
    Refusal(
        "optimizer",
        "optimizer == 'q_galore_adamw8bit' and deepspeed and not adapter",
        "it does not support DeepSpeed",
        "Take another optimizer, or FSDP2",
        f"{_VALID}:1303",
        ("deepspeed",),
    ),
    Refusal(
        "optimizer",
        f"tensor_parallel_size > 1 and optimizer in {_BITS}",
        "tensors in 8 bit are not split over devices",
        "Take another optimizer",
        f"{_VALID}:2387",
        ("tensor_parallel_size",),
    ),
    Refusal(
        "optimizer",
        "optimizer == 'polora' and tensor_parallel_size > 1",
        "polora is not compatible with tensor parallelism",
        "Take another optimizer, or FSDP2",
        f"{_VALID}:1239",
        ("tensor_parallel_size",),
    ),
)
_PREFERRED = (
    Refusal(
        "eval_sample_packing",
        "eval_sample_packing and rl == 'kto' and not sample_packing",
        "kto does not support packed samples",
        "Set `eval_sample_packing: false`",
        f"{_VALID}:961",
        ("rl",),
        sets=(("eval_sample_packing", False),),
    ),
    Refusal(
        "dpo_loss_weights",
        "rl == 'dpo' and is_list(dpo_loss_type) and is_list(dpo_loss_weights)"
        " and len(dpo_loss_type) != len(dpo_loss_weights)",
        "each loss needs one weight",
        "Give as many weights as losses",
        f"{_VALID}:1038",
        ("dpo_loss_type",),
    ),
    Refusal(
        "trl.use_liger_loss",
        "rl == 'grpo' and trl.use_liger_loss and context_parallel_size > 1",
        "GRPO does not compute Liger's loss over split sequences",
        "Leave one of the two out",
        f"{_VALID}:976",
        ("context_parallel_size",),
    ),
    Refusal(
        "trl.multi_objective_aggregation",
        "rl == 'gdpo' and trl.multi_objective_aggregation == 'sum_then_normalize'",
        "this is GRPO, not GDPO",
        "Set `normalize_then_sum`, or `rl: grpo`",
        f"{_VALID}:1011",
        ("rl",),
    ),
    Refusal(
        "trl.generation_batch_size",
        "rl == 'grpo' and is_whole(trl.generation_batch_size) and is_whole(trl.num_generations)"
        " and trl.num_generations > 1 and trl.generation_batch_size % trl.num_generations != 0",
        "it must be divisible by `num_generations`",
        "Set a multiple",
        f"{_VALID}:1120",
        ("trl.num_generations",),
    ),
    _out("warmup_ratio", "rl == 'simpo' and warmup_ratio", "simpo has `warmup_steps` only", f"{_VALID}:2217", ("rl",)),
    Refusal(
        "rl",
        "rl == 'ebft' and not ebft",
        "`rl: ebft` needs the section `ebft`",
        "Add it, with a `mode` at least",
        f"{_VALID}:2434",
        ("ebft",),
    ),
    _out(
        "torch_compile",
        f"{_EBFT} and torch_compile == True and gradient_checkpointing",
        "its attention compiles itself, and the model cannot be compiled with gradient checkpointing",
        f"{_VALID}:2452",
        ("gradient_checkpointing",),
    ),
    _out(
        "activation_offloading",
        f"{_EBFT} and activation_offloading == True and attn_implementation == 'flex_attention'",
        "flex attention needs another kind of gradient checkpointing",
        f"{_VALID}:2497",
        ("attn_implementation",),
    ),
)
_MEMORY = (
    Refusal(
        "activation_offloading",
        "activation_offloading and not gradient_checkpointing",
        "activations are offloaded only with `gradient_checkpointing`",
        "Set `gradient_checkpointing: true`",
        f"{_VALID}:1988",
        ("gradient_checkpointing",),
        sets=(("gradient_checkpointing", True),),
    ),
    Refusal(
        "selective_checkpointing",
        "selective_checkpointing and not gradient_checkpointing",
        "it needs `gradient_checkpointing`",
        "Set `gradient_checkpointing: true`",
        f"{_VALID}:2001",
        ("gradient_checkpointing",),
        sets=(("gradient_checkpointing", True),),
    ),
    Refusal(
        "gradient_checkpointing_kwargs.use_reentrant",
        "selective_checkpointing and gradient_checkpointing and gradient_checkpointing_kwargs.use_reentrant",
        "selective checkpointing is not reentrant",
        "Set it to false",
        f"{_VALID}:2003",
        ("selective_checkpointing",),
        sets=(("gradient_checkpointing_kwargs.use_reentrant", False),),
    ),
    Refusal(
        "activation_offloading",
        "selective_checkpointing and gradient_checkpointing and activation_offloading"
        " and activation_offloading != 'hidden_states'",
        "with selective checkpointing only hidden states are offloaded",
        "Set `activation_offloading: hidden_states`",
        f"{_VALID}:2008",
        ("selective_checkpointing",),
        sets=(("activation_offloading", "hidden_states"),),
    ),
    Refusal(
        "gradient_checkpointing_kwargs.use_reentrant",
        "activation_offloading == 'hidden_states' and gradient_checkpointing"
        " and gradient_checkpointing_kwargs.use_reentrant and unfrozen_parameters"
        " and gradient_checkpointing_kwargs.use_reentrant != True",
        "`use_reentrant` must be false if a part of the model is frozen",
        "Set it to false",
        f"{_VALID}:2146",
        ("unfrozen_parameters",),
        sets=(("gradient_checkpointing_kwargs.use_reentrant", False),),
    ),
    _out(
        "gradient_checkpointing",
        "gradient_checkpointing and holds(lower(base_model), 'mpt')",
        "MPT models do not support it, and axolotl goes by the name",
        f"{_VALID}:1963",
        ("base_model",),
    ),
    Refusal(
        "flash_optimum",
        "flash_optimum == True and (fp16 or bf16)",
        "BetterTransformer does not support mixed precision, and `bf16` is auto by default",
        "Leave it out",
        f"{_VALID}:2166",
        ("fp16", "bf16"),
        drop=True,
    ),
    Refusal(
        "scaling_softmax",
        "scaling_softmax and attn_implementation != 'flex_attention' and not flex_attention",
        "it requires flex attention",
        "Set `attn_implementation: flex_attention`",
        f"{_VALID}:438",
        ("attn_implementation",),
        sets=(("attn_implementation", "flex_attention"),),
    ),
    Refusal(
        "batch_flattening",
        "batch_flattening and batch_flattening != 'auto' and (attn_implementation in ('sdpa', 'eager')"
        " or attn_implementation is None and not flash_attention and not flex_attention and not xformers_attention"
        " and not sage_attention and not gemma4_hybrid_attn_impl)",
        "it requires attention over rows of different lengths",
        "Set `attn_implementation: flash_attention_2`",
        f"{_VALID}:1343",
        ("attn_implementation",),
    ),
    Refusal(
        "batch_flattening",
        "batch_flattening and batch_flattening != 'auto' and sample_packing and attn_implementation in"
        " ('flash_attention_2', 'flash_attention_3', 'flex_attention', 'xformers')",
        "it is not compatible with `sample_packing`",
        "Leave one of the two out",
        f"{_VALID}:1348",
        ("sample_packing",),
    ),
    Refusal(
        "attn_implementation",
        "gemma4_hybrid_attn_impl and attn_implementation is not None and attn_implementation != 'flash_attention_2'",
        "`gemma4_hybrid_attn_impl` requires flash_attention_2",
        "Set it",
        f"{_CONFIG}:1662",
        ("gemma4_hybrid_attn_impl",),
        sets=(("attn_implementation", "flash_attention_2"),),
    ),
    Refusal(
        "torch_compile_options",
        "torch_compile_options is not None and not torch_compile",
        "it needs `torch_compile`",
        "Set `torch_compile: true`",
        f"{_CONFIG}:1787",
        ("torch_compile",),
    ),
    *(
        Refusal(
            "ple_cpu_offload",
            f"ple_cpu_offload and {when}",
            says,
            "Leave `ple_cpu_offload` out",
            f"{_CONFIG}:{line}",
            others,
            drop=True,
        )
        for when, says, line, others in (
            ("(fsdp_config is not None or fsdp is not None)", "it is not compatible with FSDP", 1889, ("fsdp_config",)),
            ("deepspeed", "it is not compatible with DeepSpeed", 1891, ("deepspeed",)),
            (
                "not (adapter == 'qlora' and load_in_4bit or adapter == 'lora' and load_in_8bit)",
                "it requires qlora in 4 bit or lora in 8 bit",
                1899,
                ("adapter",),
            ),
        )
    ),
    Refusal(
        "qat.activation_dtype",
        "qat.weight_dtype == 'ternary' and qat.activation_dtype is not None and qat.activation_dtype != 'int8'",
        "ternary weights go with activations in int8 only",
        "Set `int8`",
        f"{_CONFIG}:2155",
        ("qat.weight_dtype",),
        sets=(("qat.activation_dtype", "int8"),),
    ),
)
_FSDP2 = "fsdp_version in (2, '2') or fsdp_config.fsdp_version in (2, '2')"
_SPLIT = (
    Refusal(
        "fsdp_config.cpu_offload_pin_memory",
        "fsdp_config.cpu_offload_pin_memory == False"
        " and not fsdp_config.offload_params and not fsdp_config.fsdp_offload_params",
        "nothing is offloaded, and false here requires `offload_params`",
        "Leave it out",
        f"{_VALID}:1493",
        drop=True,
    ),
    Refusal(
        "optimizer",
        "fsdp_config and optimizer in ('adamw_8bit', 'adamw_bnb_8bit')",
        "FSDP2 is not compatible with it",
        "Set `optimizer: adamw_torch_8bit`",
        f"{_VALID}:1564",
        ("fsdp_config",),
        "0.20.0",
        sets=(("optimizer", "adamw_torch_8bit"),),
    ),
    Refusal(
        "fsdp_config.cpu_ram_efficient_loading",
        "fsdp_config.cpu_ram_efficient_loading and load_in_4bit and not qlora_sharded_model_loading"
        " and (adapter != 'qlora' or qlora_sharded_model_loading == False)",
        "FSDP2 does not load a model in 4 bit this way",
        "Set it to false",
        f"{_VALID}:1587",
        ("load_in_4bit",),
        "0.20.0",
        sets=(("fsdp_config.cpu_ram_efficient_loading", False),),
    ),
    Refusal(
        "fsdp_config.cpu_ram_efficient_loading",
        "fsdp_config.cpu_ram_efficient_loading == True and model_quantization_config == 'Mxfp4Config'",
        "a model in Mxfp4 is not loaded this way",
        "Set it to false",
        f"{_VALID}:2191",
        ("model_quantization_config",),
        sets=(("fsdp_config.cpu_ram_efficient_loading", False),),
    ),
    Refusal(
        "fsdp_config.auto_wrap_policy",
        "fsdp_config.auto_wrap_policy == 'SIZE_BASED_WRAP' and fsdp_config.min_num_params is None",
        "`SIZE_BASED_WRAP` needs `min_num_params`",
        "Set it",
        "utils/schemas/fsdp.py:78",
    ),
    Refusal(
        "fp32_norms",
        "fp32_norms and fsdp_config is None",
        "it requires FSDP, with its section `fsdp_config`",
        "Leave it out",
        f"{_CONFIG}:1815",
        drop=True,
    ),
    Refusal(
        "deepcompile",
        "deepcompile and not deepspeed",
        "it is a part of DeepSpeed",
        "Leave it out, or set `deepspeed`",
        f"{_VALID}:1680",
        ("deepspeed",),
    ),
    *(
        Refusal(
            key,
            f"{key} and holds(lower(base_model), 'falcon')",
            "Falcon models do not support FSDP, and axolotl goes by the name",
            "Use DeepSpeed",
            f"{_VALID}:1955",
            ("base_model",),
            since,
        )
        for key, since in (("fsdp", ""), ("fsdp_config", "0.20.0"))
    ),
    *(
        Refusal(
            f"fsdp_config.{start}{name}",
            f"fsdp_config.{start}{name} is not None and not fsdp",
            "it is an option of FSDP 1, which axolotl 0.20 removed",
            instead,
            f"{_VALID}:1472",
            since="0.20.0",
            likely=True,
        )
        for name, instead in (
            ("sharding_strategy", "Set `reshard_after_forward` in its place"),
            ("forward_prefetch", "Leave it out"),
        )
        for start in ("", "fsdp_")
    ),
    *(
        Refusal(
            f"fsdp_config.{start}{name}",
            f"fsdp_config.{start}{name} is not None and not fsdp and ({_FSDP2})",
            "it is an option of FSDP 1, and axolotl drops it",
            "Leave it out",
            f"{_VALID}:1478",
            since="0.20.0",
            ignored=True,
            cause="options of FSDP 1",
        )
        for name in (
            *("sync_module_states", "backward_prefetch", "backward_prefetch_policy", "limit_all_gathers"),
            "use_orig_params",
        )
        for start in ("", "fsdp_")
    ),
)
_AO = "utils/quantization.py"
_FLOAT8 = ("float8_e4m3fn", "float8", "fp8")
_QUANTIZED = "is_mapping(qat) and qat.weight_dtype"
_FAKED = (
    Refusal(
        "qat",
        f"{_QUANTIZED} == 'int8' and qat.activation_dtype is None",
        "torchao has no quantization-aware training for weights in int8, the default, alone",
        "Set `weight_dtype: int4`, or another `activation_dtype`",
        f"{_AO}:88",
        ("qat.weight_dtype",),
        late=True,
    ),
    *(
        Refusal(
            "qat.activation_dtype",
            f"{_QUANTIZED} == '{kind}' and qat.activation_dtype == '{kind}'",
            f"torchao has no quantization-aware training for weights and activations both in {kind}",
            "Set `weight_dtype: int4` and `activation_dtype: int8`",
            f"{_AO}:{line}",
            ("qat.weight_dtype",),
            late=True,
        )
        for kind, line in (("int4", 100), ("int8", 107))
    ),
    *(
        Refusal(
            "qat.weight_dtype",
            f"{_QUANTIZED} == '{kind}' and qat.group_size is not None and qat.group_size != {size}",
            f"{kind} quantizes in groups of {size}{more}",
            f"Set `group_size: {size}`",
            f"{_AO}:{line}",
            ("qat.group_size",),
            late=True,
            sets=(("qat.group_size", size),),
        )
        for kind, size, line, more in (
            ("nvfp4", 16, 132, ", and `group_size` is 32 unless it is set"),
            ("mxfp4", 32, 151, ""),
        )
    ),
    Refusal(
        "qat.activation_dtype",
        f"{_QUANTIZED} == 'nvfp4' and qat.activation_dtype not in (None, 'nvfp4')"
        " and (qat.group_size is None or qat.group_size == 16)",
        "weights in nvfp4 go with activations in nvfp4, or with none that are quantized",
        "Set `nvfp4`, or leave it out",
        f"{_AO}:140",
        ("qat.weight_dtype",),
        "0.20.0",
        late=True,
    ),
    Refusal(
        "qat.activation_dtype",
        f"{_QUANTIZED} == 'int8' and qat.activation_dtype not in (None, 'int8')"
        f" or {_QUANTIZED} == 'int4' and qat.activation_dtype in ('nvfp4', 'mxfp4', 'ternary')"
        f" or {_QUANTIZED} in {_FLOAT8} and qat.activation_dtype is not None and qat.activation_dtype not in {_FLOAT8}",
        "there is no quantization of weights and activations in these two types",
        "Take int4 with int8, or fp8 for both",
        f"{_AO}:161",
        ("qat.weight_dtype",),
        late=True,
    ),
    Refusal(
        "qat.weight_dtype",
        f"{_QUANTIZED} in {_FLOAT8} and qat.activation_dtype is None",
        "weights in fp8 need activations in fp8",
        "Set `activation_dtype: fp8`",
        f"{_AO}:161",
        late=True,
        sets=(("qat.activation_dtype", "fp8"),),
    ),
)
_FUSED = f"({' or '.join(_KERNELS)})"
_CHOSEN = (
    "adapter in ('lora', 'qlora') and not rl and not nvfp4_merge_aware and not trust_remote_code"
    " and not (adapter == 'lora' and load_in_8bit) and lora_embedding_kernel is None"
    f" and {' and '.join(f'{kernel} is None' for kernel in _KERNELS)}"
)
"""When axolotl takes its kernels by itself, unless the model has none (`lora_kernels_auto_enable`)."""
_MATMULS = tuple(f"{start}{name}" for start in ("aten::", "") for name in ("mm", "addmm", "matmul", "bmm"))
_CHANGED = "a kernel of LoRA adds to the product in place, which invalidates what is saved"
_WITHOUT = "set `lora_mlp_kernel`, `lora_qkv_kernel` and `lora_o_kernel` to false"
_LAYERS = ("model", "language_model", "decoder", "transformer", "layers", "layer", "h", "blocks", "block")
_SAVED = tuple(
    Refusal(
        f"selective_checkpointing.{key}",
        f"gradient_checkpointing and adapter and {kernels} and {when}",
        says,
        instead,
        f"{_VALID}:{line}",
        others,
        since,
        likely=likely,
    )
    for key, flags, when, says, instead, line, others, since in (
        (
            *("save", _FUSED, f"common(selective_checkpointing.save, {_MATMULS})", _CHANGED),
            *(f"Leave the products of matrices out, or {_WITHOUT}", 2026, _KERNELS, ""),
        ),
        (
            *("save_matmul_min_k", _FUSED, "selective_checkpointing.save_matmul_min_k", _CHANGED),
            *(f"Leave it out, or {_WITHOUT}", 2036, _KERNELS, "0.20.0"),
        ),
        *(
            (
                *("save_modules", flag, f"common(selective_checkpointing.save_modules, {modules})"),
                f"`{flag}` replaces the forward pass of these modules, so that nothing of them would be saved",
                *(f"Leave them out, or set `{flag}: false`", 2053, (flag,), "0.20.0"),
            )
            for flag, modules in (
                ("lora_mlp_kernel", ("gate_proj", "up_proj", "down_proj", "mlp", "experts")),
                ("lora_qkv_kernel", ("q_proj", "k_proj", "v_proj", "self_attn", "linear_attn")),
                ("lora_o_kernel", ("o_proj", "out_proj", "self_attn", "linear_attn")),
            )
        ),
        (
            *("save_modules", _FUSED, f"common(selective_checkpointing.save_modules, {_LAYERS})"),
            *(f"these hold whole layers, and {_CHANGED}", "Name modules that no kernel covers"),
            *(2061, _KERNELS, "0.20.0"),
        ),
    )
    for kernels, likely in ((flags, False), (_CHOSEN, True))
)
_SPLIT_SEQUENCES = "deepspeed and context_parallel_size > 1"
_OTHERS = (
    Refusal(
        "warmup_steps",
        "warmup_steps % 1 != 0",
        "it is a number of steps",
        "Write the share of the training as `warmup_ratio`",
        f"{_CONFIG}:1268",
    ),
    Refusal(
        "tokens",
        "is_mapping(tokens)",
        "it is a list of new tokens",
        "Name those for a role in `special_tokens`",
        f"{_CONFIG}:1215",
    ),
    Refusal(
        "adapter",
        "adapter and adapter not in ('lora', 'qlora', 'llama-adapter') and not plugins",
        "it is not built in, and no plugin is named that has it",
        "Set `adapter: lora`, or name the plugin in `plugins`",
        f"{_PEFT}:217",
        ("plugins",),
        likely=True,  # an installed package may register one
    ),
    Refusal(
        "lora_target_modules",
        "is_list(lora_target_modules) and not every_compiles(lora_target_modules)",
        "each entry is a regular expression, and one of them is not valid",
        "Write plain names, or escape what is special",
        f"{_CONFIG}:1932",
    ),
    Refusal(
        "rl",
        f"{_SPLIT_SEQUENCES} and rl",
        "under DeepSpeed only supervised fine-tuning can split sequences",
        "Use FSDP2, or leave `context_parallel_size` out",
        f"{_VALID}:2333",
        ("deepspeed", "context_parallel_size"),
        "0.21.0",
    ),
    Refusal(
        "context_parallel.backend",
        f"{_SPLIT_SEQUENCES} and not rl and context_parallel.backend not in (None, 'auto', 'ulysses')",
        "DeepSpeed splits sequences by Ulysses only",
        "Leave it out, or use FSDP2",
        f"{_VALID}:2343",
        ("deepspeed",),
        "0.21.0",
        drop=True,
    ),
    *(
        Refusal(
            f"export.{key}",
            f"export.quantize and {when}",
            says,
            instead,
            f"utils/schemas/export.py:{line}",
            ("export.quantize",),
            "0.20.0",
        )
        for key, when, says, instead, line in (
            (
                "outtype",
                "export.outtype in ('q8_0', 'tq1_0', 'tq2_0')",
                "llama.cpp cannot quantize again what is quantized",
                "Set it to f16, or leave `quantize` out",
                66,
            ),
            (
                "outfile",
                "export.outfile and not holds(export.outfile, '{ftype}')",
                "each type that `quantize` names is a file of its own",
                "Add `{ftype}` to the name",
                71,
            ),
        )
    ),
)
TABLE = Table(
    "axolotl",
    "0.21.0",
    {
        "": (
            *(*_ROWS, *_MIXLORA, *_REMOVED, *_DATA, *_TRAINED, *_PREFERRED, *_MEMORY, *_SPLIT),
            *(*_FAKED, *_SAVED, *_OTHERS),
        )
    },
    {
        "mixlora_num_experts": 8,
        "mixlora_top_k": 2,
        "bf16": "auto",
        "qat.weight_dtype": "int8",
        "qat.group_size": 32,
    },
    (
        Undecided(
            "devices, their number and capabilities, the version of torch",
            "they depend on the machine",
            (
                *("utils/schemas/internal/", "monkeypatch/", "kernels/", "utils/optimizers/", "model_support/"),
                *("utils/samplers/", "utils/vllm_lora_sync.py", f"{_CONFIG}:2061"),
                *(f"{_VALID}:996", f"{_VALID}:1762"),
            ),
        ),
        Undecided(
            "plugins",
            "each has a schema of its own: `flash_attn_fuse_qkv` and adapters with ReLoRA are in none but theirs",
            ("integrations/", f"{_VALID}:863", f"{_VALID}:2253"),
        ),
        Undecided(
            "weights, and the JSON of DeepSpeed",
            "tensors and the files beside the configuration are read only when it runs",
            ("utils/nf4.py", "utils/lora_tying.py", "utils/lora_precision.py"),
        ),
        Undecided(
            "attention, parallelism and checkpointing that depend on the model",
            "the model's class decides",
            ("loaders/", "utils/distributed.py", "utils/ctx_managers/", "core/"),
        ),
        Undecided(
            "data and prompts", "the rows of the data decide", ("utils/data/", "prompt_strategies/", "datasets.py")
        ),
        Undecided(
            "commands that train nothing", "they have arguments of their own", ("cli/", "evaluate.py", "utils/gguf.py")
        ),
    ),
)
