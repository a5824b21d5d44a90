"""LL304 and LL5xx, and what they stay silent on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lora_lint.linting import engine
from lora_lint.records import replace
from lora_lint.rules.capacity import bytes_of_a_weight
from lora_lint.rules.scale import law_of
from lora_lint.run.problems import UnknownKey
from lora_lint.run.run import BaseModel, Training
from lora_lint.run.values import Unknown
from lora_lint.run.versions import Pin
from lora_lint.settings import Settings
from tests.support.programs import found_in
from tests.support.runs import HERE, check, cli, default, lit, one, run

if TYPE_CHECKING:
    from pathlib import Path


def trained(rank: Any = 8, alpha: Any = 16, *, rslora: bool = False, of: Any = None, **training: Any) -> Any:
    told = {"trainer": "Trainer", "method": "supervised", "optimizer": lit("adamw_torch"), **training}
    return run(rank, alpha, use_rslora=rslora, of={"training": Training(**told), "trained": True, **(of or {})})


class TestLearningRates:
    def test_too_low(self) -> None:
        found = one("LL501", trained(learning_rate=lit(1e-5)))
        assert found.message.startswith("The learning rate is 1e-05")
        assert found.confidence == "likely"

    def test_a_default_is_told_as_one(self) -> None:
        found = one("LL501", trained(learning_rate=default(5e-5)))
        assert "No learning rate is set, so Trainer takes its default 5e-05" in found.message

    def test_a_rate_that_may_be_chosen_is_possible(self) -> None:
        assert one("LL501", trained(learning_rate=lit(4e-5))).confidence == "possible"

    @pytest.mark.parametrize(
        "silent",
        [
            trained(learning_rate=lit(1e-4)),
            trained(learning_rate=lit(1e-5), method="preference"),
            trained(learning_rate=lit(1e-5), method="rl"),
            trained(learning_rate=lit(1e-5), method="unknown"),
            trained(8, 64, learning_rate=lit(1e-5)),
            trained(Unknown("x"), 64, learning_rate=lit(1e-5)),
            trained(learning_rate=Unknown("x")),
            trained(learning_rate=lit(1e-5), of={"trained": False}),
        ],
    )
    def test_silent(self, silent: Any) -> None:
        assert not check("LL501", silent)

    def test_too_high(self) -> None:
        found = one("LL502", trained(64, 128, learning_rate=lit(4e-3)))
        assert "0.004 * 2 * 64 = 0.512" in found.message
        assert not check("LL502", trained(64, 128, learning_rate=lit(4e-3), optimizer=lit("sgd")))
        assert not check("LL502", trained(64, 128, learning_rate=lit(4e-3), method="rl"))
        assert not check("LL502", trained(64, 128, learning_rate=lit(1e-3)))
        assert check("LL502", trained(64, 128, learning_rate=lit(2e-3)))

    @pytest.mark.parametrize("rate", [float("nan"), float("inf"), -1.0, 0.0])
    def test_rates_that_are_none(self, rate: float) -> None:
        assert not check("LL501", trained(learning_rate=lit(rate)))
        assert not check("LL502", trained(learning_rate=lit(rate)))

    def test_a_rate_of_the_command_line_is_likely(self) -> None:
        assert one("LL501", trained(learning_rate=cli(1e-5))).confidence == "likely"


def test_loraplus() -> None:
    keyword = UnknownKey("loraplus_lr_ratio", HERE, "SFTConfig")
    found = one("LL503", trained(unknown_keywords=(keyword,)))
    assert found.message.startswith("`loraplus_lr_ratio` is not an argument of SFTConfig")
    assert not check("LL503", trained(unknown_keywords=(UnknownKey("learning_rat", HERE, "SFTConfig"),)))


def test_dora() -> None:
    assert one("LL504", run(use_dora=True)).message.startswith("`use_dora=True`")
    assert not check("LL504", run(use_dora=False))
    assert not check("LL504", run(use_dora=True, of={"trained": False}))


@pytest.mark.parametrize(("memory", "fits"), [(1.0, False), (12.5, False), (12.7, True), (80.0, True), (None, True)])
def test_memory(memory: float | None, fits: bool) -> None:
    """Llama-2-7b: 6,738,415,616 weights at 2 bytes are 12.55 GiB, and the adapter on q and v 0.06 more at rank 8."""
    model = BaseModel(name=lit("meta-llama/Llama-2-7b-hf"), loader="AutoModelForCausalLM")
    found = check("LL304", run(8, 16, target_modules=("q_proj", "v_proj"), of={"model": model, "gpu_memory": memory}))
    assert bool(found) is not fits
    assert all("12.6 for 6,738,415,616 weights at 2 bytes" in each.message for each in found)


class TestBounds:
    @pytest.mark.parametrize(
        ("rate", "confidence"),
        [(1e-6, "likely"), (2e-5, "likely"), (2.1e-5, "possible"), (5e-5, "possible"), (5.1e-5, None)],
    )
    def test_rates_for_full_fine_tuning(self, rate: float, confidence: str | None) -> None:
        assert [each.confidence for each in check("LL501", trained(learning_rate=lit(rate)))] == (
            [confidence] if confidence else []
        )

    @pytest.mark.parametrize(
        ("rank", "alpha", "rslora", "low"),
        [(8, 31, False, True), (8, 32, False, False), (16, 15, True, True), (16, 16, True, False)],
    )
    def test_a_scale_that_makes_up_for_a_low_rate(self, rank: int, alpha: int, rslora: bool, low: bool) -> None:
        assert bool(check("LL501", trained(rank, alpha, rslora=rslora, learning_rate=lit(1e-5)))) is low

    def test_a_rate_that_what_is_saved_whole_wants(self) -> None:
        given = trained(learning_rate=lit(1e-5))
        saved = replace(given, adapter=replace(given.adapter, modules_to_save=lit(("lm_head",))))
        assert check("LL501", given)
        assert not check("LL501", saved)
        none = replace(given, adapter=replace(given.adapter, modules_to_save=lit(())))
        assert check("LL501", none)

    @pytest.mark.parametrize(("rate", "high"), [(0.0009, False), (0.00195, False), (0.00196, True)])
    def test_products(self, rate: float, high: bool) -> None:
        """0.25 is the bound: 0.00195 * 128 is 0.2496."""
        assert bool(check("LL502", trained(64, 128, learning_rate=lit(rate)))) is high

    def test_products_under_rslora(self) -> None:
        found = one("LL502", trained(64, 128, rslora=True, learning_rate=lit(1e-3)))
        assert "0.001 * 16 * 64 = 1.02" in found.message
        assert "160 times that of the usual" in found.message
        assert found.figure == 6e-05

    @pytest.mark.parametrize("optimizer", ["adamw_8bit", "paged_adamw_32bit", "Adam"])
    def test_optimizers_of_adams_kind(self, optimizer: str) -> None:
        assert check("LL502", trained(64, 128, learning_rate=lit(4e-3), optimizer=lit(optimizer)))

    def test_no_training_and_no_full_fine_tuning(self) -> None:
        low = trained(learning_rate=lit(1e-5), method="classification")
        assert check("LL501", low)
        assert not check("LL502", trained(64, 128, learning_rate=lit(4e-3), method="preference"))
        assert not check("LL502", trained(64, 128, learning_rate=lit(4e-3), of={"trained": False}))
        assert check("LL502", trained(64, 128, learning_rate=lit(4e-3), method="unknown"))


@pytest.mark.parametrize(
    ("quantization", "dtype", "size"),
    [
        ("4bit", None, 0.5),
        ("8bit", None, 1.0),
        (None, None, 2.0),
        (None, "bfloat16", 2.0),
        *((None, name, 4.0) for name in ("float32", "fp32", "torch.float32")),
        ("4bit", "float32", 0.5),
    ],
)
def test_bytes_of_a_weight(quantization: str | None, dtype: str | None, size: float) -> None:
    given = lit(dtype) if dtype else Unknown("x")
    assert bytes_of_a_weight(BaseModel(quantization=lit(quantization), dtype=given)) == size


@pytest.mark.parametrize(
    ("optimizer", "law"),
    [
        ("sgd", "sgd"),
        ("torch.optim.SGD", "sgd"),
        ("adamw_torch", "adam"),
        ("lion_8bit", "adam"),
        ("adafactor", None),
        (None, "adam"),
    ],
)
def test_how_an_optimizer_steps(optimizer: str | None, law: str | None) -> None:
    assert law_of(trained(optimizer=lit(optimizer) if optimizer else Unknown("x"))) == law


@pytest.mark.parametrize(("below", "since"), [(None, False), ((0, 14), False), ((0, 13), True)])
def test_loraplus_in_an_older_peft(below: tuple[int, ...] | None, since: bool) -> None:
    keyword = UnknownKey("loraplus_lr_ratio", HERE, "SFTConfig")
    pins = {} if below is None else {"peft": Pin(below, "peft<x", "requirements.txt")}
    message = one("LL503", trained(unknown_keywords=(keyword,), of={"pins": pins})).message
    assert ("an optimizer of PEFT's since 0.13.0 (requirements.txt has `peft<x`)" in message) is since
    assert ("an optimizer of PEFT's. " in message) is not since


LOOP = """\
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained("gpt2")
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["c_attn"], fan_in_fan_out=True))
optimizer = torch.optim.AdamW(model.parameters(), lr={})
for batch in loader:
    {}
    loss.backward()
    optimizer.step()
