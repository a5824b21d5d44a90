"""Fixes copies of folders and checks what the fixes keep.

    python scripts/bulk_fix.py [--select RULES] [--diffs FILE] FOLDER…

Each FOLDER is copied, linted, fixed with `--fix --unsafe-fixes`, and linted again. The table counts the fixed files and
findings; below it stand the files that no longer parse, the findings that a file has more of than before, and the files
that a second run changes: there must be none. `--select` is handed on to the fixes (advice is fixed only by rules that
are selected); `--diffs` writes all changes to a file.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import json
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

LINT = (sys.executable, "-m", "lora_lint", "--isolated", "--no-cache")
SUFFIXES = (".py", ".ipynb", ".yaml", ".yml", ".json", ".sh", ".bash")


def findings(folder: Path) -> Counter[tuple[str, str]]:
    """The number of findings by rule and path."""
    done = subprocess.run([*LINT, "--output-format", "json", "."], cwd=folder, capture_output=True, text=True)
    document: dict[str, Any] = json.loads(done.stdout)
    return Counter((finding["code"], finding["path"]) for finding in document["findings"])


def fix(folder: Path, select: str | None) -> None:
    """Makes all fixes below a folder."""
    rules = ("--select", select) if select else ()
    done = subprocess.run([*LINT, *rules, "--fix", "--unsafe-fixes", "."], cwd=folder, capture_output=True, text=True)
    if done.returncode == 2:
        print(f"{folder.name}: {done.stderr.strip()[-500:]}", file=sys.stderr)


def contents(folder: Path) -> dict[str, bytes]:
    """The files that lora-lint reads, by path."""
    paths = (path for path in folder.rglob("*") if path.suffix in SUFFIXES and path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def parses(path: str, data: bytes) -> bool:
    """Whether Python, PyYAML or json takes a file; a shell script is taken for granted."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if path.endswith(".py"):
                ast.parse(data)
            elif path.endswith((".json", ".ipynb")):
                json.loads(data)
            elif path.endswith((".yaml", ".yml")):
                list(yaml.compose_all(data))
    except (SyntaxError, ValueError, yaml.YAMLError):
        return False
    return True


def diff(path: str, before: bytes, after: bytes) -> str:
    """A unified diff."""
    old, new = (data.decode("utf-8", "replace").splitlines(keepends=True) for data in (before, after))
    return "".join(difflib.unified_diff(old, new, path, path))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--select")
    parser.add_argument("--diffs", type=Path)
    arguments = parser.parse_args()
    broken: list[str] = []
    more: list[str] = []
    unsettled: list[str] = []
    diffs: list[str] = []
    print(f"{'folder':<44}{'findings':>9}{'after':>7}{'files':>7}")
    for folder in arguments.folders:
        with tempfile.TemporaryDirectory() as place:
            copy = Path(place, folder.name)
            shutil.copytree(folder, copy, symlinks=True, ignore=shutil.ignore_patterns(".git"))
            old, before = contents(copy), findings(copy)
            fix(copy, arguments.select)
            new, after = contents(copy), findings(copy)
            fix(copy, arguments.select)
            changed = [path for path in old if old[path] != new[path]]
            unsettled += [f"{folder.name}/{path}" for path, data in contents(copy).items() if data != new[path]]
        broken += [f"{folder.name}/{path}" for path in changed if parses(path, old[path]) > parses(path, new[path])]
        more += [f"{folder.name}/{path}: {code}" for (code, path), count in after.items() if count > before[code, path]]
        diffs += [diff(f"{folder.name}/{path}", old[path], new[path]) for path in changed]
        print(f"{folder.name:<44}{before.total():>9}{after.total():>7}{len(changed):>7}", flush=True)
    for title, lines in (("no longer parse", broken), ("more findings", more), ("changed again", unsettled)):
        print(f"{title}: {len(lines)}", *lines, sep="\n  ")
    if arguments.diffs:
        arguments.diffs.write_text("".join(diffs), encoding="utf-8")
    return int(bool(broken or more or unsettled))


if __name__ == "__main__":
    sys.exit(main())
