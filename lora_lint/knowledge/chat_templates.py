"""What the chat templates of unsloth write before an answer: data/chat_templates.json, written by
scripts/generate_chat_templates.py from unsloth 2026.10.9, chat_templates.py."""

from __future__ import annotations

import json
from functools import cache

from lora_lint.knowledge.edition import bundled


def before_answers(template: str) -> tuple[str, ...]:
    """What a template writes between a question and its answer, without and with a thought; nothing for a name that is
    not known."""
    return tuple(_table().get(template, ()))


@cache
def _table() -> dict[str, list[str]]:
    found: dict[str, list[str]] = json.loads(bundled("chat_templates.json"))
    return found
