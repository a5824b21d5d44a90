"""Methods of lists and dicts, trainers and training loops: what a program does before it makes its config."""

from __future__ import annotations

import pytest

from lora_lint.run.events import (
    AddBeside,
    DeleteAdapter,
    EnableAdapters,
    Event,
    Load,
    LoadAdapter,
    LoadBeside,
    PrepareKbit,
    SetAdapter,
    SetRequiresGrad,
    Train,
    Unwrap,
    Wrap,
)
from lora_lint.run.values import Known, Unknown, known
from tests.support.reading import IMPORTS, only, plain, read_python

USE = (
    IMPORTS
    + "{lines}\nconfig = LoraConfig(r={r}, lora_alpha=16, target_modules={targets})\nget_peft_model(model, config)\n"
)


def targets_of(lines: str) -> object:
    return plain(only(read_python(USE.format(lines=lines, r=8, targets="targets"))).adapter.target_modules)


def rank_of(lines: str, r: str = "settings['r']") -> object:
    return plain(only(read_python(USE.format(lines=lines, r=r, targets=["q_proj"]))).adapter.rank)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("targets = ['a']\ntargets.append('b')", ("a", "b")),
        ("targets = ['a']\ntargets.extend(['b', 'c'])", ("a", "b", "c")),
        ("targets = ['a']\ntargets.extend(unknown())", Unknown),
        ("targets = ['a']\ntargets += ['b']", ("a", "b")),
        ("targets = ['b']\ntargets.insert(0, 'a')", ("a", "b")),
        ("targets = ['a', 'b']\ntargets.remove('a')", ("b",)),
        ("targets = ['a']\nother = targets.copy()\nother.append('b')", ("a",)),
        ("targets = ['a']\nother = targets\nother.append('b')", ("a", "b")),
        ("targets = ['a', 'b']\ntargets.sort()", ("a", "b")),
        ("targets = ['a']\ntargets.clear()\ntargets.append('b')", ("b",)),
        ("targets = ['a', 'b']\ntargets.pop()", Unknown),
        ("targets = {'a'}\ntargets.add('a')\ntargets.add('b')\ntargets = sorted(targets)", ("a", "b")),
        ("targets = list({'a'}.union(['b']))", ("a", "b")),
        ("targets = ['a']\nwhile more():\n    targets.append('b')", Unknown),
    ],
)
def test_lists(lines: str, expected: object) -> None:
    assert targets_of(lines) == expected


@pytest.mark.parametrize(
    ("lines", "r", "expected"),
    [
        ("settings = {'r': 4}", "settings['r']", 4),
        ("settings = {'r': 4}", "settings.get('r', 8)", 4),
        ("settings = {}", "settings.get('r', 8)", 8),
        ("settings = dict(**unknown())", "settings.get('r', 8)", Unknown),
        ("settings = {'r': 4}\nsettings.update(r=16)", "settings['r']", 16),
        ("settings = {'r': 4}\nsettings.update({'r': 32})", "settings['r']", 32),
        ("settings = {}\nsettings.setdefault('r', 64)", "settings['r']", 64),
        ("settings = {'r': 4}", "settings.setdefault('r', 64)", 4),
        ("settings = {'r': 4}", "settings.pop('r')", 4),
        ("settings = {'r': 4}\nother = settings.copy()\nother['r'] = 8", "settings['r']", 4),
        ("settings = {'r': 4}\nother = settings\nother['r'] = 8", "settings['r']", 8),
        ("settings = {'r': 4}\nsettings['r'] *= 4", "settings['r']", 16),
        ("settings = {'small': 4, 'large': 64}\nname, r = list(settings.items())[1]", "r", 64),
        ("settings = {'small': 4, 'large': 64}", "max(settings.values())", 64),
        ("settings = {'4': 0}", "int(list(settings.keys())[0])", 4),
        ("settings = {'r': 4} | {'r': 8}", "settings['r']", 8),
    ],
)
def test_dicts(lines: str, r: str, expected: object) -> None:
    assert rank_of(lines, r) == expected


WRAPPED = (
    IMPORTS
    + """\
import torch
from accelerate import Accelerator
model = AutoModelForCausalLM.from_pretrained("gpt2")
model = get_peft_model(model, LoraConfig(r=8, target_modules=["c_attn"]))
"""
)


