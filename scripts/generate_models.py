"""Writes lora_lint/knowledge/data/{models,shapes}.tsv from the frameworks' own tables and the lists beside this script.

    python scripts/generate_models.py --transformers DIR --litgpt DIR --ms-swift DIR --unsloth DIR

Each DIR is the package's folder (the one with its `__init__.py`). Nothing of the packages is imported but litgpt's
`config.py`; the others are read with `ast`. Facts only: ids, class names, sizes. What no source states is left out.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import json
import re
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

HERE = Path(__file__).parent
DATA = HERE.parent / "lora_lint" / "knowledge" / "data"
UNKNOWN = "?"
Rows: TypeAlias = "dict[str, list[str]]"
"""By the lower-case id: the id, its model type, its shape, and the mark of the source."""
QUANTIZED = re.compile(r"(?i)-(awq|gptq-int[48]|int[48]|fp8|4bits|8bits|bnb-4bit|unsloth-bnb-4bit|gguf)$")

# Class names whose code lives in the models' own repositories: their model_type on the hub.
REMOTE = {
    "InternVLChatModel": "internvl_chat",
    "InternLM2ForCausalLM": "internlm2",
    "InternLMForCausalLM": "internlm",
    "InternLM3ForCausalLM": "internlm3",
    "QWenLMHeadModel": "qwen",
    "XverseForCausalLM": "xverse",
    "BaichuanForCausalLM": "baichuan",
    "ChatGLMModel": "chatglm",
    "MiniCPMForCausalLM": "minicpm",
    "MiniCPMV": "minicpmv",
    "OrionForCausalLM": "orion",
    "DeepseekForCausalLM": "deepseek",
    "Phi3SmallForCausalLM": "phi3small",
    "Phi3VForCausalLM": "phi3_v",
    "PhiMoEForCausalLM": "phimoe",
    "Ernie4_5_ForCausalLM": "ernie4_5",
    "SkyworkForCausalLM": "skywork",
    "MultiModalityCausalLM": "multi_modality",
    "DeepseekOCRForCausalLM": "deepseek_vl_v2",
    "KimiVLForConditionalGeneration": "kimi_vl",
    "CogVLMForCausalLM": "cogvlm",
    "MolmoForCausalLM": "molmo",
    "BailingMoeForCausalLM": "bailing_moe",
    "BailingMoeV2ForCausalLM": "bailing_moe",
    "InternLM2ForRewardModel": "internlm2",
    "LlavaLlamaForCausalLM": "llava_llama",
    "LlavaMistralForCausalLM": "llava_mistral",
    "LlavaQwenForCausalLM": "llava_qwen",
    "MiniCPMO": "minicpmo",
    "Ovis": "ovis",
    "Ovis2_5": "ovis",
    "YuanForCausalLM": "yuan",
}
# One class that several types share: the type of the ids that name the class.
SHARED = {
    "LlamaForCausalLM": "llama",
    "Gemma3ForConditionalGeneration": "gemma3",
    "GPT2LMHeadModel": "gpt2",
    "GotOcr2ForConditionalGeneration": "got_ocr2",
    "KimiK25ForConditionalGeneration": "kimi_k25",
}


def class_types(transformers: Path) -> dict[str, str]:
    """Class name -> model type, from the auto classes; names that several types share only as SHARED says."""
    found: dict[str, set[str]] = {}
    tree = ast.parse((transformers / "models/auto/modeling_auto.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Tuple) and len(node.elts) == 2 and isinstance(node.elts[0], ast.Constant):
            for leaf in ast.walk(node.elts[1]):
                if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str):
                    found.setdefault(leaf.value, set()).add(str(node.elts[0].value))
    types = {name: next(iter(types)) for name, types in found.items() if len(types) == 1}
    return {**types, **REMOTE, **SHARED}


def checkpoints(transformers: Path, known: Collection[str]) -> Iterator[tuple[str, str]]:
    """Hub ids with their types: those that transformers names as the checkpoint of one type's config class.

    `known` are left out: ids of parts of a model, of several types or of no model, as the supplement lists them.
    """
    stated: dict[str, set[str]] = {}
    for path in sorted(transformers.glob("models/*/configuration_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.ClassDef):
                continue
            named = [each for call in node.decorator_list if isinstance(call, ast.Call) for each in call.keywords]
            ids = [
                each.value.value for each in named if each.arg == "checkpoint" and isinstance(each.value, ast.Constant)
            ]
            for name in ids:
                stated.setdefault(name, set()).update(types_of(node))
    for name, types in stated.items():
        shortest = min(types, key=len, default="")
        if "/" in name and name not in known and types and all(each.startswith(shortest) for each in types):
            yield name, shortest


def types_of(config: ast.ClassDef) -> Iterator[str]:
    """The `model_type` of a config class."""
    for each in config.body:
        stated = isinstance(each, ast.Assign) and isinstance(each.value, ast.Constant)
        if stated and ast.unparse(each.targets[0]) == "model_type":
            yield each.value.value


def swift_ids(swift: Path, types: dict[str, str]) -> Iterator[tuple[tuple[str, ...], str]]:
    """(ids, type) of the models registered in ms-swift; the ids are those of one model on both hubs, and the type is
    "?" where the class is not known."""
    for path in sorted((swift / "model/models").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ModelMeta"):
                continue
            classes = [
                leaf.value
                for keyword in node.keywords
                if keyword.arg == "architectures"
                for leaf in ast.walk(keyword.value)
                if isinstance(leaf, ast.Constant)
            ]
            known = {types[name] for name in classes if name in types}
            model_type = known.pop() if len(known) == 1 else UNKNOWN
            for model in ast.walk(node):
                if isinstance(model, ast.Call) and getattr(model.func, "id", "") == "Model":
                    names = [a.value for a in reversed(model.args[:2]) if isinstance(a, ast.Constant) and a.value]
                    yield tuple(str(name) for name in names), model_type


def litgpt_shapes(litgpt: Path, type_of: dict[str, str]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(id, type, config fields) of litgpt's table, for the ids that `type_of` has a type for."""
    module = load(litgpt / "config.py")
    for entry in module.configs:
        source = entry["hf_config"]
        name = f"{source['org']}/{source['name']}"
        model_type = type_of.get(name)
        if model_type is None:
            print("litgpt: no type for", name, file=sys.stderr)
            continue
        if model_type == UNKNOWN or "Platypus2-70B" in name:  # a Llama 2 70B, but without its 8 key-value heads there
            continue
        fields = translate(module.Config(**entry), model_type)
        if fields is not None:
            yield name, model_type, fields


