"""torchtune: `model._component_: torchtune.models.*.lora_*` or `qlora_*`.

Source: torchtune 0.6.1, models/*/_model_builders.py and datasets/*.py; for Qwen3 the repository at bd2a0fc, after that
release. torchtune has modules of its own; where they are those of transformers under other names, the names are
translated, so that sizes and parameters can be told.
"""

from __future__ import annotations

import re

from lora_lint.frameworks.fields import Fields
from lora_lint.knowledge import schemas
from lora_lint.readers.nodes import Mapping
from lora_lint.records import replace
from lora_lint.run.events import Load, Train, Wrap
from lora_lint.run.framework import CommandLine, Framework
from lora_lint.run.problems import InvalidValue
from lora_lint.run.run import Adapter, BaseModel, Dataset, Reading, Run, Training
from lora_lint.run.values import ABSENT, Known, Unknown, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from lora_lint.project import Project
    from lora_lint.run.problems import UnknownKey
    from lora_lint.run.run import Method
    from lora_lint.run.values import Value

FRAMEWORK = Framework(
    name="torchtune",
    title="torchtune",
    source="torchtune",
    version=(0, 6, 1),
    packages=("torchtune",),
    keys={
        "rank": "lora_rank",
        "alpha": "lora_alpha",
        "dropout": "lora_dropout",
        "target_modules": "lora_attn_modules",
        "use_dora": "use_dora",
    },
    kinds=("yaml",),
    sections={"model": "llama3_1.lora_llama3_1_8b"},  # every builder takes the same keys
    marks=((b"_component_", b"torchtune"),),
    adapts="torchtune",
    unknown_keys="stops the recipe with a TypeError",
    commands=(
        CommandLine(
            *("command", "tune", ("run",)),
            config="option",
            beside="dotted",
            shipped=("recipes/configs",),
            component="_component_",
            alone=None,
        ),
    ),
    tells_in_commands=(rb"\btune\s+run\b",),
    recommended=("rank", "alpha", "target_modules", "learning_rate", "epochs"),
)
_BUILDER = re.compile(r"^torchtune\.models\.(\w+)\.(q?lora_\w+)$")
_NAMES = {"q_proj": "q_proj", "k_proj": "k_proj", "v_proj": "v_proj", "output_proj": "o_proj"}
_OWN = "torchtune builds this model from its own modules"
_MLP = ("gate_proj", "up_proj", "down_proj")
_MODELS = {
    "llama2_7b": "meta-llama/Llama-2-7b-hf",
    "llama2_13b": "meta-llama/Llama-2-13b-hf",
    "llama2_70b": "meta-llama/Llama-2-70b-hf",
    "code_llama2_7b": "codellama/CodeLlama-7b-hf",
    "code_llama2_13b": "codellama/CodeLlama-13b-hf",
    "code_llama2_70b": "codellama/CodeLlama-70b-hf",
    "llama3_8b": "meta-llama/Meta-Llama-3-8B",
    "llama3_70b": "meta-llama/Meta-Llama-3-70B",
    "llama3_1_8b": "meta-llama/Llama-3.1-8B",
    "llama3_1_70b": "meta-llama/Llama-3.1-70B",
    "llama3_1_405b": "meta-llama/Llama-3.1-405B",
    "llama3_2_1b": "meta-llama/Llama-3.2-1B",
    "llama3_2_3b": "meta-llama/Llama-3.2-3B",
    "llama3_3_70b": "meta-llama/Llama-3.3-70B-Instruct",
    "mistral_7b": "mistralai/Mistral-7B-v0.1",
    "gemma_2b": "google/gemma-2b",
    "gemma_7b": "google/gemma-7b",
    "gemma2_2b": "google/gemma-2-2b",
    "gemma2_9b": "google/gemma-2-9b",
    "gemma2_27b": "google/gemma-2-27b",
    "qwen2_0_5b": "Qwen/Qwen2-0.5B",
    "qwen2_1_5b": "Qwen/Qwen2-1.5B",
    "qwen2_7b": "Qwen/Qwen2-7B",
    "qwen2_5_0_5b": "Qwen/Qwen2.5-0.5B",
    "qwen2_5_1_5b_base": "Qwen/Qwen2.5-1.5B",
    "qwen2_5_1_5b_instruct": "Qwen/Qwen2.5-1.5B-Instruct",
    "qwen2_5_3b": "Qwen/Qwen2.5-3B",
    **{f"qwen2_5_{size}b_base": f"Qwen/Qwen2.5-{size}B" for size in ("7", "14", "32", "72")},
    **{f"qwen2_5_{size}b_instruct": f"Qwen/Qwen2.5-{size}B-Instruct" for size in ("7", "14", "32", "72")},
    "qwen3_0_6b_base": "Qwen/Qwen3-0.6B-Base",
    "qwen3_0_6b_instruct": "Qwen/Qwen3-0.6B",
    "qwen3_1_7b_base": "Qwen/Qwen3-1.7B-Base",
    "qwen3_1_7b_instruct": "Qwen/Qwen3-1.7B",
    **{f"qwen3_{size}b_base": f"Qwen/Qwen3-{size}B-Base" for size in ("4", "8", "14")},
    **{f"qwen3_{size}b_instruct": f"Qwen/Qwen3-{size}B" for size in ("4", "8", "14")},
    "qwen3_32b": "Qwen/Qwen3-32B",
}
"""Builders whose modules are those of transformers, and a model of that shape."""
_UNLIKE = {
    "phi3_mini": ("microsoft/Phi-3-mini-4k-instruct", "AutoModelForCausalLM"),
    "phi4_14b": ("microsoft/phi-4", "AutoModelForCausalLM"),
    "llama3_2_vision_11b": ("meta-llama/Llama-3.2-11B-Vision-Instruct", "AutoModelForImageTextToText"),
    "llama3_2_vision_90b": ("meta-llama/Llama-3.2-90B-Vision-Instruct", "AutoModelForImageTextToText"),
    "llama4_scout_17b_16e": ("meta-llama/Llama-4-Scout-17B-16E-Instruct", "AutoModelForImageTextToText"),
}
"""Builders of models that transformers builds from different modules: with queries, keys and values in one, or with
LoRA settings for each of their parts. Their targets have no names there."""
_FAMILIES = (
    *("llama2", "code_llama2", "llama3", "llama3_1", "llama3_2", "llama3_3"),
    *("mistral", "gemma", "gemma2", "qwen2", "qwen2_5", "qwen3"),
)
_DATASETS = {
    "alpaca_dataset": "tatsu-lab/alpaca",
    "alpaca_cleaned_dataset": "yahma/alpaca-cleaned",
    "slimorca_dataset": "Open-Orca/SlimOrca-Dedup",
    "grammar_dataset": "liweili/c4_200m",
    "samsum_dataset": "Samsung/samsum",
    "stack_exchange_paired_dataset": "lvwerra/stack-exchange-paired",
    "hh_rlhf_helpful_dataset": "RLHFlow/HH-RLHF-Helpful-standard",
}
"""Dataset builders and their default `source` (torchtune 0.6.1, datasets/*.py)."""


