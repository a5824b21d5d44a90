"""Compares what two checkouts of lora-lint report about the same folders.

    python scripts/compare_findings.py BEFORE AFTER FOLDER… [--keep FOLDER] [--confidence LEVEL]

BEFORE and AFTER are checkouts of lora-lint. Each FOLDER is linted by both, in a process of its own, from within, with
no settings and no cache. Prints the findings that only one of them has, those whose text differs, and a table by rule.
With --keep the reports are kept there, and what is there already is not linted again. The exit status is 1 if a report
differs in any byte but the version, 2 if a lint failed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Place = tuple[str, str, int, int]
"""Rule, path, line and column of a finding, with the cell of a notebook in the path."""


class LintFailed(Exception):
    """A lint that gave no report; the message holds what it printed."""


@dataclass
class Comparison:
    """What differs, over all folders."""

    before: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)
    gone: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    otherwise: list[str] = field(default_factory=list)
    """Folders whose reports have the same findings and differ in something else."""

    @property
    def equal(self) -> bool:
        return not (self.gone or self.new or self.changed or self.otherwise)


def report(checkout: Path, folder: Path, confidence: str, keep: Path | None) -> dict[str, Any]:
    """The JSON report of one checkout about one folder. Raises LintFailed."""
    kept = None if keep is None else keep / f"{folder.name}.json"
    if kept is not None and kept.is_file():
        text = kept.read_text(encoding="utf-8")
    else:
        options = ("--isolated", "--no-cache", "--confidence", confidence, "--output-format", "json", ".")
        environment = os.environ | {"PYTHONPATH": str(checkout.resolve()), "PYTHONHASHSEED": "0"}
        command = [sys.executable, "-m", "lora_lint", *options]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        if not done.stdout.strip():
            raise LintFailed(f"{checkout} on {folder}: exit {done.returncode}\n{done.stderr[-2000:]}")
        text = done.stdout
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(text, encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    document["tool"].pop("version", None)
    return document


def by_place(document: dict[str, Any]) -> dict[Place, dict[str, Any]]:
    """The findings of a report by rule and place."""
    found: dict[Place, dict[str, Any]] = {}
    for finding in document["findings"]:
        cell = "" if finding["cell"] is None else f":cell {finding['cell']}"
        found[finding["code"], finding["path"] + cell, finding["line"], finding["column"]] = finding
    return found


def compare(folder: Path, before: dict[str, Any], after: dict[str, Any], comparison: Comparison) -> None:
    """Adds what differs between two reports about one folder."""
    old, new = by_place(before), by_place(after)
    comparison.before.update(code for code, *_ in old)
    comparison.after.update(code for code, *_ in new)

    def line(place: Place, finding: dict[str, Any]) -> str:
        code, path, row, column = place
        return f"{folder.name}/{path}:{row}:{column} {finding['level']} {code} {finding['message']}"

    comparison.gone += [line(place, finding) for place, finding in old.items() if place not in new]
    comparison.new += [line(place, finding) for place, finding in new.items() if place not in old]
    same = [place for place in old if place in new]
    changed = [place for place in same if old[place] != new[place]]
    for place in changed:
        keys = ", ".join(key for key in new[place] if old[place].get(key) != new[place][key])
        comparison.changed.append(f"{line(place, new[place])}\n    differs in: {keys}")
    if before != after and len(same) == len(old) == len(new) and not changed:
        comparison.otherwise.append(folder.name)


def table(comparison: Comparison) -> str:
    """The number of findings of each rule, before and after."""
    codes = sorted(comparison.before.keys() | comparison.after.keys())
    rows = [f"{code}  {comparison.before[code]:>6} {comparison.after[code]:>6}" for code in codes]
    total = f"all    {comparison.before.total():>6} {comparison.after.total():>6}"
    return "\n".join(["rule   before  after", *rows, total])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--confidence", choices=("certain", "likely", "possible"), default="likely")
    arguments = parser.parse_args()
    comparison, failures = Comparison(), 0
    for folder in arguments.folders:
        try:
            old, new = (
                report(getattr(arguments, side), folder, arguments.confidence, arguments.keep and arguments.keep / side)
                for side in ("before", "after")
            )
        except LintFailed as error:
            print(error, file=sys.stderr)
            failures += 1
            continue
        compare(folder, old, new, comparison)
    for title, lines in (("gone", comparison.gone), ("new", comparison.new), ("changed", comparison.changed)):
        print(f"{title}: {len(lines)}", *lines, sep="\n  ")
    if comparison.otherwise:
        print("differ beside their findings:", *comparison.otherwise, sep="\n  ")
    print(table(comparison))
    return 2 if failures else int(not comparison.equal)


if __name__ == "__main__":
    sys.exit(main())
