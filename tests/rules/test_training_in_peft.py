"""What PEFT lets pass without an error and ruins a training, reproduced with PEFT itself on a tiny model, and found in
the text of the program: so that we notice when PEFT changes. And what accelerate and TRL do with such models."""

from __future__ import annotations

import inspect
import warnings
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest
import torch
from accelerate import Accelerator, DistributedType
from peft import LoraConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertModel,
    DebertaV2Config,
    DebertaV2ForSequenceClassification,
    LlamaConfig,
    LlamaForCausalLM,
    LlamaModel,
    WhisperConfig,
    WhisperForConditionalGeneration,
)
from trl import DPOTrainer

import lora_lint
from lora_lint.linting import engine
from lora_lint.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

IMPORTS = """\
from peft import LoraConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, Trainer, TrainingArguments

model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")
"""
TRAIN = "Trainer(model=model, args=TrainingArguments('out', learning_rate=2e-4)).train()\n"
WRAP = "model = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules=['q_proj']{}))\n"


def codes(program: str, after: str = "") -> set[str]:
    """What lora-lint finds in a program that trains, and in what comes after."""
    found = engine.lint_text(IMPORTS + program + TRAIN + after, "train.py", Settings()).findings
    return {finding.code for finding in found}


def llama(**settings: Any) -> Any:
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    return LlamaForCausalLM(LlamaConfig(**sizes, vocab_size=64, **settings))


