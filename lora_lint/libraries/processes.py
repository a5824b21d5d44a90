"""subprocess, os and shlex: programs that a program starts."""

from __future__ import annotations

from lora_lint.interpreter.values import Arguments, Object, Opaque, Val
from lora_lint.libraries.effects import StartedProgram

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span

MAX_LAUNCHES = 64
"""The most programs that one program starts. The maximum in 38 repositories is 12."""


def launch(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`subprocess.run(…)` and its relatives, `os.system(…)`: remembers the command."""
    command = arguments.get("args", 0) or arguments.get("command", 0) or arguments.get("cmd", 0)
    if command is not None and len(context.records.launches) < MAX_LAUNCHES:
        context.records.add_launch(StartedProgram(command, span, tuple(context.machine.trail)))
    elif command is not None:
        detail = f"it starts more than {MAX_LAUNCHES} programs, and the others are not followed"
        context.records.leave_unread("launches", detail)
    return Object(name, arguments, span)


def split(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`shlex.split(text)`: remains the text, which is split where it is read."""
    return arguments.get("s", 0) or Opaque("it is not known which text is split", span)


SUBPROCESS: dict[str, Handler] = dict.fromkeys(
    ("run", "call", "check_call", "check_output", "Popen", "getoutput", "getstatusoutput"), launch
)
SHLEX: dict[str, Handler] = {"split": split}
