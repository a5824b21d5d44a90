"""Whose file a config is: each realistic file is taken by its own dialect and by no other, and is not passed over."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from lora_lint import discovery
from lora_lint.dialects.configs import DIALECTS, _documents
from lora_lint.source import SourceFile
from tests import test_configs
from tests.reading import CONFIGS, config

NAMES = tuple(dict.fromkeys(name for name, _, _ in DIALECTS))
LAST_RESORT = "lora_block"
"""It reads what no other dialect has recognised, so it may recognise what others do."""
INLINE = {
    "axolotl": ("a.yaml", test_configs.AXOLOTL),
    "llamafactory": ("a.yaml", test_configs.FACTORY),
    "torchtune": ("a.yaml", test_configs.TUNE),
    "trl": ("a.yaml", test_configs.TRL),
    "peft_adapter": ("adapter_config.json", test_configs.ADAPTER),
    "wandb": ("a.yaml", test_configs.SWEEP),
}
FILES = [
    *((dialect, name, text) for dialect, (name, text) in INLINE.items()),
    *(
        (path.relative_to(CONFIGS).parts[0], path.relative_to(CONFIGS).as_posix(), path.read_text(encoding="utf-8"))
        for path in sorted(CONFIGS.rglob("*.*"))
    ),
]
IDS = [f"{dialect}-{Path(name).name}" for dialect, name, _ in FILES]


def test_every_dialect_has_a_realistic_file() -> None:
    assert {dialect for dialect, _, _ in FILES} == set(NAMES)


@pytest.mark.parametrize(("dialect", "name", "text"), FILES, ids=IDS)
def test_only_its_own_dialect_takes_a_file(dialect: str, name: str, text: str) -> None:
    kind: Any = "json" if name.endswith("json") else "yaml"
    documents = _documents(SourceFile(name, kind, text.encode()))
    takers = {
        other
        for other in NAMES
        for document in documents
        if import_module(f"lora_lint.dialects.{other}").recognises(document)
    }
    assert takers - {LAST_RESORT} == {dialect} - {LAST_RESORT}
    assert dialect in takers


@pytest.mark.parametrize(("dialect", "name", "text"), FILES, ids=IDS)
def test_a_file_is_read_and_not_passed_over(dialect: str, name: str, text: str) -> None:
    assert discovery.relevant(text.encode())
    assert {run.dialect for run in config(text, name)} == {dialect}
