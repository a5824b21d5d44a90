"""What was left unread because of a limit. A report of something that was not read is never a clean one.

It is recorded where runs, adapters, files or statements are passed over, so that a finding in them is lost. It is not
where one setting of a run that was read becomes unknown (a long text, the rows of a large data set, a version in a
large lock file): the rules then say nothing that rests on it, as for each value that is only known in the run.
"""

from __future__ import annotations

from typing import Literal

from lora_lint.records import dataclass

Limit = Literal[
    "time",  # CPU seconds for one file
    "finding",  # LL900 is switched off, so that nothing else says that the file cannot be read
    "size",  # bytes of a program, a notebook or a script
    "steps",  # statements and expressions that are followed in a program, commands in a script
    "depth",  # expressions, statements and values within others, configs within configs of Hydra
    "calls",  # calls within calls
    "turns",  # turns of one loop
    "runs",  # adapters of one file
    "variants",  # combinations of searched values
    "imports",  # files of the project that a program imports
    "launches",  # commands that a program starts, programs that a script starts
    "scripts",  # shell scripts that are searched for the calls of a program
    "weights",  # the safetensors file beside an adapter's config
]


def clause(message: str) -> str:
    """A sentence without its full stop, such as an exception or a finding has, as a `detail` goes on with it."""
    return message[:1].lower() + message[1:]


@dataclass(frozen=True)
class Unread:
    """One thing that was left unread: the file, the limit that it met, and what was lost, as a clause for people."""

    path: str
    limit: Limit
    detail: str

    def as_json(self) -> dict[str, str]:
        return {"path": self.path, "limit": self.limit, "detail": self.detail}

    def line(self) -> str:
        """The line for people."""
        return f"{self.path}: not read in full: {self.detail}"
