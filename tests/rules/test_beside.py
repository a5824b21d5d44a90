"""LL606, LL609, LL419: adapters beside each other, and what cannot be resumed; reproduced with PEFT and transformers."""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch.utils.data import Dataset
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments

from tests.support.programs import found_in

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """\
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")
"""
LOADED = "model = PeftModel.from_pretrained(model, 'me/one', adapter_name='one'{})\n"
ADDED = "model.add_adapter('two', LoraConfig(r=8, target_modules=['q_proj'], {}))\n"
WRAP = "model = get_peft_model(model, LoraConfig(r=16, lora_alpha=16, target_modules=['q_proj']{}), 'one')\n"
LATER = (
    WRAP.format(", init_lora_weights='pissa'")
    + "Trainer(model=model, args=TrainingArguments('out')).train()\nmodel.save_pretrained('out/pissa'{})\n"
    + "both = AutoModelForCausalLM.from_pretrained('meta-llama/Llama-2-7b-hf')\n"
    + "both = PeftModel.from_pretrained(both, 'me/chat', adapter_name='chat')\n"
    + "both.load_adapter('out/pissa', adapter_name='code')\n"
)
"""An adapter that the program itself trains and saves, loaded beside another."""
TOKENS = torch.arange(8)[None]


def llama() -> Any:
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    return LlamaForCausalLM(LlamaConfig(**sizes, vocab_size=64)).eval()


def config(**settings: Any) -> LoraConfig:
    return LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"], **settings)


def trained(**settings: Any) -> Any:
    """A model with an adapter, "one", that is not what it began with."""
    model = get_peft_model(llama(), config(**settings), adapter_name="one")
    for name, each in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(each, std=0.2)
    return model


def logits(model: Any) -> Any:
    with torch.no_grad():
        return model(TOKENS).logits


@pytest.mark.parametrize(
    ("start", "moves"), [("pissa", True), ("olora", True), ("pissa_niter_4", True), ("gaussian", False), (True, False)]
)
def test_an_adapter_that_changes_the_base_moves_the_others(start: Any, moves: bool) -> None:
    model = trained()
    before = logits(model)
    model.add_adapter("two", config(init_lora_weights=start))
    model.set_adapter("one")
    assert torch.allclose(logits(model), before, atol=1e-5) is not moves
    assert ("LL606" in found_in(HEAD + LOADED.format("") + ADDED.format(f"init_lora_weights={start!r}"))) is moves


def test_a_saved_one_changes_the_base_again_where_it_is_loaded(tmp_path: Path) -> None:
    get_peft_model(llama(), config(init_lora_weights="pissa")).save_pretrained(tmp_path)
    assert json.loads((tmp_path / "adapter_config.json").read_text(encoding="utf-8"))["init_lora_weights"] == "pissa"
    model = trained()
    before = logits(model)
    model.load_adapter(str(tmp_path), "two")
    model.set_adapter("one")
    assert not torch.allclose(logits(model), before, atol=1e-5)
    assert torch.allclose(logits(PeftModel.from_pretrained(llama(), tmp_path)), logits(llama()), atol=1e-5)


@pytest.mark.parametrize(
    "program",
    [
        WRAP.format(", init_lora_weights='pissa'") + ADDED.format(""),
        WRAP.format(", init_lora_weights='olora'") + "model.load_adapter('me/two', 'two')\n",
        WRAP.format("") + "model.add_adapter('two', peft_config=LoraConfig(init_lora_weights='PISSA_niter_8'))\n",
        "start = 'corda'\n" + LOADED.format(", is_trainable=True") + ADDED.format("init_lora_weights=start"),
        WRAP.format(", init_lora_weights='pissa'")
        + "Trainer(model=model, args=TrainingArguments('out')).train()\nmodel.load_adapter(path, adapter_name='old')\n",
        LATER.format(""),
    ],
)
def test_more_adapters_on_a_changed_base(program: str) -> None:
    assert "LL606" in found_in(HEAD + program)


@pytest.mark.parametrize(
    "program",
    [
        WRAP.format(", init_lora_weights='pissa'"),
        WRAP.format("") + ADDED.format("init_lora_weights='eva'"),
        WRAP.format(", init_lora_weights='pissa'") + "model.delete_adapter('one')\n" + ADDED.format(""),
        WRAP.format(", init_lora_weights=start") + ADDED.format(""),
        WRAP.format(", init_lora_weights='pissa'")
        + "model = model.merge_and_unload()\n"
        + WRAP.format("").replace("'one'", "'two'"),
        LATER.format(", path_initial_model_for_weight_conversion='start'"),
    ],
)
def test_adapters_on_a_base_of_their_own(program: str) -> None:
    assert "LL606" not in found_in(HEAD + "from mine import start\n" + program.replace("=start", "=start()"))


