"""Writes the source of the package lora-lint-data: the data files of this checkout, with a date.

    python scripts/build_data_package.py FOLDER [--date 2026-12-07]
    python -m build FOLDER

Installed beside lora-lint, its facts take the place of older ones (`lora_lint/knowledge/edition.py`).
"""

from __future__ import annotations

import argparse
import datetime
import json
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from lora_lint.knowledge import edition  # noqa: E402
from lora_lint.knowledge.packing import alike, files_of, pack  # noqa: E402
from lora_lint.knowledge.rare import shortened  # noqa: E402

DATA = ROOT / "lora_lint" / "knowledge" / "data"
PROJECT = """\
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "lora-lint-data"
version = "{version}"
description = "The facts of lora-lint as of {date}: models, architectures, data sets, keywords of frameworks."
readme = "README.md"
license = "Apache-2.0"
requires-python = ">=3.10"

[project.urls]
Homepage = "https://github.com/lora-lint/lora-lint"

[project.entry-points."{group}"]
facts = "{module}"

[tool.hatch.build.targets.wheel]
packages = ["{module}"]
"""
README = (
    "Newer facts for [lora-lint](https://github.com/lora-lint/lora-lint), which finds them where both are installed.\n"
)


def sources() -> list[str]:
    """What the data files were read from."""
    peft = json.loads((DATA / "peft.json").read_text(encoding="utf-8"))
    signatures = json.loads((DATA / "signatures.json").read_text(encoding="utf-8"))
    trl = signatures["SFTConfig"]["version"]
    return [f"peft {peft['peft']}", f"transformers {peft['transformers']}", trl]


def write(folder: Path, date: str) -> None:
    """Writes the project. Raises ValueError for what is no date."""
    day = datetime.date.fromisoformat(date)
    package = folder / edition.PACKAGE
    package.mkdir(parents=True, exist_ok=True)
    version = f"{day.year}.{day.month}.{day.day}"
    texts = PROJECT.format(version=version, date=date, group=edition.GROUP, module=edition.PACKAGE)
    (folder / "pyproject.toml").write_text(texts, encoding="utf-8")
    (folder / "README.md").write_text(README, encoding="utf-8")
    (package / "__init__.py").write_text(f'"""The facts of lora-lint as of {date}."""\n', encoding="utf-8")
    for name in edition.FILES:
        if name == edition.ARCHITECTURES:
            (package / name).write_bytes(pack(alike(shortened(files_of(str(DATA / "architectures")))), short=True))
        else:
            shutil.copyfile(DATA / name, package / name)
    state(package, date)


def state(package: Path, date: str) -> None:
    """Writes the statement of the package's data files."""
    lines = [f"format {edition.FORMAT}", f"date {date}", *(f"source {each}" for each in sources())]
    lines += [f"file {name} {(package / name).stat().st_size}" for name in edition.FILES]
    (package / edition.STATEMENT).write_text("\n".join(lines) + "\n", encoding="ascii")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--date", default=datetime.datetime.now(datetime.timezone.utc).date().isoformat())
    arguments = parser.parse_args()
    write(arguments.folder, arguments.date)


if __name__ == "__main__":
    main()
