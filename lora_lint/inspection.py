"""What `inspect` shows: for each run all that was read, what follows from it, and what could not be known."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from lora_lint import discovery
from lora_lint.lint import engine
from lora_lint.lint.checker import PATIENCE
from lora_lint.records import dataclass, field
from lora_lint.run.values import Choices, Known, Reason, Unknown, alternatives, known
from lora_lint.system.deadline import Exceeded, Limit
from lora_lint.unread import Unread, clause

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lora_lint.knowledge.matching import Matched
    from lora_lint.knowledge.resolve import Resolved
    from lora_lint.run.run import Run
    from lora_lint.run.values import Value
    from lora_lint.settings import Settings
    from lora_lint.source import SourceFile

BYTES_ON_DISK = 4
"""Bytes a parameter in a saved adapter: PEFT trains and saves in fp32 unless told otherwise."""
BYTES_IN_TRAINING = 16
"""Bytes a trainable parameter: fp32 weight, gradient, and the two moments of Adam."""

SETTINGS = ("rank", "alpha", "targets", "model", "architecture", "dataset_size")
"""What `summary` counts. A model is known by its name, or by its class where the program makes it itself; its
architecture where the name says that too."""

_ADAPTER_FIELDS = (
    "rank",
    "alpha",
    "dropout",
    "target_modules",
    "exclude_modules",
    "target_parameters",
    "layers_to_transform",
    "rank_pattern",
    "alpha_pattern",
    "modules_to_save",
    "use_rslora",
    "use_dora",
    "bias",
    "init_lora_weights",
    "task_type",
)
_TRAINING_FIELDS = ("optimizer", "learning_rate", "epochs", "max_steps", "batch_size", "accumulation")


@dataclass(frozen=True)
class Inspection:
    """The runs of some files as plain JSON values, see `as_json`; `notes` are for stderr. `recognised` are the
    dialects of the configuration files, those without a run included, each with the number of files; `unread` is what
    was left unread because of a limit."""

    runs: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    failed: bool = False
    files: int = field(default=0)
    recognised: Mapping[str, int] = field(default_factory=dict)
    unread: tuple[Unread, ...] = ()


def inspect(paths: Iterable[str], settings: Settings) -> Inspection:
    """The runs of the files under `paths`.

    A function whose file does not call it is read by itself: that run is left out where a program that calls it is
    among the files, and so a run with values.
    """
    walk = discovery.Walk(paths, engine.excluder(settings), root=settings.root)
    reader = _Reader(settings)
    read = [each for found in walk for each in reader.read(found)]
    reached = {
        run.config for run, _ in read if run.config and run.config.path != run.path and alternatives(run.adapter.rank)
    }
    runs = [told for run, told in read if not (run.config in reached and _waits_for_caller(run))]
    missing = tuple(f"error: {missing}" for missing in walk.missing)
    notes = (*missing, *walk.notes, *reader.notes)
    failed = bool(missing) or reader.failed
    return Inspection(tuple(runs), notes, failed, walk.files, reader.recognised, tuple(reader.unread))


def inspect_text(data: bytes, path: str, settings: Settings) -> Inspection:
    """The runs of one text, read as the file `path` would be."""
    reader = _Reader(settings)
    read = reader.read(discovery.Found(path, discovery.kind_of(path) or "python", data, True))
    runs = tuple(told for _, told in read)
    return Inspection(runs, tuple(reader.notes), reader.failed, 1, reader.recognised, tuple(reader.unread))


def _waits_for_caller(run: Run) -> bool:
    """Whether a run has no rank because whoever calls the function gives it."""
    rank = run.adapter.rank
    return isinstance(rank, Unknown) and rank.reason is Reason.CALLER


class _Reader:
    """Reads files one after the other; what stands in the way becomes a note."""

    def __init__(self, settings: Settings) -> None:
        from lora_lint.project import Project

        self.settings = settings
        self.project = Project(settings.root)
        self.notes: list[str] = []
        self.unread: list[Unread] = []
        self.failed = False
        self.recognised: dict[str, int] = {}

    def read(self, found: discovery.Found) -> list[tuple[Run, dict[str, Any]]]:
        """The runs of a file, each with what is told of it."""
        from lora_lint.project import Project
        from lora_lint.readers.errors import Unreadable

        if found.data is None:
            if found.limit is not None:
                self._leave(Unread(found.path, found.limit, clause(found.problem or "")))
            else:
                self.notes.append(f"{found.path}: {found.problem}")
            return []
        limit = Limit(PATIENCE)
        try:
            with limit:
                source, reading, _ = engine.reading_of(found, self.settings, self.project, self.notes)
                told = [(run, facts(run, source)) for run in reading.runs]
            for dialect in reading.recognised or dict.fromkeys(run.dialect for run in reading.runs):
                self.recognised[dialect] = self.recognised.get(dialect, 0) + 1
            self._leave(*reading.unread)
            return told
        except Exceeded as error:
            if error.limit is not limit:
                raise
            self.project = Project(self.settings.root)  # what it remembers may be half of it
            self._leave(Unread(found.path, "time", f"reading it takes more than {PATIENCE:.0f} s of CPU time"))
        except (Unreadable, RecursionError, MemoryError) as error:
            if found.explicit or discovery.telling(found.data, found.kind):
                self.notes.append(f"{found.path}: {getattr(error, 'message', None) or 'too deep or too large'}")
            elif isinstance(error, Unreadable) and error.limit is not None:
                self._leave(Unread(found.path, error.limit, clause(error.message)))
        except Exception as error:
            self.failed = True
            self.notes.append(f"{found.path}: {engine.own_fault(error)}")
        return []

    def _leave(self, *unread: Unread) -> None:
        self.unread += unread
        self.notes += [each.told() for each in unread]


def facts(run: Run, source: SourceFile) -> dict[str, Any]:
    """One run as JSON values: `{"value": …}`, `{"choices": […]}` or `{"unknown": "why"}` for each setting."""
    from lora_lint.knowledge.resolve import resolve

    place = source.locate(run.span)
    resolved = resolve(run.judged() if run.own_names else run)
    parameters = _parameters(run, resolved)
    exact = parameters.get("trainable")
    return {
        "path": place.path,
        "line": place.line,
        "cell": place.cell,
        "dialect": run.dialect,
        "trained": run.trained,
        "task": run.task,
        "model": _model(run, resolved),
        "method": run.method,
        "adapter": {name: _value(getattr(run.adapter, name)) for name in _ADAPTER_FIELDS},
        "scale": _scale(run),
        "modules": _modules(resolved),
        "unmatched": sorted({entry for case in resolved.cases[:1] for entry in case.match.unmatched}),
        "parameters": parameters,
        "bytes": None
        if exact is None
        else {"adapter": exact * BYTES_ON_DISK, "training_state": exact * BYTES_IN_TRAINING},
        "dataset": {
            "name": _value(run.dataset.name),
            "size": _value(run.dataset.size),
            "how": run.dataset.how,
        },
        "training": {
            "trainer": run.training.trainer,
            "method": run.training.method,
            **{name: _value(getattr(run.training, name)) for name in _TRAINING_FIELDS},
        },
    }


def _value(value: Value[Any]) -> dict[str, Any]:
    if isinstance(value, Known):
        return {"value": _plain(value.value), "origin": value.origin}
    if isinstance(value, Choices):
        return {"choices": [_plain(option.value) for option in value.options]}
    given = {} if value.reason is not Reason.NOT_GIVEN else {"given": False}
    return {"unknown": value.why} | given


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, tuple | list | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _scale(run: Run) -> dict[str, Any]:
    """What the adapter's output is multiplied with: alpha / r, or alpha / sqrt(r) with rsLoRA."""
    adapter = run.adapter
    if alternatives(adapter.scale):
        return _value(adapter.scale) | {"formula": "as given"}
    for value, name in ((adapter.rank, "rank"), (adapter.alpha, "alpha"), (adapter.use_rslora, "rslora")):
        if isinstance(value, Unknown):
            return {"unknown": f"{adapter.key(name)} is not known: {value.why}"}
    found: dict[float, str] = {}
    for rank in alternatives(adapter.rank):
        for alpha in alternatives(adapter.alpha):
            for rslora in alternatives(adapter.use_rslora):
                if _number(rank.value) and _number(alpha.value) and rank.value > 0:
                    root = math.sqrt(rank.value) if rslora.value else rank.value
                    found[alpha.value / root] = "alpha / sqrt(r)" if rslora.value else "alpha / r"
    if not found:
        return {"unknown": "rank or alpha is no number to compute with"}
    if len(found) == 1:
        [(scale, formula)] = found.items()
        return {"value": scale, "formula": formula}
    return {"choices": sorted(found)}


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _model(run: Run, resolved: Resolved) -> dict[str, Any]:
    model = resolved.model
    told: dict[str, Any] = {
        "name": _value(run.model.name),
        "class": run.model.own_class,
        "loader": run.model.loader,
        "quantization": _value(run.model.quantization),
        "dtype": _value(run.model.dtype),
    }
    if model is not None:
        told |= {
            "type": model.model_type,
            "how": model.how,
            "source": model.source,
            "confidence": model.confidence,
            "complete": model.complete,
        }
    return told


