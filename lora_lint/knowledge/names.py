"""Names of base models that mean the same one."""

from __future__ import annotations

import re

_PACKED = (
    r"(?i)(?:[-_](?:unsloth|bnb|gguf|awq|gptq|hqq|eetq|fp8|bf16|fp16|dynamic|marlin|mlx|hf|w\d+a\d+|int[48]|"
    r"(?:int)?[348][-_]?bits?))+$"
)
"""What the name of a model has at its end if its weights are stored in another form; compiled for the few runs that
compare two names, not for every lint."""


_QUANTIZED = r"(?i)[-_](?:(?:int)?[2-8][-_]?bits?|(?:mx|nv)fp4)(?![a-z0-9])"


def is_packed(name: str) -> bool:
    """Whether a model's name says that its weights are quantized: `Mistral-7B-Instruct-v0.3-4bit`,
    `gpt-oss-20b-MXFP4-Q8`."""
    return re.search(_QUANTIZED, name) is not None


def same_model(name: str, own: str) -> bool:
    """Whether two names are those of one model, by the part that survives downloading, moving, mirroring and
    quantizing."""
    return _plain_name(name) == _plain_name(own)


def same_but_for_tuning(name: str, own: str) -> bool:
    """Whether two names are those of one model or of variants of it, such as its base and what follows
    instructions."""
    return re.sub(_TUNED, "", _plain_name(name)) == re.sub(_TUNED, "", _plain_name(own))


_TUNED = r"[-_.](?:base|chat|hf|instruct|it)(?=[-_.]|$)"


def _plain_name(name: str) -> str:
    return re.sub(_PACKED, "", name.replace("\\", "/").rstrip("/").rpartition("/")[2]).lower()
