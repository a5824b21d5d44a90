"""Accelerate 1.15.0: what its launcher, its config file and its plugins refuse.

Rows of "" are for config files, those of "launch" for the options of `accelerate launch`.
"""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_LAUNCH = "commands/launch.py"
_ENVIRONMENT = "utils/launch.py"
_CLASSES = "utils/dataclasses.py"
_ACCELERATOR = "accelerator.py"
_PARALLELISM = "parallelism_config.py"
_PRECISIONS = "('no', 'fp16', 'bf16', 'fp8')"
_WRAPS = "('transformer_based_wrap', 'size_based_wrap', 'no_wrap')"
_TRUTHS = "('true', 'false', '1', '0', 'yes', 'no', 'on', 'off', 'y', 'n', 't', 'f')"
_BACKENDS = (
    "('no', 'eager', 'aot_eager', 'inductor', 'aot_ts_nvfuser', 'nvprims_nvfuser', 'cudagraphs', 'ofi', 'fx2trt',"
    " 'onnxrt', 'tensorrt', 'aot_torchxla_trace_once', 'torchxla_trace_once', 'tvm', 'hpu_backend', 'neuron')"
)
_KINDS = (
    "('NO', 'MULTI_CPU', 'MULTI_GPU', 'MULTI_NPU', 'MULTI_MLU', 'MULTI_SDAA', 'MULTI_MUSA', 'MULTI_XPU',"
    " 'MULTI_HPU', 'MULTI_NEURON', 'DEEPSPEED', 'FSDP', 'XLA', 'MEGATRON_LM')"
)
_HERE = "compute_environment == 'LOCAL_MACHINE'"


def _of_fsdp(sharded: str, prefix: str) -> tuple[Refusal, ...]:
    """What FSDP refuses of the options of the launcher, or of `fsdp_config`; `sharded` says that FSDP is used."""
    version, two = f"{prefix}fsdp_version", f"{sharded} and {prefix}fsdp_version == 2"
    reshard, wrap = f"{prefix}fsdp_reshard_after_forward", f"{prefix}fsdp_auto_wrap_policy"
    state, offload = f"{prefix}fsdp_state_dict_type", f"{prefix}fsdp_activation_checkpointing_offload"
    recomputed = f"{prefix}fsdp_activation_checkpointing"
    return (
        Refusal(
            reshard,
            f"{two} and is_text({reshard}) and lower({reshard}) not in {_TRUTHS}",
            "under FSDP 2 it is true or false",
            "Set it to true, for full sharding",
            f"{_CLASSES}:1862",
            (version,),
        ),
        Refusal(
            wrap,
            f"{sharded} and is_text({wrap}) and lower({wrap}) not in {_WRAPS}",
            "there is no such policy",
            "Set it to TRANSFORMER_BASED_WRAP",
            f"{_CLASSES}:1913",
        ),
        Refusal(
            state,
            f"{two} and lower({state}) == 'local_state_dict'",
            "FSDP 2 does not support it",
            "Set it to SHARDED_STATE_DICT or FULL_STATE_DICT",
            f"{_CLASSES}:2070",
            (version,),
        ),
        Refusal(
            offload,
            f"{sharded} and lower({offload}) == 'true' and lower({recomputed}) != 'true'",
            "only activations that are recomputed are offloaded",
            f"Set `{recomputed}: true`",
            f"{_CLASSES}:1968",
            (recomputed,),
        ),
        Refusal(
            offload,
            f"{sharded} and lower({offload}) == 'true' and lower({recomputed}) == 'true' and {version} == 1",
            "only FSDP 2 offloads them",
            f"Set `{version}: 2`",
            f"{_CLASSES}:1970",
            (version,),
        ),
        *(
            Refusal(
                f"{prefix}{key}",
                f"{two} and {prefix}{key} is not None",
                "FSDP 2 has no such setting",
                "Leave it out",
                f"{_CLASSES}:{line}",
                (version,),
                ignored=True,
                cause="one version of FSDP",
            )
            for key, line in (
                ("fsdp_sharding_strategy", 1844),
                ("fsdp_backward_prefetch", 1905),
                ("fsdp_use_orig_params", 1942),
                ("fsdp_forward_prefetch", 1953),
            )
        ),
    )


