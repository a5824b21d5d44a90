"""The measurement tier: which experiment settles which rule, by the rule's code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lora_lint.verify import capacity, scaling

if TYPE_CHECKING:
    from lora_lint.verify.experiment import Experiment

EXPERIMENTS: dict[str, Experiment] = {
    "LL101": scaling.sweep,
    "LL102": scaling.rslora_off,
    "LL103": scaling.rslora_jump,
    "LL104": scaling.scale_range,
    "LL107": scaling.sweep,
    "LL301": capacity.rank_against_data,
}
