"""What unsloth makes of target modules before PEFT sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lora_lint.knowledge.modules import Parameter

_PARTS = {
    "gate_proj": ("gate_up_proj", "gate_proj"),
    "up_proj": ("gate_up_proj", "up_proj"),
    "gate_up_proj": ("gate_up_proj",),
    "down_proj": ("down_proj",),
}
"""Target names -> the expert parameters that they reach, the first that exists."""


def expert_parameters(entries: Sequence[str], parameters: Sequence[Parameter]) -> Mapping[str, str]:
    """The entries that reach the fused experts, each with the `target_parameters` name that unsloth makes of it.

    Source: unsloth 2026.10.9, models/_utils.py, `get_moe_target_parameters`.
    """
    experts = {
        f"{'mlp.' if record.owner.endswith('mlp.experts') else ''}experts.{record.name}"
        for record in parameters
        if record.owner.rpartition(".")[2] == "experts"
    }
    found: dict[str, str] = {}
    for entry in entries:
        names = [f"{owner}.{name}" for name in _PARTS.get(entry, ()) for owner in ("mlp.experts", "experts")]
        reached = next((name for name in names if name in experts), None)
        if reached is not None:
            found[entry] = reached
    return found
