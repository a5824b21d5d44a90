"""The versions since which PEFT, TRL and transformers do what the rules say of them.

Which settings, values and default targets each version has is in data/peft_versions.json, written by
scripts/generate_peft_versions.py; what they do was read in the releases, and measured with them where it says so.
"""

from __future__ import annotations

from lora_lint.knowledge.peft_facts import facts, history

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from lora_lint.run.run import Run
    from lora_lint.run.versions import Pin, Version

LAYERS_BYPASSED: Version = (0, 8, 0)
"""PEFT: an entry that is a whole path is adapted whatever `layers_to_transform` says; before, the layers applied to it
too (tuners/tuners_utils.py, check_target_module_exists; measured)."""
IS_TRAINABLE: Version = (0, 3, 0)
"""`PeftModel.from_pretrained(…, is_trainable=False)`; until then a loaded LoRA was trainable (tuners/lora.py)."""
ALL_LINEAR: Version = (0, 8, 0)
"""PEFT: `target_modules="all-linear"`; before, a regex that matches no path (measured: a ValueError)."""
UNKNOWN_INITIALISATION_RAISES: Version = (0, 7, 0)
"""PEFT: an unknown string for `init_lora_weights` raises; before, any string counts as True (measured)."""
EMBEDDINGS_SAVED: Version = (0, 7, 0)
"""PEFT: base weights of adapted embeddings are saved along (peft_model.py, `save_embedding_layers`)."""
MERGED_INTO_BITS: Version = (0, 6, 0)
"""PEFT: `merge_and_unload` with 4 or 8 bits; before, a ValueError (tuners/lora.py, _unload_and_optionally_merge)."""
SAVED_ALONE: Version = (0, 6, 0)
"""PEFT: a name in `target_modules` and `modules_to_save` loses its LoRA; before, LoRA trains inside the copy
(measured)."""
HEAD_LEFT_OUT: Version = (0, 16, 0)
"""PEFT: the head that a task type trains in full is not a target; before, LoRA is put into it first: a TypeError from
HEAD_REFUSED on, and LoRA inside the copy before that (peft_model.py; measured)."""
HEAD_REFUSED: Version = (0, 13, 0)
MISSING_KEYS_TOLD: Version = (0, 14, 0)
"""PEFT: loading warns about adapter weights that the checkpoint does not have (peft_model.py, load_adapter)."""
ADDING_KEEPS_TRAINABILITY: Version = (0, 21, 0)
"""PEFT: adding an adapter to others does not change whether those train; before 0.18 the active ones then train, and
from 0.18 on they do if the new one's config has no `inference_mode` (tuners/tuners_utils.py, inject_adapter)."""
LORAPLUS: Version = (0, 13, 0)
"""PEFT: `peft.optimizers.create_loraplus_optimizer`."""
MOE_CONVERTED: Version = (0, 19, 0)
"""PEFT: names of experts are turned into the parameters of transformers 5 (utils/transformers_weight_conversion.py)."""
MERGED_COPIES_UNTIED: Version = (0, 19, 0)
"""PEFT: the config of a merged model no longer ties ends that `modules_to_save` has trained; else transformers before
SAVED_ENDS_KEPT ties them again when it loads the model (measured with 0.17.1 and 4.56.2)."""
MERGES_LORA_ALONE: tuple[Version, Version] = ((2025, 6, 1), (2026, 1, 5))
"""unsloth: from and to before these, what it saves as merged is the base model's files with the products of LoRA alone:
neither modules that are trained whole nor added rows (save.py, unsloth_generic_save_pretrained_merged; unsloth_zoo of
the same time, saving_utils.py, create_lora_statistics)."""
BOTH_COPIES_ALIKE: Version = (2026, 8, 20)
"""unsloth: copies of both of a model's tied ends stay alike (models/_utils.py, _resolve_ensure_weight_tying)."""
NAME_REMOVED_ONCE: Version = (0, 18, 0)
"""PEFT: an adapter's name is removed from the names of saved tensors only where it stands for the adapter; before, from
all parts that begin with it (utils/save_and_load.py; measured with 0.10.0, 0.15.0 and 0.18.0)."""
WITHOUT_TRANSFORMERS_5: tuple[Version, Version] = ((0, 16, 0), (0, 18, 0))
"""PEFT: from the first to before the second it imports HybridCache, which transformers 5 lacks (peft_model.py)."""
TWO_ADAPTERS_REFUSED: Version = (0, 27, 0)
"""TRL: a PeftModel together with `peft_config` raises a ValueError (trainer/sft_trainer.py and its like)."""
TWO_ADAPTERS_MERGED: Version = (0, 22, 0)
"""TRL: SFTTrainer merges the model's adapter and adds the new one; DPO, KTO, ORPO and CPO did before."""
DPO_MERGES_ADAPTER: Version = (0, 7, 4)
"""TRL: DPOTrainer merges the model's adapter (0.7.2 does not) and adds the new one."""
SPREAD_REFUSED: Version = (0, 22, 0)
"""accelerate: a model that is spread over GPUs is refused in a distributed training (accelerator.py; not in 0.21.0)."""
REFERENCE_COPIED: Version = (0, 29, 0)
"""TRL: DPOTrainer keeps a copy of a PeftModel's adapter as the reference; before, it switches the adapter off
(trainer/dpo_trainer.py, `null_ref_context`; 0.24.0, 0.28.0 and 0.29.0)."""
TWO_ADAPTERS_LEFT_ASIDE: dict[str, Version] = {"SFTTrainer": (0, 20, 0), "RewardTrainer": (0, 22, 0)}
"""TRL: before these versions the trainer ignores `peft_config`; from then to TWO_ADAPTERS_MERGED it wraps the PeftModel
once more, as GRPOTrainer did from the start."""
WRAPPED_MODELS_GET_INPUT_GRADIENTS: Mapping[str, Version] = {"SFTTrainer": (0, 20, 0)}
"""TRL: under gradient checkpointing the trainer makes the inputs of a PeftModel require gradients; before, only where
it adds the adapter itself (trainer/sft_trainer.py of 0.8.6, 0.11.4, 0.15.2, 0.19.1 and 0.20.0)."""
MODELS_GET_INPUT_GRADIENTS: Mapping[str, Version] = {"GRPOTrainer": (0, 16, 0), "OnlineDPOTrainer": (0, 22, 0)}
"""TRL: these trainers do so too; before, not even where they add the adapter themselves (trainer/grpo_trainer.py of
0.14.0 to 0.16.1, trainer/online_dpo_trainer.py of 0.14.0 to 0.22.2; its issues 2671 and 3089)."""
CHECKPOINTED_BY_DEFAULT: Version = (0, 22, 0)
"""TRL: the configs of its trainers set `gradient_checkpointing=True` (trainer/*_config.py of 0.21.0 and 0.22.0)."""
QUANTIZED_ADAPTERS_FROZEN: Mapping[str, Version] = {"SFTTrainer": (0, 20, 0)} | dict.fromkeys(
    ("GRPOTrainer", "OnlineDPOTrainer", "PRMTrainer", "RewardTrainer", "RLOOTrainer"), (0, 22, 0)
)
"""TRL: from these versions to before QUANTIZED_ADAPTERS_KEPT the trainer prepares a quantized model that already has an
adapter, which freezes the adapter (trainer/sft_trainer.py of 0.20.0 and 0.21.0, models/utils.py of 0.22.0 to 0.23.0;
its issue 3926)."""
QUANTIZED_ADAPTERS_KEPT: Version = (0, 23, 1)
HEAD_ADAPTER_REFUSED: Version = (1, 6, 0)
"""TRL: SFTTrainer refuses an adapter on `lm_head`: up to 1.14 under `loss_type="chunked_nll"`, which is the default
since 1.6, and always from 1.15 on (trainer/sft_trainer.py)."""

