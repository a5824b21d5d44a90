"""What a framework's configuration has no setting for."""

from __future__ import annotations

_WITHOUT_RSLORA = "torchtune litgpt mlx_lm firefly open_instruct verl autotrain mistral_finetune shell"
_LACKS = {"use_rslora": frozenset(_WITHOUT_RSLORA.split())}
"""Setting -> dialects that cannot switch it (read in the frameworks' sources; versions in each dialect's module).
"shell" is for programs that are not followed."""


_EVERY_LAYER = {"llamafactory": "all", "h2o_llmstudio": "", "ludwig": None}
"""What targets are all linear layers where it is not PEFT's shorthand; None where there is nothing of the kind."""


_USUAL_SCALES = {"mlx_lm": 20.0, "mistral_finetune": 2.0}
"""What frameworks whose setting is the scale itself use by default."""


_ADAPTERS = {"mlx_lm": "mlx-lm", "torchtune": "torchtune", "mistral_finetune": "mistral-finetune", "litgpt": "LitGPT"}
"""Dialects of frameworks that have adapters of their own; all others have PEFT's."""


_WHOLE_ALPHA = frozenset({"axolotl", "autotrain", "litgpt", "ludwig", "unsloth_studio"})
"""Dialects whose alpha has to be a whole number, which their schemas say too."""


def takes_alpha(dialect: str, alpha: float) -> bool:
    """Whether a framework takes this number as alpha."""
    return float(alpha).is_integer() or dialect not in _WHOLE_ALPHA


def adapts(dialect: str) -> str:
    """The framework that puts the adapter of a dialect on the model."""
    return _ADAPTERS.get(dialect, "PEFT")


def usual_scale(dialect: str) -> float:
    """The default of a setting that is the scale itself; 1 where there is no such setting."""
    return _USUAL_SCALES.get(dialect, 1.0)


def can_set(dialect: str, setting: str) -> bool:
    """Whether a user of this dialect can give that setting at all."""
    return dialect not in _LACKS.get(setting, frozenset())


def every_layer(dialect: str) -> str | None:
    """What a user of this dialect gives as the targets to adapt all linear layers; None if each has to be named."""
    return _EVERY_LAYER.get(dialect, "all-linear")
