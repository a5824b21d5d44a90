"""Configuration files read by their framework's record alone: its keys, defaults, and what shows that LoRA is trained.

A framework whose files are such tables needs nothing but its record. The others use these parts for what is a table in
them; values that they read in their own way are passed as keywords.
"""

from __future__ import annotations

from lora_lint.frameworks.fields import Fields, multiple, set_by_config, unfolded, usual, with_dotted_keys
from lora_lint.knowledge import schemas
from lora_lint.knowledge.layouts import zero_of
from lora_lint.records import dataclass, replace
from lora_lint.run.events import Load, Train, Wrap
from lora_lint.run.launch import Launch, Sharding
from lora_lint.run.run import Adapter, BaseModel, Dataset, Reading, Run, Training
from lora_lint.run.values import ABSENT, Known, Unknown, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from typing import Any

    from lora_lint.project import Project
    from lora_lint.readers.nodes import Mapping as Document
    from lora_lint.run.framework import Framework
    from lora_lint.run.problems import Problem
    from lora_lint.run.run import Method
    from lora_lint.run.values import Value
    from lora_lint.source import Span

_ADAPTER: dict[str, Callable[[Fields, str, Value[Any]], Value[Any]]] = {
    "rank": Fields.whole,
    "alpha": Fields.number,
    "dropout": Fields.number,
    "scale": Fields.number,
    "target_modules": Fields.names,
    "exclude_modules": Fields.names,
    "target_parameters": Fields.listing,
    "layers_to_transform": Fields.wholes,
    "layers_pattern": Fields.names,
    "rank_pattern": Fields.numbers_by_name,
    "alpha_pattern": Fields.numbers_by_name,
    "use_rslora": Fields.flag,
    "use_dora": Fields.flag,
    "bias": Fields.text,
    "lora_bias": Fields.flag,
    "modules_to_save": Fields.listing,
    "init_lora_weights": Fields.switch,
    "inference_mode": Fields.flag,
    "task_type": Fields.text,
}
"""Settings of an adapter, and how to read each."""
_TRAINING: dict[str, Callable[[Fields, str, Value[Any]], Value[Any]]] = {
    "optimizer": Fields.text,
    "learning_rate": Fields.number,
    "epochs": Fields.number,
    "max_steps": Fields.whole,
    "batch_size": Fields.whole,
    "accumulation": Fields.whole,
    "warmup": Fields.number,
    "schedule": Fields.text,
    "half": Fields.flag,
}


@dataclass(frozen=True)
class TableReader:
    """Reads the files of a framework that has no reader of its own."""

    framework: Framework

    def recognises(self, document: Document) -> bool:
        """Whether a mapping has the keys that show that LoRA is trained, and names a model."""
        flat, framework = with_dotted_keys(unfolded(document)), self.framework
        shown = tuple(framework.says_lora) or (() if framework.says_other else (framework.keys["rank"],))
        return all(flat.entry(key) is not None for key in (*shown, framework.other_keys["model"]))

    def read(self, document: Document, project: Project) -> Reading:
        """The run of a file that trains LoRA. A key with dots is one in sections."""
        from lora_lint.knowledge.sizes import one_set

        framework, sections = self.framework, unfolded(document)
        fields = Fields(with_dotted_keys(sections), sections)
        if any(known(fields.switch(key)) != value for key, value in framework.says_lora.items()):
            return Reading()
        if any(known(fields.switch(key)) == value for key, value in framework.says_other.items()):
            return Reading()
        if framework.defaults.get("rank") == 0 and known(fields.whole(framework.keys["rank"], usual(0))) == 0:
            return Reading()
        keys = framework.other_keys
        span = fields.span(next(iter(framework.says_lora), keys["model"]))
        name = fields.text(keys["dataset"]) if "dataset" in keys else ABSENT
        own: dict[str, Any] = {"target_modules": _targets(framework, fields)} if framework.can("target_modules") else {}
        if framework.alpha_of_rank:
            own["alpha"] = _alpha(framework, fields)
        run = Run(
            framework,
            span,
            adapter(framework, fields, span, None, **own),
            BaseModel(fields.text(keys["model"]), "AutoModelForCausalLM"),
            Dataset() if name is ABSENT else one_set(name, "train", None, document.span.path, project),
            training(framework, fields, framework.method),
            (Load(fields.span(keys["model"])), Wrap(span), Train(span)),
            problems(framework, document),
            own_names=framework.own_names,
            trained=True,
        )
        return Reading((run,))


def _alpha(framework: Framework, fields: Fields) -> Value[float]:
    """Alpha, or the multiple of the rank that stands for it."""
    rank = fields.whole(framework.keys["rank"], usual(framework.defaults["rank"]))
    otherwise = multiple(rank, framework.alpha_of_rank)
    return fields.number(framework.keys["alpha"], otherwise) if framework.can("alpha") else otherwise


