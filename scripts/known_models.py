"""How many models of a list are known: their type, the names of their modules, and exact parameter counts.

    python scripts/known_models.py [--missing] FILE

FILE has one hub id a line; what follows it on the line is ignored, as are empty lines and lines that start with `#`.
Prints three shares of all the ids: those with a type, those of which module names are known (all the modules where
transformers has the class, names that occur where the code is in the model's own repository), and those of which a LoRA
on all linear layers can be counted to the last parameter. With --missing it lists the ids that lack each, by type.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from pathlib import Path

from lora_lint.knowledge import architectures
from lora_lint.knowledge.matching import Targets, match
from lora_lint.knowledge.models import Model, identify
from lora_lint.knowledge.resolve import Built
from lora_lint.records import dataclass, replace

RANK = 8
HEADS = ("causal-lm", "image-text-to-text", "seq2seq-lm", "speech-seq2seq", "masked-lm", "base")
"""The class that a model is counted as: the first of these that its type has, else any that it has."""


class Depth(IntEnum):
    """How much is known of a model; each depth includes those before it."""

    NOTHING = 0
    TYPE = 1
    NAMES = 2
    COUNT = 3


LABELS = {Depth.TYPE: "type", Depth.NAMES: "module names", Depth.COUNT: "exact counts"}


def depth(model: Model | None) -> Depth:
    """How much is known of one model."""
    if model is None:
        return Depth.NOTHING
    if not model.module_names and not architectures.heads(model.model_type, version=newest(model.model_type)):
        return Depth.TYPE
    return Depth.NAMES if count(model) is None else Depth.COUNT


def newest(model_type: str) -> int:
    """The newest major version of transformers under which a type's modules are known; else the newest of all."""
    versions = architectures.VERSIONS
    return next((each for each in versions if architectures.heads(model_type, each)), versions[0])


@dataclass(frozen=True)
class Counted:
    """The parameters that LoRA trains on all linear layers of a model, without those that PEFT takes none of."""

    architecture: architectures.Architecture
    targets: Targets
    parameters: int


def count(model: Model) -> Counted | None:
    """What LoRA trains on all linear layers of a model; None where that is not certain."""
    version = newest(model.model_type)
    known = architectures.heads(model.model_type, version)
    head = next((each for each in (*HEADS, *known) if each in known), None)
    found = architectures.architecture(model.model_type, head, version) if head else None
    if found is None:
        return None
    try:
        built = Built(found, model)
    except architectures.UnusableConfig:
        return None
    targets = Targets(target_modules="all-linear", rank=RANK)
    matched = match(built.modules, targets, model_type=model.model_type, version=version, beside=built.beside)
    refused = tuple(path for error in matched.errors for path in error.names)
    if refused:  # PEFT takes none of a Mamba mixer's layers that its kernels read
        targets = replace(targets, exclude_modules=refused)
        matched = match(built.modules, targets, model_type=model.model_type, version=version, beside=built.beside)
    if matched.parameters is None or not built.certain:
        return None
    if not built.unsized.isdisjoint(each.path for each in matched.modules):
        return None
    return Counted(found, targets, matched.parameters)


def ids(text: str) -> Iterator[str]:
    """The hub ids of a list."""
    for line in text.splitlines():
        words = line.split()
        if words and not words[0].startswith("#"):
            yield words[0]


def report(models: Mapping[str, Model | None], missing: bool) -> Iterator[str]:
    """The lines that are printed."""
    depths = {name: depth(model) for name, model in models.items()}
    yield f"{len(models)} models"
    for least, label in LABELS.items():
        reached = sum(each >= least for each in depths.values())
        yield f"{label:<14}{reached:>6}{reached / max(len(models), 1):>8.1%}"
    for least, label in LABELS.items() if missing else ():
        yield f"\nno {label}:"
        yield from grouped([(name, models[name]) for name, each in depths.items() if each == least - 1])


def grouped(lacking: Sequence[tuple[str, Model | None]]) -> Iterator[str]:
    """One line a type, the types of most ids first."""
    by_type: dict[str, list[str]] = {}
    for name, model in lacking:
        by_type.setdefault(model.model_type if model else "unknown", []).append(name)
    for model_type, names in sorted(by_type.items(), key=lambda entry: (-len(entry[1]), entry[0])):
        yield f"  {model_type} ({len(names)}): {' '.join(names)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--missing", action="store_true", help="list the ids that lack something, by type")
    arguments = parser.parse_args()
    models = {name: identify(name) for name in ids(arguments.file.read_text(encoding="utf-8"))}
    print("\n".join(report(models, arguments.missing)))


if __name__ == "__main__":
    main()
