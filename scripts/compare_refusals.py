"""Gives the same generated settings to PEFT's own configs and to lora-lint, and lists where they disagree.

    python scripts/compare_refusals.py [COUNT]

What PEFT refuses has to be reported as LL902 or LL904, and what it takes must not be. COUNT (5000) is the number of
settings, the same in every run; the exit status is 1 if there is a disagreement.
"""

from __future__ import annotations

import random
import sys
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from lora_lint.discovery import Found  # noqa: E402
from lora_lint.lint.checker import Checker  # noqa: E402
from lora_lint.settings import Settings  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lora_lint.finding import Finding

_TARGETS = ("['q_proj', 'v_proj']", "'.*q_proj'", "'all-linear'", "None", "['q_proj', 'down_proj']")
_LAYERS: Mapping[str, tuple[str, ...]] = {
    "target_modules": _TARGETS,
    "layers_to_transform": ("None", "[0, 1]", "3", "[]"),
    "layers_pattern": ("None", "'layers'", "['layers']", "[]", "''"),
}
KINDS: dict[str, Mapping[str, tuple[str, ...]]] = {
    "LoraConfig": {
        **_LAYERS,
        "r": ("8", "16", "7"),
        "lora_alpha": ("16", "0.5"),
        "use_dora": ("True", "False"),
        "use_rslora": ("True", "False"),
        "megatron_config": ("None", "{}", "{'tensor_model_parallel_size': 2}"),
        "init_lora_weights": ("True", "False", "'gaussian'", "'loftq'", "'eva'", "'corda'", "'pissa'", "'olora'"),
        "loftq_config": ("None", "{}", "{'loftq_bits': 4}", "LoftQConfig(loftq_bits=4)"),
        "eva_config": ("None", "EvaConfig(rho=2.0)"),
        "corda_config": ("None", "CordaConfig()"),
        "lora_bias": ("True", "False"),
        "bias": ("'none'", "'all'"),
        "target_parameters": ("None", "['mlp.experts.gate_up_proj']", "'mlp.experts.gate_up_proj'"),
        "task_type": ("None", "'CAUSAL_LM'", "'SEQ_CLS'", "TaskType.CAUSAL_LM"),
        "rank_pattern": ("{}", "{'q_proj': 4}"),
    },
    "AdaLoraConfig": {
        **_LAYERS,
        "r": ("8", "16"),
        "init_r": ("12", "16"),
        "total_step": ("None", "1000", "100", "0", "-5"),
        "tinit": ("0", "50", "100", "900"),
        "tfinal": ("0", "50", "100"),
        "use_dora": ("True", "False"),
        "loftq_config": ("None", "{}", "{'loftq_bits': 4}"),
    },
    "IA3Config": {
        "target_modules": _TARGETS,
        "feedforward_modules": ("None", "['down_proj']", "['q_proj']", "'.*down_proj'", "[]"),
        "task_type": ("None", "'CAUSAL_LM'"),
    },
    "LoHaConfig": {**_LAYERS, "r": ("8", "4")},
    "LoKrConfig": {**_LAYERS, "r": ("8", "4")},
    "VeraConfig": {**_LAYERS, "r": ("256", "4")},
}
"""Config classes: keywords, and what they are given. Each value is fine by itself in some combination."""
_IMPORTS = (
    f"from peft import {', '.join(KINDS)}, EvaConfig, LoftQConfig, TaskType\n"
    "from peft.tuners.lora.config import CordaConfig\n"
)


def generated(random_: random.Random) -> str:
    """A call of one of the classes."""
    kind = random_.choice(list(KINDS))
    pool = KINDS[kind]
    keywords = random_.sample(list(pool), random_.randint(1, min(6, len(pool))))
    if kind == "AdaLoraConfig" and "total_step" not in keywords:
        keywords.append("total_step")  # nearly all is refused without it
    return f"{kind}({', '.join(f'{keyword}={random_.choice(pool[keyword])}' for keyword in keywords)})"


def refused_by_peft(call: str) -> str | None:
    """What PEFT says when it refuses a call; None if it takes it."""
    import peft
    from peft.tuners.lora.config import CordaConfig

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            eval(call, {**vars(peft), "CordaConfig": CordaConfig})
    except (ValueError, TypeError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def found(call: str, checker: Checker | None = None) -> list[Finding]:
    """What lora-lint says of a call before a model is loaded, as far as it is an error."""
    kind: Any = "python"
    program = Found("train.py", kind, f"{_IMPORTS}config = {call}\n".encode(), True)
    result = (checker or Checker(Settings())).check(program)
    errors = [each for each in result.findings if each.code in ("LL902", "LL904") and each.confidence == "certain"]
    return [each for each in errors if "once the model is loaded" not in each.message]


def disagreement(call: str, checker: Checker | None = None) -> str | None:
    """Where PEFT and lora-lint disagree on a call; None if they do not."""
    refused, findings = refused_by_peft(call), found(call, checker)
    if refused and not findings:
        return f"{call}: PEFT refuses it ({refused}), and lora-lint says nothing"
    if findings and not refused:
        return f"{call}: PEFT takes it, and lora-lint says {findings[0].code}: {findings[0].message}"
    return None


def main(arguments: list[str]) -> int:
    count = int(arguments[0]) if arguments else 5000
    random_, checker = random.Random(0), Checker(Settings())
    calls = [generated(random_) for _ in range(count)]
    refused = Counter(call.partition("(")[0] for call in calls if refused_by_peft(call))
    told = [each for call in calls if (each := disagreement(call, checker)) is not None]
    made = Counter(call.partition("(")[0] for call in calls)
    for kind in KINDS:
        print(f"{kind}: {made[kind]} settings, {refused[kind]} refused")
    print("\n".join([*told, f"{count} settings, {len(told)} disagreements"]))
    return int(bool(told))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
