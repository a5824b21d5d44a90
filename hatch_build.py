"""Compiles the rule catalogue into the wheel, so that an installed lora-lint parses neither Markdown nor YAML."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CatalogueHook(BuildHookInterface):  # type: ignore[type-arg,misc]
    """Puts `lora_lint/catalogue.json` (the index) and `lora_lint/pages.json` (the texts) into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before the build; an editable install reads the pages from the checkout."""
        if self.target_name != "wheel" or version == "editable":
            return
        sys.path.insert(0, self.root)
        try:
            from lora_lint.catalogue import compile_pages
        finally:
            sys.path.remove(self.root)
        index, pages = compile_pages(str(Path(self.root, "rules")))
        if not index:
            raise RuntimeError("rules/ holds no page")
        folder = Path(tempfile.mkdtemp(prefix="lora-lint-catalogue-"))
        for name, content in (("catalogue.json", index), ("pages.json", pages)):
            path = folder / name
            path.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
            build_data["force_include"][str(path)] = f"lora_lint/{name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Called by hatchling after the build: removes the folder that `initialize` made."""
        import shutil

        for source in build_data["force_include"]:
            if "lora-lint-catalogue-" in source:
                shutil.rmtree(Path(source).parent, ignore_errors=True)
