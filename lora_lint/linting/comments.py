"""A quick test whether the comments of a file address the linter at all, which most do not, without parsing any."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.linting.suppression import Comments
    from lora_lint.source import SourceFile

_OWN_NOQA = rb"noqa(?:(?!\s*:)|\s*:[^\r\n]*\bll\d)"


def comments_of(source: SourceFile) -> Comments | None:
    """The comments of a file that address the linter; None for most files, after two searches."""
    low = source.utf8.lower()
    if b"lora-lint" not in low and not _has_noqa(low):
        return None
    from lora_lint.linting import suppression

    comments = suppression.comments(source)
    return None if comments is suppression.NONE else comments


def _has_noqa(low: bytes) -> bool:
    """Whether a `noqa` for all rules or for one of ours could be in a text in lower case."""
    at = low.find(b"noqa")
    end = comment = -1
    while at >= 0:
        if at > end:  # on another line
            end = low.find(b"\n", at)
            end = len(low) if end < 0 else end
            comment = low.find(b"#", low.rfind(b"\n", 0, at) + 1, end)
        if 0 <= comment < at and re.match(_OWN_NOQA, low[at : at + 500]):
            return True
        at = low.find(b"noqa", at + 4)
    return False
