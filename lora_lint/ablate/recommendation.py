"""The recommended arm as a configuration in the framework's spelling, which the linter has nothing against."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lora_lint.frameworks import registry
from lora_lint.recommend import choices, spellings
from lora_lint.recommend.choices import Choice
from lora_lint.records import replace
from lora_lint.settings import Settings
from lora_lint.system.writing import write_report
from lora_lint.verify.weights import name_of

if TYPE_CHECKING:
    from lora_lint.ablate.results import ArmResult
    from lora_lint.ablate.study import Study
    from lora_lint.linting.outcome import Outcome

_REASON = "measured by lora-lint ablate on this model and data"


@dataclass(frozen=True)
class Written:
    """The configuration as text, and where it is; `objections` are what the linter still reports about it."""

    path: str
    text: str
    objections: tuple[str, ...] = ()


def recommendation_of(study: Study, chosen: ArmResult) -> str:
    """The configuration as text: in the spelling of the run's framework, or as PEFT's if none is written for it. Raises
    NotKnown."""
    framework = study.run.framework
    if not framework.recommended:
        framework = registry.framework("peft")
    recipe = chosen.recipe
    usual = choices.recommend(name_of(study.run), None, "chat", "step", framework.can("use_rslora"))
    why = f"{_why(chosen)} (measured)"
    same = "as in the study"
    others: dict[str, Choice[Any]] = {}
    if recipe.dora:
        others["use_dora"] = Choice(True, same)
    if "init_lora_weights" in recipe.settings():
        others["init_lora_weights"] = Choice(recipe.init, same)
    alpha: Any = recipe.settings()["lora_alpha"]
    found = replace(
        usual,
        rank=Choice(recipe.rank, why),
        alpha=Choice(alpha, _why_alpha(study)),
        rslora=recipe.rslora,
        targets=Choice(recipe.targets, f"{study.names.label(recipe.targets)}: {same}"),
        experts=None,
        learning_rate=Choice(recipe.rate, same),
        parameters=chosen.trainable,
        total=study.setup.host.parameters + chosen.trainable,
        others=others,
    )
    text = spellings.text_of(found, framework)
    if recipe.lora_plus is not None:
        text += f"# LoRA+: lora_B learns {recipe.lora_plus:g} times as fast, as in the study\n"
    return text


def write(study: Study, chosen: ArmResult) -> Written:
    """Writes the configuration into the folder of the study. Advice that the study has answered is suppressed with a
    comment that says so. Raises NotKnown and OSError."""
    text = recommendation_of(study, chosen)
    direct = study.run.framework.direct or not study.run.framework.recommended
    path = str(Path(study.request.output) / ("recommended.py" if direct else "recommended.yaml"))
    write_report(path, text)
    outcome = _linted(path)
    if outcome.findings:
        from lora_lint.fixes.remarks import remarked

        for file in remarked(outcome, _REASON, Settings()):
            write_report(path, file.after.decode("utf-8"))
        outcome = _linted(path)
    left = tuple(f"{each.code}: {each.message}" for each in outcome.findings)
    return Written(path, Path(path).read_text(encoding="utf-8"), left)


def _linted(path: str) -> Outcome:
    from lora_lint.linting import engine

    return engine.lint([path], Settings())


def _why(chosen: ArmResult) -> str:
    contrast = chosen.versus_baseline
    if chosen.baseline or contrast is None:
        return "no arm is better than the baseline beyond noise"
    return f"{-contrast.difference.mean:.3f} nats better than the baseline, {contrast.seeds} seeds"


def _why_alpha(study: Study) -> str:
    return {
        "step": "the first step is as large as the baseline's (measured)",
        "ratio": "alpha/r is the baseline's",
        "as-written": "as in the study",
    }[study.request.fair]
