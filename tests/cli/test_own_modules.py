"""How the command's process finds the modules of the package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import lora_lint

_SHOW = """
import sys
if sys.argv[1] == "own":
    from lora_lint.__main__ import find_own_modules
    find_own_modules()
import lora_lint.rules.words as words, lora_lint.knowledge
assert ("OwnModules" in repr(sys.meta_path)) == (sys.argv[1] == "own")
spec = words.__spec__
print(words.__file__, words.__cached__, words.__package__, type(words.__loader__), spec.name, spec.origin, spec.has_location)
print(lora_lint.knowledge.__path__, lora_lint.knowledge.__file__)
try:
    import lora_lint.rules.nothing
except ModuleNotFoundError as error:
    print(error)
"""


def _shown(*arguments: str) -> str:
    root = str(Path(lora_lint.__file__).parent.parent)
    command = [sys.executable, "-c", _SHOW, *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout


@pytest.mark.process
def test_modules_are_as_the_standard_finders_find_them() -> None:
    assert _shown("own") == _shown("standard")
    assert "No module named 'lora_lint.rules.nothing'" in _shown("own")
