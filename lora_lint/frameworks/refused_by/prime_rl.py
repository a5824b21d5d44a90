"""prime-rl 0.8.0 at 559b447: what its configurations refuse about adapters."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_RL, _TRAINER = "configs/rl.py", "configs/trainer.py"
_SHARED = "the weights of an adapter are shared through files"
_FILES = "Set it to filesystem, or leave it out"
_ROWS = (
    Refusal(
        "weight_broadcast.type",
        "trainer.model.lora is not None and weight_broadcast.type in ('nccl', 'nixl')",
        _SHARED,
        _FILES,
        f"{_RL}:462",
        ("trainer.model.lora",),
        sets=(("weight_broadcast.type", "filesystem"),),
    ),
    Refusal(
        "trainer.weight_broadcast.type",
        "trainer.model.lora is not None and trainer.weight_broadcast.type in ('nccl', 'nixl')",
        _SHARED,
        _FILES,
        f"{_TRAINER}:736",
        ("trainer.model.lora",),
        sets=(("trainer.weight_broadcast.type", "filesystem"),),
    ),
    *(
        Refusal(
            f"orchestrator.model.lora.{name}",
            f"orchestrator.model.lora.{name} is not None and trainer.model.lora is not None"
            f" and orchestrator.model.lora.{name} != trainer.model.lora.{name}",
            f"the trainer's {name} is another",
            "Leave it out",
            f"{_RL}:{line}",
            (f"trainer.model.lora.{name}",),
            drop=True,
        )
        for name, line in (("rank", 549), ("alpha", 559))
    ),
    *(
        Refusal(
            f"{above}model.vlm.freeze_vision_encoder",
            f"{above}model.lora is not None and {above}model.vlm.freeze_vision_encoder == False",
            "everything but the adapter is frozen",
            "Set it to true",
            source,
            (f"{above}model.lora",),
            sets=((f"{above}model.vlm.freeze_vision_encoder", True),),
        )
        for above, source in (("", "configs/sft.py:532"), ("trainer.", f"{_TRAINER}:705"))
    ),
)
TABLE = Table(
    "prime-rl",
    "0.8.0 of 2026-08-21",
    {"": _ROWS},
    {"trainer.model.lora.rank": 16, "trainer.model.lora.alpha": 32.0},
    (
        Undecided("devices and nodes", "they depend on the machine", ("configs/",)),
        Undecided("environments, data and serving", "other programs decide", ("utils/",)),
    ),
)
