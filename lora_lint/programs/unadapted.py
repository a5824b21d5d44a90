"""Quantized models that a program gives to a trainer without an adapter.

transformers 4.31.0 to 5.23.0: Trainer refuses them as it is made (trainer.py, later trainer_utils.py,
validate_quantization_for_training).
"""

from __future__ import annotations

import re

from lora_lint.interpreter.values import Const
from lora_lint.libraries import convert
from lora_lint.libraries.convert import text_of, to_value
from lora_lint.libraries.effects import Fact
from lora_lint.programs.serving import with_problem
from lora_lint.run.events import PutOn
from lora_lint.run.problems import Unadapted
from lora_lint.run.values import ABSENT, Known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lora_lint.libraries.effects import ModelRecord
    from lora_lint.run.run import Run

_OTHERWISE = ("PPO", "DDPO", "AlignProp", "TextEnvironment")
"""The beginnings of TRL's trainers that are none of transformers' own, in some releases."""
_ADAPTED = re.compile("(?i)lora|adapter|peft|checkpoint")


def unadapted(models: Iterable[ModelRecord], path: str) -> Iterator[Run]:
    """A run with that problem for each such trainer of the models in the file at `path`, none of which has a run of
    its own."""
    for model in models:
        bits = to_value(model.quantization, None, ABSENT, convert.is_optional_text)
        if not isinstance(bits, Known) or not bits.value or not _is_plain(model):
            continue
        for training in model.trainings:
            if training.bare and training.span.path == path and not training.trainer.startswith(_OTHERWISE):
                loaded = next((each.event.span for each in model.events), None)
                yield with_problem(Unadapted(training.trainer, bits.value, training.span, loaded))
                break


def _is_plain(model: ModelRecord) -> bool:
    """Whether a model is certainly a base model of transformers as it is loaded: nothing that is not followed gets it,
    and its name is that of a known model, not of a folder, where a loader may find an adapter."""
    from lora_lint.knowledge.models import identify_id

    name = text_of(model.name)
    if not isinstance(model.name, Const) or name is None or _ADAPTED.search(name) or identify_id(name) is None:
        return False
    if model.whole or model.own_class or not (model.loader_adapts or (model.loader or "").startswith("AutoModelFor")):
        return False
    put_on = any(isinstance(each.event, PutOn) for each in model.events)
    return not put_on and model.facts.isdisjoint({Fact.HANDED, Fact.EDITED, Fact.OTHER_METHODS})