def _targets(framework: Framework, fields: Fields) -> Value[Any]:
    """The targets in the framework's own spelling; an empty list stands for the default."""
    key, default = framework.keys["target_modules"], framework.defaults.get("target_modules")
    otherwise: Value[Any] = ABSENT if default is None else usual(default)
    found = fields.names(key, otherwise)
    if not isinstance(found, Known) or found.span is None:
        return found
    if found.value == framework.every_layer or (framework.shorthand_in_list and found.value == ("all-linear",)):
        return Known("all-linear", found.span)
    return (fields.commas(key) if framework.commas else found) if found.value else otherwise


def adapter(
    framework: Framework, fields: Fields, otherwise: Span, keys: Mapping[str, str] | None = None, **own: Any
) -> Adapter:
    """The adapter settings in a mapping. The adapter's place is where the rank is written, or `otherwise`; `keys` are
    those of this file where they differ from the framework's."""
    keys = framework.keys if keys is None else keys
    values = _values(framework, fields, keys, _ADAPTER, own)
    if not framework.can("target_modules"):
        values.setdefault("target_modules", Unknown(f"{framework.title} chooses the layers itself"))
    rank = keys.get("rank", "")
    span = fields.span(rank) if fields.has(rank) else otherwise
    places = fields.places(keys["target_modules"]) if "target_modules" in keys else ()
    return Adapter(**{"span": span, "target_spans": places, "keys": keys, **values})


def resumed(adapter: Adapter) -> Adapter:
    """The adapter if it is loaded from disk, so its own config decides."""
    values: dict[str, Any] = {name: set_by_config(getattr(adapter, name)) for name in _ADAPTER if name != "scale"}
    return replace(adapter, **values)


def training(framework: Framework, fields: Fields, method: Method, **own: Any) -> Training:
    """The settings of the training in a mapping."""
    keys = framework.other_keys
    values = _values(framework, fields, keys, _TRAINING, own)
    span = fields.span(keys["learning_rate"]) if "learning_rate" in keys else None
    return Training(**{"trainer": framework.title, "method": method, "span": span, **values})


def _values(
    framework: Framework,
    fields: Fields,
    keys: Mapping[str, str],
    ways: Mapping[str, Callable[[Fields, str, Value[Any]], Value[Any]]],
    own: Mapping[str, Any],
) -> dict[str, Any]:
    """The settings that a framework has, or has its own value for; `own` come first."""
    found = dict(own)
    for name, way in ways.items():
        if name in own or not (name in keys or name in framework.defaults):
            continue
        default: Value[Any] = getattr(Adapter, name, ABSENT)
        if name in framework.defaults:
            default = usual(framework.defaults[name])
        found[name] = way(fields, keys[name], default) if name in keys else default
    return found


def problems(
    framework: Framework,
    mapping: Document,
    definition: str | None = None,
    *,
    owner: str = "",
    near: Collection[str] | None = None,
    unconverted: Collection[str] = (),
    synonyms: Mapping[str, str] | None = None,
) -> tuple[Problem, ...]:
    """The keys and values of a mapping that are not in the framework's schema. With `near`, only keys that are
    misspellings of these; `owner` is what does not know them. `unconverted` is as in schemas."""
    if not schemas.has(framework.name):
        return ()
    unlisted = schemas.Unlisted(
        owner or framework.title,
        framework.unknown_keys,
        synonyms=framework.synonyms if synonyms is None else synonyms,
        only_near=near,
        refused=framework.refuses_unknown,
    )
    return (
        *schemas.unknown_keys(framework.name, mapping, unlisted, definition),
        *schemas.invalid_values(framework.name, mapping, framework.title, definition, unconverted=unconverted),
    )


def quantization(fields: Fields) -> Value[str | None]:
    """The quantization that `load_in_4bit` and `load_in_8bit` set."""
    found: Value[str | None] = usual(None)
    for key, kind in (("load_in_4bit", "4bit"), ("load_in_8bit", "8bit")):
        flag = fields.flag(key)
        if isinstance(flag, Known) and flag.value:
            found = Known(kind, flag.span)
        elif isinstance(flag, Unknown) and flag is not ABSENT:
            found = flag
    return found


def sharding(fields: Fields, project: Project) -> Launch:
    """How the parameters are sharded, by `fsdp` and `deepspeed` in transformers' arguments (5.23, training_args.py)."""
    fsdp = fields.text("fsdp")
    if isinstance(fsdp, Known) and fsdp.value not in ("", "no_shard", "false"):
        return Launch(sharding=Known(Sharding.FSDP, fields.span("fsdp")))
    path = fields.text("deepspeed")
    if not isinstance(path, Known):
        return Launch()
    zero, sure = zero_of(path.value, fields.mapping.span.path, project)
    return Launch() if zero is None else zero.launch(fields.span("deepspeed"), "literal" if sure else "cli-default")
