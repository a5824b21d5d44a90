"""Writes the parts of README.md and docs/ that follow from the repository: `python scripts/write_docs.py [--check]`.

They are the tables of rules, families and settings, between their markers, and what the commands in ```console blocks
print; those with --verify only where its extra is installed. With --check nothing is written and the exit status is 1
if something is not current.
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
DOCUMENTS = [
    path
    for path in (ROOT / "README.md", ROOT / "site/pages/index.md", *sorted((ROOT / "docs").glob("*.md")))
    if path.stem != "architecture"
]
"""The walkthroughs of docs/architecture.md are commands in folders of their own, which its test runs."""
sys.path.insert(0, str(ROOT))
os.environ["HF_HUB_OFFLINE"] = "1"  # --verify tells the same on every machine
os.environ["COLUMNS"] = "80"  # a line fits the width of the site


FAMILIES = {
    "LL1": (
        "Scale and sweeps",
        "alpha, rsLoRA, and what a sweep over the rank really varies",
        "fixed-alpha-rank-sweep",
    ),
    "LL2": ("Targets", "names that match nothing, part of the model or too much of it", "unmatched-target-module"),
    "LL3": ("Rank and size", "ranks beyond the data, the layers or the memory", "rank-too-high-for-data"),
    "LL4": ("What is trained", "base weights that train, adapters that do not", "base-params-trainable"),
    "LL5": ("Optimizer and cost", "rates and options that do not fit LoRA", "full-finetune-learning-rate"),
    "LL6": ("Merging and serving", "results that are dropped, changed or refused by a server", "merge-result-dropped"),
    "LL7": ("Saved adapters", "folders that do not hold what was trained", "adapter-untrained"),
    "LL8": (
        "Launch and precision",
        "quantization, sharding and dtypes that break each other",
        "quantized-base-sharded",
    ),
    "LL9": (
        "Settings and files",
        "keys that do not exist, combinations that a framework refuses",
        "refused-combination",
    ),
}
"""What the rules whose codes start so are about, and one of them."""


def families() -> str:
    """The table of families, which lead to their rules."""
    from lora_lint import catalogue

    lines = ["| codes | rules | about | for example |", "|---|---|---|---|"]
    for start, (title, about, example) in FAMILIES.items():
        count = sum(code.startswith(start) for code in catalogue.rules())
        anchor = title.lower().replace(" ", "-")
        lines.append(f"| [{start}](docs/rules.md#{anchor}) {title} | {count} | {about} | `{example}` |")
    return "\n".join(lines)


def rules() -> str:
    """The rules by family, in the order of their codes."""
    from lora_lint import catalogue

    lines: list[str] = []
    for start, (title, about, _) in FAMILIES.items():
        lines += ["", f"## {title}", "", f"{about[0].upper()}{about[1:]}.", ""]
        lines += ["| code | name | level | finds |", "|---|---|---|---|"]
        lines += [
            f"| [{rule.code}](../rules/{rule.file}) | `{rule.name}` | {rule.level} | {_cell(rule.summary)} |"
            for rule in catalogue.rules().values()
            if rule.code.startswith(start)
        ]
    return "\n".join(lines[1:])


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
    from lora_lint.system.modules import not_installed
    from lora_lint.verify.session import NEEDED

    return "--verify" not in command or not not_installed(NEEDED)


TABLES = {"families": families, "rules": rules, "settings": settings}
"""By the word in their markers."""


def current(text: str) -> str:
    """A document as it should be."""
    for name, table in TABLES.items():
        text = re.sub(
            rf"(<!-- {name}: [^\n]*-->\n).*?(<!-- end of {name} -->)",
            lambda match, table=table: f"{match[1]}\n{table()}\n\n{match[2]}",  # type: ignore[misc]
            text,
            flags=re.DOTALL,
        )
    return re.sub(
        r"```console\n\$ (lora-lint[^\n]*)\n.*?```",
        lambda match: f"```console\n$ {match[1]}\n{output(match[1])}\n```" if _can_run(match[1]) else match[0],
        text,
        flags=re.DOTALL,
    )


def main(arguments: list[str]) -> int:
    """Writes or checks the documents; gives the exit status."""
    stale = []
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        wanted = current(text)
        if text != wanted:
            stale.append(path.relative_to(ROOT).as_posix())
            if "--check" not in arguments:
                path.write_text(wanted, encoding="utf-8", newline="\n")
    if stale and "--check" in arguments:
        print(f"not current: {', '.join(stale)}; run python scripts/write_docs.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
