"""What holds of every fix, whichever rule makes it: it keeps its word.

The texts are every example of the rules' pages, the sample files, and a grid of ranks, alphas, rsLoRA, patterns and
frameworks. What a fixed text says is read here from the text itself, with `ast` and `yaml`.
"""

from __future__ import annotations

import ast
import json
import math
import re
from collections import Counter
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from lora_lint import catalogue, discovery
from lora_lint.fixes.session import fixable, fixed_text
from lora_lint.knowledge import schemas
from lora_lint.linting import engine
from lora_lint.records import replace
from lora_lint.settings import Settings
from tests.support import pages
from tests.support.kinds import kind_of

if TYPE_CHECKING:
    from lora_lint.finding import Finding
    from lora_lint.fixes.session import Fixed

NAMED = Settings(extend_select=tuple(catalogue.rules()))
ROOT = Path(__file__).parents[2]
SAMPLES = sorted(
    path
    for folder in ("examples", "tests/support/configs")
    for path in (ROOT / folder).rglob("*")
    if path.is_file() and path.suffix in discovery.KINDS
)


@lru_cache(maxsize=64)
def findings(data: bytes, name: str) -> tuple[Finding, ...]:
    return engine.lint_text(data, name, NAMED, kind=kind_of(name)).findings


def fixed(data: bytes, name: str, settings: Settings = NAMED) -> Fixed:
    return fixed_text(data, name, kind_of(name), settings, unsafe=True)


def parse(data: bytes, name: str) -> None:
    kind = kind_of(name)
    if kind == "python":
        ast.parse(data)
    elif kind in ("json", "notebook"):
        json.loads(data)
    elif kind == "yaml":
        list(yaml.compose_all(data))


def keeps_its_word(data: bytes, name: str) -> Fixed:
    """What holds of a text and all its fixes together."""
    before, once = findings(data, name), fixed(data, name)
    if once.after == data:
        assert once.findings == 0
        return once
    parse(once.after, name)
    after = findings(once.after, name)
    announced = tuple(code for each in (*before, *after) if each.fix is not None for code in each.fix.announces)
    new = Counter(each.code for each in after) - Counter(each.code for each in before)
    assert [code for code in new if not code.startswith(announced)] == [], once
    can = [each for each in after if fixable(each, True, NAMED.named()) and kind_of(name) != "shell"]
    told = {line.partition(" ")[0] for line in once.left}
    assert Counter(each.code for each in can) - Counter(each.code for each in before) == Counter() or told, once
    assert fixed(once.after, name).after == once.after
    return once


@pytest.mark.slow
@pytest.mark.parametrize("example", pages.all_examples(), ids=str)
def test_examples_of_the_pages(example: pages.Example) -> None:
    keeps_its_word(example.text.encode(), example.name)


@pytest.mark.slow
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_sample_files(path: Path) -> None:
    keeps_its_word(path.read_bytes(), path.name)


# a grid of settings

RANKS = (1, 4, 8, 16, 32, 64, 128, 256)
ALPHAS = (1, 4, 8, 16, 32, 64, 128, 512)
SPELLINGS = {
    "peft": ("r", "lora_alpha", "use_rslora"),
    "axolotl": ("lora_r", "lora_alpha", "peft_use_rslora"),
    "llamafactory": ("lora_rank", "lora_alpha", "use_rslora"),
}
PROGRAM = """\
# lora-lint: dataset-size={size}
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer

model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")
config = LoraConfig(
    r={rank},  # the rank
    lora_alpha={alpha},
    use_rslora={rslora},{patterns}
    target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
)
model = get_peft_model(model, config)
Trainer(model=model, train_dataset=data).train()
"""
PATTERNS = "\n    rank_pattern={{'down_proj': {own}}},\n    alpha_pattern={{'down_proj': {own}}},"
CONFIGS = {
    "axolotl": (
        "# lora-lint: dataset-size={size}\nbase_model: NousResearch/Llama-2-7b-hf\nadapter: lora\nlora_r: {rank}\n"
        "lora_alpha: {alpha}  # as ever\npeft_use_rslora: {rslora}\nlora_target_linear: true\n"
        "datasets:\n  - path: x\n    type: alpaca\nlearning_rate: 0.0002\n"
    ),
    "llamafactory": (
        "# lora-lint: dataset-size={size}\nmodel_name_or_path: meta-llama/Llama-2-7b-hf\nstage: sft\ndo_train: true\n"
        "finetuning_type: lora\nlora_rank: {rank}\nlora_alpha: {alpha}  # as ever\nuse_rslora: {rslora}\n"
        "lora_target: all\ndataset: x\nlearning_rate: 0.0002\n"
    ),
}
GRID = [
    (framework, rank, alpha, rslora, own)
    for framework, own in (("peft", 0), ("peft", 32), ("axolotl", 0), ("llamafactory", 0))
    for rank, alpha, rslora in product(RANKS, ALPHAS, (False, True))
]


