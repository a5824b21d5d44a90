"""Write lora_lint/knowledge/data/schemas/*.json from the sources of the frameworks, which are parsed, never imported.

    python scripts/generate_schemas.py [--only DIALECT]… FOLDER…

Each folder holds unpacked wheels (`axolotl/`, `axolotl-0.19.0.dist-info/`, …) or is a site-packages folder; of what is
not on the package index it is a checkout, given as FOLDER@COMMIT. Of a package found twice all names are taken and the
types of the one found last, so name the folder of the oldest supported transformers first. The versions read are
recorded in each file. Only facts are kept: names of keys and the kinds of values they take; only the keys that bear on
an adapter and its training are given types.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import json
import re
from pathlib import Path
from typing import Any, Literal

OUTPUT = Path(__file__).parent.parent / "lora_lint" / "knowledge" / "data" / "schemas"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
TYPED = re.compile(
    r"^(?:.*(?:lora|peft|adapter|dora).*|learning_rate|lr|num_epochs|num_train_epochs|max_steps|load_in_[48]bit|"
    r".*batch_size|gradient_accumulation_steps|quantization_bit|max_samples|val_set_size|val_size|additional_target|"
    r"r|alpha_pattern|rank_pattern|target_modules|target_parameters|exclude_modules|modules_to_save|bias|"
    r"layers_to_transform|layers_pattern|init_lora_weights|inference_mode|fan_in_fan_out|quantize_base|finetuning_type)$"
)
NUMERIC_TEXT = {"type": "string", "pattern": r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$"}
WHOLE_TEXT = {"type": "string", "pattern": r"^\s*[-+]?\d+(\.0*)?\s*$"}
FLAG_TEXT = {"enum": ["true", "false", "True", "False", "yes", "no", "on", "off", "1", "0", "t", "f", "y", "n", 1, 0]}
RANK = re.compile(r"^(?:lora_)?(?:r|rank)$")
DROPOUT = re.compile(r"^lora_dropout$")
ALPHA = re.compile(r"^lora_alpha$")
COMMON: dict[str, Any] = {
    "numeric": {"anyOf": [{"type": ["number", "null"]}, NUMERIC_TEXT]},
    "whole": {"anyOf": [{"type": ["integer", "null"]}, WHOLE_TEXT]},
    "flag": {"anyOf": [{"type": ["boolean", "null"]}, FLAG_TEXT]},
    "rank": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]},
    "rank_or_text": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}, WHOLE_TEXT]},
    "share": {"anyOf": [{"type": "number", "minimum": 0}, {"type": "null"}, NUMERIC_TEXT]},
}
Schema = dict[str, Any]
Mode = Literal["plain", "pydantic", "argparse"]
"""What happens to a value: nothing; pydantic converts it; argparse converts text and lets everything else pass."""


class Package:
    """The classes and functions of one package."""

    def __init__(self, root: Path, version: str) -> None:
        self.root = root
        self.version = version
        self._trees: dict[str, ast.Module] = {}

    def tree(self, path: str) -> ast.Module:
        if path not in self._trees:
            self._trees[path] = ast.parse((self.root / path).read_text(encoding="utf-8"))
        return self._trees[path]

    def classes(self, pattern: str) -> dict[str, ast.ClassDef]:
        found = {}
        for path in sorted(self.root.glob(pattern)):
            for node in self.tree(path.relative_to(self.root).as_posix()).body:
                if isinstance(node, ast.ClassDef):
                    found[node.name] = node
        return found


def find(folders: list[Path], name: str, module: str | None = None) -> list[Package]:
    """The packages of one name; of a folder with several, the one with a version. `module` is what it is imported as,
    where that is another name."""
    found, module = [], module or name
    for folder in folders:
        infos = [*folder.glob(f"{name}-*.dist-info"), *folder.glob(f"{name}/{name}-*.dist-info")]
        for info in infos:
            version = info.name.removesuffix(".dist-info").removeprefix(f"{name}-")
            if (info.parent / module).is_dir():
                found.append(Package(info.parent / module, version))
    if not found:
        raise SystemExit(f"{name} is in none of the folders")
    return found


def checkout(folders: list[Path], telling: str, name: str) -> Package:
    """The repository with a file of that path, and the commit that was given for it."""
    for folder in folders:
        path, _, commit = str(folder).partition("@")
        if commit and (Path(path) / telling).is_file():
            return Package(Path(path), commit)
    raise SystemExit(f"{name} is in none of the folders (its repository, as FOLDER@COMMIT)")


def fields(name: str, classes: dict[str, ast.ClassDef]) -> dict[str, ast.expr]:
    """Field -> annotation of a dataclass or pydantic model with its bases, aliases as names of their own."""
    node = classes.get(name)
    if node is None:
        return {}
    found: dict[str, ast.expr] = {}
    for base in reversed(node.bases):
        found |= fields(ast.unparse(base).rpartition(".")[2], classes)
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name) and not item.target.id.startswith("_"):
            if "ClassVar" in ast.unparse(item.annotation):
                continue
            found[item.target.id] = item.annotation
            for call in ast.walk(item.value) if item.value else ():
                if isinstance(call, ast.keyword) and call.arg in ("alias", "validation_alias"):
                    for alias in ast.walk(call.value):
                        if isinstance(alias, ast.Constant) and isinstance(alias.value, str):
                            found[alias.value] = item.annotation
    return found


def data_read(name: str, classes: dict[str, ast.ClassDef]) -> set[str]:
    """Keys that the validators of a model and of its bases take from the raw data: old spellings, hidden switches."""
    node = classes.get(name)
    if node is None:
        return set()
    found = set()
    for base in node.bases:
        found |= data_read(ast.unparse(base).rpartition(".")[2], classes)
    for item in ast.walk(node):
        if isinstance(item, ast.Call) and isinstance(item.func, ast.Attribute) and item.func.attr in ("get", "pop"):
            owner, key = item.func.value, item.args[0] if item.args else None
        elif isinstance(item, ast.Subscript):
            owner, key = item.value, item.slice
        else:
            continue
        if isinstance(owner, ast.Name) and owner.id in ("data", "values", "cfg") and isinstance(key, ast.Constant):
            found.add(str(key.value))
    return found


def typed(annotation: ast.expr, mode: Mode) -> list[Schema] | None:
    """The alternatives that an annotation allows; None where anything may be right."""
    text = ast.unparse(annotation)
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return typed(ast.parse(annotation.value, mode="eval").body, mode)
    if isinstance(annotation, ast.Constant) and annotation.value is None:
        return [{"type": "null"}]
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        return union([annotation.left, annotation.right], mode)
    if isinstance(annotation, ast.Subscript):
        owner = ast.unparse(annotation.value).rpartition(".")[2]
        inner = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
        if owner in ("Optional", "Union"):
            return union([*inner, *([ast.Constant(None)] if owner == "Optional" else [])], mode)
        if owner == "Annotated":
            return typed(inner[0], mode)
        if owner == "Literal":
            return [{"enum": [ast.literal_eval(item) for item in inner]}]
        if owner in ("list", "List", "Sequence", "tuple", "Tuple"):
            return [{"type": "array"}, *([{"type": "string"}] if mode == "argparse" else [])]
        if owner in ("dict", "Dict", "Mapping"):
            return [{"type": "object"}]
        return None
    simple: dict[str, list[Schema]] = {
        "int": [{"type": "integer"}, *([WHOLE_TEXT] if mode != "plain" else [])],
        "PositiveInt": [{"type": "integer", "minimum": 1}],
        "float": [{"type": "number"}, NUMERIC_TEXT],
        "bool": [{"type": "boolean"}, *([FLAG_TEXT] if mode != "plain" else [])],
        "str": [{"type": "string"}],
        "dict": [{"type": "object"}],
        "list": [{"type": "array"}],
    }
    return simple.get(text)


def union(parts: list[ast.expr], mode: Mode) -> list[Schema] | None:
    found: list[Schema] = []
    for part in parts:
        inner = typed(part, mode)
        if inner is None:
            return None
        found += [schema for schema in inner if schema not in found]
    return found


def property_schema(key: str, annotation: ast.expr | None, mode: Mode) -> Schema:
    """The schema of one key. What PEFT checks beyond the annotation is added: a rank is at least 1, a dropout not
    negative; alpha may be any number where nothing makes it a whole one. Empty is the same as absent everywhere."""
    if annotation is None or not TYPED.match(key):
        return {}
    if RANK.match(key):
        return {"$ref": "#/$defs/rank" if mode == "plain" else "#/$defs/rank_or_text"}
    if DROPOUT.match(key):
        return {"$ref": "#/$defs/share"}
    if ALPHA.match(key) and mode != "pydantic":
        return {"$ref": "#/$defs/numeric"}
    every = typed(annotation, mode)
    if every is None:
        return {}
    kinds = list(dict.fromkeys([schema["type"] for schema in every if set(schema) == {"type"}] + ["null"]))
    rest = [schema for schema in every if set(schema) != {"type"}]
    if not rest:
        return {"type": kinds}
    schema = {"anyOf": [{"type": kinds}, *rest]}
    return next(({"$ref": f"#/$defs/{name}"} for name, common in COMMON.items() if common == schema), schema)


def write(name: str, title: str, versions: dict[str, str], document: Schema) -> None:
    comment = ", ".join(f"{package} {version}" for package, version in versions.items())
    written = json.dumps(document)
    used = {key: common for key, common in COMMON.items() if f'"#/$defs/{key}"' in written}
    document = document | {"$defs": document.get("$defs", {}) | used}
    head = {"$schema": DIALECT, "title": title, "$comment": comment, "type": "object"}
    lines = []
    for key, value in (head | document).items():
        if key in ("properties", "$defs"):
            inner = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(value.items()))
            lines.append(f" {json.dumps(key)}: {{\n{inner}\n }}")
        else:
            lines.append(f" {json.dumps(key)}: {json.dumps(value)}")
    OUTPUT.mkdir(parents=True, exist_ok=True)
    (OUTPUT / f"{name}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def properties(annotations: dict[str, ast.expr], others: set[str], mode: Mode) -> dict[str, Schema]:
    return {key: property_schema(key, annotations.get(key), mode) for key in sorted(annotations.keys() | others)}


def training_arguments(folders: list[Path], *names: str) -> tuple[dict[str, ast.expr], dict[str, str]]:
    """The fields of transformers' training arguments, of every version at hand."""
    found: dict[str, ast.expr] = {}
    versions = []
    for package in find(folders, "transformers"):
        classes = package.classes("training_args*.py")
        for name in names:
            found |= fields(name, classes)
        versions.append(package.version)
    return found, {"transformers": " and ".join(versions)}


