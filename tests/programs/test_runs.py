"""Models, events, datasets, trainers and sweeps of a Python program."""

from __future__ import annotations

import ast
import textwrap
from typing import TYPE_CHECKING

import pytest

from lora_lint.interpreter.definitions import ProgramFile
from lora_lint.interpreter.machine import Machine
from lora_lint.libraries.table import Knowledge
from lora_lint.programs.files import ProjectLoader
from lora_lint.project import Project
from lora_lint.records import replace
from lora_lint.run.events import (
    INPUT_EMBEDDINGS,
    Event,
    Fragments,
    Freeze,
    Load,
    LoadAdapter,
    PrepareKbit,
    Selected,
    Train,
    Unfreeze,
    Unwrap,
    Wrap,
)
from lora_lint.run.problems import UnknownKey
from lora_lint.run.values import Unknown, alternatives
from lora_lint.source import SourceFile, Span
from tests.support.reading import IMPORTS, adapter, only, plain, read_python

if TYPE_CHECKING:
    from pathlib import Path

WRAPPED = (
    IMPORTS
    + """
model = AutoModelForCausalLM.from_pretrained("gpt2")
model = get_peft_model(model, LoraConfig(r=8))
"""
)


AT = Span("", 0, 0)


def events(program: str) -> list[Event]:
    """What happens to the model after the wrap, wherever it does."""
    run = only(read_python(WRAPPED + textwrap.dedent(program)))
    return [replace(event, span=AT, loop=None) for event in run.events if not isinstance(event, Load | Wrap)]


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("for p in model.parameters():\n    p.requires_grad = True", [Unfreeze(AT)]),
        ("for p in model.parameters():\n    p.requires_grad_(True)", [Unfreeze(AT)]),
        ("for p in model.parameters():\n    p.requires_grad_()", [Unfreeze(AT)]),
        (
            "for n, p in model.named_parameters():\n    p.requires_grad = 'lm_head' in n",
            [Freeze(AT, selection=Selected.UNREADABLE)],
        ),
        (
            "for n, p in model.named_parameters():\n    if 'head' in n:\n        p.requires_grad = True",
            [Unfreeze(AT, selection=Fragments(("head",)))],
        ),
        (
            "for n, p in model.named_parameters():\n    if 'lora' not in n:\n        p.requires_grad = True",
            [Unfreeze(AT)],
        ),
        (
            "for n, p in model.named_parameters():\n    if 'lora_' not in n:\n        continue\n    p.requires_grad = True",
            [Unfreeze(AT, selection=Fragments(("lora_",)))],
        ),
        (
            "for n, p in model.named_parameters():\n    if any(k in n for k in ['norm', 'embed']):\n        p.requires_grad_(True)",
            [Unfreeze(AT, selection=Fragments(("norm", "embed")))],
        ),
        (
            "for n, p in model.named_parameters():\n    if n.endswith('bias') or 'norm' in n:\n        p.requires_grad = True",
            [Unfreeze(AT, selection=Fragments(("bias", "norm")))],
        ),
        (
            "for n, p in model.named_parameters():\n    if wanted(n):\n        p.requires_grad = True",
            [Unfreeze(AT, selection=Selected.UNREADABLE)],
        ),
        ("for p in model.parameters():\n    if p.requires_grad:\n        p.requires_grad = True", []),
        ("for p in model.parameters():\n    if not p.requires_grad:\n        continue\n    p.requires_grad_()", []),
        (
            "for n, p in model.named_parameters():\n    if p.requires_grad and 'x' in n:\n        p.requires_grad = True",
            [],
        ),
        ("for p in model.parameters():\n    if not p.requires_grad:\n        p.requires_grad = True", [Unfreeze(AT)]),
        (
            "for n, p in model.named_parameters():\n    if p.requires_grad or 'x' in n:\n        p.requires_grad = True",
            [Unfreeze(AT, selection=Fragments(("x",)))],
        ),
        (
            "some = [p for n, p in model.named_parameters() if 'head' in n]\nfor p in some:\n    p.requires_grad = True",
            [Unfreeze(AT, selection=Fragments(("head",)))],
        ),
        (
            "some = [p for p in model.parameters() if p.requires_grad]\nfor p in some:\n    p.requires_grad_(True)",
            [Unfreeze(AT, selection=Fragments(("lora_",)))],
        ),
        (
            "some = [p for p in model.parameters() if wanted(p)]\nfor p in some:\n    p.requires_grad_(True)",
            [Unfreeze(AT, selection=Selected.UNREADABLE)],
        ),
        ("some = [p for p in model.parameters()]\nfor p in some:\n    p.requires_grad_()", [Unfreeze(AT)]),
        ("for p in model.parameters():\n    p.requires_grad = False", [Freeze(AT)]),
        ("model.requires_grad_(True)", [Unfreeze(AT)]),
        ("model.lm_head.weight.requires_grad = True", [Unfreeze(AT, selection=Fragments(("lm_head",)))]),
        ("model.base_model.model.lm_head.requires_grad_(True)", [Unfreeze(AT, selection=Fragments(("lm_head",)))]),
        (
            "for p in model.lm_head.parameters():\n    p.requires_grad = True",
            [Unfreeze(AT, selection=Fragments(("lm_head",)))],
        ),
        (
            "model.get_input_embeddings().requires_grad_(True)",
            [Unfreeze(AT, selection=Fragments((INPUT_EMBEDDINGS,)))],
        ),
        (
            "def unfreeze(m):\n    for p in m.parameters():\n        p.requires_grad = True\nunfreeze(model)",
            [Unfreeze(AT)],
        ),
        ("model = prepare_model_for_kbit_training(model)", [PrepareKbit(AT)]),
        ("model = model.merge_and_unload()", [Unwrap(AT, merges=True)]),
        ("Trainer(model=model).train()", [Train(AT)]),
        ("model.to('cuda')\nmodel.train()", []),
        ("other = AutoModelForCausalLM.from_pretrained('gpt2')\nother.requires_grad_(True)", []),
    ],
)
def test_events_after_the_wrap(program: str, expected: list[Event]) -> None:
    assert events(program) == expected