def _modules(resolved: Resolved) -> list[dict[str, Any]]:
    """The matched modules of the first case, those of one name and shape together.

    Where not every dimension of the model is known, the names alone: the rest would be that of its class's defaults.
    """
    groups: dict[tuple[str, int, int, int | None], int] = {}
    for case in resolved.cases[:1]:
        if not case.exact:
            names = dict.fromkeys(_name(module) for module in case.match.modules)
            return [{"name": name, "inputs": None, "outputs": None, "rank": None, "count": None} for name in names]
        for module in case.match.modules:
            key = (_name(module), module.inputs, module.outputs, module.rank)
            groups[key] = groups.get(key, 0) + 1
    return [
        {"name": name, "inputs": inputs, "outputs": outputs, "rank": rank, "count": count}
        for (name, inputs, outputs, rank), count in groups.items()
    ]


def _name(module: Matched) -> str:
    return module.path.rpartition(".")[2] + (f".{module.parameter}" if module.parameter else "")


def _parameters(run: Run, resolved: Resolved) -> dict[str, Any]:
    """Trainable parameters, exact, or why they are not known; with those of the whole model where they are."""
    rank = run.adapter.rank
    if isinstance(rank, Unknown):
        return {"unknown": f"{run.adapter.key('rank')} is not known: {rank.why}"}
    if not resolved.cases:
        return {"unknown": resolved.why or "the modules of the model are not known"}
    if known(rank) is None:
        return {"unknown": f"{run.adapter.key('rank')} has several values"}
    counts = {case.parameters for case in resolved.cases}
    if None in counts:
        kinds = {case.model.model_type for case in resolved.cases if case.parameters is None}
        return {"unknown": f"not every dimension of the {' or '.join(sorted(kinds))} model is known"}
    if len(counts) != 1:
        return {"unknown": "the models or targets that are possible differ in it"}
    trainable = counts.pop()
    assert trainable is not None
    total = resolved.total
    return {"trainable": trainable} | ({"model": total, "share": trainable / total} if total else {})


