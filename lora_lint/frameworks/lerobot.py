"""LeRobot: `lerobot-train --peft.method_type=LORA --peft.r=64`, whose alpha is PEFT's default where it is left out.

Source: LeRobot 0.6.2 of 2026-08-23, src/lerobot/configs/default.py (`PeftConfig`) and policies/pretrained.py.
"""

from __future__ import annotations

from lora_lint.frameworks.fields import Fields
from lora_lint.frameworks.tables import TableReader
from lora_lint.records import replace
from lora_lint.run.framework import CommandLine, Framework
from lora_lint.run.run import Reading
from lora_lint.run.values import known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.project import Project
    from lora_lint.readers.nodes import Mapping

FRAMEWORK = Framework(
    name="lerobot",
    title="LeRobot",
    source="LeRobot",
    version=(0, 6, 2),
    packages=("lerobot",),
    keys={
        "rank": "peft.r",
        "alpha": "peft.lora_alpha",
        "target_modules": "peft.target_modules",
        "modules_to_save": "peft.full_training_modules",
    },
    other_keys={
        "model": "policy.path",
        "learning_rate": "policy.optimizer_lr",
        "max_steps": "steps",
        "batch_size": "batch_size",
        "output": "output_dir",
    },
    defaults={"rank": 16, "alpha": 8, "max_steps": 100_000, "batch_size": 8, "accumulation": 1},
    commands=(
        CommandLine("command", "lerobot-train"),
        CommandLine("module", r"lerobot\.scripts\.(?:lerobot_)?train"),
        CommandLine("script", r"(?:lerobot/scripts/(?:lerobot_)?train\.py|lerobot-train)"),  # which a launcher gets
    ),
    passes_on=True,
    regex_targets=True,
    whole_alpha=True,
)
_TABLE = TableReader(FRAMEWORK)


def recognises(document: Mapping) -> bool:
    """Whether a mapping is the options of a training with an adapter."""
    return any(str(entry.key.value).startswith("peft.") for entry in document.entries)


def read(document: Mapping, project: Project) -> Reading:
    """The run of some options; other methods of PEFT have scales of their own."""
    fields = Fields(document)
    method = known(fields.text("peft.method_type"))
    if method is not None and method.upper() != "LORA":
        return Reading()
    reading = _TABLE.read(document, project)
    key = "policy.pretrained_path"
    if fields.has(FRAMEWORK.other_keys["model"]) or not fields.has(key):
        return reading
    return reading.mapped(lambda run: replace(run, model=replace(run.model, name=fields.text(key))))