def test_events_before_the_wrap_come_first() -> None:
    run = only(
        read_python(
            IMPORTS
            + """
model = AutoModelForCausalLM.from_pretrained("gpt2", load_in_8bit=True)
for p in model.parameters():
    p.requires_grad = False
model = prepare_model_for_kbit_training(model)
model = get_peft_model(model, LoraConfig())
"""
        )
    )
    assert [type(event) for event in run.events] == [Load, Freeze, PrepareKbit, Wrap]
    assert plain(run.model.quantization) == "8bit"


def test_an_event_under_a_flag_names_it() -> None:
    run = only(read_python(WRAPPED + "if args.full:\n    model.requires_grad_(True)\n"))
    assert run.events[-1].flag == "args.full"


@pytest.mark.parametrize(
    ("option", "asked"),
    [
        ('"--full", action="store_true"', True),
        ('"--full", type=bool, default=False', True),
        ('"--full", type=bool, default=True', False),
        ('"--full", required=True', False),
    ],
)
def test_parameters_that_only_an_option_makes_trainable(option: str, asked: bool) -> None:
    text = f"import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument({option})\n"
    text += f"args = parser.parse_args()\n{WRAPPED}if args.full:\n    model.requires_grad_(True)\n"
    event = only(read_python(text)).events[-1]
    assert isinstance(event, Unfreeze)
    assert event.asked is asked


def test_the_condition_that_both_wrap_and_event_share_is_no_flag() -> None:
    program = IMPORTS + textwrap.dedent(
        """
        model = AutoModelForCausalLM.from_pretrained("gpt2")
        if args.lora:
            model = get_peft_model(model, LoraConfig())
            model.requires_grad_(True)
        """
    )
    assert only(read_python(program)).events[-1].flag is None


def test_wrap_in_a_branch_is_followed_after_it() -> None:
    program = IMPORTS + textwrap.dedent(
        """
        model = AutoModelForCausalLM.from_pretrained("gpt2")
        if args.lora:
            model = get_peft_model(model, LoraConfig())
        trainer = Trainer(model=model, args=TrainingArguments("out", learning_rate=2e-4))
        trainer.train()
        """
    )
    run = only(read_python(program))
    assert [type(event) for event in run.events] == [Load, Wrap, Train]
    assert run.trained is True
    assert plain(run.training.learning_rate) == 2e-4


def test_model_loaded_in_two_branches() -> None:
    program = IMPORTS + textwrap.dedent(
        """
        if args.small:
            model = AutoModelForCausalLM.from_pretrained("gpt2")
        else:
            model = AutoModelForCausalLM.from_pretrained("gpt2-xl")
        model = get_peft_model(model, LoraConfig())
        """
    )
    assert plain(only(read_python(program)).model.name) == {"gpt2", "gpt2-xl"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [("", False), (", is_trainable=True", True), (", is_trainable=args.train", Unknown), (", **kwargs", Unknown)],
)
def test_reloaded_adapter(given: str, expected: object) -> None:
    program = IMPORTS + textwrap.dedent(
        f"""
        model = AutoModelForCausalLM.from_pretrained("gpt2")
        model = PeftModel.from_pretrained(model, "adapter"{given})
        Trainer(model=model).train()
        """
    )
    run = only(read_python(program))
    loaded = next(event for event in run.events if isinstance(event, LoadAdapter))
    assert plain(loaded.trainable) == expected


def test_reloaded_adapter_that_is_not_trained_is_no_run() -> None:
    program = IMPORTS + 'model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained("gpt2"), "a")\n'
    assert read_python(program).runs == ()


