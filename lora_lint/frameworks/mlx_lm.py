"""mlx-lm: `fine_tune_type: lora` and `lora_parameters`, whose `scale` is itself the factor on the adapter's output.

Source: mlx-lm 0.32.0, lora.py, tuner/{utils,lora,datasets}.py. Only the adapter of its last `num_layers` layers is
trained. `keys` are paths below a layer and are compared whole, not by their ends; without them every linear layer is
adapted, experts and routers included.
"""

from __future__ import annotations

import os.path

from lora_lint.frameworks import tables
from lora_lint.frameworks.fields import Fields, usual
from lora_lint.knowledge import schemas
from lora_lint.knowledge.versions import named
from lora_lint.readers.nodes import Mapping
from lora_lint.records import replace
from lora_lint.run.events import Load, LoadAdapter, Train, Wrap
from lora_lint.run.framework import CommandLine, Framework
from lora_lint.run.problems import InvalidValue
from lora_lint.run.run import Adapter, BaseModel, Dataset, Reading, Run, Training
from lora_lint.run.values import ABSENT, Known, Unknown, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from lora_lint.knowledge.models import Model
    from lora_lint.project import Project
    from lora_lint.run.problems import UnknownKey
    from lora_lint.run.values import Value

_IMPLIED = {"fine_tune_type": "lora"}
FRAMEWORK = Framework(
    name="mlx_lm",
    title="mlx-lm",
    source="mlx-lm",
    version=(0, 32, 0),
    packages=("mlx-lm",),
    keys={
        "rank": "rank",
        "scale": "scale",
        "dropout": "dropout",
        "target_modules": "keys",
    },
    kinds=("yaml", "json"),
    sections={"lora_parameters": "lora"},
    marks=((b"fine_tune_type",), (b"lora_parameters",)),
    tells=(b"fine_tune_type", b"adapters.npz", b"adapters.safetensors"),
    adapts="mlx-lm",
    usual_scale=20.0,
    synonyms={
        "r": "rank",
        "lora_rank": "rank",
        "lora_r": "rank",
        "alpha": "scale",
        "lora_dropout": "dropout",
    },
    commands=(
        CommandLine("command", "mlx_lm", ("lora",), config="option", implied=_IMPLIED),
        CommandLine("command", "mlx_lm.lora", config="option", implied=_IMPLIED),
        CommandLine("module", r"mlx_lm", ("lora",), config="option", implied=_IMPLIED),
        CommandLine("module", r"mlx_lm\.lora", config="option", implied=_IMPLIED),
    ),
    tells_in_commands=(rb"\bmlx_lm\b",),
    other_keys={
        "model": "model",
        "output": "adapter_path",
        "optimizer": "optimizer",
        "learning_rate": "learning_rate",
        "max_steps": "iters",
        "batch_size": "batch_size",
        "accumulation": "grad_accumulation_steps",
    },
    defaults={
        "task_type": "CAUSAL_LM",
        "optimizer": "adam",
        "learning_rate": 1e-5,
        "max_steps": 1000,
        "batch_size": 4,
        "accumulation": 1,
        "output": "adapters",
    },
)
_PART = "lora_parameters"
_REQUIRED = ("rank", "scale", "dropout")
_GONE_IN_PART = {"alpha": (0, 14, 2)}
"""The first releases without what older ones need in `lora_parameters` (tuner/utils.py of 0.4.0 to 0.14.1)."""
_OLD = {"lora_layers": "num_layers", "adapter_file": "adapter_path", "steps_per_save": "save_every"}
_ATTENTION = frozenset({"q_proj", "k_proj", "v_proj", "o_proj", "qkv_proj"})
_MLP = frozenset({"gate_proj", "up_proj", "down_proj", "gate_up_proj"})
_NAMED = frozenset({f"self_attn.{name}" for name in _ATTENTION} | {f"mlp.{name}" for name in _MLP})
"""Paths below a layer that are the same in transformers wherever a model of mlx-lm has them."""
_MIXTURES = ("num_experts", "num_local_experts", "n_routed_experts")


def recognises(document: Mapping) -> bool:
    """Whether a mapping is an mlx-lm file, or the settings that it saves next to an adapter."""
    return document.entry("fine_tune_type") is not None or isinstance(document.get(_PART), Mapping)


