"""LL421: what writes the conversations that a model is trained on."""

from __future__ import annotations

from lora_lint.knowledge.names import lacks_template
from lora_lint.rules.words import resting
from lora_lint.run.values import known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from lora_lint.finding import Finding
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
