"""Helpers that are known by their shape."""

from __future__ import annotations

import textwrap

import pytest

from lora_lint.run.values import Unknown
from tests.support.reading import IMPORTS, only, plain, read_python

QLORA = """\
def find_all_linear_names(args, model):
    cls = bnb.nn.Linear4bit if args.bits == 4 else (bnb.nn.Linear8bitLt if args.bits == 8 else torch.nn.Linear)
    names = set()
    for name, module in model.named_modules():
        if isinstance(module, cls):
            parts = name.split(".")
            names.add(parts[0] if len(parts) == 1 else parts[-1])
    if "lm_head" in names:  # needed for 16 bits
        names.remove("lm_head")
    return list(names)
"""
BY_MODE = """\
def find_all_linear_names(args, model, train_mode="qlora"):
    assert train_mode in ["lora", "qlora"]
    cls = bnb.nn.Linear4bit if train_mode == "qlora" else nn.Linear
    names = set()
    for name, module in model.named_modules():
        if isinstance(module, cls):
            if "lm_head" in name:
                continue
            names.add(name.split(".")[-1])
    return sorted(names)
"""
SEVERAL = """\
def find_all_linear_names(args, model):
    names = set()
    for name, module in model.named_modules():
        if isinstance(module, bnb.nn.Linear4bit) or isinstance(module, torch.nn.Linear):
            parts = name.split(".")
            names.add(parts[0] if len(parts) == 1 else parts[-1])
    for head in ["lm_head", "proj_out"]:
        if head in names:
            names.remove(head)
    return list(set(names))
"""
USE = """
model = AutoModelForCausalLM.from_pretrained("gpt2")
model = get_peft_model(model, LoraConfig(r=8, target_modules=find_all_linear_names(args, model)))
"""


def targets(helper: str) -> object:
    return plain(only(read_python(IMPORTS + textwrap.dedent(helper) + USE)).adapter.target_modules)


@pytest.mark.parametrize(
    "helper", [QLORA, BY_MODE, SEVERAL, QLORA.replace("args, model", "args, model, verbose=False")]
)
def test_all_linear_names(helper: str) -> None:
    assert targets(helper) == "all-linear"


@pytest.mark.parametrize(
    "change",
    [
        ("        if isinstance", '        if "vision" in name:\n            continue\n        if isinstance'),
        (
            "        if isinstance",
            "        if any(word in name for word in args.excluded):\n            continue\n        if isinstance",
        ),
        ("return list(names)", "return list(names)[-4:]"),
        ("return list(names)", 'return [name for name in names if name != "gate"]'),
        ('"lm_head"', '"o_proj"'),
        ("model.named_modules()", "model.named_parameters()"),
        ("if isinstance(module, cls):", "if name in args.names:"),
    ],
)
def test_what_leaves_out_more(change: tuple[str, str]) -> None:
    assert change[0] in QLORA
    assert targets(QLORA.replace(*change)) is Unknown


@pytest.mark.parametrize(
    "change",
    [
        ('"proj_out"]', '"gate_proj"]'),
        ('["lm_head", "proj_out"]', "args.heads"),
        (" or isinstance(module, torch.nn.Linear)", ' or "attn" in name'),
        ("list(set(names))", "list(set(names))[:2]"),
    ],
)
def test_what_leaves_out_more_than_heads(change: tuple[str, str]) -> None:
    assert change[0] in SEVERAL
    assert targets(SEVERAL.replace(*change)) is Unknown


def test_setup_chat_format_gives_the_model_back() -> None:
    text = (
        IMPORTS
        + """
from trl import setup_chat_format
model = AutoModelForCausalLM.from_pretrained("gpt2")
model, tokenizer = setup_chat_format(model, tokenizer)
model = get_peft_model(model, LoraConfig(r=8))
"""
    )
    assert plain(only(read_python(text)).model.name) == "gpt2"


LLAVA = """\
def find_all_linear_names(args, model):
    cls = torch.nn.Linear
    names = set()
    beside = ["mm_projector", "vision_tower", "vision_resampler"]
    for name, module in model.named_modules():
        if any(part in name for part in beside):
            continue
        if isinstance(module, cls):
            parts = name.split(".")
            names.add(parts[0] if len(parts) == 1 else parts[-1])
    if "lm_head" in names:
        names.remove("lm_head")
    return list(names)
"""


@pytest.mark.parametrize(
    ("model", "change", "found"),
    [
        ("lmsys/vicuna-7b-v1.5", ("", ""), "all-linear"),
        ("liuhaotian/llava-v1.5-7b", ("", ""), Unknown),
        ("Qwen/Qwen2-VL-2B-Instruct", ("", ""), Unknown),
        ("lmsys/vicuna-7b-v1.5", ('"vision_resampler"]', '"mlp"]'), Unknown),
        ("lmsys/vicuna-7b-v1.5", ("beside = [", "beside = args.beside + ["), Unknown),
        ("lmsys/vicuna-7b-v1.5", ("            continue\n", "            print(name)\n"), Unknown),
        ("lmsys/vicuna-7b-v1.5", ('"lm_head"', '"o_proj"'), Unknown),
    ],
)
def test_a_language_model_to_which_vision_is_added_later(model: str, change: tuple[str, str], found: object) -> None:
    """LLaVA names all linear layers but those that a language model does not have when the adapter is put on it."""
    program = IMPORTS + LLAVA.replace(*change) + USE.replace("gpt2", model)
    assert plain(only(read_python(program)).adapter.target_modules) == found
