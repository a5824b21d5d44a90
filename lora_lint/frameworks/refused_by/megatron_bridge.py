"""Megatron-Bridge 0.7.0 at 067f987 (2026-08-22): what its adapters and the configs of its trainings refuse."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_CONFIG = "training/config.py"
_TARGETS = ("linear_qkv", "linear_proj", "linear_fc1", "linear_fc2")
_STARTS = ("xavier", "normal", "kaiming", "zero")
_ADAPTER = (
    Refusal(
        "exclude_modules",
        "exclude_modules and target_modules",
        "modules are left out only where none are named",
        "Leave it out, or set `target_modules=[]`",
        "peft/module_matcher.py:142",
        ("target_modules",),
        late=True,
    ),
    *(
        Refusal(
            key,
            f"is_text({key}) and {key} not in {_STARTS!r}",
            "a matrix starts as xavier, normal, kaiming or zero",
            "Leave it out",
            "peft/utils.py:1205",
            late=True,
            drop=True,
        )
        for key in ("lora_A_init_method", "lora_B_init_method")
    ),
)
_FUSED = (
    ("linear_qkv", "linear_q, linear_k and linear_v", 277),
    ("linear_fc1", "linear_fc1_up and linear_fc1_gate", 281),
)
_CANONICAL = (
    *(
        Refusal(
            "target_modules",
            f"common(target_modules, ({fused!r},))",
            f"CanonicalLoRA adapts the parts of `{fused}`",
            f"Name {parts}, or take LoRA",
            f"peft/canonical_lora.py:{line}",
        )
        for fused, parts, line in _FUSED
    ),
    *_ADAPTER[1:],
)
_DORA = (
    Refusal(
        "dropout_position",
        "is_text(dropout_position) and dropout_position != 'pre'",
        "DoRA drops out before the adapter alone",
        "Leave it out",
        "peft/dora.py:71",
        drop=True,
    ),
    *_ADAPTER,
)
_SCHEDULER = (
    Refusal(
        "lr_warmup_fraction",
        "lr_warmup_fraction is not None and (lr_warmup_iters or lr_warmup_samples)",
        "a warmup has one length",
        "Leave it out, or `lr_warmup_iters`",
        f"{_CONFIG}:435",
        ("lr_warmup_iters", "lr_warmup_samples"),
        likely=True,
    ),
    Refusal(
        "lr_decay_samples",
        "lr_decay_samples is not None and (lr_decay_iters is not None or lr_warmup_iters)",
        "a schedule counts iterations, or samples",
        "Leave it out",
        f"{_CONFIG}:426",
        ("lr_decay_iters", "lr_warmup_iters"),
        likely=True,
    ),
)
_CHECKPOINT = (
    Refusal(
        "ckpt_step",
        "ckpt_step is not None and load is None",
        "there is no folder to load it from",
        "Set `load`",
        f"{_CONFIG}:620",
        ("load",),
        likely=True,
    ),
    Refusal(
        "also_save_hf_checkpoint",
        "also_save_hf_checkpoint and ckpt_format == 'fsdp_dtensor'",
        "weights for transformers are saved beside `torch_dist` alone",
        "Set `ckpt_format='torch_dist'`",
        f"{_CONFIG}:607",
        ("ckpt_format",),
        likely=True,
        sets=(("ckpt_format", "torch_dist"),),
    ),
)
_TRAINING = (
    *(
        Refusal(
            key,
            f"{key} is not None and {other} is not None",
            "a training has one length",
            "Leave one of the two out",
            f"{_CONFIG}:481",
            (other,),
            likely=True,
        )
        for key, other in (
            *(("train_samples", "train_iters"), ("num_epochs", "train_iters")),
            ("num_epochs", "train_samples"),
        )
    ),
    Refusal(
        "rampup_batch_size",
        "rampup_batch_size is not None and train_samples is not None",
        "batches grow only in a training that counts iterations",
        "Leave it out",
        f"{_CONFIG}:488",
        ("train_samples",),
        likely=True,
        drop=True,
    ),
)
_PROFILING = (
    Refusal(
        "use_nsys_profiler",
        "use_nsys_profiler and use_pytorch_profiler",
        "one profiler runs at a time",
        "Leave one of the two out",
        f"{_CONFIG}:757",
        ("use_pytorch_profiler",),
        likely=True,
    ),
)
TABLE = Table(
    "Megatron-Bridge",
    "0.7.0 of 2026-08-22",
    {
        "LoRA": _ADAPTER,
        "VLMLoRA": _ADAPTER,
        "DoRA": _DORA,
        "CanonicalLoRA": _CANONICAL,
        "SchedulerConfig": _SCHEDULER,
        "CheckpointConfig": _CHECKPOINT,
        "TrainingConfig": _TRAINING,
        "ProfilingConfig": _PROFILING,
    },
    {"target_modules": _TARGETS},
    (
        Undecided(
            "devices and layouts",
            "they depend on the machine, or belong to the config as a whole, which recipes make",
            ("training/", "utils/", "inference/", "perf_recipes/", "recipes/", "package_info.py"),
        ),
        Undecided(
            "layers, shapes and checkpoints",
            "they are in the model",
            (
                *("models/", "diffusion/", "peft/lora_layers.py", "peft/multi_lora", "peft/adapter_wrapper.py"),
                *("peft/canonical_lora.py:LoRALinearSplitQKV*", "peft/utils.py", "peft/dora_layers.py"),
                *("peft/lora_merge.py", "peft/walk_utils.py", "peft/recompute.py", "peft/base.py"),
                "peft/lora.py:get_lora_plus_config_overrides",
            ),
        ),
        Undecided("data", "it decides when it is read", ("data/",)),
    ),
)
