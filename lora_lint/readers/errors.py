"""The errors of readers."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.source import Span
    from lora_lint.unread import Limit


_FILLED_IN = (b"{{", b"{%", b"<%", b"${")
"""How what a template engine fills in begins."""


class Unreadable(Exception):
    """A file that cannot be read as what it claims to be. `message` is a sentence without its full stop; `span` is the
    place of the error, in the text with undecodable bytes replaced; None for the file as a whole. `limit`: the limit
    that the file exceeds, although it may be valid."""

    def __init__(self, message: str, span: Span | None = None, limit: Limit | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.span = span
        self.limit = limit

    def in_template(self, utf8: bytes) -> bool:
        """Whether the text is only a template of such a file: what is wrong is what an engine fills in."""
        at = self.span.start if self.span is not None else -1
        return at >= 0 and any(utf8[start : start + 2] in _FILLED_IN for start in (max(at - 1, 0), at))