def input_args(package: Package) -> set[str]:
    """The classes that axolotl's plugins name as their top-level settings."""
    found = set()
    for path in sorted(package.root.glob("integrations/**/*.py")):
        for node in ast.walk(package.tree(path.relative_to(package.root).as_posix())):
            if isinstance(node, ast.FunctionDef) and node.name == "get_input_args":
                values = (item.value for item in ast.walk(node) if isinstance(item, ast.Return))
                found |= {str(value.value).rpartition(".")[2] for value in values if isinstance(value, ast.Constant)}
    return found


def axolotl(folders: list[Path]) -> None:
    package = find(folders, "axolotl")[-1]
    classes = package.classes("utils/schemas/*.py")
    top = fields("AxolotlInputConfig", classes) | fields("AxolotlConfigWCapabilities", classes)
    others = data_read("AxolotlInputConfig", classes)
    plugged = input_args(package)
    for name, node in package.classes("integrations/*/args.py").items():
        if name not in plugged:
            continue
        local = {name: node} | package.classes("integrations/*/args.py")
        others |= fields(name, local).keys() | data_read(name, local)
    # Settings that the program takes from the raw configuration without declaring them.
    for path in ("loaders/adapter.py", "loaders/model.py", "train.py", "core/builders/base.py", "utils/data/rl.py"):
        for node in ast.walk(package.tree(path)):
            if (
                isinstance(node, ast.Attribute)
                and ast.unparse(node.value) in ("cfg", "self.cfg")
                and node.attr != "get"
            ):
                others.add(node.attr)
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "getattr" and len(node.args) > 1:
                owner, key = node.args[0], node.args[1]
                if ast.unparse(owner) in ("cfg", "self.cfg") and isinstance(key, ast.Constant):
                    others.add(str(key.value))
    document = {"additionalProperties": False, "properties": properties(top, others, "pydantic")}
    write("axolotl", "axolotl", {"axolotl": package.version}, document)


