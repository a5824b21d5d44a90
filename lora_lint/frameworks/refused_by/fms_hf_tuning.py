"""fms-hf-tuning at d3c30a0 (2026-03-30): what its trainer refuses of its options."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_TRAINER, _DATA = "sft_trainer.py", "data/setup_dataprocessor.py"
_ACCELERATED = "config/acceleration_configs"
_FRAMEWORK = f"{_ACCELERATED}/acceleration_framework_config.py"
_KERNELS = f"{_ACCELERATED}/fused_ops_and_kernels.py"
_BITS = f"{_ACCELERATED}/quantized_lora_config.py"
_PADDING = f"{_ACCELERATED}/attention_and_distributed_packing.py"
_PATHS = "(training_data_path is not None or validation_data_path is not None)"
_ROWS = (
    Refusal(
        "padding_free",
        "padding_free is not None and use_flash_attn == False",
        "samples without padding need flash attention",
        "Set `use_flash_attn` to true",
        f"{_TRAINER}:191",
        ("use_flash_attn",),
        sets=(("use_flash_attn", True),),
    ),
    Refusal(
        "padding_free",
        "padding_free is not None and packing",
        "samples are packed, or not padded",
        "Leave one of the two out",
        f"{_TRAINER}:199",
        ("packing",),
    ),
    Refusal(
        "padding_free",
        "is_list(padding_free) and len(padding_free) > 0 and first(padding_free) != 'huggingface'",
        "there is one way, huggingface",
        'Set it to ["huggingface"]',
        f"{_PADDING}:30",
    ),
    Refusal(
        "multipack",
        "multipack is not None and padding_free is None",
        "batches are balanced only without padding",
        'Set `padding_free` to ["huggingface"]',
        f"{_FRAMEWORK}:152",
        ("padding_free",),
        likely=True,
    ),
    Refusal(
        "fused_lora",
        "fused_lora is not None and auto_gptq is None and bitsandbytes is None",
        "its kernels are for quantized weights",
        "Set `auto_gptq` or `bitsandbytes`, or leave it out",
        f"{_FRAMEWORK}:159",
        ("auto_gptq", "bitsandbytes"),
        likely=True,
    ),
    Refusal(
        "fused_lora",
        "is_list(fused_lora) and len(fused_lora) > 0 and first(fused_lora) not in ('auto_gptq', 'bitsandbytes')",
        "it is for auto_gptq or bitsandbytes",
        "Name one of them first",
        f"{_KERNELS}:41",
    ),
    Refusal(
        "auto_gptq",
        "is_list(auto_gptq) and len(auto_gptq) > 0 and first(auto_gptq) != 'triton_v2'",
        "there is one kernel, triton_v2",
        'Set it to ["triton_v2"]',
        f"{_BITS}:38",
    ),
    Refusal(
        "bitsandbytes",
        "is_list(bitsandbytes) and len(bitsandbytes) > 0 and first(bitsandbytes) not in ('nf4', 'fp4')",
        "there are nf4 and fp4",
        'Set it to ["nf4"]',
        f"{_BITS}:58",
    ),
    Refusal(
        "data_config_path",
        f"data_config_path is not None and {_PATHS}",
        "the data config has the paths",
        "Leave one of the two out",
        f"{_DATA}:108",
        ("training_data_path", "validation_data_path"),
    ),
    Refusal(
        "data_formatter_template",
        "response_template and data_formatter_template and dataset_text_field"
        " and instruction_template is None and dataset_image_field is None and data_config_path is None",
        "a sample is made by a template, or is a field",
        "Leave one of the two out",
        f"{_DATA}:229",
        ("dataset_text_field",),
    ),
    Refusal(
        "eval_strategy",
        "is_text(eval_strategy) and eval_strategy != 'no'"
        " and validation_data_path is None and data_config_path is None",
        "there is no data to evaluate on",
        "Set `validation_data_path`, or leave it out",
        f"{_DATA}:674",
        ("validation_data_path",),
        likely=True,
    ),
    *(
        Refusal(
            key,
            f"{key} <= 0",
            "it is above 0",
            "Leave it out",
            f"{_TRAINER}:{line}",
            drop=True,
        )
        for key, line in (("num_train_epochs", 180), ("gradient_accumulation_steps", 184))
    ),
    Refusal(
        "trackers",
        "common(trackers, ('mlflow',)) and mlflow_tracking_uri is None",
        "MLflow needs an address",
        "Set `mlflow_tracking_uri`",
        "trackers/mlflow_tracker.py:141",
        likely=True,
    ),
)
TABLE = Table(
    "fms-hf-tuning",
    "d3c30a0 of 2026-03-30",
    {"": _ROWS},
    {"use_flash_attn": True},
    (
        Undecided("packages", "they depend on the machine", ("config/acceleration_configs/", "utils/", "trackers/")),
        Undecided(
            "data, templates and its own file",
            "they decide when they are read",
            ("data/", "config/configs.py"),
        ),
        Undecided("rules of a trainer's controller", "they are in a file of their own", ("trainercontroller/",)),
        Undecided(
            "activated LoRA", "its tokens come from the tokenizer", ("sft_trainer.py:train", "utils/config_utils.py")
        ),
    ),
    hands_on=(("transformers", "TrainingArguments"),),
)
