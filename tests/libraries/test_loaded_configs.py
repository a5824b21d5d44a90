"""Programs that load a YAML or JSON config: the run is read from both files, and findings point to both."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from lora_lint.linting import engine
from lora_lint.run.values import Known, Unknown
from lora_lint.settings import Settings
from tests.support.reading import only, plain, read_python

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
model: microsoft/Phi-3-mini-4k-instruct
lora:
  r: 64  # high
  alpha: 16
  targets: [q_proj, o_proj]
"""
USE = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

{load}
model = AutoModelForCausalLM.from_pretrained(cfg["model"])
lora = cfg["lora"]
config = LoraConfig(r=lora["r"], lora_alpha=lora["alpha"], target_modules=lora["targets"])
model = get_peft_model(model, config)
"""
LOADS = {
    "safe_load": 'import yaml\nwith open("configs/a.yaml") as file:\n    cfg = yaml.safe_load(file)',
    "load": 'import yaml\ncfg = yaml.load(open("configs/a.yaml"), Loader=yaml.SafeLoader)',
    "function": 'import yaml\ndef load(path):\n    with open(path) as f:\n        return yaml.safe_load(f)\n'
    'cfg = load("configs/a.yaml")',
    "path": 'import yaml\nfrom pathlib import Path\nwith open(Path("configs/a.yaml")) as f:\n    cfg = yaml.safe_load(f)',
    "path.open": 'import yaml\nfrom pathlib import Path\nwith Path("configs/a.yaml").open() as f:\n    cfg = yaml.safe_load(f)',
    "path.read_text": 'import yaml\nfrom pathlib import Path\ncfg = yaml.safe_load((Path("configs") / "a.yaml").read_text())',
    "path of the file": 'import pathlib, yaml\nhere = pathlib.Path("scripts/train.py").resolve().parents[1]\n'
    'cfg = yaml.safe_load(here.joinpath("configs", "a").with_suffix(".yaml").open("r"))',
    "os.path": 'import os, yaml\nroot = os.path.join(os.path.dirname("scripts/train.py"), "..")\n'
    'cfg = yaml.safe_load(open(os.path.join(root, "configs", "a.yaml")).read())',
    "loads": 'import json\nfrom pathlib import Path\ncfg = json.loads(Path("configs/a.json").read_text(encoding="utf-8"))',
    "loads of read": 'import json\ncfg = json.loads(open("configs/a.json").read())',
    "omegaconf": 'from omegaconf import OmegaConf\ncfg = OmegaConf.load("configs/a.yaml")',
    "json": 'import json\nwith open("configs/a.json") as file:\n    cfg = json.load(file)',
    "io.open": 'import io, json\ncfg = json.load(io.open("configs/a.json"))',
    "codecs.open": 'import codecs, json\ncfg = json.load(codecs.open("configs/a.json", encoding="utf-8"))',
    "ruamel": 'from ruamel.yaml import YAML\nyaml = YAML(typ="safe")\ncfg = yaml.load(open("configs/a.yaml"))',
    "toml": 'import toml\ncfg = toml.load("configs/a.toml")',
    "toml file": 'import toml\nwith open("configs/a.toml") as f:\n    cfg = toml.load(f)',
    "tomllib": 'import tomllib\nwith open("configs/a.toml", "rb") as f:\n    cfg = tomllib.load(f)',
    "tomllib.loads": 'import tomllib\nfrom pathlib import Path\ncfg = tomllib.loads(Path("configs/a.toml").read_text())',
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs/a.yaml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "configs/a.json").write_text(
        '{"model": "microsoft/Phi-3-mini-4k-instruct", "lora": {"r": 64, "alpha": 16, "targets": ["q_proj", "o_proj"]}}',
        encoding="utf-8",
    )
    (tmp_path / "configs/a.toml").write_text(
        'model = "microsoft/Phi-3-mini-4k-instruct"\n[lora]\nr = 64  # high\nalpha = 16\ntargets = ["q_proj", "o_proj"]\n',
        encoding="utf-8",
    )
    (tmp_path / "scripts").mkdir()
    return tmp_path


@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize("name", ["train.py", "scripts/train.py"])
def test_values(load: str, name: str, folder: Path) -> None:
    run = only(read_python(USE.format(load=LOADS[load]), folder, name))
    assert plain(run.model.name) == "microsoft/Phi-3-mini-4k-instruct"
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (64, 16)
    assert plain(run.adapter.target_modules) == ("q_proj", "o_proj")
    assert isinstance(run.adapter.rank, Known)
    assert run.adapter.rank.written is not None
    assert run.adapter.rank.written.path.endswith(("configs/a.yaml", "configs/a.json", "configs/a.toml"))


def test_places_in_toml(folder: Path) -> None:
    text = (folder / "configs/a.toml").read_bytes()
    run = only(read_python(USE.format(load=LOADS["toml"]), folder))
    for value, written in ((run.adapter.rank, b"64"), (run.adapter.alpha, b"16")):
        assert isinstance(value, Known) and value.written is not None
        assert text[value.written.start : value.written.end] == written


@pytest.mark.parametrize("text", ["lora = {", "\x00", "[lora]\nr = 64\n[lora]\n"])
def test_toml_that_cannot_be_read(text: str, folder: Path) -> None:
    (folder / "configs/a.toml").write_text(text)
    assert plain(only(read_python(USE.format(load=LOADS["toml"]), folder)).adapter.rank) is Unknown


@pytest.mark.parametrize(
    "made",
    [
        "from easydict import EasyDict\ncfg = EasyDict(content)",
        "from addict import Dict\ncfg = Dict(content)",
        "from box import Box\ncfg = Box(content)",
        "from munch import munchify\ncfg = munchify(content)",
        "from ml_collections import ConfigDict\ncfg = ConfigDict(content)",
        "class Lora(BaseModel):\n    r: int = 8\nclass All(BaseModel):\n    lora: Lora\ncfg = All(**content)",
        "class Lora(BaseModel):\n    r: int = 8\nclass All(BaseModel):\n    lora: Lora | None = None\n"
        "cfg = All.model_validate(content)",
        "class Lora(BaseModel):\n    r: int = 8\nclass All(BaseModel):\n    lora: Optional[Lora] = None\n"
        "cfg = All.parse_obj(content)",
        "import dacite\n@dataclass\nclass Lora:\n    r: int = 8\n@dataclass\nclass All:\n    lora: Lora\n"
        "cfg = dacite.from_dict(data_class=All, data=content)",
    ],
)
def test_objects_made_of_a_dict(made: str, folder: Path) -> None:
    program = (
        "import yaml\nfrom dataclasses import dataclass\nfrom typing import Optional\nfrom pydantic import BaseModel\n"
        f'from peft import LoraConfig\ncontent = yaml.safe_load(open("configs/a.yaml"))\n{made}\nLoraConfig(r=cfg.lora.r)\n'
    )
    assert plain(only(read_python(program, folder)).adapter.rank) == 64


def test_attributes(folder: Path) -> None:
    program = """
        from omegaconf import OmegaConf
        from peft import LoraConfig, get_peft_model

        cfg = OmegaConf.load("configs/a.yaml")
        get_peft_model(model, LoraConfig(r=cfg.lora.r, lora_alpha=cfg.lora.alpha, target_modules=list(cfg.lora.targets)))
    """
    run = only(read_python(program, folder))
    assert (plain(run.adapter.rank), plain(run.adapter.target_modules)) == (64, ("q_proj", "o_proj"))


def test_a_default_of_the_command_line_is_only_likely(folder: Path) -> None:
    load = (
        'import argparse, yaml\nparser = argparse.ArgumentParser()\nparser.add_argument("--config", '
        'default="configs/a.yaml")\nargs = parser.parse_args()\ncfg = yaml.safe_load(open(args.config))'
    )
    run = only(read_python(USE.format(load=load), folder))
    assert isinstance(run.adapter.rank, Known)
    assert (run.adapter.rank.value, run.adapter.rank.origin) == (64, "cli-default")


@pytest.mark.parametrize(
    ("path", "rank"),
    [
        ("/home/me/project/configs/a.yaml", 64),
        ("/configs/a.yaml", 64),
        ("/home/me/a.yaml", 64),
        ("/home/me/b.yaml", Unknown),
    ],
)
def test_a_path_on_the_author_s_machine(path: str, rank: object, folder: Path) -> None:
    """Its end may be in the project, which is no more than likely."""
    (folder / "a.yaml").write_text(CONFIG, encoding="utf-8")
    run = only(read_python(USE.format(load=f'import yaml\ncfg = yaml.safe_load(open("{path}"))'), folder))
    assert plain(run.adapter.rank) == rank
    assert rank is Unknown or run.adapter.rank.origin == "cli-default"  # type: ignore[union-attr]


def test_dataclasses_from_a_file(folder: Path) -> None:
    (folder / "args.yaml").write_text("lora_r: 32\nlearning_rate: 2e-4\n", encoding="utf-8")
    program = """
        from dataclasses import dataclass
        from peft import LoraConfig, get_peft_model
        from transformers import HfArgumentParser

        @dataclass
        class Arguments:
            lora_r: int = 8
            lora_alpha: int = 16

        (args,) = HfArgumentParser(Arguments).parse_yaml_file("args.yaml")
        get_peft_model(model, LoraConfig(r=args.lora_r, lora_alpha=args.lora_alpha, target_modules=["q_proj"]))
    """
    run = only(read_python(program, folder))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (32, 16)


@pytest.mark.parametrize(
    "load",
    [
        'import yaml\ncfg = yaml.safe_load(open("missing.yaml"))',
        "import sys, yaml\ncfg = yaml.safe_load(open(sys.argv[1]))",
        'import yaml\ncfg = yaml.safe_load(open("../../../../../../etc/hostname"))',
        'import yaml\ncfg = yaml.safe_load(open("broken.yaml"))',
        'import yaml\ncfg = yaml.safe_load(open("two.yaml"))',
        'import yaml\ncfg = yaml.safe_load(open("configs"))',
    ],
)
def test_what_is_not_known(load: str, folder: Path) -> None:
    (folder / "broken.yaml").write_text("a: [", encoding="utf-8")
    (folder / "two.yaml").write_text("a: 1\n---\nb: 1\n", encoding="utf-8")
    run = only(read_python(USE.format(load=load), folder))
    assert isinstance(run.adapter.rank, Unknown)


def test_findings_point_to_both(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    (folder / "train.py").write_text(USE.format(load=LOADS["safe_load"]), encoding="utf-8")
    outcome = engine.lint(["."], Settings(), jobs=1)
    found = {finding.code: finding for finding in outcome.findings}
    assert set(found) == {"LL102", "LL202"}
    for code, lines in (("LL102", [3, 4]), ("LL202", [1, 5])):  # rank and alpha; the model and the targets
        assert found[code].span.path == "train.py"
        places = [outcome.located(related.span) for related in found[code].related]
        assert [(place.path, place.line) for place in places] == [("configs/a.yaml", line) for line in lines]


def test_a_search_in_a_config_belongs_to_who_starts_it(tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text(
        "method: bayes\nparameters:\n  lora_r:\n    values: [4, 16]\n", encoding="utf-8"
    )
    fit = """
        from peft import LoraConfig, get_peft_model
        from transformers import AutoModelForCausalLM, Trainer

        def fit(config):
            model = AutoModelForCausalLM.from_pretrained("openai-community/gpt2")
            model = get_peft_model(model, LoraConfig(r=config.lora_r, lora_alpha=32, target_modules=["c_attn"]))
            Trainer(model=model).train()
    """
    (tmp_path / "fit.py").write_text(textwrap.dedent(fit), encoding="utf-8")
    program = """
        import wandb, yaml
        from fit import fit

        def one():
            wandb.init()
            fit(wandb.config)

        with open("sweep.yaml") as file:
            wandb.agent(wandb.sweep(yaml.safe_load(file)), function=one)
    """
    (sweep,) = read_python(program, tmp_path, "sweep.py").sweeps
    assert [(plain(run.adapter.rank), plain(run.adapter.alpha)) for run in sweep.runs] == [(4, 32), (16, 32)]
    rank, alpha = sweep.runs[0].adapter.rank, sweep.runs[0].adapter.alpha
    assert isinstance(rank, Known) and isinstance(alpha, Known)
    assert rank.written is not None and rank.written.path.endswith("sweep.yaml")
    assert alpha.written is not None and alpha.written.path.endswith("fit.py")


HELPER = """\
import yaml
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM


def build(cfg):
    lora = cfg["lora"]
    config = LoraConfig(r=lora["r"], lora_alpha=lora["alpha"], target_modules=lora["targets"])
    return get_peft_model(AutoModelForCausalLM.from_pretrained(cfg["model"]), config)


def build_the_usual():
    with open("configs/a.yaml") as file:
        return build(yaml.safe_load(file))
"""


@pytest.mark.parametrize("load", LOADS)
def test_what_a_program_loads_and_another_file_uses(load: str, folder: Path) -> None:
    (folder / "helper.py").write_text(HELPER, encoding="utf-8")
    run = only(read_python(f"from helper import build\n{LOADS[load]}\nmodel = build(cfg)\n", folder))
    assert plain(run.model.name) == "microsoft/Phi-3-mini-4k-instruct"
    assert isinstance(run.adapter.rank, Known)
    assert run.adapter.rank.value == 64
    assert run.adapter.rank.span == run.span, "the call in this file"
    assert run.adapter.rank.written is not None
    assert run.adapter.rank.written.path.endswith(("configs/a.yaml", "configs/a.json", "configs/a.toml"))


def test_what_another_file_loads_and_uses_is_its_own(folder: Path) -> None:
    (folder / "helper.py").write_text(HELPER, encoding="utf-8")
    assert read_python("from helper import build_the_usual\nmodel = build_the_usual()\n", folder).runs == ()
    assert plain(only(read_python(HELPER, folder, "helper.py")).adapter.rank) == 64


def test_a_script_that_takes_all_it_gives_from_a_config_through_helpers(tmp_path: Path) -> None:
    files = {
        "configs/a.yaml": CONFIG + "  rslora: true\n",
        "reading.py": "import yaml\ndef load(name):\n    return yaml.safe_load(open(f'configs/{name}.yaml'))\n",
        "models.py": (
            "from peft import LoraConfig, get_peft_model\nfrom transformers import AutoModelForCausalLM\n"
            "def adapted(name, lora):\n"
            "    model = AutoModelForCausalLM.from_pretrained(name)\n"
            "    config = LoraConfig(r=lora.get('r', 8), target_modules=lora.get('targets', []), use_rslora=True)\n"
            "    return get_peft_model(model, config)\n"
        ),
        "train.py": (
            "from models import adapted\nfrom reading import load\n"
            "cfg = load('a')\nmodel = adapted(cfg['model'], cfg['lora'])\n"
        ),
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    run = only(read_python(files["train.py"], tmp_path))
    assert plain(run.adapter.rank) == 64
    # What is judged by itself has no targets, rather than the empty list that stands for none.
    assert not engine.lint([(tmp_path / "models.py").as_posix()], Settings()).findings


EXTENDING = """
import argparse, yaml
from pathlib import Path
from peft import LoraConfig
def load(path):
    path = Path(path)
    own = yaml.safe_load(path.read_text()) or {}
    parent = own.pop("extends", None)
    if not parent:
        return own
    return {**load(path.parent / parent), **own}