def wrapped(**settings: Any) -> Any:
    return get_peft_model(llama(), LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj"], **settings))


def trainable(model: Any) -> list[str]:
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


def lora_b(model: Any) -> Any:
    return next(each for name, each in model.named_parameters() if "lora_B" in name).detach()


def test_preparing_after_the_wrap_freezes_the_adapter() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert not trainable(prepare_model_for_kbit_training(wrapped()))
    assert "LL404" in codes(WRAP.format("") + "model = prepare_model_for_kbit_training(model)\n")


def test_a_reloaded_adapter_is_frozen(tmp_path: Path) -> None:
    wrapped().save_pretrained(tmp_path)
    assert not trainable(PeftModel.from_pretrained(llama(), tmp_path))
    assert trainable(PeftModel.from_pretrained(llama(), tmp_path, is_trainable=True))
    assert "LL402" in codes("model = PeftModel.from_pretrained(model, 'adapter')\n")
    assert "LL402" not in codes("model = PeftModel.from_pretrained(model, 'adapter', is_trainable=True)\n")


FROZEN = "model = PeftModel.from_pretrained(model, 'adapter', adapter_name='one')\n"
CONFIG = "LoraConfig(r=4, lora_alpha=8, target_modules=['q_proj'])"


@pytest.mark.parametrize(
    "program",
    [
        FROZEN + "model.load_adapter('other', adapter_name='two', is_trainable=True)\nmodel.set_adapter('two')\n",
        FROZEN + f"model.add_adapter('two', {CONFIG})\nmodel.set_adapter('two')\n",
        FROZEN + f"model.add_adapter('two', {CONFIG})\nmodel.base_model.set_adapter(['one', 'two'])\n",
        FROZEN + "model.set_adapter('one')\n",
        FROZEN + "model.set_requires_grad('one')\n",
        FROZEN + "import sys\nmodel.set_adapter(sys.argv[1])\n",
        FROZEN + "for name in ['one']:\n    model.set_adapter(name)\n",
        FROZEN.replace("'one'", "'train', is_trainable=True") + "model.load_adapter('adapter', 'reference')\n",
        WRAP.format("") + "model.load_adapter('adapter', adapter_name='default')\n",
        WRAP.format("") + "model.load_adapter('adapter', adapter_name='reference')\n",
        f"model.add_adapter({CONFIG})\n",
        "model.load_adapter('adapter')\nmodel.enable_adapters()\n",
        "from mine import Net\nmodel = Net.from_pretrained('net')\nmodel.load_adapter('adapter')\n",
        "from mine import config\n" + FROZEN + "model.add_adapter('two', config)\nmodel.set_adapter('two')\n",
        "model.load_adapter('adapter')\nmodel.train_adapter('default')\n",
    ],
)
def test_a_second_adapter_that_trains(program: str) -> None:
    assert "LL402" not in codes(program)


@pytest.mark.parametrize(
    "program",
    [
        FROZEN + "model.load_adapter('other', adapter_name='two')\n",
        FROZEN + "model.set_adapter('one', inference_mode=True)\n",
        FROZEN + "model.set_adapter('one')\nmodel.set_requires_grad('one', requires_grad=False)\n",
        FROZEN + "for n, p in model.named_parameters():\n    if 'lora' not in n:\n        p.requires_grad = False\n",
        "model.load_adapter('adapter')\n",
    ],
)
def test_adapters_of_which_none_trains(program: str) -> None:
    assert "LL402" in codes(program)


@pytest.mark.parametrize(
    "program",
    [
        FROZEN + f"model.add_adapter('two', {CONFIG})\n",
        "from mine import config\n" + FROZEN + "model.add_adapter('two', config)\n",
    ],
)
def test_an_added_adapter_waits_to_be_activated(program: str) -> None:
    assert codes(program) & {"LL402", "LL415"} == {"LL415"}


def test_what_is_frozen_beside_an_adapter_that_was_thawed() -> None:
    rest = "for n, p in model.named_parameters():\n    if 'lora' not in n:\n        p.requires_grad = False\n"
    assert "LL402" not in codes(FROZEN + "model.set_adapter('one')\n" + rest)


def test_a_string_of_modules_to_save_is_taken_letter_by_letter() -> None:
    assert any("self_attn.k_proj.weight" in name for name in trainable(wrapped(modules_to_save="lm_head")))
    assert not any("k_proj" in name for name in trainable(wrapped(modules_to_save=["lm_head"])))
    assert "LL902" in codes(WRAP.format(", modules_to_save='lm_head'"))


def test_inference_mode_freezes_the_adapter() -> None:
    assert not trainable(wrapped(inference_mode=True))
    assert "LL403" in codes(WRAP.format(", inference_mode=True"))


def test_a_saved_config_freezes_the_new_adapter_and_has_no_weights(tmp_path: Path) -> None:
    wrapped().save_pretrained(tmp_path)
    model = get_peft_model(llama(), LoraConfig.from_pretrained(tmp_path))
    assert not trainable(model)
    assert not lora_b(model).any()
    load = "config = LoraConfig.from_pretrained('{}'){}\nmodel = get_peft_model(model, config)\n"
    assert "LL403" in codes(load.format("outputs/first", ""))
    assert "LL403" not in codes(load.format("outputs/first", "\nconfig.inference_mode = False"))
    assert "LL403" not in codes("import sys\n" + load.replace("'{}'", "sys.argv[1]").format(""))
    assert "LL403" not in codes(load.format("meta-llama/Llama-2-7b-hf", ""))


def test_a_config_in_the_project_says_itself_whether_it_is_for_inference(tmp_path: Path) -> None:
    program = "model = get_peft_model(model, LoraConfig.from_pretrained('template'))\n"
    place = tmp_path / "train.py"
    (tmp_path / "template").mkdir()
    LoraConfig(r=4, target_modules=["q_proj"]).save_pretrained(tmp_path / "template")
    place.write_text(IMPORTS + program + TRAIN)
    found = lora_lint.lint(place).findings
    assert "LL403" not in {finding.code for finding in found}


def test_a_trained_adapter_that_is_added_once_more_is_lost() -> None:
    base = llama()
    first = get_peft_model(base, LoraConfig(r=4, target_modules=["q_proj"]))
    lora_b(first).fill_(1.0)
    assert not lora_b(get_peft_model(base, LoraConfig(r=4, target_modules=["q_proj"]))).any()
    program = "again = get_peft_model(model, LoraConfig(r=4, target_modules=['q_proj']))\n"
    first_wrap = WRAP.format("").replace("model =", "first =")
    train = TRAIN.replace("model=model", "model=first")

    def says(end: str) -> set[str]:
        text = IMPORTS + first_wrap + train + program + end
        return {each.code for each in engine.lint_text(text, "train.py", Settings()).findings}

    assert "LL414" in says("again.save_pretrained('out/adapter')\n")
    assert "LL414" in says("first.save_pretrained('out/adapter')\n")
    assert "LL414" not in says(TRAIN.replace("model=model", "model=again") + "again.save_pretrained('out/b')\n")


def test_what_is_unfrozen_by_hand_trains_and_is_not_saved(tmp_path: Path) -> None:
    from safetensors import safe_open

    model = wrapped()
    for parameter in model.parameters():
        parameter.requires_grad = True
    assert any("lora_" not in name for name in trainable(model))
    model.save_pretrained(tmp_path)
    with safe_open(tmp_path / "adapter_model.safetensors", "pt") as saved:
        assert all("lora_" in name for name in saved.keys())  # noqa: SIM118
    assert "LL401" in codes(WRAP.format("") + "for p in model.parameters():\n    p.requires_grad = True\n")


THAW = "for p in model.parameters():\n    p.requires_grad = True\n"
OPTIMIZER = "optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)\n"
OTHER = """\
import sys
import torch
from torch import nn
from transformers import get_scheduler

class Probe(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(2, 2)

class Task:
    def __init__(self, model):
        self.model = model
        self.optimizer = None

    def configure(self):
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-4)

def optimizer_of(model):
    return torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)

def thaw(model):
    for p in model.parameters():
        p.requires_grad = True

other = get_peft_model(AutoModelForCausalLM.from_pretrained("gpt2"), LoraConfig(r=4, target_modules=["c_attn"]))
"""


@pytest.mark.parametrize(
    "made",
    [
        OPTIMIZER.replace("model.", "other."),
        "optimizer_of(other)\n",
        "Task(other).configure()\n",
        OPTIMIZER.replace("model.parameters()", "nn.Linear(2, 2).parameters()"),
        OPTIMIZER.replace("model.parameters()", "Probe().parameters()"),
        OPTIMIZER.replace("model.parameters()", "[{'params': Probe().parameters()}, {'params': other.parameters()}]"),
        "for probe in [Probe(), Probe()]:\n    torch.optim.SGD(probe.parameters(), lr=1e-4)\n",
        "if sys.argv[1] == 'late':\n    " + OPTIMIZER,
        "def unused():\n    print(LoraConfig)\n    " + OPTIMIZER,
        "for r in []:\n    " + OPTIMIZER,
        "if sys.argv[1] == 'late':\n    " + OPTIMIZER + "    sys.exit()\n",
        "if sys.argv[1] == 'late':\n    " + OPTIMIZER + "else:\n    thaw(model)\n",
    ],
)
def test_an_optimizer_that_is_not_of_this_model_or_branch(made: str) -> None:
    program = OTHER + WRAP.format("") + made + ("" if "thaw(model)" in made else THAW)
    assert "LL401" in codes(program + OPTIMIZER), "as it is without the first optimizer"
    assert "LL401" in codes(program)


@pytest.mark.parametrize(
    "made",
    [
        OPTIMIZER,
        "optimizer_of(model)\n",
        "task = Task(model)\ntask.configure()\n",
        OPTIMIZER.replace("model.parameters()", "filter(lambda p: p.requires_grad, model.parameters())"),
        OPTIMIZER.replace("model.parameters()", "elsewhere(model)"),
        OPTIMIZER.replace("model.parameters()", "[{'params': other.parameters()}, {'params': model.parameters()}]"),
        "if sys.argv[1] == 'sgd':\n    " + OPTIMIZER + "else:\n    " + OPTIMIZER.replace("AdamW", "SGD"),
        "if sys.argv[1] == 'sgd':\n    " + OPTIMIZER + "if sys.argv[1] == 'adam':\n    " + OPTIMIZER,
    ],
)
def test_what_is_unfrozen_after_the_optimizer_is_made(made: str) -> None:
    program = OTHER + WRAP.format("") + made + THAW + "optimizer.step()\n"
    found = engine.lint_text(IMPORTS + program, "train.py", Settings()).findings
    assert "LL401" not in {finding.code for finding in found}


def test_a_model_that_nothing_trains_beside_one_that_is_trained() -> None:
    thawed = OTHER + WRAP.format("") + THAW
    trained = OPTIMIZER.replace("model.parameters()", "other.parameters()")
    assert "LL401" in {finding.code for finding in engine.lint_text(IMPORTS + thawed, "t.py", Settings()).findings}
    found = engine.lint_text(IMPORTS + thawed + trained, "train.py", Settings()).findings
    assert "LL401" not in {finding.code for finding in found}


UNFREEZE = "for name, p in model.named_parameters():\n    if {} in name:\n        p.requires_grad = True\n"
SAVE = "model.save_pretrained('adapter')\n"


def test_named_parts_that_are_unfrozen_are_not_saved(tmp_path: Path) -> None:
    from safetensors import safe_open

    model = wrapped()
    for name, parameter in model.named_parameters():
        if "lm_head" in name:
            parameter.requires_grad = True
            parameter.data += 1
    assert any("lm_head" in name for name in trainable(model))
    tokens = torch.arange(8)[None]
    after = model(tokens).logits
    model.save_pretrained(tmp_path)
    with safe_open(tmp_path / "adapter_model.safetensors", "pt") as saved:
        assert all("lora_" in name for name in saved.keys())  # noqa: SIM118
    assert not torch.allclose(PeftModel.from_pretrained(llama(), tmp_path)(tokens).logits, after)
    program = WRAP.format("") + UNFREEZE.format("'lm_head'")
    assert codes(program) >= {"LL401"}
    assert {"LL401", "LL410"} & codes(program, SAVE) == {"LL410"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "torch.save(model.lm_head, 'head.pt')\n" + SAVE),
        ("", SAVE + "save_head(model)\n"),
        ("", "model.save_pretrained('adapter', save_embedding_layers=True)\n"),
        ("", SAVE + "model.lm_head.save_pretrained('head')\n"),
        ("", SAVE + "model.merge_and_unload().save_pretrained('merged')\n"),
        ("model.save_pretrained('adapter')\n", ""),
        ("model.resize_token_embeddings(32002)\n", SAVE),
    ],
)
def test_parts_that_may_be_saved(before: str, after: str) -> None:
    resize = before if "resize" in before else ""
    program = resize + WRAP.format("") + UNFREEZE.format("'lm_head'") + before.removeprefix(resize or "\0")
    assert "LL410" not in codes(program, after)


