"""The modules of a package."""

from __future__ import annotations

from pkgutil import iter_modules

from lora_lint import frameworks, rules
from lora_lint.system.modules import modules_in


def test_they_are_those_that_python_finds() -> None:
    for package in (frameworks, rules):
        found = [each.name for each in iter_modules(package.__path__) if not each.ispkg]
        assert modules_in(package.__path__) == sorted(found)
