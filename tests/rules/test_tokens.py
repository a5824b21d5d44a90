"""LL407 on configs: which tokens each framework adds, and where it trains them itself."""

from __future__ import annotations

import pytest

from lora_lint.finding import Add, Write
from lora_lint.run.events import Resize
from tests.support.programs import found_in
from tests.support.reading import config, only, read_python
from tests.support.runs import check

AXOLOTL = "base_model: someone/llama\nadapter: lora\nsequence_len: 512\nlora_r: 8\nlora_target_linear: true\n"
FACTORY = "model_name_or_path: someone/llama\nfinetuning_type: lora\ndo_train: true\nlora_rank: 8\nlora_target: all\n"
SWIFT = "model: someone/llama\ntuner_type: lora\ndataset: a.jsonl\nlora_rank: 8\n"


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        (AXOLOTL + "tokens: [<a>, <b>]\n", ("<a>", "<b>")),
        (AXOLOTL + "added_tokens_overrides:\n  128041: <a>\n  128042: <b>\n", ("<a>", "<b>")),
        (AXOLOTL + "special_tokens:\n  pad_token: <p>\n  additional_special_tokens: [<a>]\n", ("<a>",)),
        (AXOLOTL + "special_tokens:\n  pad_token: <p>\n  eos_token: <e>\n", ()),
        (AXOLOTL + "tokens: [<a>]\nfix_untrained_tokens: true\n", ()),
        (FACTORY + "add_special_tokens: <a>,<b>\n", ("<a>", "<b>")),
        (FACTORY + "resize_vocab: true\n", ()),
        (SWIFT + "new_special_tokens: [<a>, <b>]\n", ("<a>", "<b>")),
        (SWIFT + "new_special_tokens: tokens.txt\n", ()),
        (SWIFT.replace(": lora", ": longlora") + "new_special_tokens: [<a>]\n", ()),
    ],
)
def test_tokens_that_are_added(text: str, tokens: tuple[str, ...]) -> None:
    run = only(config(text))
    assert [event.tokens for event in run.events if isinstance(event, Resize)] == [tokens]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (AXOLOTL + "tokens: [<a>, <b>]\n", "with a ValueError). Name the embeddings and the head in `lora_modules_to"),
        (AXOLOTL + "added_tokens_overrides:\n  128041: <a>\n", "The token `<a>` is added, but the adapter freezes"),
        (AXOLOTL + "added_tokens_overrides:\n  9: <a>\npeft_trainable_token_indices: [9]\n", ""),
        (AXOLOTL + "tokens: [<a>]\nlora_modules_to_save: [embed_tokens, lm_head]\n", ""),
        (AXOLOTL + "tokens: [<a>]\nunfrozen_parameters: [embed_tokens]\n", ""),
        (AXOLOTL + "tokens: [<|im_start|>]\n", ""),
        (FACTORY + "add_tokens: <a>\n", ""),
        (FACTORY + "add_tokens: <a>\nadditional_target: embed_tokens,lm_head\n", ""),
        (FACTORY + "add_tokens: <a>\nadditional_target: norm\n", "Name the embeddings and the head in `additional_tar"),
        (SWIFT + "new_special_tokens: [<a>]\n", "Name the embeddings and the head in `modules_to_save`"),
        (SWIFT + "new_special_tokens: [<a>]\nmodules_to_save: [all-embedding]\n", ""),
        (SWIFT + "new_special_tokens: [<a>]\ntarget_modules: [all-linear, all-embedding]\n", ""),
    ],
)
def test_tokens_that_nothing_trains(text: str, told: str) -> None:
    found = [finding.message for finding in check("LL407", only(config(text)))]
    assert [told in message for message in found] == [True] * bool(told)


@pytest.mark.parametrize(
    ("text", "model", "expected"),
    [
        (AXOLOTL + "tokens: [<a>]\n", "meta-llama/Llama-3.1-8B", ("embed_tokens", "lm_head")),
        (AXOLOTL + "tokens: [<a>]\nlora_modules_to_save: [norm]\n", "tiiuae/falcon-7b",
         ("norm", "word_embeddings", "lm_head")),
        (AXOLOTL + "tokens: [<a>]\n", "someone/llama", None),
    ],
)  # fmt: skip
def test_the_fix_trains_the_embeddings_and_the_head(text: str, model: str, expected: tuple[str, ...] | None) -> None:
    [found] = check("LL407", only(config(text.replace("someone/llama", model))))
    assert found.fix is not None
    assert [change.value for change in found.fix.changes if isinstance(change, Add | Write)] == (
        [] if expected is None else [expected]
    )


