"""qlora-pipe-lite at e8e5092 (2025-10-15): what train.py refuses of its config file."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_MODEL, _ENGINE, _DATA = "training/model_factory.py", "training/engine.py", "training/dataset_builder.py"
_REGULARIZER = "training/regularizer.py"
_LORA = "not full_fine_tune"
_ROWS = (
    *(
        Refusal(key, f"{key} is None", "it has no default (KeyError)", "Set it", source, absent=True)
        for key, source in (("output_dir", "train.py:42"), ("lr", f"{_ENGINE}:240"))
    ),
    Refusal(
        "lora_alpha",
        "lora_alpha is not None",
        "alpha is always the rank",
        "Leave it out, and set `lr` for a scale of 1",
        f"{_MODEL}:190",
        ignored=True,
        drop=True,
    ),
    Refusal(
        "target_modules",
        f"target_modules and use_control_adapters and {_LORA}",
        "Control Adapters don't use target_modules",
        "Leave it out",
        f"{_MODEL}:181",
        ("use_control_adapters",),
        late=True,
        drop=True,
    ),
    Refusal(
        "target_modules",
        f"is_list(target_modules) and len(target_modules) == 0 and not use_control_adapters and {_LORA}",
        "an adapter without targets trains nothing",
        "Leave it out for all linear layers",
        f"{_MODEL}:186",
        late=True,
    ),
    Refusal(
        "sequence_len",
        "sequence_len <= 0 or sequence_len % 64 != 0",
        "it is a multiple of 64",
        "Set it to 4096",
        f"{_DATA}:46",
    ),
    Refusal(
        "eval_fraction",
        "eval_fraction <= 0 or eval_fraction >= 1",
        "it is between 0 and 1",
        "Set it to 0.01",
        f"{_DATA}:52",
    ),
    Refusal(
        "partition_method",
        "is_text(partition_method) and partition_method not in ('uniform', 'parameters')"
        " and not starts(partition_method, 'type:')",
        "there are uniform, parameters and type:[regex]",
        "Set it to uniform",
        f"{_ENGINE}:210",
        late=True,
    ),
    Refusal(
        "lora_weight_decay",
        f"lora_weight_decay < 0 and {_LORA}",
        "it cannot be negative",
        "Set it to 0",
        f"{_REGULARIZER}:75",
        late=True,
    ),
    Refusal(
        "lora_weight_decay",
        f"lora_weight_decay > 0 and lora_weight_dtype is not None and lora_weight_dtype != 'float32' and {_LORA}",
        "it needs an adapter in float32",
        "Set `lora_weight_dtype` to float32, or leave it out",
        f"{_REGULARIZER}:94",
        ("lora_weight_dtype",),
        late=True,
    ),
    Refusal(
        "control_adapter_gamma",
        f"use_control_adapters and (control_adapter_gamma <= 0 or control_adapter_gamma > 0.5) and {_LORA}",
        "it is above 0 and at most 0.5",
        "Set it to 0.5",
        f"{_REGULARIZER}:179",
        late=True,
    ),
    Refusal(
        "lora_weight_dtype",
        f"is_text(lora_weight_dtype) and lora_weight_dtype not in ('float32', 'float16', 'bfloat16') and {_LORA}",
        "there are float32, float16 and bfloat16 (KeyError)",
        "Set it to float32",
        f"{_MODEL}:264",
        late=True,
    ),
    Refusal(
        "load_in_4bit",
        "load_in_4bit and full_fine_tune",
        "a model that trains in full is not quantized",
        "Leave it out",
        f"{_MODEL}:49",
        ("full_fine_tune",),
        ignored=True,
    ),
)
TABLE = Table(
    "qlora-pipe-lite",
    "e8e5092 of 2025-10-15",
    {"": _ROWS},
    {},
    (
        Undecided(
            "data sets", "their files are on the machine", (_DATA, "training/dataloader.py", "training/trainer.py")
        ),
        Undecided("models and their parts", "the type of a model stands in its own config.json", ("models/", _MODEL)),
        Undecided(
            "merging and converting adapters",
            "other programs do that, with files on the machine",
            ("training/control_adapters.py", "convert_ds_checkpoint.py", "merge_lora.py", "lora_to_gguf.py"),
        ),
    ),
)
