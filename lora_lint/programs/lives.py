"""The life of an adapter: what trains it, and what loads it again from the folder in which that saved it."""

from __future__ import annotations

import posixpath

from lora_lint.libraries.convert import text_of
from lora_lint.libraries.effects import Happening
from lora_lint.programs.callers import scripts_around
from lora_lint.programs.resumed import is_below, output_of
from lora_lint.records import replace
from lora_lint.run.events import Load, LoadAdapter, PutOn, Save, TakeOff, Wrap
from lora_lint.run.run import plain_folder, training_folder
from lora_lint.run.values import ABSENT, Known, known
from lora_lint.system import disk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from lora_lint.interpreter.definitions import Condition
    from lora_lint.interpreter.values import Val
    from lora_lint.libraries.effects import ModelRecord, Records
    from lora_lint.project import Project
    from lora_lint.run.run import Reading, Run
    from lora_lint.run.values import Value
    from lora_lint.source import SourceFile, Span

_LEAST = 4
"""The fewest letters of a folder's name that distinguish it from other words."""
_COMPARED = ("rank", "alpha", "dropout", "bias", "use_rslora", "use_dora", "target_modules")
"""The settings by which unsloth recognises an adapter (2026.10.9, models/llama.py, get_peft_model)."""
_PROGRAMS = (".py", ".ipynb")
_TRAINING = (*_PROGRAMS, ".yaml", ".yml")
_ADAPTING = (b"Config", b"get_peft_model")
"""What a program that creates an adapter contains: the name of a config, or unsloth's call, which takes settings."""
_MOST = 24
"""The most files in a folder that are searched for one that trains what another of them loads."""


def saved_in(model: ModelRecord) -> list[Val]:
    """The folders that a program saves a model's adapter in."""
    folders = [
        happening.folder[0] for happening in model.events if isinstance(happening.event, Save) and happening.folder
    ]
    outputs = (output_of(training.arguments) for training in model.trainings)
    return [*folders, *(each for each in outputs if each is not None)]


def loads_what_was_saved(load: Happening, model: ModelRecord) -> bool:
    """Whether an adapter is loaded from a folder in which the program has saved a model's."""
    return bool(load.folder) and is_below(load.folder[0], saved_in(model))


def find_adapters(records: Records) -> None:
    """Notes the adapters that loaders of base models find in a folder which the program has saved one in.

    transformers 5.23.0 (modeling_utils.py, from_pretrained) and sentence-transformers 6.2.0, which calls it, load the
    base model that the adapter's config names, and put the adapter on it with `is_trainable=False` (measured).
    """
    for model in records.models:
        if model.loader_adapts or not (model.trainings and model.events) or not _is_of_transformers(model.loader or ""):
            continue
        others = (other for other in records.models if other is not model)
        if any(is_below(model.name, _holding_adapters(other)) for other in others):
            load = model.events[0]
            frozen: Value[bool] = Known(False, load.event.span)
            event = LoadAdapter(load.event.span, trainable=frozen, integrated=True, found=True)
            records.find_adapter(model, Happening(event, load.conditions, load.loop, (model.name,)), 1)


def _is_of_transformers(loader: str) -> bool:
    """Whether a class that loads a model is one of transformers, whose names say what the model is for."""
    return "ValueHead" not in loader and (loader.startswith("AutoModel") or "For" in loader[1:])


def _holding_adapters(model: ModelRecord) -> list[Val]:
    """The folders that a model is saved in while an adapter is on it: they hold the adapter alone."""
    folders: list[Val] = []
    put_on: PutOn | None = None
    under: tuple[Condition, ...] = ()
    for happening in model.events:
        event = happening.event
        if isinstance(event, PutOn):
            put_on, under = event, happening.conditions
        elif isinstance(event, TakeOff):
            put_on = None
        elif isinstance(event, Save) and happening.folder:
            folder = happening.folder[0]
            folders = [each for each in folders if not each.same(folder)]
            alone = put_on is not None and (event.wrapped or put_on.integrated)
            if alone and all(each in happening.conditions for each in under):
                folders.append(folder)
    return folders


def texts(folders: list[Val]) -> tuple[str, ...]:
    """The folders that are written literally."""
    return tuple(dict.fromkeys(plain_folder(text) for folder in folders if (text := text_of(folder))))


def folder_of(load: Happening) -> str | None:
    """The folder that an adapter is loaded from, if it is literal; a subfolder is not distinguished from it."""
    return text_of(load.folder[0]) if load.folder else None


def named_beside(folder: str | None, path: str, project: Project | None) -> bool:
    """Whether another program in the same folder as the one at `path` names a folder."""
    return folder is not None and project is not None and any(True for _ in _programs(folder, path, project))


