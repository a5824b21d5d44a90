"""What `inspect` shows, for people and for programs."""

from __future__ import annotations

import re
from itertools import groupby

from lora_lint.inspection.facts import TRAINING_FIELDS
from lora_lint.inspection.summary import summary
from lora_lint.rules.words import size_text
from lora_lint.system.visible import json_text, visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from lora_lint.inspection.runs import Inspection


def as_json(inspection: Inspection) -> str:
    """The runs as a JSON document, version 1."""
    from lora_lint import __version__

    document = {
        "version": 1,
        "tool": {"name": "lora-lint", "version": __version__},
        "files": inspection.files,
        "summary": summary(inspection),
        "unread": [each.as_json() for each in inspection.unread],
        "runs": list(inspection.runs),
    }
    return json_text(document)


def as_text(inspection: Inspection, width: int | None = None) -> str:
    """The runs for people, in lines of at most `width` columns."""
    if not inspection.runs:
        files = "1 file" if inspection.files == 1 else f"{inspection.files} files"
        return f"No LoRA run found in {files}\n"
    blocks: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for (path, place, kind), runs in groupby(inspection.runs, key=_head):
        each = list(runs)
        kind += f", {len(each)} runs" if len(each) > 1 else ""
        blocks.setdefault((path, kind, tuple(_block(each, width))), []).append(place)
    heads = [(f"{path}:{', '.join(places)}  {kind}", lines) for (path, kind, lines), places in blocks.items()]
    return "\n".join("\n".join(map(visible, [head, *lines])) + "\n" for head, lines in heads)


def _head(run: dict[str, Any]) -> tuple[str, str, str]:
    """The file of a run, its place there, and what makes it."""
    place = (f"cell {run['cell']}:" if run["cell"] else "") + str(run["line"])
    return run["path"], place, run["dialect"] + ("" if run["trained"] is not False else ", not trained here")


def _block(runs: list[dict[str, Any]], width: int | None) -> list[str]:
    """The runs that one place makes, as a sweep does: what they share once, and the rest by number."""
    by_run = [sections(run) for run in runs]
    titles = dict.fromkeys(title for each in by_run for title in each)
    lines = []
    for title in titles:
        shown = _shared([tuple(each.get(title, ())) for each in by_run])
        for index, text in enumerate(shown):
            lines += _in_width(f"  {title if index == 0 else '':<11} ", text, width)
    return lines


def _in_width(start: str, text: str, width: int | None) -> list[str]:
    """A text in lines behind a start, whose width the later lines have as an indent. Short items of a list stay
    whole."""
    if width is None:
        return [start + text]
    items = re.split(r"(?<=,) ", text)
    words = [word for item in items for word in ([item] if len(item) <= _WHOLE else item.split(" "))]
    lines = [start + words[0]]
    for word in words[1:]:
        if len(lines[-1]) + 1 + len(word) > width:
            lines.append(" " * len(start) + word)
        else:
            lines[-1] += f" {word}"
    return lines


def _shared(texts: list[tuple[str, ...]]) -> list[str]:
    """What several runs have under one title: once if it is the same, else with the numbers of the runs, or in their
    order where a single number differs."""
    numbers: dict[tuple[str, ...], list[int]] = {}
    for number, text in enumerate(texts, start=1):
        numbers.setdefault(text, []).append(number)
    if len(numbers) == 1:
        return list(texts[0])
    if len(numbers) == len(texts) and all(len(text) == 1 for text in texts):
        row = _in_a_row([text for (text,) in texts])
        if row is not None:
            return [row]
    shown: list[str] = []
    for text, runs in numbers.items():
        label = f"{', '.join(map(str, runs))}: "
        shown += [f"{label if index == 0 else ' ' * len(label)}{line}" for index, line in enumerate(text)]
    return shown


def _in_a_row(texts: list[str]) -> str | None:
    """Texts that differ in one short part as one text with all of these: "r 4 · 8 · 16, alpha 16"."""
    parts = [re.findall(r"[\w.,]*\w|.", text) for text in texts]
    most = min(map(len, parts))
    first = next((at for at in range(most) if len({each[at] for each in parts}) > 1), most)
    last = next((at for at in range(most - first) if len({each[-1 - at] for each in parts}) > 1), most - first)
    middles = ["".join(each[first : len(each) - last]) for each in parts]
    if max(map(len, middles)) > _SHORT:
        return None
    return "".join(parts[0][:first]) + " · ".join(middles) + "".join(parts[0][len(parts[0]) - last :])


def sections(run: dict[str, Any]) -> dict[str, list[str]]:
    """What is shown of a run: lines by their titles."""
    unknown: dict[str, list[str]] = {}
    rows = [*_rows(run, unknown)]
    rows += [("not known", f"{_names(names)}: {why}") for why, names in unknown.items()]
    by_title: dict[str, list[str]] = {}
    last = ""
    for title, text in rows:
        last = title or last
        by_title.setdefault(last, []).append(text)
    return by_title


def _names(names: list[str]) -> str:
    """What is not known for one reason."""
    more = len(names) - _MOST_NAMES
    return ", ".join(names) if more < 2 else f"{', '.join(names[:_MOST_NAMES])} and {more} more"