def read(document: Mapping, project: Project) -> Reading:
    """The run of a file, if it trains LoRA or DoRA: not one that only tests an adapter."""
    fields = Fields(document)
    kind = known(fields.text("fine_tune_type", usual("lora")))
    trains = known(fields.flag("train"))
    if kind not in ("lora", "dora") or (trains is False and known(fields.flag("test"))):
        return Reading()
    span = fields.span("fine_tune_type" if fields.has("fine_tune_type") else _PART)
    name = fields.text("model", _default("Qwen/Qwen3-0.6b", fields))
    model = _identified(name, document.span.path)
    problems: tuple[UnknownKey | InvalidValue, ...] = (
        *_problems(fields, model),
        *(_unfit_data(fields, document.span.path, project) if not _is_saved(fields) else ()),
    )
    resumed = fields.has("resume_adapter_file")
    loaded = LoadAdapter(fields.span("resume_adapter_file"), trainable=Known(True))
    put_on = loaded if resumed else Wrap(span)  # weights for the adapter that these settings create
    run = Run(
        FRAMEWORK,
        span,
        _adapter(fields, kind, model, span),
        BaseModel(name, "AutoModelForCausalLM", Unknown("mlx-lm keeps the quantization of the weights")),
        replace(_dataset(fields, document.span.path, project), template=_template(fields, name, project)),
        _training(fields),
        (Load(fields.span("model")), put_on, Train(span)),
        problems,
        trained=trains,
    )
    return Reading((run,))


def _is_saved(fields: Fields) -> bool:
    """Whether the settings stand beside a saved adapter. mlx-lm saves all of them; other programs that train for it
    save only what it needs to load the adapter, so that what is not there is not known."""
    return os.path.basename(fields.mapping.span.path) == "adapter_config.json"


def _default(value: Any, fields: Fields) -> Value[Any]:
    return ABSENT if _is_saved(fields) else usual(value)


def _identified(name: Value[str], near: str) -> Model | None:
    from lora_lint.knowledge.models import identify

    text = known(name)
    return identify(text, near=os.path.dirname(near) or None) if text else None


def _adapter(fields: Fields, kind: str | None, model: Model | None, span: Any) -> Adapter:
    """If `lora_parameters` are given, each of them must be present."""
    given = fields.section(_PART)
    lora = given or Fields(Mapping((), fields.mapping.span))
    own: dict[str, Any] = {
        "target_modules": _targets(lora, model),
        "layers_to_transform": _layers(fields, model),
        "use_dora": Known(kind == "dora", span),
    }
    if given is None:
        own |= {"rank": usual(8), "dropout": usual(0.0), "scale": usual(FRAMEWORK.usual_scale)}
    return tables.adapter(FRAMEWORK, lora, span, **own)


def _targets(lora: Fields, model: Model | None) -> Value[Any]:
    """The keys, where they mean the same in transformers as in mlx-lm."""
    found = lora.listing("keys")
    if found is ABSENT and (model is None or any(model.config.get(key) for key in _MIXTURES)):
        return Unknown("mlx-lm also adapts the experts")
    if found is ABSENT:
        return usual("all-linear")
    if isinstance(found, Known) and not _NAMED.issuperset(found.value):
        return Unknown("mlx-lm has its own modules", found.span)
    return found


def _layers(fields: Fields, model: Model | None) -> Value[Any]:
    """The last `num_layers` of the model's layers; all of them if it is not above 0."""
    wanted = fields.whole("num_layers", usual(16))
    if not isinstance(wanted, Known):
        return wanted
    if wanted.value <= 0:
        return Known(None, wanted.span, wanted.origin)
    count = _depth(model)
    if count is None:
        return Unknown("how many layers the model has is not known", wanted.span)
    if wanted.value >= count:
        return Known(None, wanted.span, wanted.origin)
    return Known(tuple(range(count - wanted.value, count)), wanted.span, wanted.origin)


def _depth(model: Model | None) -> int | None:
    count = model.config.get("num_hidden_layers") if model is not None else None
    return count if isinstance(count, int) else None


