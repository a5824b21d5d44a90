"""LLaMA-Factory v1, which `USE_V1=1` switches on: `peft_config: {name: lora, target_modules: all}`.

Source: LLaMA-Factory 0.9.5, v1/config/{model_args,training_args,arg_utils}.py, v1/core/model_engine.py and
v1/plugins/model_plugins/{peft,quantization}.py.
"""

from __future__ import annotations

from lora_lint.frameworks import tables
from lora_lint.frameworks.fields import Fields, usual
from lora_lint.knowledge import schemas
from lora_lint.readers.nodes import Mapping
from lora_lint.run.events import Load, LoadAdapter, Train, Wrap
from lora_lint.run.framework import Framework
from lora_lint.run.launch import Launch, Quantizer, Sharding, Storage
from lora_lint.run.run import BaseModel, Dataset, Reading, Run
from lora_lint.run.values import ABSENT, Known, Unknown, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lora_lint.project import Project
    from lora_lint.run.problems import Problem
    from lora_lint.run.values import Value

FRAMEWORK = Framework(
    name="llamafactory_v1",
    title="LLaMA-Factory v1",
    source="LLaMA-Factory",
    version=(0, 9, 5),
    keys={
        "rank": "r",
        "alpha": "lora_alpha",
        "dropout": "lora_dropout",
        "target_modules": "target_modules",
        "modules_to_save": "modules_to_save",
        "use_rslora": "use_rslora",
        "use_dora": "use_dora",
    },
    other_keys={
        "output": "output_dir",
        "model": "model",
        "learning_rate": "learning_rate",
        "epochs": "num_train_epochs",
        "max_steps": "max_steps",
        "batch_size": "micro_batch_size",
    },
    defaults={
        "rank": 8,
        "alpha": 16,
        "dropout": 0.05,
        "task_type": "CAUSAL_LM",
        "optimizer": "adamw",
        "learning_rate": 1e-4,
        "epochs": 3,
        "batch_size": 1,
    },  # without `optim_config` it takes torch's AdamW (v1/core/base_trainer.py)
    kinds=("yaml", "json"),
    marks=((b"peft_config", b"model", b"name"),),
    sections={"peft_config": "peft_config"},
    every_layer="all",
    unknown_keys="stops LLaMA-Factory with a ValueError",
    synonyms={"lr": "learning_rate", "model_name_or_path": "model", "per_device_train_batch_size": "micro_batch_size"},
)
_PLUGIN = "peft_config"
_SYNONYMS = {"lora_r": "r", "lora_rank": "r", "rank": "r", "lora_target": "target_modules", "alpha": "lora_alpha"}
_OWN = (
    *("model_class", "train_dataset", "micro_batch_size", "cutoff_len", "dist_config", "kernel_config"),
    *("quant_config", "init_config", "sample_backend"),
)
_LOADERS = {"llm": "AutoModelForCausalLM", "cls": "AutoModelForTokenClassification", "other": "AutoModel"}
_SHARDINGS = {"fsdp2": Sharding.FSDP2}


def recognises(document: Mapping) -> bool:
    """Whether a mapping is a file of LLaMA-Factory v1: each of its plugins has a name."""
    plugin = document.get(_PLUGIN)
    named = isinstance(plugin, Mapping) and plugin.entry("name") is not None
    return named and document.entry("model") is not None and any(document.entry(key) for key in _OWN)


def read(document: Mapping, project: Project) -> Reading:
    """The run of a file, if it trains LoRA: not one that exports a merged model."""
    del project
    whole = Fields(document)
    plugin = whole.section(_PLUGIN)
    if plugin is None or known(plugin.text("name")) != "lora" or plugin.has("export_dir"):
        return Reading()
    span = plugin.span("r" if plugin.has("r") else "name")
    adapter = tables.adapter(FRAMEWORK, plugin, span, target_modules=_targets(plugin))
    resumed = plugin.has("adapter_name_or_path")
    put_on = LoadAdapter(plugin.span("adapter_name_or_path"), trainable=Known(True)) if resumed else Wrap(span)
    own: dict[str, Any] = {"optimizer": Unknown("`optim_config` decides")} if whole.has("optim_config") else {}
    run = Run(
        FRAMEWORK,
        span,
        tables.resumed(adapter) if resumed else adapter,
        _model(whole),
        Dataset(whole.text("train_dataset"), Unknown("the size of the dataset is not known")),
        tables.training(FRAMEWORK, whole, "unknown", **own),
        (Load(whole.span("model")), put_on, Train(span)),
        _problems(document, plugin.mapping),
        trained=True,
        launch=_launch(whole),
    )
    return Reading((run,))


def _problems(document: Mapping, plugin: Mapping) -> tuple[Problem, ...]:
    """The keys and values of a file and of its adapter, from which a plugin takes only those that it knows."""
    near = schemas.keys(FRAMEWORK.name, _PLUGIN)
    ignored = schemas.Unlisted(f"LLaMA-Factory's `{_PLUGIN}`", "is ignored", synonyms=_SYNONYMS, only_near=near)
    return (
        *tables.problems(FRAMEWORK, document, near=schemas.keys(FRAMEWORK.name)),
        *schemas.unknown_keys(FRAMEWORK.name, plugin, ignored, _PLUGIN),
        *schemas.invalid_values(FRAMEWORK.name, plugin, FRAMEWORK.title, _PLUGIN, unconverted=("r",)),
    )


def _targets(plugin: Fields) -> Value[Any]:
    """`all` is every linear layer; another text is one name, commas included (plugins/model_plugins/peft.py)."""
    targets = plugin.names("target_modules", usual("all"))
    if not isinstance(targets, Known) or not isinstance(targets.value, str):
        return targets
    value = "all-linear" if targets.value == "all" else (targets.value,)
    return Known(value, targets.span, targets.origin)


def _model(whole: Fields) -> BaseModel:
    remote = known(whole.flag("trust_remote_code")) is True
    kind = known(whole.text("model_class", usual("llm"))) or ""
    return BaseModel(whole.text("model"), _LOADERS.get(kind), _bits(whole), remote_code=remote)


def _bits(whole: Fields) -> Value[str | None]:
    """`quant_config`; the plugin `bnb` takes 4 bits if none are given."""
    plugin = whole.section("quant_config")
    if plugin is None:
        return usual(None)
    default: Value[int] = usual(4) if known(plugin.text("name")) == "bnb" else ABSENT
    bits = plugin.whole("quantization_bit", default)
    if bits is ABSENT:
        return usual(None)
    return Known(f"{bits.value}bit", bits.span, bits.origin) if isinstance(bits, Known) else Unknown("a template")


def _launch(whole: Fields) -> Launch:
    """The layout; 4-bit weights are stored in the compute dtype (plugins/model_plugins/quantization.py)."""
    plugin = whole.section("dist_config")
    name = known(plugin.text("name")) if plugin is not None else None
    sharding: Value[Sharding] = ABSENT
    if name in _SHARDINGS:
        sharding = Known(_SHARDINGS[name], whole.span("dist_config"))
    packed = known(_bits(whole)) is not None
    quantizer: Value[Quantizer] = Known(Quantizer.BITSANDBYTES, whole.span("quant_config")) if packed else ABSENT
    return Launch(sharding=sharding, quantizer=quantizer, storage=usual(Storage.COMPUTE))
