"""Names that transformers, TRL and PEFT no longer have, which programs for LoRA import.

Read in the __init__.py of TRL 0.7.11 to 1.16.0, of PEFT 0.4.0 to 0.21.2 and of transformers 4.40.0 to 5.23.0, one
release of each minor version (of transformers from 4.48 on, then 5.0.0, 5.5.0, 5.12.0 and 5.23.0). Where several
releases lie between the last that has a name and the next that was read, the later one counts.
"""

from __future__ import annotations

from lora_lint.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.run.versions import Version


@dataclass(frozen=True)
class GoneName:
    """The first release without a name, and what to do instead."""

    since: Version
    instead: str


def _gone(since: Version, names: str, instead: str) -> dict[str, GoneName]:
    return dict.fromkeys(names.split(), GoneName(since, instead))


def _experimental(*modules: str) -> dict[str, GoneName]:
    """Trainers that TRL 0.29.0 only has in `trl.experimental`, with their configs."""
    return {
        f"{kind}{part}": GoneName((0, 29, 0), f"Import it from `trl.experimental.{module}`")
        for kind, module in zip(modules[::2], modules[1::2], strict=True)
        for part in ("Trainer", "Config")
    }


_TRL = {
    **_gone((0, 13, 0), "PPOv2Trainer PPOv2Config", "Pin an older TRL"),
    **_gone((0, 14, 0), "set_seed", "Import it from transformers"),
    **_gone(
        (0, 20, 0),
        "DataCollatorForCompletionOnlyLM",
        "Set `completion_only_loss` or `assistant_only_loss` in SFTConfig",
    ),
    **_gone((0, 20, 0), "ConstantLengthDataset", "Set `packing` in SFTConfig"),
    **_gone((0, 24, 0), "DDPOTrainer DDPOConfig AlignPropTrainer AlignPropConfig", "Pin an older TRL"),
    **_gone((0, 24, 0), "IterativeSFTTrainer IterativeSFTConfig", "Pin an older TRL"),
    **_gone((0, 26, 0), "setup_chat_format", "Use `clone_chat_template`"),
    **_gone(
        (0, 27, 0), "DPODataCollatorWithPadding RewardDataCollatorWithPadding", "Leave the collator to the trainer"
    ),
    **_gone(
        (0, 29, 0),
        "PPOTrainer PPOConfig AutoModelForCausalLMWithValueHead AutoModelForSeq2SeqLMWithValueHead",
        "Pin an older TRL",
    ),
    **_experimental("ORPO", "orpo", "CPO", "cpo", "GKD", "gkd", "OnlineDPO", "online_dpo"),
    **_gone((1, 9, 0), "get_kbit_device_map", "Give `device_map` yourself"),
}
GONE: dict[str, dict[str, GoneName]] = {
    "trl": _TRL,
    "trl.trainer": _TRL,
    "trl.trainer.utils": _TRL,
    "peft": {
        **_gone((0, 10, 0), "prepare_model_for_int8_training", "Use `prepare_model_for_kbit_training`"),
        **_gone((0, 19, 0), "BoneConfig BoneModel", "Use `MissConfig`"),
    },
    "transformers": {
        **_gone((4, 50, 0), "AdamW", "Use `torch.optim.AdamW`"),
        **_gone((4, 51, 0), "is_torch_tpu_available", "Use `is_torch_xla_available`"),
        **_gone((5, 0, 0), "AutoModelForVision2Seq", "Use `AutoModelForImageTextToText`"),
        **_gone((5, 0, 0), "AutoModelWithLMHead", "Use `AutoModelForCausalLM`"),
        **_gone((5, 0, 0), "TextDataset LineByLineTextDataset", "Load the text with the package `datasets`"),
        **_gone(
            (5, 0, 0),
            "CLIPFeatureExtractor ViTFeatureExtractor SegformerFeatureExtractor BeitFeatureExtractor "
            "DetrFeatureExtractor DonutFeatureExtractor LayoutLMv2FeatureExtractor",
            "Use the image processor of the same name",
        ),
        **_gone((5, 0, 0), "Text2TextGenerationPipeline SummarizationPipeline", "Pin an older transformers"),
        **_gone((5, 0, 0), "TFAutoModel FlaxAutoModel", "Pin an older transformers"),
    },
}
"""By the module that they are imported from."""
