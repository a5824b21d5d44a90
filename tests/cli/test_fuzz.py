"""Random Python, YAML, JSON and notebooks: whatever comes, no exception, no endless work, and nothing hidden."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lora_lint import discovery
from lora_lint.finding import LEVELS
from lora_lint.linting import engine
from lora_lint.linting.reading import read_file
from lora_lint.project import Project
from lora_lint.settings import Settings
from tests.support import pages
from tests.support.typed import mistyped

if TYPE_CHECKING:
    from lora_lint.source import FileKind

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
ALL = Settings(confidence="possible")
KINDS: dict[str, FileKind] = {
    ".py": "python",
    ".ipynb": "notebook",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".json": "json",
    ".toml": "toml",
}  # fmt: skip


def check(data: bytes, name: str) -> None:
    """What holds of every text."""
    outcome = engine.lint_text(data, name, ALL, kind=KINDS[Path(name).suffix])
    assert not outcome.failed, [finding.message for finding in outcome.findings]
    assert sum(finding.code == "LL900" for finding in outcome.findings) <= 1
    for finding in outcome.findings:
        assert finding.level in LEVELS
        assert finding.message
        assert 0 <= finding.span.start <= finding.span.end
    assert not [note for note in outcome.notes if "took" in note]
    if not any(finding.code == "LL900" for finding in outcome.findings):
        found = discovery.Found(name, KINDS[Path(name).suffix], data, True, None)
        reading = read_file(found, ALL, Project(".")).reading
        assert not [wrong for run in reading.runs for wrong in mistyped(run)]


# programs from the statements that training scripts are made of

NAMES = st.sampled_from(["model", "config", "args", "r", "alpha", "targets", "data", "trainer", "x", "cfg"])
ATOMS = st.one_of(
    NAMES,
    st.integers(-2, 2**70).map(str),
    st.floats(allow_nan=True).map(repr),
    st.sampled_from(
        ['"q_proj"', "'all-linear'", '"meta-llama/Llama-2-7b-hf"', "None", "True", "...", "f'{r}x{alpha!r:>{x}}'", "b''"]
    ),
)  # fmt: skip
CALLS = st.sampled_from(
    "LoraConfig get_peft_model PeftModel.from_pretrained AutoModelForCausalLM.from_pretrained load_dataset Trainer "
    "TrainingArguments prepare_model_for_kbit_training dict list zip enumerate range itertools.product open "
    "yaml.safe_load len min sum getattr argparse.ArgumentParser trainer.train model.merge_and_unload "
    "FastLanguageModel.get_peft_model partial copy.deepcopy targets.append targets.extend x.items x.get".split()
)
KEYWORDS = st.sampled_from(
    "r lora_alpha target_modules use_rslora lora_dropout bias task_type modules_to_save rank_pattern model args "
    "train_dataset peft_config is_trainable split quantization_config num_train_epochs learning_rate".split()
)


def expressions(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    many = st.lists(inner, max_size=4)
    return st.one_of(
        st.tuples(inner, st.sampled_from(["+", "*", "//", "/", "-", "%", "**", "<<", "and", "or", "==", "in", "if x else"]),
                  inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        many.map(lambda items: f"[{', '.join(items)}]"),
        many.map(lambda items: f"({', '.join(items)},)" if items else "()"),
        st.lists(st.tuples(inner, inner), max_size=3).map(lambda d: "{" + ", ".join(f"{k}: {v}" for k, v in d) + "}"),
        st.tuples(CALLS, many, st.dictionaries(KEYWORDS, inner, max_size=5)).map(
            lambda t: f"{t[0]}({', '.join([*t[1], *(f'{k}={v}' for k, v in t[2].items())])})"),
        st.tuples(inner, NAMES).map(lambda t: f"({t[0]}).{t[1]}"),
        st.tuples(inner, inner).map(lambda t: f"({t[0]})[{t[1]}]"),
        st.tuples(inner, NAMES, inner).map(lambda t: f"[{t[0]} for {t[1]} in {t[2]}]"),
        inner.map(lambda text: f"(lambda r: {text})"),
        inner.map(lambda text: f"LoraConfig(**{text})"),
        inner.map(lambda text: f"not {text}"),
    )  # fmt: skip


EXPRESSIONS = st.recursive(ATOMS, expressions, max_leaves=12)


def indented(body: list[str]) -> str:
    return "\n".join(f"    {line}" for text in body or ["pass"] for line in text.split("\n"))


def statements(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    body = st.lists(inner, max_size=4)
    return st.one_of(
        st.tuples(EXPRESSIONS, body, body).map(lambda t: f"if {t[0]}:\n{indented(t[1])}\nelse:\n{indented(t[2])}"),
        st.tuples(NAMES, EXPRESSIONS, body).map(lambda t: f"for {t[0]} in {t[1]}:\n{indented(t[2])}"),
        st.tuples(EXPRESSIONS, body).map(lambda t: f"while {t[0]}:\n{indented(t[1])}"),
        st.tuples(NAMES, EXPRESSIONS, body).map(lambda t: f"def {t[0]}(a, r={t[1]}, *b, **c):\n{indented(t[2])}"),
        st.tuples(NAMES, body).map(lambda t: f"class {t[0].title()}:\n{indented(t[1])}"),
        st.tuples(EXPRESSIONS, NAMES, body).map(lambda t: f"with {t[0]} as {t[1]}:\n{indented(t[2])}"),
        body.map(lambda b: f"try:\n{indented(b)}\nexcept Exception as e:\n    raise"),
    )


SIMPLE = st.one_of(
    st.tuples(NAMES, EXPRESSIONS).map(lambda t: f"{t[0]} = {t[1]}"),
    st.tuples(NAMES, NAMES, EXPRESSIONS).map(lambda t: f"{t[0]}.{t[1]} = {t[2]}"),
    st.tuples(NAMES, NAMES, EXPRESSIONS).map(lambda t: f"{t[0]}, *{t[1]} = {t[2]}"),
    st.tuples(NAMES, EXPRESSIONS).map(lambda t: f"{t[0]} += {t[1]}"),
    st.tuples(NAMES, EXPRESSIONS).map(lambda t: f"{t[0]}: int = {t[1]}"),
    EXPRESSIONS,
    st.sampled_from(["trainer.train()", "global r", "del x", "for p in model.parameters(): p.requires_grad = True"]),
)
PROGRAMS = st.lists(st.recursive(SIMPLE, statements, max_leaves=6), max_size=14).map("\n".join)
HEAD = """\
import argparse, copy, itertools, yaml
from functools import partial
from datasets import load_dataset
from peft import *
from peft import LoraConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
from unsloth import FastLanguageModel
"""


@settings(max_examples=150)
@given(PROGRAMS)
def test_programs(program: str) -> None:
    check(f"{HEAD}{program}\n".encode(), "train.py")


@settings(max_examples=40)
@example(["model = LoraConfig(bias=0)"], "")
@given(st.lists(PROGRAMS, max_size=4), st.sampled_from(["", "%%bash\n", "!pip install peft\n", "%time "]))
def test_notebooks(cells: list[str], magic: str) -> None:
    listed = [
        {"cell_type": "code", "metadata": {}, "outputs": [], "source": (magic + HEAD + cell).splitlines(keepends=True)}
        for cell in cells
    ]
    check(json.dumps({"cells": listed, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode(), "n.ipynb")


# configs from the keys of the dialects

KEYS = st.sampled_from(
    "adapter base_model lora_r lora_alpha lora_dropout lora_target_modules lora_target_linear finetuning_type lora_rank "
    "lora_target model_name_or_path use_peft peft_type r target_modules model _component_ optimizer parameters method "
    "values value min max name datasets path num_epochs learning_rate tuner_type train_mode lora rank_pattern << ".split()
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(
        ["lora", "LORA", "grid", "torchtune.models.llama2.lora_llama2_7b", "meta-llama/Llama-2-7b-hf", "${x}", "2e-4",
         "{{ y }}", "q_proj", "all", ".*(", "auto"]
    ),
)  # fmt: skip
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=8), max_leaves=20
)


@settings(max_examples=150)
@given(DOCUMENTS)
def test_json(document: object) -> None:
    check(json.dumps(document).encode(), "adapter_config.json")


@settings(max_examples=150)
@given(DOCUMENTS, st.booleans())
def test_yaml(document: object, flow: bool) -> None:
    import yaml

    check(yaml.safe_dump(document, default_flow_style=flow, allow_unicode=True).encode(), "config.yaml")


# what people wrote, damaged

WRITTEN = sorted(path for path in (ROOT / "examples").rglob("*") if path.suffix in KINDS)


@settings(max_examples=150)
@given(st.sampled_from(WRITTEN), st.data())
def test_damaged_files(path: Path, data: st.DataObject) -> None:
    text = path.read_bytes()
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    new = data.draw(
        st.binary(max_size=12) | st.sampled_from([b"(", b"{", b"'''", b"\n", b"\t", b"&a *a", b"\x00", b"\xff"])
    )
    check(text[:start] + new + text[end:], path.name)


# the prefilter


def both_ways(folder: Path) -> None:
    found = [
        {(f.code, f.span, f.message) for f in engine.lint([str(folder)], ALL, jobs=1, prefilter=prefilter).findings}
        for prefilter in (True, False)
    ]
    assert found[0] == found[1]


def test_the_prefilter_hides_nothing_of_what_we_know(tmp_path: Path) -> None:
    for number, shown in enumerate(pages.all_examples()):
        folder = tmp_path / f"{number:03d}"
        for name, text in (*shown.beside, (shown.name, shown.text)):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(pages.weights(text) if name.endswith(".safetensors") else text.encode())
    both_ways(tmp_path)
    both_ways(ROOT / "examples")


@settings(max_examples=60)
@given(shown=st.sampled_from([each for each in pages.all_examples() if not each.beside]), data=st.data())
def test_the_prefilter_hides_nothing_of_what_comes(
    shown: pages.Example, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Lines that are left out, and spaces and quotes that change, leave the file as telling as it is."""
    lines = shown.text.split("\n")
    kept = [line for line in lines if data.draw(st.integers(0, 9))]
    text = "\n".join(kept)
    if data.draw(st.booleans()):
        text = text.replace('"', "'")
    if data.draw(st.booleans()):
        text = text.replace("=", " = ").replace(":", " :")
    folder = tmp_path_factory.mktemp("prefilter")
    (folder / shown.name).parent.mkdir(parents=True, exist_ok=True)
    (folder / shown.name).write_text(text, encoding="utf-8")
    both_ways(folder)
