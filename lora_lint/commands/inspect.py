"""`lora-lint inspect`: what was read from the files."""

from __future__ import annotations

from lora_lint.commands.inputs import inspected, read, say_which_facts_are_left_out
from lora_lint.terminal import complain, wrapping, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.commands.requests import Input


def inspect(request: Input, output_format: str = "text") -> int:
    """Prints what was read from the files: each run with its model, modules, parameters, scale and data."""
    from lora_lint.report.inspect import as_json, as_text

    say_which_facts_are_left_out()
    settings = request.settings()
    inspection = inspected(read(request, settings), settings)
    for note in inspection.notes:
        complain(note)
    if output_format == "json":
        write(as_json(inspection), machine=True)
    else:
        write(as_text(inspection, wrapping()))
    return 2 if inspection.failed else 0
