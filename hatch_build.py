"""Compiles the rule catalogue into the wheel, so that an installed lora-lint parses neither Markdown nor YAML, and
packs the architectures (3.4 MB of JSON in 0.3 MB), the schemas, what frameworks refuse, and what is known of models and
data sets.
"""

from __future__ import annotations

import bz2
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

DATA = "lora_lint/knowledge/data"
DEFLATED = (
    *("chat_templates.json", "families.json", "key_versions.json", "leaf_names.json", "loaders.json"),
    *("peft.json", "peft_versions.json", "refusal_versions.json", "settings.schema.json", "signatures.json"),
    "type_versions.json",
)
"""What is known of models, PEFT, functions and older releases, a fifth as large."""


def _json(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


class CompileHook(BuildHookInterface):  # type: ignore[type-arg,misc]
    """Puts `lora_lint/catalogue.json` (what a lint needs of the rules), `lora_lint/pages.json.bz2` (what people read)
    and the packed and deflated facts into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before the build; an editable install reads the sources in the checkout."""
        if self.target_name != "wheel" or version == "editable":
            return
        sys.path.insert(0, self.root)
        try:
            from lora_lint.catalogue import compile_pages
            from lora_lint.frameworks import refused_pack
            from lora_lint.knowledge import rare, tables
            from lora_lint.knowledge.packing import alike, deflated, files_of, pack
        finally:
            sys.path.remove(self.root)
        index, pages = compile_pages(str(Path(self.root, "rules")))
        if not index:
            raise RuntimeError("rules/ holds no page")

        data = Path(self.root, DATA)
        texts = {name: (data / name).read_text(encoding="utf-8") for name in (*tables.NAMES, "families.json")}
        for name in ("datasets.tsv", "models.tsv"):
            texts[name] = rare.named(texts[name])
        texts["shapes.tsv"] = rare.sized(texts["shapes.tsv"], texts["models.tsv"], texts["families.json"])

        architectures = rare.shortened(rare.common(files_of(str(data / "architectures"))))

        schemas = {name: _json(json.loads(content)) for name, content in files_of(str(data / "schemas")).items()}

        def parts(table: str) -> dict[str, bytes]:
            return {start: lines.encode() for start, lines in tables.parts_of(texts[table]).items()}

        files = {
            "lora_lint/catalogue.json": _json(index),
            "lora_lint/pages.json.bz2": bz2.compress(_json(pages)),
            "lora_lint/frameworks/refused_by.pack": pack(refused_pack.documents(), short=True),
            f"{DATA}/architectures.pack": pack(alike(architectures), short=True),
            f"{DATA}/schemas.pack": pack(alike(schemas), short=True),
            **{
                f"{DATA}/{name}.pack": pack(parts(name), short=True, apart=name in tables.LONG) for name in tables.NAMES
            },
            **{f"{DATA}/{name}.z": deflated((data / name).read_bytes()) for name in DEFLATED},
        }
        self.folder = tempfile.TemporaryDirectory(prefix="lora-lint-")
        for number, (place, content) in enumerate(files.items()):
            path = Path(self.folder.name, str(number))
            path.write_bytes(content)
            build_data["force_include"][str(path)] = place

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Called by hatchling after the build: removes the folder that `initialize` made."""
        if hasattr(self, "folder"):
            self.folder.cleanup()
