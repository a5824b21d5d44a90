"""LitGPT 0.5.13: what `litgpt finetune_lora` refuses."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_RECIPE = "finetune/lora.py"
_ROWS = (
    *(
        Refusal(
            f"train.{name}",
            f"train.{name} is not None",
            "the LoRA recipe does not support it",
            "Leave it out",
            f"{_RECIPE}:578",
            drop=True,
            cause="the LoRA recipe",
        )
        for name in ("max_tokens", "max_norm", "tie_embeddings", "lr_warmup_fraction")
    ),
    Refusal(
        "train.epochs",
        "train.epochs == 0 and not train.max_steps",
        "it needs epochs or steps",
        "Set `train.epochs` or `train.max_steps`",
        f"{_RECIPE}:578",
    ),
    Refusal(
        "train.lr_warmup_steps",
        "train.lr_warmup_steps == 0",
        "the schedule divides by it",
        "Set it to 1 for next to no warm-up",
        f"{_RECIPE}:496",
        late=True,
    ),
    Refusal(
        "precision",
        "starts(quantize, 'bnb.') and holds(precision, 'mixed')",
        "quantization is not compatible with mixed precision",
        "Set `precision: bf16-true`",
        f"{_RECIPE}:143",
        ("quantize",),
        sets=(("precision", "bf16-true"),),
    ),
    Refusal(
        "quantize",
        "starts(quantize, 'bnb.') and precision is None",
        "quantization is not compatible with mixed precision, which is the default",
        "Set `precision: bf16-true`",
        f"{_RECIPE}:143",
        ("precision",),
        likely=True,
        sets=(("precision", "bf16-true"),),
    ),
    Refusal(
        "quantize",
        "quantize is not None and is_whole(devices) and is_whole(num_nodes) and devices * num_nodes > 1",
        "quantization is not supported on several devices",
        "Set `devices: 1` and `num_nodes: 1`, or leave `quantize` out",
        f"{_RECIPE}:154",
        ("devices", "num_nodes"),
    ),
    Refusal(
        "optimizer",
        "starts(quantize, 'bnb.') and (is_text(optimizer) and not holds(optimizer, 'AdamW')"
        " or is_text(optimizer.class_path) and not holds(optimizer.class_path, 'AdamW'))",
        "a quantized model can only be trained with AdamW",
        "Take AdamW, or leave `quantize` out",
        "utils.py:623",
        ("quantize",),
        late=True,
    ),
    Refusal(
        "train.micro_batch_size",
        "is_whole(devices) and is_whole(num_nodes)"
        " and train.global_batch_size // (devices * num_nodes) // train.micro_batch_size < 1",
        "it is larger than a device's part of `train.global_batch_size`",
        "Lower it, or raise `train.global_batch_size`",
        "args.py:59",
        ("train.global_batch_size", "devices"),
    ),
    Refusal(
        "train.min_lr",
        "train.min_lr is not None and train.min_lr != 6e-05",
        "the LoRA recipe always lets the rate decay to 0",
        "Leave it out",
        f"{_RECIPE}:234",
        ignored=True,
    ),
)
TABLE = Table(
    "LitGPT",
    "0.5.13",
    {"": _ROWS},
    {
        "devices": 1,
        "num_nodes": 1,
        "train.epochs": 5,
        "train.global_batch_size": 16,
        "train.micro_batch_size": 1,
    },
    (
        Undecided(
            "checkpoints, files and data",
            "they are on the machine",
            ("utils.py", "data/", "tokenizer.py", "prompts.py", "api.py", "scripts/", "deploy/", "generate/", "eval/"),
        ),
        Undecided("shapes of the model", "its config is next to the weights", ("config.py", "model.py", "lora.py")),
        Undecided(
            "other recipes", "they have arguments of their own", ("finetune/", "pretrain.py", "adapter.py", "chat/")
        ),
    ),
)
