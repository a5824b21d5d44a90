"""Whose file a config is: each realistic file is taken by its own dialect and by no other, and is not passed over."""

from __future__ import annotations

import json
import random
import re
import textwrap
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

import lora_lint
from lora_lint import marks, prefilter
from lora_lint.frameworks import registry
from lora_lint.frameworks.configs import documents as documents_of
from lora_lint.linting import engine
from lora_lint.run.problems import UnknownKey
from lora_lint.run.values import Unknown
from lora_lint.settings import Settings
from lora_lint.source import SourceFile
from lora_lint.system import toml
from tests.frameworks import test_configs
from tests.support.kinds import kind_of
from tests.support.reading import CONFIGS, config, only, plain
from tests.support.toml import dumped

NAMES = tuple(name for name, _, _ in marks.CONFIGS)
LAST_RESORT = "lora_block"
"""It reads what no other dialect has recognised, so it may recognise what others do."""
WITHOUT_RUNS = {"accelerate"}
"""Its files launch a program, which has the run."""
INLINE = {
    "axolotl": ("a.yaml", test_configs.AXOLOTL),
    "llamafactory": ("a.yaml", test_configs.FACTORY),
    "torchtune": ("a.yaml", test_configs.TUNE),
    "trl": ("a.yaml", test_configs.TRL),
    "peft_adapter": ("adapter_config.json", test_configs.ADAPTER),
    "wandb": ("a.yaml", test_configs.SWEEP),
}
FILES = [
    *((dialect, name, text) for dialect, (name, text) in INLINE.items()),
    *(
        (path.relative_to(CONFIGS).parts[0], path.relative_to(CONFIGS).as_posix(), path.read_text(encoding="utf-8"))
        for path in sorted(CONFIGS.rglob("*.*"))
    ),
]
IDS = [f"{dialect}-{Path(name).name}" for dialect, name, _ in FILES]


def test_every_dialect_has_a_realistic_file() -> None:
    assert {dialect for dialect, _, _ in FILES} == set(NAMES)


@pytest.mark.parametrize(("dialect", "name", "text"), FILES, ids=IDS)
def test_only_its_own_dialect_takes_a_file(dialect: str, name: str, text: str) -> None:
    documents = documents_of(SourceFile(name, kind_of(name), text.encode()))
    takers = {other for other in NAMES for document in documents if registry.reader(other).recognises(document)}
    assert takers - {LAST_RESORT} == {dialect} - {LAST_RESORT}
    assert dialect in takers


@pytest.mark.parametrize(("dialect", "name", "text"), FILES, ids=IDS)
def test_a_file_is_read_and_not_passed_over(dialect: str, name: str, text: str) -> None:
    assert prefilter.relevant(text.encode())
    assert {run.dialect for run in config(text, name)} == {dialect} - WITHOUT_RUNS


CONSEQUENCES = {
    "autotrain": "is ignored",
    "axolotl": "is ignored",
    "firefly": "stops Firefly with a ValueError",
    "h2o_llmstudio": "is ignored with a warning",
    "litgpt": "stops litgpt with an error",
    "llamafactory": "stops LLaMA-Factory with a ValueError",
    "llamafactory_v1": "is ignored",
    "lora_block": "raises TypeError there",
    "ludwig": "is ignored with a warning",
    "mistral_finetune": "stops mistral-finetune with an error",
    "mlx_lm": "is ignored",
    "moe_peft": "is ignored",
    "ms_swift": "stops ms-swift with a ValueError",
    "open_instruct": "stops open-instruct with a ValueError",
    "torchtune": "stops the recipe with a TypeError",
    "trl": "stops TRL with a ValueError",
    "unsloth_studio": "stops Unsloth with an error",
    "verl": "stops verl with an error",
}
"""What becomes of a misspelt key, as each framework's own source has it."""


@pytest.mark.parametrize(("dialect", "consequence"), CONSEQUENCES.items())
def test_the_consequence_of_a_misspelt_key(dialect: str, consequence: str) -> None:
    keys = import_module(f"lora_lint.frameworks.{dialect}").FRAMEWORK.keys
    found = []
    for _, name, text in (file for file in FILES if file[0] == dialect):
        for field in ("rank", "alpha", "dropout", "target_modules"):
            if field not in keys:
                continue
            key = keys[field].rpartition(".")[2]
            misspelt = re.sub(rf"(?m)^(\W*){re.escape(key)}([\"']?\s*:)", rf"\1{key}z\2", text, count=1)
            problems = (problem for run in config(misspelt, name).runs for problem in run.problems)
            found += [
                problem for problem in problems if isinstance(problem, UnknownKey) and problem.key.endswith(f"{key}z")
            ]
    assert found
    assert {problem.consequence for problem in found} == {consequence}


