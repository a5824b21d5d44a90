"""Where programs take a rank from: INI files, the environment, nodes that files are merged into, the command line."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from lora_lint.run.values import Known, Unknown
from tests.support.reading import IMPORTS, only, plain, read_python

if TYPE_CHECKING:
    from pathlib import Path

INI = "[DEFAULT]\nR = 24\n; a comment\n[lora]\nalpha: 48\n"
YAML = "lora:\n  r: 24\n  alpha: 48\n"
FLAT = "r: 24\nalpha: 48\n"
JSON = '{"lora": {"r": 24, "alpha": 48}}'
ENV = "# settings\nexport LORA_R=24\nLORA_ALPHA='48'\n"
ROWS: dict[str, tuple[str, str, str, dict[str, str]]] = {
    "ConfigParser": (
        "import configparser\nc = configparser.ConfigParser()\nc.read('x.ini')",
        'c.getint("lora", "r")',
        'int(c.get("lora", "alpha"))',
        {"x.ini": INI},
    ),
    "a section": (
        "from configparser import ConfigParser\nc = ConfigParser()\nc.read(['x.cfg'])\ns = c['lora']",
        'int(s["r"])',
        's.getint("alpha")',
        {"x.cfg": INI},
    ),
    "a section as a dict": (
        "from configparser import ConfigParser\nc = ConfigParser()\nc.read_file(open('x.ini'))\ns = dict(c['lora'])",
        'int(s["r"])',
        'int(s["alpha"])',
        {"x.ini": INI},
    ),
    "fallbacks": (
        "import configparser\nc = configparser.ConfigParser()\nc.read('x.ini')",
        'c.getint("other", "rank", fallback=24)',
        'c["lora"].getint("scale", 48)',
        {"x.ini": INI},
    ),
    "a ConfigParser in a class": (
        """
        import configparser
        class Config:
            def __init__(self, path):
                self.parser = configparser.ConfigParser()
                self.parser.read(path)
                self.r = self.parser.getint("lora", "r")
                self.alpha = int(self.parser["lora"]["alpha"])
        c = Config("x.ini")
        """,
        "c.r",
        "c.alpha",
        {"x.ini": INI},
    ),
    "the environment's defaults": ("import os", 'int(os.getenv("R", "24"))', 'int(os.environ.get("A") or 48)', {}),
    "what the program sets": (
        "import os\nos.environ['R'] = '24'\nos.environ.setdefault('A', '48')",
        'int(os.environ["R"])',
        'int(os.getenv("A", "8"))',
        {},
    ),
    "load_dotenv": (
        "import os\nfrom dotenv import load_dotenv\nload_dotenv()",
        'int(os.getenv("LORA_R", "8"))',
        'int(os.environ["LORA_ALPHA"])',
        {".env": ENV},
    ),
    "dotenv_values": (
        "from dotenv import dotenv_values\nc = dotenv_values('my.env')",
        'int(c["LORA_R"])',
        'int(c.get("LORA_ALPHA", 8))',
        {"my.env": ENV},
    ),
    "decouple": ("from decouple import config", 'config("R", default="24", cast=int)', 'config("A", default=48)', {}),
    "environs": (
        "from environs import Env\nenv = Env()\nenv.read_env()",
        'env.int("R", 24)',
        'env.int("A", default=48)',
        {},
    ),
    "yacs": (
        """
        from yacs.config import CfgNode as CN
        _C = CN()
        _C.LORA = CN()
        _C.LORA.R = 8
        _C.LORA.ALPHA = 16
        c = _C.clone()
        c.merge_from_file("c.yaml")
        c.merge_from_list(["LORA.ALPHA", 48])
        c.freeze()
        """,
        "c.LORA.R",
        "c.LORA.ALPHA",
        {"c.yaml": "LORA:\n  R: 24\n"},
    ),
    "load_cfg": (
        "from yacs.config import CfgNode\nwith open('c.yaml') as f:\n    c = CfgNode.load_cfg(f)",
        "c.lora.r",
        "c.lora.alpha",
        {"c.yaml": YAML},
    ),
    "ml_collections": (
        "import yaml\nfrom ml_collections import ConfigDict\nc = ConfigDict(yaml.safe_load(open('c.yaml')))\n"
        "c.update({'alpha': 48})\nc.lock()",
        "c.r",
        'c["alpha"]',
        {"c.yaml": "r: 24\nalpha: 16\n"},
    ),
    "object_hook": (
        "import json\nfrom types import SimpleNamespace\n"
        "c = json.load(open('c.json'), object_hook=lambda d: SimpleNamespace(**d))",
        "c.lora.r",
        "c.lora.alpha",
        {"c.json": JSON},
    ),
    "a namespace of a file": (
        "import argparse, json\nc = argparse.Namespace(**json.load(open('c.json')))",
        "c.r",
        "c.alpha",
        {"c.json": '{"r": 24, "alpha": 48}'},
    ),
    "a file over the options": (
        "import argparse, yaml\np = argparse.ArgumentParser()\np.add_argument('--r', type=int, default=8)\n"
        "args = p.parse_args()\nvars(args).update(yaml.safe_load(open('c.yaml')))",
        "args.r",
        "args.alpha",
        {"c.yaml": FLAT},
    ),
    "__dict__": (
        "import argparse, yaml\np = argparse.ArgumentParser()\np.add_argument('--r', type=int, default=8)\n"
        "args = p.parse_args()\nargs.__dict__.update(yaml.safe_load(open('c.yaml')))",
        "args.r",
        "args.alpha",
        {"c.yaml": FLAT},
    ),
    "pydantic": (
        """
        from pathlib import Path
        from pydantic import BaseModel
        class Lora(BaseModel):
            r: int = 8
            alpha: int = 16
        c = Lora.model_validate_json(Path("c.json").read_text())
        """,
        "c.r",
        "c.alpha",
        {"c.json": '{"r": 24, "alpha": 48}'},
    ),
    "pydantic's validators that run before": (
        """
        from pydantic import BaseModel, model_validator
        class Lora(BaseModel):
            r: int = 8
            alpha: int = 16
            @model_validator(mode="before")
            @classmethod
            def renamed(cls, values):
                if "rank" in values and "r" not in values:
                    values["r"] = values.pop("rank")
                return values
        c = Lora(rank=24, alpha=48)
        """,
        "c.r",
        "c.alpha",
        {},
    ),
    "Serializable": (
        """
        from dataclasses import dataclass
        from simple_parsing.helpers import Serializable
        @dataclass
        class Lora(Serializable):
            r: int = 8
            alpha: int = 16
        c = Lora.load_yaml("c.yaml")
        """,
        "c.r",
        "c.alpha",
        {"c.yaml": FLAT},
    ),
    "tyro's default": (
        """
        from dataclasses import dataclass
        import tyro
        @dataclass
        class Lora:
            r: int
            alpha: int = 8
        c = tyro.cli(Lora, default=Lora(r=24, alpha=48))
        """,
        "c.r",
        "c.alpha",
        {},
    ),
    "OmegaConf": (
        "from omegaconf import OmegaConf\n"
        "c = OmegaConf.merge(OmegaConf.load('c.yaml'), OmegaConf.create({'lora': {'dropout': 0}}))",
        "c.lora.r",
        "c.lora.alpha",
        {"c.yaml": "rank: 24\nlora:\n  r: ${rank}\n  alpha: ${oc.env:ALPHA,48}\n"},
    ),
    "Hydra's folder": (
        "import os\nfrom hydra import compose, initialize_config_dir\n"
        "initialize_config_dir(config_dir=os.path.abspath('conf'))\nc = compose('config')",
        "c.lora.r",
        "c.lora.alpha",
        {"conf/config.yaml": YAML},
    ),
    "W&B": (
        "import wandb\nwandb.init(config={'r': 24, 'alpha': 48})\nc = wandb.config",
        'c.get("r", 8)',
        "c.alpha",
        {},
    ),
    "sys.argv": (
        "import sys\nr = int(sys.argv[1]) if len(sys.argv) > 1 else 24\n"
        "try:\n    a = int(sys.argv[2])\nexcept IndexError:\n    a = 48",
        "r",
        "a",
        {},
    ),
    "a config file by sys.argv": (
        "import sys, yaml\nc = yaml.safe_load(open(sys.argv[1] if len(sys.argv) > 1 else 'c.yaml'))",
        'c["r"]',
        'c["alpha"]',
        {"c.yaml": FLAT},
    ),
    "getattr": ("class Config:\n    r = 24\nc = Config()", 'getattr(c, "r", 8)', 'getattr(c, "alpha", 48)', {}),
    "import_module": (
        "import importlib\nc = importlib.import_module('configs.base')",
        "c.r",
        "c.alpha",
        {"configs/base.py": "r = 24\nalpha = 48\n"},
    ),
    "evolve": (
        "import attrs\n@attrs.define\nclass C:\n    r: int = 24\n    alpha: int = 8\nc = attrs.evolve(C(), alpha=48)",
        "c.r",
        "c.alpha",
        {},
    ),
    "a named tuple": (
        "from typing import NamedTuple\nclass C(NamedTuple):\n    r: int = 24\n    alpha: int = 8\n"
        "c = C()._replace(alpha=48)",
        "c.r",
        'c._asdict()["alpha"]',
        {},
    ),
    "ChainMap": (
        "from collections import ChainMap\nc = ChainMap({'r': 24}, {'r': 8, 'alpha': 48})",
        'c["r"]',
        'c["alpha"]',
        {},
    ),
}


def read(head: str, rank: str, alpha: str, files: dict[str, str], folder: Path) -> tuple[object, object]:
    """The rank and alpha of a program beside some files."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    use = f"model = get_peft_model(AutoModelForCausalLM.from_pretrained('gpt2'), LoraConfig(r={rank}, lora_alpha={alpha}))"
    adapter = only(read_python(f"{IMPORTS}{textwrap.dedent(head)}\n{use}\n", folder)).adapter
    return adapter.rank, adapter.alpha


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_sources(row: tuple[str, str, str, dict[str, str]], tmp_path: Path) -> None:
    rank, alpha = read(*row, tmp_path)
    assert (plain(rank), plain(alpha)) == (24, 48)


