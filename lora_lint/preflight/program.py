"""Runs the user's program under the hooks of a flight; started by the command, directly or by a launcher."""

from __future__ import annotations

import os
import runpy
import sys


def main() -> int:
    """Runs the program that the arguments name, with the rest of them, and gives its exit status."""
    from lora_lint.preflight.exchange import VARIABLE
    from lora_lint.preflight.flight import Flight, first_line_of
    from lora_lint.preflight.hub import missing_from_hub

    flight = Flight(os.environ[VARIABLE])
    flight.prepare()
    program = sys.argv[1]
    sys.argv = sys.argv[1:]
    sys.path[0] = os.path.dirname(os.path.abspath(program))
    try:
        if program.endswith(".ipynb"):
            _run_cells(program)
        else:
            runpy.run_path(program, run_name="__main__")
    except SystemExit as ending:
        if ending.code not in (None, 0):
            # argparse, Hydra and others print an error and exit with a number
            cause = ending.__context__ if isinstance(ending.code, int) else None
            flight.finish("raised", first_line_of(cause or ending), missing_from_hub(ending) or "")
            return 1
    except Exception as error:
        import traceback

        traceback.print_exc()
        flight.finish("raised", first_line_of(error), missing_from_hub(error) or "")
        return 1
    flight.finish("over")
    return 0


def _run_cells(notebook: str) -> None:
    """Runs the code cells of a notebook as one program, without magics and shell lines."""
    from types import ModuleType

    from lora_lint.readers.notebook import read_notebook

    with open(notebook, "rb") as file:
        source = read_notebook(notebook, file.read())
    module = sys.modules["__main__"] = ModuleType("__main__")
    vars(module).update(__file__=notebook, display=print)
    exec(compile(source.text, notebook, "exec"), vars(module))


if __name__ == "__main__":
    sys.exit(main())
