"""What a program does to the adapters of a model, as it is read, against what PEFT and transformers do in fact.

Each program is text: Python runs it line by line on a small model, and the linter reads it up to the same line.
"""

from __future__ import annotations

import random
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from lora_lint.knowledge.adapter_states import AdapterState, course, trains_nothing
from lora_lint.records import replace
from lora_lint.run.events import (
    AddBeside,
    DeleteAdapter,
    Event,
    Fragments,
    Load,
    LoadAdapter,
    LoadBeside,
    Selected,
    SetAdapter,
    SetRequiresGrad,
    Train,
    Unfreeze,
    Unwrap,
)
from lora_lint.run.values import Known
from tests.support.reading import read_python
from tests.support.runs import at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lora_lint.knowledge.adapter_states import AdapterStates
    from lora_lint.run.run import Run

IMPORTS = """\
from peft import LoraConfig, PeftMixedModel, PeftModel, get_peft_model, inject_adapter_in_model
from peft import prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, Trainer
CONFIG = LoraConfig(r=2, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
FROZEN = LoraConfig(r=2, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM", inference_mode=True)
model = AutoModelForCausalLM.from_pretrained("model")
"""
NAMES = ("zeta", "alpha", "mid", "default")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model in `model`, and an adapter of it in `adapter`."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.set_num_threads(1)
    where = tmp_path_factory.mktemp("states")
    config = LlamaConfig(
        vocab_size=16, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1,
        num_key_value_heads=1,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(where / "model")
    model = LlamaForCausalLM.from_pretrained(where / "model")
    config = LoraConfig(r=2, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    get_peft_model(model, config).save_pretrained(where / "adapter")
    return where


def actual(model: Any) -> dict[str, AdapterState]:
    """The adapters of a model by PEFT's own layers."""
    from peft.tuners.lora.layer import LoraLayer

    layers = [module for module in model.modules() if isinstance(module, LoraLayer)]
    states = {}
    for name in sorted({name for layer in layers for name in layer.lora_A}):
        flags = {layer.lora_A[name].weight.requires_grad for layer in layers if name in layer.lora_A}
        assert len(flags) == 1, "an adapter trains as a whole or not at all"
        states[name] = AdapterState(flags.pop(), name in layers[0].active_adapters)
    return states


def read(lines: list[str]) -> Run:
    """The run of a program that trains after some lines."""
    reading = read_python(IMPORTS + "\n".join([*lines, "Trainer(model=model).train()"]) + "\n")
    return next(run for run in reading if run.trained)


def states_of(run: Run) -> AdapterStates:
    """The adapters at the training, sorted by their names."""
    *_, (event, states) = course(run.events)
    assert isinstance(event, Train)
    return dict(sorted(states.items()))


def compare(lines: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asserts that the reading is right after each line, and what `--verify` makes of it at the end."""
    from transformers import AutoModelForCausalLM

    from lora_lint.verify.structure.replay import replay

    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(IMPORTS, names)
        for number, line in enumerate(lines, 1):
            exec(line, names)
            assert states_of(read(lines[:number])) == actual(names["model"]), lines[:number]
        if "Mixed" not in lines[0]:  # done again on a model that is no mixed one
            fresh = AutoModelForCausalLM.from_pretrained("model")
            assert actual(replay(fresh, read(lines))) == actual(names["model"]), lines


@pytest.mark.torch
@pytest.mark.parametrize(
    "lines",
    [
        ["model = PeftModel.from_pretrained(model, 'adapter')", "model.set_adapter('default')"],
        ["model = PeftModel.from_pretrained(model, 'adapter', 'one', True)", "model.load_adapter('adapter', 'two')"],
        [
            "model = PeftModel.from_pretrained(model, 'adapter', adapter_name='one')",
            "model.load_adapter('adapter', adapter_name='two', is_trainable=True)",
            "model.set_adapter('two')",
            "model.base_model.set_adapter(['one', 'two'])",
            "model.set_requires_grad('one', False)",
            "model.set_requires_grad(['one', 'two'])",
            "model.delete_adapter('one')",
        ],
        ["model = get_peft_model(model, CONFIG)", "model.load_adapter('adapter', 'default')"],
        ["model = get_peft_model(model, FROZEN, 'one')", "model.add_adapter('two', CONFIG)"],
        ["get_peft_model(model, CONFIG, 'one')", "model = PeftModel.from_pretrained(model, 'adapter', 'two')"],
        ["model = get_peft_model(model, CONFIG)", "model = PeftModel.from_pretrained(model, 'adapter', 'two')"],
        ["model = PeftMixedModel.from_pretrained(model, 'adapter', 'one')", "model.load_adapter('adapter', 'two')"],
        ["model.add_adapter(FROZEN)", "model.add_adapter(CONFIG, 'two')", "model.set_adapter(['default', 'two'])"],
        ["model.add_adapter(CONFIG, adapter_name='one')", "model.load_adapter('adapter', 'two')"],
        ["model.load_adapter('adapter')", "model.disable_adapters()", "model.enable_adapters()"],
        ["model = PeftModel.from_pretrained(model, 'adapter')", "with model.disable_adapter():\n    pass"],
        ["model = PeftModel.from_pretrained(model, 'adapter')", "model = model.merge_and_unload()",
         "model = get_peft_model(model, CONFIG, adapter_name='two')"],
        ["model = inject_adapter_in_model(CONFIG, model, 'one')",
         "for name, p in model.named_parameters():\n    p.requires_grad = False"],
    ],
)  # fmt: skip
def test_each_call(lines: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compare(lines, folder, monkeypatch)


def of_peft(draw: random.Random, steps: int) -> Iterator[str]:
    """A valid program of PEFT's calls, a line at a time."""
    there = [draw.choice(NAMES)]
    train = draw.choice(["True", "False"])
    yield draw.choice(
        [
            f"model = get_peft_model(model, {draw.choice(['CONFIG', 'FROZEN'])}, adapter_name='{there[0]}')",
            f"model = PeftModel.from_pretrained(model, 'adapter', adapter_name='{there[0]}', is_trainable={train})",
        ]
    )
    for _ in range(steps):
        new = [name for name in NAMES if name not in there]
        one, flag = draw.choice(there), draw.choice(["True", "False"])
        some = draw.sample(there, draw.randint(1, len(there)))
        calls = [
            f"model.set_adapter('{one}')",
            f"model.set_adapter('{one}', inference_mode={flag})",
            f"model.base_model.set_adapter({some})",
            f"model.set_requires_grad({some}, {flag})",
            f"model.load_adapter('adapter', '{one}', is_trainable={flag})",
            "with model.disable_adapter():\n    pass",
            "model = prepare_model_for_kbit_training(model)",
            "model.requires_grad_(True)",
            "for p in model.parameters():\n    p.requires_grad = False",
        ]
        if len(there) > 1:
            calls += [f"model.delete_adapter('{one}')"] * 3
        if new:
            calls += [
                f"model.load_adapter('adapter', adapter_name='{new[0]}', is_trainable={flag})",
                f"model.add_adapter('{new[0]}', {draw.choice(['CONFIG', 'FROZEN'])})",
                f"model.add_weighted_adapter(['{one}'], [1.0], '{new[0]}')",
            ] * 2
        line = draw.choice(calls)
        there = [name for name in there if not line.startswith(f"model.delete_adapter('{name}'")]
        there += [name for name in new[:1] if f"'{name}'" in line]
        yield line


def of_transformers(draw: random.Random, steps: int) -> Iterator[str]:
    """A valid program of the calls of transformers' own models."""
    there: list[str] = []
    for _ in range(steps):
        new = [name for name in NAMES if name not in there]
        flag = draw.choice(["True", "False"])
        calls = []
        if there:
            one, some = draw.choice(there), draw.sample(there, draw.randint(1, len(there)))
            calls += [
                *(f"model.set_adapter('{one}')", f"model.set_adapter({some})"),
                *("model.disable_adapters()", "model.enable_adapters()"),
            ]
            if len(there) > 1:
                calls += [f"model.delete_adapter('{one}')"] * 2
        if new:
            calls += [
                f"model.load_adapter('adapter', '{new[0]}', is_trainable={flag})",
                f"model.add_adapter({draw.choice(['CONFIG', 'FROZEN'])}, adapter_name='{new[0]}')",
            ] * 2
        line = draw.choice(calls)
        there = [name for name in there if not line.startswith(f"model.delete_adapter('{name}'")]
        there += [name for name in new[:1] if f"'{name}'" in line]
        yield line


@pytest.mark.torch
@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("program", [of_peft, of_transformers])
def test_generated_programs(program: Any, seed: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compare(list(program(random.Random(seed), 8)), folder, monkeypatch)


def after(*events: Event, below: tuple[int, ...] | None = None) -> AdapterStates:
    *_, (_, states) = course([*events, Train(at(900))], below)
    return states


def event(kind: Any, *adapters: str, trainable: bool | None = None, **fields: Any) -> Any:
    """An event that concerns adapters."""
    given = {} if trainable is None else {"trainable": Known(trainable)}
    return kind(at(1), adapters=adapters or ("default",), **given, **fields)


FROZEN = event(LoadAdapter, "one", trainable=False)
SECOND = event(LoadBeside, "two", trainable=False)


def test_a_frozen_adapter_alone() -> None:
    assert after(FROZEN) == {"one": AdapterState(False, True)}
    assert trains_nothing(after(FROZEN, SECOND))
    assert not trains_nothing({})


@pytest.mark.parametrize(
    "unknown",
    [
        replace(event(SetAdapter, trainable=True), adapters=None),
        event(SetAdapter, "never seen", trainable=True),
        event(SetAdapter, "one"),
        event(SetRequiresGrad, "one"),
        event(SetRequiresGrad, "never seen", trainable=True),
        replace(event(SetRequiresGrad, trainable=True), adapters=None),
        event(SetAdapter, "one", trainable=True, flag="args.train"),
        Unfreeze(at(1), selection=Fragments(("lora_",))),
        Unfreeze(at(1), selection=Selected.UNREADABLE),
        Unwrap(at(1), flag="args.merge"),
        event(DeleteAdapter, "never seen"),
        replace(event(DeleteAdapter), adapters=None),
    ],
)
def test_what_may_thaw_an_adapter(unknown: Event) -> None:
    assert not trains_nothing(after(FROZEN, SECOND, unknown))


@pytest.mark.parametrize("kind", [SetAdapter, LoadBeside, AddBeside, SetRequiresGrad])
def test_a_model_whose_wrap_was_not_seen_has_other_adapters(kind: Any) -> None:
    given = {} if kind is AddBeside else {"trainable": False}
    assert not trains_nothing(after(event(kind, "two", **given)))


def test_adapters_without_a_name() -> None:
    loaded = replace(FROZEN, adapters=None)
    assert trains_nothing(after(loaded))
    assert not trains_nothing(after(loaded, replace(event(LoadBeside, trainable=True), adapters=None)))
    assert not trains_nothing(after(loaded, event(SetAdapter, "perhaps it", trainable=True)))


def test_adding_may_have_thawed_the_active_adapters_before_peft_0_21() -> None:
    """PEFT 0.17.1, tuners/tuners_utils.py, inject_adapter: whatever is active is set anew, and trains."""
    assert not trains_nothing(after(FROZEN, SECOND, below=(0, 21)))
    assert not trains_nothing(after(FROZEN, SECOND, below=(0, 17, 1)))
    assert trains_nothing(after(FROZEN, SECOND, below=(0, 21, 1)))
    assert trains_nothing(after(FROZEN, below=(0, 17)))


def test_what_one_flag_decides_happens_together() -> None:
    merged = [Load(at(0)), LoadAdapter(at(1), flag="args.adapters"), Unwrap(at(2), flag="args.adapters"), Train(at(3))]
    assert [dict(states) for _, states in course(merged)][-1] == {}
    apart = [Load(at(0)), LoadAdapter(at(1), flag="a"), Unwrap(at(2), flag="b"), Train(at(3))]
    assert list(dict([*course(apart)][-1][1])) == ["default"]
