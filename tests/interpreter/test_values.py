"""How the values of a Python program reach the settings of its run."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from lora_lint.interpreter.values import MAX_ALTERNATIVES, Const, Opaque, Val, either
from lora_lint.run.values import Unknown, alternatives
from tests.support.reading import IMPORTS, adapter, only, plain, read_python

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("program", "rank"),
    [
        ("LoraConfig(r=16)", 16),
        ("LoraConfig()", 8),
        ("R = 4 * 8\nLoraConfig(r=R)", 32),
        ("import collections\nC = collections.namedtuple('C', 'r alpha')\nLoraConfig(r=C(14, 2).r)", 14),
        ("from collections import namedtuple\nC = namedtuple('C', ['r'])\nLoraConfig(r=C(r=14).r)", 14),
        ("import os\nvalue = os.getenv('R')\nr = int(value) if value else 8\nLoraConfig(r=r)", 8),
        ("R = 2 ** 4 - 1 + 9 // 3\nLoraConfig(r=R)", 18),
        ("import math\nR = int('64')\nLoraConfig(r=R)", 64),
        ("import typing\nfrom typing import cast\nLoraConfig(r=cast('int', typing.cast(typ=int, val=24)))", 24),
        ("settings = {'r': 12}\nLoraConfig(r=settings['r'])", 12),
        ("settings = {'lora': {'r': 12}}\nLoraConfig(r=settings['lora'].get('r', 8))", 12),
        ("settings = {}\nLoraConfig(r=settings.get('r', 6))", 6),
        ("settings = dict(r=5)\nsettings.update(r=7)\nLoraConfig(**settings)", 7),
        ("base = {'r': 5}\nLoraConfig(**{**base, 'lora_alpha': 3})", 5),
        ("a, (b, c) = 1, (2, 3)\nLoraConfig(r=c)", 3),
        ("first, *rest = [1, 2, 3]\nLoraConfig(r=rest[1])", 3),
        ("def rank(base, factor=2):\n    return base * factor\nLoraConfig(r=rank(8))", 16),
        ("def rank(base, *, factor=2):\n    return base * factor\nLoraConfig(r=rank(base=8, factor=4))", 32),
        ("rank = lambda n: n + 1\nLoraConfig(r=rank(8))", 9),
        ("from functools import partial\ndef f(a, b):\n    return a + b\nLoraConfig(r=partial(f, 3)(4))", 7),
        ("r = 8\nr *= 2\nLoraConfig(r=r)", 16),
        ("QUICK = False\nif QUICK:\n    r = 4\nelse:\n    r = 64\nLoraConfig(r=r)", 64),
        ("r = max(8, 16, 4)\nLoraConfig(r=r)", 16),
        ("ranks = [2, 4]\nLoraConfig(r=ranks[-1])", 4),
        ("if (n := 10) > 5:\n    LoraConfig(r=n)", 10),
        ("r: int = 24\nLoraConfig(r=r)", 24),
        ("import json\nr = json.load(open('x'))['r']\nLoraConfig(r=r)", Unknown),
        ("import os\nr = int(os.environ['R'])\nLoraConfig(r=r)", Unknown),
        ("LoraConfig(r=undefined_name)", Unknown),
        ("import random\nr = 8 if random.random() > 0.5 else 16\nLoraConfig(r=r)", {8, 16}),
        ("import os\nif os.getenv('BIG'):\n    r = 64\nelse:\n    r = 8\nLoraConfig(r=r)", {8, 64}),
        (
            "import os\nd = {'r': 4} if os.getenv('A') else {'r': 8, 'b': 1}\nd['r'] = 16\nLoraConfig(r=d['r'])",
            16,
        ),
        ("import os\nif os.getenv('A'):\n    r = 8\nelse:\n    r = 8\nLoraConfig(r=r)", 8),
        ("class C:\n    rank = 20\nLoraConfig(r=C.rank)", 20),
        ("class C:\n    def __init__(self, r):\n        self.r = r\nc = C(21)\nLoraConfig(r=c.r)", 21),
        ("class C:\n    @property\n    def r(self):\n        return 22\nLoraConfig(r=C().r)", 22),
        ("from enum import Enum\nclass E(Enum):\n    SMALL = 4\nLoraConfig(r=E.SMALL.value)", 4),
        ("from types import SimpleNamespace\ns = SimpleNamespace(r=13)\nLoraConfig(r=s.r)", 13),
        ("config = LoraConfig(r=8)\nconfig.r = 32", 32),
        ("for r in [8]:\n    pass\nLoraConfig(r=r)", 8),
        ("r = 1\nwhile r < 20:\n    r *= 2\nLoraConfig(r=r)", 32),
        ("r = 1\nwhile r < 1000:\n    r += 1\nLoraConfig(r=r)", Unknown),
        ("r = [1]\nwhile len(r) < 1000:\n    r.append(1)\nLoraConfig(r=len(r))", Unknown),
        ("try:\n    r = 8\nexcept Exception:\n    r = 16\nLoraConfig(r=r)", 8),
        ("with open('x') as f:\n    r = 14\nLoraConfig(r=r)", 14),
        ("r = None or 9\nLoraConfig(r=r)", 9),
        ("r = 10 ** 10 ** 10\nLoraConfig(r=r)", Unknown),
    ],
)
def test_rank(program: str, rank: object) -> None:
    adapter(program, rank=rank)


@pytest.mark.parametrize(
    ("program", "targets"),
    [
        ("LoraConfig(target_modules=['q', 'v'])", ("q", "v")),
        ("LoraConfig(target_modules='all-linear')", "all-linear"),
        ("t = ['q']\nt.append('v')\nt += ['k']\nt.extend(('o',))\nLoraConfig(target_modules=t)", ("q", "v", "k", "o")),
        ("base = ['q']\nLoraConfig(target_modules=base + ['v'])", ("q", "v")),
        ("LoraConfig(target_modules=[*['q'], 'v'])", ("q", "v")),
        ("LoraConfig(target_modules=[f'{n}_proj' for n in 'qv'])", ("q_proj", "v_proj")),
        ("LoraConfig(target_modules='q_proj,v_proj'.split(','))", ("q_proj", "v_proj")),
        ("M = {'llama': ['q', 'v'], 'gpt2': ['c_attn']}\nLoraConfig(target_modules=M['gpt2'])", ("c_attn",)),
        ("LoraConfig(target_modules=[n for n in ['q', 'k', 'v'] if n != 'k'])", ("q", "v")),
        ("LoraConfig(target_modules=list(map(str.lower, x)))", Unknown),
        ("t = ['q']\nif flag:\n    t.append('v')\nLoraConfig(target_modules=t)", Unknown),
        ("t = ['q'] if flag else ['v']\nLoraConfig(target_modules=t)", {("q",), ("v",)}),
        ("t = []\nfor n in names:\n    t.append(n)\nLoraConfig(target_modules=t)", Unknown),
        ("t = ['q', 'v', 'lm_head']\nt.remove('lm_head')\nLoraConfig(target_modules=t)", ("q", "v")),
    ],
)
def test_targets(program: str, targets: object) -> None:
    adapter(program, target_modules=targets)


@pytest.mark.parametrize(
    ("program", "read"),
    [
        ("import peft\npeft.LoraConfig(r=3)", True),
        ("import peft as p\np.LoraConfig(r=3)", True),
        ("from peft import LoraConfig as LC\nLC(r=3)", True),
        ("from peft.tuners.lora import LoraConfig\nLoraConfig(r=3)", True),
        ("import peft.tuners.lora as lora\nlora.LoraConfig(r=3)", True),
        ("from peft import *\nLoraConfig(r=3)", True),
        ("try:\n    from peft import LoraConfig\nexcept ImportError:\n    LoraConfig = None\nLoraConfig(r=3)", True),
        ("def f():\n    from peft import LoraConfig\n    return LoraConfig(r=3)", True),
        ("from my_lora import LoraConfig\nLoraConfig(r=3)", False),
        ("class LoraConfig:\n    def __init__(self, r):\n        self.r = r\nLoraConfig(r=3)", False),
        ("LoraConfig(r=3)", False),
    ],
)
def test_names_are_resolved(program: str, read: bool) -> None:
    reading = read_python(program)
    assert len(reading.runs) == (1 if read else 0)
    if read:
        assert plain(only(reading).adapter.rank) == 3


CLI = {
    "argparse": """
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("--lora-r", type=int, default=8)
        group = parser.add_argument_group("more")
        group.add_argument("-a", "--alpha", default="32", type=int)
        args = parser.parse_args()
        LoraConfig(r=args.lora_r, lora_alpha=args.alpha)
    """,
    "dataclass": """
        from dataclasses import dataclass, field
        from transformers import HfArgumentParser
        @dataclass
        class Arguments:
            lora_r: int = field(default=8, metadata={"help": "rank"})
            alpha: int = 32
        (args,) = HfArgumentParser(Arguments).parse_args_into_dataclasses()
        LoraConfig(r=args.lora_r, lora_alpha=args.alpha)
    """,
    "two dataclasses": """
        from dataclasses import dataclass
        from transformers import HfArgumentParser, TrainingArguments
        @dataclass
        class Arguments:
            lora_r: int = 8
            alpha: int = 32
        args, training = HfArgumentParser((Arguments, TrainingArguments)).parse_args_into_dataclasses()
        LoraConfig(r=args.lora_r, lora_alpha=args.alpha)
    """,
    "click": """
        import click
        @click.command()
        @click.option("--lora-r", default=8)
        @click.option("--alpha", default=32)
        def main(lora_r, alpha):
            LoraConfig(r=lora_r, lora_alpha=alpha)
        if __name__ == "__main__":
            main()
    """,
    "fire": """
        import fire
        def main(lora_r: int = 8, alpha: int = 32):
            LoraConfig(r=lora_r, lora_alpha=alpha)
        fire.Fire(main)
    """,
    "typer": """
        import typer
        def main(lora_r: int = typer.Option(8, help="rank"), alpha: int = 32):
            LoraConfig(r=lora_r, lora_alpha=alpha)
        typer.run(main)
    """,
    "never called": """
        def main(lora_r=8, alpha=32):
            LoraConfig(r=lora_r, lora_alpha=alpha)
    """,
}


LIKELY = {
    "key of a file": """
        import json, sys
        config = json.load(open(sys.argv[1]))
        LoraConfig(r=config.get("r", 8), lora_alpha=config["lora"].get("alpha", 32))
    """,
    "key of a parameter": """
        def build(config):
            lora = config.get("lora", {})
            return LoraConfig(r=lora.get("r", 8), lora_alpha=lora.get("alpha", default=32))
    """,
    "environment": """
        import os
        LoraConfig(r=int(os.environ.get("R", 8)), lora_alpha=int(os.getenv("ALPHA", "32")))
    """,
    "annotated with settings": """
        from dataclasses import dataclass
        @dataclass
        class Settings:
            r: int = 8
            alpha: int = 32
        def build(settings: Settings):
            LoraConfig(r=settings.r, lora_alpha=settings.alpha)
    """,
    "locals": """
        def main(rank=8, alpha=32):
            settings = dict(locals())
            LoraConfig(r=settings["rank"], lora_alpha=vars()["alpha"])
    """,
    "filter": """
        def main(ranks="8,", alphas=(32, 0)):
            LoraConfig(r=[int(r) for r in ranks.split(",") if r][0], lora_alpha=[a for a in alphas if a][0])
    """,
    "filter by a flag": """
        def main(small=True):
            LoraConfig(r=[r for r in [8] if small][0], lora_alpha=[a for a in [32] if small][0])
    """,
    "tap": """
        from tap import Tap
        class Arguments(Tap):
            r: int = 8
            alpha: int = 32
        args = Arguments().parse_args()
        LoraConfig(r=args.r, lora_alpha=args.alpha)
    """,
    **{
        name: f"""
        import draccus, pyrallis, simple_parsing, tyro
        from dataclasses import dataclass
        from omegaconf import OmegaConf
        @dataclass
        class Settings:
            r: int = 8
            alpha: int = 32
        {use}
        LoraConfig(r=settings.r, lora_alpha=settings.alpha)
        """
        for name, use in {
            "tyro": "settings = tyro.cli(Settings)",
            "draccus": "settings = draccus.parse(config_class=Settings)",
            "pyrallis": "settings = pyrallis.parse(Settings)",
            "simple_parsing": "settings = simple_parsing.parse(Settings)",
            "ArgumentParser": "parser = simple_parsing.ArgumentParser(); parser.add_arguments(Settings, dest='own'); "
            "settings = parser.parse_args().own",
            "OmegaConf": "settings = OmegaConf.merge(OmegaConf.structured(Settings), OmegaConf.from_cli())",
        }.items()
    },
}


@pytest.mark.parametrize("program", LIKELY.values(), ids=LIKELY)
def test_defaults_that_somebody_else_may_override(program: str) -> None:
    run = only(read_python(IMPORTS + __import__("textwrap").dedent(program)))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (8, 32)
    assert {run.adapter.rank.origin, run.adapter.alpha.origin} == {"cli-default"}  # type: ignore[union-attr]


def test_a_key_without_a_default_is_not_known() -> None:
    adapter("def build(config):\n    return LoraConfig(r=config.get('r'), lora_alpha=config['a'])", rank=Unknown)


def test_settings_that_are_merged() -> None:
    """The later ones win; what is not known may override those before it, and none after."""
    program = "from omegaconf import OmegaConf\na = OmegaConf.load('no.yaml')\n" + (
        "cfg = OmegaConf.merge({'lora': {'r': 8, 'a': 4}}, a, {'lora': {'r': 64}})\n"
        "LoraConfig(r=cfg.lora.r, lora_alpha=cfg.lora.a)"
    )
    run = only(read_python(IMPORTS + program))
    assert (plain(run.adapter.rank), run.adapter.rank.origin) == (64, "literal")  # type: ignore[union-attr]
    assert (plain(run.adapter.alpha), run.adapter.alpha.origin) == (4, "cli-default")  # type: ignore[union-attr]


def test_a_flag_that_another_method_sets() -> None:
    adapter(
        """
        class Trainer:
            def __init__(self):
                self.lora = False
                self.rank = 8

            def with_lora(self):
                self.lora = True

            def build(self):
                if self.lora:
                    return get_peft_model(model, LoraConfig(r=self.rank))
        """,
        rank=8,
    )


@pytest.mark.parametrize("program", CLI.values(), ids=CLI)
def test_command_line_defaults_are_known_and_marked(program: str) -> None:
    run = only(read_python(IMPORTS + __import__("textwrap").dedent(program)))
    assert plain(run.adapter.rank) == 8
    assert plain(run.adapter.alpha) == 32
    assert run.adapter.rank.origin == "cli-default"  # type: ignore[union-attr]


def test_required_option_is_unknown() -> None:
    adapter(
        """
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("--r", type=int, required=True)
        args = parser.parse_args()
        LoraConfig(r=args.r, lora_alpha=2 * args.r)
        """,
        rank=Unknown,
        alpha=Unknown,
    )


@pytest.mark.parametrize("part", ["sys.argv[1]", "'a' if sys.argv[1] == 'a' else 'b'"])
def test_what_is_put_into_one_of_several_dicts_may_be_in_each(part: str) -> None:
    program = f"import sys\nfound = {{'a': {{}}, 'b': {{}}}}\nfound[{part}]['q_proj'] = 1\n"
    read = only(read_python(IMPORTS + program + "LoraConfig(target_modules=list(found['a']))"))
    assert isinstance(read.adapter.target_modules, Unknown)


def test_branch_on_a_command_line_default_gives_both() -> None:
    adapter(
        """
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("--big", action="store_true")
        args = parser.parse_args()
        LoraConfig(r=64 if args.big else 8)
        """,
        rank={8, 64},
    )


def test_splat_of_something_unknown_hides_the_rest() -> None:
    adapter("LoraConfig(r=8, **load_settings())", rank=8, alpha=Unknown)


def test_imports_between_files_of_one_project(tmp_path: Path) -> None:
    (tmp_path / "settings.py").write_text("RANK = 24\ndef alpha(r):\n    return 2 * r\n")
    package = tmp_path / "helpers"
    package.mkdir()
    (package / "__init__.py").write_text("from .targets import TARGETS\n")
    (package / "targets.py").write_text("TARGETS = ['q_proj']\n")
    run = only(
        read_python(
            IMPORTS + "import settings\nfrom settings import alpha as a\nfrom helpers import TARGETS\n"
            "LoraConfig(r=settings.RANK, lora_alpha=a(settings.RANK), target_modules=TARGETS)\n",
            tmp_path,
        )
    )
    assert plain(run.adapter.rank) == 24
    assert plain(run.adapter.alpha) == 48
    assert plain(run.adapter.target_modules) == ("q_proj",)
    # The value is written in another file: this file's call is shown.
    assert run.adapter.rank.span.path.endswith("train.py")  # type: ignore[union-attr]


def test_adapter_made_in_an_imported_file_is_a_run_of_the_caller(tmp_path: Path) -> None:
    (tmp_path / "wrapping.py").write_text(
        IMPORTS + "def wrap(model, r):\n    return get_peft_model(model, LoraConfig(r=r, lora_alpha=16))\n"
    )
    reading = read_python(
        "from transformers import AutoModelForCausalLM\nfrom wrapping import wrap\n"
        "for r in (8, 64):\n    wrap(AutoModelForCausalLM.from_pretrained('gpt2'), r)\n",
        tmp_path,
    )
    assert [plain(run.adapter.rank) for run in reading.runs] == [8, 64]
    assert [len(sweep.runs) for sweep in reading.sweeps] == [2]


def test_a_factory_of_another_file_is_a_run_of_who_trains_what_it_makes(tmp_path: Path) -> None:
    make = "def make():\n    model = AutoModelForCausalLM.from_pretrained('gpt2')\n"
    (tmp_path / "making.py").write_text(IMPORTS + make + "    return get_peft_model(model, LoraConfig(r=8))\n")
    start = "from making import make\nfrom transformers import Trainer, TrainingArguments\nmodel = make()\n"
    train = "Trainer(model=model, args=TrainingArguments('out', learning_rate=1e-5)).train()\n"
    run = only(read_python(start + train, tmp_path))
    assert (plain(run.adapter.rank), plain(run.training.learning_rate)) == (8, 1e-5)
    assert not read_python(start + "model.generate()\n", tmp_path).runs


@pytest.mark.parametrize(
    ("lines", "trained"),
    [
        ("set_peft_model_state_dict(model, torch.load('a.bin'))\nmodel.eval()", False),
        ("if sys.argv[1:]:\n    set_peft_model_state_dict(model, torch.load('a.bin'))", None),
        ("set_peft_model_state_dict(model, torch.load('a.bin'))\nTrainer(model=model).train()", True),
        ("Trainer(model=model).train()", True),
        ("model.eval()", None),
    ],
)
def test_an_adapter_that_is_rebuilt_to_take_weights_is_not_trained(lines: str, *, trained: bool | None) -> None:
    program = f"{IMPORTS}import sys, torch\nfrom peft import set_peft_model_state_dict\n" + (
        "model = get_peft_model(AutoModelForCausalLM.from_pretrained('gpt2'), LoraConfig(r=64, lora_alpha=16))\n"
    )
    assert only(read_python(program + lines)).trained is trained


@pytest.mark.parametrize(
    ("data", "rate"),
    [
        ("eval_dataset=data", Unknown),
        ("train_dataset=None, eval_dataset=data", Unknown),
        ("train_dataset=data, eval_dataset=data", 1e-5),
        ("eval_dataset=data, **others", 1e-5),
        ("", 1e-5),
    ],
)
def test_a_trainer_that_only_evaluates_is_no_training(data: str, rate: object) -> None:
    program = "model = get_peft_model(AutoModelForCausalLM.from_pretrained('gpt2'), LoraConfig(r=8))\n" + (
        f"Trainer(model=model, args=TrainingArguments('out', learning_rate=1e-5), {data}).evaluate()\n"
    )
    assert plain(only(read_python(IMPORTS + program)).training.learning_rate) == rate


def test_import_cycles_end(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("from b import B\nA = 1\n")
    (tmp_path / "b.py").write_text("from a import A\nB = A\n")
    read_python(IMPORTS + "from a import A\nfrom b import B\nLoraConfig(r=B)\n", tmp_path)


def test_endless_programs_end() -> None:
    read_python(IMPORTS + "def f(n):\n    return f(n + 1)\nLoraConfig(r=f(0))\n")
    read_python(IMPORTS + "while True:\n    LoraConfig(r=8)\n")
    nested = "".join(f"{'    ' * depth}for i{depth} in range(60):\n" for depth in range(8))
    read_python(IMPORTS + nested + "    " * 8 + "LoraConfig(r=8)\n")


MODELS = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModel, PreTrainedModel


class ChatModel(PreTrainedModel):
    def __init__(self, config, language_model=None):
        super().__init__(config)
        self.language_model = language_model or AutoModel.from_config(config.text)
        if config.lora_rank:
            self.wrap(config.lora_rank)

    def wrap(self, r=128):
        config = LoraConfig(r=r, lora_alpha=2 * r, target_modules=["q_proj", "v_proj"])
        self.language_model = get_peft_model(self.language_model, config)

    def requires_grad_(self, on):
        print("not followed")
"""
TRAIN_CHAT = """\
from chat import ChatModel
from transformers import Trainer, TrainingArguments

model = ChatModel.from_pretrained("someone/chat-8b")
model.wrap(r=16)
Trainer(model=model, args=TrainingArguments(output_dir="out"), train_dataset=[]).train()
"""