@pytest.mark.parametrize(
    ("program", "size"),
    [
        ('load_dataset("me/data", split="train[:500]")', 500),
        ('load_dataset("me/data", split="train").select(range(300))', 300),
        ('load_dataset("me/data", split="train").shuffle(seed=1).select(range(300)).map(f)', 300),
        ('load_dataset("me/data")["train"].select(range(10, 60))', 50),
        ('load_dataset("me/data", split="train").take(20)', 20),
        ('load_dataset("me/data", split="train[:1000]").train_test_split(test_size=0.1)["train"]', 900),
        ('load_dataset("me/data", split="train[:1000]").train_test_split(test_size=100)["train"]', 900),
        ('Dataset.from_list([{"text": "a"}, {"text": "b"}])', 2),
        ('Dataset.from_dict({"text": ["a", "b", "c"]})', 3),
        ('load_dataset("tatsu-lab/alpaca", split="train")', 52002),
        ('load_dataset("tatsu-lab/alpaca", split="train[:10%]")', 5200),
        ('load_dataset("tatsu-lab/alpaca")["train"]', 52002),
        ('load_dataset("me/data", split="train")', Unknown),
        ('load_dataset("me/data", split="train[:10%]")', Unknown),
        ('concatenate_datasets([load_dataset("a/b", split="train[:5]"), load_dataset("c/d", split="train[:6]")])', 11),
    ],
)
def test_dataset_size(program: str, size: object) -> None:
    reading = read_python(
        WRAPPED
        + "from datasets import Dataset, concatenate_datasets, load_dataset\n"
        + f"data = {program}\nTrainer(model=model, train_dataset=data).train()\n"
    )
    assert plain(only(reading).dataset.size) == size


def test_a_preview_is_not_the_training_set() -> None:
    reading = read_python(
        WRAPPED
        + textwrap.dedent(
            """
            from datasets import load_dataset
            data = load_dataset("me/data", split="train")
            preview = data.select(range(20))
            Trainer(model=model, train_dataset=data).train()
            """
        )
    )
    assert plain(only(reading).dataset.size) is Unknown


TRL = """
    from peft import LoraConfig
    from trl import {trainer}, {arguments}
    trainer = {trainer}(
        model="Qwen/Qwen2.5-0.5B", args={arguments}(learning_rate=1e-4, optim="sgd"), peft_config=LoraConfig(r=4)
    )
    trainer.train()
"""


@pytest.mark.parametrize(
    ("trainer", "arguments", "method"),
    [
        ("SFTTrainer", "SFTConfig", "supervised"),
        ("DPOTrainer", "DPOConfig", "preference"),
        ("GRPOTrainer", "GRPOConfig", "rl"),
    ],
)
def test_trl_trainers(trainer: str, arguments: str, method: str) -> None:
    run = only(read_python(TRL.format(trainer=trainer, arguments=arguments)))
    assert run.training.method == method
    assert plain(run.training.optimizer) == "sgd"
    assert plain(run.model.name) == "Qwen/Qwen2.5-0.5B"
    assert [type(event) for event in run.events] == [Load, Wrap, Train]


def test_unsloth() -> None:
    run = only(
        read_python(
            """
            from unsloth import FastLanguageModel
            model, tokenizer = FastLanguageModel.from_pretrained(model_name="unsloth/Phi-4", max_seq_length=2048)
            model = FastLanguageModel.get_peft_model(model, lora_alpha=32)
            """
        )
    )
    assert run.dialect == "unsloth"
    assert plain(run.adapter.rank) == 16
    assert plain(run.adapter.alpha) == 32
    assert plain(run.model.name) == "unsloth/Phi-4"
    assert plain(run.model.quantization) == "4bit"


def test_a_trainer_that_learns_from_answers_alone_is_the_same_trainer() -> None:
    text = """
        from datasets import load_dataset
        from trl import SFTTrainer
        from unsloth import FastLanguageModel
        from unsloth.chat_templates import train_on_responses_only
        model, tokenizer = FastLanguageModel.from_pretrained("unsloth/Phi-4")
        model = FastLanguageModel.get_peft_model(model, r=16)
        trainer = SFTTrainer(model=model, train_dataset=load_dataset("tatsu-lab/alpaca", split="train"))
        trainer = train_on_responses_only(trainer, instruction_part="user", response_part="assistant")
        trainer.train()
        """
    run = only(read_python(text))
    assert (run.trained, plain(run.dataset.size)) == (True, 52_002)


def test_unsloth_puts_no_adapter_on_a_model_that_is_fine_tuned_whole() -> None:
    text = """
        from unsloth import FastModel
        model, tokenizer = FastModel.from_pretrained("unsloth/ModernBERT-large", full_finetuning={})
        model = FastModel.get_peft_model(model, r=16, target_modules=["q_proj"])
        """
    assert not read_python(text.format("True")).runs
    assert len(read_python(text.format("False")).runs) == 1