def translate(config: Any, model_type: str) -> dict[str, Any] | None:
    """litgpt's sizes under the names of the transformers config class of `model_type`."""
    common = {
        "hidden_size": config.n_embd,
        "num_hidden_layers": config.n_layer,
        "num_attention_heads": config.n_head,
        "vocab_size": config.padded_vocab_size,
    }
    if model_type == "falcon":
        new = config.n_layer != 32  # 7B is multi-query, the larger ones have the newer decoder with grouped queries
        heads = {"num_kv_heads": config.n_query_groups} if new else {"multi_query": True}
        return {**common, **heads, "new_decoder_architecture": new, "parallel_attn": True, "bias": False}
    fields = {**common, "intermediate_size": config.intermediate_size}
    if model_type == "gpt_neox":
        return fields
    fields["num_key_value_heads"] = config.n_query_groups
    if model_type in ("gemma", "gemma2", "gemma3_text", "qwen3", "qwen3_moe") or (
        config.head_size != config.n_embd // config.n_head
    ):
        fields["head_dim"] = config.head_size
    if model_type == "mixtral":
        fields["num_local_experts"] = config.n_expert
    if model_type == "qwen3_moe":
        fields["num_experts"] = config.n_expert
        fields["moe_intermediate_size"] = config.moe_intermediate_size
        fields |= {"decoder_sparse_step": 1, "mlp_only_layers": []}  # experts in every layer
    if model_type == "gemma3":  # the vision tower is not in litgpt: the text part alone does not decide the whole
        return None
    return fields