def _problems(fields: Fields, model: Model | None) -> Iterator[UnknownKey | InvalidValue]:
    owner = "mlx-lm"
    unlisted = schemas.Unlisted(owner, "is ignored", synonyms=_OLD, only_near=schemas.keys(FRAMEWORK.name))
    unknown = schemas.unknown_keys(FRAMEWORK.name, fields.mapping, unlisted)
    yield from (each for each in unknown if each.until is None or not _is_saved(fields))  # an older release saved it
    yield from schemas.invalid_values(FRAMEWORK.name, fields.mapping, owner)
    lora = fields.section(_PART)
    if lora is not None:
        unlisted = schemas.Unlisted("mlx-lm's `lora_parameters`", "is ignored", synonyms=FRAMEWORK.synonyms)
        for each in schemas.unknown_keys(FRAMEWORK.name, lora.mapping, unlisted, "lora"):
            gone = _GONE_IN_PART.get(each.key)
            if gone is not None and _is_saved(fields):
                continue
            owner = each.owner if gone is None else f"the `{_PART}` of mlx-lm {named(gone)} and newer"
            yield replace(each, owner=owner, until=gone)
        yield from schemas.invalid_values(FRAMEWORK.name, lora.mapping, owner, "lora")
        missing = [key for key in _REQUIRED if not lora.has(key)]
        if missing:
            given = {str(entry.key.value): getattr(entry.value, "raw", "…") for entry in lora.mapping.entries}
            entry = fields.mapping.entry(_PART)
            span = entry.key.span if entry is not None else lora.mapping.span
            yield InvalidValue(_PART, given, span, owner, "`rank`, `scale` and `dropout` together (else a KeyError)")
        for name, span in lora.places("keys"):
            if name in _ATTENTION | _MLP:
                path = f"self_attn.{name}" if name in _ATTENTION else f"mlp.{name}"
                yield InvalidValue("keys", name, span, owner, f"a module's whole path below its layer, as {path}")
    count, wanted = _depth(model), fields.whole("num_layers")
    if count is not None and isinstance(wanted, Known) and wanted.value > count and wanted.span is not None:
        yield InvalidValue("num_layers", wanted.value, wanted.span, owner, f"at most the model's {count} layers")


def _unfit_data(fields: Fields, near: str, project: Project) -> Iterator[InvalidValue]:
    from lora_lint.frameworks.mlx_lm_data import unfit_data

    batch = fields.whole("batch_size", usual(FRAMEWORK.defaults["batch_size"]))
    yield from unfit_data(fields, batch, FRAMEWORK.title, near, project)


def _dataset(fields: Fields, near: str, project: Project) -> Dataset:
    """`hf_dataset`, or `data`: a folder with train.jsonl or a public set."""
    from lora_lint.knowledge.sizes import one_set, rows_of_file

    public = fields.section("hf_dataset")
    if public is not None:
        config = public.section("config")
        subset = known(config.text("name")) if config is not None else None
        split: str | None = known(public.text("train_split", usual("train[:80%]")))
        return one_set(public.text("path"), split, subset, near, project)
    if fields.has("hf_dataset"):
        return Dataset(Unknown("there are several datasets", fields.span("hf_dataset")))
    name = fields.text("data", _default("mlx-community/WikiSQL", fields))
    folder = known(name)
    rows = rows_of_file(f"{folder}/train.jsonl", near, project) if folder else None
    if rows is not None:
        return Dataset(name, Known(rows, fields.span("data"), "derived"), f"{folder}/train.jsonl")
    return one_set(name, "train", None, near, project)


def _template(fields: Fields, model: Value[str], project: Project) -> Value[str]:
    """The model, if its own chat template writes the rows of the data: those with messages, or with a prompt and a
    completion (mlx-lm 0.32.2, tuner/datasets.py)."""
    from lora_lint.knowledge.names import lacks_template
    from lora_lint.knowledge.sizes import first_rows

    folder, name = known(fields.text("data")), known(model)
    if folder is None or name is None or not lacks_template(name):
        return ABSENT
    rows = first_rows(f"{folder}/train.jsonl", fields.mapping.span.path, project, 1)
    keys = rows[0].keys() if rows and isinstance(rows[0], dict) else set()
    if "messages" in keys or {"prompt", "completion"} <= keys:
        return Known(name, fields.span("data"), "derived")
    return ABSENT


def _training(fields: Fields) -> Training:
    """A schedule has the rate among its own arguments."""
    own: dict[str, Value[Any]] = {}
    if _is_saved(fields):
        keys = FRAMEWORK.other_keys
        own = {name: ABSENT for name in FRAMEWORK.defaults if name in keys and not fields.has(keys[name])}
        own.pop("output", None)
    if fields.has("lr_schedule"):
        own["learning_rate"] = Unknown("`lr_schedule` sets it", fields.span("lr_schedule"))
    return tables.training(FRAMEWORK, fields, "supervised", **own)
