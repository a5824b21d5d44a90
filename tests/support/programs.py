"""Programs as tests write them, and what is found in them."""

from __future__ import annotations

from lora_lint.linting import engine
from lora_lint.settings import Settings


def found_in(program: str, path: str = "train.py") -> set[str]:
    """The codes of what lora-lint finds in a program."""
    return {finding.code for finding in engine.lint_text(program, path, Settings()).findings}
