"""The watch over a training: what it sees, that it changes nothing, and where its report goes."""

from __future__ import annotations

import json
import random
import sys
from contextvars import ContextVar
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from accelerate import Accelerator
from datasets import Dataset
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

import lora_lint
from lora_lint.pytest_plugin import lora_lint_check  # noqa: F401  (a fixture, where the plugin is not installed)

if TYPE_CHECKING:
    from pathlib import Path

ROWS = [{"input_ids": [5, 6, 7, 8], "labels": [5, 6, 7, 8], "attention_mask": [1, 1, 1, 1]} for _ in range(16)]


def wrapped(places: dict[str, Path], **settings: Any) -> Any:
    torch.manual_seed(0)
    base = AutoModelForCausalLM.from_pretrained(places["llama"])
    return get_peft_model(base, LoraConfig(**{"r": 4, "lora_alpha": 8, "target_modules": "all-linear", **settings}))


def arguments(kind: Any = TrainingArguments, **more: Any) -> Any:
    settings = {"learning_rate": 2e-4, "max_steps": 3, "report_to": "none", "per_device_train_batch_size": 2}
    return kind("out", **{**settings, "disable_tqdm": True, "save_strategy": "steps", "save_steps": 3, **more})


def trained(model: Any, *callbacks: Any, **more: Any) -> Any:
    trainer = Trainer(
        model=model, args=arguments(**more), train_dataset=Dataset.from_list(ROWS), callbacks=[*callbacks]
    )
    trainer.train()
    return trainer


def fine_tuned(model: Any, places: dict[str, Path], *callbacks: Any, **more: Any) -> None:
    """A training of TRL's SFTTrainer."""
    SFTTrainer(
        model=model,
        args=arguments(SFTConfig, bf16=False),
        train_dataset=Dataset.from_list([{"text": "w1 w2 w3 w4"}] * 8),
        processing_class=AutoTokenizer.from_pretrained(places["llama"]),
        callbacks=[*callbacks],
        **more,
    ).train()


def loader() -> Any:
    return torch.utils.data.DataLoader([{key: torch.tensor(row[key]) for key in row} for row in ROWS], batch_size=4)


def codes(report: Any) -> list[str]:
    return [finding.code for finding in report.findings]


def test_a_good_training_has_no_findings_and_is_described(places: dict[str, Path]) -> None:
    guard = lora_lint.Guard(report_to="report.json")
    trained(wrapped(places), guard)
    assert codes(guard.report) == []
    facts = guard.report.facts
    assert facts["first_step"]["moved"] == facts["first_step"]["lora_B"] == 14
    assert facts["saved"]["adapters"]["default"] == {"tensors": 28, "expected": 28, "same_logits": True}
    assert facts["optimizer"]["groups"][0]["learning_rate"] > 0
    with open("report.json", encoding="utf-8") as file:
        assert json.load(file)["findings"] == []


def state_after(model: Any) -> tuple[Any, ...]:
    """All that a training leaves: weights, what requires a gradient, modes, random states."""
    weights = {name: each.detach().clone() for name, each in model.named_parameters()}
    grads = {name: each.requires_grad for name, each in model.named_parameters()}
    modes = {name: each.training for name, each in model.named_modules()}
    return weights, grads, modes, torch.get_rng_state(), random.getstate()


@pytest.mark.parametrize("way", ["trainer", "trl", "loop"])
def test_nothing_of_a_training_changes(places: dict[str, Path], way: str) -> None:
    after = []
    for guarded in (False, True):
        model = wrapped(places, lora_dropout=0.1)
        random.seed(0)
        callbacks = [lora_lint.Guard()] if guarded else []
        if way == "trainer":
            trained(model, *callbacks)
        elif way == "trl":
            fine_tuned(model, places, *callbacks)
        else:
            optimizer = torch.optim.AdamW([each for each in model.parameters() if each.requires_grad], lr=2e-4)
            if guarded:
                with lora_lint.guard(model, optimizer) as watch:
                    steps(model, optimizer)
                model.save_pretrained("out")
                watch.saved("out", next(iter(loader())))
            else:
                steps(model, optimizer)
                model.save_pretrained("out")
                next(iter(loader()))
        after.append(state_after(model))
    (weights, *rest), (others, *other_rest) = after
    assert all(torch.equal(weights[name], others[name]) for name in weights)
    assert rest[:2] == other_rest[:2]
    assert torch.equal(rest[2], other_rest[2])
    assert rest[3] == other_rest[3]


