"""What servers and converters of adapters take: read in their sources on 2026-11-29."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lora_lint.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Server:
    """A program that loads adapters. `ranks` is the highest rank that it can be told to take and `usual_rank` the one
    that it takes where it is told nothing, None where it takes any. `refuses` says what it lacks, by setting."""

    title: str
    refuses: Mapping[str, str]
    ranks: int | None = None
    usual_rank: int | None = None
    rank_option: str = ""


_WHOLE = "holds whole modules, which it does not load"

VLLM = Server(
    "vLLM",
    {
        "use_dora": "is on, which it does not have",
        "modules_to_save": _WHOLE,
        "bias": "brings biases, which it does not load",
        "target_parameters": "adapts parameters that are no modules, for which it has no adapter",
    },
    ranks=512,
    usual_rank=16,
    rank_option="--max-lora-rank",
)
"""vllm/lora/peft_helper.py (validate_legal, _validate_features) and vllm/config/lora.py."""

LLAMA_CPP = Server(
    "convert_lora_to_gguf.py",
    {
        "use_dora": "is on, whose magnitudes have no place in its format",
        "modules_to_save": "holds whole modules, and it exits at the first tensor that is no lora_A or lora_B",
    },
)
"""llama.cpp, convert_lora_to_gguf.py (get_tensors); its issue 11554."""