PROGRAM = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer
model = AutoModelForCausalLM.from_pretrained("{model}")
tokenizer = AutoTokenizer.from_pretrained("{model}")
tokenizer.add_tokens(["{token}"])
model.resize_token_embeddings(len(tokenizer))
model = get_peft_model(model, LoraConfig(r=8, target_modules=["{target}"]))
Trainer(model=model).train()
"""
CHAT = (
    *("<|im_start|>", "<|im_end|>", "<|endoftext|>", "<think>", "</think>", "<tool_call>", "</tool_call>"),
    *("<|user|>", "<|assistant|>", "<|system|>", "<|end|>"),
)
BARE = (
    *("meta-llama/Llama-2-7b-hf", "meta-llama/Llama-2-13b-hf", "meta-llama/Llama-2-70b-hf"),
    *("mistralai/Mistral-7B-v0.1", "openai-community/gpt2", "EleutherAI/pythia-70m", "facebook/opt-350m"),
    "microsoft/phi-2",
)


def messages(model: str, token: str, target: str = "q_proj") -> list[str]:
    run = only(read_python(PROGRAM.format(model=model, token=token, target=target)))
    return [finding.message for finding in check("LL407", run)]


@pytest.mark.parametrize("token", CHAT)
def test_tokens_of_chats_that_a_tokenizer_may_have(token: str) -> None:
    assert messages("Qwen/Qwen3-8B", token) == []
    assert len(messages("Qwen/Qwen3-8B", f"{token}x")) == 1


@pytest.mark.parametrize("model", BARE)
def test_tokenizers_without_tokens_of_chats(model: str) -> None:
    assert len(messages(model, "<|im_start|>")) == 1


@pytest.mark.parametrize(
    "target", ["embed_tokens", "wte", "wpe", "lm_head", "word_embeddings", "output_layer", "vocab"]
)
def test_targets_that_train_the_embeddings(target: str) -> None:
    assert messages("someone/model", "<a>", target) == []
    assert len(messages("someone/model", "<a>")) == 1


def test_what_is_told_of_several_tokens() -> None:
    (found,) = messages("someone/model", '<a>", "<b>", "<c>", "<d>')
    assert found.startswith("The tokens `<a>`, `<b>` and `<c>` and 1 more are added, but")
    (single,) = messages("someone/model", "<a>")
    assert single.startswith("The token `<a>` is added, but")
    (three,) = messages("someone/model", '<a>", "<b>", "<c>')
    assert three.startswith("The tokens `<a>`, `<b>` and `<c>` are added")


@pytest.mark.parametrize(
    "token",
    ["[PAD]", "<pad>", "<PAD>", "<|pad|>", "<|PAD|>", "[pad]", "<s>", "</s>", "<unk>", "[UNK]"],
)
def test_tokens_for_padding(token: str) -> None:
    assert messages("someone/model", token) == []


@pytest.mark.parametrize("role", ["pad_token", "eos_token", "bos_token", "unk_token"])
def test_roles_that_a_tokenizer_has(role: str) -> None:
    special = PROGRAM.format(model="someone/model", token="@", target="q_proj")
    given = special.replace('add_tokens(["@"])', f'add_special_tokens({{"{role}": "<a>"}})')
    assert check("LL407", only(read_python(given))) == []
    assert check("LL407", only(read_python(given.replace(role, "additional_special_tokens"))))


HEAD = """\
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer
from trl import setup_chat_format

tokenizer = AutoTokenizer.from_pretrained("{0}")
model = AutoModelForCausalLM.from_pretrained("{0}")
"""
GROW = "tokenizer.add_tokens(['<a>', '<b>'])\nmodel.resize_token_embeddings(len(tokenizer))\n"
CHATML = "tokenizer.add_special_tokens({'additional_special_tokens': ['<|im_start|>', '<|im_end|>']})\n"
CHATML += "model.resize_token_embeddings(len(tokenizer))\n"
FORMAT = "model, tokenizer = setup_chat_format(model, tokenizer)\n"
WRAPPED = "model = get_peft_model(model, LoraConfig(r=8, target_modules=['q_proj']))\n"
SAVED = WRAPPED.replace("]))", "], modules_to_save=['embed_tokens', 'lm_head']))")
TRAINED = "Trainer(model=model).train()\n"
LLAMA = "meta-llama/Llama-2-7b-hf"


@pytest.mark.parametrize(
    ("name", "program", "untrained"),
    [
        (LLAMA, GROW + WRAPPED + TRAINED + "model.merge_and_unload().save_pretrained('out')\n", True),
        (
            LLAMA,
            "model = PeftModel.from_pretrained(model, 'sft').merge_and_unload()\n" + GROW + WRAPPED + TRAINED,
            True,
        ),
        (
            LLAMA,
            GROW + "model = PeftModel.from_pretrained(model, 'sft').merge_and_unload()\n" + WRAPPED + TRAINED,
            False,
        ),
        (LLAMA, WRAPPED + GROW + TRAINED, True),
        (LLAMA, SAVED + TRAINED + GROW, False),
        (LLAMA, FORMAT + WRAPPED + TRAINED, True),
        (LLAMA, FORMAT + SAVED + TRAINED, False),
        ("google/gemma-7b", CHATML + WRAPPED + TRAINED, True),
        ("meta-llama/Llama-3.1-8B", CHATML + WRAPPED + TRAINED, True),
        ("Qwen/Qwen2.5-7B", CHATML + WRAPPED + TRAINED, False),
        ("Qwen/Qwen2.5-7B", FORMAT + WRAPPED + TRAINED, False),
        (
            "gpt2",
            GROW.replace("'<a>', '<b>'", "'<|endoftext|>'") + WRAPPED.replace("q_proj", "c_attn") + TRAINED,
            False,
        ),
    ],
)
def test_programs_that_add_tokens(name: str, program: str, untrained: bool) -> None:
    assert ("LL407" in found_in(HEAD.format(name) + program)) is untrained
