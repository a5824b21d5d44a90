"""Write lora_lint/knowledge/data/peft_versions.json: what came with which version of PEFT.

Run it with a Python that has pip (`python scripts/generate_peft_versions.py [folder of wheels]`). The first release of
each minor version is downloaded and read without being imported; nothing is installed.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

OUTPUT = Path(__file__).parent.parent / "lora_lint" / "knowledge" / "data" / "peft_versions.json"
RELEASES = [f"0.{minor}.0" for minor in range(1, 22)]
_MAPPING = "TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING"
_INITIALISATION = "init_lora_weights"


def modules(release: str, wheels: Path) -> list[ast.Module]:
    """The modules of a release, parsed."""
    name = f"peft-{release}-py3-none-any.whl"
    if not (wheels / name).exists():
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(wheels), f"peft=={release}"]
        subprocess.run(command, check=True)
    with zipfile.ZipFile(wheels / name) as wheel:
        return [ast.parse(wheel.read(path)) for path in wheel.namelist() if path.endswith(".py")]


def statements(parsed: Iterable[ast.Module], kind: type[Any]) -> Iterator[Any]:
    """The statements of a kind at the top of modules."""
    return (node for module in parsed for node in module.body if isinstance(node, kind))


def default_targets(parsed: list[ast.Module]) -> dict[str, Any]:
    """Model type -> the targets that LoRA has where none are given."""
    for node in statements(parsed, ast.Assign):
        if isinstance(node.targets[0], ast.Name) and node.targets[0].id == _MAPPING:
            table: dict[str, Any] = ast.literal_eval(node.value)
            return table
    raise SystemExit(f"{_MAPPING} is not there")


def config_fields(parsed: list[ast.Module]) -> dict[str, ast.expr]:
    """The fields of LoraConfig and of the classes it is made of, with their annotations."""
    classes = {node.name: node for node in statements(parsed, ast.ClassDef)}
    fields: dict[str, ast.expr] = {}
    wanted = ["LoraConfig"]
    for name in wanted:
        node = classes.get(name)
        if node is None:
            continue
        wanted += [base.id for base in node.bases if isinstance(base, ast.Name)]
        for each in node.body:
            if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
                fields[each.target.id] = each.annotation
    return fields


def initialisations(annotation: ast.expr) -> list[str]:
    """The names in the `Literal[…]` of a field's annotation; a description (`[number of iters]`) is cut off."""
    texts = [node.value for node in ast.walk(annotation) if isinstance(node, ast.Constant)]
    return [text.partition("_niter")[0] for text in texts if isinstance(text, str)]


def facts(wheels: Path) -> dict[str, Any]:
    """Setting or value -> the first version that has it, of those that 0.1.0 has not; and what is gone again."""
    added: dict[str, str] = {}
    removed: dict[str, str] = {}
    values: dict[str, str] = {}
    targets: dict[str, dict[str, Any]] = {}
    before: dict[str, Any] = {}
    for release in RELEASES:
        parsed = modules(release, wheels)
        fields = config_fields(parsed)
        for name in fields.keys() - before.keys():
            added[name] = release
        for name in before.keys() - fields.keys():
            removed[name] = release
        before = fields
        for value in initialisations(fields[_INITIALISATION]) if _INITIALISATION in fields else ():
            values.setdefault(value, release)
        for model_type, names in default_targets(parsed).items():
            told = targets.setdefault(model_type, {})
            if not told or list(told.values())[-1] != names:
                told[release] = names
    first = RELEASES[0]
    return {
        "releases": [first, RELEASES[-1]],
        "added": {name: release for name, release in sorted(added.items()) if release != first},
        "removed": dict(sorted(removed.items())),
        "initialisations": dict(sorted(values.items())),
        "default_targets": dict(sorted(targets.items())),
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        found = facts(Path(sys.argv[1] if len(sys.argv) > 1 else folder))
    OUTPUT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(f"{OUTPUT}: peft {' to '.join(found['releases'])}")
