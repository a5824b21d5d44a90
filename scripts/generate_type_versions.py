"""Writes lora_lint/knowledge/data/type_versions.json: the first release of transformers that knows a type of model.

    python scripts/generate_type_versions.py WHEEL…

WHEEL is a wheel of transformers, one for each release that counts; a type that the oldest of them knows is left out.
Nothing of them is run.
"""

from __future__ import annotations

import argparse
import re
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "lora_lint" / "knowledge" / "data" / "type_versions.json"
MAPPINGS = ("transformers/models/auto/configuration_auto.py", "transformers/models/auto/auto_mappings.py")
ENTRY = re.compile(r'\(\s*"([\w.-]+)",\s*"\w+Config"\s*\)')


def version_of(wheel: Path) -> tuple[int, ...]:
    """The version in a wheel's name."""
    return tuple(int(number) for number in wheel.name.split("-")[1].split("."))


def types_in(wheel: Path) -> set[str]:
    """The types that AutoConfig knows in a release."""
    with zipfile.ZipFile(wheel) as files:
        texts = [files.read(name).decode() for name in MAPPINGS if name in files.namelist()]
    return {kind for text in texts for kind in ENTRY.findall(text)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheels", type=Path, nargs="+", metavar="WHEEL")
    wheels = sorted(parser.parse_args().wheels, key=version_of)
    old = types_in(wheels[0])
    since: dict[str, str] = {}
    for wheel in wheels[1:]:
        for kind in sorted(types_in(wheel) - old - since.keys()):
            since[kind] = ".".join(map(str, version_of(wheel)))
    versions: dict[str, list[str]] = {}
    for kind, version in since.items():
        versions.setdefault(version, []).append(kind)
    lines = ",\n".join(f'"{version}": "{" ".join(sorted(kinds))}"' for version, kinds in versions.items())
    OUTPUT.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
    print(f"{len(since)} types, since {len(versions)} releases")


if __name__ == "__main__":
    main()
