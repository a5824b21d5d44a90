"""LL420: whether a label is left to learn from."""

from __future__ import annotations

from lora_lint.rules.words import happening, resting
from lora_lint.run.events import MaskLabels
from lora_lint.run.values import Known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from lora_lint.finding import Finding
    from lora_lint.run.run import Run


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
