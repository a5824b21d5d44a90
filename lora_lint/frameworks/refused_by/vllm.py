"""vLLM 0.33.0: what its engine refuses of the options for adapters, or leaves aside. What it refuses of an adapter is
in `knowledge.servers`.

Rows of "" are for the options of `vllm serve`, those of "LLM" for engines in programs."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_OPTIONS = "max_lora_rank max_loras max_cpu_loras lora_dtype lora_target_modules fully_sharded_loras".split()
_ROWS = (
    Refusal(
        "max_cpu_loras",
        "is_whole(max_cpu_loras) and is_whole(max_loras) and max_cpu_loras > 0 and max_cpu_loras < max_loras",
        "as many adapters as a batch may have are kept in memory at least",
        "Raise it to `max_loras`, or leave it out",
        "config/lora.py:124",
        ("max_loras",),
    ),
    *(
        Refusal(
            key,
            f"{key} is not None and not enable_lora and lora_modules is None",
            "the engine takes no adapters unless they are enabled",
            "Add `enable_lora`, or leave it out",
            "engine/arg_utils.py:2708",
            likely=True,
            ignored=True,
            cause="adapters are off",
        )
        for key in _OPTIONS
    ),
)
TABLE = Table(
    "vLLM",
    "0.33.0",
    {"": _ROWS, "LLM": _ROWS},
    {"max_loras": 1},
    (
        Undecided(
            "adapters, and the models that they are for",
            "they are files: LL602 goes by `knowledge.servers`",
            ("lora/", "model_executor/", "config/lora.py", "models/"),
        ),
        Undecided(
            "devices, kernels, other engines and what they quantize",
            "they depend on the machine, or have no adapters",
            ("",),
        ),
    ),
    history=True,
)
