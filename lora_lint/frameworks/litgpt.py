"""LitGPT: `lora_r`, and a switch for each part: `lora_query`, `lora_key`, `lora_value`, `lora_projection` …

Source: litgpt 0.5.13, finetune/lora.py, lora.py, args.py, utils.py (instantiate_torch_optimizer) and data/*.py.
LitGPT has modules of its own, with one matrix for queries, keys and values; it adapts each of the three apart, as
where they are three modules.
"""

from __future__ import annotations

from lora_lint.frameworks import tables
from lora_lint.frameworks.fields import Fields, unfolded, usual
from lora_lint.knowledge import schemas
from lora_lint.readers.arguments import scalar
from lora_lint.readers.nodes import Entry, Mapping, Scalar
from lora_lint.records import replace
from lora_lint.run.events import Load, Train, Wrap
from lora_lint.run.framework import CommandLine, Framework
from lora_lint.run.run import BaseModel, Dataset, Reading, Run, Training
from lora_lint.run.values import ABSENT, Known, Unknown, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from lora_lint.frameworks.commands import Start
    from lora_lint.project import Project
    from lora_lint.readers.arguments import CommandOptions
    from lora_lint.run.problems import InvalidValue, Problem
    from lora_lint.run.values import Value
    from lora_lint.source import Span

FRAMEWORK = Framework(
    name="litgpt",
    title="LitGPT",
    source="litgpt",
    version=(0, 5, 13),
    packages=("litgpt",),
    keys={
        "rank": "lora_r",
        "alpha": "lora_alpha",
        "dropout": "lora_dropout",
        "target_modules": "lora_query",
        "dtype": "precision",
    },
    kinds=("yaml",),
    sections={"train": "train"},
    marks=((b"lora_query",), (b"lora_r", b"checkpoint_dir")),
    adapts="LitGPT",
    whole_alpha=True,
    unknown_keys="stops litgpt with an error",
    synonyms={
        "lora_rank": "lora_r",
        "lora_proj": "lora_projection",
        "lora_output": "lora_projection",
    },
    commands=(CommandLine("command", "litgpt", ("finetune", "finetune_lora")),),
    tells_in_commands=(rb"\blitgpt\s+finetune\b",),
    other_keys={
        "model": "checkpoint_dir",
        "epochs": "epochs",
        "max_steps": "max_steps",
        "batch_size": "micro_batch_size",
    },
    defaults={
        "rank": 8,
        "alpha": 16,
        "dropout": 0.05,
        "task_type": "CAUSAL_LM",
        "epochs": 5.0,
        "batch_size": 1,
    },
)
_SWITCHES = {
    "lora_query": True,
    "lora_key": False,
    "lora_value": True,
    "lora_projection": False,
    "lora_mlp": False,
    "lora_head": False,
}
"""What is adapted, and whether it is by default."""
_ATTENTION = {"lora_query": "q_proj", "lora_key": "k_proj", "lora_value": "v_proj"}
_OUTPUTS = ("o_proj", "dense")
_OF_LORA = frozenset({"lora_r", "lora_alpha", "lora_dropout", *_SWITCHES})
_BITS = {"bnb.nf4": "4bit", "bnb.fp4": "4bit", "bnb.int8-training": "8bit"}
_SETS = {
    "Alpaca": ("yahma/alpaca-cleaned", 0.03865),
    "Alpaca2k": ("mhenrichsen/alpaca_2k_test", 0.05),
    "AlpacaGPT4": ("vicgalle/alpaca-gpt4", 0.03847),
}
"""Data modules, public data sets with the same rows, and the share that each holds out by default."""
_RATES = {"adam": 1e-3, "adamw": 1e-3, "sgd": 1e-3}
"""The defaults of torch.optim."""


def recognises(document: Mapping) -> bool:
    """Whether a mapping is a config of LitGPT's LoRA recipe."""
    if any(document.entry(key) is not None for key in ("base_model", "model_name_or_path", "training")):
        return False
    switches = sum(document.entry(key) is not None for key in _SWITCHES)
    return switches > 1 or (
        document.entry("checkpoint_dir") is not None and (switches > 0 or document.entry("lora_r") is not None)
    )


