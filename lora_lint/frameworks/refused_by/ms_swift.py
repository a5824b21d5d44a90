"""ms-swift 4.6.0: what the arguments of `swift sft`, `swift pt` and `swift rlhf` refuse, and training once the model is
there.

`rlhf_type` is dpo in `swift rlhf` where nothing is given; which command reads a file is not in it, so that no row goes
by that default.
"""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_SFT = "arguments/sft_args.py"
_RLHF = "arguments/rlhf_args.py"
_BASE = "arguments/base_args/base_args.py"
_DATA = "arguments/base_args/data_args.py"
_BITS = "arguments/base_args/quant_args.py"
_TUNER = "pipelines/train/tuner.py"
_ALIGNED = "pipelines/train/rlhf.py"
_TRAINED = "pipelines/train/sft.py"
_ROLLED = "rlhf_trainers/args_mixin.py"
_TRANSFORMERS = "transformers/training_args.py"
_EITHER = "Leave one of the two out"
_LATER = "4.3.0"
_NEW = "4.6.0"
_ESTIMATORS = ("grpo", "rloo", "reinforce_plus_plus")
_TYPES = (
    *("lora", "full", "longlora", "adalora", "llamapro", "adapter", "vera", "boft", "fourierft", "reft", "bone"),
    *("ia3", "lora_llm", "dummy"),
)
"""The first versions with some of these, of 4.0.0, 4.3.0 and 4.6.0; the others are in all three."""
_FLASH = "('flash_attn', 'flash_attention_2', 'flash_attention_3', 'flash_attention_4')"
_LIGER = "rlhf_type == 'grpo' and use_liger_kernel"
_GENERATES = "rlhf_type in ('grpo', 'gkd')"
_RLSD = "rlhf_type == 'grpo' and advantage_reweight == 'rlsd'"
_SDAR = "rlhf_type == 'grpo' and sdar_loss_coef > 0"
_TAUGHT = "rlhf_type == 'grpo' and (teacher_model is not None or teacher_model_server is not None)"


_ONE_PROCESS = "one process with several GPUs spreads the model over them"
_PER_GPU = "Set `NPROC_PER_NODE` to the number of GPUs"
_LAUNCHED = (
    Refusal(
        "deepspeed",
        "deepspeed and gpus_per_process >= 2 and not use_ray",
        f"{_ONE_PROCESS}, which DeepSpeed does not support",
        _PER_GPU,
        f"{_SFT}:256",
        likely=True,  # the caller of a script may set it
        since="2.0.0",
    ),
    Refusal(
        "use_vllm",
        "rlhf_type == 'grpo' and use_vllm and gpus_per_process >= 2",
        f"{_ONE_PROCESS}, which GRPO with vLLM does not support",
        _PER_GPU,
        f"{_RLHF}:543",
        ("rlhf_type",),
        likely=True,
        since="3.2.0",
    ),
)
"""What every version since then refuses, in all spellings of the type of tuner."""
_BATCH = "rlhf_type == 'grpo' and is_whole(processes) and is_whole(num_generations) and num_generations > 1"
_OWN_REWARDS = (*("toolbench", "math", "accuracy", "format", "react_format", "cosine", "repetition", "soft_overlong"),)
_GENERATED = (
    *(
        Refusal(
            "num_generations",
            f"{_BATCH} and is_whole({steps}) and {when} and generation_batch_size is None"
            f" and per_device_train_batch_size * processes * {steps} % num_generations != 0",
            f"the batch on each GPU, times their number, times `{steps}`, is no multiple of it",
            "Change one of them",
            f"{_ROLLED}:226",
            ("per_device_train_batch_size", steps),
            absent=True,
            likely=True,  # the caller of a script may set the number of processes
            since="3.2.0",
        )
        for steps, when in (
            ("steps_per_generation", "steps_per_generation > 0"),
            ("gradient_accumulation_steps", "steps_per_generation is None"),
        )
    ),
    Refusal(
        "num_generations",
        f"{_BATCH} and gradient_accumulation_steps is None and steps_per_generation is None"
        " and generation_batch_size is None and per_device_train_batch_size * processes % num_generations != 0",
        "the batch on each GPU, times their number, is no multiple of it",
        "Change one of them, or give `gradient_accumulation_steps`",
        f"{_ROLLED}:226",
        ("per_device_train_batch_size",),
        absent=True,
        likely=True,
        since="3.7.0",
    ),
    Refusal(
        "reward_funcs",
        "rlhf_type == 'grpo' and external_plugins is None and custom_register_path is None"
        f" and (is_text(reward_funcs) and reward_funcs not in {_OWN_REWARDS!r}"
        f" or is_list(reward_funcs) and not within(reward_funcs, {_OWN_REWARDS!r}))",
        "not all of them are rewards of ms-swift, and no file is named that adds one (reward_function is not "
        "implemented)",
        "Name the file in `external_plugins`, in which `orms` takes the reward",
        "rlhf_trainers/grpo_trainer.py:2211",
        ("external_plugins",),
        late=True,
        likely=True,  # the installed package may have been changed
        since="3.3.0",
    ),
)
"""What GRPO refuses in all of them since then."""
_BY_TRAINER = (
    Refusal(
        "load_best_model_at_end",
        "load_best_model_at_end and is_whole(save_steps) and is_whole(eval_steps) and eval_steps > 0"
        " and save_strategy in (None, 'steps') and eval_strategy in (None, 'steps')"
        " and save_steps % eval_steps != 0",
        "the best checkpoint needs `save_steps` to be a multiple of `eval_steps`",
        "Change one of the two",
        f"{_TRANSFORMERS}:1755",
        ("save_steps", "eval_steps"),
        since="2.0.0",
    ),
    *(
        Refusal(
            key,
            f"{key} and ({other} or {other} is None and torch_dtype == '{dtype}')",
            f"the other one of the two is set too, by `{other}` or by `torch_dtype: {dtype}` (at most one of fp16 and "
            "bf16 can be true)",
            f"Leave `{key}` out, and say it by `torch_dtype`",
            f"{_TRANSFORMERS}:1784",
            (other, "torch_dtype"),
            since="3.3.1",
            cause="mixed precision",
        )
        for key, other, dtype in (("fp16", "bf16", "bfloat16"), ("bf16", "fp16", "float16"))
    ),
)
"""What transformers' arguments, which it fills in, refuse in all of them."""