def steps(model: Any, optimizer: Any, accelerator: Any = None) -> None:
    model.train()
    for batch in loader():
        loss = model(**batch).loss
        (accelerator.backward if accelerator else torch.Tensor.backward)(loss)
        optimizer.step()
        optimizer.zero_grad()


def test_a_check_changes_nothing(places: dict[str, Path]) -> None:
    model = wrapped(places)
    before = state_after(model)
    lora_lint.check(model)
    after = state_after(model)
    assert all(torch.equal(before[0][name], after[0][name]) for name in before[0])
    assert before[1:3] == after[1:3]
    assert torch.equal(before[3], after[3])


def test_a_loop_of_accelerate(places: dict[str, Path]) -> None:
    accelerator = Accelerator(cpu=True)
    model = wrapped(places)
    model, optimizer = accelerator.prepare(model, torch.optim.AdamW(model.parameters(), lr=2e-4))
    with lora_lint.guard(model, optimizer) as watch:
        steps(model, optimizer, accelerator)
    assert codes(watch.report) == []
    assert watch.report.facts["first_step"]["moved"] == 14


def test_a_fault_ends_a_training_before_its_first_step(places: dict[str, Path]) -> None:
    model = wrapped(places, target_modules=["q_proj", "query"])
    before = {name: each.clone() for name, each in model.named_parameters()}
    with pytest.raises(lora_lint.LoraLintError, match="LL202") as caught:
        trained(model, lora_lint.Guard())
    assert codes(caught.value.report) == ["LL202"]
    assert all(torch.equal(each, before[name]) for name, each in model.named_parameters())


@pytest.mark.parametrize(("fail_on", "ends"), [("error", False), ("warning", True), ("never", False)])
def test_fail_on(places: dict[str, Path], fail_on: Any, ends: bool) -> None:
    model = wrapped(places, lora_alpha=64)
    guard = lora_lint.Guard(fail_on=fail_on)
    if ends:
        with pytest.raises(lora_lint.LoraLintError):
            trained(model, guard)
    else:
        trained(model, guard)
    assert codes(guard.report) == ["LL104"]


def test_a_loss_that_leaves_the_adapter_out(places: dict[str, Path]) -> None:
    model = wrapped(places, modules_to_save=["lm_head"])
    optimizer = torch.optim.AdamW([each for each in model.parameters() if each.requires_grad], lr=2e-4)
    with lora_lint.guard(model, optimizer), pytest.raises(lora_lint.LoraLintError, match="LL416") as caught:
        hidden = model(**next(iter(loader())), output_hidden_states=True).hidden_states[0]
        model.base_model.model.lm_head(hidden.detach()).sum().backward()
        optimizer.step()
    assert "no `lora_B` of 14 has a gradient" in str(caught.value)


def test_a_closure_computes_the_gradients(places: dict[str, Path]) -> None:
    """As Lightning calls an optimizer: before its step there is no gradient yet."""
    model = wrapped(places)
    optimizer = torch.optim.AdamW([each for each in model.parameters() if each.requires_grad], lr=2e-4)

    def closure() -> Any:
        loss = model(**next(iter(loader()))).loss
        loss.backward()
        return loss

    with lora_lint.guard(model, optimizer) as watch:
        assert optimizer.step(closure) is not None
    assert codes(watch.report) == []
    assert watch.report.facts["first_step"]["moved"] == 14


