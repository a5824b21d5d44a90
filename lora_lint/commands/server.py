"""`lora-lint server`: the language server."""

from __future__ import annotations

import sys

from lora_lint.commands.requests import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def server() -> NoReturn:
    """Runs the language server on the standard streams, and ends the process. Raises UsageError where its packages are
    missing."""
    from lora_lint.system.modules import not_installed

    absent = not_installed(("pygls", "lsprotocol"))
    if absent:
        raise UsageError(f'the server needs {" and ".join(absent)}: pip install "lora-lint[lsp]"')
    from lora_lint.server.requests import serve

    serve()
    sys.exit()  # unlike other commands, it has processes and locks that an ordinary exit releases