def test_pefts_own_word_for_all_linear() -> None:
    adapter(
        """
        from peft.utils import INCLUDE_LINEAR_LAYERS_SHORTHAND
        get_peft_model(model, LoraConfig(target_modules=INCLUDE_LINEAR_LAYERS_SHORTHAND))
        """,
        target_modules="all-linear",
    )


def test_a_name_of_a_library_is_no_text() -> None:
    adapter(
        """
        from somewhere.constants import TARGETS
        get_peft_model(model, LoraConfig(target_modules=TARGETS))
        """,
        target_modules=Unknown,
    )


@pytest.mark.parametrize(
    ("steps", "size"),
    [
        ("data = [convert(row) for row in data]", 3000),
        ("data = [convert(row) for row in data if row]", 3000),
        ("data = [convert(row, tag) for row in data for tag in tags]", Unknown),
        ("data = standardize_data_formats(data)", 3000),
        ("data = apply_chat_template(data, tokenizer=tokenizer)", 3000),
        ("data = fancy(data)", Unknown),
    ],
)
def test_data_through_functions_that_keep_its_rows(steps: str, size: object) -> None:
    run = only(
        read_python(
            f"""
            from datasets import load_dataset
            from fancy import fancy
            from trl import SFTTrainer
            from unsloth import FastModel
            from unsloth.chat_templates import apply_chat_template, standardize_data_formats
            model, tokenizer = FastModel.from_pretrained("unsloth/gemma-3-4b-it")
            model = FastModel.get_peft_model(model, r=8)
            data = load_dataset("mlabonne/FineTome-100k", split="train[:3000]")
            {steps}
            SFTTrainer(model=model, train_dataset=data).train()
            """
        )
    )
    assert plain(run.dataset.size) == size


def test_xtuner() -> None:
    run = only(
        read_python(
            """
            from peft import LoraConfig
            from transformers import AutoModelForCausalLM, BitsAndBytesConfig
            from xtuner.model import SupervisedFinetune
            pretrained_model_name_or_path = "internlm/internlm2-7b"
            model = dict(
                type=SupervisedFinetune,
                llm=dict(
                    type=AutoModelForCausalLM.from_pretrained,
                    pretrained_model_name_or_path=pretrained_model_name_or_path,
                    quantization_config=dict(type=BitsAndBytesConfig, load_in_4bit=True),
                ),
                lora=dict(type=LoraConfig, r=64, lora_alpha=16, bias="none", task_type="CAUSAL_LM"),
            )
            """
        )
    )
    assert run.dialect == "xtuner"
    assert plain(run.adapter.rank) == 64
    assert plain(run.model.name) == "internlm/internlm2-7b"
    assert plain(run.model.quantization) == "4bit"


SWEEPS = {
    "loop": ("for r in [8, 64]:\n    LoraConfig(r=r, lora_alpha=16)", "loop", [(8, 16), (64, 16)]),
    "tied": ("for r in (8, 64):\n    LoraConfig(r=r, lora_alpha=2 * r)", "loop", [(8, 16), (64, 128)]),
    "comprehension": ("[LoraConfig(r=r, lora_alpha=16) for r in (4, 8)]", "comprehension", [(4, 16), (8, 16)]),
    "product": (
        "import itertools\nfor r, a in itertools.product([4, 8], [16]):\n    LoraConfig(r=r, lora_alpha=a)",
        "loop",
        [(4, 16), (8, 16)],
    ),
    "zip": ("for r, a in zip([4, 8], [8, 16]):\n    LoraConfig(r=r, lora_alpha=a)", "loop", [(4, 8), (8, 16)]),
    "enumerate": ("for i, r in enumerate([4, 8]):\n    LoraConfig(r=r, lora_alpha=16)", "loop", [(4, 16), (8, 16)]),
    "dicts": (
        "for c in [{'r': 4}, {'r': 8, 'lora_alpha': 32}]:\n    LoraConfig(**c)",
        "loop",
        [(4, 8), (8, 32)],
    ),
    "helper": (
        "def make(r):\n    return LoraConfig(r=r, lora_alpha=16)\nmake(4)\nmake(8)",
        "series of calls",
        [(4, 16), (8, 16)],
    ),
    "configs in a list": (
        "for c in [LoraConfig(r=4), LoraConfig(r=8)]:\n"
        "    get_peft_model(AutoModelForCausalLM.from_pretrained('gpt2'), c)",
        "loop",
        [(4, 8), (8, 8)],
    ),
    "optuna": (
        "import optuna\ndef objective(trial):\n    r = trial.suggest_categorical('r', [4, 8])\n"
        "    LoraConfig(r=r, lora_alpha=16)\noptuna.create_study().optimize(objective)",
        "Optuna study",
        [(4, 16), (8, 16)],
    ),
    "ray": (
        "from ray import tune\ndef train(config):\n    LoraConfig(r=config['r'], lora_alpha=2 * config['r'])\n"
        "tune.Tuner(train, param_space={'r': tune.choice([4, 8])}).fit()",
        "Ray Tune search",
        [(4, 8), (8, 16)],
    ),
    "wandb": (
        "import wandb\nid = wandb.sweep({'method': 'grid', 'parameters': {'r': {'values': [4, 8]}}})\n"
        "def train():\n    wandb.init()\n    LoraConfig(r=wandb.config.r, lora_alpha=16)\nwandb.agent(id, function=train)",
        "W&B sweep",
        [(4, 16), (8, 16)],
    ),
    "argparse choices": (
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('--r', type=int, default=8, choices=[4, 8])\n"
        "a = p.parse_args()\nLoraConfig(r=a.r, lora_alpha=16)",
        "argparse choices",
        [(4, 16), (8, 16)],
    ),
}


