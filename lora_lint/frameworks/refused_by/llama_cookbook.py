"""llama-cookbook at 0e00335 (2025-10-27): what its training refuses of its options."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_MAIN, _UTILS, _TRAIN = "finetuning.py", "utils/config_utils.py", "utils/train_utils.py"
_STATES = ("StateDictType.SHARDED_STATE_DICT", "StateDictType.FULL_STATE_DICT")
_ROWS = (
    Refusal(
        "quantization",
        "enable_fsdp and (quantization == True or quantization == '8bit')",
        "weights of 8 bits are not sharded",
        "Set it to 4bit",
        f"{_MAIN}:130",
        ("enable_fsdp",),
        sets=(("quantization", "4bit"),),
    ),
    Refusal(
        "quantization",
        "is_text(quantization) and quantization not in ('4bit', '8bit')",
        "there are 4bit and 8bit",
        "Set it to 4bit",
        "configs/quantization.py:18",
        sets=(("quantization", "4bit"),),
    ),
    Refusal(
        "batching_strategy",
        "is_text(batching_strategy) and batching_strategy not in ('packing', 'padding')",
        "there are packing and padding",
        "Set it to packing",
        f"{_UTILS}:106",
        late=True,
        sets=(("batching_strategy", "packing"),),
    ),
    Refusal(
        "flop_counter",
        "use_profiler and flop_counter",
        "one of the two measures at a time",
        "Leave one of the two out",
        f"{_TRAIN}:36",
        ("use_profiler",),
        late=True,
    ),
    Refusal(
        "max_train_step",
        "use_profiler and max_train_step > 0 and max_train_step < 7",
        "the profiler needs 7 steps",
        "Raise it",
        f"{_TRAIN}:42",
        ("use_profiler",),
        late=True,
    ),
    Refusal(
        "max_train_step",
        "flop_counter and max_train_step > 0 and max_train_step <= flop_counter_start",
        "it counts after `flop_counter_start`",
        "Raise it",
        f"{_TRAIN}:61",
        ("flop_counter_start",),
        late=True,
    ),
    Refusal(
        "fsdp_config.checkpoint_type",
        f"is_text(fsdp_config.checkpoint_type) and fsdp_config.checkpoint_type not in {_STATES!r} and enable_fsdp",
        "it is a StateDictType, sharded or full",
        "Set it to StateDictType.FULL_STATE_DICT",
        f"{_UTILS}:121",
    ),
)
TABLE = Table(
    "llama-cookbook",
    "0e00335 of 2025-10-27",
    {"": _ROWS},
    {"flop_counter_start": 3},
    (
        Undecided(
            "methods that are no LoRA", "their runs have no adapter of LoRA", ("utils/config_utils.py:generate_peft_*",)
        ),
        Undecided("devices and packages", "they depend on the machine", ("utils/fsdp_utils.py", "policies/")),
        Undecided(
            "data and models", "they decide when they are read", ("datasets/", "data/", "utils/", "finetuning.py")
        ),
        Undecided("inference and tools", "they train nothing", ("inference/", "tools/")),
    ),
)
