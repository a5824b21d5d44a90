"""How fast the language server answers while someone types, and whether its memory grows.

    python benchmarks/server.py [--keystrokes 200] [--files 200] [--rounds 5]

Types into a script of 300 lines, one change after another, and measures the time from each change to the diagnostics of
the changed text, with hovering and completion at the same place. Then opens many files, changes each of them once a
round, and prints the memory of the server and its worker after the first round and after the last. The exit status is 1
if the 95th percentile is not under 100 ms, or if memory grows by more than a tenth.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from lsprotocol import types  # noqa: E402

from benchmarks import trees  # noqa: E402
from tests.support.editor import Editor, children  # noqa: E402

MOST_SECONDS = 0.1
MOST_GROWTH = 1.1


def memory(editor: Editor) -> int:
    """The bytes that the server and its workers hold."""
    total = 0
    for process in (editor.pid, *children(editor.pid)):
        [line] = [each for each in Path(f"/proc/{process}/status").read_text().splitlines() if each.startswith("VmRSS")]
        total += int(line.split()[1]) * 1024
    return total


def percentile(seconds: list[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(seconds, n=20)[-1]


def typing(editor: Editor, keystrokes: int) -> dict[str, list[float]]:
    """Seconds from each keystroke to what is shown, and of the requests that follow it."""
    text = trees.script(random.Random(3), 1, lines=300)
    editor.open("one.py", text)
    lines = text.splitlines()
    row = next(number for number, line in enumerate(lines) if "LoraConfig(" in line and "import" not in line)
    end = types.Position(row, len(lines[row]))
    found: dict[str, list[float]] = {"change to diagnostics": [], "hover": [], "completion": []}
    for number in range(keystrokes):
        at = types.Position(row, end.character + number)
        start = time.perf_counter()
        character = "  # typed"[number] if number < 9 else "x"
        editor.change("one.py", types.TextDocumentContentChangePartial(types.Range(at, at), character))
        found["change to diagnostics"].append(time.perf_counter() - start)
        for name, ask in (("hover", editor.hover), ("completion", editor.completions)):
            start = time.perf_counter()
            ask("one.py", row, end.character)
            found[name].append(time.perf_counter() - start)
    return found


def growth(editor: Editor, files: int, rounds: int) -> list[int]:
    """The memory after each round of changes of many open files."""
    texts = {f"f{number}.py": trees.script(random.Random(number), number, lines=100) for number in range(files)}
    for name, text in texts.items():
        editor.open(name, text, wait=False)
    found = []
    for number in range(rounds):
        for name, text in texts.items():
            editor.write(name, f"{text}# {number}\n")
        found.append(memory(editor))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keystrokes", type=int, default=200)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        editor = Editor(Path(folder))
        try:
            times = typing(editor, given.keystrokes)
            sizes = growth(editor, given.files, given.rounds)
        finally:
            editor.stop()
    print("| request | median | p95 |\n|---|---|---|")
    for name, seconds in times.items():
        print(f"| {name} | {1000 * statistics.median(seconds):.0f} ms | {1000 * percentile(seconds):.0f} ms |")
    mebibytes = ", ".join(f"{size / 2**20:.0f}" for size in sizes)
    print(f"\nMemory with {given.files} open files, after each round of changes: {mebibytes} MiB")
    slow = any(percentile(seconds) >= MOST_SECONDS for seconds in times.values())
    return int(slow or sizes[-1] > MOST_GROWTH * sizes[0])


if __name__ == "__main__":
    sys.exit(main())