@pytest.mark.parametrize(("program", "kind", "points"), SWEEPS.values(), ids=SWEEPS)
def test_sweeps(program: str, kind: str, points: list[tuple[int, int]]) -> None:
    (sweep,) = read_python(IMPORTS + program).sweeps
    assert sweep.kind.phrase == kind
    assert [(plain(run.adapter.rank), plain(run.adapter.alpha)) for run in sweep.runs] == points


@pytest.mark.parametrize(
    "program",
    [
        "a = LoraConfig(r=8)\nb = LoraConfig(r=16)",
        "if args.big:\n    LoraConfig(r=64)\nelse:\n    LoraConfig(r=8)",
        "for epoch in range(3):\n    LoraConfig(r=8)",
    ],
)
def test_no_sweep(program: str) -> None:
    assert read_python(IMPORTS + program).sweeps == ()


@pytest.mark.parametrize(
    ("program", "repeated"),
    [
        ("for r in (4, 8):\n    m = get_peft_model(base, LoraConfig(r=r))", True),
        ("for r in (4, 8):\n    m = get_peft_model(copy.deepcopy(base), LoraConfig(r=r))", False),
        ("for r in ranks:\n    m = get_peft_model(base, LoraConfig(r=r))", True),
        (
            "for r in (4, 8):\n    b = AutoModelForCausalLM.from_pretrained('gpt2')\n    m = get_peft_model(b, LoraConfig(r=r))",
            False,
        ),
    ],
)
def test_wrapping_one_base_model_in_a_loop(program: str, repeated: bool) -> None:
    reading = read_python(IMPORTS + f"import copy\nbase = AutoModelForCausalLM.from_pretrained('gpt2')\n{program}\n")
    wraps = [event for run in reading.runs for event in run.events if isinstance(event, Wrap)]
    assert wraps
    assert all((event.loop is not None) == repeated for event in wraps)


def test_unknown_keyword() -> None:
    run = only(read_python(IMPORTS + "LoraConfig(r=8, lora_dropuot=0.1)"))
    (problem,) = run.problems
    assert isinstance(problem, UnknownKey)
    assert problem.key == "lora_dropuot"
    assert "lora_dropout" in problem.suggestions


@pytest.mark.parametrize(
    "given",
    ["r=8.5", "r='16'", "lora_alpha='16'", "target_modules=3", "use_rslora='yes'", "lora_dropout='0'"],
)
def test_values_of_a_wrong_type(given: str) -> None:
    run = only(read_python(IMPORTS + f"LoraConfig({given})"))
    assert [problem.key for problem in run.problems] == [given.partition("=")[0]]


def test_spans_point_at_what_is_written() -> None:
    program = IMPORTS + "ALPHA = 64\nconfig = LoraConfig(r=8, lora_alpha=ALPHA, target_modules=['é', 'v'])\n"
    run = only(read_python(program))
    raw = program.encode()

    def text(span: object) -> str:
        return raw[span.start : span.end].decode()  # type: ignore[attr-defined]

    assert text(run.adapter.rank.span) == "8"  # type: ignore[union-attr]
    assert text(run.adapter.alpha.span) == "64"  # type: ignore[union-attr]
    assert text(run.adapter.target_modules.span) == "['é', 'v']"  # type: ignore[union-attr]
    assert [(entry, text(span)) for entry, span in run.adapter.target_spans] == [("é", "'é'"), ("v", "'v'")]


def test_a_config_that_is_only_written_down_is_no_run() -> None:
    """Programs that convert checkpoints make one to fill `adapter_config.json`."""
    program = "config = LoraConfig(r=8, lora_alpha=0){}"
    assert len(read_python(IMPORTS + program.format("")).runs) == 1
    assert not read_python(IMPORTS + program.format(".to_dict()")).runs
    assert not read_python(IMPORTS + program.format("\nconfig.save_pretrained('out')")).runs


def test_a_reward_model_that_is_named_has_a_classifier() -> None:
    program = "from trl import RewardTrainer\nRewardTrainer(model='Qwen/Qwen3-0.6B', peft_config=LoraConfig()).train()"
    assert only(read_python(IMPORTS + program)).model.loader == "AutoModelForSequenceClassification"