parser = argparse.ArgumentParser()
parser.add_argument("--config", default="configs/small.yaml")
cfg = load(parser.parse_args().config)
LoraConfig(r=cfg["r"], lora_alpha=cfg["alpha"])
"""


def test_the_file_of_an_option_extends_another_one(tmp_path: Path) -> None:
    """Whether it does is a question about this file, which the command line replaces as a whole."""
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs/base.yaml").write_text("r: 8\nalpha: 16\n")
    (tmp_path / "configs/small.yaml").write_text("extends: base.yaml\nr: 4\n")
    adapter = only(read_python(EXTENDING, tmp_path)).adapter
    assert (plain(adapter.rank), plain(adapter.alpha)) == (4, 16)
    for value in (adapter.rank, adapter.alpha):
        assert isinstance(value, Known)
        assert value.origin == "cli-default"


OF_FIELDS = {
    "kept by a set of names": (
        "names = {each.name for each in fields(Settings)}\n"
        "cfg = Settings(**{key: value for key, value in content.items() if key in names})"
    ),
    "copied one by one": (
        "given = {}\nfor each in dataclasses.fields(Settings):\n    if each.name in content:\n"
        "        given[each.name] = content[each.name]\ncfg = Settings(**given)"
    ),
    "set one by one": (
        "cfg = Settings()\nfor each in fields(cfg):\n    if each.name in content:\n"
        "        setattr(cfg, each.name, content[each.name])"
    ),
    "kept by the table of fields": (
        "cfg = Settings(**{key: content[key] for key in content if key in Settings.__dataclass_fields__})"
    ),
    "set where there is such a field": (
        "cfg = Settings()\nfor key, value in content.items():\n    if hasattr(cfg, key):\n        setattr(cfg, key, value)"
    ),
}


@pytest.mark.parametrize("way", OF_FIELDS.values(), ids=OF_FIELDS)
def test_a_file_for_the_fields_of_a_dataclass(way: str, tmp_path: Path) -> None:
    """What the file says holds, not the defaults of the fields; other keys are left out."""
    (tmp_path / "cfg.yaml").write_text("rank: 16\nmodel: distilgpt2\ncolour: red\n")
    head = "import dataclasses, yaml\nfrom dataclasses import dataclass, fields\n" + USE.split("{load}")[0]
    made = '@dataclass\nclass Settings:\n    rank: int = 8\n    alpha: int = 32\n    model: str = "gpt2"\n'
    end = "\nmodel = AutoModelForCausalLM.from_pretrained(cfg.model)\n"
    end += "get_peft_model(model, LoraConfig(r=cfg.rank, lora_alpha=cfg.alpha))\n"
    run = only(read_python(head + made + 'content = yaml.safe_load(open("cfg.yaml"))\n' + way + end, tmp_path))
    assert (plain(run.model.name), plain(run.adapter.rank), plain(run.adapter.alpha)) == ("distilgpt2", 16, 32)
