"""Write lora_lint/knowledge/data/peft.json from the installed peft and transformers.

Run it with a Python that has both (`python scripts/generate_peft_facts.py`); the versions read are recorded in the
file. Only facts are kept: names, defaults, tables.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import textwrap
from pathlib import Path
from typing import Any

import peft
import transformers
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING, PEFT_TYPE_TO_TUNER_MAPPING
from peft.tuners import tuners_utils
from peft.tuners.lora import config as lora_config
from peft.tuners.lora.layer import dispatch_default
from peft.utils import constants, transformers_weight_conversion

OUTPUT = Path(__file__).parent.parent / "lora_lint" / "knowledge" / "data" / "peft.json"


def local_sets(function: Any) -> dict[str, list[str]]:
    """The set literals that a function assigns to local names, by name."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    return {
        node.targets[0].id: sorted(ast.literal_eval(node.value))
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Set) and isinstance(node.targets[0], ast.Name)
    }


def layer_kinds() -> list[str]:
    """The layer classes that LoRA's default dispatcher tests for with isinstance."""
    tree = ast.parse(inspect.getsource(dispatch_default))
    kinds = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
            kind = node.args[1]
            kinds.append(kind.attr if isinstance(kind, ast.Attribute) else ast.unparse(kind))
    return sorted(set(kinds) - {"BaseTunerLayer"})


def fields(config: type) -> dict[str, dict[str, Any]]:
    """Each field of a configuration class: annotation as written, default (null with `factory` where it is made)."""
    facts: dict[str, dict[str, Any]] = {}
    for field in dataclasses.fields(config):
        fact: dict[str, Any] = {"annotation": str(field.type), "default": None}
        if field.default is not dataclasses.MISSING:
            fact["default"] = field.default
        elif field.default_factory is not dataclasses.MISSING:
            made = field.default_factory()
            if isinstance(made, (list, dict)):
                fact["default"] = made
            else:
                fact["factory"] = type(made).__name__
        else:
            fact["required"] = True
        if not field.init:
            fact["init"] = False
        facts[field.name] = fact
    return facts


def methods() -> dict[str, dict[str, Any]]:
    """Each config class of a method other than LoRA: its type, its default targets where they are not LoRA's, and the
    modules that are fed forward by default."""
    usual = constants.TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING
    found: dict[str, dict[str, Any]] = {}
    for kind, config in sorted(PEFT_TYPE_TO_CONFIG_MAPPING.items(), key=lambda item: item[1].__name__):
        fact: dict[str, Any] = {"type": kind.value}
        tuner = PEFT_TYPE_TO_TUNER_MAPPING[kind]
        targets = getattr(tuner, "target_module_mapping", None)
        if config.__name__ == "IA3Config":
            targets = constants.TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING
            fact["feedforward"] = constants.TRANSFORMERS_MODELS_TO_IA3_FEEDFORWARD_MODULES_MAPPING
        if targets is None or "target_modules" not in {field.name for field in dataclasses.fields(config)}:
            fact["targets"] = None
        elif targets != usual:
            changed = {model: names for model, names in targets.items() if usual.get(model) != names}
            gone = sorted(set(usual) - set(targets))
            fact["targets"] = {"gone": gone, "changed": changed}
        found[config.__name__] = fact
    del found["LoraConfig"]
    return found


def facts() -> dict[str, Any]:
    """All that knowledge/matching.py and its neighbours read."""
    mamba = local_sets(tuners_utils._check_lora_target_modules_mamba)
    moe = transformers_weight_conversion
    return {
        "peft": peft.__version__,
        "transformers": transformers.__version__,
        "default_targets": constants.TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING,
        "layer_kinds": layer_kinds(),
        "classification_heads": constants.SEQ_CLS_HEAD_NAMES,
        "embedding_layers": constants.EMBEDDING_LAYER_NAMES,
        "all_linear": constants.INCLUDE_LINEAR_LAYERS_SHORTHAND,
        "condense_from": constants.MIN_TARGET_MODULES_FOR_OPTIMIZATION,
        "mamba": {"model_types": mamba["mamba_model_types"], "modules": mamba["incompatible_modules"]},
        "moe": {
            "model_types": {
                model_type: base
                for model_type, base in sorted(moe._MODEL_TO_CONVERSION_PATTERN.items())
                if moe._MOE_TARGET_MODULE_MAPPING.get(base) and moe._MOE_FUSED_TARGETS.get(base)
            },
            "names": moe._MOE_TARGET_MODULE_MAPPING,
            "fused": moe._MOE_FUSED_TARGETS,
        },
        "methods": methods(),
        "lora_config": fields(lora_config.LoraConfig),
    }


if __name__ == "__main__":
    OUTPUT.write_text(json.dumps(facts(), indent=1) + "\n", encoding="utf-8")
    print(f"{OUTPUT}: peft {peft.__version__}, transformers {transformers.__version__}")
