"""The measurement tier: which experiment settles which rule, by the rule's code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lora_lint.verify.measurement import capacity, memory, merging, rates, scaling, starts, timing

if TYPE_CHECKING:
    from lora_lint.verify.experiment import Experiment

TRAININGS: dict[str, Experiment] = {
    "LL213": capacity.attention_alone,
    "LL301": capacity.rank_against_data,
    "LL303": capacity.rank_against_task,
    "LL501": rates.rate_too_low,
    "LL502": rates.rate_too_high,
}
"""Experiments that train, and use all the time they are given."""


def cost(code: str) -> float:
    """The usual seconds of an experiment."""
    return 120.0 if code in TRAININGS else 12.0


EXPERIMENTS: dict[str, Experiment] = {
    "LL101": scaling.sweep,
    "LL102": scaling.rslora_off,
    "LL103": scaling.rslora_jump,
    "LL104": scaling.scale_range,
    "LL107": scaling.sweep,
    "LL304": memory.peak_of_a_step,
    "LL413": starts.identity_off,
    "LL504": timing.dora_cost,
    "LL601": merging.merge_into_quantized,
    "LL606": starts.changed_base,
    "LL608": starts.untrained,
    **TRAININGS,
}
