"""`lora-lint preflight`: a program up to its first training step."""

from __future__ import annotations

import os

from lora_lint.commands.outputs import refuse_unwritable, report, status_of
from lora_lint.commands.requests import Check, UsageError
from lora_lint.records import replace
from lora_lint.terminal import complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def preflight(request: Check, program: str, arguments: Sequence[str], launch: str | None) -> int:
    """Runs a program up to its first training step, reports what its live objects show, and gives the exit status.
    Raises UsageError."""
    if not os.path.isfile(program):
        raise UsageError(f"{program}: no such file")
    settings = request.input.settings()
    refuse_unwritable(replace(request, input=replace(request.input, paths=(program,))), settings)
    from lora_lint.preflight.command import fly
    from lora_lint.report import FORMATS

    complain(f"preflight runs {program}, your own code, up to its first training step")
    given = {
        name: value for name, value in request.input.options.items() if value not in (None, ()) and name != "fail_on"
    }
    options = {**given, "config": request.input.config, "isolated": request.input.isolated}
    outcome = fly(program, arguments, launch, options, settings)
    for note in outcome.notes:
        complain(note)
    if outcome.failed and not outcome.findings and FORMATS[request.output.format].for_people:
        return 2  # the notes say why
    written = report(outcome, request.output, None)
    return status_of(outcome, settings) if written else 2
