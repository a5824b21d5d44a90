"""Commands of frameworks: their options are read by the dialect of their configuration files.

Source: the command lines of LLaMA-Factory 0.9.5 (cli.py, launcher.py), TRL 1.16.0 (cli/, scripts/), mlx-lm 0.32.0
(cli.py, lora.py), ms-swift 4.6.0 (cli/main.py, arguments/rlhf_args.py), litgpt 0.5.13 (__main__.py),
autotrain-advanced 0.8.36 (cli/), verl 0.9.1 (trainer/main_*.py), open-instruct at e6c3044.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING, Any

from lora_lint.frameworks.fields import unfolded
from lora_lint.readers.arguments import Arguments, options, overrides, scalar
from lora_lint.readers.nodes import Entry, Mapping, Scalar
from lora_lint.readers.shell import Word
from lora_lint.records import dataclass, replace
from lora_lint.run.values import Known, Unknown

if TYPE_CHECKING:
    from lora_lint.programs.launchers import Call
    from lora_lint.project import Project
    from lora_lint.readers.nodes import Node
    from lora_lint.run.run import Method, Run
    from lora_lint.run.values import Value
    from lora_lint.source import Span

_TRL = {
    "sft": "supervised",
    "dpo": "preference",
    "kto": "preference",
    "reward": "preference",
    "grpo": "rl",
    "rloo": "rl",
}
_WITH_SUBCOMMANDS = frozenset({"llamafactory-cli", "lmf", "trl", "mlx_lm"})
TRL_SCRIPT = re.compile(r"(?:^|/)(?:trl/scripts|examples/scripts)/(\w+?)(?:_\w+)?\.py$")
_OPEN_INSTRUCT = re.compile(r"(?:^|/)open_instruct/(?:finetune|dpo_tune|dpo_tune_cache)\w*\.py$")
SWIFT_SCRIPT = re.compile(r"(?:^|/)swift/cli/(sft|pt|rlhf)\.py$")
_FACTORY = re.compile(r"(?:^|/)src/(train|train_bash)\.py$")


@dataclass(frozen=True)
class _Reader:
    """`dialect` reads what `implied` and the options say. `usual`: its defaults are those of the program that is
    called; others have grown from it and may have other ones."""

    dialect: str
    implied: dict[str, Any]
    method: Method | None = None
    usual: bool = True


def runs_of(call: Call, span: Span, project: Project) -> list[Run] | None:
    """The runs of a call of a framework's command line; None if it is no such call."""
    if call.kind == "module" and call.name.startswith("verl."):
        return _read(_Reader("verl", {}), overrides(call.arguments, span), call, project)
    if call.kind == "command" and call.name == "autotrain":
        return _autotrain(call, span, project)
    if call.kind == "command" and call.name in ("swift", "megatron"):
        return _swift(call, span, project)
    if match := SWIFT_SCRIPT.search(call.name):
        word = Word(match[1], call.span)
        return _swift(replace(call, name="swift", arguments=(word, *call.arguments)), span, project)
    if call.kind == "command" and call.name == "litgpt":
        return _litgpt(call, span, project)
    reader = _reader(call)
    if reader is None:
        return None
    words = call.arguments[1:] if call.name in _WITH_SUBCOMMANDS else call.arguments
    arguments = options(words, span)
    if arguments.positional and (arguments.positional[0].text or "").endswith((".yaml", ".yml", ".json")):
        return []  # a configuration file, which is read by itself
    if arguments.mapping.entry("config") is not None:
        return []
    return _read(reader, arguments, call, project)


def _reader(call: Call) -> _Reader | None:
    first = call.arguments[0].text or "" if call.arguments else ""
    if call.kind == "command":
        if call.name in ("llamafactory-cli", "lmf") and first == "train":
            return _Reader("llamafactory", {"finetuning_type": "lora", "do_train": True})
        if call.name == "trl" and first in _TRL:
            return _Reader("trl", {}, _TRL[first])  # type: ignore[arg-type]
    if call.kind != "script":
        trains = call.name == "mlx_lm.lora" or (call.name == "mlx_lm" and first == "lora")
        return _Reader("mlx_lm", {"fine_tune_type": "lora"}) if trains else None
    if match := _FACTORY.search(call.name):
        # The older program had other defaults.
        return _Reader("llamafactory", {}, usual=match[1] == "train")
    if match := TRL_SCRIPT.search(call.name):
        return _Reader("trl", {}, _TRL.get(match[1], "unknown"))  # type: ignore[arg-type]
    return _Reader("open_instruct", {}) if _OPEN_INSTRUCT.search(call.name) else None


