"""What was left unread because of a limit.

A report never passes off as clean what was not read. A limit is recorded where runs, adapters, files or statements are
passed over, so that findings in them are lost. It is not recorded where one setting of a run becomes unknown (a long
text, the rows of a large data set, a version in a large lock file): rules that depend on that setting then stay silent,
as for any value that is known only at run time.
"""

from __future__ import annotations

from lora_lint.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Limit = Literal[
        "time",  # CPU seconds for one file
        "finding",  # LL900 is off, so nothing else reports that the file cannot be read
        "size",  # bytes of a program, a notebook or a script
        "steps",  # statements and expressions followed in a program, commands in a script
        "depth",  # nesting of expressions, statements and values, and of Hydra configs
        "calls",  # nesting of calls
        "turns",  # iterations of one loop
        "runs",  # adapters in one file
        "variants",  # combinations of searched values
        "imports",  # files of the project that a program imports
        "launches",  # commands that a program starts, programs that a script starts
        "scripts",  # shell scripts searched for calls of a program
        "weights",  # the safetensors file beside an adapter's config
    ]


def clause(message: str) -> str:
    """A sentence, such as an exception's or a finding's, without its full stop, for a `detail` that continues."""
    return message[:1].lower() + message[1:]


@dataclass(frozen=True)
class Unread:
    """Something left unread: the file, the limit that it met, and what was lost, as a clause for the user."""

    path: str
    limit: Limit
    detail: str

    def as_json(self) -> dict[str, str]:
        return {"path": self.path, "limit": self.limit, "detail": self.detail}

    def line(self) -> str:
        """The line for the user."""
        return f"{self.path}: not read in full: {self.detail}"