PARTS_BELOW_MODEL: Version = (4, 52, 0)
"""transformers: the parts of a vision-language model are `model.language_model` and `model.visual`; before, they are
attributes of the class with the head: `language_model.model`, `visual` (models/*/modeling_*.py)."""
CHECKPOINTS_NOT_REENTRANT: Version = (5, 0, 0)
"""transformers: `gradient_checkpointing_enable` takes `use_reentrant=False` (modeling_utils.py). Before, checkpoints of
frozen inputs have no gradient (measured with 4.57.1 and PEFT 0.17.1; with 5.23.0 they have one in either kind)."""

ADAPTER_GATHERED: Version = (5, 0, 0)
"""transformers: Trainer gathers the adapter under ZeRO-3 whatever DeepSpeed's config says; before, it saves an empty
state dict if `stage3_gather_16bit_weights_on_model_save` is off (trainer.py, save_model; 4.36.2 and 4.57.1)."""

SAVED_ENDS_KEPT: Version = (5, 0, 0)
"""transformers: embeddings and a head that are saved separately stay so (measured with 5.23.0 and PEFT 0.18.1)."""

CLASSIFIERS_DO_NOT_GENERATE: Version = (4, 50, 0)
"""transformers: models without a language head have no `prepare_inputs_for_generation`, for which PEFT asks under the
task types that generate (modeling_utils.py: PreTrainedModel is no GenerationMixin any more)."""

