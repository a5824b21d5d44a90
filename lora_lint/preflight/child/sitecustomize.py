"""Puts the hooks of a preflight into the Python processes that the user's program starts.

Its folder is in front on PYTHONPATH: `site` imports the first module of this name that it finds, at the start of each
interpreter.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec

_OWN = os.path.join("lora_lint", "preflight", "program.py")


def _watch() -> None:
    """Starts a flight, unless this process starts one itself, or launches those that do."""
    from lora_lint.preflight.exchange import VARIABLE

    folder = os.environ.get(VARIABLE)
    if folder is not None and not any(argument.endswith(_OWN) for argument in sys.orig_argv):
        from lora_lint.preflight.flight import Flight

        Flight(folder, is_child=True).prepare()


def _run_hidden() -> None:
    """Runs the module of the same name that this one hides."""
    here = os.path.dirname(os.path.abspath(__file__))
    spec = PathFinder.find_spec("sitecustomize", [path for path in sys.path if os.path.abspath(path) != here])
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(module_from_spec(spec))


_run_hidden()
_watch()
