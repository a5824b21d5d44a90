"""Draws the pictures of README.md and the site into docs/images/: `python scripts/draw_pictures.py`.

What the command prints in a terminal becomes SVG, through rich; the page of `--verify` becomes PNG, through Chromium.
Needs the extras `site` and `verify`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
WIDTH = 96
TERMINALS = {
    "finding": "--color always examples/broken/rank_sweep.py --select LL101",
    "inspect": "inspect examples/healthy/phi3.py",
}
"""The arguments of lora-lint by the name of the picture."""
PAGE = "--verify --device meta --verify-report verify.html phi3_llama_names.py"
_SVG = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, monospace; font-size: {char_height}px;
line-height: {line_height}px; font-variant-east-asian: full-width; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g></g></svg>
"""
"""rich's own frame without its web font: a picture fetches nothing."""


def printed(arguments: str, folder: Path = ROOT) -> str:
    """What lora-lint prints in a folder."""
    own = {"PYTHONPATH": str(ROOT), "COLUMNS": str(WIDTH), "LORA_LINT_NO_CACHE": "1", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "lora_lint", *arguments.split()]
    return subprocess.run(command, cwd=folder, env={**os.environ, **own}, capture_output=True, text=True).stdout


def terminal(name: str, arguments: str) -> None:
    """Draws a terminal with a command and its output."""
    console = Console(record=True, width=WIDTH, file=open(os.devnull, "w", encoding="utf-8"), force_terminal=True)  # noqa: SIM115
    console.print(Text(f"$ lora-lint {arguments.replace('--color always ', '')}", style="bold"))
    console.print(Text.from_ansi(printed(arguments)))
    path = IMAGES / f"{name}.svg"
    console.save_svg(str(path), title="lora-lint", theme=MONOKAI, code_format=_SVG, unique_id=name)


def page() -> None:
    """Takes a picture of the page that --verify writes."""
    chromium = shutil.which("chromium")
    if chromium is None:
        print("verify.png is left as it is: it needs Chromium", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(ROOT / "examples" / "broken" / "phi3_llama_names.py", folder)
        printed(PAGE, Path(folder))
        report = Path(folder) / "verify.html"
        shot = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1000,900"]
        target = f"--screenshot={IMAGES / 'verify.png'}"
        subprocess.run([*shot, target, report.as_uri()], check=True, capture_output=True)


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    for name, arguments in TERMINALS.items():
        terminal(name, arguments)
    page()


if __name__ == "__main__":
    main()
