"""ostris' ai-toolkit: jobs in YAML or JSON, with a `network` of `type: lora` in each process.

Source: ostris/ai-toolkit at 27a03a9, toolkit/config_modules.py and toolkit/lora_special.py.
"""

from __future__ import annotations

from lora_lint.frameworks import tables
from lora_lint.frameworks.fields import Fields, multiple, usual
from lora_lint.readers.nodes import Mapping, Sequence
from lora_lint.run.events import Load, Train, Wrap
from lora_lint.run.framework import Framework
from lora_lint.run.run import BaseModel, Reading, Run
from lora_lint.run.values import known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from lora_lint.project import Project

FRAMEWORK = Framework(
    name="ai_toolkit",
    title="ai-toolkit",
    source="ai-toolkit at 27a03a9",
    keys={"rank": "linear", "alpha": "linear_alpha", "dropout": "dropout"},
    other_keys={
        "model": "name_or_path",
        "optimizer": "optimizer",
        "learning_rate": "lr",
        "max_steps": "steps",
        "batch_size": "batch_size",
        "accumulation": "gradient_accumulation_steps",
    },
    defaults={
        "rank": 4,
        "alpha": 1.0,
        "optimizer": "adamw",
        "learning_rate": 1e-6,
        "max_steps": 1000,
        "batch_size": 1,
        "accumulation": 1,
    },
    kinds=("yaml", "json"),
    sections=None,
    marks=((b"process", b"network", b"name_or_path"),),
    adapts="ai-toolkit",
    every_layer=None,
)
_TYPES = ("lora", "dora")
_WITH_ALPHA = frozenset({"sd1", "sd2", "sdxl", "pixart", "pixart_sigma", "auraflow", "vega", "ssd"})
"""Architectures whose alpha counts; for the others alpha is the rank (lora_special.py, `peft_format`)."""
_FLAGS = ("is_flux", "is_v3", "is_lumina2")
"""Keys that older jobs use instead of `arch`, for architectures without an alpha."""


def recognises(document: Mapping) -> bool:
    """Whether a mapping is a job."""
    return document.entry("job") is not None and any(_processes(document))


def read(document: Mapping, project: Project) -> Reading:
    """The run of each process that trains LoRA."""
    del project
    return Reading(tuple(run for process in _processes(document) if (run := _run(process)) is not None))


def settings(document: Mapping) -> tuple[Mapping, ...]:
    """Those of each process."""
    return tuple(process.mapping for process in _processes(document))


def _processes(document: Mapping) -> Iterator[Fields]:
    config = document.get("config")
    listed = config.get("process") if isinstance(config, Mapping) else None
    for process in listed.items if isinstance(listed, Sequence) else ():
        if isinstance(process, Mapping):
            yield Fields(process)


def _run(process: Fields) -> Run | None:
    network, model, train = process.section("network"), process.section("model"), process.section("train")
    if network is None or model is None or known(network.text("type", usual("lora"))) not in _TYPES:
        return None
    span = process.span("network")
    settings = train or Fields(Mapping((), span))
    return Run(
        FRAMEWORK,
        span,
        tables.adapter(FRAMEWORK, network, span, **_own(network, model)),
        BaseModel(model.text("name_or_path")),
        training=tables.training(FRAMEWORK, settings, "unknown"),
        events=(Load(process.span("model")), Wrap(span), Train(process.span("train"))),
        trained=True,
    )


def _own(network: Fields, model: Fields) -> dict[str, Any]:
    """`rank` and `alpha` are older spellings of `linear` and `linear_alpha`."""
    usually = usual(FRAMEWORK.defaults["rank"])
    rank = network.whole("rank" if network.has("rank") else "linear", usually)
    if _has_alpha(model):
        alpha = network.number("linear_alpha", network.number("alpha", usual(FRAMEWORK.defaults["alpha"])))
    else:
        alpha = multiple(rank)
    return {"rank": rank, "alpha": alpha, "use_dora": usual(known(network.text("type")) == "dora")}


def _has_alpha(model: Fields) -> bool:
    architecture = known(model.text("arch", usual("")))
    if architecture:
        return str(architecture).partition(":")[0] in _WITH_ALPHA
    return not any(known(model.flag(flag)) for flag in _FLAGS)