def test_a_part_without_a_gradient_is_a_note(places: dict[str, Path]) -> None:
    model = wrapped(places)
    optimizer = torch.optim.AdamW([each for each in model.parameters() if each.requires_grad], lr=2e-4)
    with lora_lint.guard(model, optimizer) as watch:
        model(**next(iter(loader()))).loss.backward()
        model.base_model.model.model.layers[0].mlp.up_proj.lora_B.default.weight.grad = None
        optimizer.step()
    assert codes(watch.report) == []
    assert "1 of 14 `lora_B` got no gradient in the first step" in watch.report.notes[0]


@pytest.mark.parametrize(
    ("code", "spoil"),
    [
        ("LL607", lambda tensors: {key: tensors[key] for key in list(tensors)[1:]}),
        ("LL607", lambda tensors: {key: each + 1 for key, each in tensors.items()}),
        ("LL701", lambda tensors: {key: torch.cat([each, each]) for key, each in tensors.items()}),
        (
            "LL605",
            lambda tensors: {key.replace("model.layers", "_orig_mod.model.layers"): tensors[key] for key in tensors},
        ),
        ("LL703", lambda tensors: {key: each[:0] for key, each in tensors.items()}),
        ("LL706", lambda tensors: {**tensors, "base_model.model.model.norm.weight": torch.ones(64)}),
        (
            "LL702",
            lambda tensors: {key: torch.zeros_like(each) if "lora_B" in key else each for key, each in tensors.items()},
        ),
    ],
)
def test_what_is_saved_is_not_what_was_trained(places: dict[str, Path], code: str, spoil: Any) -> None:
    model = wrapped(places)
    optimizer = torch.optim.AdamW([each for each in model.parameters() if each.requires_grad], lr=2e-4)
    with lora_lint.guard(model, optimizer, fail_on="advice") as watch:
        steps(model, optimizer)
        model.save_pretrained("out")
        watch.saved("out")
        save_file(spoil(load_file("out/adapter_model.safetensors")), "out/adapter_model.safetensors")
        with pytest.raises(lora_lint.LoraLintError) as caught:
            watch.saved("out")
    assert code in codes(caught.value.report)


def test_parts_that_train_and_are_not_saved(places: dict[str, Path]) -> None:
    model = wrapped(places)
    for name, each in model.named_parameters():
        if "input_layernorm" in name:
            each.requires_grad = True
    guard = lora_lint.Guard(fail_on="never")
    trained(model, guard)
    assert codes(guard.report) == ["LL401", "LL410"]


def test_the_trainers_of_trl(places: dict[str, Path]) -> None:
    guard = lora_lint.Guard()
    fine_tuned(
        AutoModelForCausalLM.from_pretrained(places["llama"]),
        places,
        guard,
        peft_config=LoraConfig(r=4, lora_alpha=8, target_modules="all-linear"),
    )
    assert codes(guard.report) == []
    assert guard.report.facts["first_step"]["moved"] == 14


def test_a_reference_adapter_of_trl_is_no_fault(places: dict[str, Path]) -> None:
    tokenizer = AutoTokenizer.from_pretrained(places["llama"])
    pairs = Dataset.from_list([{"prompt": "w1 w2", "chosen": "w3 w4", "rejected": "w5 w6"}] * 8)
    model = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(places["llama"]), places["adapter"], is_trainable=True
    )
    guard = lora_lint.Guard()
    DPOTrainer(
        model=model,
        args=arguments(DPOConfig, bf16=False),
        train_dataset=pairs,
        processing_class=tokenizer,
        callbacks=[guard],
    ).train()
    assert [each for each in guard.report.findings if each.level == "error"] == []
    assert guard.report.facts["adapters"].keys() == {"default", "ref"}


