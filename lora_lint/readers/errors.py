"""What a reader raises."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lora_lint.source import Span
    from lora_lint.unread import Limit


class Unreadable(Exception):
    """A file that cannot be read as what it claims to be. `message` is a sentence without its full stop; `span` is
    where the trouble is, in the text with undecodable bytes replaced; None for the file as a whole. `limit`: the one
    that a file is beyond, which may well be sound."""

    def __init__(self, message: str, span: Span | None = None, limit: Limit | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.span = span
        self.limit = limit