VALUES: list[Any] = [
    *(None, True, 0, -1, 1.5, 10**30, float("nan"), "", "x", "a,b", "1e400", "${x}", "lora", "all-linear"),
    *([], [1], ["a", "1.0"], [["a"]], [None], [{"a": 1}], {}, {"a": 1}, {"r": {"x": 1}}),
]


def damaged(node: Any, chance: random.Random) -> Any:
    """A document with a few parts replaced, removed or added."""
    if chance.random() < 0.06:
        return chance.choice(VALUES)
    if isinstance(node, dict):
        kept = {key: damaged(value, chance) for key, value in node.items() if chance.random() > 0.03}
        return kept | ({chance.choice(["r", "lora", "data", "model.x.y", 5]): 1} if chance.random() < 0.1 else {})
    return [damaged(item, chance) for item in node] if isinstance(node, list) else node


@pytest.mark.parametrize(("name", "text"), [file[1:] for file in FILES], ids=IDS)
def test_no_damage_makes_a_dialect_fail(name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LORA_LINT_DEBUG", "1")  # lets every exception through
    suffix = name.rpartition(".")[2]
    document = toml.loads(text.encode()) if suffix == "toml" else yaml.safe_load(textwrap.dedent(text))
    dump = {"json": json.dumps, "toml": dumped}.get(suffix, yaml.safe_dump)
    for seed in range(20):
        changed = damaged(document, random.Random(seed))
        engine.lint_text(dump(changed).encode(), name, Settings())


AXOLOTL = "base_model: gpt2\nload_in_4bit: true\nlora_r: 8\ndatasets: []\nsequence_len: 512\n"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("", {"LL904"}),
        ("plots_dir: a\nhf_repo: b\nmax_tokens_seen: 3\n", {"LL904"}),
        ("plots_dir: a\nhf_repo: b\nmax_tokens_seen: 3\ngrad_steps: 4\npacked: true\n", set()),
        ("_own: a\n_another: b\n.anchor: c\n_x: 1\n_y: 2\n_z: 3\n", {"LL904"}),
    ],
    ids=["its own", "a few keys of the user", "another program's", "marked as the user's"],
)
def test_a_program_that_borrows_keys_is_not_the_framework(more: str, told: set[str]) -> None:
    report = lora_lint.lint_text(AXOLOTL + more, "train.yaml")
    assert {each.code for each in report.findings} == told


def test_a_file_with_another_programs_keys_beside_lora_parameters() -> None:
    """The section is called as mlx-lm calls it, but no other key is one of mlx-lm's."""
    own = "model: gpt2\nlora_parameters:\n  keys: [q_proj]\n  rank: 8\n  alpha: 16\n"
    assert lora_lint.lint_text(own, "lora.yaml").findings
    others = "language: fa\nspeakers: 2\nbase: a\nsteps_per_voice: 3\nvoices: b\n"
    assert not lora_lint.lint_text(own + others, "lora.yaml").findings


@pytest.mark.parametrize(
    ("options", "told"),
    [("", True), ("--csv_file=meals.csv", True), ("--csv_file=meals.csv --log_dir=logs", False)],
)
def test_a_changed_copy_of_an_example_is_not_the_example(options: str, told: bool) -> None:
    """Without `--dataset_name` the example itself stops."""
    text = f"python train_text_to_image_lora.py --pretrained_model_name_or_path=a/b --rank=8 {options}\n"
    assert bool(lora_lint.lint_text(text, "train.sh").findings) is told


OTHERS = "".join(
    f"{key}: 1\n" for key in ("train_tasks", "lora_nums", "generation_beams", "eval_delay", "prompt_weight")
)


@pytest.mark.parametrize(("more", "known"), [("", 64), (f"lora_r: 4\n{OTHERS}", None), (f"lora_rank: 4\n{OTHERS}", 4)])
def test_the_file_of_another_program_has_no_defaults_of_a_framework(more: str, known: int | None) -> None:
    """It may ask for the rank by another key than the framework, so that the framework's default says nothing."""
    adapter = only(config(f"model_name_or_path: gpt2\nuse_lora: true\nlora_alpha: 32\n{more}")).adapter
    assert plain(adapter.rank) == (Unknown if known is None else known)
    assert plain(adapter.alpha) == 32
    assert (plain(adapter.target_modules) is Unknown) is (more != "")