@pytest.mark.parametrize("task", [None, "SEQ_CLS"])
def test_a_classifier_needs_its_task_type(task: str | None) -> None:
    base = BertForSequenceClassification(
        BertConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64, vocab_size=64)
    )
    model = get_peft_model(base, LoraConfig(r=4, target_modules=["query"], task_type=task))
    assert any("classifier" in name for name in trainable(model)) is (task is not None)
    load = "model = AutoModelForSequenceClassification.from_pretrained('google-bert/bert-base-cased')\n"
    settings = f", task_type={task!r}" if task else ""
    found = codes(load + WRAP.format(settings).replace("q_proj", "query"))
    assert ("LL406" in found) is (task is None)


def test_an_adapter_that_is_loaded_onto_another_one_is_not_loaded(tmp_path: Path) -> None:
    saved = wrapped()
    torch.nn.init.ones_(lora_b(saved))
    saved.save_pretrained(tmp_path)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        nested = PeftModel.from_pretrained(wrapped(), tmp_path)
    assert any("missing adapter keys" in str(each.message) for each in told)
    assert not torch.equal(lora_b(nested), lora_b(saved))
    assert torch.equal(lora_b(PeftModel.from_pretrained(llama(), tmp_path)), lora_b(saved))
    load = "model = PeftModel.from_pretrained(model, 'adapter', is_trainable=True)\n"
    assert "LL409" in codes(WRAP.format("") + load)
    assert "LL409" not in codes(load)


