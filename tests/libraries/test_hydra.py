"""Programs under `@hydra.main`: read together with their config files, and with what a multirun sweeps over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint.linting import engine
from lora_lint.run.values import Known, Unknown
from lora_lint.settings import Settings
from tests.support.reading import only, plain, read_python, shell

if TYPE_CHECKING:
    from pathlib import Path

    from lora_lint.run.run import Reading

TRAIN = """\
import hydra
from omegaconf import DictConfig
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments


@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg: DictConfig) -> None:
    model = AutoModelForCausalLM.from_pretrained(cfg.model.name)
    lora = LoraConfig(r=cfg.lora.r, lora_alpha=ALPHA, target_modules=list(cfg.model.targets))
    Trainer(model=get_peft_model(model, lora), args=TrainingArguments("out", learning_rate=cfg.lr)).train()


if __name__ == "__main__":
    main()
"""
CONFIG = """\
defaults:
  - model: gpt2
  - override hydra/sweeper: optuna
  - _self_
hydra:
  sweeper:
    params:
      PARAMS
lora:
  r: 8
  alpha: 16
lr: 2e-4
"""
MODEL = "name: openai-community/gpt2\ntargets: [c_attn]\n"


def write(folder: Path, config: str, alpha: str = "cfg.lora.alpha") -> str:
    (folder / "conf/model").mkdir(parents=True, exist_ok=True)
    (folder / "conf/config.yaml").write_text(config, encoding="utf-8")
    (folder / "conf/model/gpt2.yaml").write_text(MODEL, encoding="utf-8")
    return TRAIN.replace("ALPHA", alpha)


def swept(params: str) -> str:
    return CONFIG.replace("PARAMS", params.replace("\n", "\n      "))


def test_a_folder_that_the_program_derives_from_its_own_path(tmp_path: Path) -> None:
    program = write(tmp_path, swept("lora.r: 8,32")).replace('"conf"', 'str(Path(__file__).parent.parent / "conf")')
    (tmp_path / "scripts").mkdir()
    reading = read_python("from pathlib import Path\n" + program, tmp_path, "scripts/train.py")
    assert [plain(run.adapter.rank) for run in reading.sweeps[0].runs] == [8, 32]


SWEEPS = {
    "a list": ("lora.r: 8,32", "cfg.lora.alpha", [(8, 16), (32, 16)]),
    "choice": ("lora.r: choice(8, 32)", "cfg.lora.alpha", [(8, 16), (32, 16)]),
    "range": ("lora.r: range(8, 25, 8)", "cfg.lora.alpha", [(8, 16), (16, 16), (24, 16)]),
    "range with names": ("lora.r: range(start=8,stop=17,step=8)", "cfg.lora.alpha", [(8, 16), (16, 16)]),
    "interval": ("lora.r: int(interval(8, 64))", "cfg.lora.alpha", [(8, 16), (64, 16)]),
    "tagged": ("lora.r: tag(log, interval(8, 64))", "cfg.lora.alpha", [(8, 16), (64, 16)]),
    "tied in the program": ("lora.r: 8,32", "2 * cfg.lora.r", [(8, 16), (32, 64)]),
    "a key of the sweep alone": ("lora.r: 8,32\n+lora.extra: 4", "cfg.lora.extra", [(8, 4), (32, 4)]),
    "read with get": ("lora.r: 8,32", 'cfg["lora"].get("alpha", 99)', [(8, 16), (32, 16)]),
}


@pytest.mark.parametrize(("params", "alpha", "points"), SWEEPS.values(), ids=SWEEPS)
def test_sweeps(params: str, alpha: str, points: list[tuple[int, int]], tmp_path: Path) -> None:
    (sweep,) = read_python(write(tmp_path, swept(params), alpha), tmp_path).sweeps
    assert sweep.kind.phrase == "Hydra multirun"
    assert [(plain(run.adapter.rank), plain(run.adapter.alpha)) for run in sweep.runs] == points
    assert {plain(run.model.name) for run in sweep.runs} == {"openai-community/gpt2"}


def test_alpha_tied_by_a_reference(tmp_path: Path) -> None:
    config = swept("lora.r: 8,32").replace("alpha: 16", "alpha: ${lora.r}")
    (sweep,) = read_python(write(tmp_path, config), tmp_path).sweeps
    assert [plain(run.adapter.alpha) for run in sweep.runs] == [8, 32]


def test_alpha_is_swept_too(tmp_path: Path) -> None:
    (sweep,) = read_python(write(tmp_path, swept("lora.r: 8,32\nlora.alpha: 16,32")), tmp_path).sweeps
    assert len(sweep.runs) == 4


@pytest.mark.parametrize(
    "space",
    [
        "search_space:\n      lora.r: {type: categorical, choices: [8, 32]}",
        "search_space:\n      lora.r: {type: int, low: 8, high: 32, step: 8}",
        "ax_config:\n      params:\n        lora.r: {type: choice, values: [8, 32]}",
        "ax_config:\n      params:\n        lora.r: {type: range, bounds: [8, 32]}",
    ],
)
def test_described_spaces(space: str, tmp_path: Path) -> None:
    config = CONFIG.replace("params:\n      PARAMS", space)
    (sweep,) = read_python(write(tmp_path, config), tmp_path).sweeps
    assert [plain(run.adapter.rank) for run in sweep.runs] == [8, 32]


def test_a_config_without_a_sweep(tmp_path: Path) -> None:
    run = only(read_python(write(tmp_path, swept("lr: 1e-4,2e-4")), tmp_path))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha), plain(run.model.name)) == (
        8,
        16,
        "openai-community/gpt2",
    )
    assert isinstance(run.adapter.rank, Known)
    assert run.adapter.rank.origin == "cli-default"
    assert run.adapter.rank.written is not None
    assert run.adapter.rank.written.path.endswith("conf/config.yaml")


def test_packages(tmp_path: Path) -> None:
    program = write(tmp_path, "defaults:\n  - model: gpt2\n  - tuning@lora: small\n  - extra\nlr: 1e-4\n")
    (tmp_path / "conf/tuning").mkdir()
    (tmp_path / "conf/tuning/small.yaml").write_text("r: 4\nalpha: 8\n", encoding="utf-8")
    (tmp_path / "conf/extra.yaml").write_text("# @package _global_\nlora:\n  alpha: 12\n", encoding="utf-8")
    run = only(read_python(program, tmp_path))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (4, 12)


def test_what_is_instantiated(tmp_path: Path) -> None:
    config = swept("lora.r: 8,32").replace("alpha: 16", "lora_alpha: 16\n  _target_: peft.LoraConfig")
    program = write(tmp_path, config).replace(
        "LoraConfig(r=cfg.lora.r, lora_alpha=cfg.lora.alpha, target_modules=list(cfg.model.targets))",
        "hydra.utils.instantiate(cfg.lora, target_modules=list(cfg.model.targets))",
    )
    (sweep,) = read_python(program, tmp_path).sweeps
    assert [(plain(run.adapter.rank), plain(run.adapter.alpha)) for run in sweep.runs] == [(8, 16), (32, 16)]


@pytest.mark.parametrize(
    "params",
    ["lora.r: choice(${ranks})", 'lora.r: "[8,16]"', "lora.r: glob(*)", "lora.r: [8, 16]", "lora.r: range(8, 64, 0)"],
)
def test_what_is_not_known(params: str, tmp_path: Path) -> None:
    run = only(read_python(write(tmp_path, swept(params)), tmp_path))
    assert isinstance(run.adapter.rank, Unknown)


@pytest.mark.parametrize("config", ["lora: [", "- 1", "defaults:\n  - config\nlora:\n  r: 8\n"])
def test_configs_that_cannot_be_composed(config: str, tmp_path: Path) -> None:
    run = only(read_python(write(tmp_path, config), tmp_path))
    assert isinstance(run.adapter.alpha, Unknown)


PLAIN = "defaults:\n  - model: gpt2\n  - _self_\n" + CONFIG[CONFIG.index("lora:") :]


def called(folder: Path, command: str, alpha: str = "cfg.lora.alpha") -> Reading:
    """What a script holds that calls the program."""
    (folder / "train.py").write_text(write(folder, PLAIN, alpha), encoding="utf-8")
    return shell(command, folder)


def test_settings_of_the_call(tmp_path: Path) -> None:
    run = only(called(tmp_path, "python train.py lora.r=4 lr=1e-3"))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha), plain(run.training.learning_rate)) == (4, 16, 1e-3)
    assert isinstance(run.adapter.alpha, Known)
    assert run.adapter.alpha.origin == "literal"
    assert plain(run.model.name) == "openai-community/gpt2"
    (open_,) = called(tmp_path, 'python train.py lora.r=4 "$@"')
    assert isinstance(open_.adapter.alpha, Known)
    assert open_.adapter.alpha.origin == "cli-default"


@pytest.mark.parametrize(
    "command",
    [
        "python train.py -m lora.r=4,8,16",
        "python train.py --multirun lora.r=4,8,16 lr=1e-4",
        "python train.py hydra.mode=MULTIRUN 'lora.r=choice(4,8,16)'",
        "python train.py -m 'lora.r=4, 8, 16'",
    ],
)
def test_a_multirun_of_the_call(command: str, tmp_path: Path) -> None:
    reading = called(tmp_path, command)
    (sweep,) = reading.sweeps
    assert sweep.kind.phrase == "Hydra multirun"
    assert [(plain(run.adapter.rank), plain(run.adapter.alpha)) for run in sweep.runs] == [(4, 16), (8, 16), (16, 16)]
    assert sweep.span.path.endswith("run.sh")
    tied = called(tmp_path, command, "2 * cfg.lora.r").sweeps[0]
    assert [plain(run.adapter.alpha) for run in tied.runs] == [8, 16, 32]


def test_a_multirun_of_the_call_is_found(tmp_path: Path) -> None:
    called(tmp_path, "")
    text = "python train.py -m lora.r=8,16,64\n"
    (tmp_path / "run.sh").write_text(text, encoding="utf-8")
    found = {each.code: each for each in engine.lint([str(tmp_path / "run.sh")], Settings(), jobs=1).findings}
    assert found["LL101"].span.path.endswith("run.sh")


def test_a_group_that_the_call_chooses(tmp_path: Path) -> None:
    called(tmp_path, "")
    (tmp_path / "conf/model/neo.yaml").write_text(
        "name: EleutherAI/gpt-neo-125m\ntargets: [q_proj]\n", encoding="utf-8"
    )
    run = only(shell("python train.py model=neo lora.r=4", tmp_path))
    assert (plain(run.model.name), plain(run.adapter.target_modules)) == ("EleutherAI/gpt-neo-125m", ("q_proj",))
    both = shell("python train.py -m model=neo,gpt2 lora.r=4", tmp_path)
    assert isinstance(only(both).model.name, Unknown)


COMPOSE = """\
from hydra import compose, initialize
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

