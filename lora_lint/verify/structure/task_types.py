"""LL418: what PEFT makes of a task type on the class of the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lora_lint.verify.experiment import Skip
from lora_lint.verify.structure.course import verdict
from lora_lint.verify.structure.skeleton import failure, peft_config, same_version, skeleton_of, wrap
from lora_lint.verify.weights import quiet

if TYPE_CHECKING:
    from lora_lint.finding import Verdict
    from lora_lint.run.run import Run
    from lora_lint.verify.structure.skeleton import Skeleton

_SOUND = "input_features"
_FRAMES, _LABELS = 64, 4


def wrong_task_type(run: Run, skeleton: Skeleton) -> Verdict:
    """LL418: whether PEFT wraps the model with the task type, and a model of sound then makes a step. What fails with
    the task type and succeeds without it is its fault."""
    same_version(run, "transformers")
    config = peft_config(run.adapter, inference_mode=False)
    name = type(skeleton.model).__name__
    failed = _failure(skeleton.model, config)
    if failed is None:
        return verdict(skeleton, False, f"PEFT wraps {name} as {config.task_type}, and nothing is raised")
    if config.task_type is None or _failure(skeleton_of(run).model, peft_config(run.adapter, task_type=None)):
        raise Skip(f"the model fails without a task type too: {failed}")
    reason = f"as {config.task_type}, {name} raises {failed}; without a task type nothing is raised"
    return verdict(skeleton, True, reason)


def _failure(model: Any, config: Any) -> str | None:
    """The AttributeError or TypeError of the wrap, or of the first step of a model of sound. Raises Skip for others."""

    def attempt() -> None:
        adapted = wrap(model, config)
        if getattr(model, "main_input_name", None) == _SOUND:
            with quiet():
                _hear(adapted, model.config)

    return failure(attempt, AttributeError, TypeError)


def _hear(adapted: Any, config: Any) -> None:
    """A forward pass over a moment of sound, as Whisper or Speech2Text takes it."""
    import torch

    if hasattr(config, "num_mel_bins"):
        shape = (1, config.num_mel_bins, 2 * config.max_source_positions)
    else:
        shape = (1, _FRAMES, config.input_feat_per_channel)
    sound = torch.zeros(shape, device="meta")
    adapted(input_features=sound, labels=torch.zeros((1, _LABELS), dtype=torch.long, device="meta"))
