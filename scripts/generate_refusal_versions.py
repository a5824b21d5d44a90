"""Write lora_lint/knowledge/data/refusal_versions.json: since which release each refusal stands in its framework.

    python scripts/generate_refusal_versions.py [FOLDER]

Downloads the releases below into FOLDER, or into a temporary one, and searches them for the statement that each row of
`lora_lint/frameworks/refused_by` is from, with its condition. A row counts from the first release on that has both, and
in all that follow; what was reworded counts from then on, so that an older release is never said to refuse what it may
not. The releases of TRL, transformers and ms-swift were read by hand (`Refusal.since`), and some rows of PEFT.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from lora_lint.frameworks import refusals  # noqa: E402
from scripts.list_refusals import every_row, unpacked  # noqa: E402

OUTPUT = ROOT / "lora_lint" / "knowledge" / "data" / "refusal_versions.json"
RELEASES = {
    "axolotl": ("0.8.0", "0.10.0", "0.12.0", "0.15.0", "0.17.0", "0.19.0", "0.20.0"),
    "litgpt": ("0.5.0", "0.5.7"),
    "llamafactory": ("0.9.1", "0.9.2", "0.9.3", "0.9.4"),
    "ludwig": ("0.10.0",),
    "mlx_lm": ("0.24.0", "0.28.0"),
    "peft": tuple(f"0.{minor}.0" for minor in (5, 7, *range(9, 21))),
    "torchtune": ("0.4.0", "0.5.0"),
    "unsloth": ("2025.3.19", "2025.9.1", "2026.1.1", "2026.6.1"),
}
"""Older releases than that of the rows, the oldest first."""
BEFORE, AFTER = 2, 2
"""The lines around a statement that have to be the same: its condition, and what it says."""


def words(text: str) -> str:
    """A text without its line breaks and indentation."""
    return " ".join(text.split())


def statement(folder: Path, source: str) -> str:
    """The statement at a place in a framework's source, with its condition."""
    file, _, line = source.rpartition(":")
    lines, at = (folder / file).read_text(encoding="utf-8", errors="replace").splitlines(), int(line)
    return words("\n".join(lines[max(at - 1 - BEFORE, 0) : at + AFTER]))


def came(name: str, place: Path) -> dict[str, object]:
    """The releases of a framework that were searched, and the rows that not all of them have."""
    table = refusals.table(name)
    assert table is not None, f"{name} has no table"
    newest = unpacked(name, table.version, place / f"{name}-{table.version}")
    texts = {}
    for version in RELEASES[name]:
        folder = unpacked(name, version, place / f"{name}-{version}")
        texts[version] = "\n".join(words(path.read_text("utf-8", "replace")) for path in folder.rglob("*.py"))
    since: dict[str, str] = {}
    for source in sorted({row.source for row in every_row(table)}):
        text, first = statement(newest, source), table.version
        for version in reversed(RELEASES[name]):
            if text not in texts[version]:
                break
            first = version
        if first != RELEASES[name][0]:
            since[source] = first
    return {"oldest": RELEASES[name][0], "since": since}


def main(arguments: list[str]) -> int:
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(arguments[0] if arguments else temporary)
        found = {name: came(name, place) for name in RELEASES}
    OUTPUT.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
