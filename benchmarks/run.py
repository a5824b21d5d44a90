"""CPU time and memory of lora-lint beside flake8 and ruff, in one run on one machine.

    python benchmarks/run.py [--repeat 5] [--files 3000] [--write docs/speed.md]

lora-lint is installed from this checkout into an environment of its own, as its users have it; flake8 and ruff beside
it. Times are the CPU time of a command with all its processes, the median of some runs that take turns; memory is that
of the largest process. Times differ from machine to machine, the ratios hardly do.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import trees  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence

PEERS = ("flake8==7.5.0", "ruff==0.17.6")
FIRST = "first lint"
START, END = "<!-- benchmarks -->", "<!-- end of benchmarks -->"


@dataclass(frozen=True)
class Cost:
    """Seconds of CPU time and bytes at the peak."""

    seconds: float
    bytes: int


@dataclass(frozen=True)
class Work:
    """A thing to do: the commands by tool, the tool to compare with, and the ratio of CPU times to stay below.

    `cached`: the tools whose results of an earlier run are there to be used.
    """

    name: str
    commands: dict[str, list[str]]
    peer: str
    target: float
    repeat: int
    cached: tuple[str, ...] = ()


def cost(command: Sequence[str], folder: Path, cached: bool = False) -> Cost:
    """What one run of a command costs. Linters say by their exit status what they found; only a crash is an error."""
    environment = os.environ if cached else {**os.environ, "LORA_LINT_NO_CACHE": "1", "RUFF_NO_CACHE": "true"}
    if hasattr(os, "wait4"):
        with subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as process:
            assert process.stderr is not None
            said = process.stderr.read()
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, 1):
            raise SystemExit(f"{' '.join(command)} failed: {said.decode()}")
        scale = 1 if sys.platform == "darwin" else 1024
        return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss * scale)
    import time  # Windows has no such count: the clock, and no memory

    begun = time.perf_counter()
    subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    return Cost(time.perf_counter() - begun, 0)


def measured(work: Work, folder: Path) -> dict[str, Cost]:
    """The medians of some runs; the tools take turns, and the first turn, which warms the caches, does not count."""
    seen: dict[str, list[Cost]] = {tool: [] for tool in work.commands}
    for tool in work.cached:
        cost(work.commands[tool], folder, cached=True)
    for turn in range(work.repeat + 1):
        for tool, command in work.commands.items():
            if turn or work.repeat > 1:
                found = cost(command, folder, tool in work.cached)
                seen[tool] += [found] if turn else []
    return {
        tool: Cost(
            statistics.median(each.seconds for each in costs), int(statistics.median(each.bytes for each in costs))
        )
        for tool, costs in seen.items()
    }


def installed(folder: Path) -> Path:
    """An environment with lora-lint and its peers; gives the folder of its commands."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    pip = [str(scripts / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, str(ROOT), *PEERS], check=True)
    return scripts


def works(scripts: Path, place: Path, files: int, repeat: int, flake8: bool) -> list[Work]:
    """What is measured, on trees that are made below `place`."""
    import random

    one = place / "one.py"
    one.write_bytes(trees.script(random.Random(3), 1, lines=300).encode())
    trees.few(place / "few", files)
    trees.all_about_lora(place / "all", files)
    lint = [str(scripts / "lora-lint")]  # there is no settings file that it could find
    plain = [str(scripts / "flake8"), "--isolated"]
    fast = [str(scripts / "ruff"), "check", "--isolated", "--quiet"]

    def on(path: str) -> dict[str, list[str]]:
        return {"lora-lint": [*lint, path], "flake8": [*plain, path], "ruff": [*fast, path]}

    def on_tree(path: str) -> dict[str, list[str]]:
        return {tool: command for tool, command in on(path).items() if flake8 or tool != "flake8"}

    version = {tool: [str(scripts / tool), "--version"] for tool in ("lora-lint", "flake8", "ruff")}
    return [
        Work("`--version`", version, "flake8", 0.5, repeat),
        Work("one script of 300 lines", on("one.py"), "flake8", 0.5, repeat),
        Work(f"{files:,} files, 1 in 100 about LoRA", on_tree("few"), "ruff", 0.2, max(1, repeat // 2)),
        Work(f"{files:,} files, all about LoRA", on_tree("all"), "ruff", 2.0, max(1, repeat // 2)),
        Work(
            "the same again, nothing changed",
            {"lora-lint": [*lint, "all"], FIRST: [*lint, "all"], "ruff": [*fast, "all"]},
            FIRST,
            1 / 3,
            max(1, repeat // 2),
            cached=("lora-lint", "ruff"),
        ),
    ]


def table(results: Sequence[tuple[Work, dict[str, Cost]]]) -> str:
    """Markdown: CPU seconds (and megabytes) by tool, the ratio to reach and the one that was reached."""
    lines = ["| work | lora-lint | flake8 | ruff | to reach | reached |", "|---|---|---|---|---|---|"]
    for work, costs in results:
        cells = [
            f"{costs[tool].seconds:.3f} s, {costs[tool].bytes / 2**20:.0f} MiB" if tool in costs else "–"
            for tool in ("lora-lint", "flake8", "ruff")
        ]
        ratio = costs["lora-lint"].seconds / costs[work.peer].seconds
        goal = f"≤ {work.target:.2g} × {work.peer}"
        lines.append(f"| {work.name} | {' | '.join(cells)} | {goal} | {ratio:.2f} × |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5, help="runs of each command on small work, half on trees")
    parser.add_argument("--files", type=int, default=3000, help="files of each tree")
    parser.add_argument("--flake8-on-trees", action="store_true", help="minutes of CPU time")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table between its markers there")
    arguments = parser.parse_args()
    os.environ.pop("PYTHONPATH", None)  # what is installed is measured, and not a checkout that the caller works in
    with tempfile.TemporaryDirectory(prefix="lora-lint-benchmark-") as made:
        place = Path(made)
        scripts = installed(place / "environment")
        results = []
        for work in works(scripts, place, arguments.files, arguments.repeat, arguments.flake8_on_trees):
            results.append((work, measured(work, place)))
            print(table(results[-1:]).splitlines()[-1], flush=True)
    text = f"{table(results)}\n\nCPU time and peak memory on {os.cpu_count()} cores, {_system()}."
    if arguments.write:
        page = arguments.write.read_text(encoding="utf-8")
        between = re.compile(f"{re.escape(START)}.*?{re.escape(END)}", re.DOTALL)
        arguments.write.write_text(
            between.sub(lambda _: f"{START}\n{text}\n{END}", page), encoding="utf-8", newline="\n"
        )
    missed = [
        work.name for work, costs in results if costs["lora-lint"].seconds > work.target * costs[work.peer].seconds
    ]
    for name in missed:
        print(f"missed: {name}")
    return 1 if missed else 0


def _system() -> str:
    import platform

    return f"Python {platform.python_version()}, {platform.system()}; flake8 and ruff: {', '.join(PEERS)}"


if __name__ == "__main__":
    sys.exit(main())
