"""What servers and converters of adapters accept: read in their sources on 2026-11-29."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lora_lint.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Server:
    """A program that loads adapters. `ranks` is the highest rank that it can be configured for and `usual_rank` its
    default, None if it accepts any. `refuses` says what it lacks, by setting."""

    title: str
    refuses: Mapping[str, str]
    ranks: int | None = None
    usual_rank: int | None = None
    rank_option: str = ""


_WHOLE = "contains full modules, which it does not load"

VLLM = Server(
    "vLLM",
    {
        "use_dora": "is on, which it does not have",
        "modules_to_save": _WHOLE,
        "bias": "adds biases, which it does not load",
        "target_parameters": "adapts parameters that are not modules, which it does not support",
    },
    ranks=512,
    usual_rank=16,
    rank_option="--max-lora-rank",
)
"""vllm/lora/peft_helper.py (validate_legal, _validate_features) and vllm/config/lora.py."""

LLAMA_CPP = Server(
    "convert_lora_to_gguf.py",
    {
        "use_dora": "is on, whose magnitudes its format cannot hold",
        "modules_to_save": "contains full modules, and it exits at the first tensor that is not a lora_A or lora_B",
    },
)
"""llama.cpp, convert_lora_to_gguf.py (get_tensors); its issue 11554."""
