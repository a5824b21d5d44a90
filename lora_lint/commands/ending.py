"""How a command ends: with an exit status, and never with a traceback."""

from __future__ import annotations

import sys
from contextlib import suppress

from lora_lint.commands.requests import UsageError
from lora_lint.terminal import OutputError, complain, flush

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def guarded(command: Callable[[], int]) -> int:
    """Runs `command` and gives the exit status: 2 for usage errors and for output that cannot be written, 130 for
    Ctrl-C and 143 for SIGTERM, never with a traceback."""
    from lora_lint.catalogue import CatalogueError
    from lora_lint.settings import SettingsError
    from lora_lint.system import interrupts

    for stream in (sys.stdout, sys.stderr):
        # File names may hold bytes that are not text, and not every terminal can show every character.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        with interrupts.terminable():
            status = command()
            flush()
    except (SettingsError, UsageError, CatalogueError) as error:
        complain(f"error: {error}")
        return 2
    except OutputError as error:
        if str(error):
            complain(f"error: {error}")
        return 2
    except OSError as error:  # of the text that click writes itself
        if not isinstance(error, BrokenPipeError):
            complain(f"error: {error}")
        with suppress(OutputError):
            flush()
        return 2
    except KeyboardInterrupt as interrupt:
        complain("interrupted")
        return interrupts.status_of(interrupt)
    return status
