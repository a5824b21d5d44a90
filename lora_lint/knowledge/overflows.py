"""Models whose values leave the range of float16, which ends at 65,504, while they train."""

from __future__ import annotations

import re

_IN_AUTOCAST = frozenset({"mt5", "t5", "umt5"})
"""Types whose feed-forward layers overflow. Where the whole model is float16, transformers keeps `wo` in float32 and
clamps the rest (5.23.0, models/t5/modeling_t5.py); autocast computes `wo` in float16 too (transformers#4586, #23918;
artidoro/qlora#135)."""
_TAME = ("small", "code")
"""In the names of weights of these types that people train in float16: the small ones, and Salesforce's for code."""
_ALWAYS = frozenset(
    {"gemma3", "gemma3_text", "gemma3n", "gemma3n_text", "gpt_oss", "qwen3_5", "qwen3_5_text", "qwen3_5_moe"}
)
"""Types whose activations overflow wherever the model computes in float16 (`FORCE_FLOAT32` in unsloth_zoo at ce232d6,
model_lists.py; unsloth#2044). Types in that list whose gradients alone overflow are left out: a loss scale helps."""
_FLUX = r"(?i)(?:^|[/\\])flux[\w.-]*$"
"""Files with the weights of FLUX, for which sd-scripts has a model of its own. Unlike diffusers' it clips nothing
(sd-scripts at 48d368f, library/flux_models.py; sd-scripts#1571, #1707)."""


def overflows_in_autocast(model_type: str | None, name: str) -> bool:
    """Whether a model, by its type in transformers or else by its file's name, overflows under float16 autocast."""
    if model_type is None:
        return re.search(_FLUX, name) is not None
    return model_type in _ALWAYS or (model_type in _IN_AUTOCAST and not any(word in name.lower() for word in _TAME))


def overflows_when_half(model_type: str | None) -> bool:
    """Whether a model overflows where its own weights are float16."""
    return model_type in _ALWAYS
