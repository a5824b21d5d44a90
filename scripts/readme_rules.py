"""Writes the parts of README.md that follow from the repository: `python scripts/readme_rules.py [--check]`.

They are the tables of rules and settings, and what the commands in ```console blocks print; those with --verify only
where its extra is installed. With --check nothing is written and the exit status is 1 if something is not current.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
sys.path.insert(0, str(ROOT))
os.environ["HF_HUB_OFFLINE"] = "1"  # --verify tells the same on every machine
os.environ["COLUMNS"] = "100"


def rules() -> str:
    """The table of rules, in the order of their codes."""
    from lora_lint import catalogue

    rows = [
        f"| [{rule.code}](rules/{rule.file}) | `{rule.name}` | {rule.level} | {rule.summary} |"
        for rule in catalogue.rules().values()
    ]
    return "\n".join(["| code | name | level | finds |", "|---|---|---|---|", *rows])


def settings() -> str:
    """The table of settings, from their JSON Schema."""
    schema = json.loads((ROOT / "lora_lint/knowledge/data/settings.schema.json").read_text(encoding="utf-8"))
    rows = [f"| `{name}` | {_cell(value['description'])} |" for name, value in schema["properties"].items()]
    return "\n".join(["| setting | meaning |", "|---|---|", *rows])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def output(command: str) -> str:
    """What a `lora-lint …` command prints in the root of the repository. Raises RuntimeError if it fails."""
    from lora_lint.__main__ import main

    program, *arguments = command.split()
    if program != "lora-lint":
        raise ValueError(f"{command}: not a lora-lint command")
    told = io.StringIO()
    folder = Path.cwd()
    os.chdir(ROOT)
    try:
        with contextlib.redirect_stdout(told):
            status = main(arguments)
    finally:
        os.chdir(folder)
    if status not in (0, 1):
        raise RuntimeError(f"{command}: exit status {status}")
    return told.getvalue().rstrip("\n")


def _can_run(command: str) -> bool:
    from lora_lint.verify import session

    return "--verify" not in command or not session.missing()


def current(text: str) -> str:
    """README.md as it should be."""
    for name, table in (("rules", rules()), ("settings", settings())):
        text, count = re.subn(
            rf"(<!-- {name}: [^\n]*-->\n).*?(<!-- end of {name} -->)",
            lambda match, table=table: f"{match[1]}\n{table}\n\n{match[2]}",  # type: ignore[misc]
            text,
            flags=re.DOTALL,
        )
        if count != 1:
            raise ValueError(f"README.md has {count} places for {name}")
    return re.sub(
        r"```console\n\$ ([^\n]+)\n.*?```",
        lambda match: f"```console\n$ {match[1]}\n{output(match[1])}\n```" if _can_run(match[1]) else match[0],
        text,
        flags=re.DOTALL,
    )


def main(arguments: list[str]) -> int:
    """Writes or checks README.md; gives the exit status."""
    text = README.read_text(encoding="utf-8")
    wanted = current(text)
    if "--check" in arguments:
        if text != wanted:
            print("README.md is not current: run python scripts/readme_rules.py", file=sys.stderr)
        return int(text != wanted)
    if text != wanted:
        README.write_text(wanted, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