"""


@pytest.mark.parametrize(
    ("rate", "loss", "low"),
    [
        ("1e-5", "loss = model(**batch).loss", True),
        ("1e-5", "outputs = model(**batch)\n    loss = outputs.loss / 4", True),
        ("2e-4", "loss = model(**batch).loss", False),
        ("1e-5", "loss = reward(model(**batch).loss)", False),
        ("1e-5", "loss = model(**batch).loss + kl_div(model, ref_model, batch)", False),
        ("1e-5", "loss = mine(model, batch)", False),
    ],
)
def test_a_loop_that_takes_the_models_own_loss(rate: str, loss: str, low: bool) -> None:
    assert ("LL501" in found_in(LOOP.format(rate, loss))) is low


STEPS = """\
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

class Learner:
    def __init__(self):
        model = AutoModelForCausalLM.from_pretrained("gpt2")
        self.model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["c_attn"]))
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-5)

    def step(self, batch):
        self.model(**batch).loss.backward()
        self.optimizer.step()

def main():
    learner = Learner()
"""


@pytest.mark.parametrize(
    ("end", "low"),
    [
        ("    learner.step(first)\nmain()", False),
        ("    for batch in loader:\n        learner.step(batch)\nmain()", True),
        ("    while learner.unsure():\n        learner.step(read())", True),
        ("    [learner.step(batch) for batch in loader]", True),
        ("    return learner", True),  # whoever calls it
    ],
)
def test_a_single_step_trains_nothing(end: str, low: bool) -> None:
    assert ("LL501" in found_in(STEPS + end)) is low


OWN_TRAINER = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

class {name}(Trainer):
    def {method}(self, model, inputs, **others):
        {body}

model = AutoModelForCausalLM.from_pretrained("gpt2")
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["c_attn"], fan_in_fan_out=True))
{name}(model=model, args=TrainingArguments("out", learning_rate=1e-5)).train()
"""