@pytest.mark.parametrize(
    ("lines", "trainer", "method"),
    [
        ("Trainer(model=model, train_dataset=[]).train()", "Trainer", "supervised"),
        ("from trl import SFTTrainer\nSFTTrainer(model, train_dataset=[]).train()", "SFTTrainer", "supervised"),
        ("from trl import DPOTrainer\nDPOTrainer(model, train_dataset=[]).train()", "DPOTrainer", "preference"),
        ("from trl import GRPOTrainer\nGRPOTrainer(model, train_dataset=[]).train()", "GRPOTrainer", "rl"),
        ("from mine import MyDPOTrainer\nMyDPOTrainer(model, train_dataset=[]).train()", "MyDPOTrainer", "preference"),
        ("from mine import OtherTrainer\nOtherTrainer(model).train()", "OtherTrainer", "unknown"),
        ("optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)\noptimizer.step()", "a training loop", "unknown"),
        ("optimizer = torch.optim.SGD([{'params': model.parameters()}], lr=1e-4)\noptimizer.step()",
         "a training loop", "unknown"),
        ("optimizer = torch.optim.AdamW(filter(lambda p: p.requires_grad, model.parameters()))\noptimizer.step()",
         "a training loop", "unknown"),
        ("accelerator = Accelerator()\noptimizer = torch.optim.AdamW(model.parameters())\n"
         "model, optimizer = accelerator.prepare(model, optimizer)\noptimizer.step()", "a training loop", "unknown"),
        ("import deepspeed\nengine, _, _, _ = deepspeed.initialize(model=model)\nTrainer(engine, train_dataset=[]).train()",
         "Trainer", "supervised"),
    ],
)  # fmt: skip
def test_training(lines: str, trainer: str, method: str) -> None:
    run = only(read_python(f"{WRAPPED}{lines}\n"))
    assert run.trained is True
    assert (run.training.trainer, run.training.method) == (trainer, method)


def test_a_loop_s_optimizer_and_rate() -> None:
    run = only(read_python(f"{WRAPPED}optimizer = torch.optim.SGD(model.parameters(), lr=3e-3)\noptimizer.step()\n"))
    assert known(run.training.optimizer) == "sgd"
    assert isinstance(run.training.learning_rate, Known)
    assert run.training.learning_rate.value == 3e-3


def test_an_optimizer_that_a_trainer_is_given() -> None:
    def trained(optimizers: str) -> tuple[object, object]:
        lines = (
            f"from elsewhere import made\nsgd = torch.optim.SGD(model.parameters(), lr=3e-3)\n"
            f"Trainer(model=model, args=TrainingArguments('out', learning_rate=1e-5), optimizers={optimizers}).train()\n"
        )
        training = only(read_python(f"{WRAPPED}{lines}")).training
        return known(training.optimizer), known(training.learning_rate)

    assert trained("(sgd, None)") == ("sgd", 3e-3)
    assert trained("(made(model), None)") == (None, None)
    assert trained("(None, None)") == ("adamw_torch_fused", 1e-5)


@pytest.mark.parametrize(
    ("lines", "kinds"),
    [
        ("model.load_adapter('a', 'default', is_trainable=True)", [LoadBeside]),
        ("model.load_adapter('a', 'second')", [LoadBeside]),
        ("model.add_adapter('second', LoraConfig(r=8))", [AddBeside]),
        ("model.delete_adapter('default')", [DeleteAdapter]),
        ("model.merge_adapter()", []),
        ("model = model.unload()", [Unwrap]),
        ("model.set_adapter('default')", [SetAdapter]),
        ("model.set_requires_grad(['default'], False)", [SetRequiresGrad]),
        ("with model.disable_adapter():\n    model.eval()", [EnableAdapters]),
        ("base = model.get_base_model()", []),
    ],
)
def test_what_is_done_to_adapters(lines: str, kinds: list[type[Event]]) -> None:
    run = read_python(f"{WRAPPED}{lines}\n").runs[0]
    assert [type(event) for event in run.events][2:] == kinds


def happened(text: str) -> list[list[type[Event]]]:
    return [[type(event) for event in run.events] for run in read_python(text).runs]


def test_what_happens_in_a_function_that_the_file_does_not_call() -> None:
    program = (
        IMPORTS
        + """
import modal
app = modal.App()

@app.function(gpu="A100")
def train(folder):
    model = AutoModelForCausalLM.from_pretrained("gpt2")
    model = PeftModel.from_pretrained(model, folder)
    Trainer(model=model, args=TrainingArguments(output_dir="out"), train_dataset=[]).train()
"""
    )
    assert happened(program) == [[Load, LoadAdapter, Train]]
    assert read_python(program).runs[0].trained is True


def test_what_happens_in_a_method_that_the_file_does_not_call() -> None:
    program = (
        IMPORTS
        + """
class Finetuner:
    def __init__(self, name):
        self.model = AutoModelForCausalLM.from_pretrained(name)

    def train(self):
        model = get_peft_model(self.model, LoraConfig(r=8))
        Trainer(model=model, args=TrainingArguments(output_dir="out"), train_dataset=[]).train()

    def train_in_4bit(self):
        model = get_peft_model(prepare_model_for_kbit_training(self.model), LoraConfig(r=4))
        Trainer(model=model, args=TrainingArguments(output_dir="out"), train_dataset=[]).train()
"""
    )
    assert happened(program) == [[Load, Wrap, Train], [Load, PrepareKbit, Wrap, Train]]


def test_functions_that_the_file_does_not_call_are_apart() -> None:
    """Nobody knows which of them is called first, and whether the other one is at all."""
    program = (
        IMPORTS
        + """
model = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), LoraConfig(r=8))

def freeze_adapter():
    model.requires_grad_(False)

def train_adapter():
    Trainer(model=model, args=TrainingArguments(output_dir="out"), train_dataset=[]).train()
"""
    )
    assert happened(program) == [[Load, Wrap]]