def read(document: Mapping, project: Project) -> Reading:
    """The run of a file."""
    fields = Fields(document)
    place = "lora_r" if fields.has("lora_r") else next((key for key in _SWITCHES if fields.has(key)), "checkpoint_dir")
    span = fields.span(place)
    model = _model(fields)
    targets = _targets(fields, known(model.name))
    own: dict[str, Any] = {"target_modules": targets, "dtype": _dtype(fields)}
    adapter = replace(tables.adapter(FRAMEWORK, fields, span, **own), span=span, target_spans=())
    names = known(adapter.target_modules)
    run = Run(
        FRAMEWORK,
        span,
        adapter,
        model,
        _dataset(fields, document.span.path, project),
        _training(fields),
        (Load(fields.span("checkpoint_dir")), Wrap(span), Train(span)),
        (*_problems(fields), *_unfit_data(fields, document.span.path, project)),
        trained=True,
        own_names=names is not None and not _SWITCHES.keys().isdisjoint(names),
    )
    return Reading((run,))


def read_command(start: Start, arguments: CommandOptions, project: Project) -> Reading:  # noqa: ARG001
    """The run of `litgpt finetune_lora CHECKPOINT --lora_r 16 --train.epochs 3`: sections by dots."""
    given = arguments.mapping
    entries = given.entries
    if arguments.positional and given.entry("checkpoint_dir") is None:
        folder = arguments.positional[0]
        key = Scalar("checkpoint_dir", "checkpoint_dir", folder.span)
        entries = (Entry(key, scalar(folder)), *entries)
    return read(unfolded(Mapping(entries, given.span)), project)


def _problems(fields: Fields) -> tuple[Problem, ...]:
    found = tables.problems(FRAMEWORK, fields.mapping, near=_OF_LORA, unconverted=("lora_r",))
    train = fields.section("train")
    if train is None:
        return found
    near = schemas.keys(FRAMEWORK.name, "train")
    return (*found, *tables.problems(FRAMEWORK, train.mapping, "train", near=near, synonyms={}))


def _unfit_data(fields: Fields, near: str, project: Project) -> Iterator[InvalidValue]:
    section = fields.section("data")
    own = section.section("init_args") if section is not None else None
    if section is None or own is None or str(known(section.text("class_path"))).rpartition(".")[2] != "JSON":
        return
    from lora_lint.frameworks.litgpt_data import unfit_data

    yield from unfit_data(own, FRAMEWORK.title, near, project)


def _targets(fields: Fields, name: str | None) -> Value[Any]:
    """The modules of the transformers model that the switches stand for; the switches themselves if that model has one
    module for queries, keys and values, or experts."""
    from lora_lint.knowledge.architectures import architecture, projections
    from lora_lint.knowledge.models import identify

    on = []
    for key, otherwise in _SWITCHES.items():
        flag = fields.flag(key, usual(otherwise))
        if not isinstance(flag, Known):
            return flag
        on += [key] if flag.value else []
    span = next((fields.span(key) for key in on if fields.has(key)), None)
    model = identify(name) if name else None
    found = architecture(model.model_type, "causal-lm") if model is not None else None
    names = projections(found) if found is not None else ()
    if set(names[:3]) != set(_ATTENTION.values()) or len(names) < 4 or names[3] not in _OUTPUTS:
        return Known(tuple(on), span, "derived")
    meant: dict[str, tuple[str, ...]] = {key: (module,) for key, module in _ATTENTION.items()}
    meant |= {"lora_projection": names[3:4], "lora_mlp": names[4:], "lora_head": ("lm_head",)}
    if any(not meant[key] for key in on):
        return Known(tuple(on), span, "derived")
    return Known(tuple(module for key in on for module in meant[key]), span, "derived")


def _dtype(fields: Fields) -> Value[str]:
    """Under a "true" precision all weights have it; a mixed one keeps them in float32 (lightning.fabric)."""
    precision = fields.text("precision")
    if not isinstance(precision, Known):
        return precision
    dtype = {"16-true": "float16", "bf16-true": "bfloat16"}.get(precision.value, "float32")
    return Known(dtype, precision.span, precision.origin)


