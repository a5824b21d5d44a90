"""prime-rl: TOML with a table `[model.lora]` (SFT) or `[trainer.model.lora]` (RL). Its targets are parts of names, in
models that it may build itself.

Source: prime-rl 0.8.0 of 2026-08-21, packages/prime-rl-configs/src/prime_rl/configs/{trainer,sft,rl}.py and
src/prime_rl/trainer/lora.py.
"""

from __future__ import annotations

from lora_lint.frameworks import tables
from lora_lint.frameworks.fields import Fields, usual, with_dotted_keys
from lora_lint.run.events import Load, Train, Wrap
from lora_lint.run.framework import Framework
from lora_lint.run.run import BaseModel, Reading, Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.project import Project
    from lora_lint.readers.nodes import Mapping

FRAMEWORK = Framework(
    name="prime_rl",
    title="prime-rl",
    source="prime-rl",
    version=(0, 8, 0),
    packages=("prime-rl",),
    keys={
        "rank": "rank",
        "alpha": "alpha",
        "dropout": "dropout",
        "target_modules": "target_modules",
        "modules_to_save": "modules_to_save",
    },
    other_keys={"model": "model.name"},
    defaults={
        "rank": 16,
        "alpha": 32.0,
        "dropout": 0.0,
        "target_modules": (
            *("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"),
            *("experts", "fc1_latent_proj", "fc2_latent_proj"),
        ),
    },
    kinds=("toml",),
    marks=((b"model.lora",),),
    sections=None,
    adapts="prime-rl",
    every_layer=None,
    own_names=True,
)


def recognises(document: Mapping) -> bool:
    """Whether a mapping is a configuration whose model has an adapter."""
    return _adapted(Fields(with_dotted_keys(document))) is not None


def _adapted(fields: Fields) -> tuple[str, Fields] | None:
    """Where the trainer's settings are, and its adapter; None if it has none."""
    for above in ("trainer.", ""):
        lora = fields.section(f"{above}model.lora")
        if lora is not None:
            return above, lora
    return None


def read(document: Mapping, project: Project) -> Reading:
    """The run of a file. The model of the whole experiment is that of the trainer, unless it has its own."""
    del project
    fields = Fields(with_dotted_keys(document))
    found = _adapted(fields)
    if found is None:
        return Reading()
    above, lora = found
    model = f"{above}model.name" if fields.has(f"{above}model.name") else "model.name"
    rate, optimizer, steps = (f"{above}{key}" for key in ("optim.lr", "optim.type", "max_steps"))
    batch = "orchestrator.batch_size" if above else "data.batch_size"
    span = lora.span("rank") if lora.has("rank") else fields.span(f"{above}model.lora")
    run = Run(
        FRAMEWORK,
        span,
        tables.adapter(FRAMEWORK, lora, span),
        BaseModel(fields.text(model), "AutoModelForCausalLM", usual(None)),
        training=tables.training(
            FRAMEWORK,
            fields,
            "rl" if above else "supervised",
            optimizer=fields.text(optimizer, usual("adamw")),
            learning_rate=fields.number(rate, usual(1e-6)),
            max_steps=fields.whole(steps, fields.whole("max_steps")),
            batch_size=fields.whole(batch),
            accumulation=usual(1),
            span=fields.span(rate),
        ),
        events=(Load(fields.span(model)), Wrap(span), Train(span)),
        own_names=FRAMEWORK.own_names,
        trained=True,
    )
    return Reading((run,))
