"""What is said of a run never names a setting that its framework does not have."""

from __future__ import annotations

import re
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lora_lint import catalogue
from lora_lint.frameworks import peft, registry
from lora_lint.linting.reading import read
from lora_lint.project import Project
from lora_lint.records import replace
from lora_lint.rules import RUN_CHECKS
from lora_lint.run.run import Adapter
from lora_lint.source import SourceFile
from tests.support import pages

if TYPE_CHECKING:
    from lora_lint.run.framework import Framework
    from lora_lint.run.run import Run

RECORDS = [record for record in registry.every() if not record.reader_unknown and not record.searches]
SETTINGS = {name: key for name, key in peft.KEYS.items() if len(key) > 4}
"""`r` and `bias` are words of a sentence too."""


@cache
def runs() -> tuple[Run, ...]:
    """The runs of all examples of the rules' pages that are programs, each as its program makes it."""
    found: list[Run] = []
    for example in pages.all_examples():
        if example.name.endswith(".py") and not example.beside and example.code != "LL900":
            with tempfile.TemporaryDirectory() as folder:
                path = f"{Path(folder).as_posix()}/{example.name}"
                found += read(SourceFile(path, "python", example.text.encode()), Project(folder)).runs
    return tuple(found)


def dressed(run: Run, framework: Framework) -> Run:
    """The run as if a framework had read it: what it has no key for is as it always is, and no problem of a program's
    own keywords is known."""
    usual = {name: getattr(Adapter, name) for name in peft.KEYS if not framework.can(name)}
    adapter = replace(run.adapter, keys=framework.keys, **usual)
    return replace(run, given=(), framework=framework, adapter=adapter, problems=())


def said(run: Run) -> list[str]:
    """All that the rules say of a run, with what their fixes do."""
    options = catalogue.rules()
    found = []
    for code, check in RUN_CHECKS.items():
        given = {name: schema["default"] for name, schema in options[code].options.items()}
        for finding in check(run.judged(), given):
            changes = finding.fix.changes if finding.fix is not None else ()
            found += [finding.message, *(str(getattr(change, "key", "")) for change in changes)]
            found += [finding.fix.message] if finding.fix is not None else []
    return found


def test_the_examples_are_read() -> None:
    assert len(runs()) > 150


@pytest.mark.slow
@pytest.mark.parametrize("framework", RECORDS, ids=lambda record: record.name)
def test_no_key_is_named_that_the_framework_lacks(framework: Framework) -> None:
    words = [key for name, key in SETTINGS.items() if key not in framework.keys.values()]
    lacking = re.compile(rf"(?<![\w.])(?:{'|'.join(map(re.escape, words))})(?!\w)") if words else None
    wrong = {text for run in runs() for text in said(dressed(run, framework)) if lacking and lacking.search(text)}
    assert wrong == set()
