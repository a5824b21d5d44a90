"""LL607: adapters that are loaded onto a different model from the one that they were trained on."""

from __future__ import annotations

import re

from lora_lint.finding import Finding, Related
from lora_lint.knowledge.names import lacks_padding
from lora_lint.records import replace
from lora_lint.rules.heads import FINE_TUNED, SAVED_BY_TASK
from lora_lint.rules.reached import cases_of, sureness
from lora_lint.rules.words import happening, least, plural
from lora_lint.run.events import LoadAdapter, PutOn, Resize
from lora_lint.run.values import Known, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from lora_lint.finding import Confidence
    from lora_lint.knowledge.resolve import Case
    from lora_lint.run.run import Run

_TRAINED = "the adapter is trained here"
_CLASSIFIERS = frozenset({"seq-cls", "token-cls"})
_USUAL = 2
"""The labels in the config of a checkpoint without a head (transformers 5.23.0, configuration_utils.py)."""


def load_shape_mismatch(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL607"""
    trained = run.trained_by
    load = next((event for event in run.events if isinstance(event, LoadAdapter)), None)
    if trained is None or load is None or trained.method != "LoraConfig" or not trained.framework.direct:
        return
    name = known(run.model.name)
    if name is None or name != known(trained.model.name) or run.model.edited or trained.model.edited:
        return
    found = _other_names(run, trained) or _fewer_rows(run, trained) or _other_labels(run, trained)
    if found is not None:
        message, doubt = found
        related = (Related(trained.span, _TRAINED),)
        yield Finding("LL607", message, load.span, least(doubt, happening(load)), None, related)


def _other_names(run: Run, trained: Run) -> tuple[str, Confidence] | None:
    """The message if the class that loads the model has none of the adapted modules at their paths."""
    before, after = trained.model.loader, run.model.loader
    if after is None or after == before:
        return None
    resolved, cases = cases_of(trained)
    _, others = cases_of(replace(trained, model=run.model))
    called = _apart(cases, others)
    if called is None and not (others and _text_alone(run, trained, others[0].model.model_type)):
        return None
    where = ("", "") if called is None else (f", whose modules are called `{called[0]}` …,", f", with `{called[1]}` …")
    message = (
        f"The adapter was trained on {before}{where[0]} and is loaded onto {after}{where[1]}: none of its tensors is "
        f"loaded, with a warning at most, so the outputs are the base model's. Load the base model with {before}"
    )
    return message, least("likely", sureness(trained, resolved))


def _text_alone(run: Run, trained: Run, model_type: str) -> bool:
    """Whether one class is a complete vision model, and the other its text model alone."""
    from lora_lint.knowledge.architectures import TEXT_ALONE, head_for

    heads = {head_for(trained.model.loader), head_for(run.model.loader)}
    return model_type in TEXT_ALONE and heads == {"causal-lm", "image-text-to-text"}


def _apart(before: Sequence[Case], after: Sequence[Case]) -> tuple[str, str] | None:
    """A module that is adapted by each of two classes, if they have none in common by its path."""
    if not all(case.sure_head and case.match.modules for case in (*before, *after)):
        return None
    pairs = [(_paths(one), _paths(other)) for one in before for other in after if one.version == other.version]
    if not pairs or not all(one.isdisjoint(other) for one, other in pairs):
        return None
    return min(pairs[0][0]), min(pairs[0][1])


def _paths(case: Case) -> set[str]:
    """The paths of the adapted modules."""
    return {record.path for record in case.match.modules}


def _fewer_rows(run: Run, trained: Run) -> tuple[str, Confidence] | None:
    """The message if the vocabulary grew for the training but not for loading."""
    grown = [event for event in trained.events if isinstance(event, Resize) and _grows(event, known(run.model.name))]
    again = any(isinstance(event, Resize) for event in run.events)
    if not grown or again or any(event.flag for event in grown):
        return None
    message = (
        "The adapter was trained on a vocabulary with added tokens, and PEFT has saved the larger embeddings with it: "
        "loading it onto the original ones raises a size mismatch. Call "
        "`model.resize_token_embeddings(len(tokenizer))` first, with the saved tokenizer"
    )
    return message, "likely"


def _grows(event: Resize, name: str | None) -> bool:
    """Whether a resize adds rows to a model; one for a padding token does if the vocabulary has none."""
    return bool(event.tokens) or event.unread or (bool(event.padding) and name is not None and lacks_padding(name))


def _other_labels(run: Run, trained: Run) -> tuple[str, Confidence] | None:
    """The message if a classifier is loaded with a head of another size than the one that the adapter has saved."""
    from lora_lint.knowledge.architectures import head_for

    task, before = known(trained.adapter.task_type), known(trained.model.labels)
    given = run.model.labels
    if task not in SAVED_BY_TASK or before is None or not isinstance(given, Known) or run.model.own_class is not None:
        return None
    if head_for(run.model.loader) != head_for(trained.model.loader) or head_for(run.model.loader) not in _CLASSIFIERS:
        return None
    after = _USUAL if given.value is None else given.value
    fine_tuned = given.value is None and re.search(FINE_TUNED, str(known(run.model.name)))
    if after == before or fine_tuned or any(isinstance(event, PutOn) and event.flag for event in run.events):
        return None
    how = "without `num_labels`, which makes 2" if given.value is None else f"with {plural(after, 'label')}"
    message = (
        f"The adapter has saved a head for {plural(before, 'label')}, and the model is loaded {how}: loading it "
        f"raises a size mismatch. Load the model with `num_labels={before}`"
    )
    return message, "likely"
