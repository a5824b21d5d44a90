"""mlx-vlm at 9b13f52 (2026-08-22): what its training refuses, and what it ignores."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_MAIN = "lora.py"
_ROWS = (
    Refusal(
        "model_path",
        "holds(lower(model_path), 'gemma-3n') or holds(lower(model_path), 'qwen3-omni')",
        "models of this type are not trained",
        "Take another model",
        f"{_MAIN}:158",
        late=True,
        likely=True,
    ),
    Refusal(
        "train_mode",
        "is_text(train_mode) and train_mode not in ('sft', 'orpo')",
        "there are sft and orpo",
        "Leave it out",
        f"{_MAIN}:315",
        drop=True,
    ),
    Refusal(
        "gradient_accumulation_steps",
        "gradient_accumulation_steps < 1",
        "it is at least 1",
        "Leave it out",
        "trainer/sft_trainer.py:495",
        late=True,
        drop=True,
    ),
    Refusal(
        "iters",
        "iters is not None and epochs is not None",
        "epochs count",
        "Leave it out",
        f"{_MAIN}:172",
        ("epochs",),
        ignored=True,
    ),
    *(
        Refusal(
            key,
            f"{key} is not None and train_mode != 'orpo'",
            "it is for ORPO",
            "Leave it out",
            f"{_MAIN}:{line}",
            ("train_mode",),
            ignored=True,
            cause="no ORPO",
        )
        for key, line in (("beta", 224), ("eps", 225))
    ),
    *(
        Refusal(
            key,
            f"{key} is not None and adapter_path is not None",
            "the adapter that is loaded has its own",
            "Leave it out",
            f"{_MAIN}:107",
            ("adapter_path",),
            ignored=True,
            cause="an adapter is loaded",
        )
        for key in ("lora_rank", "lora_alpha", "lora_dropout")
    ),
)
TABLE = Table(
    "mlx-vlm",
    "9b13f52 of 2026-08-22",
    {"": _ROWS},
    {"train_mode": "sft"},
    (
        Undecided(
            "models and their layers", "they are in the model", ("models/", "trainer/", "utils.py", "convert.py")
        ),
        Undecided(
            "serving, and other uses",
            "they train nothing",
            (
                *("server", "generate", "apc", "speculative/", "evals/", "video_generate.py", "chat", "tool_parsers/"),
                *("structured.py", "turboquant", "vision_cache.py", "prompt_utils.py", "cache", "kv_", "tests/"),
                *("quant", "responses", "sample_utils.py", "batch", "distributed", "reranker"),
            ),
        ),
        Undecided("data", "it decides when it is read", ("lora.py",)),
    ),
)
