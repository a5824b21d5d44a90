"""axolotl 0.21.0: what the validators of its schemas refuse."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_VALID = "utils/schemas/validation.py"
_PEFT = "utils/schemas/peft.py"
_CONFIG = "utils/schemas/config.py"
_KERNELS = ("lora_mlp_kernel", "lora_qkv_kernel", "lora_o_kernel")
_EITHER = "Leave one of the two out"
_LORA = "adapter in ('lora', 'qlora')"


def _both(one: str, other: str, says: str, line: int, *, source: str = _VALID) -> Refusal:
    """Two settings that exclude each other."""
    return Refusal(one, f"{one} and {other}", says, _EITHER, f"{source}:{line}", (other,))


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
    *(
        _both(key, "model_quantization_config", f"`model_quantization_config` and `{key}` exclude each other", 1722)
        for key in ("load_in_8bit", "load_in_4bit")
    ),
    Refusal(
        "chat_template",
        "chat_template == 'jinja' and not chat_template_jinja",
        "`chat_template: jinja` requires `chat_template_jinja`",
        "Give the template there",
        f"{_VALID}:1812",
        ("chat_template_jinja",),
    ),
    Refusal(
        "pretraining_dataset",
        "pretraining_dataset and not max_steps",
        "a streamed `pretraining_dataset` needs `max_steps`",
        "Set it",
        f"{_VALID}:1833",
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
TABLE = Table(
    "axolotl",
    "0.21.0",
    {"": _ROWS + _MIXLORA},
    {"mixlora_num_experts": 8, "mixlora_top_k": 2},
    (
        Undecided(
            "devices, their number and capabilities, the version of torch",
            "they depend on the machine",
            ("utils/schemas/internal/", "monkeypatch/", "kernels/", "utils/optimizers/", "model_support/"),
        ),
        Undecided("plugins", "each has a schema of its own", ("integrations/",)),
        Undecided(
            "attention, parallelism and checkpointing that depend on the model",
            "the model's class decides",
            ("loaders/", "utils/distributed.py", "utils/ctx_managers/", "core/"),
        ),
        Undecided(
            "data and prompts", "the rows of the data decide", ("utils/data/", "prompt_strategies/", "datasets.py")
        ),
        Undecided("commands that train nothing", "they have arguments of their own", ("cli/", "evaluate.py")),
    ),
)