def _out(
    key: str, when: str, says: str, source: str, others: tuple[str, ...] = (), *, since: str = "", late: bool = False
) -> Refusal:
    """A setting that must be removed."""
    return Refusal(key, when, says, f"Leave `{key}` out", source, others, since, late=late, drop=True)


def _packed(key: str) -> tuple[Refusal, ...]:
    """Without flash attention, which has to be asked for, and in the stages whose losses need whole rows."""
    says = f"`{key}` needs flash attention"
    ask = "Set `attn_impl: flash_attn`"
    return (
        Refusal(
            key, f"{key} and attn_impl is None", says, ask, f"{_SFT}:196", ("attn_impl",), likely=True, since=_LATER
        ),
        Refusal(
            key,
            f"{key} and attn_impl is not None and attn_impl not in {_FLASH}",
            says,
            ask,
            f"{_SFT}:196",
            ("attn_impl",),
            since=_LATER,
        ),
        _out(
            key,
            f"{key} and rlhf_type is not None and rlhf_type not in ('grpo', 'dpo', 'kto', 'gkd')",
            f"`rlhf_type` does not support `{key}`",
            f"{_RLHF}:715",
            ("rlhf_type",),
        ),
    )


def _not_fused(key: str, when: str, line: int) -> Refusal:
    """What Liger's GRPO loss does not compute."""
    return Refusal(
        key,
        f"{_LIGER} and {when}",
        f"Liger's loss does not support `{key}`",
        "Leave `use_liger_kernel` out",
        f"{_RLHF}:{line}",
        ("use_liger_kernel",),
    )


