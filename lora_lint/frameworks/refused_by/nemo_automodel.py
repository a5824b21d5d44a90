"""NeMo AutoModel 0.5.0 at 36044ad: what it refuses about adapters."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_MATCHER = "components/_peft/module_matcher.py"
_LORA = "components/_peft/lora.py"
_ROWS = (
    Refusal(
        "peft.exclude_modules",
        "not peft.match_all_linear and peft.target_modules and peft.exclude_modules",
        "with targets nothing can be excluded",
        "Leave one of the two out",
        f"{_MATCHER}:111",
        ("peft.target_modules",),
        late=True,
    ),
    Refusal(
        "peft.match_all_linear",
        "peft.match_all_linear and (peft.target_modules or peft.exclude_modules)",
        "it takes all linear layers, so that none can be named",
        "Set it to false, or name no modules",
        f"{_MATCHER}:115",
        ("peft.target_modules", "peft.exclude_modules"),
        late=True,
    ),
    Refusal(
        "peft.use_dora",
        "peft.use_dora and (quantization.load_in_4bit or quantization.load_in_8bit)",
        "there is no DoRA for quantized layers",
        "Set it to false, or leave `quantization` out",
        f"{_LORA}:484",
        ("quantization.load_in_4bit", "quantization.load_in_8bit"),
        late=True,
        sets=(("peft.use_dora", False),),
    ),
    Refusal(
        "peft.dropout_position",
        "peft.dropout_position is not None and peft.dropout_position not in ('pre', 'post')",
        "dropout is before the adapter or after it",
        "Set it to pre or post",
        f"{_LORA}:218",
        late=True,
    ),
    Refusal(
        "qat.enabled",
        "qat.enabled and peft._target_ is not None",
        "adapters are not trained for quantization",
        "Set it to false, or leave `peft` out",
        "recipes/llm/train_ft.py:220",
        ("peft._target_",),
        sets=(("qat.enabled", False),),
    ),
)
TABLE = Table(
    "NeMo AutoModel",
    "0.5.0 of 2026-08-22",
    {"": _ROWS},
    {},
    (
        Undecided("experts and their ranks", "the model's config decides", ("components/_peft/",)),
        Undecided(
            "devices, models and data",
            "they depend on the machine and on files",
            (
                "_transformers/",
                "_diffusers/",
                "cli/",
                "components/",
                "recipes/",
                "shared/",
            ),
        ),
    ),
)
