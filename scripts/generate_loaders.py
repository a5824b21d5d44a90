"""Writes lora_lint/knowledge/data/loaders.json: the types of models that each class of transformers loads.

    python scripts/generate_loaders.py WHEEL…

WHEEL is a wheel of transformers. A class loads a type if it does in any of them. Nothing of them is run.
"""

from __future__ import annotations

import argparse
import ast
import re
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "lora_lint" / "knowledge" / "data" / "loaders.json"
MAPPING = "transformers/models/auto/modeling_auto.py"
CLASS = re.compile(r"^class (AutoModelFor\w+)\(_BaseAutoModelClass\):\s+_model_mapping = (\w+)_MAPPING\b", re.MULTILINE)
LOADERS = (
    *("AutoModelForCausalLM", "AutoModelForImageTextToText", "AutoModelForVision2Seq", "AutoModelForSeq2SeqLM"),
    *("AutoModelForSequenceClassification", "AutoModelForTokenClassification", "AutoModelForMaskedLM"),
    *("AutoModelForQuestionAnswering", "AutoModelForSpeechSeq2Seq", "AutoModelForCTC"),
    *("AutoModelForImageClassification", "AutoModelForAudioClassification"),
)
"""The classes that programs for LoRA load models with."""


def types_in(wheel: Path) -> dict[str, set[str]]:
    """The types that each class loads in a release."""
    with zipfile.ZipFile(wheel) as files:
        text = files.read(MAPPING).decode()
    mappings: dict[str, set[str]] = {}
    for statement in ast.parse(text).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            name = statement.targets[0].id
            if name.endswith("_MAPPING_NAMES"):
                nodes = list(ast.walk(statement.value))
                pairs = (node.elts[0] for node in nodes if isinstance(node, ast.Tuple) and len(node.elts) == 2)
                mappings[name] = {each.value for each in pairs if isinstance(each, ast.Constant)}
                named = (node.id for node in nodes if isinstance(node, ast.Name))
                mappings[name] |= set().union(*(mappings.get(each, set()) for each in named))
    return {
        loader: mappings[f"{mapping}_MAPPING_NAMES"] for loader, mapping in CLASS.findall(text) if loader in LOADERS
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheels", type=Path, nargs="+", metavar="WHEEL")
    loaded: dict[str, set[str]] = {}
    for wheel in parser.parse_args().wheels:
        for loader, types in types_in(wheel).items():
            loaded.setdefault(loader, set()).update(types)
    lines = ",\n".join(f'"{loader}": "{" ".join(sorted(loaded[loader]))}"' for loader in LOADERS)
    OUTPUT.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
    print({loader: len(types) for loader, types in loaded.items()})


if __name__ == "__main__":
    main()