def written(framework: str, rank: int, alpha: int, rslora: bool, own: int) -> tuple[str, str]:
    size = 900 if (rank + alpha) % 3 else 90_000
    if framework == "peft":
        patterns = PATTERNS.format(own=own) if own else ""
        return PROGRAM.format(size=size, rank=rank, alpha=alpha, rslora=rslora, patterns=patterns), "train.py"
    return CONFIGS[framework].format(size=size, rank=rank, alpha=alpha, rslora=str(rslora).lower()), "config.yaml"


def settings_in(text: str, name: str) -> dict[str, Any]:
    """The settings that a text has, as Python or YAML reads them."""
    if name.endswith(".yaml"):
        return dict(yaml.safe_load(text))
    (call,) = (
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "LoraConfig"
    )
    return {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}


def scales(settings: dict[str, Any], framework: str) -> list[float]:
    """The factor of the adapter's output: of all layers, and of those that a pattern names."""
    rank, alpha, rslora = SPELLINGS[framework]
    ranks, alphas = settings.get("rank_pattern", {}), settings.get("alpha_pattern", {})
    pairs = [(settings[rank], settings[alpha])] + [
        (ranks.get(name, settings[rank]), alphas.get(name, settings[alpha])) for name in ("down_proj",)
    ]
    root = math.sqrt if settings.get(rslora) else float
    return [a / root(r) for r, a in pairs]


def known_keys(framework: str) -> frozenset[str]:
    if framework == "peft":
        from lora_lint.knowledge.signatures import keywords

        return keywords("LoraConfig")
    return schemas.keys(framework)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("framework", "own"), [("peft", 0), ("peft", 32), ("axolotl", 0), ("llamafactory", 0)], ids=str
)
@pytest.mark.parametrize("rank", RANKS)
def test_every_fix_of_the_grid(framework: str, own: int, rank: int) -> None:
    for setting in GRID:
        if (setting[0], setting[1], setting[4]) == (framework, rank, own):
            text, name = written(*setting)
            keeps_its_word(text.encode(), name)
            for finding in findings(text.encode(), name):
                one_by_one(finding, text, name, framework)


def one_by_one(finding: Finding, text: str, name: str, framework: str) -> None:
    """What holds of a finding that is fixed alone."""
    if finding.fix is None or not finding.fix.changes:
        return
    alone = replace(NAMED, select=(finding.code,), extend_select=())
    once = fixed(text.encode(), name, alone)
    assert (once.findings == 0) is bool(once.left), (finding, once)
    if not once.findings:
        assert once.after == text.encode()
        return
    assert finding.code not in {each.code for each in findings(once.after, name)}
    old, new = settings_in(text, name), settings_in(once.after.decode(), name)
    assert new.keys() <= old.keys() | known_keys(framework)
    promised = re.findall(r"(?:Set|and) (\w+) to ([\d.]+)", finding.fix.message)
    for key, number in promised:
        assert new[key] == float(number), (finding.fix.message, new)
    if not re.match(r"Set \w*alpha to|Give these layers", finding.fix.message):
        for was, now in zip(scales(old, framework), scales(new, framework), strict=True):
            assert math.isclose(was, now, rel_tol=2e-3), (finding.fix.message, old, new)


def test_the_grid_is_large_enough() -> None:
    assert len({written(*setting) for setting in GRID}) >= 500
