"""axolotl 0.19.0: what the validators of its schemas refuse."""

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
            f"{_PEFT}:185",
            ("adapter",),
        )
        for key, adapter in (("load_in_4bit", "qlora"), ("load_in_8bit", "lora"))
    ),
    Refusal(
        "load_in_8bit",
        "load_in_8bit and adapter == 'qlora' and not merge_lora",
        "qlora cannot be loaded in 8 bit",
        "Set `load_in_4bit: true` in its place, or `adapter: lora`",
        f"{_PEFT}:217",
        ("adapter",),
    ),
    Refusal(
        "gptq",
        "gptq and adapter == 'qlora' and not merge_lora",
        "qlora cannot be loaded with gptq",
        "Set `adapter: lora`, or leave `gptq` out",
        f"{_PEFT}:220",
        ("adapter",),
    ),
    Refusal(
        "adapter",
        "adapter == 'qlora' and not load_in_4bit and not load_in_8bit and not gptq and not merge_lora",
        "qlora requires `load_in_4bit: true`",
        "Set it, or `adapter: lora`",
        f"{_PEFT}:223",
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
        for key, line in (("load_in_8bit", 207), ("gptq", 210), ("load_in_4bit", 213))
    ),
    Refusal(
        "lora_dropout",
        "lora_dropout and lora_target_parameters",
        "`lora_dropout` must be 0 with `lora_target_parameters`",
        "Set `lora_dropout: 0`",
        f"{_PEFT}:247",
        ("lora_target_parameters",),
        sets=(("lora_dropout", 0),),
    ),
    _both("lr_groups", "loraplus_lr_ratio", "`lr_groups` and `loraplus_lr_ratio` cannot be used together", 607),
    Refusal(
        "unfrozen_parameters",
        "unfrozen_parameters and peft_layers_to_transform and adapter",
        "`unfrozen_parameters` with `peft_layers_to_transform` has unexpected behavior",
        _EITHER,
        f"{_VALID}:618",
        ("peft_layers_to_transform",),
    ),
    Refusal(
        "peft_layers_pattern",
        "peft_layers_pattern and not peft_layers_to_transform",
        "`peft_layers_pattern` requires `peft_layers_to_transform`",
        "Set it, or leave `peft_layers_pattern` out",
        f"{_VALID}:627",
        ("peft_layers_to_transform",),
    ),
    Refusal(
        "flash_attn_fuse_mlp",
        f"flash_attn_fuse_mlp and {_LORA}",
        "fused modules are not supported with LoRA or QLoRA",
        "Leave `flash_attn_fuse_mlp` out",
        f"{_VALID}:635",
        ("adapter",),
        drop=True,
    ),
    Refusal(
        "use_onebitllms",
        f"use_onebitllms and {_LORA}",
        "LoRA and QLoRA are not supported with `use_onebitllms`",
        "Leave `use_onebitllms` out",
        f"{_VALID}:641",
        ("adapter",),
        drop=True,
    ),
    *(
        Refusal(
            kernel,
            f"{kernel} and adapter == 'lora' and load_in_8bit",
            f"`{kernel}` is not compatible with LoRA in 8 bit",
            f"Leave `{kernel}` out, or take 4 bit",
            f"{_VALID}:673",
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
            f"{_VALID}:693",
            ("trust_remote_code",),
        )
        for kernel in _KERNELS
    ),
    Refusal(
        "sample_packing",
        "sample_packing and rl",
        "`sample_packing: true` does not work with RLHF training",
        "Leave it out",
        f"{_VALID}:708",
        ("rl",),
        drop=True,
    ),
    Refusal(
        "rl",
        "rl == 'kto' and remove_unused_columns is not False and not sample_packing",
        "kto requires `remove_unused_columns: false`",
        "Set it",
        f"{_VALID}:719",
        ("remove_unused_columns",),
    ),
    Refusal(
        "dpo_loss_weights",
        "rl == 'dpo' and dpo_loss_weights is not None and dpo_loss_type is None",
        "`dpo_loss_weights` requires `dpo_loss_type`",
        "Set it, or leave `dpo_loss_weights` out",
        f"{_VALID}:785",
        ("rl",),
    ),
    *(
        Refusal(
            key,
            f"{key} is not None and rl != 'dpo'",
            "it is for DPO only",
            "Leave it out, or set `rl: dpo`",
            f"{_VALID}:798",
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
        f"{_VALID}:855",
        ("rl",),
    ),
    Refusal(
        "trl.num_generations",
        "rl == 'grpo' and trl.generation_batch_size is None and is_whole(micro_batch_size)"
        " and is_whole(gradient_accumulation_steps) and is_whole(trl.num_generations) and trl.num_generations > 1"
        " and micro_batch_size * gradient_accumulation_steps % trl.num_generations != 0",
        "the generation batch size, `micro_batch_size` times `gradient_accumulation_steps`, must be divisible by it",
        "Raise `gradient_accumulation_steps` to a multiple",
        f"{_VALID}:887",
        ("micro_batch_size", "gradient_accumulation_steps"),
    ),
    Refusal(
        "optimizer",
        "optimizer == 'muon' and deepspeed",
        "the optimizer muon is incompatible with DeepSpeed",
        "Take another optimizer, or FSDP2",
        f"{_VALID}:934",
        ("deepspeed",),
    ),
    Refusal(
        "optimizer",
        "optimizer == 'polora' and adapter not in ('lora', 'qlora')",
        "polora only updates the factors of LoRA",
        "Set `adapter: lora`, or take another optimizer",
        f"{_VALID}:951",
        ("adapter",),
    ),
    Refusal(
        "optimizer",
        "optimizer == 'polora' and deepspeed",
        "polora is not compatible with DeepSpeed",
        "Take another optimizer, or FSDP2",
        f"{_VALID}:958",
        ("deepspeed",),
    ),
    *(
        _polora(key, _UNTRAINED, 982)
        for key in (
            *("lora_modules_to_save", "unfrozen_parameters", "peft_use_dora", "peft_trainable_token_indices"),
            *("lisa_step_interval", "reward_model", "process_reward_model"),
        )
    ),
    *(
        _polora(key, _OWN_RATES, 1000)
        for key in ("loraplus_lr_ratio", "lr_groups", "embedding_lr", "embedding_lr_scale")
    ),
    Refusal(
        "weight_decay",
        "weight_decay and optimizer == 'polora'",
        "polora does not support weight decay",
        "Leave `weight_decay` out",
        f"{_VALID}:1011",
        ("optimizer",),
        ignored=True,
    ),
    Refusal(
        "optimizer",
        "optimizer == 'q_galore_adamw8bit' and adapter",
        "it works on parameters in full precision, and is incompatible with an adapter",
        "Leave `adapter` out, or take another optimizer",
        f"{_VALID}:1021",
        ("adapter",),
    ),
    Refusal(
        "optimizer",
        "starts(optimizer, 'flash_') and deepspeed",
        "flash optimizers are incompatible with DeepSpeed",
        "Take another optimizer, or FSDP2",
        f"{_VALID}:1062",
        ("deepspeed",),
    ),
    *(
        _both(one, other, "only one optimization of the cross entropy can be enabled", 1138)
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
            f"{_VALID}:1186",
            ("fsdp_version", "rl"),
        )
        for key in ("load_in_8bit", "load_in_4bit")
    ),
    _both("max_memory", "gpu_memory_limit", "`max_memory` and `gpu_memory_limit` exclude each other", 1345),
    _both("deepspeed", "fsdp", "`deepspeed` and `fsdp` cannot be used together", 1354),
    *(
        _both(key, "model_quantization_config", f"`model_quantization_config` and `{key}` exclude each other", 1362)
        for key in ("load_in_8bit", "load_in_4bit")
    ),
    Refusal(
        "chat_template",
        "chat_template == 'jinja' and not chat_template_jinja",
        "`chat_template: jinja` requires `chat_template_jinja`",
        "Give the template there",
        f"{_VALID}:1443",
        ("chat_template_jinja",),
    ),
    Refusal(
        "pretraining_dataset",
        "pretraining_dataset and not max_steps",
        "a streamed `pretraining_dataset` needs `max_steps`",
        "Set it",
        f"{_VALID}:1463",
        ("max_steps",),
        likely=True,
    ),
    _both(
        "gradient_accumulation_steps",
        "batch_size",
        "only one of `gradient_accumulation_steps` and `batch_size` may be set",
        279,
    ),
    _both("warmup_ratio", "warmup_steps", "`warmup_steps` and `warmup_ratio` exclude each other", 301),
    Refusal(
        "save_steps",
        "save_steps and save_strategy and save_strategy != 'steps'",
        "`save_steps` needs `save_strategy: steps`",
        "Set it, or leave `save_steps` out",
        f"{_VALID}:312",
        ("save_strategy",),
    ),
    _both("save_steps", "saves_per_epoch", "`save_steps` and `saves_per_epoch` exclude each other", 316),
    Refusal(
        "eval_steps",
        "eval_steps and eval_strategy and eval_strategy != 'steps'",
        "`eval_steps` needs `eval_strategy: steps`",
        "Set it, or leave `eval_steps` out",
        f"{_VALID}:340",
        ("eval_strategy",),
    ),
    *(
        Refusal(
            key,
            f"val_set_size == 0 and {key} and eval_strategy != 'no' and not test_datasets{alone}",
            f"`{key}` needs data to evaluate on",
            "Raise `val_set_size`, or name `test_datasets`",
            f"{_VALID}:350",
            ("val_set_size",),
        )
        for key, alone in (("eval_steps", ""), ("eval_strategy", " and not eval_steps"))
    ),
    Refusal(
        "eval_strategy",
        "evals_per_epoch and eval_strategy and eval_strategy != 'steps'",
        "`evals_per_epoch` needs `eval_strategy: steps`",
        "Leave `eval_strategy` out",
        f"{_VALID}:362",
        ("evals_per_epoch",),
        drop=True,
    ),
    Refusal(
        "relora",
        "relora and not jagged_restart_steps",
        "ReLoRA needs `jagged_restart_steps`",
        "Set it",
        f"{_VALID}:1735",
        ("jagged_restart_steps",),
    ),
    _both("eval_steps", "evals_per_epoch", "`eval_steps` and `evals_per_epoch` exclude each other", 354),
    Refusal(
        "val_set_size",
        "val_set_size and test_datasets",
        "`val_set_size` should not be used with `test_datasets`",
        "Set `val_set_size: 0`",
        f"{_VALID}:118",
        ("test_datasets",),
        sets=(("val_set_size", 0),),
    ),
    Refusal(
        "eval_table_size",
        "eval_table_size and sample_packing and eval_sample_packing is not False",
        "`eval_table_size` is not supported with packed evaluation samples",
        "Set `eval_sample_packing: false`",
        f"{_VALID}:147",
        ("sample_packing", "eval_sample_packing"),
        sets=(("eval_sample_packing", False),),
    ),
    Refusal(
        "fp8_config",
        "fp8_config is not None and not fp8",
        "`fp8_config` requires `fp8: true`",
        "Set it, or leave `fp8_config` out",
        f"{_VALID}:433",
        ("fp8",),
    ),
    Refusal(
        "gradient_checkpointing_kwargs.use_reentrant",
        "unfrozen_parameters and gradient_checkpointing_kwargs.use_reentrant == True",
        "`use_reentrant` must be false if a part of the model is frozen",
        "Set it to false",
        f"{_VALID}:482",
        ("unfrozen_parameters",),
        sets=(("gradient_checkpointing_kwargs.use_reentrant", False),),
    ),
    Refusal(
        "lora_target_linear",
        "lora_target_linear and quantize_moe_experts",
        "`lora_target_linear` is not compatible with `quantize_moe_experts`",
        "Name the experts in `lora_target_parameters`, and the other layers in `lora_target_modules`",
        f"{_CONFIG}:1954",
        ("quantize_moe_experts",),
    ),
    Refusal(
        "quantize_moe_experts",
        "quantize_moe_experts and adapter not in ('lora', 'qlora')",
        "`quantize_moe_experts` requires `adapter: lora` or `qlora`",
        "Set it, or leave `quantize_moe_experts` out",
        f"{_CONFIG}:1959",
        ("adapter",),
    ),
    Refusal(
        "quantize_moe_experts",
        "quantize_moe_experts and adapter in ('lora', 'qlora') and not load_in_4bit and not load_in_8bit",
        "`quantize_moe_experts` requires `load_in_4bit` or `load_in_8bit`",
        "Set one of them, or leave `quantize_moe_experts` out",
        f"{_CONFIG}:1961",
        ("load_in_4bit", "load_in_8bit"),
    ),
    *(
        _both(key, "qat", f"QAT and `{key}` cannot be used together", line, source=_CONFIG)
        for key, line in (("peft", 2172), ("load_in_8bit", 2175), ("load_in_4bit", 2178))
    ),
    Refusal(
        "save_strategy",
        "save_strategy == 'best' and not metric_for_best_model",
        "`save_strategy: best` requires `metric_for_best_model`",
        "Set it, to eval_loss for one",
        f"{_CONFIG}:1786",
        ("metric_for_best_model",),
    ),
    _both(
        "dataset_exact_deduplication",
        "skip_prepare_dataset",
        "`dataset_exact_deduplication` has no effect if the preparation is skipped",
        2289,
        source=_CONFIG,
    ),
    Refusal(
        "dataset_exact_deduplication",
        "dataset_exact_deduplication and (streaming or pretraining_dataset)",
        "`dataset_exact_deduplication` is not available for streamed data",
        "Leave it out",
        f"{_CONFIG}:2280",
        ("streaming", "pretraining_dataset"),
        drop=True,
    ),
)
TABLE = Table(
    "axolotl",
    "0.19.0",
    {"": _ROWS},
    {},
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