_ROWS = (
    Refusal(
        "quant_method",
        "quant_method in ('bnb', 'hqq', 'eetq', 'quanto') and quant_bits is None",
        "`quant_method` needs `quant_bits`",
        "Set it",
        f"{_BITS}:50",
        ("quant_bits",),
        likely=True,
    ),
    Refusal(
        "quant_bits",
        "quant_method == 'bnb' and quant_bits is not None and quant_bits not in (4, 8, '4', '8')",
        "bitsandbytes has only 4 and 8 bits",
        "Set `quant_bits: 4`",
        f"{_BITS}:57",
        ("quant_method",),
    ),
    Refusal(
        "quant_bits",
        "quant_method == 'quanto' and quant_bits is not None and quant_bits not in (2, 4, 8, '2', '4', '8', 'float8')",
        "quanto has only 2, 4 and 8 bits and float8",
        "Take one of these",
        f"{_BITS}:91",
        ("quant_method",),
    ),
    Refusal(
        "quant_bits",
        "quant_method == 'eetq' and quant_bits is not None and quant_bits not in (8, '8')",
        "EETQ has only 8 bits",
        "Set `quant_bits: 8`",
        f"{_BITS}:95",
        ("quant_method",),
        sets=(("quant_bits", 8),),
    ),
    Refusal(
        "quant_bits",
        "quant_bits is not None and quant_method is None and tuner_backend != 'unsloth'",
        "it has an effect only with `quant_method`",
        "Set `quant_method: bnb`",
        f"{_BITS}:47",
        ("quant_method",),
        likely=True,
        ignored=True,
    ),
    *_packed("packing"),
    *_packed("padding_free"),
    Refusal(
        "packing",
        "packing and lazy_tokenize",
        "packing needs the lengths of all rows before training, which `lazy_tokenize` leaves unknown",
        _EITHER,
        f"{_BASE}:166",
        ("lazy_tokenize",),
    ),
    Refusal(
        "streaming",
        "streaming and lazy_tokenize",
        "`streaming` and `lazy_tokenize` are incompatible",
        _EITHER,
        f"{_BASE}:168",
        ("lazy_tokenize",),
    ),
    Refusal(
        "fsdp",
        "fsdp and deepspeed",
        "FSDP2 is not compatible with DeepSpeed",
        _EITHER,
        f"{_SFT}:295",
        ("deepspeed",),
    ),
    _out(
        "save_only_model",
        "fsdp == 'fsdp2' and save_only_model",
        "the preset fsdp2 saves sharded states, from which the model cannot be saved by itself",
        f"{_SFT}:348",
        ("fsdp",),
    ),
    Refusal(
        "warmup_ratio",
        "warmup_ratio and warmup_steps",
        "`warmup_ratio` and `warmup_steps` cannot be set at the same time",
        _EITHER,
        "trainers/arguments.py:231",
        ("warmup_steps",),
        since=_NEW,
    ),
    _out(
        "streaming",
        "streaming and cached_dataset",
        "a cached dataset does not support streaming",
        f"{_TRAINED}:105",
        ("cached_dataset",),
        late=True,
    ),
    _out(
        "lazy_tokenize",
        "truncation_strategy == 'split' and lazy_tokenize",
        "`truncation_strategy: split` does not support it",
        f"{_TRAINED}:317",
        ("truncation_strategy",),
        late=True,
    ),
    Refusal(
        "truncation_strategy",
        "truncation_strategy == 'split' and use_chat_template",
        "rows are split only in pre-training",
        "Set it to delete, or train with `swift pt`",
        f"{_TRAINED}:316",
        ("use_chat_template",),
        late=True,
        since=_LATER,
    ),
    Refusal(
        "adapters",
        "is_list(adapters) and len(adapters) > 1 and tuner_type != 'full'",
        "training can continue from only one adapter",
        "Merge the adapters first",
        f"{_TUNER}:390",
        late=True,
    ),
    Refusal(
        "tuner_backend",
        "tuner_backend == 'unsloth' and tuner_type == 'longlora'",
        "unsloth does not support LongLoRA",
        "Leave `tuner_backend` out",
        f"{_TUNER}:240",
        ("tuner_type",),
        late=True,
        drop=True,
    ),
    Refusal(
        "lora_rank",
        "tuner_type == 'adalora' and lora_rank is not None",
        "AdaLoRA does not use it",
        "Set `adalora_init_r` for the rank at the start and `adalora_target_r` for the one at the end",
        f"{_TUNER}:256",
        ("tuner_type",),
        ignored=True,
    ),
    Refusal(
        "target_modules",
        "target_regex and target_modules is not None and target_modules not in ('all-linear', ('all-linear',))",
        "`target_regex` replaces it",
        _EITHER,
        "arguments/tuner_args.py:202",
        ("target_regex",),
        ignored=True,
    ),
    Refusal(
        "target_parameters",
        "target_parameters is not None and (tuner_type == 'adalora' or tuner_backend == 'unsloth')",
        "only PEFT's LoRA receives it",
        "Leave it out",
        f"{_TUNER}:207",
        ("tuner_type", "tuner_backend"),
        ignored=True,
    ),
    *(
        Refusal(
            key,
            f"{key} is not None and not deepspeed",
            "it is a DeepSpeed setting, and DeepSpeed is not used",
            "Set `deepspeed`, or leave it out",
            f"{_SFT}:{line}",
            ("deepspeed",),
            likely=True,
            ignored=True,
        )
        for key, line in (("zero_hpz_partition_size", 273), ("deepspeed_autotp_size", 279))
    ),
    Refusal(
        "split_dataset_ratio",
        "split_dataset_ratio > 0 and val_dataset",
        "it has no effect together with `val_dataset`",
        _EITHER,
        f"{_DATA}:130",
        ("val_dataset",),
        ignored=True,
    ),
    Refusal(
        "split_dataset_ratio",
        "split_dataset_ratio > 0 and streaming and not val_dataset",
        "a streamed dataset cannot be split",
        "Give a `val_dataset`",
        f"{_DATA}:130",
        ("streaming",),
        ignored=True,
    ),
    Refusal(
        "ref_model",
        "ref_model is not None and rlhf_type is not None and not (rlhf_type == 'grpo' and beta == 0)"
        " and not (rlhf_type in ('dpo', 'kto', 'ppo', 'grpo') and tuner_type == 'full')",
        "the reference of an adapter is its base model, and CPO, ORPO, SimPO and RM have none",
        "Leave `ref_model` out, or give `ref_adapters`",
        f"{_RLHF}:299",
        ("tuner_type", "rlhf_type"),
    ),
    Refusal(
        "loss_type",
        "is_list(loss_type) and len(loss_type) > 1 and rlhf_type is not None and rlhf_type != 'dpo'",
        "several losses are for DPO only",
        "Name one",
        f"{_RLHF}:323",
        ("rlhf_type",),
    ),
    _out(
        "loss_weights",
        "loss_weights is not None and loss_type is not None and rlhf_type is not None and rlhf_type != 'dpo'",
        "`loss_weights` are for DPO only",
        f"{_RLHF}:334",
        ("rlhf_type",),
    ),
    Refusal(
        "loss_weights",
        "rlhf_type == 'dpo' and is_list(loss_weights) and (is_list(loss_type) and len(loss_weights) != len(loss_type)"
        " or is_text(loss_type) and len(loss_weights) != 1)",
        "`loss_weights` must have one entry per loss in `loss_type`",
        "Give one for each",
        f"{_RLHF}:337",
        ("loss_type",),
    ),
    _out(
        "cached_dataset",
        "rlhf_type == 'grpo' and cached_dataset",
        "GRPO does not support a cached dataset",
        f"{_RLHF}:344",
        ("rlhf_type",),
    ),
    Refusal(
        "truncation_strategy",
        "rlhf_type == 'grpo' and truncation_strategy is not None and truncation_strategy not in ('left', 'delete')",
        "GRPO truncates prompts on the left or drops them",
        "Set it to left or delete",
        f"{_RLHF}:354",
        ("rlhf_type",),
    ),
    Refusal(
        "reward_funcs",
        "rlhf_type == 'grpo' and soft_cache_length is None"
        " and (reward_funcs == 'soft_overlong' or is_list(reward_funcs) and common(('soft_overlong',), reward_funcs))",
        "the reward soft_overlong needs `soft_cache_length`",
        "Set it",
        f"{_RLHF}:364",
        ("soft_cache_length",),
        likely=True,
    ),
    Refusal(
        "num_generations",
        "rlhf_type == 'grpo' and num_generations == 1 and teacher_model is None and teacher_model_server is None",
        "a single generation has no advantage over others",
        "Raise it",
        f"{_RLHF}:410",
        ("rlhf_type",),
        since=_NEW,
    ),
    Refusal(
        "generation_batch_size",
        "rlhf_type == 'grpo' and is_whole(generation_batch_size) and is_whole(num_generations) and num_generations > 1"
        " and generation_batch_size % num_generations != 0",
        "it must be divisible by `num_generations`",
        "Change one of the two",
        f"{_ROLLED}:229",
        ("num_generations",),
        since=_LATER,
    ),
    Refusal(
        "use_liger_kernel",
        "rlhf_type == 'gkd' and use_liger_kernel and teacher_model is None and teacher_model_server is None",
        "Liger's loss does not support self-distillation",
        "Give a `teacher_model`, or leave `use_liger_kernel` out",
        f"{_RLHF}:408",
        ("teacher_model",),
        likely=True,
        since=_NEW,
    ),
    _out(
        "use_liger_kernel",
        f"{_TAUGHT} and use_liger_kernel",
        "a teacher is not supported with Liger's loss",
        f"{_RLHF}:414",
        ("teacher_model", "teacher_model_server"),
        since=_NEW,
    ),
    Refusal(
        "teacher_model_server",
        f"{_GENERATES} and teacher_model is not None and teacher_model_server is not None",
        "`teacher_model` and `teacher_model_server` cannot be given together",
        _EITHER,
        f"{_RLHF}:417",
        ("teacher_model",),
        since=_NEW,
    ),
    *(
        Refusal(
            key,
            f"{key} is not None and rlhf_type is not None and rlhf_type not in ('grpo', 'gkd')",
            "only GRPO and GKD have a teacher",
            "Leave it out",
            f"{_RLHF}:400",
            ("rlhf_type",),
            ignored=True,
            since=_NEW,
            cause="a teacher",
        )
        for key in ("teacher_model", "teacher_model_server")
    ),
    Refusal(
        "vllm_mode",
        f"{_GENERATES} and vllm_mode is not None and not use_vllm",
        "`vllm_mode` is not supported if `use_vllm` is false",
        "Set `use_vllm: true`",
        f"{_RLHF}:445",
        ("use_vllm",),
        likely=True,
        sets=(("use_vllm", True),),
    ),
    Refusal(
        "use_vllm",
        f"{_GENERATES} and use_vllm and vllm_mode is None",
        "`use_vllm` needs `vllm_mode`",
        "Set it to colocate or server",
        f"{_RLHF}:448",
        ("vllm_mode",),
        likely=True,
    ),
    Refusal(
        "vllm_mode",
        f"{_GENERATES} and use_vllm and vllm_mode == 'server' and vllm_server_host is None"
        " and vllm_server_base_url is None",
        "the server must be named",
        "Set `vllm_server_host`, or `vllm_mode: colocate`",
        f"{_RLHF}:453",
        ("vllm_server_host",),
        likely=True,
    ),
    Refusal(
        "async_generate",
        "rlhf_type == 'grpo' and async_generate and vllm_mode is not None and vllm_mode != 'server'",
        "only a vLLM server generates during training",
        "Set `vllm_mode: server`",
        f"{_RLHF}:456",
        ("vllm_mode",),
        sets=(("vllm_mode", "server"),),
    ),
    _out(
        "async_generate",
        "rlhf_type == 'grpo' and async_generate and multi_turn_scheduler is not None",
        "it is not supported with several turns",
        f"{_RLHF}:569",
        ("multi_turn_scheduler",),
    ),
    _out(
        "async_generate",
        "rlhf_type == 'gkd' and async_generate",
        "GKD does not support it",
        f"{_RLHF}:757",
        ("rlhf_type",),
    ),
    Refusal(
        "vllm_max_model_len",
        f"{_GENERATES} and vllm_server_host and vllm_max_model_len is not None",
        "the vLLM server has its own length",
        "Give it to `swift rollout`",
        f"{_RLHF}:705",
        ("vllm_server_host",),
        ignored=True,
    ),
    Refusal(
        "scale_rewards",
        "rlhf_type == 'grpo' and loss_type in ('real', ('real',)) and scale_rewards is not None"
        " and scale_rewards != 'none'",
        "the loss `real` uses rewards unchanged",
        "Leave it out",
        f"{_RLHF}:380",
        ("loss_type",),
        ignored=True,
        since=_LATER,
    ),
    Refusal(
        "advantage_estimator",
        f"rlhf_type == 'grpo' and advantage_estimator not in {_ESTIMATORS}",
        "there is no such estimator",
        f"Set one of {', '.join(_ESTIMATORS)}",
        f"{_RLHF}:393",
    ),
    Refusal(
        "tuner_type",
        f"tuner_type not in {_TYPES} and not external_plugins",
        "there is no such tuner",
        "Set `tuner_type: lora`, or name the plugin that has it in `external_plugins`",
        f"{_TUNER}:350",
        ("external_plugins",),
        late=True,
        likely=True,
    ),
    _not_fused("delta", "delta is not None", 550),
    _not_fused("sequence_parallel_size", "sequence_parallel_size > 1", 552),
    _not_fused("padding_free", "padding_free", 554),
    _not_fused("packing", "packing", 554),
    _not_fused("top_entropy_quantile", "top_entropy_quantile < 1", 556),
    _not_fused("log_entropy", "log_entropy", 558),
    _not_fused("off_policy_sequence_mask_delta", "off_policy_sequence_mask_delta is not None", 560),
    _not_fused("importance_sampling_level", "importance_sampling_level not in ('token', 'sequence')", 561),
    _not_fused("advantage_estimator", "advantage_estimator != 'grpo'", 566),
    _out(
        "sequence_parallel_size",
        "sequence_parallel_size > 1 and rlhf_type is not None and rlhf_type not in ('grpo', 'dpo')",
        "`rlhf_type` does not support it",
        f"{_RLHF}:723",
        ("rlhf_type",),
    ),
    Refusal(
        "advantage_reweight",
        f"{_RLSD} and not reward_funcs",
        "RLSD needs `reward_funcs` for the direction of its advantage",
        "Set them",
        f"{_RLHF}:600",
        ("reward_funcs",),
        likely=True,
        since=_NEW,
    ),
    _out(
        "use_liger_kernel",
        f"{_RLSD} and use_liger_kernel",
        "RLSD is not compatible with it",
        f"{_RLHF}:603",
        since=_NEW,
    ),
    Refusal(
        "loss_type",
        f"({_RLSD} or {_TAUGHT}) and loss_type in ('real', 'fipo', ('real',), ('fipo',))",
        "this loss has one advantage for a whole completion, and a teacher weighs each token",
        "Take another one",
        f"{_RLHF}:606",
        ("advantage_reweight", "teacher_model", "teacher_model_server"),
        since=_NEW,
    ),
    _out(
        "off_policy_sequence_mask_delta",
        f"({_RLSD} or {_TAUGHT}) and off_policy_sequence_mask_delta is not None",
        "it masks whole completions, and a teacher weighs each token",
        f"{_RLHF}:609",
        ("advantage_reweight", "teacher_model", "teacher_model_server"),
        since=_NEW,
    ),
    Refusal(
        "teacher_model_server",
        f"({_RLSD} or {_SDAR}) and teacher_model_server is not None",
        "the teacher has to be here",
        "Set `teacher_model`, or leave both out",
        f"{_RLHF}:616",
        ("advantage_reweight", "sdar_loss_coef"),
        since=_NEW,
    ),
    _out(
        "use_liger_kernel",
        f"{_SDAR} and use_liger_kernel",
        "SDAR is not compatible with it",
        f"{_RLHF}:651",
        ("sdar_loss_coef",),
        since=_NEW,
    ),
    Refusal(
        "sdar_loss_coef",
        f"{_SDAR} and advantage_reweight == 'rlsd'",
        "SDAR cannot be combined with RLSD",
        _EITHER,
        f"{_RLHF}:654",
        ("advantage_reweight",),
        since=_NEW,
    ),
    *(
        Refusal(
            key,
            f"{_TAUGHT} and not reward_funcs and {when}",
            "without `reward_funcs` no rewards can vary",
            f"Set them, or leave `{key}` out",
            f"{_RLHF}:{line}",
            ("reward_funcs",),
            likely=True,
            since=_NEW,
        )
        for key, when, line in (
            ("dynamic_sample", "dynamic_sample", 695),
            ("scale_rewards", "scale_rewards == 'gdpo'", 698),
        )
    ),
    _out(
        "seq_kd", "rlhf_type == 'gkd' and seq_kd", "it is not implemented", f"{_RLHF}:761", ("rlhf_type",), since=_NEW
    ),
    Refusal(
        "teacher_model_server",
        "rlhf_type == 'gkd' and teacher_model_server is not None and gkd_logits_topk is None",
        "a server returns only the top logits, and `gkd_logits_topk` sets how many",
        "Set `gkd_logits_topk`",
        f"{_RLHF}:766",
        ("gkd_logits_topk",),
        likely=True,
    ),
    _out(
        "gkd_logits_topk",
        "rlhf_type == 'gkd' and gkd_logits_topk is not None and use_liger_kernel",
        "Liger's loss does not support it",
        f"{_RLHF}:773",
        ("use_liger_kernel",),
    ),
    Refusal(
        "ref_adapters",
        "ref_adapters and rlhf_type is not None and rlhf_type not in ('dpo', 'kto', 'grpo')",
        "only DPO, KTO and GRPO can have an adapter as their reference",
        "Leave it out",
        f"{_ALIGNED}:194",
        ("rlhf_type",),
        late=True,
        drop=True,
    ),
    Refusal(
        "ref_adapters",
        "is_list(ref_adapters) and len(ref_adapters) > 1",
        "the reference is one adapter",
        "Name one",
        f"{_ALIGNED}:188",
        late=True,
    ),
    Refusal(
        "reward_model",
        "is_list(reward_model) and len(reward_model) > 1 and rlhf_type is not None and rlhf_type != 'grpo'",
        "only GRPO accepts several reward models",
        "Name one",
        f"{_ALIGNED}:175",
        ("rlhf_type",),
        late=True,
    ),
)
_OF_3 = (
    Refusal(
        "num_generations",
        "rlhf_type == 'grpo' and is_whole(num_generations) and num_generations < 2",
        "a single generation has no advantage over others",
        "Raise it",
        f"{_RLHF}:410",
        ("rlhf_type",),
    ),
)
"""What releases before 4.0 refuse whatever else is set (read in 3.4.0, 3.8.2 and 3.12.4)."""
TABLE = Table(
    "ms-swift",
    "4.6.0",
    {
        "": (*_ROWS, *_LAUNCHED, *_GENERATED, *_BY_TRAINER),
        "2.x-3.x": (*_LAUNCHED, *_OF_3, *_GENERATED, *_BY_TRAINER),
    },
    {
        "tuner_type": "lora",
        "tuner_backend": "peft",
        "num_generations": 8,
        "per_device_train_batch_size": 1,
        "top_entropy_quantile": 1.0,
        "importance_sampling_level": "token",
        "advantage_estimator": "grpo",
        "sequence_parallel_size": 1,
        "split_dataset_ratio": 0.0,
        "sdar_loss_coef": 0.0,
    },
    (
        Undecided(
            "number of devices and processes, installed packages",
            "they depend on the machine and the launch: batches of generations, `device_map` beside FSDP and Liger, "
            "swanlab, evalscope",
            (
                *("trainers/", "infer_engine/", "utils/", "model/npu_patch/", "sequence_parallel/", "ray/"),
                *("ray_utils/", f"{_TUNER}:218"),
            ),
        ),
        Undecided(
            "models and templates",
            "their config says what they support: padding-free batches, RoPE scaling, the type of a quantized model",
            (
                *("model/", "template/", "agent_template/", "tuners/", "tuner_plugin/"),
                *("arguments/base_args/model_args.py", f"{_TUNER}:165"),
            ),
        ),
        Undecided(
            "a type of tuner that training does not know",
            "it is refused before, where the adapter is made",
            (f"{_TUNER}:416",),
        ),
        Undecided(
            "data, rewards and rollouts",
            "the rows and plugged-in programs decide",
            ("dataset/", "dataloader/", "rewards/", "rollout/", "rlhf_trainers/", "rl_core/", "loss/", "callbacks/"),
        ),
        Undecided(
            "commands that train nothing",
            "they have arguments of their own",
            (
                *("arguments/deploy_args.py", "arguments/eval_args.py", "arguments/export_args.py"),
                *("arguments/infer_args.py", "arguments/sampling_args.py", "pipelines/export/", "pipelines/infer/"),
                *("pipelines/sampling/", "ui/", "cli/"),
            ),
        ),
        Undecided(
            "Megatron and the command lines of 2.x and 3.x",
            "they have arguments of their own, which have not been read for this",
            ("megatron/",),
        ),
    ),
    history=True,
)