def test_branches_that_are_merged_again_and_again_keep_each_event_once() -> None:
    """What two nested conditions may replace, twelve times: each event once, not 2 to the power of 12 times."""
    choose = (
        "    if args.a{0}:\n        if args.b{0}:\n            model = AutoModelForCausalLM.from_pretrained(args.x)\n"
    )
    program = (
        IMPORTS
        + "args = parse()\nmodel = AutoModelForCausalLM.from_pretrained(args.name)\nfor _ in unknown():\n"
        + "".join(choose.format(number) for number in range(12))
        + "model = get_peft_model(model, LoraConfig(r=8))\n"
    )
    knowledge = Knowledge(Project("."))
    machine = Machine(knowledge, ProjectLoader(Project(".")))
    machine.run(ProgramFile(SourceFile("train.py", "python", program.encode()), is_main=True), ast.parse(program))
    assert knowledge.records.runs
    assert all(len(record.model.events) <= 1 + 12 + 1 for record in knowledge.records.runs)


@pytest.mark.parametrize("package", ["peft", "src/peft"])
def test_keywords_of_a_peft_in_the_repository_are_its_own(tmp_path: Path, package: str) -> None:
    program = (
        IMPORTS + "model = get_peft_model(AutoModelForCausalLM.from_pretrained('gpt2'), LoraConfig(lora_nums=4))\n"
    )
    (tmp_path / "pyproject.toml").write_text("")
    assert [type(problem) for problem in only(read_python(program, tmp_path)).problems] == [UnknownKey]
    (tmp_path / package).mkdir(parents=True)
    (tmp_path / package / "__init__.py").write_text("class LoraConfig:\n    lora_nums: int = 2\n")
    assert only(read_python(program, tmp_path)).problems == ()


@pytest.mark.parametrize(
    ("keyword", "field", "written", "read", "wrong"),
    [
        ("r", "rank", "4", 4, "'4'"),
        ("lora_alpha", "alpha", "4", 4, "'4'"),
        ("lora_dropout", "dropout", "0.5", 0.5, "'4'"),
        ("target_modules", "target_modules", "['a', 'b']", ("a", "b"), "4"),
        ("target_modules", "target_modules", "'.*a'", ".*a", "[4]"),
        ("exclude_modules", "exclude_modules", "['a']", ("a",), "4"),
        ("target_parameters", "target_parameters", "['a']", ("a",), "4"),
        ("layers_to_transform", "layers_to_transform", "[1, 2]", (1, 2), "'4'"),
        ("layers_to_transform", "layers_to_transform", "1", 1, "['4']"),
        ("layers_pattern", "layers_pattern", "'h'", "h", "4"),
        ("rank_pattern", "rank_pattern", "{'a': 4}", {"a": 4}, "4"),
        ("alpha_pattern", "alpha_pattern", "{'a': 4}", {"a": 4}, "4"),
        ("use_rslora", "use_rslora", "True", True, "'yes'"),
        ("use_dora", "use_dora", "True", True, "'yes'"),
        ("bias", "bias", "'all'", "all", ""),
        ("bias", "bias", "'lora_only'", "lora_only", ""),
        ("lora_bias", "lora_bias", "True", True, "'yes'"),
        ("modules_to_save", "modules_to_save", "['a']", ("a",), "'a'"),
        ("trainable_token_indices", "trainable_token_indices", "[1]", (1,), ""),
        ("init_lora_weights", "init_lora_weights", "'pissa'", "pissa", ""),
        ("inference_mode", "inference_mode", "True", True, "'yes'"),
        ("task_type", "task_type", "'SEQ_CLS'", "SEQ_CLS", "4"),
    ],
)
def test_settings_of_a_config(keyword: str, field: str, written: str, read: object, wrong: str) -> None:
    call = "get_peft_model(AutoModelForCausalLM.from_pretrained('gpt2'), LoraConfig({}={}))"
    run = only(read_python(IMPORTS + call.format(keyword, written)))
    assert plain(getattr(run.adapter, field)) == read
    assert run.problems == ()
    if wrong:
        (problem,) = only(read_python(IMPORTS + call.format(keyword, wrong))).problems
        assert (problem.key, type(problem).__name__) == (keyword, "InvalidValue")


@pytest.mark.parametrize(
    ("keyword", "meant"),
    [
        *((name, "r") for name in ("lora_r", "lora_rank", "rank")),
        ("alpha", "lora_alpha"),
        ("dropout", "lora_dropout"),
        ("lora_target_modules", "target_modules"),
        *((name, "use_rslora") for name in ("rslora", "use_rs_lora")),
        ("dora", "use_dora"),
    ],
)
def test_keywords_of_other_frameworks(keyword: str, meant: str) -> None:
    (problem,) = only(read_python(IMPORTS + f"LoraConfig({keyword}=1)")).problems
    assert isinstance(problem, UnknownKey)
    assert problem.suggestions == (meant,)
    both = only(read_python(IMPORTS + f"LoraConfig({keyword}=1, {meant}=1)")).problems
    assert [problem.suggestions for problem in both if isinstance(problem, UnknownKey)] == [()]


