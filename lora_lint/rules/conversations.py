"""LL421 and LL425: what writes the conversations that a model is trained on, and what becomes of its text."""

from __future__ import annotations

from lora_lint.finding import Add, Finding, Fix, Related
from lora_lint.knowledge.names import lacks_template, starts_twice
from lora_lint.rules.words import resting
from lora_lint.run.values import known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from lora_lint.run.run import Run

_OWN_TEMPLATES = (4, 44, 0)
"""The first transformers in which the classes of tokenizers have no templates (tokenization_utils_base.py)."""


def no_chat_template(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL421"""
    template = run.dataset.template
    name = known(template)
    if name is None or not lacks_template(name) or run.before("transformers", _OWN_TEMPLATES) is not None:
        return
    message = (
        f"The tokenizer of {name}, a base model, has no chat template to write these conversations with: this raises a "
        "ValueError (chat_template is not set). Take the model that follows instructions, or give the tokenizer a "
        "template of your own"
    )
    yield resting("LL421", message, template, otherwise=run.span, doubt="likely")


def start_token_twice(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL425"""
    double, name = run.training.setup.double_start, known(run.model.name)
    if run.trained is False or double is None or name is None or not starts_twice(name):
        return
    remedy = (
        "Give the trainer the messages themselves, and it applies the template"
        if double.by_trainer
        else "Pass `add_special_tokens=False` to the tokenizer"
    )
    message = (
        f"Each text gets two start tokens: the chat template of {name} writes one, and the tokenizer adds another. The "
        f"model has never seen two, and a prompt that the template alone writes has one. {remedy}"
    )
    related = (Related(double.written, "the template writes the text here"),) if double.written != double.span else ()
    change = Add(double.span, "add_special_tokens", False)
    fix = None if double.by_trainer else Fix("unsafe", "Pass `add_special_tokens=False`", (change,))
    yield Finding("LL425", message, double.span, "likely", related=related, fix=fix)
