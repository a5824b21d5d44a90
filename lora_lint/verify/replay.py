"""What a run does to its model, done again on a skeleton or a small model: wrap, prepare, freeze, unfreeze.

The events are those that the linter has read; nothing of the user's is run.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lora_lint.run import alternatives, always
from lora_lint.verify.skeleton import peft_config, wrap
from lora_lint.verify.weights import quiet

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lora_lint.run import Event, Run


def replay(model: Any, run: Run) -> Any:
    """The model as it is when the training starts. Raises what PEFT raises.

    Happenings under a flag happen. An adapter that is loaded from disk is a fresh one with the run's settings: what is
    trainable does not depend on its numbers.
    """
    wrapped = False
    for event in _until_training(run):
        if event.kind in ("wrap", "load-adapter"):
            frozen = event.kind == "load-adapter" and always(event.trainable, False)
            model = _put(model, run, frozen)
            wrapped = True
        elif event.kind == "unwrap" and wrapped:
            model, wrapped = model.unload(), False
        elif event.kind == "prepare-kbit":
            prepare(model)
        elif event.kind in ("freeze", "unfreeze"):
            _set(model, event.names, event.kind == "unfreeze")
    if not wrapped:
        model = _put(model, run, False)
    for patterns in alternatives(run.unfrozen_patterns)[:1]:
        freeze_all_but(model, patterns.value)
    return model


def _until_training(run: Run) -> Iterable[Event]:
    """What happens between the last load of the model and the last training."""
    events = list(run.events)
    trainings = [place for place, event in enumerate(events) if event.kind == "train"]
    if trainings:
        events = events[: trainings[-1]]
    loads = [place for place, event in enumerate(events) if event.kind == "load"]
    return events[loads[-1] :] if loads else events


def _put(model: Any, run: Run, frozen: bool) -> Any:
    config = peft_config(run.adapter, **({"inference_mode": True} if frozen else {}))
    if hasattr(model, "peft_config"):
        # A second adapter on the same model: PEFT adds to the one that is there.
        model = model.get_base_model() if hasattr(model, "get_base_model") else model
    return wrap(model, config)


def prepare(model: Any) -> None:
    """`prepare_model_for_kbit_training` (PEFT 0.21.2, peft/utils/other.py), without the casts, which need numbers."""
    from peft import prepare_model_for_kbit_training

    with quiet():
        try:
            prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
        except (NotImplementedError, RuntimeError):  # an operation that the meta device lacks
            for parameter in model.parameters():
                parameter.requires_grad = False


def _set(model: Any, fragments: tuple[str, ...] | None, trainable: bool) -> None:
    """`requires_grad` of the parameters whose names hold one of the fragments, or of all."""
    for name, parameter in model.named_parameters():
        if fragments is None or any(fragment in name for fragment in fragments):
            parameter.requires_grad = trainable


def freeze_all_but(model: Any, patterns: Iterable[str]) -> None:
    """What axolotl does with `unfrozen_parameters` (0.19.0, utils/freeze.py): dots stand for themselves unless a `+`
    follows, a range at the end selects rows, and a pattern matches from the start of a name."""
    compiled = [re.compile(re.sub(r"\.(?!\+)", r"\.", re.sub(r"\[\d*:\d*\]$", "", pattern))) for pattern in patterns]
    for name, parameter in model.named_parameters():
        parameter.requires_grad = any(pattern.match(name) for pattern in compiled)
