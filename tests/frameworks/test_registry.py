"""The records of the frameworks, and what is written from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint import marks
from lora_lint.frameworks import registry
from lora_lint.knowledge import schemas
from lora_lint.run.run import Adapter, Training
from scripts import generate_marks

if TYPE_CHECKING:
    from lora_lint.run.framework import Framework

RECORDS = registry.every()
NAMES = [record.name for record in RECORDS]


def test_the_marks_are_those_of_the_records() -> None:
    assert generate_marks.PLACE.read_text(encoding="utf-8") == generate_marks.text(RECORDS)


def test_what_no_other_framework_recognises_is_asked_last() -> None:
    assert NAMES[-1] == marks.CONFIGS[-1][0] == "lora_block"
    assert NAMES[:-1] == sorted(NAMES[:-1])


@pytest.mark.parametrize("record", RECORDS, ids=NAMES)
def test_a_record_is_found_by_its_name(record: Framework) -> None:
    assert registry.framework(record.name) is record
    assert repr(record) == f"Framework({record.name!r})"


@pytest.mark.parametrize("record", [each for each in RECORDS if schemas.has(each.name)], ids=lambda each: each.name)
def test_the_keys_are_those_of_the_source(record: Framework) -> None:
    schema = schemas.load(record.name)
    parts = [schema, *schema.get("$defs", {}).values()]
    known = {key for part in parts for key in part.get("properties", {})}
    assert set(record.keys.values()) | set(record.synonyms.values()) <= known
    assert record.synonyms.keys() - set(record.keys.values()) == record.synonyms.keys()
    assert record.defaults.keys() <= {*Adapter.__match_args__, *Training.__match_args__, *record.other_keys}


def test_a_framework_can_do_what_it_has_a_key_for() -> None:
    axolotl, torchtune = registry.framework("axolotl"), registry.framework("torchtune")
    assert axolotl.can("use_rslora")
    assert axolotl.spelling("use_rslora") == "peft_use_rslora"
    assert not torchtune.can("use_rslora")
    assert torchtune.spelling("use_rslora") is None
    assert torchtune.takes_alpha(22.6)
    assert not axolotl.takes_alpha(22.6)
    assert axolotl.takes_alpha(22.0)
