"""The data that a project names in its own file, beside its block for LoRA:

    data:
      train_file: data/train.jsonl
      max_train_samples: 5000

What the project's program makes of it is not known: it may leave rows out, so their number is likely, and the most
there can be.
"""

from __future__ import annotations

import os
import re

from lora_lint.frameworks.fields import Fields
from lora_lint.knowledge.sizes import rows_of, without_held_out
from lora_lint.readers.nodes import Mapping, Sequence
from lora_lint.run.run import Dataset
from lora_lint.run.values import Known, Unknown, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.project import Project
    from lora_lint.readers.nodes import Node

_SECTIONS = ("data", "dataset", "train_dataset", "data_args", "data_config", "training", "train")
_NAMES = (
    *("train_file", "train_path", "train_data_path", "train_data", "train_dataset", "train_jsonl", "dataset_path"),
    *("data_path", "dataset_name", "dataset_id", "dataset"),
)
_NAMES_IN_DATA = (*_NAMES, "train", "name", "path")
_CONFIGS = ("subset", "dataset_config", "config_name")
_SPLITS = ("train_split", "dataset_split", "split")
_CAPS = ("max_train_samples", "max_samples", "train_samples", "num_train_samples", "train_size", "dataset_size")
_HELD_OUT = ("test_size", "val_size", "validation_size", "val_ratio", "valid_split", "test_ratio")
_OTHER_AIMS = re.compile(r"(?i)dpo|orpo|kto\b|grpo|ppo|rloo|reward|preference|num_generations|unlearn|distil")


def dataset(document: Mapping, project: Project) -> Dataset:
    """What a file names as its data for supervised training; nothing if it names none, or preferences and prompts, of
    which other numbers are enough."""
    near = document.span.path
    if _OTHER_AIMS.search(os.path.basename(near)) or any(map(_OTHER_AIMS.search, _keys(document))):
        return Dataset()
    around = Fields(document)
    for section in _SECTIONS:
        fields = around.section(section)
        if fields is not None and (found := _named(fields, _NAMES_IN_DATA, near, project)) is not None:
            return found
    return _named(around, _NAMES, near, project) or Dataset()


def _named(fields: Fields, keys: tuple[str, ...], near: str, project: Project) -> Dataset | None:
    """The first data set that a section names."""
    key = next((key for key in keys if isinstance(known(fields.text(key)), str) and fields.section(key) is None), None)
    if key is None:
        return None
    name = fields.text(key)
    if not isinstance(name, Known):
        return None
    splits = (known(fields.text(each)) for each in _SPLITS)
    split = next((each for each in splits if isinstance(each, str)), "train")
    configs = (known(fields.text(each)) for each in _CONFIGS)
    rows = rows_of(name.value, split, next((each for each in configs if isinstance(each, str)), None), near, project)
    for each in _HELD_OUT:
        held = known(fields.number(each))
        if rows is not None and held is not None and held > 0:
            rows = without_held_out(rows, held)
    caps = (known(fields.number(each)) for each in _CAPS)
    cap = next((int(each) for each in caps if each is not None and each > 1), None)
    if rows is None and cap is None:
        return Dataset(name, Unknown(f"the size of {name.value} is not known", name.span))
    size = min(each for each in (rows, cap) if each is not None)
    how = f"the cap on {name.value}" if size == cap else name.value
    return Dataset(name, Known(size, name.span, "cli-default"), f"{how}, at most")


def _keys(node: Node) -> Iterator[str]:
    """The keys of a document, those of inner mappings too."""
    if isinstance(node, Mapping):
        for entry in node.entries:
            yield str(entry.key.value)
            yield from _keys(entry.value)
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from _keys(item)
