"""The modules of a model as the user's own transformers builds it, for `lora-lint learn`.

It runs in a process of its own, so that what it imports stays out of the command:

    python -m lora_lint.verify.structure.learned TYPE|FOLDER [MODULE …]

builds each class that transformers has for the config on the meta device, and prints the config and the modules in the
form of the architecture data. Nothing is downloaded, and no code of the model's own folder runs; the modules named
after the model are imported first, for types that they register.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from typing import Any

from lora_lint.knowledge.architectures import heads_of_loaders
from lora_lint.verify.experiment import Skip
from lora_lint.verify.weights import automatic, in_one_line, quiet


def document_of(name: str) -> dict[str, Any]:
    """The config of a model type, or of a folder with a config.json, and the modules of its classes.

    Raises ValueError, with a message for the user, if transformers builds no model of it.
    """
    import transformers

    config = config_of(name)
    version = transformers.__version__
    heads: dict[str, list[Any]] = {}
    nodes = _Nodes()
    failures: list[str] = []
    for head in heads_of_loaders():
        try:
            model = _built(head, config)
        except Skip:
            continue
        except Exception as error:  # each family fails in its own way where a size does not fit
            failures.append(in_one_line(error))
            continue
        if model is not None:
            heads[head] = [type(model).__name__, nodes.number(model), *_embeddings(model)]
    if not heads:
        reason = f": {failures[0]}" if failures else ""
        raise ValueError(f"transformers {version} builds no model of type {config.model_type}{reason}")
    fields = config.to_dict()
    entry = {"heads": heads, "fields": {}, "aliases": {}, "subs": {}, "spent": _deciding(fields), "unexplained": []}
    built = {"type": config.model_type, "by": f"transformers {version}", "nodes": nodes.rows}
    return {"config": fields, "modules": {**built, "versions": {version.partition(".")[0]: entry}}}


def config_of(name: str) -> Any:
    """The config of a folder, or the default one of a model type. Raises ValueError."""
    from transformers import AutoConfig

    try:
        if os.path.isdir(name):
            return AutoConfig.from_pretrained(name, local_files_only=True, trust_remote_code=False)
        return AutoConfig.for_model(name)
    except Exception as error:  # a config class may raise anything
        raise ValueError(in_one_line(error)) from None


def _built(head: str, config: Any) -> Any:
    """The model of a config with a head; None where there is no class for it. Raises Skip."""
    import torch

    loader = automatic(head)
    if type(config) not in getattr(loader, "_model_mapping", {}):
        return None
    with quiet(), torch.device("meta"):
        return loader.from_config(config, trust_remote_code=False)


def _embeddings(model: Any) -> list[str | None]:
    """The attribute of the base model, and where the embeddings are."""
    paths = {id(module): path for path, module in model.named_modules()}
    ways = (model.get_input_embeddings, model.get_output_embeddings)
    return [getattr(model, "base_model_prefix", ""), *(paths.get(id(_embedding_by(way))) for way in ways)]


def _embedding_by(way: Any) -> Any:
    try:
        return way()
    except (NotImplementedError, AttributeError):
        return None


class _Nodes:
    """The modules as nodes of the architecture data, equal ones once; all their sizes are plain numbers."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self._numbers: dict[str, int] = {}

    def number(self, model: Any) -> int:
        """The number of a model's node."""
        return self._number(model, set(), set())

    def _number(self, module: Any, seen: set[int], tensors: set[int]) -> int:
        seen.add(id(module))
        own: list[Any] = []
        for name, parameter in module._parameters.items():
            if parameter is not None:
                shared = id(parameter) in tensors
                own.append([name, list(parameter.shape), True, False] if shared else [name, list(parameter.shape)])
                tensors.add(id(parameter))
        children = [
            [name, self._number(child, seen, tensors)]
            for name, child in module._modules.items()
            if child is not None and id(child) not in seen
        ]
        kind = _kind(module)
        row = [kind, *_sizes(module, kind), own, children]
        text = json.dumps(row)
        if text not in self._numbers:
            self._numbers[text] = len(self.rows)
            self.rows.append(row)
        return self._numbers[text]


def _kind(module: Any) -> str:
    """The class that PEFT takes a module for, or the module's own."""
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    kinds = (nn.Linear, Conv1D, nn.Embedding, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.MultiheadAttention)
    lists = (nn.ModuleList, nn.ModuleDict, nn.ParameterList, nn.ParameterDict)
    found = next((each for each in (*kinds, *lists) if isinstance(module, each)), type(module))
    return found.__name__


def _sizes(module: Any, kind: str) -> tuple[int, int]:
    """The input and output size of a layer; of another module 0."""
    if kind == "Linear":
        return module.in_features, module.out_features
    if kind == "Conv1D":
        ins, outs = module.weight.shape
        return ins, outs
    if kind == "Embedding":
        return module.num_embeddings, module.embedding_dim
    if kind in ("Conv1d", "Conv2d", "Conv3d"):
        return module.in_channels, module.out_channels
    return (module.embed_dim, module.embed_dim) if kind == "MultiheadAttention" else (0, 0)


def _deciding(fields: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """The fields that may decide a module, by their dotted names: with other values nothing is certain."""
    found: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, dict):
            found |= _deciding(value, f"{prefix}{name}.") if name.endswith("config") else {}
        elif isinstance(value, bool | int | list) and not name.startswith("_") and not name.endswith("token_id"):
            found[f"{prefix}{name}"] = value
    return found


def main(arguments: list[str]) -> int:
    """Prints the document as JSON, or the reason why there is none; gives the exit status."""
    name, *modules = arguments
    sys.path.insert(0, os.getcwd())
    try:
        for module in modules:
            import_module(module)
        print(json.dumps(document_of(name)))
    except (ValueError, ImportError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