HEAD_OF_LAST_PARAMETER: Version = (5, 0, 0)
"""transformers: beside the output embedding, bitsandbytes leaves the module of the model's last parameter as it is, so
that a head with a bias is quantized (quantizers/base.py; measured with 5.23.0). Before, that module was left as it is
with a bias too (4.57.6, integrations/bitsandbytes.py)."""

SKIPPED_BY_WHOLE_NAME: Version = (4, 40, 0)
"""transformers: bitsandbytes leaves the modules of just these names as they are; before, each module with such a name
in its own too (4.39.0 and 4.40.0, integrations/bitsandbytes.py)."""


def number(text: str) -> Version:
    """(0, 8, 0) of 0.8.0"""
    return tuple(map(int, text.split(".")))


def named(version: Version) -> str:
    """0.8.0"""
    return ".".join(map(str, version))


def added(field: str) -> Version | None:
    """The first PEFT whose LoraConfig has a setting; None if the very first has it, or none."""
    text = history()["added"].get(field)
    return None if text is None else number(text)


def removed(field: str) -> Version | None:
    """The first PEFT whose LoraConfig no longer has a setting."""
    text = history()["removed"].get(field)
    return None if text is None else number(text)


def initialisation(name: str) -> Version | None:
    """The first PEFT that knows a string for `init_lora_weights`; None if none is known to."""
    text = history()["initialisations"].get(name.lower().partition("_niter")[0])
    return None if text is None else number(text)


def default_targets_since(model_type: str) -> Version | None:
    """The first PEFT that has default targets for a model type; None if none has."""
    by_version: Mapping[str, Any] | None = history()["default_targets"].get(model_type)
    return number(next(iter(by_version))) if by_version else None


def default_targets(model_type: str, below: Version | None = None) -> tuple[str, ...] | str | None:
    """The default `target_modules` of PEFT, or of the newest PEFT before a version: names, or a regex for a few model
    types; None if it has no default and raises."""
    if below is None:
        targets = facts()["default_targets"].get(model_type)
    else:
        by_version: Mapping[str, Any] = history()["default_targets"].get(model_type, {})
        targets = next((value for since, value in reversed([*by_version.items()]) if number(since) < below), None)
    return tuple(targets) if isinstance(targets, list) else targets


def without(run: Run, field: str) -> Pin | None:
    """The pin that keeps a run from having a setting of LoraConfig; None if it may have it."""
    if "peft" not in run.pins:
        return None
    since = added(field)
    return None if since is None else run.before("peft", since)
