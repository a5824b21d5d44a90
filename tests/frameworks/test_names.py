"""No framework's name stands outside its module: what asks for one by name cannot ask for the next."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from lora_lint.frameworks import refusals, registry

ROOT = Path(__file__).parents[2] / "lora_lint"
LIBRARIES = ("accelerate", "peft", "trl", "Accelerate", "PEFT", "TRL")
"""Frameworks that are libraries which programs call too: their calls, versions and trainers are the rules' matter."""
NAMES = sorted(
    {name for record in registry.every() for name in (record.name, record.title) if name not in LIBRARIES}
    | {name.replace("_", "-") for name in (record.name for record in registry.every()) if "_" in name},
    key=len,
    reverse=True,
)
_NAME = re.compile(rf"(?<![a-zA-Z0-9])(?:{'|'.join(map(re.escape, NAMES))})(?![a-zA-Z0-9])", re.IGNORECASE)

ALLOWED = {
    "libraries": "what calls of the libraries of unsloth, xtuner and W&B do",
    "marks.py": "written from the records",
    "knowledge/clashes.py": "libraries that do not run with each other",
    "run/versions.py": "packages whose releases those are",
    "knowledge/models.py": "the organisation of that name on the hub, which republishes models in other forms",
    "knowledge/resolve.py": "what unsloth makes of the modules of a model that it loads, whatever framework asks it to",
    "knowledge/names.py": "what that organisation adds to the names of models",
    "knowledge/servers.py": "mlx-lm, as one of the servers",
    "programs/shared.py": "the search space of a W&B sweep, among what is recorded",
    "rules/reached.py": "how a model is known: as an organisation on the hub publishes it",
    "run/run.py": "the phrase of a kind of sweep",
    "rules/sweeps.py": "that kind of sweep",
    "fixes/scopes.py": "packages whose classes are imported",
    "preflight/flight.py": "the variables that turn trackers off",
    "guarding/sinks.py": "the trackers that a running program may have imported",
}
"""Files and folders, and why names stand there."""
BESIDE = {
    "lora_block": ("peft-adapter", "wandb"),  # whose schema holds PEFT's keywords; whose sweep a block may be
    "qlora_pipe": ("axolotl",),  # whose data sets it loads
    "qlora_pipe_lite": ("qlora-pipe",),  # from which it was made
    "diffusion_pipe": ("unsloth",),  # whose way to recompute activations is one of its own
    **dict.fromkeys(("autotrain", "firefly", "ms_swift"), ("unsloth",)),  # which can load their models
    "llamafactory": ("unsloth", "wandb"),  # which can load its models; to which PPO reports
    "axolotl": ("unsloth",),  # whose kernels it had under that name
    "skyrl": ("tinker",),  # whose service it imitates
    "areal": ("megatron-bridge",),  # which puts its adapters on Megatron's models
    "diffusers_examples": ("wandb",),  # to which its scripts report
    "h2o_llmstudio": ("w&b",),  # to which it reports
    "mistral_finetune": ("wandb",),  # to which it reports
    "kohya": ("unsloth",),  # after which one of its options is called
    "easyr1": ("verl",),  # whose package has kept that name
    "llamafactory_v1": ("llama-factory",),  # whose next version it is
}
"""Modules of frameworks that name others, and which."""


def named(text: str) -> set[str]:
    """The names of frameworks in a module's code: its texts, identifiers and imports, but for docstrings."""
    tree = ast.parse(text)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    words: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            words.append(node.value)
        elif isinstance(node, ast.Constant) and isinstance(node.value, bytes):
            words.append(node.value.decode("latin-1"))
        elif isinstance(node, ast.Name):
            words.append(node.id)
        elif isinstance(node, ast.Attribute):
            words.append(node.attr)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            words.append(node.name)
        elif isinstance(node, ast.ImportFrom):
            words += [node.module or "", *(alias.name for alias in node.names)]
    return {match[0].lower() for word in words for match in _NAME.finditer(word.replace("_", "-"))} | {
        match[0].lower() for word in words for match in _NAME.finditer(word)
    }


def test_names_stand_in_their_modules() -> None:
    found: dict[str, set[str]] = {}
    for path in sorted(ROOT.rglob("*.py")):
        place = path.relative_to(ROOT).as_posix()
        if names := named(path.read_text(encoding="utf-8")):
            found[place] = names
    outside = {
        place: names - _own(place) for place, names in found.items() if not _allowed(place) and not names <= _own(place)
    }
    assert outside == {}
    assert {place for place in ALLOWED if not any(_within(each, place) for each in found)} == set()


def _own(place: str) -> set[str]:
    """The names that a framework's module may hold: its own, and those that it works with."""
    folder, _, file = place.rpartition("/")
    records = {f"{each.name}.py": each for each in registry.every()}
    tables = {each.name: refusals.table(each.name) for each in registry.every()}
    records |= {f"{table.others}.py": registry.framework(name) for name, table in tables.items() if table is not None}
    record = records.get(file) if folder in ("frameworks", "frameworks/refused_by") else None
    if record is None:
        return set()
    own = {record.name, record.name.replace("_", "-"), record.title.lower()}
    beside = BESIDE.get(record.name, ())
    return own | {*beside, *(name.replace("-", "_") for name in beside)}


def _allowed(place: str) -> bool:
    return any(_within(place, allowed) for allowed in ALLOWED)


def _within(place: str, allowed: str) -> bool:
    return place == allowed or place.startswith(f"{allowed}/")


@pytest.mark.parametrize(
    "line",
    [
        'if run.dialect == "axolotl": pass',
        'if run.framework.name in ("llamafactory", "ms_swift"): pass',
        "from lora_lint.frameworks import torchtune",
        'message = "LLaMA-Factory takes no regex"',
        'WORDS = (b"mlx_lm",)',
        "def _of_axolotl(): pass",
    ],
)
def test_a_name_that_is_put_back_is_found(line: str) -> None:
    assert named(line)


def test_a_docstring_may_name_one() -> None:
    assert named('"""As axolotl does it."""\nx = "lora"\n') == set()
