"""EasyR1: `worker.actor.model.lora.rank` above 0 in its YAML file, or beside it in a command.

Source: EasyR1 0.3.2 at b44b311, verl/workers/actor/config.py, verl/workers/fsdp_workers.py and verl/trainer/config.py.
"""

from __future__ import annotations

from lora_lint.run.framework import CommandLine, Framework

_LORA = "worker.actor.model.lora"
FRAMEWORK = Framework(
    name="easyr1",
    title="EasyR1",
    source="EasyR1",
    version=(0, 3, 2),
    keys={
        "rank": f"{_LORA}.rank",
        "alpha": f"{_LORA}.alpha",
        "target_modules": f"{_LORA}.target_modules",
        "exclude_modules": f"{_LORA}.exclude_modules",
    },
    other_keys={
        "model": "worker.actor.model.model_path",
        "optimizer": "worker.actor.optim.strategy",
        "learning_rate": "worker.actor.optim.lr",
        "epochs": "trainer.total_epochs",
        "max_steps": "trainer.max_steps",
        "batch_size": "data.rollout_batch_size",
    },
    defaults={
        "rank": 0,
        "alpha": 64,
        "target_modules": "all-linear",
        "task_type": "CAUSAL_LM",
        "optimizer": "adamw",
        "learning_rate": 1e-6,
        "epochs": 15,
        "batch_size": 512,
        "accumulation": 1,
    },
    kinds=("yaml",),
    marks=((b"worker", b"actor", b"model_path", b"lora"),),
    commands=(CommandLine("module", r"verl\.trainer\.main", config="option", beside="dotted", alone="dotted"),),
    sections=None,
    method="rl",
    passes_on=True,
    commas=True,
    whole_alpha=True,
)