def test_a_loaded_model_of_the_projects_own_class_has_its_methods(tmp_path: Path) -> None:
    (tmp_path / "chat.py").write_text(MODELS)
    run = only(read_python(TRAIN_CHAT, tmp_path))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (16, 32)
    assert plain(run.adapter.target_modules) == ("q_proj", "v_proj")


@pytest.mark.parametrize(
    ("package", "read"),
    [
        ("from .modeling import ChatModel\n", True),
        ("from .config import ChatConfig\nfrom .modeling import (\n    ChatModel,\n)\n", True),
        ("from . import modeling\nfrom .modeling import ChatModel\n", True),
        ("from .config import ChatModel\n", False),
        ("from .gone import ChatModel\n", False),
        ("", False),
    ],
)
def test_a_package_that_hands_on_what_puts_the_adapter_on(package: str, read: bool, tmp_path: Path) -> None:
    (tmp_path / "chat").mkdir()
    (tmp_path / "chat/__init__.py").write_text(package)
    (tmp_path / "chat/config.py").write_text("class ChatConfig: ...\n")
    (tmp_path / "chat/modeling.py").write_text(MODELS)
    runs = read_python(TRAIN_CHAT.replace("import ChatModel", "import (ChatModel)"), tmp_path).runs
    assert [plain(run.adapter.rank) for run in runs] == ([16] if read else [])


