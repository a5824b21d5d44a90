"""A recommendation as a framework's file, each setting with its reason."""

from __future__ import annotations

import json
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from lora_lint.frameworks import registry
from lora_lint.recommend.choices import Choice, NotKnown
from lora_lint.records import replace
from lora_lint.rules.capacity import STATE
from lora_lint.rules.reached import ALL_LINEAR
from lora_lint.rules.words import size_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lora_lint.recommend.choices import Recommendation
    from lora_lint.run.framework import Framework

_WIDTH = 100
"""The columns of a comment."""
_ON_PURPOSE = "lora-lint: ignore[LL102] alpha stays the same at every rank on purpose"


def text_of(found: Recommendation, framework: Framework) -> str:
    """The text of a config, or of a script for frameworks that are programs. Raises NotKnown where the framework cannot
    express it."""
    purpose = _purpose(found) if framework.can("use_rslora") else ""
    spelt = {} if framework.direct else _spelt(_settings(found), framework, tuple(found.others))
    lines = _script(found) if framework.direct else _yaml(spelt, found.rank, purpose)
    return "".join(f"{line}\n" for line in (*_size(found), *lines))


def _size(found: Recommendation) -> Iterable[str]:
    if found.parameters is None:
        yield f"# {found.model} ({found.model_type}); not all of its sizes are known, so parameters are not counted"
        return
    share = f" of {found.total:,} ({found.parameters / found.total:.3%})" if found.total else ""
    amount = size_text(found.parameters * STATE)
    yield f"# {found.model} ({found.model_type}): {found.parameters:,} parameters are trained{share},"
    yield f"# {amount} for weights, gradients and Adam's moments in fp32, in addition to the model itself"


def _purpose(found: Recommendation) -> str:
    """The comment that suppresses the advice on rsLoRA where alpha is fixed on purpose."""
    return f"  # {_ON_PURPOSE}" if _fixed(found) else ""


def _fixed(found: Recommendation) -> bool:
    return not found.rslora and found.rank.value >= 16


def _script(found: Recommendation) -> Iterable[str]:
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
        yield from _comment(choice.why, "    ")
        yield f"    {key}={value},{_purpose(found) if key == 'r' else ''}"
    if found.experts is not None:
        yield from _comment(found.experts.why, "    ")
        yield f"    target_parameters={json.dumps(found.experts.value)},"
    if found.rslora:
        yield "    use_rslora=True,"
    for name, choice in found.others.items():
        yield from _comment(choice.why, "    ")
        yield f"    {name}={_literal(choice.value)},"
    if found.task_type is not None:
        yield f'    task_type="{found.task_type}",'
    yield ")"
    yield "model = get_peft_model(model, config)"
    yield from _comment(f"learning_rate={found.learning_rate.value}: {found.learning_rate.why}", "")
    yield from _comment(f"num_train_epochs={found.epochs.value}: {found.epochs.why}", "")


def _comment(text: str, indent: str) -> list[str]:
    """A text in comments."""
    start = f"{indent}# "
    return wrap(text, _WIDTH, initial_indent=start, subsequent_indent=start, break_on_hyphens=False)


def _literal(value: object) -> str:
    return repr(value) if isinstance(value, bool) else json.dumps(value)


def _settings(found: Recommendation) -> dict[str, Any]:
    """The settings by their names in a run, without those that already have that default."""
    given = {
        "model": found.model,
        "rank": found.rank,
        "alpha": found.alpha,
        "dropout": 0.0,
        "use_rslora": found.rslora or None,
        "target_modules": found.targets,
        "target_parameters": found.experts,
        "learning_rate": found.learning_rate,
        "epochs": found.epochs,
        **found.others,
    }
    return {name: value for name, value in given.items() if value is not None}


def _spelt(settings: dict[str, Any], framework: Framework, others: Sequence[str]) -> Mapping[str, Any]:
    """The settings with a framework's keys, in the order of its files; `others` are those that its recommendations do
    not usually give. Raises NotKnown."""
    own = registry.own(framework.name, "spelt")
    if own is not None:
        special: Mapping[str, Any] | None = own(settings)
        if special is None:
            raise NotKnown(f"{framework.title} has no builder for {settings['model']}")
        return special
    targets = settings["target_modules"].value
    if isinstance(targets, str) and targets != ALL_LINEAR and not (framework.regex_targets or framework.one_is_regex):
        spared = "it leaves the vision tower out by itself: give it the names"
        reached = f"the names alone reach other parts of {settings['model']} too"
        why = spared if "vision-tower" in framework.avoids else reached
        raise NotKnown(f"{framework.title} takes no regex; {why}")
    if "target_parameters" in settings and not framework.can("target_parameters"):
        experts = f"the experts of {settings['model']}, which are parameters"
        raise NotKnown(f"{framework.title} has no setting for {experts}")
    keys = {**framework.keys, **framework.other_keys}
    made: dict[str, Any] = {keys["model"]: settings["model"], **framework.says_lora}
    for name in framework.recommended:
        if name == "target_modules":
            made |= _targets(settings[name], framework)
        elif name in settings:
            made[keys[name]] = settings[name]
    for name in others:
        if not framework.can(name):
            raise NotKnown(f"{framework.title} has no setting for {name}")
        made[keys[name]] = settings[name]
    return made


def _targets(choice: Choice[Any], framework: Framework) -> Mapping[str, Choice[Any]]:
    """The key of the targets, and the form of its value."""
    key, value = framework.keys["target_modules"], choice.value
    if value == ALL_LINEAR:
        switch = framework.every_layer_switch
        return {switch: replace(choice, value=True)} if switch else {key: replace(choice, value=framework.every_layer)}
    if framework.one_is_regex and isinstance(value, tuple) and len(value) == 1:
        value = rf".*\.{value[0]}"
    if framework.one_is_regex and isinstance(value, str):
        value = (value,)
    if framework.commas and isinstance(value, tuple):
        value = ",".join(value)
    return {key: replace(choice, value=value)}


def _yaml(settings: Mapping[str, Any], rank: Choice[int], purpose: str, indent: str = "") -> Iterator[str]:
    """Settings as YAML, each choice with its reason above it, and the comment next to the rank."""
    for key, setting in settings.items():
        value, comment = setting, ""
        if isinstance(setting, Choice):
            yield from _comment(setting.why, indent)
            value = setting.value
            comment = purpose if setting is rank else ""
        if isinstance(value, dict):
            yield f"{indent}{key}:"
            yield from _yaml(value, rank, purpose, indent + "  ")
        elif isinstance(value, tuple):
            yield f"{indent}{key}:"
            yield from (f"{indent}  - {_scalar(item)}" for item in value)
        else:
            yield f"{indent}{key}: {_scalar(value)}{comment}"


def _scalar(value: object) -> str:
    if isinstance(value, str) and any(letter in value for letter in "\\*'\"#:"):
        return "'" + value.replace("'", "''") + "'"
    return value if isinstance(value, str) else json.dumps(value)
