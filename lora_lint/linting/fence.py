"""The fence around the work on one file: whatever the file contains, the work ends in time and with a result."""

from __future__ import annotations

import os

from lora_lint.records import dataclass
from lora_lint.system import deadline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal, TypeAlias, TypeVar

    from lora_lint.source import Span
    from lora_lint.unread import Limit

    Result = TypeVar("Result")
    Cause: TypeAlias = Literal[
        "time",  # PATIENCE is used up
        "syntax",  # the content does not match the file's kind
        "depth",  # it is nested too deeply for Python's stack
        "memory",
        "bug",  # a bug in lora-lint
    ]

PATIENCE = 8.0
"""CPU seconds for one file, after which the work on it is stopped; the command as a whole must take at most ten. Of
7,400 files in 38 repositories 1% take more than 0.3, and the slowest 1.1."""


@dataclass(frozen=True)
class Failure:
    """Why the work on a file ended early. `message` is a sentence for the user; `span` and `limit` as in
    readers.errors.Unreadable."""

    cause: Cause
    message: str
    span: Span | None = None
    limit: Limit | None = None


def attempt(work: Callable[[], Result]) -> Result | Failure:
    """The result of the work on one file, or why there is none. Never raises, whatever the file contains. Interrupts
    pass through and, with LORA_LINT_DEBUG set, so do unexpected exceptions."""
    from lora_lint.readers.errors import Unreadable

    limit = deadline.Limit(PATIENCE)
    try:
        with limit:
            return work()
    except deadline.Exceeded as error:
        if error.limit is not limit:
            raise
        return Failure("time", f"takes more than {PATIENCE:.0f} s of CPU time")
    except Unreadable as error:
        return Failure("syntax", error.message, error.span, error.limit)
    except RecursionError:
        return Failure("depth", "This file is nested too deeply to be checked")
    except MemoryError:
        return Failure("memory", "This file needs more memory than is available")
    except Exception as error:
        return Failure("bug", own_fault(error))


def own_fault(error: Exception, where: str = "on this file") -> str:
    """The message about an unexpected exception. With LORA_LINT_DEBUG set it passes through."""
    if os.environ.get("LORA_LINT_DEBUG"):
        raise error
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"lora-lint failed {where} ({what[:200]}): this is a bug in lora-lint, please report it"
