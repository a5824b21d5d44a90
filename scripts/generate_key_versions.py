"""Write lora_lint/knowledge/data/key_versions.json: which releases of a framework know each key of its files.

    python scripts/generate_key_versions.py [FOLDER]

Downloads the releases below into FOLDER, or into a temporary one, and reads the classes that take the settings as
scripts/generate_schemas.py does. A key is `since` the first release that has it and all that follow, and `until` the
first that lacks it, if all before have it from some release on. Keys that come and go are left out, and those that a
framework has from transformers or TRL in some releases and declares itself in others.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.generate_schemas import Package, configs_of_trl, data_read, fields, input_args  # noqa: E402
from scripts.list_refusals import unpacked  # noqa: E402

OUTPUT = ROOT / "lora_lint" / "knowledge" / "data" / "key_versions.json"
RELEASES = {
    "axolotl": (
        *("0.6.0", "0.7.0", "0.8.0", "0.8.1", "0.9.0", "0.9.1", "0.9.2", "0.10.0", "0.11.0", "0.12.0", "0.12.1"),
        *("0.12.2", "0.13.1", "0.13.2", "0.14.0", "0.15.0", "0.16.0", "0.16.1", "0.17.0", "0.18.0", "0.19.0"),
    ),
    "llamafactory": ("0.8.0", "0.8.1", "0.8.2", "0.8.3", "0.9.0", "0.9.1", "0.9.2", "0.9.3", "0.9.4", "0.9.5"),
    "mlx_lm": tuple(
        f"0.{minor}.{patch}"
        for minor, patches in (
            *((4, "0"), (5, "0"), (6, "0"), (7, "0"), (8, "0"), (9, "0"), (10, "0"), (11, "0"), (12, "01"), (13, "01")),
            *((14, "0123"), (15, "0123"), (16, "01"), (17, "01"), (18, "12"), (19, "0123"), (20, "123456")),
            *((21, "012345"), (22, "012345"), (23, "012"), (24, "01"), (25, "0123"), (26, "01234"), (27, "01")),
            *((28, "01234"), (29, "1"), (30, "024567"), (31, "123"), (32, "012")),
        )
        for patch in patches
    ),
    "ms_swift": tuple(
        f"{series}.{patch}"
        for series, patches in (
            *(("3.0", 4), ("3.1", 2), ("3.2", 3), ("3.3", 2), ("3.4", 2), ("3.5", 4), ("3.6", 5), ("3.7", 4)),
            *(("3.8", 4), ("3.9", 4), ("3.10", 4), ("3.11", 4), ("3.12", 7)),
            *(("4.0", 5), ("4.1", 4), ("4.2", 4), ("4.3", 3), ("4.4", 3), ("4.5", 4), ("4.6", 1)),
        )
        for patch in range(patches)
    ),
    "verl": ("0.4.0", "0.4.1", "0.5.0", "0.6.0", "0.6.1", "0.7.0", "0.7.1", "0.8.0", "0.9.0", "0.9.1"),
}
"""All releases from the first one that was read, the oldest first."""
BASES = {"transformers": ("4.40.0", "4.48.0", "4.57.0", "5.3.0"), "trl": ("0.9.6", "0.16.0", "0.24.0", "1.0.0")}
"""Releases of the packages whose arguments frameworks pass on."""
SELDOM = re.compile(
    r"profile|nsight|_target_|\.(?:qat|mtp|router_replay|veomni|torchtitan|rollout_correction|skip|prometheus|trace"
    r"|turbo_config|disaggregation|checkpoint_engine|custom_async_server|override_\w+|layer_name_map|engine_kwargs)\."
    r"|\.optim\.(?:muon|lr_\w+_style|lr_wsd)|^(?:transfer_queue|ray_init|ray_kwargs|reward|global|distillation|teacher)"
)
"""The keys of verl that are left out."""


def axolotl(package: Package) -> set[str]:
    classes = package.classes("utils/schemas/*.py") | package.classes("utils/config/models/input/v*/*.py")
    plugged = input_args(package)
    found = set(fields("AxolotlInputConfig", classes)) | set(fields("AxolotlConfigWCapabilities", classes))
    found |= data_read("AxolotlInputConfig", classes)
    for name, node in package.classes("integrations/*/args.py").items():
        if name in plugged:
            found |= set(fields(name, {name: node} | package.classes("integrations/*/args.py")))
    return found


def read_undeclared(package: Package) -> set[str]:
    """What a package takes from its settings: many keys were read long before they were declared."""
    found: set[str] = set()
    for path in package.root.rglob("*.py"):
        found |= set(re.findall(r"\bcfg\.(?:get\([\"'])?(\w+)", path.read_text("utf-8", "replace")))
    return found


def llamafactory(package: Package) -> set[str]:
    classes = package.classes("hparams/*.py")
    own = (name for name, node in classes.items() if name.endswith("Arguments") and node.decorator_list)
    return {key for name in own for key in fields(name, classes)}


def ms_swift(package: Package) -> set[str]:
    classes = package.classes("**/*arg*.py") | package.classes("**/*argument*/**/*.py")
    own = (name for name in classes if re.search(r"Arguments(Base|Mixin)?$|Mixin$|Config$", name))
    return {key for name in own for key in fields(name, classes)}


def mlx_lm(package: Package) -> set[str]:
    """The options of `mlx_lm.lora`, and the keys of its usual settings."""
    found: set[str] = set()
    for node in ast.walk(package.tree("lora.py")):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".add_argument"):
            names = [each.value for each in node.args if isinstance(each, ast.Constant)]
            found |= {name[2:].replace("-", "_") for name in names if name.startswith("--")}
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "CONFIG_DEFAULTS":
            found |= set(ast.literal_eval(node.value))
    return found


def verl(package: Package) -> set[str]:
    """The dotted keys that may be overridden without a `+`: those of the whole configurations that Hydra makes for
    PPO, without those that only measure, or that few set."""
    folder = package.root / "trainer" / "config"
    whole = list(folder.glob("_generated_ppo_*.yaml")) or [
        folder / f"ppo_{each}trainer.yaml" for each in ("", "megatron_")
    ]
    return {key for path in whole for key in dotted(yaml.safe_load(path.read_text("utf-8"))) if not SELDOM.search(key)}


def dotted(section: dict[str, Any], above: str = "") -> Iterator[str]:
    """The keys in a section, and in the sections below it."""
    for key, value in section.items():
        yield f"{above}{key}"
        if isinstance(value, dict):
            yield from dotted(value, f"{above}{key}.")


def passed_on(place: Path) -> set[str]:
    """The keys of transformers' and TRL's own arguments, of any release."""
    found: set[str] = set()
    for name, versions in BASES.items():
        for version in versions:
            package = Package(unpacked(name, version, place / f"{name}-{version}"), version)
            classes = package.classes("training_args*.py")
            found |= set(configs_of_trl(package) if name == "trl" else ())
            found |= {key for each in classes for key in fields(each, classes)}
    return found


READERS = {"axolotl": axolotl, "llamafactory": llamafactory, "mlx_lm": mlx_lm, "ms_swift": ms_swift, "verl": verl}


def lived(
    declared: list[set[str]], read: list[set[str]], others: set[str], versions: tuple[str, ...]
) -> dict[str, dict[str, str]]:
    """The declared keys that some of the releases lack, below their first release and below the first without them."""
    since: dict[str, list[str]] = {}
    until: dict[str, list[str]] = {}
    for key in sorted(set().union(*declared) - others):
        places = [place for place, keys in enumerate(zip(declared, read, strict=True)) if key in keys[0] | keys[1]]
        first, last = places[0], places[-1]
        if len(places) != last - first + 1:
            continue
        if first:
            since.setdefault(versions[first], []).append(key)
        if last + 1 < len(versions):
            until.setdefault(versions[last + 1], []).append(key)
    return {
        name: {version: " ".join(keys) for version, keys in found.items()}
        for name, found in (("since", since), ("until", until))
    }


def main(arguments: list[str]) -> int:
    found: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(arguments[0] if arguments else temporary)
        others = passed_on(place)
        for name, versions in RELEASES.items():
            packages = [Package(unpacked(name, each, place / f"{name}-{each}"), each) for each in versions]
            declared, read = list(map(READERS[name], packages)), list(map(read_undeclared, packages))
            found[name] = {"oldest": versions[0], **lived(declared, read, others, versions)}
    OUTPUT.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