def joined(reading: Reading, path: str, project: Project, read: Callable[[SourceFile], Reading]) -> Reading:
    """The runs of a program, linked to those that have trained the adapters which it loads, if another program in its
    folder does; `read` reads such a program."""

    def beside(folder: str, *, merging: bool = True) -> list[Run]:
        sources = (each for each in _programs(folder, path, project) if merging or b"merge" not in each.utf8)
        runs = (run for source in sources for run in read(source).runs)
        return [run for run in runs if run.trained and is_of(folder, run.saves)]

    def with_origin(run: Run) -> Run:
        folder, held = run.loads, _in_place_of_a_model(run)
        if held is not None:
            here = [each for each in reading.runs if each is not run and each.trained and is_of(held, each.saves)]
            origins = here or beside(held, merging=False)
            return _after_its_loader(run) if any(_differs(run, each) for each in origins) else run
        if folder is None or run.trained_by is not None:
            return run
        found = beside(folder)
        return _after(run, found[0]) if len(found) == 1 else run

    none = all(run.loads is None and not run.model.loader_adapts for run in reading.runs)
    return reading if none else reading.mapped(with_origin)


def _after(run: Run, trained: Run) -> Run:
    """A run that loads what another one has trained, with the base model of that one where it is not trained on."""
    known_base = run.trained is not False or run.trained_on is not ABSENT
    return replace(run, trained_by=trained, trained_on=run.trained_on if known_base else base_of(trained, run.span))


def base_of(run: Run, place: Span) -> Value[str]:
    """The base model of an adapter, as seen from a place that uses it."""
    name = run.model.name
    if not isinstance(name, Known) or name.origin == "cli-default":
        return ABSENT
    return Known(name.value, place, "derived", name.written or name.span)


def _in_place_of_a_model(run: Run) -> str | None:
    """The folder that unsloth's loader gets in place of a known model, if the program then adds an adapter."""
    from lora_lint.knowledge.models import identify_id

    name = known(run.model.name)
    put_on = next((event for event in run.events if isinstance(event, PutOn)), None)
    if not run.model.loader_adapts or not name or not isinstance(put_on, Wrap) or not isinstance(run.events[0], Load):
        return None
    return name if identify_id(name) is None else None


def _after_its_loader(run: Run) -> Run:
    """A run whose model has an adapter from the start, which unsloth finds in the folder and makes trainable."""
    load, *later = run.events
    return replace(run, events=(load, LoadAdapter(load.span, trainable=Known(True, load.span)), *later))


def _differs(run: Run, other: Run) -> bool:
    """Whether two runs are known to create different adapters: unsloth leaves a model alone that has the same one."""
    pairs = [(known(getattr(run.adapter, name)), known(getattr(other.adapter, name))) for name in _COMPARED]
    return any(type(one) is type(two) and _unordered(one) != _unordered(two) for one, two in pairs)


def _unordered(value: Any) -> Any:
    return frozenset(value) if isinstance(value, tuple) else value


def files_naming(folder: str, path: str, project: Project) -> Iterator[SourceFile]:
    """The other files that name a folder and may train what is in it: programs and configurations in the folder of the
    file at `path`, and scripts around it."""
    others = [*_beside(path, _TRAINING), *scripts_around(path, project)[:_MOST]]
    return _naming(folder, path, others, project)


def _programs(folder: str, path: str, project: Project) -> Iterator[SourceFile]:
    """The other programs in the folder of the file at `path` that name a folder and train."""
    beside = _naming(folder, path, _beside(path, _PROGRAMS), project)
    return (each for each in beside if any(word in each.utf8 for word in _ADAPTING))


def _beside(path: str, endings: tuple[str, ...]) -> list[str]:
    """The files with one of some endings in the folder of the file at `path`."""
    here = posixpath.dirname(path)
    names = [name for name in sorted(disk.names(here or ".") or ()) if name.endswith(endings)]
    return [posixpath.join(here, name) for name in names[:_MOST]]


def _naming(folder: str, path: str, others: list[str], project: Project) -> Iterator[SourceFile]:
    """Those of some files that name a folder, except the file at `path`."""
    wanted = training_folder(folder)
    above = posixpath.dirname(wanted)  # of which a program may make the folder: base + "/adapter"
    texts = [each.encode("utf-8", "replace") for each in (wanted, above) if each == wanted or "/" in each[1:]]
    for other in dict.fromkeys(others) if len(wanted) >= _LEAST else ():
        source = project.load(other) if other != path else None
        if source is not None and any(text in source.utf8 for text in texts):
            yield source


def is_of(folder: str, saves: tuple[str, ...]) -> bool:
    """Whether a folder is one of some, or a checkpoint in one."""
    return plain_folder(folder) in saves or training_folder(folder) in saves
