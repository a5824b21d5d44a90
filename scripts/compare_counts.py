"""Compares the parameters that lora-lint counts for published models with those that PEFT trains.

    python scripts/compare_counts.py [FILE] [--models N] [--seed S]

Takes N ids at random of those whose count is exact (of FILE, one id a line, or of the table of models), builds each on
the meta device from what is known of its config, and puts a LoRA on all linear layers. Prints each count that differs
and each model that cannot be built, with the reason. Exits with 1 if a count differs.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from check_architectures import trained  # noqa: E402
from generate_architectures import Session, readable, session_of  # noqa: E402
from known_models import RANK, Counted, count, ids  # noqa: E402

from lora_lint.knowledge.models import Model, identify  # noqa: E402

TABLE = ROOT / "lora_lint/knowledge/data/models.tsv"


def exact(names: Iterable[str], session: Session) -> Iterator[tuple[Model, Counted]]:
    """The models of the session's library of which the count is exact."""
    for name in names:
        model = identify(name)
        if model is None or model.model_type not in session.configs:
            continue
        counted = count(model)
        if counted is not None and counted.architecture.version == session.major:
            yield model, counted


def built_count(session: Session, model: Model, counted: Counted) -> int | str:
    """How many parameters PEFT trains on the model that is built from the config, or the exception that it raises."""
    found = counted.architecture
    config = readable(session.configs[model.model_type](**model.config))
    part = getattr(config, "text_config", None)
    if part is not None and type(part) is session.model_class(found.class_name).config_class:
        config = part  # what an Auto class hands over to a class that is made for the text model
    built = session.build(found.class_name, config, seconds=60)
    arguments = {"target_modules": "all-linear", "exclude_modules": counted.targets.exclude_modules}
    return trained(session, built, arguments, RANK)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?", default=TABLE)
    parser.add_argument("--models", type=int, default=60, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    parser.add_argument("--library", choices=["transformers", "diffusers"], default="transformers")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    session = session_of(arguments.library)
    names = list(dict.fromkeys(ids(arguments.file.read_text(encoding="utf-8"))))
    random.Random(arguments.seed).shuffle(names)
    equal, differ, unbuilt = 0, 0, 0
    for model, counted in itertools.islice(exact(names, session), arguments.models):
        try:
            theirs: int | str = built_count(session, model, counted)
        except Exception as error:
            unbuilt += 1
            print(f"{model.name} ({model.model_type}): cannot be built: {type(error).__name__}: {error}"[:300])
            continue
        if theirs == counted.parameters:
            equal += 1
        else:
            differ += 1
            print(f"{model.name} ({model.model_type}): {counted.parameters} counted, {theirs} by PEFT", flush=True)
    print(f"{equal} equal, {differ} differ, {unbuilt} could not be built")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