def owner(document: Mapping) -> str | None:
    """What takes the settings of a file: a LoRA recipe, whatever its name. None for the others."""
    model = Fields(document).section("model")
    return "" if model is not None and _BUILDER.match(str(known(model.text("_component_")))) else None


def builder_of(model: str) -> str | None:
    """The LoRA builder for a model, as `_component_` has it; None if torchtune has none."""
    same = {model.lower(), model.lower().removesuffix("-instruct")}
    shape = next((shape for shape, name in _MODELS.items() if name.lower() in same), None)
    if shape is None:
        return None
    family = max((name for name in _FAMILIES if shape.startswith(f"{name}_")), key=len)
    return f"torchtune.models.{family}.lora_{shape}"


def spelt(settings: dict[str, Any]) -> dict[str, Any] | None:
    """A recommendation as a recipe's config; None for a model that torchtune has no builder for."""
    builder = builder_of(settings["model"])
    if builder is None:
        return None
    targets = settings["target_modules"]
    names = targets.value if isinstance(targets.value, tuple) else ()
    attention = tuple(own for own, name in _NAMES.items() if name in names)
    return {
        "model": {
            "_component_": builder,
            "lora_attn_modules": replace(targets, value=attention),
            "apply_lora_to_mlp": "down_proj" in names,
            "lora_rank": settings["rank"],
            "lora_alpha": settings["alpha"],
        },
        "optimizer": {"_component_": "torch.optim.AdamW", "lr": settings["learning_rate"]},
        "epochs": settings["epochs"],
    }


