"""SkyRL: `trainer.policy.model.lora.rank` above 0 in a command, or in a YAML file.

Source: SkyRL at a956457 of 2026-08-21, skyrl/train/config/config.py and skyrl/backends/skyrl_train/workers/
model_wrapper.py; skyrl_train 0.4.0 has the same keys.
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

_LORA = "trainer.policy.model.lora"
FRAMEWORK = Framework(
    name="skyrl",
    title="SkyRL",
    source="SkyRL at a956457",
    packages=("skyrl", "skyrl-train"),
    keys={
        "rank": f"{_LORA}.rank",
        "alpha": f"{_LORA}.alpha",
        "dropout": f"{_LORA}.dropout",
        "target_modules": f"{_LORA}.target_modules",
        "exclude_modules": f"{_LORA}.exclude_modules",
    },
    other_keys={
        "model": "trainer.policy.model.path",
        "learning_rate": "trainer.policy.optimizer_config.lr",
        "epochs": "trainer.epochs",
        "batch_size": "trainer.train_batch_size",
    },
    defaults={
        "rank": 0,
        "alpha": 16,
        "dropout": 0.0,
        "target_modules": "all-linear",
        "task_type": "CAUSAL_LM",
        "optimizer": "adamw",
        "learning_rate": 1e-6,
        "epochs": 1,
        "batch_size": 1024,
        "accumulation": 1,
    },
    kinds=("yaml",),
    marks=((b"policy", b"lora", b"trainer"),),
    commands=(CommandLine("module", r"(?:skyrl(?:_train|\.train)|examples|integrations)\..+", alone="dotted"),),
    sections=None,
    method="rl",
    passes_on=True,
    regex_targets=True,
    whole_alpha=True,
)
_TABLE = TableReader(FRAMEWORK)


def settings(document: Mapping) -> tuple[Mapping, ...]:
    """All settings, in their sections."""
    return (unfolded(document),)


def read(document: Mapping, project: Project) -> Reading:
    """The run of a file or command. Megatron fuses projections, so its targets have no names in transformers."""
    megatron = known(Fields(with_dotted_keys(unfolded(document))).text("trainer.strategy")) == "megatron"
    reading = _TABLE.read(document, project)
    return reading.mapped(lambda run: replace(run, own_names=True)) if megatron else reading
