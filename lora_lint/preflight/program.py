"""Runs the user's program under the hooks of a flight; started by the command, directly or by a launcher."""

from __future__ import annotations

import os
import runpy
import sys


def main() -> int:
    """Runs the program that the arguments name, with the rest of them, and gives its exit status."""
    from lora_lint.preflight.exchange import VARIABLE
    from lora_lint.preflight.flight import Flight

    flight = Flight(os.environ[VARIABLE])
    flight.prepare()
    program = sys.argv[1]
    sys.argv = sys.argv[1:]
    sys.path[0] = os.path.dirname(os.path.abspath(program))
    try:
        runpy.run_path(program, run_name="__main__")
    except SystemExit as ending:
        if ending.code not in (None, 0):
            flight.finish("raised", f"SystemExit: {ending.code}")
            return 1
    except Exception as error:
        import traceback

        traceback.print_exc()
        flight.finish("raised", f"{type(error).__name__}: {error}".splitlines()[0])
        return 1
    flight.finish("over")
    return 0


if __name__ == "__main__":
    sys.exit(main())