_DS = "deepspeed_config.deepspeed"
_OF_FILES = (
    Refusal(
        "distributed_type",
        f"{_HERE} and is_text(distributed_type) and distributed_type not in {_KINDS}",
        "there is no such type",
        "Set it to MULTI_GPU, FSDP or DEEPSPEED",
        "commands/config/config_args.py:173",
        since="1.15.0",
    ),
    Refusal(
        "mixed_precision",
        f"{_HERE} and distributed_type != 'XLA' and mixed_precision is not None"
        f" and lower(mixed_precision) not in {_PRECISIONS}",
        "it has to be one of `'no'`, fp16, bf16 and fp8, and YAML reads a bare `no` as false",
        "Write one of them",
        f"{_ENVIRONMENT}:282",
    ),
    Refusal(
        "dynamo_config.dynamo_backend",
        f"{_HERE} and distributed_type not in ('XLA', 'DEEPSPEED') and is_text(dynamo_config.dynamo_backend)"
        f" and lower(dynamo_config.dynamo_backend) not in {_BACKENDS}",
        "there is no such backend",
        "Set it to INDUCTOR",
        f"{_ENVIRONMENT}:295",
    ),
    Refusal(
        "gpu_ids",
        "is_whole(gpu_ids)",
        "it has to be text",
        "Put it in quotes",
        f"{_LAUNCH}:1258",
    ),
    Refusal(
        "gpu_ids",
        f"{_HERE} and starts(distributed_type, 'MULTI_') and distributed_type != 'MULTI_CPU' and is_text(gpu_ids)"
        " and gpu_ids != 'all' and len(words(gpu_ids)) < 2 and num_machines <= 1",
        "more than one GPU needs more than one of their numbers",
        "List those to use, or set it to all",
        f"{_LAUNCH}:1259",
        ("distributed_type",),
    ),
    Refusal(
        "fsdp_config.fsdp_sync_module_states",
        "distributed_type == 'FSDP' and fsdp_config.fsdp_sync_module_states == False"
        " and fsdp_config.fsdp_cpu_ram_efficient_loading",
        "`fsdp_cpu_ram_efficient_loading`, which is on by default, needs the states to be synchronized",
        "Set it to true, or `fsdp_cpu_ram_efficient_loading: false`",
        f"{_ENVIRONMENT}:307",
        ("fsdp_config.fsdp_cpu_ram_efficient_loading",),
    ),
    *_of_fsdp("distributed_type == 'FSDP'", "fsdp_config."),
    *(
        Refusal(
            key,
            f"distributed_type == 'DEEPSPEED' and {_DS}_config_file is not None and {key} is not None",
            "with a `deepspeed_config_file`, that file alone gives these settings",
            "Leave it out, and set it in that file",
            f"{_CLASSES}:1526",
            (f"{_DS}_config_file",),
            likely=key == "mixed_precision",  # which the command may give
            drop=True,
            cause="DeepSpeed's own file",
        )
        for key in (
            *("deepspeed_config.gradient_accumulation_steps", "deepspeed_config.gradient_clipping"),
            *("deepspeed_config.zero_stage", "deepspeed_config.offload_optimizer_device"),
            *("deepspeed_config.offload_param_device", "deepspeed_config.offload_param_nvme_path"),
            *("deepspeed_config.offload_optimizer_nvme_path", "deepspeed_config.zero3_save_16bit_model"),
            "mixed_precision",
        )
    ),
    Refusal(
        "deepspeed_config.zero3_init_flag",
        "distributed_type == 'DEEPSPEED' and deepspeed_config.zero3_init_flag == True"
        " and is_whole(deepspeed_config.zero_stage) and deepspeed_config.zero_stage != 3",
        "only stage 3 splits the parameters",
        "Leave it out, or set `zero_stage: 3`",
        f"{_CLASSES}:1338",
        ("deepspeed_config.zero_stage",),
        ignored=True,
    ),
)
_WAYS = ("cpu", "multi_gpu", "tpu", "use_deepspeed", "use_fsdp")
_OF_THE_LAUNCHER = (
    *(
        Refusal(
            way,
            f"{way} == True and ({' or '.join(f'{other} == True' for other in _WAYS if other != way)})",
            f"only one of {', '.join(f'`--{each}`' for each in _WAYS)} can be given",
            "Keep one of them",
            f"{_LAUNCH}:1205",
            tuple(other for other in _WAYS if other != way),
            cause="one way to launch",
        )
        for way in _WAYS
    ),
    Refusal(
        "multi_gpu",
        "multi_gpu == True and is_whole(num_processes) and num_processes < 2",
        "it needs at least 2 processes",
        "Leave it out, or raise `--num_processes`",
        f"{_LAUNCH}:1209",
        ("num_processes",),
    ),
    Refusal(
        "use_parallelism_config",
        "use_parallelism_config == True and not use_fsdp",
        "it needs `--use_fsdp` and `--fsdp_version 2`",
        "Give both",
        f"{_LAUNCH}:1212",
        ("use_fsdp",),
    ),
    Refusal(
        "mixed_precision",
        f"is_text(mixed_precision) and mixed_precision not in {_PRECISIONS}",
        "it has to be one of no, fp16, bf16 and fp8",
        "Write one of them",
        f"{_LAUNCH}:192",
    ),
    *_of_fsdp("use_fsdp == True", ""),
)
_OF_ACCELERATOR = (
    Refusal(
        "mixed_precision",
        f"is_text(mixed_precision) and mixed_precision not in {_PRECISIONS}",
        "it has to be one of no, fp16, bf16 and fp8",
        "Write one of them",
        f"{_ACCELERATOR}:315",
    ),
    Refusal(
        "dynamo_backend",
        "dynamo_backend is not None and dynamo_plugin is not None",
        "`dynamo_plugin` has a backend",
        "Leave it out",
        f"{_ACCELERATOR}:326",
        ("dynamo_plugin",),
        drop=True,
    ),
    Refusal(
        "deepspeed_plugin",
        "deepspeed_plugin is not None and deepspeed_plugins is not None",
        "`deepspeed_plugins` means the same",
        "Leave one of the two out",
        f"{_ACCELERATOR}:333",
        ("deepspeed_plugins",),
    ),
    Refusal(
        "gradient_accumulation_steps",
        "gradient_accumulation_plugin is not None and gradient_accumulation_steps != 1",
        "`gradient_accumulation_plugin` has a number of steps",
        "Leave it out, and give the plugin `num_steps`",
        f"{_ACCELERATOR}:542",
        ("gradient_accumulation_plugin",),
        drop=True,
    ),
)
_OF_FSDP_PLUGIN = (
    Refusal(
        "forward_prefetch",
        "fsdp_version == 2 and forward_prefetch is not None",
        "FSDP 2 does not prefetch in the forward pass",
        "Leave it out",
        f"{_CLASSES}:1956",
        ("fsdp_version",),
        drop=True,
    ),
    Refusal(
        "reshard_after_forward",
        f"fsdp_version == 2 and is_text(reshard_after_forward) and lower(reshard_after_forward) not in {_TRUTHS}",
        "under FSDP 2 it is True or False",
        "Set it to True, for full sharding",
        f"{_CLASSES}:1867",
        ("fsdp_version",),
    ),
    Refusal(
        "reshard_after_forward",
        "fsdp_version == 1 and (reshard_after_forward == True or reshard_after_forward == False)"
        " and not is_whole(reshard_after_forward)",
        "under FSDP 1 it is the name of a strategy",
        "Set it to 'FULL_SHARD', or `fsdp_version=2`",
        f"{_CLASSES}:1882",
        ("fsdp_version",),
    ),
    Refusal(
        "state_dict_type",
        "fsdp_version == 2 and lower(state_dict_type) == 'local_state_dict'",
        "FSDP 2 does not support it",
        "Set it to 'SHARDED_STATE_DICT' or 'FULL_STATE_DICT'",
        f"{_CLASSES}:2070",
        ("fsdp_version",),
    ),
    Refusal(
        "auto_wrap_policy",
        f"is_text(auto_wrap_policy) and lower(auto_wrap_policy) not in {_WRAPS}",
        "there is no such policy",
        "Set it to 'transformer_based_wrap'",
        f"{_CLASSES}:1913",
    ),
    Refusal(
        "min_num_params",
        "is_text(auto_wrap_policy) and lower(auto_wrap_policy) == 'size_based_wrap' and min_num_params is not None"
        " and min_num_params != True and min_num_params != False and not is_whole(min_num_params)",
        "it has to be a whole number",
        "Write it as one",
        f"{_CLASSES}:1932",
        ("auto_wrap_policy",),
    ),
    Refusal(
        "activation_checkpointing_offload",
        "activation_checkpointing_offload == True and activation_checkpointing == False",
        "only activations that are recomputed are offloaded",
        "Set `activation_checkpointing=True`",
        f"{_CLASSES}:1968",
        ("activation_checkpointing",),
        sets=(("activation_checkpointing", True),),
    ),
    Refusal(
        "activation_checkpointing_offload",
        "activation_checkpointing_offload == True and activation_checkpointing == True and fsdp_version == 1",
        "only FSDP 2 offloads them",
        "Set `fsdp_version=2`",
        f"{_CLASSES}:1970",
        ("fsdp_version",),
        sets=(("fsdp_version", 2),),
    ),
    *(
        Refusal(
            key,
            f"fsdp_version == 2 and {key} is not None",
            "FSDP 2 has no such setting",
            "Leave it out",
            f"{_CLASSES}:{line}",
            ("fsdp_version",),
            ignored=True,
            cause="one version of FSDP",
        )
        for key, line in (("backward_prefetch", 1905), ("use_orig_params", 1942), ("sync_module_states", 1951))
    ),
)
_OF_QUANTIZATION = (
    Refusal(
        "load_in_4bit",
        "load_in_4bit == True and load_in_8bit == True",
        "they cannot both be True",
        "Leave one of the two out",
        f"{_CLASSES}:3164",
        ("load_in_8bit",),
    ),
    Refusal(
        "load_in_4bit",
        "load_in_4bit == False and load_in_8bit == False",
        "one of `load_in_4bit` and `load_in_8bit` has to be True",
        "Set one of them",
        f"{_CLASSES}:3167",
        ("load_in_8bit",),
        absent=True,
    ),
    Refusal(
        "bnb_4bit_quant_type",
        "is_text(bnb_4bit_quant_type) and bnb_4bit_quant_type not in ('fp4', 'nf4')",
        "there is no such type",
        "Set it to 'nf4'",
        f"{_CLASSES}:3175",
    ),
    *(
        Refusal(
            key,
            f"is_text({key}) and {key} not in ('fp32', 'fp16', 'bf16')",
            "there is no such type",
            "Set it to 'bf16'",
            f"{_CLASSES}:{line}",
        )
        for key, line in (("bnb_4bit_compute_dtype", 3188), ("torch_dtype", 3217))
    ),
    *(
        Refusal(key, when, says, instead, f"{_CLASSES}:{line}")
        for key, when, says, instead, line in (
            *(
                (key, f"is_text({key}) or is_whole({key})", "it has to be True or False", "Set one of the two", line)
                for key, line in (("load_in_8bit", 3158), ("load_in_4bit", 3161), ("bnb_4bit_use_double_quant", 3178))
            ),
            ("llm_int8_threshold", "is_text(llm_int8_threshold)", "it has to be a number", "Set 6.0", 3170),
            *(
                (key, f"is_whole({key})", "a number is no type", f"Set '{usual}'", line)
                for key, usual, line in (("bnb_4bit_quant_type", "nf4", 3173), ("bnb_4bit_compute_dtype", "bf16", 3192))
            ),
            (
                *("keep_in_fp32_modules", "is_text(keep_in_fp32_modules)"),
                *("it has to be a list", "Write it as one", 3198),
            ),
        )
    ),
    Refusal(
        "llm_int8_threshold",
        "load_in_4bit == True and load_in_8bit == False and llm_int8_threshold != 6.0",
        "it has an effect only with `load_in_8bit=True`",
        "Leave it out",
        f"{_CLASSES}:3207",
        ("load_in_4bit",),
        ignored=True,
    ),
)
_OF_PARALLELISM = (
    Refusal(
        "cp_size",
        "cp_size > 1 and sp_size > 1",
        "a sequence is split in one way",
        "Set `cp_size` or `sp_size` to 1",
        f"{_PARALLELISM}:330",
        ("sp_size",),
    ),
    Refusal(
        "dp_replicate_size",
        "(tp_size > 1 or cp_size > 1) and dp_replicate_size > 1 and dp_shard_size == 1",
        "tensors and sequences are split together with sharded data parallelism only",
        "Set `dp_shard_size` above 1",
        f"{_PARALLELISM}:337",
        ("tp_size", "cp_size"),
    ),
)
TABLE = Table(
    "Accelerate",
    "1.15.0",
    {
        "": _OF_FILES,
        "launch": _OF_THE_LAUNCHER,
        "Accelerator": _OF_ACCELERATOR,
        "FullyShardedDataParallelPlugin": _OF_FSDP_PLUGIN,
        "BnbQuantizationConfig": _OF_QUANTIZATION,
        "ParallelismConfig": _OF_PARALLELISM,
        "DeepSpeedPlugin": (
            Refusal(
                "enable_msamp",
                "enable_msamp == True and zero_stage == 3",
                "MS-AMP does not support ZeRO stage 3",
                "Leave it out, or lower `zero_stage`",
                f"{_CLASSES}:1347",
                ("zero_stage",),
            ),
            Refusal(
                "zero3_init_flag",
                "zero3_init_flag == True and is_whole(zero_stage) and zero_stage != 3 and hf_ds_config is None",
                "only stage 3 splits the parameters",
                "Leave it out, or set `zero_stage=3`",
                f"{_CLASSES}:1338",
                ("zero_stage",),
                ignored=True,
            ),
        ),
    },
    {
        "fsdp_config.fsdp_version": 1,
        "fsdp_config.fsdp_cpu_ram_efficient_loading": True,
        "fsdp_config.fsdp_activation_checkpointing": False,
        "compute_environment": "LOCAL_MACHINE",
        "num_machines": 1,
        "gradient_accumulation_steps": 1,
        "load_in_4bit": False,
        "load_in_8bit": False,
        "llm_int8_threshold": 6.0,
        "dp_shard_size": 1,
        "dp_replicate_size": 1,
        "tp_size": 1,
        "cp_size": 1,
        "sp_size": 1,
    },
    (
        Undecided(
            "devices, installed packages, environment variables",
            "they are the machine's",
            ("state.py", "utils/imports.py", "utils/versions.py", "utils/launch.py", "utils/bnb.py", "utils/ao.py"),
        ),
        Undecided(
            "models, optimizers and data loaders that are prepared",
            "they are objects of the program: LL407, LL801 and others follow them",
            ("accelerator.py", "data_loader.py", "hooks.py", "big_modeling.py", "optimizer.py", "utils/modeling.py"),
        ),
        Undecided(
            "the number of processes",
            "the launcher counts the devices",
            ("parallelism_config.py", "commands/launch.py", "launchers.py"),
        ),
        Undecided(
            "cloud services, TPUs and checkpoints",
            "they are not on this machine",
            (
                "commands/",
                "utils/fsdp_utils.py",
                "utils/megatron_lm.py",
                "tracking.py",
                "checkpointing.py",
            ),
        ),
    ),
    history=True,
)
