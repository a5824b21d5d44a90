"""A training that runs gets the findings that the linter gives its program: same codes, levels and words."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import torch  # noqa: F401  (marks the module as one that needs it)

import lora_lint
from tests.guarding.models import BASES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

START = """\
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import {auto}, AutoTokenizer, Trainer, TrainingArguments

model = {auto}.from_pretrained("{base}")
"""
LOOP = """
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad] or model.parameters(), lr=2e-4)
"""
STEPS = """
for batch in loader:
    loss = model(**batch).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
"""
TRAINER = """
trainer = Trainer(model=model, args=TrainingArguments("out", report_to="none", {arguments}))
"""
TRAIN = """
trainer.train()
"""


class Case(NamedTuple):
    """A fault and its repair, between the loading of the model and its training. `words` False: the file shows how the
    fault came to be, and a run only that it is there, so the messages differ."""

    code: str
    bad: str
    good: str
    words: bool = True
    base: str = "llama"
    arguments: tuple[str, str] | None = None
    """Those of a Trainer, with the fault and without; None for a loop."""
    options: Mapping[str, Any] = MappingProxyType({})


def wrapped(settings: str = "", r: int = 8, alpha: int = 16, targets: str = '"all-linear"') -> str:
    return (
        f"model = get_peft_model(model, LoraConfig(r={r}, lora_alpha={alpha}, target_modules={targets}, {settings}))\n"
    )


RATE = "learning_rate=2e-4"
GOOD = wrapped()
TOKENS = """\
tokenizer = AutoTokenizer.from_pretrained("{base}")
tokenizer.add_tokens(["<tool>"])
model.resize_token_embeddings(len(tokenizer))
"""
LOADED_HALF = 'model = AutoModelForCausalLM.from_pretrained("{base}", dtype=torch.float16)\n'
HALF = "model = model.half()\n"
SECOND = 'model.add_adapter("new", LoraConfig(r=8, lora_alpha=16, target_modules="all-linear"))\n'
PISSA = 'model.add_adapter("new", LoraConfig(r=8, target_modules=["q_proj"], init_lora_weights="pissa"))\n'
OPTIMIZER = "optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4)\n"
LOAD = 'model = PeftModel.from_pretrained(model, "{adapter}"{more})\n'
CLASSES = wrapped('task_type="SEQ_CLS"', targets='["q_proj", "v_proj"]')
CASES = [
    Case("LL102", wrapped("", r=64, alpha=16), wrapped("use_rslora=True", r=64, alpha=16)),
    Case("LL103", wrapped("use_rslora=True", r=16, alpha=64), wrapped("use_rslora=True", r=16, alpha=16)),
    Case("LL104", wrapped("", alpha=128), GOOD),
    Case("LL105", wrapped("", alpha=0), GOOD),
    Case(
        "LL106",
        wrapped('rank_pattern={"q_proj": 32}'),
        wrapped('rank_pattern={"q_proj": 32}, alpha_pattern={"q_proj": 64}'),
    ),
    Case(
        "LL109",
        wrapped('rank_pattern={"query": 4}'),
        wrapped('rank_pattern={"q_proj": 4}, alpha_pattern={"q_proj": 8}'),
    ),
    Case("LL202", wrapped("", targets='["q_proj", "v_porj"]'), wrapped("", targets='["q_proj", "v_proj"]')),
    Case(
        "LL203", wrapped("", targets=r'["q_proj", ".*v_proj"]'), wrapped("", targets='".*(q_proj|v_proj)"'), words=False
    ),
    Case("LL204", wrapped("", targets='["q_proj", "all-linear"]'), GOOD),
    Case("LL209", wrapped("", targets='["q_proj", "lm_head"]'), wrapped("", targets='["q_proj"]')),
    Case("LL211", wrapped('modules_to_save=["embed"]'), wrapped('modules_to_save=["embed_tokens", "lm_head"]')),
    Case(
        "LL212",
        wrapped('modules_to_save=["o_proj"]', targets='["q_proj", "o_proj"]'),
        wrapped('modules_to_save=["o_proj"]', targets='["q_proj"]'),
    ),
    Case("LL302", wrapped("", r=128, alpha=256), GOOD),
    Case(
        "LL401",
        GOOD + 'for name, p in model.named_parameters():\n    if "norm" in name:\n        p.requires_grad = True\n',
        GOOD,
        words=False,
    ),
    Case("LL401", GOOD + "for p in model.parameters():\n    p.requires_grad = True\n", GOOD),
    Case("LL403", wrapped("inference_mode=True"), GOOD),
    Case(
        "LL407",
        TOKENS + GOOD,
        TOKENS + wrapped('modules_to_save=["embed_tokens", "lm_head"]'),
        words=False,
    ),
    Case("LL413", wrapped("init_lora_weights=False"), GOOD),
    Case("LL414", LOAD.replace("{more}", ", is_trainable=True") + GOOD, GOOD, words=False),
    Case(
        "LL415",
        GOOD + 'model.add_adapter("new", LoraConfig(r=8, lora_alpha=16, target_modules="all-linear"))\n',
        GOOD
        + 'model.add_adapter("new", LoraConfig(r=8, lora_alpha=16, target_modules="all-linear"))\nmodel.set_adapter("new")\n',
    ),
    Case("LL416", GOOD + "for p in model.parameters():\n    p.requires_grad = False\n", GOOD),
    Case("LL501", GOOD, GOOD, arguments=("learning_rate=2e-5", RATE)),
    Case("LL506", GOOD, GOOD, arguments=(f"{RATE}, max_steps=40, warmup_steps=50", f"{RATE}, max_steps=40")),
    Case("LL504", wrapped("use_dora=True"), GOOD),
    Case("LL603", wrapped(targets='["q_proj", "lm_head"]'), wrapped(targets='["q_proj"]'), base="tied"),
    Case(
        "LL418",
        wrapped('task_type="SEQ_2_SEQ_LM"', targets='["q_proj", "v_proj"]'),
        wrapped(targets='["q_proj", "v_proj"]'),
        base="whisper",
        words=False,
    ),
    Case("LL208", GOOD, wrapped(targets=r'".*language_model.*(q_proj|v_proj)"'), base="vision"),
    Case(
        "LL210",
        wrapped("layers_to_transform=[0, 7]", targets='["q_proj"]'),
        wrapped("layers_to_transform=[0, 1]", targets='["q_proj"]'),
    ),
    Case("LL213", wrapped(targets='["q_proj", "v_proj"]'), GOOD, options={"task": "domain"}, words=False),
    Case("LL301", wrapped(r=64, alpha=128), GOOD, arguments=(RATE, RATE), options={"dataset_size": 200}),
    Case(
        "LL304",
        wrapped(r=64, alpha=128),
        wrapped(r=1, alpha=2),
        words=False,
        options={"gpu_memory": 0.0015},
    ),
    Case("LL303", wrapped(r=4, alpha=8), wrapped(r=128, alpha=256), options={"task": "domain"}),
    Case("LL402", LOAD.replace("{more}", ""), LOAD.replace("{more}", ", is_trainable=True")),
    Case(
        "LL406",
        wrapped(targets='["q_proj", "v_proj"]'),
        CLASSES,
        base="classifier",
    ),
    Case("LL417", OPTIMIZER + GOOD, GOOD + OPTIMIZER),
    Case("LL502", GOOD, GOOD, arguments=("learning_rate=5e-2", RATE)),
    Case("LL605", "model = torch.compile(model)\n" + GOOD, GOOD + "model = torch.compile(model)\n"),
    Case(
        "LL606",
        wrapped(targets='["q_proj"]') + PISSA + 'model.set_adapter("new")\n',
        wrapped('init_lora_weights="pissa"'),
    ),
    Case("LL803", LOADED_HALF + wrapped('modules_to_save=["lm_head"]'), wrapped('modules_to_save=["lm_head"]')),
    Case("LL806", HALF + GOOD.replace("))\n", "), autocast_adapter_dtype=False)\n"), HALF + GOOD),
]


def linted(case: Case, setup: str, arguments: str | None, places: dict[str, Any]) -> tuple[Any, Any]:
    """The reports of the linter on a program, and of `check` on the objects that the program makes."""
    auto, _ = BASES[case.base]
    setup = setup.replace("{base}", str(places[case.base])).replace("{adapter}", str(places["adapter"]))
    optimizer = "" if OPTIMIZER in setup else LOOP
    start = START.format(auto=auto, base=places[case.base]) + setup
    start += optimizer if arguments is None else TRAINER.format(arguments=arguments)
    text = start + (STEPS if arguments is None else TRAIN)
    objects: dict[str, Any] = {}
    exec(compile(start, "train.py", "exec"), objects)
    target = (objects["model"], objects["optimizer"]) if arguments is None else objects["trainer"]
    options: dict[str, Any] = {"isolated": True, **case.options}
    return lora_lint.lint_text(text, "train.py", **options), lora_lint.check(target, fail_on="never", **options)


def of(report: Any, code: str) -> list[Any]:
    return [finding for finding in report.findings if finding.code == code]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_a_fault_has_the_same_finding(case: Case, places: dict[str, Path], caplog: Any) -> None:
    arguments = case.arguments and case.arguments[0]
    file, live = linted(case, case.bad, arguments, places)
    assert of(file, case.code), "the linter finds nothing in the program"
    assert of(live, case.code), f"{case.code} is not among {[each.code for each in live.findings]}"
    one, other = of(file, case.code)[0], of(live, case.code)[0]
    assert (one.name, one.level) == (other.name, other.level)
    if case.words:
        assert one.message == other.message
    assert case.code in caplog.text or one.level == "advice"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_its_repair_has_none(case: Case, places: dict[str, Path]) -> None:
    arguments = case.arguments and case.arguments[1]
    file, live = linted(case, case.good, arguments, places)
    assert (of(file, case.code), of(live, case.code)) == ([], [])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_what_the_run_finds_the_file_shows(case: Case, places: dict[str, Path]) -> None:
    """A false alarm on a live model would show here first: no rule speaks of an object but not of its program."""
    arguments = case.arguments and case.arguments[1]
    file, live = linted(case, case.good, arguments, places)
    assert {each.code for each in live.findings} <= {each.code for each in file.findings}