def test_places_in_ini_files(tmp_path: Path) -> None:
    """A finding points to the text of the value."""
    rank, _ = read(*ROWS["ConfigParser"], tmp_path)
    assert isinstance(rank, Known)
    assert rank.written is not None
    assert INI[rank.written.start : rank.written.end] == "24"


UNSURE = {
    "exec": ("r = 8\nexec(open('configurator.py').read())", "r"),
    "an update that is not known": ("c = {'r': 8}\nc.update(load_settings())", "c['r']"),
    "an INI file that is not there": (
        "import configparser\nc = configparser.ConfigParser()\nc.read(sys.argv[1])",
        "c.getint('lora', 'r', fallback=8)",
    ),
}


@pytest.mark.parametrize(("head", "rank"), UNSURE.values(), ids=UNSURE)
def test_values_that_something_else_may_set_again(head: str, rank: str, tmp_path: Path) -> None:
    found, _ = read(f"import sys\n{head}", rank, "16", {}, tmp_path)
    assert isinstance(found, Known)
    assert (found.value, found.origin) == (8, "cli-default")


@pytest.mark.parametrize(("empty", "add"), [("[]", "errors.append(name)"), ("{}", "errors[name] = 1")])
def test_what_a_branch_may_fill(empty: str, add: str, tmp_path: Path) -> None:
    """`if errors: raise` behind checks that cannot be decided: what follows is not dead."""
    head = f"""
    import importlib.util
    errors = {empty}
    for name in ("peft", "trl"):
        if importlib.util.find_spec(name) is None:
            {add}
    if errors:
        raise RuntimeError(errors)
    """
    assert plain(read(head, "24", "48", {}, tmp_path)[0]) == 24


