"""A recommendation as a file of a framework, each setting with its reason."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lora_lint.recommend.choices import NotKnown
from lora_lint.rules.capacity import STATE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lora_lint.recommend.choices import Choice, Recommendation

_ON_PURPOSE = "lora-lint: ignore[LL102] alpha stays the same at every rank on purpose"


def written(found: Recommendation, framework: str) -> str:
    """The text of a config (or, for "peft", a script). Raises NotKnown where the framework cannot do it."""
    return "".join(f"{line}\n" for line in (*_size(found), *FRAMEWORKS[framework](found)))


def _size(found: Recommendation) -> Iterable[str]:
    if found.parameters is None:
        yield f"# {found.model} ({found.model_type}); not all of its sizes are known, so parameters are not counted"
        return
    share = f" of {found.total:,} ({found.parameters / found.total:.3%})" if found.total else ""
    memory = found.parameters * STATE
    amount = f"{memory / 1e9:.2f} GB" if memory >= 1e9 else f"{memory / 1e6:.0f} MB"
    yield f"# {found.model} ({found.model_type}): {found.parameters:,} parameters are trained{share},"
    yield f"# {amount} for weights, gradients and Adam's moments in fp32, beside the model itself"


def _purpose(found: Recommendation) -> str:
    """The comment that keeps the advice on rsLoRA away where alpha is fixed on purpose."""
    return f"  # {_ON_PURPOSE}" if _fixed(found) else ""


def _fixed(found: Recommendation) -> bool:
    return not found.rslora and found.rank.value >= 16


def _peft(found: Recommendation) -> Iterable[str]:
    targets = found.targets.value
    shown = list(targets) if isinstance(targets, tuple) else targets
    literal = f'r"{shown}"' if isinstance(shown, str) and "\\" in shown else json.dumps(shown)
    yield "from peft import LoraConfig, get_peft_model"
    yield f"from transformers import {found.loader}"
    yield ""
    yield f"model = {found.loader}.from_pretrained({json.dumps(found.model)})"
    yield "config = LoraConfig("
    for key, value, choice in (
        ("r", f"{found.rank.value}", found.rank),
        ("lora_alpha", f"{found.alpha.value}", found.alpha),
        ("target_modules", literal, found.targets),
    ):
        yield f"    # {choice.why}"
        yield f"    {key}={value},{_purpose(found) if key == 'r' else ''}"
    if found.experts is not None:
        yield f"    # {found.experts.why}"
        yield f"    target_parameters={json.dumps(found.experts.value)},"
    if found.rslora:
        yield "    use_rslora=True,"
    if found.task_type is not None:
        yield f'    task_type="{found.task_type}",'
    yield ")"
    yield "model = get_peft_model(model, config)"
    yield f"# learning_rate={found.learning_rate.value}: {found.learning_rate.why}"
    yield f"# num_train_epochs={found.epochs.value}: {found.epochs.why}"


def _yaml(key: str, value: object, choice: Choice[object] | None = None, comment: str = "") -> Iterable[str]:
    if choice is not None:
        yield f"# {choice.why}"
    if isinstance(value, tuple):
        yield f"{key}:"
        yield from (f"  - {_scalar(item)}" for item in value)
        return
    yield f"{key}: {_scalar(value)}{comment}"


def _scalar(value: object) -> str:
    if isinstance(value, str) and any(letter in value for letter in "\\*'\"#:"):
        return "'" + value.replace("'", "''") + "'"
    return value if isinstance(value, str) else json.dumps(value)


def _axolotl(found: Recommendation) -> Iterable[str]:
    yield from _yaml("base_model", found.model)
    yield from _yaml("adapter", "lora")
    yield from _yaml("lora_r", found.rank.value, found.rank, _purpose(found))
    yield from _yaml("lora_alpha", found.alpha.value, found.alpha)
    yield from _yaml("lora_dropout", 0.0)
    if found.rslora:
        yield from _yaml("peft_use_rslora", True)
    if found.targets.value == "all-linear":
        yield from _yaml("lora_target_linear", True, found.targets)
    else:
        yield from _yaml("lora_target_modules", found.targets.value, found.targets)
    if found.experts is not None:
        yield from _yaml("lora_target_parameters", found.experts.value, found.experts)
    yield from _yaml("learning_rate", found.learning_rate.value, found.learning_rate)
    yield from _yaml("num_epochs", found.epochs.value, found.epochs)


def _llamafactory(found: Recommendation) -> Iterable[str]:
    targets = found.targets.value
    if isinstance(targets, str) and targets != "all-linear":
        raise NotKnown("LLaMA-Factory takes no regex; it leaves the vision tower out by itself: give it the names")
    if found.experts is not None:
        raise NotKnown(f"LLaMA-Factory has no setting for the experts of {found.model}, which are parameters")
    yield from _yaml("model_name_or_path", found.model)
    yield from _yaml("stage", "sft")
    yield from _yaml("do_train", True)
    yield from _yaml("finetuning_type", "lora")
    yield from _yaml("lora_rank", found.rank.value, found.rank, _purpose(found))
    yield from _yaml("lora_alpha", found.alpha.value, found.alpha)
    if found.rslora:
        yield from _yaml("use_rslora", True)
    names = ",".join(targets) if isinstance(targets, tuple) else "all"
    yield from _yaml("lora_target", names, found.targets)
    yield from _yaml("learning_rate", found.learning_rate.value, found.learning_rate)
    yield from _yaml("num_train_epochs", float(found.epochs.value), found.epochs)


def _trl(found: Recommendation) -> Iterable[str]:
    yield from _yaml("model_name_or_path", found.model)
    yield from _yaml("use_peft", True)
    yield from _yaml("lora_r", found.rank.value, found.rank, _purpose(found))
    yield from _yaml("lora_alpha", found.alpha.value, found.alpha)
    if found.rslora:
        yield from _yaml("use_rslora", True)
    targets = found.targets.value
    if isinstance(targets, tuple) and len(targets) == 1:  # TRL makes a text of it, which PEFT takes for a regex
        targets = rf".*\.{targets[0]}"
    yield from _yaml("lora_target_modules", (targets,) if isinstance(targets, str) else targets, found.targets)
    if found.experts is not None:
        yield from _yaml("lora_target_parameters", found.experts.value, found.experts)
    yield from _yaml("lora_dropout", 0.0)
    yield from _yaml("learning_rate", found.learning_rate.value, found.learning_rate)
    yield from _yaml("num_train_epochs", found.epochs.value, found.epochs)


def _torchtune(found: Recommendation) -> Iterable[str]:
    from lora_lint.frameworks.torchtune import builder_of

    builder = builder_of(found.model)
    if builder is None:
        raise NotKnown(f"torchtune has no builder for {found.model}")
    names = found.targets.value if isinstance(found.targets.value, tuple) else ()
    attention = [
        name.replace("o_proj", "output_proj") for name in names if name in ("q_proj", "k_proj", "v_proj", "o_proj")
    ]
    yield "model:"
    yield f"  _component_: {builder}"
    yield f"  # {found.targets.why}"
    yield f"  lora_attn_modules: [{', '.join(attention)}]"
    yield f"  apply_lora_to_mlp: {json.dumps('down_proj' in names)}"
    yield f"  # {found.rank.why}"
    yield f"  lora_rank: {found.rank.value}"
    yield f"  # {found.alpha.why}"
    yield f"  lora_alpha: {found.alpha.value}"
    yield "optimizer:"
    yield "  _component_: torch.optim.AdamW"
    yield f"  # {found.learning_rate.why}"
    yield f"  lr: {found.learning_rate.value}"
    yield from _yaml("epochs", found.epochs.value, found.epochs)


FRAMEWORKS: dict[str, Callable[[Recommendation], Iterable[str]]] = {
    "peft": _peft,
    "axolotl": _axolotl,
    "llamafactory": _llamafactory,
    "trl": _trl,
    "torchtune": _torchtune,
}
