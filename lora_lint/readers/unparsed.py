"""What the text of a program reveals about its use of settings, without being parsed."""

from __future__ import annotations

import re

_TIED = re.compile(rb"alpha[\w\"'\])]*\s*\*|\*\s*[\w.\[\"'(]*alpha|rslora")


def may_tie_alpha(program: bytes) -> bool:
    """Whether alpha is multiplied by something, such as the rank, or rsLoRA is used."""
    return _TIED.search(program) is not None
