"""Write the settings of the VS Code extension, `lora-lint.settings` in editors/vscode/package.json, from the settings'
schema.

    python scripts/vscode_settings.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from lora_lint.settings import table_schema  # noqa: E402

PACKAGE = ROOT / "editors" / "vscode" / "package.json"


def grammar() -> dict[str, Any]:
    """The settings' schema without references, which VS Code does not follow in a package.json."""
    schema = table_schema()
    definitions = schema.pop("$defs")

    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return [plain(each) for each in value]
        if not isinstance(value, dict):
            return value
        target = definitions[value["$ref"].rpartition("/")[2]] if "$ref" in value else {}
        return {key: plain(each) for key, each in {**target, **value}.items() if key not in ("$ref", "$schema")}

    found: dict[str, Any] = plain(schema)
    return {key: value for key, value in found.items() if key != "title"}


def updated(text: str) -> str:
    """The package.json with the current grammar."""
    package = json.loads(text)
    own = {
        "scope": "resource",
        "default": {},
        "markdownDescription": "Settings for folders whose `pyproject.toml` or `lora-lint.toml` leaves them out.",
    }
    properties = package["contributes"]["configuration"]["properties"]
    properties["lora-lint.settings"] = {**own, **{k: v for k, v in grammar().items() if k != "description"}}
    return json.dumps(package, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PACKAGE.write_text(updated(PACKAGE.read_text(encoding="utf-8")), encoding="utf-8")
