"""SGLang 0.5.23: what its server refuses of the options for adapters. What it refuses of an adapter is in
`knowledge.servers`."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_HOOK = "srt/arg_groups/lora_hook.py"
_ROWS = (
    Refusal(
        "enable_lora",
        "enable_lora == True and not lora_paths and (max_lora_rank is None or lora_target_modules is None)",
        "without an adapter to start with, it needs both `max_lora_rank` and `lora_target_modules`",
        "Give both, or an adapter in `lora_paths`",
        f"{_HOOK}:152",
        ("max_lora_rank", "lora_target_modules"),
        likely=True,
    ),
    Refusal(
        "max_loaded_loras",
        "is_whole(max_loaded_loras) and is_whole(max_loras_per_batch) and max_loaded_loras < max_loras_per_batch",
        "as many adapters as a batch may have are kept loaded at least: `max_loras_per_batch`, whose default is 8",
        "Raise it, or lower `max_loras_per_batch`",
        f"{_HOOK}:158",
        ("max_loras_per_batch",),
    ),
    Refusal(
        "max_lora_chunk_size",
        "is_whole(max_lora_chunk_size) and max_lora_chunk_size not in (16, 32, 64, 128)",
        "it has to be a power of 2 from 16 to 128",
        "Set it to 16, 32, 64 or 128",
        f"{_HOOK}:168",
    ),
)
TABLE = Table(
    "SGLang",
    "0.5.23",
    {"": _ROWS},
    {"max_loras_per_batch": 8},
    (
        Undecided(
            "adapters, and the models that they are for",
            "they are files: LL602 goes by `knowledge.servers`",
            ("srt/lora/", "srt/models/"),
        ),
        Undecided(
            "devices, kernels, speculative decoding and what has no adapters",
            "they depend on the machine, or have no adapters",
            ("",),
        ),
    ),
)
