"""`lora-lint schema`: the keys of frameworks and of the settings, for editors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from lora_lint.__main__ import main
from lora_lint.frameworks import keys, registry

CONFIGS = Path(__file__).parents[1] / "support" / "configs"


@pytest.mark.parametrize("name", keys.described_frameworks())
def test_schemas_are_sound_and_describe_the_keys_of_the_adapter(name: str) -> None:
    schema = keys.schema_of(name)
    assert schema is not None
    Draft202012Validator.check_schema(schema)
    framework = registry.framework(name)
    parts = [schema, *(keys.part_at(schema, tuple(path.split("."))) for path in framework.sections or ())]
    for setting, key in (*framework.keys.items(), *framework.other_keys.items()):
        described = [part["properties"][key] for part in parts if key in part.get("properties", {})]
        assert described, key
        assert any(part["description"] == keys.MEANINGS[setting] for part in described), key


def test_the_command_prints_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "axolotl"]) == 0
    assert json.loads(capsys.readouterr().out)["properties"]["lora_r"]["description"] == keys.MEANINGS["rank"]
    assert main(["schema", "settings"]) == 0
    assert json.loads(capsys.readouterr().out)["properties"]["dataset-size"]["type"] == "integer"
    assert main(["schema", "lamafactory"]) == 2
    assert "did you mean llamafactory?" in capsys.readouterr().err.replace("'", "")