def as_json(seen: Inspection) -> str:
    """The runs as a JSON document, version 1."""
    from lora_lint import __version__
    from lora_lint.system.visible import json_text

    document = {
        "version": 1,
        "tool": {"name": "lora-lint", "version": __version__},
        "files": seen.files,
        "summary": summary(seen),
        "unread": [each.as_json() for each in seen.unread],
        "runs": list(seen.runs),
    }
    return json_text(document)


def summary(seen: Inspection) -> list[dict[str, Any]]:
    """For each dialect, the most frequent first, and for all: files recognised, runs read, and of how many runs a
    setting is known, with its share. Runs of other methods than LoRA are counted apart, since most have no rank."""
    dialects = dict.fromkeys((*(run["dialect"] for run in seen.runs), *seen.recognised))
    groups = {dialect: [run for run in seen.runs if run["dialect"] == dialect] for dialect in dialects}
    rows = [
        _row(dialect, seen.recognised.get(dialect, 0), runs)
        for dialect, runs in sorted(groups.items(), key=lambda group: -len(group[1]))
    ]
    return [*rows, _row("all", sum(seen.recognised.values()), list(seen.runs))]


def _row(dialect: str, files: int, runs: list[dict[str, Any]]) -> dict[str, Any]:
    of_lora = [run for run in runs if run["method"] == "LoraConfig"]
    unknown = {name: sum(why(run, name) is not None for run in of_lora) for name in SETTINGS}
    return {
        "dialect": dialect,
        "files": files,
        "runs": len(of_lora),
        "other_methods": len(runs) - len(of_lora),
        "known": {name: len(of_lora) - count for name, count in unknown.items()},
        "share": {name: round(1 - count / len(of_lora), 4) for name, count in unknown.items()} if of_lora else {},
    }


def why(run: dict[str, Any], setting: str) -> str | None:
    """Why a setting of a run is not known, one of SETTINGS; None if it is."""
    adapter, model = run["adapter"], run["model"]
    if setting == "alpha" and "unknown" not in run["scale"]:
        return None  # the scale itself is given
    if setting == "architecture":
        return None if "type" in model else model["name"].get("unknown", "nothing is known of this model")
    if setting == "model" and ("type" in model or model["class"]):
        return None
    value = {
        "rank": adapter["rank"],
        "alpha": adapter["alpha"],
        "targets": adapter["target_modules"],
        "model": model["name"],
        "dataset_size": run["dataset"]["size"],
    }[setting]
    reason: str | None = value.get("unknown")
    return reason


def as_text(seen: Inspection) -> str:
    """The runs for people."""
    if not seen.runs:
        files = "1 file" if seen.files == 1 else f"{seen.files} files"
        return f"No LoRA run found in {files}.\n"
    return "\n".join(_block(run) for run in seen.runs)


