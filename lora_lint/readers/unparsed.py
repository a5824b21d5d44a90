"""What the text of a program shows of how it uses its settings, without being parsed."""

from __future__ import annotations

import re

_TIED = re.compile(rb"alpha[\w\"'\])]*\s*\*|\*\s*[\w.\[\"'(]*alpha|rslora")


def may_tie_alpha(program: bytes) -> bool:
    """Whether alpha is multiplied by something, as by the rank, or rsLoRA is used."""
    return _TIED.search(program) is not None