def test_a_summary_goes_to_the_trackers_that_run(places: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    tags: dict[str, str] = {}
    run = SimpleNamespace(config={}, summary={})
    context = SimpleNamespace(current_run=ContextVar("run", default=run))
    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(run=run))
    monkeypatch.setitem(sys.modules, "trackio", SimpleNamespace(context_vars=context))
    monkeypatch.setitem(sys.modules, "mlflow", SimpleNamespace(active_run=lambda: run, set_tags=tags.update))
    model = wrapped(places, lora_alpha=64)
    with lora_lint.guard(model, torch.optim.AdamW(model.parameters(), lr=2e-4), report_to="report.html"):
        pass
    expected = {"lora_lint/errors": 0, "lora_lint/warnings": 1, "lora_lint/advice": 0, "lora_lint/codes": "LL104"}
    assert run.summary == run.config == expected
    assert tags["lora_lint.codes"] == "LL104"
    with open("report.html", encoding="utf-8") as file:
        assert "LL104" in file.read()


def test_a_tracker_without_a_run_or_that_fails_is_left_alone(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(run=None))
    monkeypatch.setitem(sys.modules, "mlflow", SimpleNamespace())
    model = wrapped(places)
    with lora_lint.guard(model, torch.optim.AdamW(model.parameters(), lr=2e-4)) as watch:
        assert codes(watch.report) == []


def test_a_guard_that_fails_does_not_end_the_training(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise AttributeError("a model that nobody has seen")

    monkeypatch.setattr("lora_lint.guarding.watch.examine", fail)
    assert trained(wrapped(places), lora_lint.Guard()).state.global_step == 3
    assert "cannot look at this training (AttributeError: a model that nobody has seen)" in caplog.text


def test_after_the_first_step_nothing_is_looked_at(places: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    from lora_lint.guarding import steps as of_guard

    looks: list[int] = []
    original = of_guard.marks_of
    monkeypatch.setattr(of_guard, "marks_of", lambda matrices: looks.append(1) or original(matrices))
    trained(wrapped(places), lora_lint.Guard(), warmup_steps=0, save_strategy="no")
    assert len(looks) == 2


def test_a_second_training_is_judged_again(places: dict[str, Path]) -> None:
    guard = lora_lint.Guard()
    for _ in range(2):
        with pytest.raises(lora_lint.LoraLintError):
            trained(wrapped(places, target_modules=["q_proj", "query"]), guard)


def test_what_has_no_adapter(places: dict[str, Path]) -> None:
    with pytest.raises(TypeError, match="LlamaForCausalLM has no adapter of PEFT"):
        lora_lint.check(AutoModelForCausalLM.from_pretrained(places["llama"]))


def test_settings_and_comments_of_the_project_apply(places: dict[str, Path], tmp_path: Path) -> None:
    program = "import lora_lint\ndef run(model):\n    return lora_lint.check(model, fail_on='never')\n"
    model = wrapped(places, lora_alpha=64)

    def found(text: str) -> Any:
        (tmp_path / "train.py").write_text(text)
        objects: dict[str, Any] = {}
        exec(compile(text, str(tmp_path / "train.py"), "exec"), objects)
        return objects["run"](model)

    [finding] = found(program).findings
    assert (finding.code, finding.path, finding.line, finding.column) == ("LL104", "train.py", 3, 5)
    assert found("# lora-lint: ignore-file[LL104] as in the paper\n" + program).findings == ()
    assert found("x = 1  # lora-lint: ignore[LL104] as in the paper\n" + program).findings == ()
    (tmp_path / "lora-lint.toml").write_text('[per-file-ignores]\n"train.py" = ["LL104"]\n')
    assert found(program).findings == ()
    (tmp_path / "lora-lint.toml").write_text('[levels]\nLL104 = "error"\n')
    assert found(program).findings[0].level == "error"


def test_the_fixture_for_tests(places: dict[str, Path], lora_lint_check: Any) -> None:  # noqa: F811
    assert lora_lint_check(wrapped(places)).findings == ()
    with pytest.raises(pytest.fail.Exception, match="LL104 scale-out-of-range"):
        lora_lint_check(wrapped(places, lora_alpha=64))
    with pytest.raises(lora_lint.LoraLintError, match="no-such-file"):
        lora_lint_check(wrapped(places), config="no-such-file.toml")
