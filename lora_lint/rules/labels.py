"""LL420, LL423 and LL424: which labels are left to learn from."""

from __future__ import annotations

from lora_lint.finding import Finding, Related
from lora_lint.knowledge.names import marks_no_answers
from lora_lint.knowledge.versions import named
from lora_lint.rules.words import happening, resting
from lora_lint.run.events import MaskLabels
from lora_lint.run.values import ABSENT, Known, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from lora_lint.run.run import Run
    from lora_lint.run.versions import Version

_MASKED_BY_PLACE: Version = (0, 16, 0)
"""TRL's own collator, which pads the labels and leaves the texts alone."""


_PATCHED = (1, 1, 0)
"""The first TRL that replaces the templates of common models by some with marks (chat_templates), and the first that
looks for the marks (trainer/sft_trainer.py)."""
_MARKS = (0, 19, 0)
_ANSWERS = "assistant_only_loss"


def all_labels_masked(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL420"""
    yield from _unmarked(run)
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
    masked = run.training.setup.masked_end
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


def _unmarked(run: Run) -> Iterator[Finding]:
    """Answers alone are trained, and the template of the model's own tokenizer does not mark them."""
    name, pin = known(run.dataset.template), run.before("trl", _PATCHED)
    asked = any(known(given.values.get(_ANSWERS, ABSENT)) is True for given in run.given if given.owner == "SFTConfig")
    if name is None or pin is None or run.before("trl", _MARKS) is not None or not asked or run.training.setup.replaced:
        return
    if marks_no_answers(name):
        message = (
            f"`{_ANSWERS}=True` trains what `{{% generation %}}` marks in the chat template, and that of {name} has no "
            f"such marks: TRL before {named(_PATCHED)} ({pin}) stops with a RuntimeError (no assistant tokens). "
            "Require a newer TRL, or give a template that has them as `chat_template_path`"
        )
        yield resting("LL420", message, run.dataset.template, otherwise=run.span, doubt="likely")


def padding_trained(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL424"""
    padded = run.training.setup.padded_labels
    if padded is None:
        return
    message = (
        "The padding is trained: these labels are the padded token ids, and no position is set to -100, so every "
        "padded position counts in the loss as if it were text. With short texts that is most of the loss: it looks "
        "low, and the steps go into predicting padding. Tokenize without `padding` and let "
        "`DataCollatorForSeq2Seq(tokenizer)` pad, which gives padded labels -100"
    )
    yield Finding("LL424", message, padded.span, "likely", None, (Related(padded.padding, "padded here"),))