def llamafactory(folders: list[Path]) -> None:
    package = find(folders, "llamafactory")[-1]
    base, versions = training_arguments(folders, "TrainingArguments", "Seq2SeqTrainingArguments")
    classes = package.classes("hparams/*.py")
    own: dict[str, ast.expr] = {}
    for name, node in classes.items():
        if name.endswith("Arguments") and node.decorator_list:
            own |= fields(name, classes)
    names = properties(base | own, set(), "plain")
    for key in ("lora_target", "additional_target"):  # split at commas where they are text, else used as they are
        names[key] = {"type": ["string", "array", "null"]}
    parts = {"infer": {"additionalProperties": False, "properties": {key: {} for key in sorted(of_inference(classes))}}}
    document = {"additionalProperties": False, "properties": names, "$defs": parts}
    write("llamafactory", "LLaMA-Factory", {"llamafactory": package.version} | versions, document)


def of_inference(classes: dict[str, ast.ClassDef]) -> set[str]:
    """The keys that LLaMA-Factory takes where it trains nothing (hparams/parser.py, _INFER_ARGS)."""
    taken = ("ModelArguments", "DataArguments", "FinetuningArguments", "GeneratingArguments")
    return {key for name in taken for key in fields(name, classes)}


def llamafactory_v1(folders: list[Path]) -> None:
    package = find(folders, "llamafactory")[-1]
    classes = package.classes("v1/config/*.py")
    top: dict[str, ast.expr] = {}
    for name in ("ModelArguments", "DataArguments", "TrainingArguments", "SampleArguments"):
        top |= fields(name, classes)
    own = fields("LoraConfigDict", package.classes("v1/plugins/model_plugins/peft.py"))
    parts = {"peft_config": {"additionalProperties": False, "properties": properties(own, set(), "plain")}}
    names = {key: schema for key, schema in properties(top, set(), "argparse").items() if not key.endswith("_config")}
    names |= {key: {} for key in top if key.endswith("_config")}
    document = {"additionalProperties": False, "properties": names, "$defs": parts}
    write("llamafactory_v1", "LLaMA-Factory v1", {"llamafactory": package.version}, document)


