"""What a study starts from: the run that a file makes, or a file that describes the study itself."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lora_lint import discovery
from lora_lint.ablate.errors import StudyError
from lora_lint.linting import engine
from lora_lint.linting.fence import Failure, attempt
from lora_lint.linting.reading import read_file
from lora_lint.project import Project
from lora_lint.run.values import alternatives
from lora_lint.settings import settings_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lora_lint.run.run import Reading, Run
    from lora_lint.settings import Settings


@dataclass(frozen=True)
class StudySource:
    """The run whose settings are the baseline, and the runs of the sweep that the file makes, if it makes one."""

    run: Run
    sweep: tuple[Run, ...] = ()
    notes: tuple[str, ...] = ()


_OPTIONS: dict[str, type | tuple[type, ...]] = {
    "run": str,
    "model": str,
    "data": str,
    "vary": (dict, list),
    "fair": str,
    "tune-lr": bool,
    "steps": int,
    "examples": int,
    "seeds": int,
    "time-budget": (int, float),
    "output": str,
}
"""The keys of a file that describes a study, and the types of their values."""


@dataclass(frozen=True)
class StudyFile:
    """A file that describes a study: the path of the run that it starts from, and options by name."""

    run: str
    options: Mapping[str, Any] = field(default_factory=dict)


def study_file(path: str) -> StudyFile | None:
    """The study that a YAML file describes; None if it is another kind of file. Raises StudyError for one that cannot
    be used."""
    if not path.lower().endswith((".yaml", ".yml")):
        return None
    import yaml

    try:
        with open(path, "rb") as file:
            document = yaml.safe_load(file.read(1_000_000))
    except (OSError, yaml.YAMLError, RecursionError, ValueError):
        return None  # the linter's reader says what is wrong
    if not isinstance(document, dict) or not isinstance(document.get("run"), str) or "vary" not in document:
        return None
    unknown = [key for key in document if key not in _OPTIONS]
    if unknown:
        raise StudyError(f"{path}: {unknown[0]!r} is not an option of a study; there are {', '.join(_OPTIONS)}")
    for key, value in document.items():
        wanted = _OPTIONS[key]
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            raise StudyError(f"{path}: {key} cannot be {value!r}")
    options = {key.replace("-", "_"): value for key, value in document.items() if key not in ("run", "vary")}
    options["vary"] = _varied(path, document["vary"])
    return StudyFile(os.path.join(os.path.dirname(path), document["run"]), options)


def _varied(path: str, given: dict[Any, Any] | list[Any]) -> tuple[str, ...]:
    """What is varied, as `--vary` spells it."""
    if isinstance(given, list):
        return tuple(str(each) for each in given)
    made = []
    for name, values in given.items():
        if values is None:
            made.append(str(name))
            continue
        listed: Sequence[Any] = values if isinstance(values, list) else [values]
        words = ["+".join(map(str, each)) if isinstance(each, list) else _word(each) for each in listed]
        if not words:
            raise StudyError(f"{path}: vary.{name} has no values")
        made.append(f"{name}={','.join(words)}")
    return tuple(made)


def _word(value: Any) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


def source_of(path: str, settings: Settings) -> StudySource:
    """The run, or the sweep, in a file. Raises StudyError if there is none."""
    reading = _reading(path, settings)
    sweep = next((each for each in reading.sweeps if len(each.runs) > 1), None)
    if sweep is not None:
        runs = tuple(each for each in sweep.runs if each.trained is not False)
        if len(runs) > 1:
            return StudySource(runs[0], runs)
    runs = tuple(each for each in reading.runs if each.trained is not False)
    if not runs:
        raise StudyError(f"{path}: no LoRA training was found in it")
    chosen = next((each for each in runs if alternatives(each.adapter.rank)), runs[0])
    others = len(runs) - 1
    notes = (f"{path} has {len(runs)} runs; the study starts from the first with a known rank",) if others else ()
    return StudySource(chosen, (), notes)


def _reading(path: str, settings: Settings) -> Reading:
    if os.path.isdir(path):
        raise StudyError(f"{path} is a folder: name the program or the configuration that makes the run")
    walk = discovery.Walk([path], engine.excluder(settings), root=settings.root)
    found = next(iter(walk), None)
    if walk.missing:
        raise StudyError(walk.missing[0])
    if found is None:
        raise StudyError(f"{path}: no LoRA training was found in it")
    if found.data is None:
        raise StudyError(f"{path}: {found.problem or 'it cannot be read'}")
    file = found
    result = attempt(lambda: read_file(file, settings_of(path, settings), Project(settings.root)))
    if isinstance(result, Failure):
        raise StudyError(f"{path}: {result.message}")
    return result.reading