def test_alternatives_are_compared_no_further_than_they_are_of_use() -> None:
    compared = []

    class Counted(Const):
        def same(self, other: Val) -> bool:
            compared.append(other)
            return super().same(other)

    assert isinstance(either(Counted(number) for number in range(1_000)), Opaque)
    assert len(compared) <= MAX_ALTERNATIVES * (MAX_ALTERNATIVES + 1) // 2


def test_one_that_is_not_known_makes_the_whole_unknown_however_late_it_comes() -> None:
    unknown = Opaque("nobody knows")
    assert either([*map(Const, range(100)), unknown]) is unknown


@pytest.mark.parametrize(("default", "expected"), [("", Unknown), ("v_proj, k_proj,", ("v_proj", "k_proj"))])
def test_a_filter_that_leaves_nothing_of_a_default(default: str, expected: object) -> None:
    """Nobody gives the option a value of which nothing is left."""
    options = f"import argparse\np = argparse.ArgumentParser()\np.add_argument('--names', default='{default}')\n"
    names = "names = [name.strip() for name in p.parse_args().names.split(',') if name.strip()]\n"
    run = only(read_python(IMPORTS + options + names + "LoraConfig(r=8, target_modules=names)\n"))
    assert plain(run.adapter.target_modules) == expected


def test_all_names_of_another_file(tmp_path: Path) -> None:
    """`import *`, through a file that passes the names on, and of files that import each other."""
    (tmp_path / "settings.py").write_text("RANK = 16\nNAME = 'gpt2'\nfrom shared import *\n")
    (tmp_path / "shared.py").write_text(
        "from peft import *\nfrom settings import *\nALPHA = 32\ndef build():\n"
        "    return LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=['c_attn'])\n"
    )
    program = """
        import shared
        from shared import *
        from transformers import AutoModelForCausalLM, Trainer
        model = get_peft_model(AutoModelForCausalLM.from_pretrained(shared.NAME), build())
        Trainer(model=model).train()
        LoraConfig(r=len("1234"), lora_alpha=UNKNOWN_NAME)
        """
    made, built = read_python(program, tmp_path).runs
    assert (plain(made.adapter.rank), plain(made.adapter.alpha), plain(made.model.name)) == (16, 32, "gpt2")
    assert (plain(built.adapter.rank), plain(built.adapter.alpha)) == (4, Unknown)