@pytest.mark.parametrize("kind", ["linear", "cat", "svd"])
def test_a_blend_of_rslora_counts_the_root_of_its_rank(kind: str) -> None:
    model = trained(use_rslora=True)
    wanted = logits(model)
    model.add_weighted_adapter(["one"], [1.0], "whole", combination_type=kind)
    model.add_weighted_adapter(["one"], [1.0 / 2], "divided", combination_type=kind)  # the root of 4
    model.set_adapter("whole")
    assert not torch.allclose(logits(model), wanted, atol=1e-3)
    model.set_adapter("divided")
    assert torch.allclose(logits(model), wanted, atol=1e-5)


@pytest.mark.parametrize("settings", [{}, {"lora_bias": True}])
def test_a_blend_without_rslora(settings: dict[str, Any]) -> None:
    model = trained(**settings)
    for name, each in model.named_parameters():
        if name.endswith("lora_B.one.bias"):
            torch.nn.init.normal_(each)
    wanted = logits(model)
    model.add_weighted_adapter(["one"], [1.0], "whole", combination_type="linear")
    model.set_adapter("whole")
    assert torch.allclose(logits(model), wanted, atol=1e-5) is (not settings)


BLEND = "model.add_weighted_adapter({}, 'both')\n"


@pytest.mark.parametrize(
    "program",
    [
        WRAP.format(", use_rslora=True") + BLEND.format("['one'], [1.0]"),
        WRAP.format(", use_rslora=True") + ADDED.format("") + BLEND.format("['one', 'two'], weights"),
        WRAP.format(", use_rslora=True") + "model.base_model.add_weighted_adapter(['one'], [0.5], 'half', 'linear')\n",
        WRAP.format(", lora_bias=True") + ADDED.format("") + BLEND.format("['one', 'two'], [0.5, 0.5]"),
        WRAP.format("") + ADDED.format("use_rslora=True") + BLEND.format("['two', 'one'], [0.5, 0.5]"),
    ],
)
def test_more_blends_that_lose_their_scale(program: str) -> None:
    assert "LL609" in found_in(HEAD + "from mine import weights\n" + program)


@pytest.mark.parametrize(
    "program",
    [
        WRAP.format("") + ADDED.format("use_rslora=True") + BLEND.format("['one', 'two'], [0.5, 0.5]"),
        WRAP.format(", use_rslora=True") + BLEND.format("['one'], [0.25]"),
        LOADED.format("") + BLEND.format("['one'], [1.0]"),
        WRAP.format(", use_rslora=True") + BLEND.format("names, [1.0]"),
        WRAP.format(", use_rslora=flag()") + BLEND.format("['one'], [1.0]"),
    ],
)
def test_blends_that_keep_it_or_are_not_known(program: str) -> None:
    assert "LL609" not in found_in(HEAD + "from mine import flag, names\n" + program)


class Rows(Dataset):  # type: ignore[type-arg]
    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"input_ids": TOKENS[0], "labels": TOKENS[0]}


@pytest.mark.parametrize("integrated", [True, False])
def test_trainer_resumes_no_adapter_of_transformers_own(integrated: bool, tmp_path: Path) -> None:
    def trainer(steps: int) -> Trainer:
        model = llama()
        if integrated:
            model.add_adapter(config())
        else:
            model = get_peft_model(model, config())
        arguments = TrainingArguments(str(tmp_path), max_steps=steps, save_steps=1, report_to=[], use_cpu=True)
        return Trainer(model=model, args=arguments, train_dataset=Rows())

    trainer(1).train()
    if integrated:
        with pytest.raises(ValueError, match="Can't find a checkpoint index"):
            trainer(2).train(resume_from_checkpoint=True)
    else:
        trainer(2).train(resume_from_checkpoint=True)
    put_on = (
        "model.add_adapter(LoraConfig(r=4))\n" if integrated else "model = get_peft_model(model, LoraConfig(r=4))\n"
    )
    resume = "Trainer(model, TrainingArguments('out')).train(resume_from_checkpoint=True)\n"
    assert ("LL419" in found_in(HEAD + put_on + resume)) is integrated