def unsloth_ids(unsloth: Path) -> Iterator[tuple[str, str]]:
    """(id under unsloth/, id of the original) as unsloth's mapper pairs them."""
    tree = ast.parse((unsloth / "models/mapper.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict) and len(node.value.keys) > 50:
            for key, value in ast.literal_eval(node.value).items():
                names = list(value["16"]) + list(value.get("8", ())) if isinstance(value, dict) else list(value)
                originals = [name for name in names if name and not name.startswith("unsloth/")]
                if originals:
                    for name in [key, *names]:
                        if name and name.startswith("unsloth/"):
                            yield name, originals[0]


def ids_by_hand(supplement: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(id, type, mark of the source) of the supplement's ids."""
    for model_type, groups in supplement["ids"].items():
        for mark, names in groups.items():
            for name in names:
                yield name, model_type, mark


def ids_by_class() -> Iterator[list[str]]:
    """[id, type, mark of the source, shape] of models whose class and sizes a public table states."""
    for line in (HERE / "models_by_class.tsv").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            yield line.split("\t")


def name_shapes(rows: Rows, supplement: Mapping[str, Any]) -> None:
    """Gives ids the shape that is named for them, or that of an id that the supplement says they are like."""
    for row in rows.values():
        for key, rule in supplement["shapes"].items() if not row[2] else ():
            if row[1] == rule["type"] and any(re.fullmatch(p, row[0], re.IGNORECASE) for p in rule["ids"]):
                row[2] = key
                break
    for name, model_type, _, shape in ids_by_class():
        row = rows[name.lower()]
        if row[1] == model_type:
            row[2] = row[2] or shape
    for like, patterns in supplement["like"].items():
        twin = rows[like.lower()]
        for lower, row in rows.items():
            if not row[2] and twin[1] == row[1] and any(re.fullmatch(p, lower, re.I) for p in patterns):
                row[2] = twin[2]


def share_shapes(rows: Rows, twins: Sequence[tuple[Sequence[str], str]], copies: Sequence[tuple[str, str]]) -> None:
    """Gives ids without a shape that of what they are copies of."""
    for name, original in copies:
        row, base = rows.get(name.lower()), rows.get(original.lower())
        if row and base and row[1] == base[1] and not row[2]:
            row[2] = base[2]
    for names, _ in twins:
        same = [rows[name.lower()] for name in names]
        shape = next((row[2] for row in same if row[2]), "")
        for row in same:
            if row[1] == same[0][1]:
                row[2] = row[2] or shape
    for row in rows.values():  # 4-bit and 8-bit copies have the sizes of what they are copies of
        base = rows.get(QUANTIZED.sub("", row[0]).lower())
        if base and base[1] == row[1] and base[2] and not row[2]:
            row[2] = base[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for package in ("transformers", "litgpt", "ms-swift", "unsloth"):
        parser.add_argument(f"--{package}", type=Path, required=True)
    options = parser.parse_args()
    supplement = json.loads((HERE / "models_supplement.json").read_text(encoding="utf-8"))
    types = class_types(options.transformers)

    rows: Rows = {}
    shapes: dict[str, tuple[dict[str, Any], str]] = {}

    def add(name: str, model_type: str, mark: str) -> None:
        rows.setdefault(name.lower(), [name, model_type, "", mark])

    for name, model_type, mark in ids_by_hand(supplement):
        add(name, model_type, mark)
    for name, model_type, mark, _ in ids_by_class():
        add(name, model_type, mark)
    twins = list(swift_ids(options.ms_swift, types))
    for names, model_type in twins:
        for name in names:
            add(name, model_type, "s")
    for name, model_type in checkpoints(options.transformers, supplement["no checkpoints"]):
        add(name, model_type, "c")
    type_of = litgpt_types(options.litgpt, supplement) | {row[0]: row[1] for row in rows.values()}
    keys: dict[str, str] = {}
    for name, model_type, fields in litgpt_shapes(options.litgpt, type_of):
        add(name, model_type, "l")
        if any(re.fullmatch(p, name, re.IGNORECASE) for rule in supplement["shapes"].values() for p in rule["ids"]):
            continue
        if re.search(supplement["tied"], name):
            fields["tie_word_embeddings"] = True
        signature = model_type + json.dumps(fields, sort_keys=True)
        key = keys.setdefault(signature, name.split("/")[1].lower())
        shapes.setdefault(key, (fields, "litgpt config.py"))
        rows[name.lower()][2] = key
    for key, rule in supplement["shapes"].items():
        shapes[key] = (rule["config"], rule["source"])
    for name, original in unsloth_ids(options.unsloth):
        base = rows.get(original.lower())
        if base is not None and name.lower() not in rows:
            mark = "u!" if "bnb-4bit" in name and base[1] in supplement["rewritten"] else "u"
            rows[name.lower()] = [name, base[1], base[2], mark]
    name_shapes(rows, supplement)
    share_shapes(rows, twins, list(unsloth_ids(options.unsloth)))
    write_tables(rows, shapes, supplement)


def write_tables(rows: Rows, shapes: Mapping[str, tuple[dict[str, Any], str]], supplement: Mapping[str, Any]) -> None:
    """Writes both tables, and prints what is lacking."""
    used = {row[2] for row in rows.values()}
    for key in sorted(set(shapes) - used):
        print("shape without an id:", key, file=sys.stderr)
    heads = [f"#{mark}\t{text}" for mark, text in supplement["sources"].items()]
    table = ["\t".join(row) for _, row in sorted(rows.items())]
    write(DATA / "models.tsv", [*heads, *table])
    write(
        DATA / "shapes.tsv",
        [
            f"{key}\t{json.dumps(config, separators=(',', ':'))}\t{source}"
            for key, (config, source) in sorted(shapes.items())
            if key in used
        ],
    )
    complete = sum(1 for row in rows.values() if row[2])
    unknown = sum(1 for row in rows.values() if row[1] == UNKNOWN)
    print(f"{len(rows)} ids: {complete} with sizes, {len(rows) - complete - unknown} type only, {unknown} kept unknown")


def litgpt_types(litgpt: Path, supplement: Mapping[str, Any]) -> dict[str, str]:
    """The model types of litgpt's ids by the families of the supplement, of which the first that fits counts."""
    types: dict[str, str] = {}
    for pattern, model_type in supplement["litgpt_families"].items():
        for name in litgpt_names(litgpt):
            if re.match(pattern, name):
                types.setdefault(name, model_type)
    return types


def litgpt_names(litgpt: Path) -> list[str]:
    return [f"{entry['hf_config']['org']}/{entry['hf_config']['name']}" for entry in load(litgpt / "config.py").configs]


@cache
def load(path: Path) -> Any:
    """The module in a file, imported by itself."""
    spec = importlib.util.spec_from_file_location("litgpt_config", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["litgpt_config"] = module
    spec.loader.exec_module(module)
    return module


def write(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