with initialize(version_base=None, config_path="conf"):
    for rank in (4, 16):
        cfg = compose(config_name="config", overrides=OVERRIDES)
        model = AutoModelForCausalLM.from_pretrained(cfg.model.name)
        model = get_peft_model(model, LoraConfig(r=cfg.lora.r, lora_alpha=cfg.lora.alpha))
"""


def composed(folder: Path, overrides: str) -> Reading:
    write(folder, PLAIN)
    return read_python(COMPOSE.replace("OVERRIDES", overrides), folder)


def test_compose(tmp_path: Path) -> None:
    (sweep,) = composed(tmp_path, '[f"lora.r={rank}", "+lora.extra=1"]').sweeps
    assert [(plain(run.adapter.rank), plain(run.adapter.alpha)) for run in sweep.runs] == [(4, 16), (16, 16)]
    run = only(composed(tmp_path, '["lora.alpha=64"]'))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (8, 64)
    assert plain(run.model.name) == "openai-community/gpt2"


@pytest.mark.parametrize("overrides", ["sys.argv[1:]", "[extra]", "['lora']"])
def test_overrides_that_are_not_known(overrides: str, tmp_path: Path) -> None:
    assert isinstance(only(composed(tmp_path, overrides)).adapter.rank, Unknown)


def test_findings_point_to_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(write(tmp_path, swept("lora.r: 8,16,64")), encoding="utf-8")
    found = {finding.code: finding for finding in engine.lint(["."], Settings(), jobs=1).findings}
    assert found["LL101"].span.path == "train.py"
    assert found["LL101"].confidence == "certain"
    assert "conf/config.yaml" in {related.span.path for related in found["LL101"].related}


def test_a_config_that_another_file_uses(tmp_path: Path) -> None:
    program = write(tmp_path, CONFIG.replace("      PARAMS\n", "      lr: 1e-4\n"))
    (tmp_path / "helper.py").write_text(
        "from peft import LoraConfig, get_peft_model\nfrom transformers import AutoModelForCausalLM\n"
        "def build(cfg):\n    config = LoraConfig(r=cfg.lora.r, lora_alpha=cfg.lora.alpha, target_modules=['c_attn'])\n"
        "    return get_peft_model(AutoModelForCausalLM.from_pretrained(cfg.model.name), config)\n",
        encoding="utf-8",
    )
    calls = {
        program[program.index("    model =") : program.index("\n\nif")]: "    model = build(cfg)\n",
        "from peft import LoraConfig, get_peft_model\n": "from helper import build\n",
    }
    for before, after in calls.items():
        program = program.replace(before, after)
    run = only(read_python(program, tmp_path))
    assert (plain(run.adapter.rank), plain(run.model.name)) == (8, "openai-community/gpt2")
    composed = (
        "from hydra import compose, initialize\nfrom helper import build\n"
        'with initialize(config_path="conf"):\n    cfg = compose(config_name="config", overrides=["model=gpt2"])\n'
        "model = build(cfg)\n"
    )
    assert plain(only(read_python(composed, tmp_path)).adapter.rank) == 8


CREATED = """
import hydra
from hydra.utils import instantiate
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer
@hydra.main(config_path="conf", config_name="config", version_base=None)
def main(cfg):
    Trainer(model=MADE).train()
