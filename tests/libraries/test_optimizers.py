"""Which models an optimizer trains, by how the program collects their parameters."""

from __future__ import annotations

import pytest

from tests.support.reading import IMPORTS, read_python

PROGRAM = """
import itertools
import torch

class Head(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.out = torch.nn.Linear(768, 2)

encoder = AutoModel.from_pretrained("google-bert/bert-base-uncased")
encoder = get_peft_model(encoder, LoraConfig(r=8, lora_alpha=16, target_modules=["query", "value"]))
head, other = Head(), torch.nn.Linear(768, 2)
optimizer = torch.optim.AdamW({}, lr=1e-4)
for batch in loader:
    loss = torch.nn.functional.cross_entropy(head(encoder(**batch).last_hidden_state[:, 0]), batch["labels"])
    loss.backward()
    optimizer.step()
"""


@pytest.mark.parametrize(
    "parameters",
    [
        "list(encoder.parameters()) + list(head.parameters())",
        "list(head.parameters()) + list(encoder.parameters())",
        "list(other.parameters()) + list(encoder.parameters())",
        "[*head.parameters(), *encoder.parameters()]",
        "itertools.chain(other.parameters(), encoder.parameters())",
        '[{"params": head.parameters()}, {"params": encoder.parameters(), "lr": 1e-3}]',
        "[p for p in itertools.chain(encoder.parameters(), head.parameters()) if p.requires_grad]",
        "filter(lambda p: p.requires_grad, list(encoder.parameters()) + list(head.parameters()))",
        "[p for part in (encoder, head) for p in part.parameters()]",
        "[p for p in list(encoder.parameters()) + list(other.parameters()) if p.requires_grad]",
        "torch.nn.ModuleList([encoder, head]).parameters()",
        "torch.nn.Sequential(other, encoder).parameters()",
        'torch.nn.ModuleDict({"encoder": encoder, "head": head}).parameters()',
    ],
)
def test_parameters_of_several_modules(parameters: str) -> None:
    [run] = read_python(IMPORTS + PROGRAM.format(parameters))
    assert run.trained is True


@pytest.mark.parametrize(
    "parameters",
    [
        "list(other.parameters())",
        "itertools.chain(head.parameters(), other.parameters())",
        "torch.nn.ModuleList([head, other]).parameters()",
        "unknown + list(other.parameters())",
    ],
)
def test_parameters_of_other_modules(parameters: str) -> None:
    [run] = read_python(IMPORTS + PROGRAM.format(parameters))
    assert run.trained is not True


@pytest.mark.parametrize("scaler", ["torch.cuda.amp.GradScaler()", 'torch.amp.GradScaler("cuda")'])
def test_a_loss_scaler_takes_the_steps(scaler: str) -> None:
    program = IMPORTS + PROGRAM.format("list(encoder.parameters()) + list(head.parameters())")
    steps = program.replace("loss.backward()", "scaler.scale(loss).backward()").replace(
        "optimizer.step()", "scaler.step(optimizer)"
    )
    [run] = read_python(steps.replace("for batch", f"scaler = {scaler}\nfor batch"))
    assert run.trained is True
    [run] = read_python(steps.replace("for batch", f"scaler = {scaler}\nfor batch").replace("scaler.step", "print"))
    assert run.trained is not True
