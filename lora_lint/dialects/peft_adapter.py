"""PEFT's own `adapter_config.json`: `"peft_type": "LORA"`. Source: PEFT 0.21.2, tuners/lora/config.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lora_lint.dialects.fields import Fields
from lora_lint.knowledge import schemas
from lora_lint.run import Adapter, BaseModel, Event, Known, Reading, Run, known

if TYPE_CHECKING:
    from lora_lint.project import Project
    from lora_lint.readers.nodes import Mapping
    from lora_lint.run import Value

NAME = "peft_adapter"
_LOADERS = {
    "CAUSAL_LM": "AutoModelForCausalLM",
    "SEQ_CLS": "AutoModelForSequenceClassification",
    "SEQ_2_SEQ_LM": "AutoModelForSeq2SeqLM",
    "TOKEN_CLS": "AutoModelForTokenClassification",
    "QUESTION_ANS": "AutoModelForQuestionAnswering",
    "FEATURE_EXTRACTION": "AutoModel",
}


def recognises(document: Mapping) -> bool:
    """Whether a mapping is the config of an adapter."""
    return document.entry("peft_type") is not None


def read(document: Mapping, project: Project) -> Reading:  # noqa: ARG001
    """The adapter of a file, as the one run that made or will make it."""
    fields = Fields(document)
    if known(fields.text("peft_type")) != "LORA":
        return Reading()
    none: Value[Any] = Known(None, None, "framework-default")
    no: Value[bool] = Known(False, None, "framework-default")
    empty: Value[Any] = Known({}, None, "framework-default")
    task = fields.text("task_type", none)
    adapter = Adapter(
        span=fields.span("r") if fields.has("r") else fields.span("peft_type"),
        rank=fields.whole("r", Known(8, None, "framework-default")),
        alpha=fields.number("lora_alpha", Known(8, None, "framework-default")),
        dropout=fields.number("lora_dropout", Known(0.0, None, "framework-default")),
        target_modules=fields.names("target_modules", none),
        exclude_modules=fields.names("exclude_modules", none),
        target_parameters=fields.listing("target_parameters", none),
        layers_to_transform=fields.wholes("layers_to_transform", none),
        layers_pattern=fields.names("layers_pattern", none),
        rank_pattern=fields.numbers_by_name("rank_pattern", empty),
        alpha_pattern=fields.numbers_by_name("alpha_pattern", empty),
        use_rslora=fields.flag("use_rslora", no),
        use_dora=fields.flag("use_dora", no),
        bias=fields.text("bias", Known("none", None, "framework-default")),
        lora_bias=fields.flag("lora_bias", no),
        modules_to_save=fields.listing("modules_to_save", none),
        init_lora_weights=fields.switch("init_lora_weights", Known(True, None, "framework-default")),
        inference_mode=fields.flag("inference_mode", no),
        task_type=task,
        target_spans=fields.places("target_modules"),
    )
    mapping = fields.section("auto_mapping")
    loader: str | None = known(mapping.text("base_model_class")) if mapping is not None else None
    model = BaseModel(fields.text("base_model_name_or_path"), loader or _LOADERS.get(known(task) or ""))
    # PEFT passes over keys that it does not know, with a warning: other versions write others.
    problems = tuple(schemas.invalid_values(NAME, document, "LoraConfig"))
    span = fields.span("peft_type")
    run = Run(NAME, span, adapter, model, events=(Event("wrap", span),), problems=problems, trained=None)
    return Reading((run,))
