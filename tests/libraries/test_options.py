"""Options of programs: what holds unless somebody gives another value, and what the callers of a program give."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from lora_lint.linting import engine
from lora_lint.run.events import Resize
from lora_lint.run.values import Choices, Known, Unknown, known
from lora_lint.settings import Settings
from tests.support.reading import only, plain, read_python, shell

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """\
import argparse
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
parser = argparse.ArgumentParser()
OPTIONS
args = parser.parse_args()
"""
TAIL = """
model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=targets))
Trainer(model=model, args=TrainingArguments("out")).train()
"""
BRANCHES = {
    "is not None": 'if args.layers is not None:\n    targets = args.layers.split(",")\nelse:\n    targets = ["c_attn"]',
    "is None": 'if args.layers is None:\n    targets = ["c_attn"]\nelse:\n    targets = args.layers.split(",")',
    "a truth": 'if args.layers:\n    targets = [x.strip() for x in args.layers.split(",")]\nelse:\n    targets = ["c_attn"]',
    "not": 'if not args.layers:\n    targets = ["c_attn"]\nelse:\n    targets = list(args.layers)',
    "an expression": 'targets = args.layers.split(",") if args.layers else ["c_attn"]',
    "before": 'targets = ["c_attn"]\nif args.layers is not None:\n    targets = args.layers.split(",")',
    "or": 'targets = args.layers or ["c_attn"]',
}


def program(options: str, body: str) -> str:
    return HEAD.replace("OPTIONS", options) + body + TAIL


@pytest.mark.parametrize("body", BRANCHES.values(), ids=BRANCHES)
def test_what_holds_unless_an_option_is_given(body: str) -> None:
    found = only(read_python(program('parser.add_argument("--layers")', body))).adapter.target_modules
    assert isinstance(found, Known)
    assert (found.value, found.origin) == (("c_attn",), "cli-default")


@pytest.mark.parametrize(
    "options",
    ['parser.add_argument("--layers", required=True)', 'parser.add_argument("layers")'],
)
def test_options_that_somebody_always_gives(options: str) -> None:
    run = only(read_python(program(options, BRANCHES["is not None"])))
    assert isinstance(run.adapter.target_modules, Unknown)


def test_values_that_are_known_both_ways_stay_choices() -> None:
    body = 'if args.layers is None:\n    targets = ["c_attn"]\nelse:\n    targets = ["c_proj"]'
    run = only(read_python(program('parser.add_argument("--layers")', body)))
    assert plain(run.adapter.target_modules) == {("c_attn",), ("c_proj",)}


@pytest.mark.parametrize(
    ("options", "bits"),
    [
        ("parser.add_argument('--four', action='store_true', default=True)", "4bit"),
        ("parser.add_argument('--four', action='store_false', default=True)", Choices),
        ("parser.add_argument('--four', action='store_true')", Choices),
        ("parser.add_argument('--four', action='store_true', default=False)", Choices),
        ("parser.add_argument('--four', type=bool, default=True)", Choices),
    ],
)
def test_switches_that_set_what_is_set_already(options: str, bits: object) -> None:
    body = """
from transformers import BitsAndBytesConfig
config = None
if args.four:
    config = BitsAndBytesConfig(load_in_4bit=True)
model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2", quantization_config=config)
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16))
"""
    found = only(read_python(HEAD.replace("OPTIONS", options) + body)).model.quantization
    assert isinstance(found, Choices) if bits is Choices else known(found) == bits
    if isinstance(found, Choices):
        assert {each.value for each in found.options} == {"4bit", None}


def test_options_of_commands() -> None:
    options = (
        'kinds = parser.add_subparsers(dest="kind")\n'
        'lora = kinds.add_parser("lora")\n'
        'lora.add_argument("--rank", type=int, default=4)\n'
        'lora.add_argument("--alpha", type=int, default=8)\n'
        'other = kinds.add_parser("loha")\n'
        'other.add_argument("--alpha", type=int, default=32)\n'
    )
    text = program(options, 'targets = ["c_attn"]').replace("r=8, lora_alpha=16", "r=args.rank, lora_alpha=args.alpha")
    run = only(read_python(text))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (4, {8, 32})


HANDED = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM


def configured(model, size):
    limit = 1024
    if size is None:
        size = limit
    if size > limit:
        print("long")
        size = limit
    else:
        print("short")
    model.config.size = size
    print(size)
    # nothing of the above is about what is read
    RETURN


model = configured(AutoModelForCausalLM.from_pretrained("openai-community/gpt2"), 3)
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16))
"""


def test_long_functions_that_give_back_what_they_got() -> None:
    run = only(read_python(HANDED.replace("RETURN", "return model")))
    assert known(run.model.name) == "openai-community/gpt2"
    for change in ("model.layers = 3", "part.layer[0] = 3", "setattr(part, size, 3)"):
        text = HANDED.replace("model.config.size = size", change).replace("RETURN", "return model")
        assert known(only(read_python(text)).model.name) is None
    for other in ("return other(model)", "model = other(model)\n    return model", "return size"):
        assert known(only(read_python(HANDED.replace("RETURN", other))).model.name) is None


