"""Releases of libraries that do not run with releases of others which pip installs beside them.

Read in the wheels of PEFT 0.3.0 to 0.21.2, TRL 0.4.7 to 1.16.0, diffusers 0.10.2 to 0.42.1, accelerate 0.20.3 to
1.15.0, huggingface_hub 0.16.4 to 2.4.0 and transformers 4.28.1 to 5.24.0: the names that a module imports whatever
happens, and since or until when the other library has them. What a library declares is left out, because pip refuses
it. Where several releases lie between two that were read, the row begins with the later one and ends with the earlier.
"""

from __future__ import annotations

from lora_lint.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.run.versions import Version


@dataclass(frozen=True)
class Need:
    """Releases of `package` from `since` to before `until` (None: all newer ones) need releases of `other` from `least`
    to before `below`: else they lack `what`, and `then` happens."""

    package: str
    since: Version
    until: Version | None
    other: str
    least: Version | None
    below: Version | None
    what: str
    then: str
    names: tuple[str, ...] = ()
    """The classes that need it; any import of the package if none is named."""
    python: Version = (3, 9)
    """The oldest Python whose newest releases of both are like the newest of all."""


_FAILS = "importing {} fails"
_TRAINERS = ("Trainer", "Seq2SeqTrainer", "SFTTrainer", "DPOTrainer", "RewardTrainer", "KTOTrainer", "ORPOTrainer")
_PEFT, _DIFFUSERS = _FAILS.format("PEFT"), _FAILS.format("diffusers")

NEEDS = (
    # peft_model.py; EncoderDecoderCache
    Need("peft", (0, 14, 0), None, "transformers", (4, 43, 0), None, "`EncoderDecoderCache`", _PEFT),
    Need("peft", (0, 16, 0), (0, 18, 0), "transformers", (4, 44, 0), None, "`HybridCache`", _PEFT),
    Need("peft", (0, 16, 0), (0, 18, 0), "transformers", None, (5, 0, 0), "`HybridCache`", _PEFT, python=(3, 10)),
    # tuners/lora/model.py of this release alone
    Need("peft", (0, 18, 0), (0, 18, 1), "transformers", (4, 52, 0), None, "`GradientCheckpointingLayer`", _PEFT),
    # utils/loftq_utils.py
    Need("peft", (0, 15, 0), None, "accelerate", (0, 32, 0), None, "`clear_device_cache`", _PEFT),
    # core.py
    Need(
        *("trl", (0, 4, 7), (0, 8, 0), "transformers", None, (4, 39, 0), "`top_k_top_p_filtering`"),
        _FAILS.format("TRL"),
    ),
    # trainer/dpo_trainer.py
    Need(
        *("trl", (0, 9, 6), (0, 23, 0), "transformers", None, (5, 0, 0), "`MODEL_FOR_VISION_2_SEQ_MAPPING_NAMES`"),
        *(_FAILS.format("DPOTrainer"), ("DPOTrainer",), (3, 10)),
    ),
    # utils/dynamic_modules_utils.py
    Need(
        *("diffusers", (0, 14, 0), (0, 29, 0), "huggingface_hub", None, (0, 26, 0), "`cached_download`", _DIFFUSERS),
        python=(3, 8),
    ),
    # trainer.py and training_args.py
    Need(
        *("transformers", (4, 32, 0), (4, 40, 0), "accelerate", None, (1, 0, 0), "`Accelerator(dispatch_batches=…)`"),
        *("Trainer raises a TypeError", _TRAINERS, (3, 8)),
    ),
    Need(
        *("transformers", (4, 45, 2), (4, 52, 0), "accelerate", (0, 26, 0), None, "what Trainer asks for"),
        *("Trainer raises an ImportError", _TRAINERS),
    ),
    Need(
        *("transformers", (5, 0, 0), None, "accelerate", (1, 1, 0), None, "what Trainer asks for"),
        *("Trainer raises an ImportError", _TRAINERS, (3, 10)),
    ),
    Need(
        *("transformers", (4, 52, 0), None, "accelerate", (1, 3, 0), None, "`unwrap_model(keep_torch_compile=…)`"),
        *("Trainer raises a TypeError as it begins to train", _TRAINERS),
    ),
)
