"""NeMo RL: a YAML file whose `policy` has `dtensor_cfg.lora_cfg` or `megatron_cfg.peft`, on top of the files in
`defaults`.

Source: NeMo RL 0.6.0 of 2026-08-22, nemo_rl/models/automodel/setup.py, models/megatron/setup.py, utils/config.py and
examples/configs.
"""

from __future__ import annotations

from lora_lint.frameworks import tables
from lora_lint.frameworks.fields import Fields, unfolded, usual
from lora_lint.run.events import Load, Train, Wrap
from lora_lint.run.framework import CommandLine, Framework
from lora_lint.run.run import BaseModel, Reading, Run
from lora_lint.run.values import ABSENT, Unknown, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lora_lint.project import Project
    from lora_lint.readers.nodes import Mapping
    from lora_lint.run.run import Adapter, Method, Training
    from lora_lint.run.values import Value

FRAMEWORK = Framework(
    name="nemo_rl",
    title="NeMo RL",
    source="NeMo RL",
    version=(0, 6, 0),
    packages=("nemo-rl",),
    keys={
        "rank": "dim",
        "alpha": "alpha",
        "dropout": "dropout",
        "target_modules": "target_modules",
        "exclude_modules": "exclude_modules",
    },
    defaults={"rank": 8, "alpha": 32, "dropout": 0.0},
    kinds=("yaml",),
    marks=((b"policy", b"lora_cfg"), (b"policy", b"megatron_cfg", b"peft")),
    commands=(
        CommandLine(
            "script",
            r"examples/run_(?:vlm_|async_)?grpo(?:_\w+)?\.py",
            config="option",
            beside="dotted",
            alone="dotted",
        ),
    ),
    sections=None,
    adapts="NeMo RL",
    every_layer="*",
    every_layer_switch="match_all_linear",
    whole_alpha=True,
)
_SECTIONS = (("dtensor_cfg", "lora_cfg"), ("megatron_cfg", "peft"))
_METHODS: dict[str, Method] = {"sft": "supervised", "dpo": "preference", "rm": "preference", "grpo": "rl"}
"""What each algorithm trains, by the section of its settings."""


def recognises(document: Mapping) -> bool:
    """Whether a mapping is a configuration with the settings of an adapter."""
    policy = Fields(unfolded(document)).section("policy")
    return policy is not None and any(_below(policy, *names) is not None for names in _SECTIONS)


def settings(document: Mapping) -> tuple[Mapping, ...]:
    """All settings, in their sections."""
    return (unfolded(document),)


def read(document: Mapping, project: Project) -> Reading:
    """The run of a file whose adapter is enabled."""
    del project
    sections = unfolded(document)
    whole = Fields(sections, sections)
    policy = whole.section("policy")
    if policy is None:
        return Reading()
    for backend, name in _SECTIONS:
        block = _below(policy, backend, name)
        if block is not None and known(block.flag("enabled")):
            return Reading((_run(whole, policy, backend, block),))
    return Reading()


def _below(section: Fields, *names: str) -> Fields | None:
    found: Fields | None = section
    for name in names:
        found = found.section(name) if found is not None else None
    return found


def _run(whole: Fields, policy: Fields, backend: str, block: Fields) -> Run:
    inherits = whole.has("defaults")
    span = block.span("dim" if block.has("dim") else "enabled")
    return Run(
        FRAMEWORK,
        span,
        _adapter(block, inherits),
        BaseModel(policy.text("model_name", _left_out(inherits, "model")), "AutoModelForCausalLM", usual(None)),
        training=_training(whole, policy, backend, inherits),
        events=(Load(policy.span("model_name")), Wrap(span), Train(span)),
        own_names=True,
        trained=True,
    )


def _left_out(inherits: bool, name: str) -> Value[Any]:
    """The value of a setting that a file leaves out: its default, unless the files in `defaults` may set it."""
    if inherits:
        return Unknown("a file in `defaults` may set it")
    return usual(FRAMEWORK.defaults[name]) if name in FRAMEWORK.defaults else ABSENT


def _adapter(block: Fields, inherits: bool) -> Adapter:
    everything = known(block.flag("match_all_linear"))
    targets: Value[Any] = usual(FRAMEWORK.every_layer) if everything else block.names("target_modules")
    return tables.adapter(
        FRAMEWORK,
        block,
        block.span("enabled"),
        rank=block.whole("dim", _left_out(inherits, "rank")),
        alpha=block.number("alpha", _left_out(inherits, "alpha")),
        dropout=block.number("dropout", _left_out(inherits, "dropout")),
        target_modules=targets,
    )


def _training(whole: Fields, policy: Fields, backend: str, inherits: bool) -> Training:
    name = next((name for name in _METHODS if whole.has(name)), "")
    algorithm = whole.section(name)
    optimizer, key = policy.section("optimizer"), "name"
    rates = optimizer.section("kwargs") if optimizer is not None else None
    if backend == "megatron_cfg":
        optimizer, key = _below(policy, backend, "optimizer"), "optimizer"
        rates = optimizer
    unknown = _left_out(inherits, "training")
    return tables.training(
        FRAMEWORK,
        whole,
        _METHODS.get(name, "unknown"),
        optimizer=optimizer.text(key, unknown) if optimizer is not None else unknown,
        learning_rate=rates.number("lr", unknown) if rates is not None else unknown,
        epochs=algorithm.number("max_num_epochs", unknown) if algorithm is not None else unknown,
        max_steps=algorithm.whole("max_num_steps", unknown) if algorithm is not None else unknown,
        batch_size=policy.whole("train_global_batch_size", unknown),
        accumulation=usual(1),
        span=rates.span("lr") if rates is not None else None,
    )
