"""Compares lora_lint's architecture data with transformers or diffusers, and PEFT, on models of random configs.

    python scripts/check_architectures.py [--library diffusers] [TYPE …] [--configs N] [--seed S]
    python scripts/check_architectures.py [--library diffusers] --missing

Each class of a model type is built on the meta device from N random configs: widths, counts and switches at once, None
where a field may be None. Of every model that is built, each layer that LoRA can wrap is compared by name, kind, input
and output, and the number of trainable parameters with what `get_peft_model` makes trainable. What the data calls
inexact is counted apart, and is no disagreement. Exits with 1 if there is one. With --missing it lists the types that
the library builds and the data lacks, by reason.
"""

from __future__ import annotations

import argparse
import copy
import random
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from generate_architectures import Session, Space, TooSlow, declared, session_of, sizes_of  # noqa: E402

from lora_lint.knowledge import architectures  # noqa: E402
from lora_lint.knowledge.adaptable import adaptable  # noqa: E402
from lora_lint.knowledge.matching import Targets, match  # noqa: E402
from lora_lint.knowledge.modules import ADAPTED, LINEAR_KINDS, Beside, Module  # noqa: E402

PEFT_NAMES = {"trainable_tokens": "trainable_token_indices"}
RANK = 4
ATTEMPTS = 8
"""Random configs that are tried for one that makes a model: many have a width that its heads do not divide."""
LARGEST = 3_000
"""Modules of a model that PEFT is asked about: it wraps about a thousand a second."""


@dataclass
class Tally:
    """What the models of one type showed."""

    configs: int = 0
    layers: int = 0
    counts: int = 0
    inexact: int = 0
    """Layers and counts that the data does not vouch for."""
    disagreements: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.configs += other.configs
        self.layers += other.layers
        self.counts += other.counts
        self.inexact += other.inexact
        self.disagreements += other.disagreements

    def __str__(self) -> str:
        return (
            f"{self.configs} models, {self.layers:,} layers and {self.counts:,} counts compared, "
            f"{self.inexact:,} of them inexact, {len(self.disagreements)} models disagree"
        )


def check(session: Session, kind: str, configs: int, seed: int) -> Tally:
    """All classes of a model type that the data and the installed transformers both have."""
    tally = Tally()
    try:
        space = Space(session, kind)
    except Exception:  # a version in which the type has no default config
        return tally
    classes: dict[str, architectures.Architecture] = {}
    for head in architectures.heads(kind, session.major):
        found = architectures.architecture(kind, head, session.major)
        if found is not None:
            classes.setdefault(found.class_name, found)
    for name, found in classes.items():
        chance = random.Random(f"{seed} {name}")
        source = space.random_configs(frozenset(found.defaults), chance)
        made, counted = 0, chance.randint(1, configs)
        for _ in range(configs * ATTEMPTS):
            given = {**space.stand_ins(), **next(source)}
            try:
                config = space.config(given)
                model = session.build(name, config)
            except (Exception, TooSlow):
                continue
            made += 1
            _compare(tally, session, found, config, model, given, chance, count=made == counted)
            if made == configs:
                break
    return tally


def _compare(
    tally: Tally,
    session: Session,
    found: architectures.Architecture,
    config: Any,
    model: Any,
    given: dict[str, Any],
    chance: random.Random,
    count: bool,
) -> None:
    tally.configs += 1
    label = f"{found.class_name} {given}"
    fields = {**config.to_dict(), **config.asked}
    fields.setdefault("num_labels", getattr(config, "num_labels", 2))
    theirs = dict(_layers(session, model))
    try:
        modules, beside = adaptable(found, fields)
    except architectures.UnusableConfig:  # as good as a model that is not known
        tally.layers += len(theirs)
        tally.inexact += len(theirs)
        return
    if not architectures.certain(found, fields):
        tally.layers += len(theirs)
        tally.inexact += len(theirs)
        return
    ours = {module.path: module for module in modules if module.kind in ADAPTED}
    wrong = []
    for path in dict.fromkeys((*theirs, *ours)):
        tally.layers += 1
        mine, built = ours.get(path), theirs.get(path)
        if mine is not None and mine.own < 0:
            tally.inexact += 1
        elif mine is None or built is None or mine[1:4] != built:
            wrong.append(f"{path} is {built}, and {mine and mine[1:4]} in the data")
    if wrong:
        tally.disagreements.append(f"{label}: {len(wrong)} layers: {'; '.join(wrong[:3])}")
        return
    if count and len(modules) <= LARGEST:
        _count(tally, session, found, modules, beside, model, label, chance)


