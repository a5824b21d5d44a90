"""AReaL: `actor.use_lora: true` in its YAML file.

Source: AReaL 1.0.4 of 2026-05-21, areal/api/cli_args.py, areal/engine/fsdp_engine.py and megatron_engine.py.
"""

from __future__ import annotations

from lora_lint.frameworks.fields import Fields, unfolded, with_dotted_keys
from lora_lint.frameworks.tables import TableReader
from lora_lint.records import replace
from lora_lint.run.framework import CommandLine, Framework
from lora_lint.run.values import known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.project import Project
    from lora_lint.readers.nodes import Mapping
    from lora_lint.run.run import Reading

FRAMEWORK = Framework(
    name="areal",
    title="AReaL",
    source="AReaL",
    version=(1, 0, 4),
    packages=("areal",),
    keys={
        "rank": "actor.lora_rank",
        "alpha": "actor.lora_alpha",
        "target_modules": "actor.target_modules",
    },
    other_keys={
        "model": "actor.path",
        "optimizer": "actor.optimizer.type",
        "learning_rate": "actor.optimizer.lr",
        "epochs": "total_train_epochs",
        "max_steps": "total_train_steps",
        "batch_size": "train_dataset.batch_size",
    },
    defaults={
        "rank": 32,
        "alpha": 16,
        "target_modules": "all-linear",
        "task_type": "CAUSAL_LM",
        "optimizer": "adam",
        "learning_rate": 1e-3,
        "epochs": 1,
        "accumulation": 1,
    },
    says_lora={"actor.use_lora": True},
    kinds=("yaml",),
    marks=((b"actor", b"use_lora", b"experiment_name"),),
    commands=(CommandLine("module", r"areal\..+", config="option", beside="dotted", alone=None),),
    sections=None,
    method="rl",
    shorthand_in_list=True,
    passes_on=True,
    whole_alpha=True,
)
_TABLE = TableReader(FRAMEWORK)


def settings(document: Mapping) -> tuple[Mapping, ...]:
    """All settings, in their sections."""
    return (unfolded(document),)


def read(document: Mapping, project: Project) -> Reading:
    """The run of an experiment. Megatron fuses projections, so its targets have no names in transformers."""
    backend = known(Fields(with_dotted_keys(unfolded(document))).text("actor.backend"))
    megatron = str(backend).startswith("megatron")
    return _TABLE.read(document, project).mapped(lambda run: replace(run, own_names=megatron))