def configs_of_trl(package: Package, without: tuple[str, ...] = ()) -> dict[str, ast.expr]:
    """The fields of all of TRL's training arguments and of those of its command line."""
    classes = package.classes("trainer/*_config.py") | package.classes("scripts/utils.py")
    classes |= package.classes("experimental/*/*_config.py") | package.classes("trainer/base_config.py")
    own: dict[str, ast.expr] = {}
    for name in classes:
        if name.endswith(("Config", "Arguments")) and name not in without:
            own |= fields(name, classes)
    return own


def trl(folders: list[Path]) -> None:
    package = find(folders, "trl")[-1]
    base, versions = training_arguments(folders, "TrainingArguments")
    own = configs_of_trl(package)
    document = {"additionalProperties": False, "properties": properties(base | own, {"env", "config"}, "argparse")}
    write("trl", "TRL", {"trl": package.version} | versions, document)


def torchtune(folders: list[Path]) -> None:
    package = find(folders, "torchtune")[-1]
    builders: dict[str, Schema] = {}
    for path in sorted(package.root.glob("models/*/_model_builders.py")):
        family = path.parent.name
        tree = package.tree(path.relative_to(package.root).as_posix())
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("lora_"):
                builders[f"{family}.{node.name}"] = builder(node)
        for node in tree.body:
            if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
                continue
            if isinstance(node.value, ast.Call):
                inner = node.value.args[0] if node.value.args else None
                if isinstance(inner, ast.Name) and f"{family}.{inner.id}" in builders:
                    name = node.targets[0].id
                    builders[f"{family}.{name}"] = {"$ref": f"#/$defs/{family}.{inner.id}"}
    top = set()
    for path in sorted((package.root.parent / "recipes").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("cfg", "self.cfg", "self._cfg"):
                top.add(node.attr)
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("cfg.get", "self.cfg.get") and node.args:
                key = node.args[0]
                if isinstance(key, ast.Constant):
                    top.add(str(key.value))
    top -= {"get", "pop", "items", "keys"}
    document = {"properties": {key: {} for key in top}, "$defs": builders}
    write("torchtune", "torchtune", {"torchtune": package.version}, document)


def builder(node: ast.FunctionDef) -> Schema:
    """The keywords of a model builder, with the defaults that are plain values."""
    found: dict[str, Schema] = {}
    arguments = [*node.args.args, *node.args.kwonlyargs]
    first_default = len(node.args.args) - len(node.args.defaults)
    defaults = dict(zip([argument.arg for argument in node.args.args[first_default:]], node.args.defaults, strict=True))
    for argument in arguments:
        schema = property_schema(argument.arg, argument.annotation, "plain")
        if argument.arg in defaults:
            with contextlib.suppress(ValueError):
                schema = schema | {"default": ast.literal_eval(defaults[argument.arg])}
        found[argument.arg] = schema
    if "lora_attn_modules" in found:
        names = {"enum": ["q_proj", "k_proj", "v_proj", "output_proj"]}
        found["lora_attn_modules"] = {"type": "array", "items": names}
    return {"type": "object", "properties": found, "additionalProperties": node.args.kwarg is not None}


def peft(folders: list[Path]) -> None:
    package = find(folders, "peft")[-1]
    classes = package.classes("tuners/lora/config.py") | package.classes("config.py")
    found = fields("LoraConfig", classes)
    names = properties(found, set(), "plain")
    names["bias"] = {"enum": ["none", "all", "lora_only"]}
    document = {"additionalProperties": False, "properties": names}
    write("peft_adapter", "PEFT", {"peft": package.version}, document)


def open_instruct(folders: list[Path]) -> None:
    package = checkout(folders, "open_instruct/dpo_utils.py", "open-instruct")
    own: dict[str, ast.expr] = {}
    for path in ("finetune", "dpo_utils", "dataset_transformation", "reward_modeling", "utils"):
        classes = package.classes(f"open_instruct/{path}.py")
        for name, node in classes.items():
            if node.decorator_list and name.endswith(("Arguments", "Args", "Config")):
                own |= fields(name, classes)
    document = {"additionalProperties": False, "properties": properties(own, set(), "argparse")}
    write("open_instruct", "open-instruct", {"open-instruct": package.version}, document)


def firefly(folders: list[Path]) -> None:
    package = checkout(folders, "component/argument.py", "Firefly")
    base, versions = training_arguments(folders, "TrainingArguments")
    own = fields("CustomizedArguments", package.classes("component/argument.py"))
    document = {"additionalProperties": False, "properties": properties(base | own, set(), "plain")}
    write("firefly", "Firefly", {"Firefly": package.version} | versions, document)


def autotrain(folders: list[Path]) -> None:
    package = find(folders, "autotrain_advanced", "autotrain")[-1]
    parts: dict[str, Schema] = {}
    for name, owner in (("clm", "LLMTrainingParams"), ("vlm", "VLMTrainingParams"), ("seq2seq", "Seq2SeqParams")):
        own = fields(owner, package.classes(f"trainers/{name}/params.py"))
        parts[name] = {"additionalProperties": False, "properties": properties(own, set(), "pydantic")}
    write("autotrain", "AutoTrain", {"autotrain-advanced": package.version}, {"properties": {}, "$defs": parts})


def mlx_lm(folders: list[Path]) -> None:
    package = find(folders, "mlx_lm")[-1]
    tree = package.tree("lora.py")
    defaults = next(
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "CONFIG_DEFAULTS"
    )
    assert isinstance(defaults, ast.Dict)
    usual = {ast.literal_eval(key): value for key, value in zip(defaults.keys, defaults.values, strict=True) if key}
    keys = set(usual) | {"hf_dataset"}  # taken from the raw configuration (tuner/datasets.py)
    lora = sorted({*ast.literal_eval(usual["lora_parameters"]), "keys"})
    kinds = {
        "rank": {"$ref": "#/$defs/rank"},
        "dropout": {"$ref": "#/$defs/share"},
        "scale": {"$ref": "#/$defs/plain_number"},
    }
    parts = {
        "lora": {"additionalProperties": False, "properties": {key: kinds.get(key, {}) for key in lora}},
        "plain_number": {"type": ["number", "null"]},
    }
    names: dict[str, Schema] = {key: {} for key in keys}
    names["fine_tune_type"] = {"enum": ["lora", "dora", "full", None]}
    names["num_layers"] = {"type": ["integer", "null"]}
    document = {"additionalProperties": False, "properties": names, "$defs": parts}
    write("mlx_lm", "mlx-lm", {"mlx-lm": package.version}, document)


def mistral_finetune(folders: list[Path]) -> None:
    package = checkout(folders, "finetune/wrapped_model.py", "mistral-finetune")
    top = fields("TrainArgs", package.classes("finetune/args.py"))
    own = fields("LoraArgs", package.classes("model/args.py"))
    lora = properties(own, set(), "plain")
    lora["rank"] = {"$ref": "#/$defs/rank"}
    lora["scaling"] = {"type": ["number", "null"]}
    lora["dropout"] = {"$ref": "#/$defs/share"}
    parts = {"lora": {"additionalProperties": False, "properties": lora}}
    names = properties(top, set(), "plain")
    names["max_steps"] = {"type": ["integer", "null"]}
    document = {"additionalProperties": False, "properties": names, "$defs": parts}
    write("mistral_finetune", "mistral-finetune", {"mistral-finetune": package.version}, document)


def keys_read(trees: list[ast.Module]) -> set[str]:
    """The keys that functions named `from_config` take from their `config`."""
    found = set()
    functions = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    for node in (part for each in functions if each.name == "from_config" for part in ast.walk(each)):
        key: ast.expr | None = None
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "config":
            key = node.slice
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "config.get":
            key = node.args[0]
        if isinstance(key, ast.Constant):
            found.add(key.value)
    return found


def moe_peft(folders: list[Path]) -> None:
    package = checkout(folders, "moe_peft/common/config.py", "MoE-PEFT")
    files = ("common/config.py", "trainer.py", "evaluator.py")
    paths = [*(f"moe_peft/{file}" for file in files)]
    paths += sorted(path.relative_to(package.root).as_posix() for path in package.root.glob("moe_peft/adapters/*/*.py"))
    adapter: dict[str, Schema] = {key: {} for key in sorted(keys_read([package.tree(path) for path in paths]))}
    adapter |= {
        "peft_type": {},
        "r": {"type": "integer", "minimum": 1},
        "lora_alpha": {"type": "integer", "minimum": 1},
        "lora_dropout": {"type": "number", "minimum": 0},
        "lora_init": {"enum": ["original", "gaussian"]},
        "target_modules": {"type": ["array", "object"]},
        "use_dora": {"type": "boolean"},
        "use_rslora": {"type": "boolean"},
    }  # as `LoraConfig.check` has it
    parts = {"adapter": {"properties": adapter}}
    write("moe_peft", "MoE-PEFT", {"MoE-PEFT": package.version}, {"properties": {}, "$defs": parts})


def unsloth_studio(folders: list[Path]) -> None:
    package = find(folders, "unsloth", "unsloth_cli")[-1]
    classes = package.classes("config.py")
    lora = properties(fields("LoraConfig", classes), set(), "pydantic")
    lora["target_modules"] = {"type": ["string", "array", "null"]}  # a list in the studio's files
    parts = {"lora": {"additionalProperties": False, "properties": lora}}
    write("unsloth_studio", "Unsloth", {"unsloth": package.version}, {"properties": {}, "$defs": parts})


def verl(folders: list[Path]) -> None:
    package = find(folders, "verl")[-1]
    own = fields("HFModelConfig", package.classes("workers/config/model.py"))
    names = properties(own, {"partial_pretrain", "fsdp_config", "strategy", "_target_"}, "plain")
    for key in ("lora_rank", "lora", "target_modules", "exclude_modules"):  # a rank of 0 turns LoRA off
        names[key] = {}
    parts = {"model": {"additionalProperties": False, "properties": names}}
    write("verl", "verl", {"verl": package.version}, {"properties": {}, "$defs": parts})


def ms_swift(folders: list[Path]) -> None:
    """The settings of 3.x and 4.x together, and those of 2.x, whose spellings differ."""
    packages = find(folders, "ms_swift", "swift")
    base, versions = training_arguments(folders, "TrainingArguments", "Seq2SeqTrainingArguments")
    trainers = find(folders, "trl")[-1]
    own: dict[str, dict[str, ast.expr]] = {"v2": {}, "later": {}, "megatron": {}}
    for package in packages:
        classes: dict[str, ast.ClassDef] = {}
        for pattern in ("**/*arg*.py", "**/*argument*/**/*.py"):
            classes |= package.classes(pattern)
        found = own["v2" if package.version.startswith("2.") else "later"]
        for name in classes:
            if re.search(r"Arguments(Base|Mixin)?$|Mixin$|Config$", name):
                found |= fields(name, classes)
            if re.fullmatch(r"Megatron\w*Arguments", name):
                own["megatron"] |= fields(name, classes)
    flags = {"ENV", "train", "rollout", "device_groups", "colocate_groups", "nproc_per_node"}
    theirs = configs_of_trl(trainers, ("ModelConfig", "ScriptArguments", "DatasetMixtureConfig"))
    names = properties(base | theirs | own["later"], flags | {"train_type"}, "argparse")
    older = properties(base | own["v2"], {"sft_type"}, "argparse")
    document = {"additionalProperties": False, "properties": names}
    megatron = {key: {} for key in sorted({*own["megatron"], *flags, "train_type"})}
    document["$defs"] = {
        "v2": {"additionalProperties": False, "properties": older},
        "megatron": {"additionalProperties": False, "properties": megatron},
    }
    told = {"ms-swift": " and ".join(package.version for package in packages), "trl": trainers.version}
    write("ms_swift", "ms-swift", told | versions, document)


def litgpt(folders: list[Path]) -> None:
    package = find(folders, "litgpt")[-1]
    body = package.tree("finetune/lora.py").body
    setup = next(node for node in body if isinstance(node, ast.FunctionDef) and node.name == "setup")
    own = {argument.arg: argument.annotation for argument in setup.args.args if argument.annotation is not None}
    # Its flags are parsed as YAML, so that text of a number or of a flag is one.
    names = properties(own, set(), "pydantic")
    train = properties(fields("TrainArgs", package.classes("args.py")), set(), "pydantic")
    parts = {"train": {"additionalProperties": False, "properties": train}}
    document = {"additionalProperties": False, "properties": names, "$defs": parts}
    write("litgpt", "LitGPT", {"litgpt": package.version}, document)


def ludwig(folders: list[Path]) -> None:
    package = checkout(folders, "ludwig/schema/llms/peft.py", "ludwig")
    adapters = package.classes("ludwig/schema/llms/peft.py")
    adapter = properties(fields("LoraConfig", adapters), set(), "pydantic")
    adapter |= {"alpha": {"$ref": "#/$defs/rank"}, "dropout": {"$ref": "#/$defs/share"}}
    trainers = package.classes("ludwig/schema/trainer.py")
    own: dict[str, ast.expr] = {}
    for name in trainers:
        own |= fields(name, trainers)
    parts = {"adapter": adapter, "trainer": properties(own, set(), "pydantic")}
    document = {
        "properties": {},
        "$defs": {name: {"additionalProperties": False, "properties": each} for name, each in parts.items()},
    }
    write("ludwig", "Ludwig", {"ludwig": package.version}, document)


def h2o_llmstudio(folders: list[Path]) -> None:
    package = checkout(folders, "llm_studio/python_configs/base.py", "h2o-llmstudio")
    classes = package.classes("llm_studio/python_configs/*.py")
    own: dict[str, ast.expr] = {}
    for name in classes:
        if name.endswith("Training"):
            own |= fields(name, classes)
    parts = {"training": {"additionalProperties": False, "properties": properties(own, set(), "plain")}}
    write("h2o_llmstudio", "H2O LLM Studio", {"h2o-llmstudio": package.version}, {"properties": {}, "$defs": parts})


def _option(call: ast.Call) -> dict[str, Any]:
    """What argparse takes as the value of an option: none (`const`), one of some words, a number, one text; nothing
    where that is not plain."""
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    action = given.get("action")
    if action is not None:
        is_flag = isinstance(action, ast.Constant) and action.value in ("store_true", "store_false")
        return {"const": True} if is_flag else {}
    kind = ast.unparse(given["type"]) if "type" in given else "str"
    if "nargs" in given or None in given or kind not in ("str", "int", "float"):
        return {}
    if "choices" in given:
        try:
            return {"enum": list(ast.literal_eval(given["choices"]))}
        except ValueError:
            return {}
    return {"type": {"int": "integer", "float": "number"}.get(kind, "string")}


def options_of(package: Package, script: str) -> dict[str, dict[str, Any]]:
    """The options of a script's parser, to which functions of its own module and of others add, and what each takes."""
    functions = {
        (path.stem, node.name): node
        for path in package.root.rglob("*.py")
        for node in package.tree(path.relative_to(package.root).as_posix()).body
        if isinstance(node, ast.FunctionDef)
    }
    by_name = {name: (module, name) for module, name in functions}
    module = Path(script).stem
    found: dict[str, dict[str, Any]] = {}
    seen: set[tuple[str, str]] = set()
    left = [
        (module, name) for name in ("setup_parser", "main", "parse_args", "get_args") if (module, name) in functions
    ]
    while left:
        at = left.pop()
        seen.add(at)
        for call in (node for node in ast.walk(functions[at]) if isinstance(node, ast.Call)):
            owner, _, name = ast.unparse(call.func).rpartition(".")
            if name == "add_argument":
                flags = [str(flag.value) for flag in call.args if isinstance(flag, ast.Constant)]
                names = [flag.lstrip("-").replace("-", "_") for flag in flags if flag.startswith("--")]
                if any("BooleanOptionalAction" in ast.unparse(keyword.value) for keyword in call.keywords):
                    names += [f"no_{name}" for name in names]
                for name in names:
                    takes = _option(call)
                    found[name] = takes if found.get(name, takes) == takes else {}
            elif re.search(r"parser|_arg", name):
                targets = [(owner, name)] if owner else [(at[0], name), by_name.get(name, at)]
                left += [target for target in targets if target in functions and target not in seen][:1]
    return found


def scripts(package: Package, name: str, title: str, trains: str, beside: tuple[str, ...]) -> None:
    """The options that all scripts for training have, and those that each script has in addition; `beside` are the
    scripts that prepare a training or use what comes of it."""
    paths = [path for pattern in (trains, *beside) for path in sorted(package.root.glob(pattern))]
    options = {path.name: options_of(package, path.name) for path in paths}
    trained = [options[path.name] for path in package.root.glob(trains)]
    common = set.intersection(*map(set, trained))
    shared = {key: trained[0][key] if all(own[key] == trained[0][key] for own in trained) else {} for key in common}
    own_keys = {script: sorted(own.keys() - common) for script, own in options.items()}
    parts = {script: {"properties": {key: options[script][key] for key in keys}} for script, keys in own_keys.items()}
    document = {"properties": {key: shared[key] for key in sorted(common)}, "$defs": parts}
    write(name, title, {title: package.version}, document)


def kohya(folders: list[Path]) -> None:
    package = checkout(folders, "sdxl_train_network.py", "sd-scripts")
    whole = (
        "fine_tune.py",
        "train_db.py",
        *(f"{model}_train.py" for model in ("anima", "flux", "lumina", "sd3", "sdxl")),
    )
    scripts(package, "kohya", "sd-scripts", "*train_network.py", whole)


def musubi_tuner(folders: list[Path]) -> None:
    package = checkout(folders, "wan_train_network.py", "musubi-tuner")
    scripts(package, "musubi_tuner", "musubi-tuner", "*_train_network.py", ("*_generate_*.py", "*_cache_*.py"))


def diffusers_examples(folders: list[Path]) -> None:
    package = checkout(folders, "examples/dreambooth/train_dreambooth_lora.py", "diffusers")
    examples = Package(package.root / "examples", package.version)
    scripts(examples, "diffusers_examples", "diffusers", "[!cr]*/train_[!cl]*lora*.py", ("cogvideo/*lora.py",))


GENERATORS = (axolotl, llamafactory, llamafactory_v1, trl, torchtune, peft)
GENERATORS += (open_instruct, firefly, autotrain, mlx_lm, mistral_finetune, unsloth_studio, verl, ms_swift, litgpt)
GENERATORS += (ludwig, h2o_llmstudio, moe_peft, kohya, musubi_tuner, diffusers_examples)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--only", action="append", choices=[generate.__name__ for generate in GENERATORS])
    arguments = parser.parse_args()
    for generate in GENERATORS:
        if arguments.only is None or generate.__name__ in arguments.only:
            generate(arguments.folders)


if __name__ == "__main__":
    main()
