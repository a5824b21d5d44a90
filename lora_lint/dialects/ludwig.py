"""Ludwig: `model_type: llm` with `adapter.type: lora` and a trainer that trains.

Source: ludwig 0.11.0 and its repository at 5d19f3e63, schema/llms/{peft,base_model,quantization}.py,
schema/trainer.py, schema/model_types/llm.py and utils/llm_utils.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lora_lint.dialects.fields import Fields, given, usual
from lora_lint.knowledge import schemas
from lora_lint.run import ABSENT, Adapter, BaseModel, Dataset, Event, Known, Reading, Run, Training, Unknown, known
from lora_lint.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.project import Project
    from lora_lint.readers.nodes import Mapping
    from lora_lint.run import InvalidValue, Method, UnknownKey, Value

NAME = "ludwig"
KEYS = {"rank": "r", "alpha": "alpha", "dropout": "dropout", "target_modules": "target_modules", "bias": "bias_type"}
_SYNONYMS = {
    "rank": "r",
    "lora_r": "r",
    "lora_alpha": "alpha",
    "lora_dropout": "dropout",
    "bias": "bias_type",
    "lr": "learning_rate",
    "num_epochs": "epochs",
    "num_train_epochs": "epochs",
}
_METHODS: dict[str, Method] = {
    "finetune": "supervised",
    **dict.fromkeys(("dpo", "kto", "orpo"), "preference"),
    "grpo": "rl",
}
"""The types of trainers that train; without a type it only infers."""


def recognises(document: Mapping) -> bool:
    """Whether a mapping is a Ludwig file for a language model: axolotl has `base_model` and `adapter` too."""
    return known(Fields(document).text("model_type")) == "llm" and any(
        document.entry(key) is not None for key in ("input_features", "output_features")
    )


def read(document: Mapping, project: Project) -> Reading:  # noqa: ARG001
    """The run of a file, if it trains LoRA."""
    whole = Fields(document)
    adapter, trainer = whole.section("adapter"), whole.section("trainer")
    kind = whole.text("adapter") if adapter is None else adapter.text("type")
    method = _METHODS.get(str(known(trainer.text("type")))) if trainer is not None else None
    if known(kind) != "lora" or trainer is None or method is None:
        return Reading()
    span = whole.span("adapter")
    settings = adapter or Fields(document)  # `adapter: lora` alone, and no key of the file is one of the adapter's
    resumed = adapter is not None and adapter.has("pretrained_adapter_weights")
    run = Run(
        NAME,
        adapter.span("type") if adapter is not None else span,
        _adapter(settings, whole, resumed),
        _model(whole),
        Dataset(),
        _training(trainer, method, whole),
        (
            Event("load", whole.span("base_model")),
            Event("load-adapter", settings.span("pretrained_adapter_weights"))
            if resumed
            else Event("wrap", settings.span("type")),
            Event("train", trainer.span("type")),
        ),
        tuple(_problems(adapter, trainer)),
        trained=True,
    )
    return Reading((run,))


def _problems(adapter: Fields | None, trainer: Fields) -> Iterator[UnknownKey | InvalidValue]:
    for section, name in ((adapter, "adapter"), (trainer, "trainer")):
        if section is not None:
            yield from schemas.unknown_keys(
                NAME,
                section.mapping,
                f"Ludwig's `{name}`",
                "is ignored with a warning",
                definition=name,
                synonyms=_SYNONYMS,
                only_near=schemas.keys(NAME, name),
            )
            yield from schemas.invalid_values(NAME, section.mapping, "Ludwig", name)


def _searched(whole: Fields, name: str, value: Value[Any]) -> Value[Any]:
    """The value, unless `hyperopt` searches it."""
    hyperopt = whole.section("hyperopt")
    parameters = hyperopt.section("parameters") if hyperopt is not None else None
    if parameters is not None and parameters.has(name):
        return Unknown("`hyperopt` searches it", parameters.span(name))
    return value


def _adapter(adapter: Fields, whole: Fields, resumed: bool) -> Adapter:
    none: Value[Any] = usual(None)
    rank = _searched(whole, "adapter.r", adapter.whole("r", usual(8)))
    twice: Value[float] = usual(2 * rank.value) if isinstance(rank, Known) else rank
    values: dict[str, Value[Any]] = {
        "rank": rank,
        "alpha": _searched(whole, "adapter.alpha", adapter.number("alpha", twice)),
        "dropout": _searched(whole, "adapter.dropout", adapter.number("dropout", usual(0.05))),
        "target_modules": adapter.names("target_modules", none),
        "rank_pattern": adapter.numbers_by_name("rank_pattern", usual({})),
        "alpha_pattern": adapter.numbers_by_name("alpha_pattern", usual({})),
        "use_rslora": adapter.flag("use_rslora", usual(False)),
        "use_dora": adapter.flag("use_dora", usual(False)),
        "bias": adapter.text("bias_type", usual("none")),
        "init_lora_weights": _start(adapter),
        "task_type": usual("CAUSAL_LM"),
    }
    if resumed:
        values = {name: given(value) for name, value in values.items()}
    if adapter.has("adapter"):
        # No setting can be added beside it, so that this is the span of no whole entry.
        short = adapter.span("adapter")
        span = Span(short.path, short.start, short.end - 1)
    else:
        span = adapter.span("r" if adapter.has("r") else "type")
    return Adapter(span=span, **values, target_spans=adapter.places("target_modules"), keys=KEYS)


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
    kind: Value[str] = trainer.text("optimizer", usual("adam"))
    if optimizer is not None:
        kind = optimizer.text("type", usual("adam"))
    return Training(
        "Ludwig",
        method,
        kind,
        _searched(whole, "trainer.learning_rate", trainer.number("learning_rate", usual(1e-3))),
        trainer.number("epochs", usual(100.0)),
        trainer.whole("train_steps", ABSENT),
        trainer.whole("batch_size", usual(1)),
        trainer.whole("gradient_accumulation_steps"),
        trainer.span("learning_rate"),
    )
