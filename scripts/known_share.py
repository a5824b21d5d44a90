"""How much of the runs under some folders is known: a table by dialect, from `lora-lint inspect`.

    python scripts/known_share.py [--exclude GLOB]… [--reasons N] PATH…
    lora-lint inspect --output-format json PATH… | python scripts/known_share.py -

Each PATH is read by a run of its own, as its users would, and the table is of all of them. With --reasons the most
frequent reasons why a setting is not known are listed, with a place of each.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from typing import Any

from lora_lint.inspection.summary import SETTINGS, why

Row = dict[str, Any]


def inspected(path: str, excluded: list[str]) -> dict[str, Any]:
    """What `lora-lint inspect` tells of one tree."""
    globs = [part for glob in excluded for part in ("--exclude", glob)]
    command = [sys.executable, "-m", "lora_lint", "inspect", "--isolated", "--output-format", "json", *globs, path]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def added(summaries: list[list[Row]]) -> list[Row]:
    """One table of several: the most runs first, all of them last."""
    rows: dict[str, Row] = {}
    for row in (row for summary in summaries for row in summary):
        total = rows.setdefault(
            row["dialect"], {"files": 0, "runs": 0, "other_methods": 0, "known": Counter(), "dialect": row["dialect"]}
        )
        for key in ("files", "runs", "other_methods"):
            total[key] += row[key]
        total["known"].update(row["known"])
    every = rows.pop("all")
    return [*sorted(rows.values(), key=lambda row: -row["runs"]), every]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--exclude", action="append", default=[], help="as of lora-lint; may be given again")
    parser.add_argument("--reasons", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.paths == ["-"]:
        documents = [json.load(sys.stdin)]
    else:
        documents = [inspected(path, arguments.exclude) for path in arguments.paths]
    print(f"{'dialect':<18}{'files':>7}{'runs':>7}{'others':>8}" + "".join(f"{name:>14}" for name in SETTINGS))
    for row in added([document["summary"] for document in documents]):
        shares = (f"{row['known'][name] / row['runs']:>14.1%}" if row["runs"] else f"{'-':>14}" for name in SETTINGS)
        counts = f"{row['files']:>7}{row['runs']:>7}{row['other_methods']:>8}"
        print(f"{row['dialect']:<18}{counts}" + "".join(shares))
    runs = [run for document in documents for run in document["runs"] if run["method"] == "LoraConfig"]
    for name in SETTINGS if arguments.reasons else ():
        reasons: Counter[str] = Counter()
        places: dict[str, str] = {}
        for run in runs:
            reason = why(run, name)
            if reason is not None:
                reasons[reason] += 1
                places.setdefault(reason, f"{run['path']}:{run['line']}")
        print(f"\n{name}: not known because")
        for reason, count in reasons.most_common(arguments.reasons):
            print(f"{count:>6}  {reason}  ({places[reason]})")


if __name__ == "__main__":
    main()
