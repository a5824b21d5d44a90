"""Commands that name a configuration file and give other values for some of its settings.

Source: axolotl 0.18.0 (cli/main.py, cli/config.py), LLaMA-Factory at 0.9.5.dev0 (hparams/parser.py: read_args),
torchtune 0.6.1 (_cli/run.py, config/_utils.py), TRL 1.16.0 (scripts/utils.py: TrlParser), mlx-lm 0.32.0 (lora.py),
ms-swift 4.6.0 (cli/main.py: parse_yaml_args).
"""

from __future__ import annotations

import os.path
import re
from importlib import import_module
from typing import TYPE_CHECKING, Any

from lora_lint.frameworks.commands import SWIFT_SCRIPT, TRL_SCRIPT, settled
from lora_lint.frameworks.fields import unfolded
from lora_lint.programs.call_sites import Seen
from lora_lint.readers.arguments import options, overrides
from lora_lint.readers.nodes import Entry, Mapping, Scalar
from lora_lint.records import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Callable

    from lora_lint.programs.launchers import Call
    from lora_lint.project import Project
    from lora_lint.readers.arguments import Arguments
    from lora_lint.readers.shell import Word
    from lora_lint.run.run import Run
    from lora_lint.source import Span

_FILE = re.compile(r"\.(?:ya?ml|json)$")
_FACTORY = re.compile(r"(?:^|/)src/train\.py$")
_TRL_TASKS = ("sft", "dpo", "kto", "reward", "grpo", "rloo")
_SWIFT_TASKS = ("sft", "pt", "rlhf")
_RECIPES = ("", "recipes/configs")
"""Folders that torchtune's names of configs are of."""


@dataclass(frozen=True)
class _Configured:
    """A command of the `dialect`, its configuration file, and the settings that it gives itself."""

    dialect: str
    file: Word
    arguments: Arguments


def runs_of(call: Call, span: Span, path: str, project: Project) -> list[Run] | None:
    """The runs in which settings of a command take part, those of its configuration file being the rest; None if the
    command of the script at `path` names no such file.

    Without settings of its own a command has no run: the file is read by itself.
    """
    found = _configured(call, span)
    if found is None:
        return None
    arguments = found.arguments
    document = _document(found, path, project) if arguments.mapping.entries else None
    if document is None:
        return []
    whole = unfolded(Mapping((*document.entries, *_placed(arguments.mapping, document)), document.span))
    dialect: Any = import_module(f"lora_lint.frameworks.{found.dialect}")
    if not dialect.recognises(whole):
        return []
    runs = dialect.read(whole, project).runs
    seen = Seen(call, span, arguments, alone=len(runs) == 1)
    return [run for each in runs if (run := seen.run(settled(each, arguments, usual=True))) is not None]


def _configured(call: Call, span: Span) -> _Configured | None:
    """The configuration file of a command and the settings beside it."""
    words = call.arguments
    task = (words[0].text or "") if words else ""
    if call.name == "axolotl" and task == "train":
        return _first("axolotl", _until_dashes(words[1:]), span, options)
    if call.name == "axolotl.cli.train":
        return _first("axolotl", words, span, options)
    if call.name in ("llamafactory-cli", "lmf") and task == "train":
        return _first("llamafactory", words[1:], span, overrides)
    if call.kind == "script" and _FACTORY.search(call.name):
        return _first("llamafactory", words, span, overrides)
    if call.kind == "command" and call.name == "swift" and task in _SWIFT_TASKS:
        return _first("ms_swift", words[1:], span, options)
    if call.kind == "script" and SWIFT_SCRIPT.search(call.name):
        return _first("ms_swift", words, span, options)
    if call.kind == "command" and call.name == "tune" and task == "run":
        return _option("torchtune", words[1:], span, overrides)
    if (call.name == "trl" and task in _TRL_TASKS) or (call.kind == "script" and TRL_SCRIPT.search(call.name)):
        return _option("trl", words, span, options)
    if call.name in ("mlx_lm.lora", "mlx_lm"):
        return _option("mlx_lm", words, span, options)
    return None


def _first(dialect: str, words: tuple[Word, ...], span: Span, read: Callable[..., Arguments]) -> _Configured | None:
    """A command whose first argument is the file."""
    if not words or not _FILE.search(words[0].text or words[0].tail):
        return None
    return _Configured(dialect, words[0], read(words[1:], span))


def _option(dialect: str, words: tuple[Word, ...], span: Span, read: Callable[..., Arguments]) -> _Configured | None:
    """A command that has the file in an option `--config`."""
    for at, word in enumerate(words):
        name, _, value = (word.text or "").partition("=")
        if name in ("--config", "-c") and value:
            file = replace(word, text=value)
            return _Configured(dialect, file, read((*words[:at], *words[at + 1 :]), span))
        if name in ("--config", "-c") and at + 1 < len(words):
            return _Configured(dialect, words[at + 1], read((*words[:at], *words[at + 2 :]), span))
    return None


def _until_dashes(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """The arguments before `--`, behind which are those of the launcher."""
    return next((words[:at] for at, word in enumerate(words) if word.text == "--"), words)


def _document(found: _Configured, path: str, project: Project) -> Mapping | None:
    """The content of a configuration file, as seen from the script at `path` and the folders above it."""
    name = found.file.text
    if not name:
        return None
    names = [name]
    if found.dialect == "torchtune" and not _FILE.search(name):
        names = [f"{folder}/{name}.yaml".lstrip("/") for folder in _RECIPES]
    for folder in project.upwards(os.path.dirname(path)):
        for each in names:
            place = os.path.normpath(os.path.join(folder, each)).replace(os.sep, "/")
            if project.exists(place):
                return _read(place, project)
    return None


def _read(path: str, project: Project) -> Mapping | None:
    from lora_lint.libraries.loaded import root
    from lora_lint.readers.errors import Unreadable

    source = project.load(path)
    try:
        node = root(source) if source is not None else None
    except (Unreadable, RecursionError):
        return None
    return node if isinstance(node, Mapping) else None


def _placed(given: Mapping, document: Mapping) -> list[Entry]:
    """The settings of a command with the keys that they have in the file: `--no-x` is x at false, and a name that is
    given for a whole section is that of its component (torchtune's `model=torchtune.models.…`)."""
    entries = []
    for entry in given.entries:
        key, value = str(entry.key.value), entry.value
        section = document.get(key)
        if isinstance(section, Mapping) and section.entry("_component_") is not None and isinstance(value, Scalar):
            key = f"{key}._component_"
        elif key.startswith("no_") and isinstance(value, Scalar) and value.value is True and not value.raw:
            key, value = key[3:], Scalar(False, "", value.span)
        entries.append(Entry(Scalar(key, entry.key.raw, entry.key.span), value))
    return entries