def test_a_method_of_the_class(tmp_path: Path) -> None:
    """`Settings.from_yaml(path)` got the path for its class."""
    head = """
    import yaml
    from dataclasses import dataclass
    @dataclass
    class Settings:
        r: int = 8
        alpha: int = 16
        @classmethod
        def from_yaml(cls, path):
            with open(path) as file:
                content = yaml.safe_load(file)
            return cls(r=content["r"], alpha=content.get("alpha", cls.alpha))
    settings = Settings.from_yaml("c.yaml")
    """
    rank, alpha = read(head, "settings.r", "settings.alpha", {"c.yaml": "r: 24\n"}, tmp_path)
    assert (plain(rank), plain(alpha)) == (24, 16)


def test_a_module_of_the_package(tmp_path: Path) -> None:
    """`from . import config` beside an `__init__.py` that does not define it."""
    files = {"__init__.py": "VERSION = 1\n", "config.py": "RANK = 24\n"}
    assert plain(read("from . import config", "config.RANK", "48", files, tmp_path)[0]) == 24


def test_a_dict_whose_keys_are_attributes(tmp_path: Path) -> None:
    head = """
    import yaml
    class DotDict(dict):
        __getattr__ = dict.get
        def __init__(self, given):
            for key, value in given.items():
                self[key] = DotDict(value) if hasattr(value, "keys") else value
    c = DotDict(yaml.safe_load(open("c.yaml")))
    """
    rank, alpha = read(head, "c.lora.r", "c.lora.alpha", {"c.yaml": YAML}, tmp_path)
    assert (plain(rank), plain(alpha)) == (24, 48)