def _count(
    tally: Tally,
    session: Session,
    found: architectures.Architecture,
    modules: Sequence[Module],
    beside: Beside,
    model: Any,
    label: str,
    chance: random.Random,
) -> None:
    arguments = chance.choice(list(_adapters(modules, beside.input_embedding, chance)))
    mine = match(
        modules, Targets(**arguments, rank=RANK), model_type=found.model_type, version=session.major, beside=beside
    )
    tally.counts += 1
    if mine.parameters is None and not mine.errors:
        tally.inexact += 1
        return
    theirs = trained(session, model, arguments)
    if mine.errors:
        if isinstance(theirs, int):
            tally.disagreements.append(f"{label}: {arguments} trains {theirs}; refused: {mine.errors[0].text}")
    elif theirs != mine.parameters:
        tally.disagreements.append(f"{label}: {arguments} trains {theirs}, and {mine.parameters} in the data")


def _layers(session: Session, model: Any) -> Iterator[tuple[str, tuple[str, int, int]]]:
    """The path, kind, input and output size of every layer that LoRA can wrap."""
    for path, module in model.named_modules():
        kind = session.kind_of(module)
        if kind in ADAPTED:
            yield path, (kind, *sizes_of(module, kind))


def _adapters(modules: Sequence[Module], embedding: str | None, chance: random.Random) -> Iterator[dict[str, Any]]:
    """Settings to count with."""
    yield {"target_modules": "all-linear"}
    names = sorted({module.path.rpartition(".")[2] for module in modules if module.kind in LINEAR_KINDS} - {""})
    if not names:
        return
    some = tuple(chance.sample(names, min(len(names), 3)))
    yield {"target_modules": some, "use_dora": True, "bias": "lora_only"}
    kinds = {module.path: module.kind for module in modules}
    if embedding is not None and kinds.get(embedding) == "Embedding":
        yield {"target_modules": some, "trainable_tokens": (0, 1, 2)}


def trained(session: Session, model: Any, arguments: dict[str, Any], rank: int = RANK) -> int | str:
    """How many parameters PEFT trains, or the exception that it raises."""
    import peft

    own = {PEFT_NAMES.get(name, name): value for name, value in arguments.items()}
    own = {name: list(value) if isinstance(value, tuple) else value for name, value in own.items()}
    with session.torch.device("meta"):
        try:
            wrapped = peft.get_peft_model(
                copy.deepcopy(model), peft.LoraConfig(r=rank, **own), autocast_adapter_dtype=False
            )
        except Exception as error:
            return f"{type(error).__name__}: {error}"
    return sum(parameter.numel() for parameter in wrapped.parameters() if parameter.requires_grad)


def missing(session: Session) -> dict[str, list[str]]:
    """The model types of the library that the data does not have, by the reason."""
    known = set(architectures.model_types())
    wholes: dict[str, str] = {}
    for kind in session.configs:
        for part in declared(session.configs[kind]).values():
            wholes.setdefault(getattr(part, "model_type", ""), kind)
    found: dict[str, list[str]] = {"parts of a known type": [], "no class that loads them": [], "not collected": []}
    for kind in sorted({*session.configs} - known):
        if wholes.get(kind) in known:
            found["parts of a known type"].append(kind)
        elif not any(hasattr(session.library, classes.get(kind, "")) for classes in session.classes.values()):
            found["no class that loads them"].append(kind)
        else:
            found["not collected"].append(kind)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("types", nargs="*", metavar="TYPE")
    parser.add_argument("--library", choices=["transformers", "diffusers"], default="transformers")
    parser.add_argument("--configs", type=int, default=6, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    parser.add_argument("--missing", action="store_true")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    session = session_of(arguments.library)
    if arguments.missing:
        for reason, lacking in missing(session).items():
            print(f"{reason} ({len(lacking)}): {' '.join(lacking)}")
        return 0
    kinds = arguments.types or [kind for kind in architectures.model_types() if kind in session.configs]
    whole, wrong = Tally(), []
    for kind in kinds:
        tally = check(session, kind, arguments.configs, arguments.seed)
        whole.add(tally)
        if tally.disagreements:
            wrong.append(kind)
        for text in tally.disagreements:
            print(f"{kind}: {text}", flush=True)
        if not arguments.types or tally.disagreements or not tally.configs:
            print(f"{kind}: {tally}", flush=True)
    print(f"{len(kinds)} types: {whole}")
    print(f"{len(wrong)} disagree: {' '.join(wrong)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