def _model(fields: Fields) -> BaseModel:
    """The folder ends with the name on the hub: `checkpoints/meta-llama/Llama-3.2-1B`."""
    folder = fields.text("checkpoint_dir")
    name: Value[str] = folder
    if isinstance(folder, Known):
        parts = [part for part in folder.value.replace("\\", "/").split("/") if part not in ("", ".", "..")]
        name = Known("/".join(parts[-2:]), folder.span) if parts else ABSENT
    quantize = fields.text("quantize", usual(None))
    bits: Value[str | None] = quantize
    if isinstance(quantize, Known):
        how = str(quantize.value).removesuffix("-dq")
        bits = Known(_BITS.get(how), quantize.span, quantize.origin)
    return BaseModel(name, "AutoModelForCausalLM", bits)


def _dataset(fields: Fields, near: str, project: Project) -> Dataset:
    """A data module by its class, with its own arguments or the defaults."""
    from lora_lint.knowledge.sizes import rows_of, rows_of_file, without_held_out

    node = fields.node("data")
    section = fields.section("data")
    kind = fields.text("data", usual("Alpaca")) if section is None else section.text("class_path")
    own = section.section("init_args") if section is not None else None
    if not isinstance(kind, Known):
        return Dataset(Unknown("the data module is not named", getattr(node, "span", None)))
    short = str(kind.value).rpartition(".")[2]
    share = known(own.number("val_split_fraction")) if own is not None else None
    if short == "JSON":
        name: Value[str] = own.text("json_path") if own is not None else ABSENT
        rows = rows_of_file(name.value, near, project) if isinstance(name, Known) else None
        held = share or 0.0
    else:
        public, held = _SETS.get(short, ("", 0.0))
        rows = rows_of(public, "train", None, near, project) if public else None
        name, held = kind, held if share is None else share
    if rows is None:
        return Dataset(name, Unknown(f"the size of {known(name) or short} is not known", getattr(name, "span", None)))
    size = Known(without_held_out(rows, held), getattr(name, "span", None), "derived")
    return Dataset(name, size, f"{known(name)} less what is held out")


def _training(fields: Fields) -> Training:
    """Before 0.5 the rate was a training setting."""
    train = fields.section("train") or Fields(Mapping((), fields.mapping.span))
    rate, optimizer, span = _optimizer(fields)
    if train.has("learning_rate"):
        rate, span = train.number("learning_rate"), train.span("learning_rate")
    own: dict[str, Any] = {"optimizer": optimizer, "learning_rate": rate, "span": span}
    if fields.section("train") is not None:
        micro = train.whole("micro_batch_size", usual(1))
        own["accumulation"] = _accumulation(fields, train.whole("global_batch_size", usual(16)), micro)
    return tables.training(FRAMEWORK, train, "supervised", **own)


def _optimizer(fields: Fields) -> tuple[Value[float], Value[str], Span | None]:
    """The rate, the optimizer's name and where the rate is: a class with its arguments, or a name alone."""
    section = fields.section("optimizer")
    kind = fields.text("optimizer", usual("AdamW")) if section is None else section.text("class_path")
    short = str(known(kind)).rpartition(".")[2].lower()
    own = section.section("init_args") if section is not None else None
    otherwise = usual(_RATES[short]) if short in _RATES else ABSENT
    rate = own.number("lr", otherwise) if own is not None else otherwise
    name: Value[str] = Known(short, kind.span, kind.origin) if isinstance(kind, Known) else kind
    return rate, name, own.span("lr") if own is not None else None


def _accumulation(fields: Fields, whole: Value[int], micro: Value[int]) -> Value[int]:
    """Batches per step, if the number of devices is known."""
    devices, nodes = fields.node("devices"), known(fields.whole("num_nodes", usual(1)))
    count = known(fields.whole("devices", usual(1))) if isinstance(devices, Scalar) or devices is None else None
    if not isinstance(whole, Known) or not isinstance(micro, Known) or not count or not nodes or micro.value < 1:
        return ABSENT
    return Known(max(whole.value // (count * nodes) // micro.value, 1), whole.span, "derived")