@pytest.mark.parametrize("settings", ["", "trainable_token_indices=[64, 65]", "modules_to_save=['embed_tokens']"])
def test_new_tokens_do_not_train_by_themselves(settings: str) -> None:
    base = llama()
    base.resize_token_embeddings(66, mean_resizing=False)
    model = get_peft_model(
        base, eval(f"LoraConfig(r=4, lora_alpha=8, target_modules=['q_proj'], {settings})", {"LoraConfig": LoraConfig})
    )
    tokens = torch.tensor([[1, 64, 2, 65]])
    before = model.get_input_embeddings()(tokens).detach().clone()
    optimizer = torch.optim.SGD([each for each in model.parameters() if each.requires_grad], lr=1.0)
    model(tokens, labels=tokens).loss.backward()
    optimizer.step()
    moved = not torch.equal(model.get_input_embeddings()(tokens).detach(), before)
    assert moved is bool(settings)
    add = (
        "tokenizer = AutoTokenizer.from_pretrained('meta-llama/Llama-2-7b-hf')\ntokenizer.add_tokens(['<a>', '<b>'])\n"
    )
    program = (
        "from transformers import AutoTokenizer\n" + add + "model.resize_token_embeddings(len(tokenizer))\n"
        + WRAP.format(f", {settings}")
    )  # fmt: skip
    assert ("LL407" in codes(program)) is not moved


@pytest.mark.parametrize("identity", [True, False])
def test_without_its_initialisation_an_adapter_is_not_the_identity(identity: bool) -> None:
    inputs = torch.arange(8)[None]
    with torch.no_grad():
        same = torch.equal(wrapped(init_lora_weights=identity)(inputs).logits, llama()(inputs).logits)
    assert same is identity
    assert ("LL413" in codes(WRAP.format(f", init_lora_weights={identity}"))) is not identity


@pytest.mark.parametrize("before", [True, False])
def test_reentrant_checkpointing_has_its_gradients(before: bool) -> None:
    """In transformers 5 either order trains, so that LL411 asks for a pin below 5 (its page has what 4.57.1 does)."""
    model = llama()
    reentrant = {"use_reentrant": True}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if before:
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs=reentrant)
        model = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj"]))
        if not before:
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs=reentrant)
        model.train()
        tokens = torch.arange(8)[None]
        model(tokens, labels=tokens).loss.backward()
    assert all(each.grad is not None for each in model.parameters() if each.requires_grad)


TIED = "model = AutoModelForCausalLM.from_pretrained('Qwen/Qwen2.5-0.5B')\n"


