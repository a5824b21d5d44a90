"""CPU time of lora-lint on real checkouts, beside ruff and beside what parsing the same files takes.

    python benchmarks/real.py FOLDER… [--repeat 3] [--lora-lint CHECKOUT…] [--ruff PATH]

Each FOLDER is linted from within, by one process, with no settings and no cache. Prints a line of Markdown for each:
seconds of CPU time of ruff, of the floor (reading and parsing each Python file and the code of each notebook, and
nothing else) and of lora-lint, and the ratios; the last line is for all of them together. With several checkouts of
lora-lint each has its columns. Tools take turns, and the median of their runs counts: compare ratios of one run only.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import shutil
import statistics
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.run import cost  # noqa: E402
from lora_lint.discovery import DEFAULT_EXCLUDES  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FLOOR = "--floor"


def programs(folder: Path) -> Iterator[Path]:
    """The Python files and notebooks of a folder, without what no linter enters."""
    for above, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - DEFAULT_EXCLUDES)
        yield from (Path(above, name) for name in sorted(names) if name.endswith((".py", ".ipynb")))


def parse(path: Path) -> bool:
    """Whether Python can parse a program, or the code of a notebook without its magics."""
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".ipynb":
            cells = (cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code")
            lines = "".join(f"{''.join(cell['source'])}\n" for cell in cells).splitlines(keepends=True)
            text = "".join("\n" if line.lstrip().startswith(("!", "%")) else line for line in lines)
        ast.parse(text)
    except (OSError, ValueError, KeyError, TypeError, SyntaxError, RecursionError, MemoryError):
        return False
    return True


def seconds(command: Sequence[str], folder: Path, checkout: Path | None, repeat: int) -> float:
    """The median CPU time of some runs of a command in a folder; the modules are those of `checkout`."""
    before = os.environ.get("PYTHONPATH")
    if checkout is not None:
        os.environ["PYTHONPATH"] = str(checkout.resolve())
    try:
        return statistics.median(cost(command, folder).seconds for _ in range(repeat))
    finally:
        if before is None:
            os.environ.pop("PYTHONPATH", None)
        else:
            os.environ["PYTHONPATH"] = before


def line(name: str, ruff: float, floor: float, own: Sequence[float]) -> str:
    """A row of the table."""
    cells = [f"{each:.2f} s | {each / ruff:.2f} × | {each / floor:.2f} ×" for each in own]
    return f"| {name} | {ruff:.2f} s | {floor:.2f} s | {' | '.join(cells)} |"


def main() -> int:
    if sys.argv[1:2] == [FLOOR]:
        warnings.simplefilter("ignore")
        for path in programs(Path(sys.argv[2])):
            parse(path)
        return 0
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each tool on each folder")
    parser.add_argument("--lora-lint", type=Path, nargs="+", default=[ROOT], metavar="CHECKOUT")
    parser.add_argument("--ruff", default=shutil.which("ruff") or str(Path(sys.executable).with_name("ruff")))
    arguments = parser.parse_args()
    ruff = [arguments.ruff, "check", "--isolated", "--quiet", "."]
    floor = [sys.executable, str(Path(__file__).resolve()), FLOOR, "."]
    lint = [sys.executable, "-m", "lora_lint", "--isolated", "--jobs", "1", "."]
    head = " | ".join(f"{checkout.resolve().name} | of ruff | of the floor" for checkout in arguments.lora_lint)
    print(f"| tree | ruff | floor | {head} |\n|{'---|' * (3 + 3 * len(arguments.lora_lint))}")
    rows: list[list[float]] = []
    for folder in arguments.folders:
        row = [
            seconds(ruff, folder, None, arguments.repeat),
            seconds(floor, folder, ROOT, arguments.repeat),
            *(seconds(lint, folder, checkout, arguments.repeat) for checkout in arguments.lora_lint),
        ]
        print(line(folder.name, row[0], row[1], row[2:]), flush=True)
        rows.append(row)
    total = [sum(column) for column in zip(*rows, strict=True)]
    print(line("all", total[0], total[1], total[2:]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
