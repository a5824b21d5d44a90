"""How much of the runs under some folders is known: a table by dialect, from `lora-lint inspect`.

    python scripts/known_share.py [--reasons N] PATH…
    lora-lint inspect --output-format json PATH… | python scripts/known_share.py -

With --reasons the most frequent reasons why a setting is not known are listed, with a place of each.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter, defaultdict
from typing import Any

COLUMNS = ("rank", "alpha", "targets", "model", "size")


def settings(run: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The settings that the table counts, as the JSON of `inspect` has them."""
    adapter = run["adapter"]
    model = dict(run["model"]["name"])
    if run["model"].get("type"):
        model = {"value": run["model"]["type"]}
    elif "unknown" not in model:
        model = {"unknown": "nothing is known of this model"}
    return {
        "rank": adapter["rank"],
        "alpha": adapter["alpha"] if "unknown" in adapter["alpha"] and run.get("scale") is None else {"value": 1},
        "targets": adapter["target_modules"],
        "model": model,
        "size": run["dataset"]["size"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--reasons", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.paths == ["-"]:
        text = sys.stdin.read()
    else:
        command = [sys.executable, "-m", "lora_lint", "inspect", "--output-format", "json", *arguments.paths]
        text = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    runs = json.loads(text)["runs"]
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for run in runs:
        rows[run["dialect"]].append(run)
    print(f"{'dialect':<14}{'files':>7}{'runs':>7}" + "".join(f"{name:>9}" for name in COLUMNS))
    for dialect, found in [*sorted(rows.items(), key=lambda item: -len(item[1])), ("all", runs)]:
        shares = (sum("unknown" not in settings(run)[name] for run in found) / max(len(found), 1) for name in COLUMNS)
        files = len({run["path"] for run in found})
        print(f"{dialect:<14}{files:>7}{len(found):>7}" + "".join(f"{share:>9.0%}" for share in shares))
    for name in COLUMNS if arguments.reasons else ():
        reasons: Counter[str] = Counter()
        places: dict[str, str] = {}
        for run in runs:
            why = settings(run)[name].get("unknown")
            if why is not None:
                reasons[why] += 1
                places.setdefault(why, f"{run['path']}:{run['line']}")
        print(f"\n{name}: not known because")
        for why, count in reasons.most_common(arguments.reasons):
            print(f"{count:>6}  {why}  ({places[why]})")


if __name__ == "__main__":
    main()