def recognises(document: Mapping) -> bool:
    """Whether a mapping is a torchtune recipe's config."""
    model = document.get("model")
    component = model.get("_component_") if isinstance(model, Mapping) else None
    return str(getattr(component, "value", "")).startswith("torchtune.models.")


def read(document: Mapping, project: Project) -> Reading:
    """The run of a config whose model is built with LoRA: not one that quantizes, evaluates or generates."""
    whole = Fields(document, document)
    model = whole.section("model")
    match = _BUILDER.match(str(known(model.text("_component_")))) if model is not None else None
    if model is None or match is None:
        return Reading()
    if whole.section("optimizer") is None and whole.section("checkpointer") is not None:
        return Reading()
    family, builder = match.groups()
    definition = f"{family}.{builder}"
    part = "reward" if "_reward_" in builder else ""
    kind = re.sub(r"^q?lora_", "", builder).replace("_reward", "")
    shape = _MODELS.get(kind)
    name, loader = (shape, "AutoModelForCausalLM") if shape else _UNLIKE.get(kind, (None, "AutoModelForCausalLM"))
    quantized = builder.startswith("qlora_") or known(model.flag("quantize_base", Known(False))) is True
    span = model.span("_component_")
    base = BaseModel(
        Known(name, span, "derived") if name else Unknown(_OWN, span),
        "AutoModelForSequenceClassification" if part else loader,
        Known("4bit" if quantized else None, span, "derived"),
    )
    problems: tuple[UnknownKey | InvalidValue, ...] = (
        *schemas.unknown_keys(
            *(FRAMEWORK.name, model.mapping),
            schemas.Unlisted(builder, FRAMEWORK.unknown_keys, also=("_component_",)),
            definition,
        ),
        *schemas.invalid_values(FRAMEWORK.name, model.mapping, builder, definition, unconverted=("lora_rank",)),
        *_no_builder(model, family, builder),
        *_no_layers(model, definition),
        *_unfit_data(whole, document.span.path, project),
    )
    run = Run(
        FRAMEWORK,
        span,
        _adapter(model, definition, shape is not None),
        base,
        _dataset(whole, document.span.path, project),
        _training(whole),
        (Load(span), Wrap(span), Train(span)),
        problems,
        trained=True,
        own_names=shape is None,
    )
    return Reading((run,))


def _no_builder(model: Fields, family: str, builder: str) -> Iterator[InvalidValue]:
    """A builder that a torchtune family does not have; nothing for families newer than the known ones."""
    from lora_lint.knowledge.signatures import closest

    known_ones = [
        name.partition(".")[2] for name in schemas.load(FRAMEWORK.name)["$defs"] if name.startswith(f"{family}.")
    ]
    node = model.node("_component_")
    if not known_ones or builder in known_ones or node is None:
        return
    longer = [name for name in known_ones if name.startswith(f"{builder}_")]
    near = longer or closest(builder, known_ones, 0.8) or known_ones
    expected = f"a builder that torchtune.models.{family} has (0.6.1), such as {' or '.join(near[:2])}"
    yield InvalidValue("_component_", builder, node.span, "torchtune", expected)


def _no_layers(model: Fields, definition: str) -> Iterator[InvalidValue]:
    """Names of layers that no builder has, in the settings of one without a schema: newer ones have the same names
    (models/*/_component_builders.py)."""
    for name, span in model.places("lora_attn_modules"):
        if name not in _NAMES and schemas.part(FRAMEWORK.name, definition) is None:
            yield InvalidValue("lora_attn_modules", name, span, "torchtune", f"names among {', '.join(_NAMES)}")


def _adapter(model: Fields, definition: str, translated: bool) -> Adapter:
    def default(key: str) -> Value[Any]:
        found = schemas.default(FRAMEWORK.name, definition, key)
        return ABSENT if found is None else Known(found, None, "framework-default")

    return Adapter(
        span=model.span("lora_rank") if model.has("lora_rank") else model.span("_component_"),
        rank=model.whole("lora_rank", default("lora_rank")),
        alpha=model.number("lora_alpha", default("lora_alpha")),
        dropout=model.number("lora_dropout", default("lora_dropout")),
        target_modules=_targets(model, translated),
        use_rslora=Known(False, None, "framework-default"),
        use_dora=model.flag("use_dora", default("use_dora")),
        task_type=Known("CAUSAL_LM", None, "framework-default"),
        target_spans=model.places("lora_attn_modules") if translated else (),
        keys=FRAMEWORK.keys,
    )


