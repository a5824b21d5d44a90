"""qlora-pipe: flat TOML with `lora_rank` and `pipeline_stages`, whose adapter is PEFT's.

Source: tdrussell/qlora-pipe at 90b8e7d, train.py (`load_pipeline_model_with_lora`, `initialize`). The targets are all
linear layers where none are given; `full_fine_tune` trains no adapter; `force_constant_lr` replaces the rate, and
`batch_size_tokens` the number of examples of a batch.
"""

from __future__ import annotations

from lora_lint.frameworks import tables
from lora_lint.frameworks.fields import Fields, usual
from lora_lint.readers.nodes import Mapping, Scalar
from lora_lint.run.events import Load, Train, Wrap
from lora_lint.run.framework import Framework
from lora_lint.run.launch import Launch, Quantizer
from lora_lint.run.run import BaseModel, Reading, Run
from lora_lint.run.values import Known, Unknown, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.project import Project
    from lora_lint.run.run import Method
    from lora_lint.run.values import Value

FRAMEWORK = Framework(
    name="qlora_pipe",
    title="qlora-pipe",
    source="qlora-pipe at 90b8e7d",
    keys={
        "rank": "lora_rank",
        "alpha": "lora_alpha",
        "dropout": "lora_dropout",
        "target_modules": "target_modules",
        "modules_to_save": "modules_to_save",
        "use_dora": "use_dora",
        "dtype": "lora_weight_dtype",
    },
    other_keys={
        "model": "model",
        "epochs": "epochs",
        "batch_size": "micro_batch_size_per_gpu",
        "accumulation": "gradient_accumulation_steps",
    },
    defaults={
        "dropout": 0.0,
        "target_modules": "all-linear",
        "use_dora": False,
        "task_type": "CAUSAL_LM",
        "batch_size": 1,
        "accumulation": 1,
    },
    kinds=("toml",),
    marks=((b"lora_rank", b"pipeline_stages"),),
    sections=None,
)


def recognises(document: Mapping) -> bool:
    """Whether a mapping is a training file of qlora-pipe."""
    named = all(isinstance(document.get(key), Scalar) for key in ("model", "lora_rank", "pipeline_stages"))
    return named and isinstance(document.get("optimizer"), Mapping)


def read(document: Mapping, project: Project) -> Reading:
    """The run of a file that trains LoRA."""
    del project
    fields = Fields(document)
    optimizer = fields.section("optimizer")
    if optimizer is None or known(fields.flag("full_fine_tune", usual(False))) is not False:
        return Reading()
    span = fields.span("lora_rank")
    constant = "force_constant_lr"
    own = {} if not fields.has("batch_size_tokens") else {"batch_size": Unknown("batches are filled with tokens")}
    training = tables.training(
        FRAMEWORK,
        fields,
        _method(fields),
        optimizer=optimizer.text("type"),
        learning_rate=fields.number(constant, optimizer.number("lr")),
        span=fields.span(constant) if fields.has(constant) else optimizer.span("lr"),
        **own,
    )
    adapter = tables.adapter(
        FRAMEWORK,
        fields,
        span,
        layers_to_transform=layers(fields),
        dtype=fields.text("lora_weight_dtype", usual("float32")),
    )
    run = Run(
        FRAMEWORK,
        span,
        adapter,
        BaseModel(
            fields.text("model"),
            "AutoModelForCausalLM",
            _quantization(fields),
            fields.text("model_weight_dtype", usual("bfloat16")),
        ),
        launch=_launch(fields),
        training=training,
        events=(Load(fields.span("model")), Wrap(span), Train(fields.span("optimizer"))),
        trained=True,
    )
    return Reading((run,))


def layers(fields: Fields) -> Value[tuple[int, ...] | int | None]:
    """The layers to adapt: a text with ranges, whose ends count (`16:31`, `0:3,28:31`)."""
    text = fields.text("layers_to_transform", usual(None))
    if not isinstance(text, Known) or text.value is None:
        return text
    found: list[int] = []
    for part in text.value.split(","):
        ends = [end.strip() for end in part.split(":")]
        if len(ends) > 2 or not all(end.isdecimal() and len(end) < 4 for end in ends):
            return Unknown("`layers_to_transform` does not list ranges", text.span)
        found += range(int(ends[0]), int(ends[-1]) + 1)
    return Known(tuple(found), text.span)


def _method(fields: Fields) -> Method:
    """What is trained: DPO is all that there is beside supervised training."""
    if not fields.has("rl"):
        return "supervised"
    reinforced = fields.section("rl")
    return "preference" if reinforced is not None and known(reinforced.text("method")) == "dpo" else "unknown"


def _quantization(fields: Fields) -> Value[str | None]:
    """The bits of a base model that bitsandbytes or HQQ packs."""
    section = fields.section("quantization")
    by_bitsandbytes = section.section("bnb") if section is not None else None
    by_hqq = section.section("hqq") if section is not None else None
    if by_bitsandbytes is not None:
        return tables.quantization(by_bitsandbytes)
    if by_hqq is None:
        return usual(None)
    bits = known(by_hqq.whole("nbits", usual(4)))
    return Known(f"{bits}bit", by_hqq.mapping.span) if bits in (4, 8) else Unknown("its bits are of no usual number")


def _launch(fields: Fields) -> Launch:
    """What packs the base model."""
    section = fields.section("quantization")
    if section is None or section.has("bnb") or not section.has("hqq"):
        return Launch()
    return Launch(quantizer=Known(Quantizer.HQQ, section.span("hqq")))
