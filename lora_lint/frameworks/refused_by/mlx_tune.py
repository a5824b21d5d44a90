"""mlx-tune 0.6.0: unsloth's settings that it accepts, and then ignores."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_MODEL = "model.py"
_WRAPPED = (
    Refusal(
        "use_rslora",
        "use_rslora",
        "it is not implemented, and alpha/r scales the adapter",
        "Leave it out, or raise `lora_alpha`",
        f"{_MODEL}:325",
        ignored=True,
    ),
    Refusal(
        "loftq_config",
        "loftq_config",
        "LoftQ is not implemented",
        "Leave it out",
        f"{_MODEL}:331",
        ignored=True,
    ),
    Refusal(
        "bias",
        "is_text(bias) and bias != 'none'",
        "no bias is trained",
        "Leave it out",
        f"{_MODEL}:581",
        ignored=True,
    ),
)
TABLE = Table(
    "mlx-tune",
    "0.6.0",
    {"FastLanguageModel.get_peft_model": _WRAPPED},
    {},
    (
        Undecided(
            "packages, models and their layers", "they depend on the machine", (_MODEL, "vlm.py", "embeddings.py")
        ),
        Undecided(
            "other trainings",
            "they have settings of their own",
            (
                *(
                    "jepa.py",
                    "lewm.py",
                    "llm_jepa.py",
                    "vjepa2.py",
                    "ocr.py",
                    "stt.py",
                    "tts.py",
                    "audio_",
                    "cpt_trainer.py",
                ),
                *("rl_trainers.py", "sft_trainer.py", "losses.py", "moe", "_rl", "chat_templates.py", "trainer.py"),
            ),
        ),
    ),
)
