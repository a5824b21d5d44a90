"""Write lora_lint/knowledge/data/signatures.json from the installed peft, transformers and trl, and unsloth's source.

Run it with a Python that has the three (`python scripts/generate_signatures.py path/to/unsloth`); the argument is an
unpacked wheel or a checkout of unsloth, which is parsed and never imported. The versions read are recorded in the
file. Only facts are kept: the names of keywords, their annotations and their defaults.
"""

from __future__ import annotations

import ast
import dataclasses
import enum
import importlib
import inspect
import json
import re
import sys
from pathlib import Path
from typing import Any

import peft
import transformers
import trl

OUTPUT = Path(__file__).parent.parent / "lora_lint" / "knowledge" / "data" / "signatures.json"
ADAPTERS = (
    *("LoraConfig", "AdaLoraConfig", "LoHaConfig", "LoKrConfig", "IA3Config", "VeraConfig", "OFTConfig", "BOFTConfig"),
    *("FourierFTConfig", "HRAConfig", "VBLoRAConfig", "RandLoraConfig", "XLoraConfig", "LoraRuntimeConfig"),
    *("LoftQConfig", "EvaConfig"),
    *("AdamssConfig", "C3AConfig", "DeftConfig", "DeloraConfig", "FrodConfig", "GraloraConfig", "HiraConfig"),
    *("LilyConfig", "MissConfig", "PeanutConfig", "PsoftConfig", "PveraConfig", "RoadConfig", "ShadowConfig"),
    *("SupertuningConfig", "TinyLoraConfig", "UniLoraConfig", "WaveFTConfig", "PromptTuningConfig"),
    *("AdaptionPromptConfig", "BeftConfig", "CPTConfig", "CartridgeConfig", "GloraConfig", "LNTuningConfig"),
    *("MultitaskPromptTuningConfig", "OSFConfig", "PolyConfig", "PrefixTuningConfig", "PromptEncoderConfig"),
    *("ShiraConfig", "TrainableTokensConfig", "ArrowConfig", "BdLoraConfig", "KasaConfig"),
    *("LoraGAConfig", "MontecloraConfig", "VeloraConfig"),
)
QUANTIZERS = ("BitsAndBytesConfig", "GPTQConfig", "QuantoConfig", "EetqConfig")
ARGUMENTS = (
    (transformers, ("TrainingArguments", "Seq2SeqTrainingArguments")),
    (trl, ("SFTConfig", "DPOConfig", "GRPOConfig", "RewardConfig", "KTOConfig", "RLOOConfig")),
    (trl, ("ModelConfig", "ScriptArguments", "DatasetMixtureConfig")),
)
EXPERIMENTAL = {
    "trl.experimental.orpo": ("ORPOConfig",),
    "trl.experimental.cpo": ("CPOConfig",),
    "trl.experimental.gkd": ("GKDConfig",),
    "trl.experimental.online_dpo": ("OnlineDPOConfig",),
}
UNSLOTH = {
    "FastLanguageModel.get_peft_model": ("models/llama.py", "FastLlamaModel", "get_peft_model"),
    "FastVisionModel.get_peft_model": ("models/vision.py", "FastBaseModel", "get_peft_model"),
    "FastModel.get_peft_model": ("models/vision.py", "FastBaseModel", "get_peft_model"),
    "FastLanguageModel.from_pretrained": ("models/loader.py", "FastLanguageModel", "from_pretrained"),
    "FastModel.from_pretrained": ("models/loader.py", "FastModel", "from_pretrained"),
    "FastVisionModel.from_pretrained": ("models/loader.py", "FastModel", "from_pretrained"),
}
_UNSET = dataclasses.MISSING


def entry(annotation: str, default: Any) -> list[Any]:
    """[annotation, default]; the default is left out where there is none, or none that is a plain value."""
    annotation = re.sub(r"<class '(?:\w+\.)*(\w+)'>", r"\1", annotation).replace("typing.", "")
    if isinstance(default, enum.Enum):
        default = default.value
    if default is _UNSET:
        return [annotation]
    try:
        json.dumps(default)
    except TypeError:
        return [annotation]
    return [annotation, default]


def fields(config: type) -> dict[str, list[Any]]:
    """The keywords of a configuration class."""
    found = {}
    for field in dataclasses.fields(config):
        if not field.init:
            continue
        default = field.default
        if field.default_factory is not _UNSET:
            made = field.default_factory()
            default = made if isinstance(made, (list, dict)) else _UNSET
        found[field.name] = entry(str(field.type), default)
    return found


def own(config: type) -> dict[str, Any]:
    """The keywords of an arguments class; of one that extends TrainingArguments only what differs."""
    every = fields(config)
    base = transformers.TrainingArguments
    if config is base or not issubclass(config, base):
        return {"version": version_of(config), "keywords": every}
    inherited = fields(base)
    changed = {name: value for name, value in every.items() if inherited.get(name) != value}
    return {"version": version_of(config), "base": base.__name__, "keywords": changed}


def constructor(config: type) -> dict[str, Any]:
    """The keywords of a class that is no dataclass, without those that it passes over."""
    parameters = [each for each in inspect.signature(config).parameters.values() if each.kind is not each.VAR_KEYWORD]
    found = {
        each.name: entry("", _UNSET if each.default is inspect.Parameter.empty else each.default) for each in parameters
    }
    return {"version": version_of(config), "open": True, "keywords": found}


def version_of(config: type) -> str:
    package = config.__module__.partition(".")[0]
    return f"{package} {sys.modules[package].__version__}"


def function(path: Path, owner: str, name: str) -> tuple[dict[str, list[Any]], bool]:
    """The keywords of a method that is only parsed, and whether it takes any other ones too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    constants = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    (method,) = (
        node
        for group in tree.body
        if isinstance(group, ast.ClassDef) and group.name == owner
        for node in group.body
        if isinstance(node, ast.FunctionDef) and node.name == name
    )
    arguments = method.args.args[-len(method.args.defaults) :]
    found = {}
    for argument, default in zip(arguments, method.args.defaults, strict=True):
        node = constants.get(default.id, default) if isinstance(default, ast.Name) else default
        try:
            value = ast.literal_eval(node)
        except ValueError:
            value = _UNSET
        found[argument.arg] = entry("", value)
    return found, method.args.kwarg is not None


def unsloth(root: Path) -> dict[str, Any]:
    package = root / "unsloth" if (root / "unsloth" / "models").is_dir() else root
    metadata = next(root.glob("unsloth-*.dist-info"), None)
    version = metadata.name.removesuffix(".dist-info").removeprefix("unsloth-") if metadata else "unknown"
    made = {}
    for label, (path, owner, name) in UNSLOTH.items():
        keywords, is_open = function(package / path, owner, name)
        made[label] = {"version": f"unsloth {version}", "open": is_open, "keywords": keywords}
    return made


def main() -> None:
    classes: dict[str, Any] = {}
    for name in ADAPTERS:
        config = getattr(peft, name)
        classes[name] = {"version": version_of(config), "keywords": fields(config)}
    for name in QUANTIZERS:
        classes[name] = constructor(getattr(transformers, name))
    for module, names in ARGUMENTS:
        for name in names:
            classes[name] = own(getattr(module, name))
    for path, names in EXPERIMENTAL.items():
        module = importlib.import_module(path)
        for name in names:
            classes[name] = own(getattr(module, name))
    assert "kwargs" not in inspect.signature(peft.LoraConfig.__init__).parameters
    classes |= unsloth(Path(sys.argv[1]))
    lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in classes.items()]
    OUTPUT.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