@pytest.mark.parametrize(
    ("settings", "differs"),
    [
        ("target_modules=['q_proj', 'embed_tokens']", True),
        ("target_modules=['q_proj', 'lm_head']", True),
        ("target_modules=['q_proj', 'embed_tokens', 'lm_head']", True),
        ("target_modules=['q_proj', 'embed_tokens'], ensure_weight_tying=True", True),
        ("target_modules=['q_proj']", False),
        ("target_modules=['q_proj'], modules_to_save=['embed_tokens']", False),
        ("target_modules=['q_proj'], modules_to_save=['lm_head']", False),
        ("target_modules=['q_proj'], trainable_token_indices=[1, 2]", False),
    ],
)
def test_merging_into_tied_embeddings_changes_both_ends(tmp_path: Path, settings: str, differs: bool) -> None:
    text = f"LoraConfig(r=4, lora_alpha=8, init_lora_weights=False, {settings})"
    inputs = torch.arange(12)[None]
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        model = get_peft_model(llama(tie_word_embeddings=True), eval(text, {"LoraConfig": LoraConfig})).eval()
        for name, parameter in model.named_parameters():
            if parameter.requires_grad and "lora_" not in name:
                parameter.add_(0.1)
        trained = model(inputs).logits
        model.save_pretrained(tmp_path)
        again = PeftModel.from_pretrained(llama(tie_word_embeddings=True), tmp_path).eval()
        assert torch.allclose(again(inputs).logits, trained, atol=1e-5)
        merged = model.merge_and_unload().eval()(inputs).logits
    assert torch.allclose(merged, trained, atol=1e-4) is not differs
    program = TIED + f"model = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, {settings}))\n" + TRAIN
    found = engine.lint_text(IMPORTS + program + "model = model.merge_and_unload()\n", "train.py", Settings()).findings
    assert [each.level for each in found if each.code == "LL603"] == ["error"] * differs
    found = engine.lint_text(IMPORTS + program, "train.py", Settings()).findings
    assert [each.level for each in found if each.code in ("LL209", "LL603")] == ["advice"] * differs
    untied = (IMPORTS + program).replace("Qwen2.5-0.5B", "Qwen2.5-7B") + "model = model.merge_and_unload()\n"
    assert not [each for each in engine.lint_text(untied, "train.py", Settings()).findings if each.code == "LL603"]


