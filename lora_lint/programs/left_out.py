"""Adapters that a program describes and forgets: a trainer gets the model as it was loaded."""

from __future__ import annotations

import re

from lora_lint.interpreter.values import Const
from lora_lint.knowledge.models import Clue, identify
from lora_lint.libraries.trainers import METHODS
from lora_lint.run.events import Answer, EnableCheckpointing, Load, PrepareKbit, Save, Train
from lora_lint.run.run import LeftOut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.interpreter.values import Object
    from lora_lint.libraries.effects import ModelRecord, Records

_ASSIGNED = rb"[ \t]*(\w+)(?:[ \t]*:[^=\n]+)?[ \t]*=[ \t]*\Z"
_OWN_TRAINER = rb"(?m)^[ \t]*class[ \t]+\w+[ \t]*\([^)]*Trainer\b"
_HARMLESS = (Load, PrepareKbit, EnableCheckpointing, Train, Answer, Save)
"""Events of a model that has no adapter."""
_QUANTIZED = r"(?i)bnb|[48]-?bit|int[48]|gptq|awq|fp8|gguf"
"""In the names of models that are quantized before they are loaded."""


def left_out_of(config: Object, records: Records, path: str) -> LeftOut | None:
    """How the only trainer of a program trains a model without the adapter of the only config, which is in a variable
    that nothing reads."""
    trained = {id(training): (model, training) for model in records.models for training in model.trainings}
    if len(trained) != 1 or config.data.conditions or not _is_never_read(config, records.text, path):
        return None
    [(model, training)] = trained.values()
    if re.search(_OWN_TRAINER, records.text):
        return None  # it may put the adapter on itself
    if training.trainer not in METHODS or training.span.path != path or training.conditions or not _is_plain(model):
        return None
    return LeftOut(training.trainer, training.span)


def _is_never_read(config: Object, text: bytes, path: str) -> bool:
    """Whether the name that an assignment gives to a config occurs nowhere else in the program."""
    span = config.data.span
    assigned = re.search(_ASSIGNED, text[: span.start].rpartition(b"\n")[2]) if span.path == path else None
    return assigned is not None and len(re.findall(rb"\b%s\b" % assigned[1], text)) == 1


def _is_plain(model: ModelRecord) -> bool:
    """Whether a model is a published one as transformers loads it, all of whose weights train: transformers refuses to
    train one that is quantized (see `unadapted`)."""
    name, bits = (each.value if isinstance(each, Const) else "" for each in (model.name, model.quantization))
    if not model.by_type or not name or bits is not None or re.search(_QUANTIZED, name) or model.facts:
        return False
    known = identify(name)
    only_trained = all(isinstance(each.event, _HARMLESS) for each in model.events)
    return only_trained and known is not None and known.how is Clue.TABLE
