"""qlora-pipe at 90b8e7d (2025-04-30): what train.py refuses of its config file."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided
from lora_lint.frameworks.refused_by import below_header

_TRAIN, _DATA, _LAYERS = "train.py", "utils/dataset_utils.py", "models/layers.py"
_TYPES = "('float32', 'float16', 'bfloat16')"
_LOSSES = (
    "('cross_entropy_loss', 'focal_loss', 'focal_loss_star', 'inverse_focal_loss', 'exponentiated_cross_entropy_loss')"
)
_NEEDED = (
    ("output_dir", 457),
    ("activation_checkpointing", 315),
    ("epochs", 573),
    ("eval_steps", 579),
    ("logging_steps", 701),
)
_OF_THE_TOP = (
    *("activation_checkpointing", "batch_size_tokens", "checkpoint_every_n_minutes", "epochs", "eval_steps"),
    *("gradient_accumulation_steps", "gradient_clipping", "group_by_length", "lora_weight_dtype", "lr_scheduler"),
    *("micro_batch_size_per_gpu", "model_weight_dtype", "save_dtype", "save_steps", "steps_per_print", "warmup_steps"),
)
_ROWS = (
    *below_header(("optimizer", "rl"), _OF_THE_TOP, f"{_TRAIN}:391"),
    *(
        Refusal(
            key,
            f"{key} is None and optimizer.{key} is None and rl.{key} is None",
            "it has no default (KeyError)",
            "Set it",
            f"{_TRAIN}:{line}",
            absent=True,
        )
        for key, line in _NEEDED
    ),
    Refusal(
        "lora_alpha",
        "lora_alpha is None and not full_fine_tune",
        "alpha has no default (KeyError)",
        "Set it",
        f"{_TRAIN}:358",
        absent=True,
    ),
    Refusal(
        "datasets",
        "datasets is None",
        "Need to specify at least one dataset",
        "Add a table `[[datasets]]`",
        f"{_DATA}:252",
        absent=True,
    ),
    Refusal(
        "datasets",
        "is_list(datasets) and is_mapping(first(datasets)) and field(first(datasets), 'dataset_type') not in"
        " ('textfile', 'doclist', 'axolotl', 'pretokenized', None)",
        "there are the types textfile, doclist, axolotl and pretokenized",
        "Set `dataset_type` to one of them",
        f"{_DATA}:152",
    ),
    Refusal(
        "load_in_4bit",
        "load_in_4bit is not None",
        "a model is quantized by `[quantization.bnb]` alone",
        "Write it there",
        f"{_TRAIN}:63",
        ignored=True,
    ),
    Refusal(
        "quantization",
        "is_mapping(quantization) and quantization and quantization.bnb is None and quantization.hqq is None",
        "Invalid quantization config",
        "Write `[quantization.bnb]` or `[quantization.hqq]`",
        f"{_TRAIN}:276",
    ),
    Refusal(
        "full_fine_tune",
        "full_fine_tune and quantization",
        "a quantized model is not trained in full",
        "Leave `quantization` out, or train an adapter",
        f"{_TRAIN}:253",
        ("quantization",),
    ),
    Refusal(
        "optimizer.type",
        "is_text(optimizer.type) and lower(optimizer.type) not in ('adamw', 'adamw8bit', 'adamw_kahan')",
        "there are adamw, adamw8bit and adamw_kahan",
        "Set it to adamw_kahan",
        f"{_TRAIN}:505",
        late=True,
    ),
    Refusal(
        "lr_scheduler",
        "lr_scheduler is not None and lr_scheduler not in ('constant', 'none', 'cosine')",
        "there are constant and cosine",
        "Set it to cosine",
        f"{_TRAIN}:620",
        late=True,
    ),
    Refusal(
        "layers_to_transform",
        "(is_list(layers_to_transform) or is_whole(layers_to_transform)) and not full_fine_tune",
        "it is a text with ranges, whose ends count",
        "Write them as '16:31'",
        f"{_TRAIN}:233",
        late=True,
    ),
    Refusal(
        "offload_mlp_to_cpu",
        "offload_mlp_to_cpu and activation_checkpointing == False",
        "MLP offloading only works with activation checkpointing",
        "Set `activation_checkpointing = true`",
        f"{_TRAIN}:553",
        ("activation_checkpointing",),
        late=True,
    ),
    Refusal(
        "dataset_combination_mode",
        "dataset_combination_mode is not None and dataset_combination_mode not in ('concatenate', 'interleave')"
        " and is_list(datasets) and len(datasets) > 1",
        "there are concatenate and interleave",
        "Set it to concatenate",
        f"{_DATA}:213",
    ),
    Refusal(
        "rejected_sampling",
        "rejected_sampling and rl is None",
        "rejected completions are sampled for DPO",
        "Add a table `[rl]`",
        f"{_DATA}:285",
    ),
    Refusal(
        "rl.method",
        "rl is not None and rl.method is not None and rl.method != 'dpo'",
        "there is DPO alone",
        "Set it to dpo",
        "utils/engine.py:173",
        late=True,
    ),
    Refusal(
        "rl.dpo_beta",
        "rl.method == 'dpo' and rl.dpo_beta is None",
        "beta has no default (KeyError)",
        "Set it to 0.1",
        f"{_LAYERS}:205",
        absent=True,
        late=True,
    ),
    Refusal(
        "focal_loss_gamma",
        "focal_loss_gamma and rl is None and (loss_type is None or lower(loss_type) == 'cross_entropy_loss')",
        "focal_loss_gamma can't be used with 'cross_entropy_loss' function",
        "Set `loss_type` to focal_loss, or leave it out",
        f"{_LAYERS}:119",
        ("loss_type",),
        late=True,
    ),
    Refusal(
        "loss_type",
        f"is_text(loss_type) and lower(loss_type) not in {_LOSSES} and rl is None",
        "there is no such loss",
        "Set it to cross_entropy_loss",
        f"{_LAYERS}:207",
        late=True,
    ),
    *(
        Refusal(
            key,
            f"is_text({key}) and {key} not in {_TYPES}",
            "there are float32, float16 and bfloat16 (KeyError)",
            "Set it to bfloat16",
            "utils/utils.py:12",
            late=late,
        )
        for key, late in (
            ("model_weight_dtype", False),
            ("lora_weight_dtype", True),
            ("save_dtype", True),
            ("quantization.bnb.bnb_4bit_compute_dtype", False),
        )
    ),
)
TABLE = Table(
    "qlora-pipe",
    "90b8e7d of 2025-04-30",
    {"": _ROWS},
    {},
    (
        Undecided("data sets", "their files are on the machine", ("utils/dataset_utils.py", "utils/dataloader.py")),
        Undecided(
            "models and their parts",
            "the type of a model stands in its own config.json",
            ("models/", "utils/hqq_utils.py", f"{_TRAIN}:301"),
        ),
        Undecided(
            "GPUs, processes and checkpoints",
            "the launcher counts them",
            ("utils/engine.py", "utils/saver.py", "tools/"),
        ),
    ),
)
