"""AReaL 1.0.4 at 4aef98d: what its engines refuse about adapters."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_ADAPTED = "(actor.use_lora or rollout.use_lora)"
"""The actor's setting usually refers to the other one."""
_ROWS = (
    Refusal(
        "actor.peft_type",
        f"{_ADAPTED} and actor.peft_type is not None and actor.peft_type != 'lora'",
        "LoRA is its only method",
        "Set it to lora",
        "engine/fsdp_engine.py:1092",
        ("actor.use_lora",),
        late=True,
        sets=(("actor.peft_type", "lora"),),
    ),
    Refusal(
        "actor.megatron.bridge_type",
        f"{_ADAPTED} and starts(actor.backend, 'megatron') and actor.megatron.bridge_type == 'mbridge'",
        "mbridge has no adapters",
        "Set it to megatron-bridge",
        "engine/megatron_engine.py:326",
        ("actor.use_lora", "actor.backend"),
        late=True,
        sets=(("actor.megatron.bridge_type", "megatron-bridge"),),
    ),
)
TABLE = Table(
    "AReaL",
    "1.0.4 of 2026-05-21",
    {"": _ROWS},
    {},
    (
        Undecided("devices, engines and weights", "they depend on the machine", ("engine/", "experimental/", "infra/")),
        Undecided(
            "data, rewards and workflows",
            "other programs decide",
            ("trainer/", "workflow/", "utils/", "tools/", "dataset/", "models/", "api/"),
        ),
    ),
)