@pytest.mark.parametrize(
    ("keyword", "field", "written", "read"),
    [
        ("optim", "optimizer", "'sgd'", "sgd"),
        ("learning_rate", "learning_rate", "3e-4", 3e-4),
        ("num_train_epochs", "epochs", "2", 2),
        ("max_steps", "max_steps", "70", 70),
        ("per_device_train_batch_size", "batch_size", "3", 3),
        ("gradient_accumulation_steps", "accumulation", "6", 6),
    ],
)
def test_settings_of_training(keyword: str, field: str, written: str, read: object) -> None:
    text = WRAPPED + "Trainer(model=model, args=TrainingArguments('out'{})).train()"
    assert plain(getattr(only(read_python(text.format(f", {keyword}={written}"))).training, field)) == read
    usual = getattr(only(read_python(text.format(""))).training, field)
    assert plain(usual) not in (read, Unknown)
    assert usual.origin == "framework-default"
    opened = getattr(only(read_python(text.format(", **given"))).training, field)
    assert plain(opened) is Unknown


@pytest.mark.parametrize(
    ("test", "names"),
    [
        *((f"name.{word}('head')", ("head",)) for word in ("startswith", "endswith", "find")),
        *((f"re.{word}('head', name)", ("head",)) for word in ("search", "match")),
        ("'head' in name", ("head",)),
        ("name == 'head'", ("head",)),
        ("any(part in name for part in ['head', 'embed'])", ("head", "embed")),
        ("any([part in name for part in ('head', 'embed')])", ("head", "embed")),
        ("'head' in name or 'embed' in name", ("head", "embed")),
        ("not 'head' not in name", ("head",)),
        ("own(name)", ()),
        *(
            (f"p.{attribute}", None)
            for attribute in (
                *("dtype", "ndim > 1", "shape[0]", "is_floating_point()", "numel() > 1", "data.ok"),
                "device == 'cpu'",
            )
        ),
        ("isinstance(p, Own)", ()),
    ],
)
def test_tests_of_what_is_unfrozen(test: str, names: tuple[str, ...] | None) -> None:
    program = f"import re\nfor name, p in model.named_parameters():\n    if {test}:\n        p.requires_grad = True"
    (found,) = events(program)
    assert isinstance(found, Unfreeze)
    selected = Selected.ALL if names is None else Fragments(names) if names else Selected.UNREADABLE
    assert found.selection == selected


@pytest.mark.parametrize(
    ("test", "names"),
    [
        ("'lora' in name and 'head' in name", ("lora",)),
        ("'head' in name and 'lora' in name", ("lora",)),
        ("'head' in name and 'embed' in name", ("embed",)),
        ("'head' in name and 'embed' not in name", ("head",)),
    ],
)
def test_two_tests_of_a_name(test: str, names: tuple[str, ...]) -> None:
    program = f"for name, p in model.named_parameters():\n    if {test}:\n        p.requires_grad = True"
    assert [getattr(event, "selection", None) for event in events(program)] == [Fragments(names)]


def test_what_a_training_returns_is_no_model() -> None:
    (trained,) = events("result = Trainer(model=model).train()\nresult.requires_grad_(True)\nresult.metrics")
    assert isinstance(trained, Train)


@pytest.mark.parametrize(
    ("name", "is_trainer"),
    [("OwnTrainer", True), ("SFTTrainerGen", True), ("TrainerCallbacks", False), ("make_trainer", False)],
)
def test_a_trainer_that_is_not_followed(name: str, is_trainer: bool) -> None:
    """A project's own trainer, in a folder that only `sys.path` names, is one by its name and by what it gets."""
    given = "peft_config=config" if is_trainer else "config"
    program = f"""
        from own import {name}
        model = AutoModelForCausalLM.from_pretrained("gpt2")
        config = LoraConfig(r=8)
        {name}(model, {given}).train()
        """
    run = only(read_python(IMPORTS + textwrap.dedent(program)))
    assert (plain(run.model.name) == "gpt2") is is_trainer
    assert (run.training.trainer == name) is is_trainer


@pytest.mark.parametrize("test", ["critic", "not critic"])
def test_a_class_that_a_branch_chooses_is_not_known(test: str) -> None:
    program = f"""
import sys
from transformers import AutoModelForTokenClassification

if len(sys.argv) > 2:
    critic = True
else:
    critic = load_setting("critic")
if {test}:
    kind = AutoModelForTokenClassification
else:
    kind = AutoModelForCausalLM
model = kind.from_pretrained("Qwen/Qwen2.5-7B")
model = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", r=8))
"""
    assert only(read_python(IMPORTS + program)).model.loader is None
    alone = program.replace("kind.from", "AutoModelForTokenClassification.from")
    assert only(read_python(IMPORTS + alone)).model.loader == "AutoModelForTokenClassification"


