"""Releases of libraries that do not run with releases of others which pip installs beside them.

Read in the wheels of PEFT 0.3.0 to 0.21.2, TRL 0.4.7 to 1.16.0, diffusers 0.10.2 to 0.42.1, accelerate 0.20.3 to
1.15.0, huggingface_hub 0.16.4 to 2.4.0, transformers 4.28.1 to 5.24.0, vLLM 0.6.6 to 0.33.0, unsloth_zoo 2025.2.3 to
2026.10.9 and unsloth 2025.11.6 to 2026.1.4: the names that a module imports whatever happens, and since or until when
the other library has them. What a library declares is left out, because pip refuses it. Where several releases lie
between two that were read, the row begins with the later one and ends with the earlier.
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
    asks: bytes = b""
    """What a program says that comes to this, if importing the package alone does not."""
    roots: tuple[str, ...] = ()
    """The modules whose import leads to the package, if others than its own do."""


_FAILS = "importing {} fails"
_TRAINERS = ("Trainer", "Seq2SeqTrainer", "SFTTrainer", "DPOTrainer", "RewardTrainer", "KTOTrainer", "ORPOTrainer")
_PEFT, _DIFFUSERS = _FAILS.format("PEFT"), _FAILS.format("diffusers")
_ENGINE, _FAST = "starting the engine raises {}", "loading with `fast_inference=True` raises a ModuleNotFoundError"

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
    # trainer/grpo_trainer.py, below `if is_vllm_available()`
    Need(
        *("trl", (0, 18, 0), (0, 27, 0), "vllm", None, (0, 12, 0), "`GuidedDecodingParams`"),
        *(_FAILS.format("GRPOTrainer"), ("GRPOTrainer",)),
    ),
    # transformers_utils/configs/ovis.py: it registers a type of this name, which transformers has since
    Need(
        *("vllm", (0, 9, 0), (0, 10, 1), "transformers", None, (4, 54, 0), "the free name `aimv2` for a config"),
        _FAILS.format("vLLM's configs"),
    ),
    # transformers_utils/tokenizer.py
    Need(
        *("vllm", (0, 6, 6), (0, 11, 1), "transformers", None, (5, 0, 0), "`all_special_tokens_extended`"),
        *(_ENGINE.format("an AttributeError"), (), (3, 10)),
    ),
    # models/llama.py (get_peft_model); from 2026.1.4 on unsloth itself asks for such a PEFT
    Need(
        *("unsloth", (2025, 12, 10), (2026, 1, 4), "peft", (0, 18, 0), None, "`LoraConfig(ensure_weight_tying=…)`"),
        "`get_peft_model` raises a TypeError",
    ),
    # vllm_lora_worker_manager.py, imported by vllm_utils.py (patch_vllm)
    Need(
        *("unsloth_zoo", (2025, 2, 3), (2025, 9, 10), "vllm", None, (0, 11, 0), "`vllm.adapter_commons`", _FAST),
        asks=b"fast_inference",
        roots=("unsloth",),
    ),
    Need(
        *("unsloth_zoo", (2025, 9, 12), (2025, 12, 4), "vllm", None, (0, 13, 0), "`vllm.lora.models`", _FAST),
        asks=b"fast_inference",
        roots=("unsloth",),
    ),
)