def test_a_long_function_that_reads_a_config(tmp_path: Path) -> None:
    lines = "\n    ".join(f"print({number})" for number in range(20))
    head = f"import json\ndef load(path):\n    {lines}\n    return json.load(open(path))\nc = load('c.json')"
    assert plain(read(head, 'c["lora"]["r"]', "48", {"c.json": JSON}, tmp_path)[0]) == 24


SECRET = """
import os
{how}
model = AutoModelForCausalLM.from_pretrained(name)
model = get_peft_model(model, LoraConfig(r=8))
"""


@pytest.mark.parametrize("how", ['name = os.getenv("BASE_MODEL")', 'name = os.environ["BASE_MODEL"]'])
@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("BASE_MODEL=distilgpt2", "distilgpt2"),
        ('export BASE_MODEL="distilgpt2"  # small', "distilgpt2"),
        ("BASE_MODEL=", Unknown),
        ("BASE_MODEL=your/model", Unknown),
        ("BASE_MODEL=<the model>", Unknown),
        ("OTHER=distilgpt2", Unknown),
    ],
)
def test_a_variable_as_the_projects_example_has_it(how: str, line: str, name: object, tmp_path: Path) -> None:
    """What the program needs and nothing sets is in the file that users copy; a default of the program's own holds."""
    (tmp_path / ".env.example").write_text(f"HF_TOKEN=hf_xxx\n{line}\n")
    run = only(read_python(IMPORTS + SECRET.format(how=how), tmp_path))
    assert plain(run.model.name) == name
    assert not isinstance(run.model.name, Known) or run.model.name.origin == "cli-default"
    own = SECRET.format(how='name = os.getenv("BASE_MODEL", "gpt2")')
    assert plain(only(read_python(IMPORTS + own, tmp_path)).model.name) == "gpt2"
