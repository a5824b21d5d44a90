"""Ludwig: `model_type: llm` with `adapter.type: lora` and a trainer that trains, or text encoders with an adapter each.

Source: ludwig 0.11.0 and its repository at 5d19f3e63, schema/llms/{peft,base_model,quantization}.py,
schema/trainer.py, schema/model_types/llm.py, utils/llm_utils.py, schema/encoders/text_encoders.py and
encoders/text_encoders.py.
"""

from __future__ import annotations

from lora_lint.frameworks import tables
from lora_lint.frameworks.fields import Fields, usual
from lora_lint.knowledge import schemas
from lora_lint.readers.nodes import Mapping, Sequence
from lora_lint.records import replace
from lora_lint.run.events import Freeze, Load, LoadAdapter, Train, Wrap
from lora_lint.run.framework import Framework
from lora_lint.run.run import Adapter, BaseModel, Dataset, Reading, Run, Training
from lora_lint.run.values import ABSENT, Known, Unknown, known
from lora_lint.source import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from lora_lint.project import Project
    from lora_lint.run.problems import Problem
    from lora_lint.run.run import Method
    from lora_lint.run.values import Value

FRAMEWORK = Framework(
    name="ludwig",
    title="Ludwig",
    source="ludwig",
    version=(0, 11, 0),
    packages=("ludwig",),
    keys={
        "rank": "r",
        "alpha": "alpha",
        "dropout": "dropout",
        "target_modules": "target_modules",
        "rank_pattern": "rank_pattern",
        "alpha_pattern": "alpha_pattern",
        "use_rslora": "use_rslora",
        "use_dora": "use_dora",
        "bias": "bias_type",
        "init_lora_weights": "init_lora_weights",
    },
    kinds=("yaml", "json"),
    sections={"adapter": "adapter", "trainer": "trainer"},
    marks=((b"base_model", b"adapter", b"_features"), (b"encoder", b"adapter", b"_features")),
    whole_alpha=True,
    every_layer=None,
    unknown_keys="is ignored with a warning",
    synonyms={
        "rank": "r",
        "lora_r": "r",
        "lora_alpha": "alpha",
        "lora_dropout": "dropout",
        "bias": "bias_type",
        "lr": "learning_rate",
        "num_epochs": "epochs",
        "num_train_epochs": "epochs",
    },
    other_keys={
        "trainable": "trainable",
        "model": "base_model",
        "optimizer": "optimizer",
        "learning_rate": "learning_rate",
        "epochs": "epochs",
        "max_steps": "train_steps",
        "batch_size": "batch_size",
        "accumulation": "gradient_accumulation_steps",
    },
    defaults={
        "rank": 8,
        "dropout": 0.05,
        "target_modules": None,
        "task_type": "CAUSAL_LM",
        "optimizer": "adam",
        "learning_rate": 1e-3,
        "epochs": 100.0,
        "batch_size": 1,
    },
)
_METHODS: dict[str, Method] = {
    "finetune": "supervised",
    **dict.fromkeys(("dpo", "kto", "orpo"), "preference"),
    "grpo": "rl",
}
"""The types of trainers that train; without a type it only runs inference."""


_ENCODERS = {
    "albert": "albert-base-v2",
    "auto_transformer": None,
    "bert": "bert-base-uncased",
    "camembert": "camembert-base",
    "distilbert": "distilbert-base-uncased",
    "electra": "google/electra-small-discriminator",
    "gpt": "openai-gpt",
    "gpt2": "gpt2",
    "longformer": "allenai/longformer-base-4096",
    "modernbert": "answerdotai/ModernBERT-base",
    "roberta": "roberta-base",
    "t5": "t5-small",
    "xlmroberta": "xlm-roberta-base",
    "xlnet": "xlnet-base-cased",
}
"""Text encoders and the models that they load by default."""


def recognises(document: Mapping) -> bool:
    """Whether a mapping is a Ludwig file for a language model or with text encoders: axolotl has `base_model` and
    `adapter` too."""
    if all(document.entry(key) is None for key in ("input_features", "output_features")):
        return False
    return known(Fields(document).text("model_type")) == "llm" or bool(_encoders(Fields(document)))


def read(document: Mapping, project: Project) -> Reading:  # noqa: ARG001
    """The run of a file, if it trains LoRA; one for each text encoder with an adapter."""
    whole = Fields(document)
    if known(whole.text("model_type", usual("ecd"))) == "ecd":
        return Reading(tuple(_of_encoder(encoder, whole) for encoder in _encoders(whole)))
    return _of_language_model(whole)


def _encoders(whole: Fields) -> list[Fields]:
    """The encoders of the input features that have LoRA."""
    listed = whole.node("input_features")
    features = listed.items if isinstance(listed, Sequence) else ()
    found = [Fields(feature).section("encoder") for feature in features if isinstance(feature, Mapping)]
    return [encoder for encoder in found if encoder is not None and _kind(encoder) == "lora"]


def _kind(owner: Fields) -> str | None:
    adapter = owner.section("adapter")
    return known(owner.text("adapter") if adapter is None else adapter.text("type"))


