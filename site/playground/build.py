"""Builds the playground into a folder: `python site/playground/build.py FOLDER`.

Bundles the page with esbuild, and puts beside it what it loads: Pyodide from its npm package, the wheel of this
checkout, and the packages in pure Python that the linter imports in a browser. Needs Node, npm and, the first time, the
network.
"""

from __future__ import annotations

import importlib.util
import io
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PACKAGES = ("yaml", "packaging", "click")
"""What the wheel needs and has in pure Python. regex, libcst and the grammars of TOML and shell are compiled, and the
linter does without them in a browser."""
PYODIDE = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")
EXAMPLES = (
    "broken/phi3_llama_names.py",
    "broken/rank_sweep.py",
    "broken/small_data_high_rank.py",
    "broken/axolotl.yml",
    "broken/notebook.ipynb",
    "broken/adapter_config.json",
    "healthy/qlora.py",
)


def bundle(folder: Path) -> None:
    """The page's own files. Raises CalledProcessError."""
    if not (HERE / "node_modules").is_dir():
        subprocess.run(["npm", "ci", "--silent", "--no-fund", "--no-audit"], cwd=HERE, check=True)
    command = ["npm", "run", "--silent", "bundle", "--", f"--outdir={folder}", "--log-level=warning"]
    subprocess.run(command, cwd=HERE, check=True)
    for name in ("index.html", "style.css"):
        shutil.copy(HERE / name, folder)
    (folder / "pyodide").mkdir(exist_ok=True)
    for name in PYODIDE:
        shutil.copy(HERE / "node_modules" / "pyodide" / name, folder / "pyodide")
    texts = {Path(name).name: (ROOT / "examples" / name).read_text(encoding="utf-8") for name in EXAMPLES}
    (folder / "examples.json").write_text(json.dumps(texts), encoding="utf-8")


def archives(folder: Path) -> None:
    """What Python imports in the page, and python.json, which lists it. Raises CalledProcessError."""
    with tempfile.TemporaryDirectory() as place:
        wheel = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", place, str(ROOT)]
        subprocess.run(wheel, check=True)
        (made,) = Path(place).glob("lora_lint-*.whl")
        shutil.copy(made, folder / made.name)
    (folder / "packages.zip").write_bytes(_packages())
    (folder / "python.json").write_text(json.dumps([made.name, "packages.zip"]), encoding="utf-8")


def _packages() -> bytes:
    """The installed packages' Python files, and the page's own module."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(HERE / "playground.py", "playground.py")
        for name in PACKAGES:
            found = importlib.util.find_spec(name)
            if found is None or not found.submodule_search_locations:
                raise SystemExit(f"{name} is not installed")
            package = Path(found.submodule_search_locations[0])
            for path in sorted(package.rglob("*.py")):
                archive.write(path, f"{name}/{path.relative_to(package).as_posix()}")
    return data.getvalue()


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    folder = Path(sys.argv[1]).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    bundle(folder)
    archives(folder)


if __name__ == "__main__":
    main()