def _read(reader: _Reader, arguments: Arguments, call: Call, project: Project) -> list[Run] | None:
    """None where the options are not those of the framework, whose name another program may share."""
    given = arguments.mapping
    implied = [_entry(key, value, call.span) for key, value in reader.implied.items() if given.entry(key) is None]
    document = Mapping((*implied, *given.entries), given.span)
    dialect: Any = import_module(f"lora_lint.frameworks.{reader.dialect}")
    if not dialect.recognises(document):
        return None
    runs: list[Run] = list(dialect.read(document, project).runs)
    if reader.method is not None:
        runs = [replace(run, training=replace(run.training, method=reader.method)) for run in runs]
    return [settled(run, arguments, reader.usual) for run in runs]


def _autotrain(call: Call, span: Span, project: Project) -> list[Run] | None:
    """`autotrain llm --train --peft …`: what its file has in sections."""
    arguments = options(call.arguments[1:], span)
    task = (call.arguments[0].text or "") if call.arguments else ""
    trainer = arguments.mapping.entry("trainer")
    if arguments.mapping.entry("train") is None or task not in ("llm", "vlm", "seq2seq"):
        return []
    kind = f"{task}-{getattr(trainer.value, 'value', '')}" if trainer is not None else task
    names = {entry.key.value: entry for entry in arguments.mapping.entries}
    model, project_name = (names.get(key) for key in ("model", "project_name"))
    if model is None or project_name is None:
        return []
    base = Entry(Scalar("base_model", "base_model", model.key.span), model.value)
    params = Entry(Scalar("params", "params", call.span), Mapping(arguments.mapping.entries, span))
    sections = Mapping((_entry("task", kind, call.span), base, project_name, params), span)
    dialect: Any = import_module("lora_lint.frameworks.autotrain")
    # The names of the command line are not all those of the file.
    return [replace(settled(run, arguments, True), problems=()) for run in dialect.read(sections, project).runs]


def _swift(call: Call, span: Span, project: Project) -> list[Run]:
    """`swift sft --model …` and `megatron sft …`: LoRA and a full fine-tuning where nothing is said."""
    from lora_lint.frameworks.ms_swift import settings_of

    task = call.arguments[0].text if call.arguments else None
    if task not in ("sft", "pt", "rlhf"):
        return []
    arguments = options(call.arguments[1:], span)
    given = arguments.mapping
    if task == "rlhf" and given.entry("rlhf_type") is None:
        given = Mapping((_entry("rlhf_type", "dpo", call.span), *given.entries), span)
    told = any(given.entry(key) is not None for key in ("tuner_type", "train_type", "sft_type"))
    if arguments.positional or given.entry("config") is not None or (arguments.open and not told):
        return []  # a configuration file, or options that are not known
    run = settings_of(given, project, megatron=call.name == "megatron")
    if run is None or given.entry("model") is given.entry("model_id_or_path") is given.entry("adapters") is None:
        return []
    return [settled(run, arguments, usual=True)]


def _litgpt(call: Call, span: Span, project: Project) -> list[Run]:
    """`litgpt finetune_lora CHECKPOINT --lora_r 16 --train.epochs 3`: sections by dots."""
    from lora_lint.frameworks import litgpt

    arguments = options(call.arguments[1:], span)
    task = call.arguments[0].text if call.arguments else None
    if task not in ("finetune", "finetune_lora") or arguments.mapping.entry("config") is not None:
        return []
    entries = arguments.mapping.entries
    if arguments.positional and arguments.mapping.entry("checkpoint_dir") is None:
        folder = arguments.positional[0]
        key = Scalar("checkpoint_dir", "checkpoint_dir", folder.span)
        entries = (Entry(key, scalar(folder)), *entries)
    reading = litgpt.read(unfolded(Mapping(entries, span)), project)
    return [settled(run, arguments, usual=True) for run in reading.runs]


def _entry(key: str, value: Any, span: Span) -> Entry:
    """A setting that the command itself makes."""
    node: Node = Scalar(value, str(value), span)
    return Entry(Scalar(key, key, span), node)


_OPENED = ("rank", "alpha", "dropout", "target_modules", "scale", "use_rslora")


def settled(run: Run, arguments: Arguments, usual: bool) -> Run:
    """The run as sure as its arguments are: a default of a variable may be overridden, and where there are further
    arguments that are not known, or the program's defaults are not, what is not given is not known."""
    adapter, model, training = (
        _each(record, arguments, not usual or arguments.open) for record in (run.adapter, run.model, run.training)
    )
    return replace(run, adapter=adapter, model=model, training=training)


def _each(record: Any, arguments: Arguments, is_open: bool) -> Any:
    changed: dict[str, Value[Any]] = {}
    for name in type(record).__match_args__:
        value = getattr(record, name)
        if not isinstance(value, Known):
            continue
        if value.origin == "framework-default":
            if is_open and (name in _OPENED or name in ("learning_rate", "optimizer", "epochs")):
                changed[name] = Unknown("other arguments of the command may give it")
        elif arguments.open or value.span in arguments.defaults:
            changed[name] = Known(value.value, value.span, "cli-default", value.written)
    return replace(record, **changed) if changed else record
