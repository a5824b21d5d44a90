"""The errors of readers."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.source import Span
    from lora_lint.unread import Limit


class Unreadable(Exception):
    """A file that cannot be read as what it claims to be. `message` is a sentence without its full stop; `span` is the
    place of the error, in the text with undecodable bytes replaced; None for the file as a whole. `limit`: the limit
    that the file exceeds, although it may be valid."""

    def __init__(self, message: str, span: Span | None = None, limit: Limit | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.span = span
        self.limit = limit
