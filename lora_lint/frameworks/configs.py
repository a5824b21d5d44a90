"""YAML and JSON files: which dialect they speak.

A dialect is one module beside this one, with

    NAME         as `Run.dialect` has it
    recognises   (document) -> whether a mapping is a file of that framework, whatever it trains
    read         (document, project) -> the runs, none where it is not about LoRA

and one line in `DIALECTS`: the module's name, the kinds of file, and words that each of its files holds (a line for
each such set of words), so that most files are passed over without being parsed. The first that recognises a document
reads it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lora_lint.run.run import Reading

if TYPE_CHECKING:
    from lora_lint.project import Project
    from lora_lint.readers.nodes import Node
    from lora_lint.source import SourceFile

DIALECTS: tuple[tuple[str, tuple[str, ...], tuple[bytes, ...]], ...] = (
    ("peft_adapter", ("json",), (b'"peft_type"',)),
    ("wandb", ("yaml", "json"), (b"parameters", b"method")),
    ("torchtune", ("yaml",), (b"_component_", b"torchtune")),
    ("llamafactory", ("yaml", "json"), (b"finetuning_type",)),
    ("axolotl", ("yaml",), (b"base_model", b"adapter")),
    ("trl", ("yaml",), (b"use_peft",)),
    ("open_instruct", ("yaml",), (b"use_lora", b"model_name_or_path")),
    ("firefly", ("json",), (b"model_name_or_path", b"train_file")),
    ("firefly", ("json",), (b"model_name_or_path", b"train_mode")),
    ("autotrain", ("yaml",), (b"base_model", b"project_name", b"params")),
    ("mlx_lm", ("yaml", "json"), (b"fine_tune_type",)),
    ("mlx_lm", ("yaml", "json"), (b"lora_parameters",)),
    ("mistral_finetune", ("yaml",), (b"model_id_or_path",)),
    ("unsloth_studio", ("yaml", "json"), (b"training", b"lora")),
    ("verl", ("yaml",), (b"lora", b"actor_rollout_ref")),
    ("verl", ("yaml",), (b"lora", b"train_files")),
    ("ms_swift", ("yaml", "json"), (b"tuner_type",)),
    ("ms_swift", ("yaml", "json"), (b"train_type",)),
    ("ms_swift", ("yaml", "json"), (b"sft_type",)),
    ("litgpt", ("yaml",), (b"lora_query",)),
    ("litgpt", ("yaml",), (b"lora_r", b"checkpoint_dir")),
    ("ludwig", ("yaml", "json"), (b"base_model", b"adapter", b"_features")),
    ("ludwig", ("yaml", "json"), (b"encoder", b"adapter", b"_features")),
    ("h2o_llmstudio", ("yaml",), (b"llm_backbone", b"training")),
    ("lora_block", ("yaml", "json"), (b"lora_alpha",)),
    ("lora_block", ("yaml", "json"), (b"target_modules",)),
    ("lora_block", ("yaml", "json"), (b"lora_dropout",)),
)
LARGE = 500_000
"""Bytes; a larger file without a dialect's words is data, and is not parsed at all."""


def read_config(source: SourceFile, project: Project) -> Reading:
    """The runs and sweeps of a configuration file. Raises readers.errors.Unreadable."""
    text = source.utf8
    candidates = dict.fromkeys(
        name for name, kinds, words in DIALECTS if source.kind in kinds and all(word in text for word in words)
    )
    if not candidates and len(text) > LARGE:
        return Reading()
    runs: list[Any] = []
    sweeps: list[Any] = []
    unread: list[Any] = []
    recognised: dict[str, None] = {}
    for document in _documents(source):
        for name in candidates:
            dialect: Any = import_module(f"lora_lint.frameworks.{name}")
            if dialect.recognises(document):
                reading: Reading = dialect.read(document, project)
                runs += reading.runs
                sweeps += reading.sweeps
                unread += reading.unread
                recognised[name] = None
                break
    return Reading(tuple(runs), tuple(sweeps), tuple(recognised), tuple(unread))


def _documents(source: SourceFile) -> list[Node]:
    """The mappings that a file holds at its top, or in a list at its top."""
    from lora_lint.readers.nodes import Mapping, Sequence

    roots: tuple[Node, ...]
    if source.kind == "json":
        from lora_lint.readers.json import read_json

        roots = (read_json(source),)
    else:
        from lora_lint.readers.yaml import read_yaml

        roots = read_yaml(source)
    flat: list[Node] = []
    for root in roots:
        flat += root.items if isinstance(root, Sequence) else [root]
    return [node for node in flat if isinstance(node, Mapping)]