def _rows(run: dict[str, Any], unknown: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    """The titles and texts of the known facts of a run; the names of unknown ones are added to `unknown`, by reason."""

    def say(name: str, value: dict[str, Any]) -> str | None:
        if "unknown" in value:
            if value.get("given", True):
                unknown.setdefault(value["unknown"], []).append(name)
            return None
        if "choices" in value:
            cases = value.get("cases") or [None] * len(value["choices"])
            return " or ".join(map(_in_case, value["choices"], cases))
        return _short(value["value"]) + _ORIGINS.get(value.get("origin", ""), "")

    yield "model", _model_text(run["model"], say)
    adapter = run["adapter"]
    settings = [
        f"{label} {text}"
        for name, label in _LABELS.items()
        if not _default(adapter[name]) and (text := say(label, adapter[name])) is not None
    ]
    yield "adapter", ", ".join(settings) or "its settings are not known"
    yield from _scale_row(run["scale"])
    yield from _module_rows(run)
    if "unknown" in run["parameters"]:
        if "unknown" not in adapter["rank"] and "unknown" not in adapter["target_modules"]:
            unknown.setdefault(run["parameters"]["unknown"], []).append("trainable parameters")
    else:
        yield from _size_rows(run)
    size = say("training examples", run["dataset"]["size"])
    if size is not None:
        how = run["dataset"]["how"]
        yield "data", f"{size} training examples" + (f" ({how})" if how else "")
    training = run["training"]
    settings = [
        f"{name.replace('_', ' ')} {text}"
        for name in TRAINING_FIELDS
        if not _idle(name, training[name]) and (text := say(name.replace("_", " "), training[name])) is not None
    ]
    if settings or training["trainer"]:
        yield "training", ", ".join([*filter(None, [training["trainer"]]), *settings])
    laid_out = [
        _LAYOUT[name].format("its compute dtype" if value.get("value") == "compute" else text) + _whence(value, run)
        for name, value in run["launch"].items()
        if (name != "storage" or "quantizer" in run["launch"])
        and not _default(value)
        and (text := say(name, {**value, "origin": ""})) is not None
    ]
    if laid_out and not run["launch"].keys() <= {"compute", "storage"}:  # which say nothing by themselves
        yield "launch", ", ".join(laid_out)


def _whence(value: dict[str, Any], run: dict[str, Any]) -> str:
    """Where a value of the launch comes from: a line, with its file if it is another than the run's."""
    place = value.get("at", "").removeprefix(f"{run['path']}:")
    if not place or place == _head(run)[1]:
        return ""
    return f" (line {place})" if place.isdecimal() else f" ({place})"


def _scale_row(scale: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if "unknown" not in scale:
        values = [scale["value"]] if "value" in scale else scale["choices"]
        formula = f" ({scale['formula']})" if "formula" in scale else ""
        yield "scale", " or ".join(f"{value:.3g}" for value in values) + formula


def _module_rows(run: dict[str, Any]) -> Iterator[tuple[str, str]]:
    groups = run["modules"]
    if groups and groups[0]["count"] is None:
        yield "modules", ", ".join(group["name"] for group in groups) + " (their sizes are not known)"
        groups = []
    for index, group in enumerate(groups):
        shape = f" {group['inputs']}→{group['outputs']}" if group["inputs"] and group["outputs"] else ""
        yield "modules" if index == 0 else "", f"{group['name']}{shape} ×{group['count']}"
    if run["unmatched"]:
        yield "unmatched", ", ".join(run["unmatched"])


def _size_rows(run: dict[str, Any]) -> Iterator[tuple[str, str]]:
    parameters, sizes = run["parameters"], run["bytes"]
    share = f" of {parameters['model']:,} ({100 * parameters['share']:.3g}%)" if "share" in parameters else ""
    yield "trainable", f"{parameters['trainable']:,}{share} parameters"
    yield "on disk", f"{size_text(sizes['adapter'])} in fp32"
    yield "memory", f"{size_text(sizes['training_state'])} for weights, gradients and Adam's moments in fp32"


_WHOLE = 30
"""The characters of an item that is not broken over two lines."""
_SHORT = 20
"""The characters of a part that runs show in a row."""
_MOST_NAMES = 4
"""The most names before one reason."""
_OFF = {"max_steps": -1, "accumulation": 1}
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

_LAYOUT = {
    "processes": "{} processes",
    "sharding": "{}",
    "quantizer": "base quantized by {}",
    "storage": "stored as {}",
    "compute": "computed in {}",
    "placement": "weights {} by device_map",
}


def _default(value: dict[str, Any]) -> bool:
    """Whether a setting is the framework's default and not informative by itself."""
    return value.get("origin") == "framework-default" and value["value"] in (None, False, True, "none", {}, [])


def _idle(name: str, value: dict[str, Any]) -> bool:
    """Whether a setting of the training is a default that switches it off."""
    return value.get("origin") == "framework-default" and value["value"] == _OFF.get(name)


def _model_text(model: dict[str, Any], say: Callable[[str, dict[str, Any]], str | None]) -> str:
    name = say("model", model["name"])
    text = name or (f"{model['class']}, a class defined in the program" if model["class"] else "not known")
    if "type" in model:
        sure = "" if model["confidence"] == "certain" else f", {model['confidence']}"
        text += f" ({model['type']}, by {model['how']}{sure})"
    stored = model["quantization"]
    quantization = None if stored.get("value", "") is None else say("quantization", stored)
    return text + (f", {quantization}" if quantization else "")


def _in_case(choice: Any, said: str | None) -> str:
    return f"{_short(choice)} ({said})" if said else _short(choice)


def _short(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return "[" + ", ".join(map(_short, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_short(item)}" for key, item in value.items()) + "}"
    if isinstance(value, int) and abs(value) >= 1000:
        return f"{value:,}"
    return "none" if value is None else str(value)