def test_a_short_function_with_a_long_docstring_is_followed() -> None:
    program = """
        import os
        from peft import LoraConfig

        def setting(name, default, cast):
            \'\'\'
            A setting.

            Args:
                name: what the variable is called
                default: where there is none
                cast: what to make of it

            Returns:
                The number.
            \'\'\'
            value = os.getenv(name)
            if value is None:
                return default
            try:
                return cast(value)
            except ValueError:
                return default

        LoraConfig(r=setting("RANK", 12, int))
    """
    assert known(only(read_python(textwrap.dedent(program))).adapter.rank) == 12


@pytest.mark.parametrize(
    "decorated", ["@click.option('--rank', default=12)", "@click.option('--lora-rank', 'rank', default=12)"]
)
def test_options_of_click_as_keywords(decorated: str) -> None:
    program = f"""
        import click
        from peft import LoraConfig

        @click.command()
        {decorated}
        def main(**options):
            LoraConfig(r=options["rank"])

        if __name__ == "__main__":
            main()
    """
    assert known(only(read_python(textwrap.dedent(program))).adapter.rank) == 12


@pytest.mark.parametrize(
    ("loader", "name"),
    [
        ("OwnForCausalLM", "lmsys/vicuna-7b-v1.5"),
        ("auto_class", "lmsys/vicuna-7b-v1.5"),
        ("classes[kind]", "lmsys/vicuna-7b-v1.5"),
        ("OwnTokenizer", None),
        ("config_class", None),
        ("VisionTower", None),
    ],
)
def test_classes_that_are_not_followed(loader: str, name: str | None) -> None:
    run = only(
        read_python(
            "from own_models import *\nfrom peft import LoraConfig, get_peft_model\n"
            f'model = {loader}.from_pretrained("lmsys/vicuna-7b-v1.5")\n'
            "model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16))\n"
        )
    )
    assert known(run.model.name) == name
    assert run.model.edited is (name is not None)  # its modules may have other names


TRAIN = """\
import argparse
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="facebook/opt-125m")
    parser.add_argument("--rank", type=int, default=512)
    parser.add_argument("--targets", nargs="+", default=["q_proj"])
    args = parser.parse_args()
    model = AutoModelForCausalLM.from_pretrained(args.model)
    model = get_peft_model(model, LoraConfig(r=args.rank, lora_alpha=1, target_modules=args.targets))
    Trainer(model=model, args=TrainingArguments("out", learning_rate=2e-4)).train()


if __name__ == "__main__":
    main()
"""
CALL = "python train.py --model openai-community/gpt2 --rank 128 --targets q_proj v_proj\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text(TRAIN, encoding="utf-8")
    (tmp_path / "run.sh").write_text(CALL, encoding="utf-8")
    return tmp_path


def test_what_every_caller_gives_is_known_and_judged_there(project: Path) -> None:
    run = only(read_python(TRAIN, project))
    assert (plain(run.model.name), plain(run.adapter.rank)) == ("openai-community/gpt2", 128)
    assert plain(run.adapter.target_modules) == ("q_proj", "v_proj")
    judged = run.judged()
    for value in (judged.model.name, judged.adapter.rank, judged.adapter.target_modules):
        assert isinstance(value, Unknown)
    assert known(judged.adapter.alpha) == 1
    (project / "more.sh").write_text(CALL.replace("128", "256"), encoding="utf-8")
    assert plain(only(read_python(TRAIN, project)).adapter.rank) == {128, 256}
    (project / "more.sh").write_text(CALL.replace("128", '"$RANK"'), encoding="utf-8")
    assert plain(only(read_python(TRAIN, project)).adapter.rank) is Unknown


def test_a_mistake_of_a_call_is_found_at_the_call_alone(project: Path) -> None:
    found = engine.lint([str(project)], Settings(), jobs=1).findings
    placed = {(each.code, each.span.path.rpartition("/")[2]) for each in found}
    assert ("LL201", "run.sh") in placed and ("LL104", "run.sh") in placed
    assert {path for _, path in placed} == {"run.sh"}


def test_a_program_whose_work_is_in_another_file(project: Path) -> None:
    (project / "start.py").write_text("from train import main\n\nmain()\n", encoding="utf-8")
    run = only(shell(CALL.replace("train.py", "start.py"), project))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (128, 1)
    assert plain(run.adapter.target_modules) == ("q_proj", "v_proj")


def test_tokens_that_branches_add() -> None:
    text = (
        "from transformers import AutoModelForCausalLM, AutoTokenizer\nfrom peft import LoraConfig, get_peft_model\n"
        'tokenizer = AutoTokenizer.from_pretrained("openai-community/gpt2")\n'
        'model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")\n'
        'if chat:\n    tokenizer.add_tokens(["<a>"])\n    tokenizer.add_tokens(["<b>"])\n'
        'else:\n    tokenizer.add_tokens(["<c>"])\n'
        "model.resize_token_embeddings(len(tokenizer))\n"
        "model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16))\n"
    )
    assert any(isinstance(event, Resize) for event in only(read_python(text)).events)