CONSTRUCTOR = """
    class Job:
        def __init__(self, settings=None):
            self.settings = settings or {"r": 4, "model": "gpt2-large"}
            self.history = {
                "losses": [],
                "perplexities": [],
                "epochs": [],
            }
            self.started = None
            self.best = float("inf")
            self.folder = "out"
            self.patience = 3
            self.seed = 42
            self.name = "job"

        def run(self):
            name = resolved(self.settings["model"])
            model = AutoModelForCausalLM.from_pretrained(name)
            model = get_peft_model(model, LoraConfig(r=self.settings["r"]))
            Trainer(model=model).train()

    def resolved(name):
        names = {
            "a": "x",
            "b": "y",
            "c": "z",
        }
        known = []
        for letter in "abc":
            known.append(letter)
        print(known)
        print(names)
        model_name = name
        if model_name == "small":
            return "gpt2-medium"
        return model_name

    Job({"r": 12, "model": "gpt2"}).run()
    """


def test_long_functions_of_which_the_adapter_depends_are_followed() -> None:
    """A constructor, whatever its text mentions, and a function that is about the name of the model."""
    run = only(read_python(IMPORTS + textwrap.dedent(CONSTRUCTOR)))
    assert (plain(run.adapter.rank), plain(run.model.name)) == (12, "gpt2")


def test_a_program_that_exits_with_what_its_main_function_returns(tmp_path: Path) -> None:
    """The call is in a statement that ends the program."""
    (tmp_path / "training.py").write_text(
        "from peft import LoraConfig, get_peft_model\nfrom transformers import AutoModelForCausalLM, Trainer\n"
        "def fit(settings):\n    model = AutoModelForCausalLM.from_pretrained(settings['model'])\n"
        "    Trainer(model=get_peft_model(model, LoraConfig(r=settings['r']))).train()\n"
    )
    program = """
        from training import fit

        def main(argv=None):
            fit({"model": "gpt2", "r": 12})
            return 0

        if __name__ == "__main__":
            raise SystemExit(main())
        """
    run = only(read_python(program, tmp_path))
    assert (plain(run.adapter.rank), plain(run.model.name)) == (12, "gpt2")


@pytest.mark.parametrize("name", ["", "gpt2"])
def test_a_model_without_a_name_is_one_that_callers_give(name: str) -> None:
    program = f"""
        import fire
        def train(base_model: str = "{name}"):
            model = AutoModelForCausalLM.from_pretrained(base_model)
            Trainer(model=get_peft_model(model, LoraConfig(r=12))).train()
        fire.Fire(train)
        """
    run = only(read_python(IMPORTS + textwrap.dedent(program)))
    assert plain(run.model.name) == (name or Unknown)


def test_a_model_loaded_in_a_branch_that_the_default_does_not_lead_to() -> None:
    """Without the option it is the other branch's."""
    program = """
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("--model", default="gpt2")
        args = parser.parse_args()
        if "flan" in args.model:
            model = AutoModelForSeq2SeqLM.from_pretrained("google/{}".format(args.model))
        else:
            model = AutoModelForCausalLM.from_pretrained(args.model)
        Trainer(model=get_peft_model(model, LoraConfig(r=12))).train()
        """
    imports = IMPORTS + "from transformers import AutoModelForSeq2SeqLM\n"
    run = only(read_python(imports + textwrap.dedent(program)))
    assert plain(run.model.name) == "gpt2"
    (known,) = alternatives(run.model.name)
    assert known.origin == "cli-default"


SETTINGS = """
    import json
    def settings(path="settings.json", **more):
        kept = {"rank": 4}
        kept.update(MORE)
        return kept
    cfg = settings()
    LoraConfig(r=cfg.get("r", 12), lora_alpha=cfg.get("alpha", None), target_modules=cfg.get("targets", []))
    """


@pytest.mark.parametrize("more", ["json.load(open('no.json'))", "dict(zip(words()[::2], words()[1::2]))"])
def test_the_default_of_a_key_that_may_be_set_elsewhere(more: str) -> None:
    """It is the value unless something sets the key. None stands for nothing."""
    made = only(read_python(IMPORTS + textwrap.dedent(SETTINGS).replace("MORE", more))).adapter
    assert plain(made.rank) == 12
    (known,) = alternatives(made.rank)
    assert known.origin == "cli-default"
    assert (plain(made.alpha), plain(made.target_modules)) == (Unknown, Unknown)


def test_targets_of_settings_that_are_not_known_are_not_none_at_all() -> None:
    """A helper that makes a list of what is given leaves an empty one only of None."""
    program = """
        def as_list(value):
            if value is None:
                return []
            return list(value)
        def build(cfg):
            return LoraConfig(r=cfg.get("r", 12), target_modules=as_list(cfg.get("targets", None)))
        """
    made = only(read_python(IMPORTS + textwrap.dedent(program))).adapter
    assert (plain(made.rank), plain(made.target_modules)) == (12, Unknown)