def test_a_wrap_over_a_loaded_adapter_starts_it_anew(tmp_path: Path) -> None:
    trained = wrapped()
    torch.nn.init.ones_(next(each for name, each in trained.named_parameters() if "lora_B" in name))
    trained.save_pretrained(tmp_path)
    base = llama()
    assert lora_b(PeftModel.from_pretrained(base, tmp_path)).any()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        again = get_peft_model(base, LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj"]))
    assert not lora_b(again).any()
    load = "model = PeftModel.from_pretrained(model, 'adapter', is_trainable=True)\n"
    assert "LL414" in codes(load + WRAP.format(""))
    assert "LL414" not in codes(load)


def test_an_added_adapter_is_not_active() -> None:
    model = wrapped()
    model.add_adapter("task", LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj"]))
    assert model.active_adapters == ["default"]
    assert not any(".task." in name for name in trainable(model))
    add = WRAP.format("") + f"model.add_adapter('task', {CONFIG})\n"
    assert "LL415" in codes(add)
    assert "LL415" not in codes(add + "model.set_adapter('task')\n")


def test_setting_a_frozen_adapter_active_thaws_it(tmp_path: Path) -> None:
    wrapped().save_pretrained(tmp_path)
    model = PeftModel.from_pretrained(llama(), tmp_path, adapter_name="one")
    model.add_adapter("two", LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj"]))
    model.base_model.set_adapter(["one", "two"])
    assert any(".one." in name for name in trainable(model))
    both = FROZEN + f"model.add_adapter('two', {CONFIG})\nmodel.base_model.set_adapter(['one', 'two'])\n"
    assert "LL415" in codes(both)
    assert "LL415" not in codes(both + "model.set_requires_grad('one', False)\n")


@pytest.mark.parametrize("target", ["model", "model.base_model", "model.base_model.model"])
def test_freezing_all_after_the_wrap_freezes_the_adapter(target: str) -> None:
    model = wrapped()
    inner = {"model": model, "model.base_model": model.base_model}.get(target, model.base_model.model)
    for parameter in inner.parameters():
        parameter.requires_grad = False
    assert not trainable(model)
    freeze = f"for p in {target}.parameters():\n    p.requires_grad = False\n"
    assert "LL416" in codes(WRAP.format("") + freeze)
    assert "LL416" not in codes(freeze + WRAP.format(""))


def test_an_optimizer_from_before_the_wrap_changes_nothing() -> None:
    model = llama()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    model = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj"]))
    tokens = torch.arange(8)[None]
    model(input_ids=tokens, labels=tokens).loss.backward()
    optimizer.step()
    assert not lora_b(model).any()
    make = "import torch\noptimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)\n"
    loop = "for batch in batches:\n    model(**batch).loss.backward()\n    optimizer.step()\n"
    assert "LL417" in steps(make + WRAP.format("") + loop)
    assert "LL417" not in steps(WRAP.format("") + make + loop)


def steps(program: str) -> set[str]:
    """What lora-lint finds in a program that trains by hand."""
    found = engine.lint_text(IMPORTS + program, "train.py", Settings()).findings
    return {finding.code for finding in found}


SIZES = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 32}
SHORT = LoraConfig(r=2, target_modules=["query_proj"], task_type="SEQ_CLS")


def test_the_pooler_of_deberta_is_neither_trained_nor_saved() -> None:
    model = get_peft_model(DebertaV2ForSequenceClassification(DebertaV2Config(**SIZES)), SHORT)
    assert any("classifier" in name for name in trainable(model))
    assert not any("pooler" in name for name in trainable(model))
    load = "model = AutoModelForSequenceClassification.from_pretrained('microsoft/deberta-v3-base', num_labels=2)\n"
    wrap = "model = get_peft_model(model, LoraConfig(r=8, target_modules=['query_proj'], task_type='SEQ_CLS'{}))\n"
    assert "LL406" in codes(load + wrap.format(""))
    assert "LL406" not in codes(load + wrap.format(", modules_to_save=['pooler']"))


def test_freezing_all_but_lora_freezes_the_copy_of_the_head() -> None:
    config = LoraConfig(r=2, target_modules=["query"], task_type="SEQ_CLS")
    model = get_peft_model(BertForSequenceClassification(BertConfig(**SIZES)), config)
    assert any("modules_to_save" in name for name in trainable(model))
    for name, parameter in model.named_parameters():
        if "lora" not in name:
            parameter.requires_grad = False
    assert all("lora" in name for name in trainable(model))


def test_a_classifier_is_no_model_that_generates() -> None:
    config = LoraConfig(r=2, target_modules=["query"], task_type="CAUSAL_LM")
    with pytest.raises(AttributeError, match="prepare_inputs_for_generation"):
        get_peft_model(BertForSequenceClassification(BertConfig(**SIZES)), config)
    load = "model = AutoModelForSequenceClassification.from_pretrained('bert-base-cased', num_labels=2)\n"
    wrap = "model = get_peft_model(model, LoraConfig(r=8, target_modules=['query'], task_type='{}'))\n"
    assert "LL418" in codes(load + wrap.format("CAUSAL_LM"))
    assert "LL418" in codes("from peft import HRAConfig\n" + load + wrap.format("CAUSAL_LM").replace("LoraC", "HRAC"))
    assert "LL418" not in codes(load + wrap.format("SEQ_CLS"))


@pytest.mark.parametrize("model", [BertModel, BertForMaskedLM, BertForQuestionAnswering, LlamaModel])
def test_a_model_without_a_language_head_does_not_generate(model: Any) -> None:
    llama = model is LlamaModel
    config, target = (LlamaConfig(**SIZES), "q_proj") if llama else (BertConfig(**SIZES), "query")
    for task, raises in (("CAUSAL_LM", True), ("SEQ_2_SEQ_LM", True), ("FEATURE_EXTRACTION", False), (None, False)):
        settings = LoraConfig(r=2, target_modules=[target], task_type=task)
        with pytest.raises(AttributeError, match="prepare_inputs_for") if raises else nullcontext():
            get_peft_model(model(config), settings)
        name = "meta-llama/Llama-2-7b-hf" if llama else "bert-base-cased"
        program = (
            f"from transformers import {model.__name__}\nmodel = {model.__name__}.from_pretrained('{name}')\n"
            f"model = get_peft_model(model, LoraConfig(r=8, target_modules=['{target}'], task_type={task!r}))\n"
        )
        assert ("LL418" in codes(program)) is raises


@pytest.mark.parametrize(
    "load",
    [
        "AutoModel.from_pretrained('OpenGVLab/InternVL2-8B', trust_remote_code=True)",
        "AutoModel.from_pretrained('meta-llama/Llama-4-Scout-17B-16E-Instruct')",
        "AutoModelForMaskedLM.from_pretrained('facebook/bart-base')",
    ],
)
def test_a_class_that_may_generate_has_any_task_type(load: str) -> None:
    program = (
        f"from transformers import AutoModel, AutoModelForMaskedLM\nmodel = {load}\n"
        "model = get_peft_model(model, LoraConfig(r=8, target_modules=['q_proj'], task_type='CAUSAL_LM'))\n"
    )
    assert "LL418" not in codes(program)


def test_a_model_of_before_450_rejects_the_labels() -> None:
    program = (
        "from transformers import AutoModel{0}\nmodel = AutoModel{0}.from_pretrained('bert-base-cased')\n"
        "model = get_peft_model(model, LoraConfig(r=8, target_modules=['query'], task_type='CAUSAL_LM'))\n"
    )
    pinned = '# /// script\n# dependencies = ["transformers==4.46.3"]\n# ///\n'
    found = engine.lint_text(pinned + IMPORTS + program.format(""), "train.py", Settings()).findings
    assert "TypeError" in next(each.message for each in found if each.code == "LL418")
    masked = engine.lint_text(pinned + IMPORTS + program.format("ForMaskedLM"), "train.py", Settings()).findings
    assert "LL418" not in {each.code for each in masked}


def test_add_adapter_does_not_look_at_the_task_type() -> None:
    model = BertForSequenceClassification(BertConfig(**SIZES))
    model.add_adapter(LoraConfig(r=2, target_modules=["query"], task_type="SEQ_CLS"))
    assert all("lora" in name for name in trainable(model))
    BertForSequenceClassification(BertConfig(**SIZES)).add_adapter(
        LoraConfig(r=2, target_modules=["query"], task_type="CAUSAL_LM")
    )
    load = "model = AutoModelForSequenceClassification.from_pretrained('bert-base-cased', num_labels=2)\n"
    add = "model.add_adapter(LoraConfig(r=8, target_modules=['query'], task_type='{}'{}))\n"
    train = "Trainer(model=model).train()\n"
    assert "LL406" in codes(load + add.format("SEQ_CLS", "") + train)
    assert codes(load + add.format("CAUSAL_LM", ", modules_to_save=['classifier']") + train).isdisjoint(
        {"LL406", "LL418"}
    )


def test_whisper_takes_no_input_ids() -> None:
    sizes = {"d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2}
    config = WhisperConfig(
        **sizes,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        vocab_size=64,
        num_mel_bins=8,
        max_source_positions=8,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
    )
    sound, labels = torch.zeros(1, 8, 16), torch.tensor([[3, 4]])
    plain = get_peft_model(WhisperForConditionalGeneration(config), LoraConfig(r=2, target_modules=["q_proj"]))
    assert plain(input_features=sound, labels=labels).loss is not None
    settings = LoraConfig(r=2, target_modules=["q_proj"], task_type="SEQ_2_SEQ_LM")
    typed = get_peft_model(WhisperForConditionalGeneration(config), settings)
    with pytest.raises(TypeError, match="input_ids"):
        typed(input_features=sound, labels=labels)


def test_a_merge_leaves_nothing_to_save_in_the_wrapped_model(tmp_path: Path) -> None:
    model = wrapped()
    model.merge_and_unload()
    model.save_pretrained(tmp_path)
    assert (tmp_path / "adapter_model.safetensors").stat().st_size == 40
    save = "model.save_pretrained('merged')\n"
    merge = "model.merge_and_unload()\n"
    assert "LL604" in codes(WRAP.format(""), merge + save)
    assert "LL604" not in codes(WRAP.format(""), f"model = {merge}{save}")


@pytest.mark.parametrize(
    ("folder", "found"),
    [("merged", True), ("out/qwen_merged_16bit/", True), ("unmerged", False), ("adapter", False), ("emerged", False)],
)
def test_what_is_called_merged_and_nothing_merges_holds_the_adapter_alone(
    tmp_path: Path, folder: str, found: bool
) -> None:
    from safetensors import safe_open

    model = get_peft_model(llama(), LoraConfig(r=4, target_modules=["q_proj"]))
    model.save_pretrained(tmp_path)
    with safe_open(tmp_path / "adapter_model.safetensors", "pt") as saved:
        assert all("lora_" in name for name in saved.keys())  # noqa: SIM118
    assert ("LL604" in codes(WRAP.format(""), f'model.save_pretrained("{folder}")\n')) is found


def test_an_adapter_on_a_compiled_model_has_names_of_its_own(tmp_path: Path) -> None:
    from safetensors import safe_open

    model = get_peft_model(torch.compile(llama()), LoraConfig(r=4, target_modules=["q_proj"]))
    model.save_pretrained(tmp_path)
    with safe_open(tmp_path / "adapter_model.safetensors", "pt") as saved:
        assert all("_orig_mod" in name for name in saved.keys())  # noqa: SIM118
    compiled = "import torch\nmodel = torch.compile(model)\n"
    assert "LL605" in codes(compiled + WRAP.format(""))
    assert "LL605" not in codes(WRAP.format("") + compiled)


def test_copies_of_modules_have_the_type_of_the_base_model() -> None:
    model = get_peft_model(llama().half(), LoraConfig(r=4, target_modules=["q_proj"], modules_to_save=["lm_head"]))
    copy = next(each for name, each in model.named_parameters() if "modules_to_save" in name)
    assert (copy.dtype, copy.requires_grad, lora_b(model).dtype) == (torch.float16, True, torch.float32)
    optimizer, scaler = torch.optim.AdamW([copy], lr=1e-4), torch.amp.GradScaler("cpu")
    scaler.scale(copy.float().sum()).backward()
    with pytest.raises(ValueError, match="unscale FP16"):
        scaler.unscale_(optimizer)
    load = "import torch\nmodel = AutoModelForCausalLM.from_pretrained('gpt2', dtype=torch.{})\n"
    wrap = WRAP.format(", modules_to_save=['lm_head']")
    assert "LL803" in codes(load.format("float16") + wrap)
    assert "LL803" not in codes(load.format("bfloat16") + wrap)


def test_unfrozen_parts_have_the_type_of_the_base_model() -> None:
    model = get_peft_model(llama().half(), LoraConfig(r=4, target_modules=["q_proj"]))
    norms = [each for name, each in model.named_parameters() if "norm" in name]
    for norm in norms:
        norm.requires_grad = True
    scaler = torch.amp.GradScaler("cpu")
    scaler.scale(norms[0].float().sum()).backward()
    with pytest.raises(ValueError, match="unscale FP16"):
        scaler.unscale_(torch.optim.AdamW(norms, lr=1e-4))
    load = "import torch\nmodel = AutoModelForCausalLM.from_pretrained('gpt2', dtype=torch.{})\n"
    unfreeze = "for name, each in model.named_parameters():\n    if 'ln_' in name:\n        each.requires_grad = True\n"
    assert "LL803" in codes(load.format("float16") + WRAP.format("") + unfreeze)
    assert "LL803" not in codes(load.format("float16") + unfreeze + WRAP.format(""))
    assert "LL803" not in codes(load.format("bfloat16") + WRAP.format("") + unfreeze)


QUANTIZED = f"""\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM
from trl import GRPOTrainer, SFTConfig, SFTTrainer

model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf", {{}})
{WRAP.format("")}
{{}}(model=model, args=SFTConfig("out", learning_rate=2e-4), train_dataset=data).train()
"""


@pytest.mark.parametrize(
    ("pin", "trainer", "loaded", "found"),
    [
        ("trl==0.22.1", "SFTTrainer", "load_in_4bit=True", True),
        ("trl>=0.20,<0.22", "SFTTrainer", "load_in_8bit=True", True),
        ("trl==0.23.0", "GRPOTrainer", "load_in_4bit=True", True),
        ("trl==0.19.1", "SFTTrainer", "load_in_4bit=True", False),
        ("trl==0.21.0", "GRPOTrainer", "load_in_4bit=True", False),
        ("trl==0.23.1", "SFTTrainer", "load_in_4bit=True", False),
        ("trl>=0.22", "SFTTrainer", "load_in_4bit=True", False),
        ("trl==0.22.1", "SFTTrainer", "dtype='bfloat16'", False),
    ],
)
def test_preparing_a_wrapped_model_freezes_its_adapter(
    tmp_path: Path, pin: str, trainer: str, loaded: str, found: bool
) -> None:
    assert not trainable(prepare_model_for_kbit_training(wrapped()))
    (tmp_path / "requirements.txt").write_text(pin + "\n")
    (tmp_path / "train.py").write_text(QUANTIZED.format(loaded, trainer))
    findings = engine.lint([tmp_path.as_posix()], Settings(select=("LL416",)), jobs=1).findings
    assert bool(findings) is found


def test_a_pattern_that_fits_no_path_leaves_the_rank_as_it_is() -> None:
    model = get_peft_model(llama(), LoraConfig(r=4, target_modules=["q_proj"], rank_pattern={"layers.0.q_proj": 8}))
    assert lora_b(model).shape[1] == 4
    model = get_peft_model(
        llama(), LoraConfig(r=4, target_modules=["q_proj"], rank_pattern={"layers.0.self_attn.q_proj": 8})
    )
    assert lora_b(model).shape[1] == 8
    pattern = ", rank_pattern={{'{}': 8}}, alpha_pattern={{'{}': 16}}"
    assert "LL109" in codes(WRAP.format(pattern.format(*["layers.0.q_proj"] * 2)))
    assert "LL109" not in codes(WRAP.format(pattern.format(*["layers.0.self_attn.q_proj"] * 2)))


@pytest.mark.parametrize("several", [True, False])
def test_accelerate_trains_no_model_with_a_device_map_in_several_processes(
    several: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LL802"""
    kind = DistributedType.MULTI_CPU if several else DistributedType.NO
    monkeypatch.setattr(Accelerator, "distributed_type", property(lambda _: kind))
    model = llama()
    model.hf_device_map = {"model": 0, "lm_head": 1}
    refused = pytest.raises(ValueError, match="`device_map='auto'` in any distributed mode")
    with refused if several else nullcontext():
        Accelerator(cpu=True).prepare_model(model, device_placement=False)


def test_trl_copies_the_adapter_that_dpo_starts_from() -> None:
    """LL505 holds for TRL before 0.29 alone."""
    assert 'model.add_adapter("ref", default_config)' in inspect.getsource(DPOTrainer.__init__)


@pytest.mark.parametrize(("saved", "tied", "raises"), [("lm_head", True, True), ("lm_head", False, False)])
def test_tokens_are_not_trained_beside_a_copy_of_the_tied_head(saved: str, tied: bool, raises: bool) -> None:
    lora = LoraConfig(r=4, target_modules=["q_proj"], modules_to_save=[saved], trainable_token_indices=[1])
    model = get_peft_model(llama(tie_word_embeddings=tied), lora)
    with pytest.raises(ValueError, match="unknown layer type") if raises else nullcontext():
        model(input_ids=torch.tensor([[1, 2]]))