main()
"""
TARGETS = """
base: &base
  _target_: transformers.AutoModelForCausalLM.from_pretrained
  pretrained_model_name_or_path: gpt2
lora: &lora
  _target_: peft.LoraConfig
  r: 8
  lora_alpha: 16
  target_modules: [c_attn]
whole:
  _target_: own.models.adapted
  base: *base
  config: *lora
later:
  _target_: own.models.adapted
  _partial_: true
  config: *lora
"""
OWN = """
from peft import get_peft_model
def adapted(base, config):
    return get_peft_model(base, config)
"""


@pytest.mark.parametrize(
    "made",
    [
        "get_peft_model(instantiate(cfg.base), instantiate(cfg.lora))",
        "instantiate(cfg.whole)",
        "instantiate(cfg.later)(base=instantiate(cfg.base))",
    ],
)
def test_what_hydra_creates(made: str, tmp_path: Path) -> None:
    for file, text in (("conf/config.yaml", TARGETS), ("own/__init__.py", ""), ("own/models.py", OWN)):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text)
    run = only(read_python(CREATED.replace("MADE", made), tmp_path))
    assert (plain(run.adapter.rank), plain(run.adapter.target_modules)) == (8, ("c_attn",))
    assert plain(run.model.name) == "gpt2"


def test_a_setting_that_the_file_does_not_have(tmp_path: Path) -> None:
    """Callers may give it; what stands for it otherwise is the program's default."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "config.yaml").write_text("model: gpt2\nlora: {r: 8}\n")
    made = "get_peft_model(AutoModelForCausalLM.from_pretrained(cfg.model), LoraConfig(r=cfg.peft.get('r', 4)))"
    assert plain(only(read_python(CREATED.replace("MADE", made), tmp_path)).adapter.rank) == 4