@pytest.mark.parametrize("integrated", [True, False])
def test_the_best_checkpoint_is_not_found(tmp_path: Path, integrated: bool) -> None:
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    model: Any = LlamaForCausalLM(LlamaConfig(**sizes, vocab_size=32))
    config = LoraConfig(r=2, target_modules=["q_proj"])
    if integrated:
        model.add_adapter(config)
    else:
        model = get_peft_model(model, config)
    arguments = TrainingArguments(
        str(tmp_path), max_steps=1, save_steps=1, eval_steps=1, eval_strategy="steps", report_to=[], use_cpu=True,
        load_best_model_at_end=True, metric_for_best_model="loss",
    )  # fmt: skip
    rows: Any = [{"input_ids": [1, 2, 3], "labels": [1, 2, 3]}] * 2
    trainer = Trainer(model=model, args=arguments, train_dataset=rows, eval_dataset=rows)
    with pytest.raises(FileNotFoundError, match="pytorch_model") if integrated else nullcontext():
        trainer.train()
    put_on = (
        "model.add_adapter(LoraConfig(r=4))\n" if integrated else "model = get_peft_model(model, LoraConfig(r=4))\n"
    )
    train = "Trainer(model, TrainingArguments('out', load_best_model_at_end={})).train()\n"
    assert ("LL419" in found_in(HEAD + put_on + train.format(True))) is integrated
    for value in (False, None, "given"):
        assert "LL419" not in found_in(HEAD + "from mine import given\n" + put_on + train.format(value))


ADD = "model.add_adapter(LoraConfig(r=8, target_modules=['q_proj']){})\n"


@pytest.mark.parametrize(
    "program",
    [
        ADD.format("") + "Trainer(model, TrainingArguments('out')).train('out/checkpoint-10')\n",
        ADD.format(", 'task'") + "t = Trainer(model=model)\nt.train(resume_from_checkpoint='c')\n",
        "model.load_adapter('me/a', is_trainable=True)\nTrainer(model=model).train(resume_from_checkpoint=True)\n",
        "from trl import SFTTrainer\n"
        + ADD.format("")
        + "SFTTrainer(model=model).train(resume_from_checkpoint=True)\n",
    ],
)
def test_more_that_cannot_be_resumed(program: str) -> None:
    assert "LL419" in found_in(HEAD + program)


@pytest.mark.parametrize(
    "program",
    [
        ADD.format("") + "Trainer(model=model).train(resume_from_checkpoint=None)\n",
        ADD.format("") + "from mine import last\nTrainer(model=model).train(resume_from_checkpoint=last())\n",
        "model = get_peft_model(model, LoraConfig(r=4))\nTrainer(model=model).train(resume_from_checkpoint=True)\n",
        ADD.format("") + "from mine import MyTrainer\nMyTrainer(model=model).train(resume_from_checkpoint=True)\n",
    ],
)
def test_what_can_be_resumed_or_is_not_known(program: str) -> None:
    assert "LL419" not in found_in(HEAD + program)


def test_a_new_adapter_changes_nothing() -> None:
    model = get_peft_model(llama(), config())
    assert torch.equal(model.generate(TOKENS, max_new_tokens=4), llama().generate(TOKENS, max_new_tokens=4))


ASK = "print(model.generate(**inputs))\n"


@pytest.mark.parametrize(
    "program",
    [
        WRAP.format("") + "model.to('cuda').eval()\n" + ASK,
        "model.add_adapter(LoraConfig(r=8))\n" + ASK,
        WRAP.format("")
        + "trainer = Trainer(model=model, args=TrainingArguments('out'))\nprint(trainer.predict(data))\n",
        "def answer(model):\n    return model.generate(max_new_tokens=8)\n\n" + WRAP.format("") + "answer(model)\n",
        "from unsloth import FastLanguageModel\nmodel, tokenizer = FastLanguageModel.from_pretrained('unsloth/llama-3-8b')\n"
        "model = FastLanguageModel.get_peft_model(model, r=16)\nFastLanguageModel.for_inference(model)\n" + ASK,
    ],
)
def test_more_new_adapters_that_only_answer(program: str) -> None:
    assert "LL608" in found_in(HEAD + program)


@pytest.mark.parametrize(
    "program",
    [
        WRAP.format(", init_lora_weights=False") + ASK,
        WRAP.format("") + "model.load_state_dict(state)\n" + ASK,
        WRAP.format("") + "give_it_weights(model)\nfrom torch import load\nmodel.load_adapter('a', 'one')\n" + ASK,
        "if new():\n    " + WRAP.format("") + "else:\n    " + LOADED.format("") + ASK,
        WRAP.format("") + "import time\nstart = time.perf_counter()\n" + ASK,
    ],
)
def test_adapters_that_may_have_been_trained(program: str) -> None:
    assert "LL608" not in found_in(HEAD + "from mine import give_it_weights, new, state\n" + program)