def test_a_name_of_ones_own_hides_an_imported_one(tmp_path: Path) -> None:
    (tmp_path / "settings.py").write_text("RANK = 16\n")
    program = IMPORTS + "from settings import *\nRANK = 4\nLoraConfig(r=RANK)\n"
    assert plain(only(read_python(program, tmp_path)).adapter.rank) == 4


@pytest.mark.parametrize(
    "targets",
    [
        "args.given.split(',') if args.given else ['v_proj']",
        "[name.strip() for name in args.given.split(',')] if args.given else ['v_proj']",
        "[name.strip() for name in (args.given or '').split(',') if name.strip()] or ['v_proj']",
        "parsed(args.given) or ['v_proj']",
        "list(parsed(args.given) or ('v_proj',))",
    ],
)
@pytest.mark.parametrize("default", ["default=''", "default=None"])
def test_an_option_that_lists_targets_is_not_given(targets: str, default: str) -> None:
    program = f"""
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("--given", {default})
        args = parser.parse_args()
        def parsed(text):
            return [name.strip() for name in (text or "").split(",") if name.strip()]
        LoraConfig(r=8, target_modules={targets})
        """
    run = only(read_python(IMPORTS + textwrap.dedent(program)))
    assert plain(run.adapter.target_modules) == ("v_proj",)
    (known,) = alternatives(run.adapter.target_modules)
    assert known.origin == "cli-default"


@pytest.mark.parametrize("make", ["list", "tuple", "sorted", "set"])
def test_a_collection_of_one_of_two(make: str) -> None:
    program = f"import os\nnames = ['q', 'k'] if os.path.exists('x') else ['v', 'o']\nLoraConfig(r=8, target_modules={make}(names))"
    targets = only(read_python(IMPORTS + program)).adapter.target_modules
    assert {frozenset(known.value) for known in alternatives(targets)} == {frozenset("qk"), frozenset("vo")}