def _of_encoder(encoder: Fields, whole: Fields) -> Run:
    """The run of a text encoder. One that is not `trainable`, as by default, is frozen together with its adapter."""
    adapter, trainer = encoder.section("adapter"), whole.section("trainer")
    kind = known(encoder.text("type"))
    key = "base_model" if kind == "llm" else "pretrained_model_name_or_path"
    span = adapter.span("type") if adapter is not None else encoder.span("adapter")
    # An encoder has settings with the same names as an adapter's: with `adapter: lora` none of them counts.
    alone = Mapping(tuple(entry for entry in encoder.mapping.entries if entry.key.value == "adapter"), span)
    settings = adapter or Fields(alone)
    name = encoder.text(key, usual(_ENCODERS[kind]) if kind and _ENCODERS.get(kind) else ABSENT)
    trains = kind == "llm" or known(encoder.flag("trainable", usual(False))) is not False
    return Run(
        FRAMEWORK,
        span,
        _adapter(settings, whole, resumed=False),
        BaseModel(name, "AutoModel", usual(None)),
        Dataset(),
        _training(trainer, "unknown", whole) if trainer is not None else Training("Ludwig"),
        (Load(encoder.span("type")), Wrap(span), Train(span) if trains else Freeze(_frozen_at(encoder))),
        tuple(_problems(adapter, trainer)),
        trained=trains,
    )


def _frozen_at(encoder: Fields) -> Span:
    """The key that leaves an encoder frozen: what says so, or its type, beside which nothing says otherwise."""
    entry = encoder.mapping.entry("trainable") or encoder.mapping.entry("type")
    return entry.key.span if entry is not None else encoder.mapping.span


def _of_language_model(whole: Fields) -> Reading:
    """The run of a language model, if the trainer trains it."""
    adapter, trainer = whole.section("adapter"), whole.section("trainer")
    kind = whole.text("adapter") if adapter is None else adapter.text("type")
    method = _METHODS.get(str(known(trainer.text("type")))) if trainer is not None else None
    if known(kind) != "lora" or trainer is None or method is None:
        return Reading()
    span = whole.span("adapter")
    settings = adapter or whole  # `adapter: lora` alone, and no key of the file is one of the adapter's
    resumed = adapter is not None and adapter.has("pretrained_adapter_weights")
    run = Run(
        FRAMEWORK,
        adapter.span("type") if adapter is not None else span,
        _adapter(settings, whole, resumed),
        _model(whole),
        Dataset(),
        _training(trainer, method, whole),
        (
            Load(whole.span("base_model")),
            LoadAdapter(settings.span("pretrained_adapter_weights")) if resumed else Wrap(settings.span("type")),
            Train(trainer.span("type")),
        ),
        tuple(_problems(adapter, trainer)),
        trained=True,
    )
    return Reading((run,))


def _problems(adapter: Fields | None, trainer: Fields | None) -> Iterator[Problem]:
    for section, name in ((adapter, "adapter"), (trainer, "trainer")):
        if section is not None:
            near, owner = schemas.keys(FRAMEWORK.name, name), f"{FRAMEWORK.title}'s `{name}`"
            yield from tables.problems(FRAMEWORK, section.mapping, name, owner=owner, near=near)


def _searched(whole: Fields, name: str, value: Value[Any]) -> Value[Any]:
    """The value, unless `hyperopt` searches it."""
    hyperopt = whole.section("hyperopt")
    parameters = hyperopt.section("parameters") if hyperopt is not None else None
    if parameters is not None and parameters.has(name):
        return Unknown("`hyperopt` searches it", parameters.span(name))
    return value


def _adapter(fields: Fields, whole: Fields, resumed: bool) -> Adapter:
    adapter = tables.adapter(FRAMEWORK, fields, fields.span("type"), init_lora_weights=_start(fields))
    rank = _searched(whole, "adapter.r", adapter.rank)
    twice: Value[float] = usual(2 * rank.value) if isinstance(rank, Known) else rank
    adapter = replace(
        adapter,
        rank=rank,
        alpha=_searched(whole, "adapter.alpha", fields.number("alpha", twice)),
        dropout=_searched(whole, "adapter.dropout", adapter.dropout),
    )
    if fields.has("adapter"):
        # No setting can be added next to it, so this is not the span of a whole entry.
        short = fields.span("adapter")
        adapter = replace(adapter, span=Span(short.path, short.start, short.end - 1))
    return tables.resumed(adapter) if resumed else adapter


def _start(adapter: Fields) -> Value[Any]:
    found = adapter.switch("init_lora_weights", usual(True))
    return Known(True, found.span, found.origin) if isinstance(found, Known) and found.value == "default" else found


def _model(whole: Fields) -> BaseModel:
    quantization: Value[str | None] = usual(None)
    section = whole.section("quantization")
    if section is not None:
        bits = section.whole("bits", usual(4))
        quantization = Known(f"{bits.value}bit", bits.span, bits.origin) if isinstance(bits, Known) else ABSENT
    loader = None if known(whole.flag("is_multimodal")) else "AutoModelForCausalLM"
    return BaseModel(whole.text("base_model"), loader, quantization)


def _training(trainer: Fields, method: Method, whole: Fields) -> Training:
    optimizer = trainer.section("optimizer")
    own = {} if optimizer is None else {"optimizer": optimizer.text("type", usual(FRAMEWORK.defaults["optimizer"]))}
    training = tables.training(FRAMEWORK, trainer, method, **own)
    return replace(training, learning_rate=_searched(whole, "trainer.learning_rate", training.learning_rate))