def _block(run: dict[str, Any]) -> str:
    from lora_lint.system.visible import visible

    place = f"{run['path']}:" + (f"cell {run['cell']}:" if run["cell"] else "") + str(run["line"])
    lines = [f"{place}  {run['dialect']}" + ("" if run["trained"] is not False else ", not trained here")]
    unknown: list[str] = []

    def add(title: str, text: str) -> None:
        lines.append(f"  {title:<11} {text}")

    def say(name: str, value: dict[str, Any]) -> str | None:
        if "unknown" in value:
            if value.get("given", True):
                unknown.append(f"{name}: {value['unknown']}")
            return None
        if "choices" in value:
            return " or ".join(_short(choice) for choice in value["choices"])
        return _short(value["value"]) + _ORIGINS.get(value.get("origin", ""), "")

    add("model", _model_text(run["model"], say))
    adapter = run["adapter"]
    told = [
        f"{label} {text}"
        for name, label in _LABELS.items()
        if not _default(adapter[name]) and (text := say(label, adapter[name])) is not None
    ]
    add("adapter", ", ".join(told) or "nothing is known of its settings")
    scale = run["scale"]
    if "unknown" not in scale:
        values = [scale["value"]] if "value" in scale else scale["choices"]
        formula = f" ({scale['formula']})" if "formula" in scale else ""
        add("scale", " or ".join(f"{value:.3g}" for value in values) + formula)
    groups = run["modules"]
    if groups and groups[0]["count"] is None:
        add("modules", ", ".join(group["name"] for group in groups) + " (their sizes are not known)")
        groups = []
    for index, group in enumerate(groups):
        shape = f" {group['inputs']}→{group['outputs']}" if group["inputs"] and group["outputs"] else ""
        add("modules" if index == 0 else "", f"{group['name']}{shape} ×{group['count']}")
    if run["unmatched"]:
        add("unmatched", ", ".join(run["unmatched"]))
    parameters = run["parameters"]
    if "unknown" in parameters:
        unknown.append(f"trainable parameters: {parameters['unknown']}")
    else:
        share = f" of {parameters['model']:,} ({100 * parameters['share']:.3g}%)" if "share" in parameters else ""
        add("trainable", f"{parameters['trainable']:,}{share} parameters")
        add("on disk", f"{_size(run['bytes']['adapter'])} in fp32")
        add("memory", f"{_size(run['bytes']['training_state'])} for weights, gradients and Adam's moments in fp32")
    size = say("training examples", run["dataset"]["size"])
    if size is not None:
        how = run["dataset"]["how"]
        add("data", f"{size} training examples" + (f" ({how})" if how else ""))
    training = run["training"]
    told = [
        f"{name.replace('_', ' ')} {text}"
        for name in _TRAINING_FIELDS
        if (text := say(name.replace("_", " "), training[name])) is not None
    ]
    if told or training["trainer"]:
        add("training", ", ".join([*filter(None, [training["trainer"]]), *told]))
    for index, text in enumerate(dict.fromkeys(unknown)):
        add("not known" if index == 0 else "", text)
    return "\n".join(map(visible, lines)) + "\n"


_ORIGINS = {
    "cli-default": " (default of an option)",
    "framework-default": " (default)",
}
_LABELS = {
    "rank": "r",
    "alpha": "alpha",
    "dropout": "dropout",
    "target_modules": "targets",
    "exclude_modules": "without",
    "target_parameters": "target parameters",
    "layers_to_transform": "layers",
    "rank_pattern": "rank pattern",
    "alpha_pattern": "alpha pattern",
    "modules_to_save": "saved whole",
    "use_rslora": "rsLoRA",
    "use_dora": "DoRA",
    "bias": "bias",
    "init_lora_weights": "initialised",
    "task_type": "task type",
}


def _default(value: dict[str, Any]) -> bool:
    """Whether a setting is the framework's default and says nothing by itself."""
    return value.get("origin") == "framework-default" and value["value"] in (None, False, True, "none", {}, [])


def _model_text(model: dict[str, Any], say: Any) -> str:
    name = say("model", model["name"])
    text = name or (f"{model['class']}, a class made in the program" if model["class"] else "not known")
    if "type" in model:
        sure = "" if model["confidence"] == "certain" else f", {model['confidence']}"
        text += f" ({model['type']}, by {model['how']}{sure})"
    told = model["quantization"]
    quantization = None if told.get("value", "") is None else say("quantization", told)
    return text + (f", {quantization}" if quantization else "")


def _short(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return "[" + ", ".join(map(_short, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_short(item)}" for key, item in value.items()) + "}"
    if isinstance(value, int) and abs(value) >= 10_000:
        return f"{value:,}"
    return "none" if value is None else str(value)


def _size(count: int) -> str:
    """Bytes for people, in powers of 1000."""
    amount = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:.3g} TB"
