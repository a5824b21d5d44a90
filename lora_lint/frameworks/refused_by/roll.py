"""ROLL at 8eb27cc (2026-08-19): what the configs of its pipelines refuse."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_BASE, _RLVR, _AGENTIC = (
    *("configs/base_config.py", "pipeline/rlvr/rlvr_config.py", "pipeline/agentic/agentic_config.py"),
)
_INFER = "actor_infer.strategy_args.strategy_name"
_ENVIRONMENTS = "val_env_manager.num_env_groups * val_env_manager.group_size"
_ROWS = (
    Refusal(
        _INFER,
        f"is_text({_INFER}) and {_INFER} not in ('vllm', 'sglang')",
        "vLLM or SGLang generates",
        "Set it to vllm",
        f"{_BASE}:390",
        sets=((_INFER, "vllm"),),
    ),
    Refusal(
        "async_generation_ratio",
        "async_generation_ratio > 0 and generate_opt_level is not None and generate_opt_level != 1",
        "asynchronous generation needs `generate_opt_level: 1`",
        "Set it to 1",
        f"{_BASE}:632",
        ("generate_opt_level",),
        sets=(("generate_opt_level", 1),),
    ),
    Refusal(
        "async_generation_ratio",
        "async_generation_ratio > 0 and async_generation_ratio < 1 and rewards is not None",
        "a pipeline with verifiable rewards takes 0, or 1 and more",
        "Set it to 1",
        f"{_RLVR}:222",
        ("rewards",),
    ),
    Refusal(
        "profiler_memory",
        "profiler_timeline and profiler_memory",
        "one of the two profiles at a time",
        "Leave one of the two out",
        f"{_BASE}:322",
        ("profiler_timeline",),
    ),
    *(
        Refusal(
            key,
            f"{key} is not None and {other} is None",
            "the two lengths of the validation are given together",
            f"Set `{other}` too",
            f"{_BASE}:{line}",
            likely=True,
        )
        for key, other, line in (
            ("val_sequence_length", "val_prompt_length", 281),
            ("val_prompt_length", "val_sequence_length", 286),
        )
    ),
    Refusal(
        "use_opd",
        "is_pure_opd and use_opd",
        "a teacher alone rewards, or beside other rewards",
        "Leave one of the two out",
        f"{_BASE}:681",
        ("is_pure_opd",),
    ),
    *(
        Refusal(
            key,
            f"{key} and teacher is None",
            "it needs a `teacher`",
            "Configure one",
            f"{_BASE}:{line}",
            likely=True,
        )
        for key, line in (("is_pure_opd", 714), ("use_opd", 735))
    ),
    *(
        Refusal(
            f"{worker}.router_replay.mode",
            f"{worker}.router_replay.mode == 'R2' and {worker}.strategy_args is not None",
            "R2 is not implemented",
            "Leave it out, or set it to R3",
            "configs/worker_config.py:296",
        )
        for worker in ("actor_train", "actor_infer")
    ),
    Refusal(
        "rollout_batch_size",
        "rollout_batch_size > 0 and rollout_batch_size % train_env_manager.group_size != 0",
        "it is a multiple of `train_env_manager.group_size`",
        "Change one of them",
        f"{_AGENTIC}:331",
        ("train_env_manager.group_size",),
    ),
    Refusal(
        "val_batch_size",
        "val_batch_size >= 0 and val_batch_size % val_env_manager.group_size != 0",
        "it is a multiple of `val_env_manager.group_size`",
        "Change one of them",
        f"{_AGENTIC}:345",
        ("val_env_manager.group_size",),
    ),
    Refusal(
        "val_batch_size",
        f"val_batch_size >= 0 and val_batch_size % ({_ENVIRONMENTS}) != 0",
        "it is a multiple of the number of environments",
        "Change one of them",
        f"{_AGENTIC}:352",
        ("val_env_manager.num_env_groups", "val_env_manager.group_size"),
    ),
)
TABLE = Table(
    "ROLL",
    "8eb27cc of 2026-08-19",
    {"": _ROWS},
    {},
    (
        Undecided(
            "settings that a file leaves out",
            "the files in `defaults` may set them",
            ("configs/base_config.py:BaseConfig.__post_init__", "pipeline/dpo/", "pipeline/sft/", "pipeline/distill/"),
        ),
        Undecided(
            "devices and engines",
            "they depend on the machine",
            ("distributed/", "third_party/", "platforms/", "utils/"),
        ),
        Undecided("models and their layers", "they are in the model", ("models/",)),
        Undecided("data, rewards and environments", "other programs decide", ("datasets/", "pipeline/")),
    ),
)