@pytest.mark.parametrize(
    ("name", "method", "body", "low"),
    [
        ("Weighted", "compute_loss", "return (model(**inputs).loss * self.weights).mean()", True),
        ("Distilling", "compute_loss", "return kl_div(model(**inputs), self.teacher(**inputs))", False),
        ("MyDPOTrainer", "compute_loss", "return pairwise(model, inputs)", False),
        ("MyPPOTrainer", "rollout", "return sampled(model, inputs)", False),
        ("Logging", "log_reward", "print(reward(model, inputs))", True),
    ],
)
def test_a_trainer_of_the_programs_own(name: str, method: str, body: str, low: bool) -> None:
    program = OWN_TRAINER.format(name=name, method=method, body=body)
    assert ("LL501" in found_in(program)) is low


DPO = """\
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM
from trl import DPOConfig, DPOTrainer

model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-7B-Instruct")
{}
DPOTrainer(model{}, args=DPOConfig("out", learning_rate=5e-6{}), train_dataset=pairs).train()
"""
UNSLOTH = """from unsloth import FastLanguageModel
model, tokenizer = FastLanguageModel.from_pretrained("unsloth/llama-3-8b-bnb-4bit", load_in_4bit=True)
model = FastLanguageModel.get_peft_model(model, r=16, lora_alpha=16, target_modules=["q_proj"])"""
SFT = 'model = PeftModel.from_pretrained(model, "out/sft", is_trainable=True)'


@pytest.mark.parametrize(
    ("version", "put_on", "options", "settings", "found"),
    [
        ("0.11.4", SFT, "", "", True),
        ("0.28.0", SFT, ", ref_model=None", "", True),
        ("0.29.0", SFT, "", "", False),
        ("", SFT, "", "", False),
        ("0.11.4", SFT, ", ref_model=frozen", "", False),
        ("0.11.4", SFT, "", ", ref_adapter_name='ref'", False),
        ("0.11.4", f"{SFT}.merge_and_unload()", ", peft_config=LoraConfig(r=8)", "", False),
        ("0.11.4", "model = get_peft_model(model, LoraConfig(r=8))", "", "", False),
        ("0.22.2", UNSLOTH, "", "", False),
    ],
)
def test_dpo_on_the_adapter_of_a_fine_tuning(
    version: str,
    put_on: str,
    options: str,
    settings: str,
    found: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "requirements.txt").write_text(f"trl=={version}\n" if version else "trl\n")
    (tmp_path / "dpo.py").write_text(DPO.format(put_on, options, settings))
    assert ("LL505" in {each.code for each in engine.lint(["dpo.py"], Settings(), jobs=1).findings}) == found
