"""LL420 and LL423: which labels are left to learn from."""

from __future__ import annotations

from lora_lint.finding import Finding, Related
from lora_lint.rules.words import happening, resting
from lora_lint.run.events import MaskLabels
from lora_lint.run.values import Known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from lora_lint.run.run import Run
    from lora_lint.run.versions import Version

_MASKED_BY_PLACE: Version = (0, 16, 0)
"""TRL's own collator, which pads the labels and leaves the texts alone."""


def all_labels_masked(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL420"""
    for event in run.events:
        if not isinstance(event, MaskLabels):
            continue
        marker, template = event.marker, event.template
        if not isinstance(marker, Known) or not isinstance(template, Known):
            continue
        from lora_lint.knowledge.chat_templates import before_answers

        written = before_answers(template.value)
        if not written or any(marker.value.strip() in text for text in written):
            continue
        message = (
            f"The chat template `{template.value}` never writes `response_part={marker.value!r}`, so every label is "
            "masked and nothing is trained: the trainer raises a ZeroDivisionError after a look at the data. Use what "
            f"the template writes before an answer: {written[0].strip()!r}"
        )
        yield resting("LL420", message, marker, template, otherwise=event.span, doubt=happening(event))


def end_token_masked(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL423"""
    masked = run.training.masked_end
    if masked is None or (masked.by_default and run.before("trl", _MASKED_BY_PLACE) is None):
        return
    collator = "SFTTrainer's collator (TRL before 0.16)" if masked.by_default else "this collator"
    message = (
        f"No text's end is trained: the end token is also the padding token, and {collator} masks every label that "
        "equals it, so the model does not learn to stop and answers run on to the length limit. Pad with a token that "
        "no text contains: `tokenizer.unk_token` where there is one, or a reserved token"
    )
    related = (Related(masked.written, "the end token is appended here"),)
    yield Finding("LL423", message, masked.span, "likely", None, related)
