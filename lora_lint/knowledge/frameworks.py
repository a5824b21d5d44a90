"""What a framework's configuration has no setting for."""

from __future__ import annotations

_WITHOUT_RSLORA = "torchtune litgpt mlx_lm firefly open_instruct verl autotrain mistral_finetune"
_LACKS = {"use_rslora": frozenset(_WITHOUT_RSLORA.split())}
"""Setting -> dialects that cannot switch it (read in the frameworks' sources; versions in each dialect's module)."""


def can_set(dialect: str, setting: str) -> bool:
    """Whether a user of this dialect can give that setting at all."""
    return dialect not in _LACKS.get(setting, frozenset())