def _targets(model: Fields, translated: bool) -> Value[Any]:
    attention = model.names("lora_attn_modules")
    if not isinstance(attention, Known):
        return attention
    names: list[str] = [attention.value] if isinstance(attention.value, str) else list(attention.value)
    found = [_NAMES[name] for name in names if name in _NAMES] if translated else names
    beside = (_MLP, ("lm_head",)) if translated else (("w1", "w2", "w3"), ("output",))
    for key, more in zip(("apply_lora_to_mlp", "apply_lora_to_output"), beside, strict=True):
        flag = model.flag(key, Known(False, None, "framework-default"))
        if not isinstance(flag, Known):
            return flag
        found += more if flag.value else ()
    return Known(tuple(found), attention.span, "derived")


def _unfit_data(whole: Fields, near: str, project: Project) -> Iterator[InvalidValue]:
    part = whole.section("dataset")
    if part is None or not part.has("data_files"):
        return
    from lora_lint.frameworks.torchtune_data import unfit_data

    yield from unfit_data(part, FRAMEWORK.title, near, project)


def _dataset(whole: Fields, near: str, project: Project) -> Dataset:
    node = whole.node("dataset")
    parts = [Fields(item, whole.mapping) for item in getattr(node, "items", (node,)) if isinstance(item, Mapping)]
    if not parts:
        return Dataset()
    span = whole.span("dataset")
    name: Value[str] = _source(parts[0]) if len(parts) == 1 else Unknown("there are several datasets", span)
    total = 0
    for part in parts:
        rows = _rows(part, near, project)
        if rows is None:
            what = known(_source(part)) or "a dataset"
            return Dataset(name, Unknown(f"the size of {what} is not known", part.mapping.span))
        total += rows
    split = known(parts[0].text("split", Known("train")))
    how = f"the {split} split of {known(name)}" if len(parts) == 1 else f"{len(parts)} datasets"
    return Dataset(name, Known(total, getattr(name, "span", None) or span, "derived"), how)


def _source(part: Fields) -> Value[str]:
    """What a dataset is loaded from: the given source, or its builder's default."""
    builder = str(known(part.text("_component_"))).rpartition(".")[2]
    usual = Known(_DATASETS[builder], part.span("_component_"), "framework-default") if builder in _DATASETS else ABSENT
    files = part.text("data_files")
    return files if isinstance(files, Known) else part.text("source", usual)


def _rows(part: Fields, near: str, project: Project) -> int | None:
    from lora_lint.knowledge.sizes import rows_of, rows_of_file

    name: str | None = known(_source(part))
    split: str | None = known(part.text("split", Known("train")))
    if name is None or split is None:
        return None
    if part.has("data_files"):
        return rows_of_file(name, near, project) if split == "train" else None
    return rows_of(name, split, known(part.text("name")), near, project)


def _training(whole: Fields) -> Training:
    optimizer = whole.section("optimizer")
    component = known(optimizer.text("_component_")) if optimizer is not None else None
    rewards = whole.has("reward_and_value_model") or whole.has("policy_model")
    loss = whole.section("loss")
    objective = str(known(loss.text("_component_"))) if loss is not None else ""
    preferring = any(word in objective for word in ("DPOLoss", "RSOLoss", "SimPOLoss"))
    method: Method = "rl" if rewards else "preference" if preferring else "supervised"
    here = optimizer.span("_component_") if optimizer is not None else None
    epochs = whole.number("epochs")
    return Training(
        "torchtune",
        method,
        Known(str(component).rpartition(".")[2].lower(), here) if component else ABSENT,
        optimizer.number("lr") if optimizer is not None else ABSENT,
        epochs,
        _steps(whole.whole("max_steps_per_epoch"), epochs),
        whole.whole("batch_size"),
        whole.whole("gradient_accumulation_steps", Known(1, None, "framework-default")),
        span=optimizer.span("lr") if optimizer is not None else None,
    )


def _steps(each: Value[int], epochs: Value[float]) -> Value[int]:
    """The total number of steps, from those in each epoch."""
    if not isinstance(each, Known) or not isinstance(epochs, Known):
        return each if not isinstance(each, Known) else ABSENT
    return Known(int(each.value * epochs.value), each.span, "derived")
