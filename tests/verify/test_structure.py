"""The structure tier against PEFT: which verdict each finding gets, on the meta device, from configs alone."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from lora_lint import catalogue, discovery
from lora_lint.finding import Finding, Related, Verdict
from lora_lint.knowledge.resolve import resolve
from lora_lint.linting import engine
from lora_lint.linting.outcome import Content, Outcome
from lora_lint.linting.reading import read_file
from lora_lint.project import Project
from lora_lint.run.events import Train
from lora_lint.settings import Settings
from lora_lint.source import Span
from lora_lint.verify import session
from lora_lint.verify.experiment import Effort, FindingCase, Skip
from lora_lint.verify.measurement import table as measured_table
from lora_lint.verify.structure import table as exact_table
from lora_lint.verify.structure.replay import freeze_all_but
from tests.support.peft_models import small_config

if TYPE_CHECKING:
    from pathlib import Path

    from lora_lint.run.run import Reading, Run

FAMILIES = (
    "llama", "mistral", "qwen2", "qwen3", "gemma2", "phi3", "gpt2", "gpt_neox", "falcon", "bloom", "opt", "mixtral",
    "qwen3_moe", "gpt_oss", "glm4", "deepseek_v3",
)  # fmt: skip
WRAP = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer

model = AutoModelForCausalLM.from_pretrained("model")
config = LoraConfig(r=4, lora_alpha=8, {settings}, task_type="CAUSAL_LM")
model = get_peft_model(model, config)
{after}
Trainer(model=model).train()
"""


def saved(folder: Path, model_type: str, **settings: Any) -> None:
    """A folder with the config of a small model of that type, and nothing else."""
    config = small_config(model_type) if model_type in CONFIG_MAPPING else None
    assert config is not None
    for name, value in settings.items():
        setattr(config, name, value)
    (folder / "model").mkdir(exist_ok=True)
    config.save_pretrained(folder / "model")


def verdicts(folder: Path, program: str, name: str = "train.py", **options: Any) -> dict[str, Verdict]:
    """The verdicts on what is found in a program, by code; names and shapes alone."""
    (folder / name).write_text(program)
    outcome = engine.lint_text(program, name, Settings(), content=Content(basis=True))
    settled, interrupted = session.settle(outcome, Effort(**{"device": "meta", **options}), lambda _: None)
    assert not interrupted
    return {each.code: each.verdict for each in settled.findings if each.verdict is not None}


@pytest.fixture(autouse=True)
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("model_type", FAMILIES)
def test_partial_and_no_match_on_families(tmp_path: Path, model_type: str) -> None:
    """What the linter claims of the names of Llama on each family is what PEFT does on its skeleton."""
    saved(tmp_path, model_type)
    names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj", "no_such_layer"]
    program = WRAP.format(settings=f"target_modules={names}", after="")
    found = {code: verdict for code, verdict in verdicts(tmp_path, program).items() if code in ("LL201", "LL202")}
    assert [verdict.status for verdict in found.values()] == ["confirmed"], found
    [(code, verdict)] = found.items()
    if code == "LL201":
        assert "PEFT raises NoMatchingPeftModuleError" in verdict.reason
        return
    assert "no_such_layer" in verdict.measurements["unmatched"]
    assert verdict.measurements["entries"]["no_such_layer"] == {"modules": 0, "layers": 0}
    [run] = _read(program).runs
    [parameters] = {case.parameters for case in resolve(run).cases if case.version == 5}
    assert parameters in (None, verdict.measurements["trainable"])  # None: not claimed to be exact
    assert set(verdict.measurements["unmatched"]) == {
        entry for case in resolve(run).cases if case.version == 5 for entry in case.match.unmatched
    }


def _read(program: str) -> Reading:
    found = discovery.Found("train.py", "python", program.encode(), True)
    return read_file(found, Settings(), Project("")).reading


@pytest.mark.parametrize(
    ("targets", "code"),
    [
        ('["q_proj", ".*_proj"]', "LL203"),
        ('["q_proj", "all-linear"]', "LL204"),
        ('["nothing"]', "LL201"),
        ('["q_proj", "mlp"]', "LL216"),
        ('"q_proj"', "LL201"),
    ],
)
def test_targets(tmp_path: Path, targets: str, code: str) -> None:
    saved(tmp_path, "llama")
    verdict = verdicts(tmp_path, WRAP.format(settings=f"target_modules={targets}", after=""))[code]
    assert verdict.status == "confirmed"
    assert verdict.device == "meta"


def test_a_claim_that_the_model_does_not_bear_out_is_refuted(tmp_path: Path) -> None:
    """The user told the wrong model: the config that is there decides."""
    saved(tmp_path, "llama")
    program = "# lora-lint: model=openai-community/gpt2\n" + WRAP.format(settings='target_modules=["q_proj"]', after="")
    # The comment is for the linter; the experiment asks the config in the folder that the program loads.
    text = program.replace("# lora-lint: model=openai-community/gpt2\n", "")
    (tmp_path / "train.py").write_text(text)
    settings = Settings(models={"model": "gpt2"})
    outcome = engine.lint_text(text, "train.py", settings, content=Content(basis=True))
    assert [each.code for each in outcome.findings] == ["LL201"]
    settled, _ = session.settle(outcome, Effort("meta"), lambda _: None)
    [finding] = settled.findings
    assert finding.verdict is not None
    assert finding.verdict.status == "refuted"
    assert "`q_proj` ×2" in finding.verdict.reason


def test_what_only_an_older_peft_does_is_not_settled_by_the_one_that_is_installed(tmp_path: Path) -> None:
    """PEFT has default targets for Qwen2 since 0.12."""
    saved(tmp_path, "qwen2")
    (tmp_path / "requirements.txt").write_text("peft==0.11.1\n")
    verdict = verdicts(tmp_path, WRAP.format(settings="lora_dropout=0.1", after=""))["LL205"]
    assert verdict.status == "skipped"
    assert "requirements.txt has `peft==0.11.1`" in verdict.reason


def test_zero_scale(tmp_path: Path) -> None:
    saved(tmp_path, "llama")
    for settings, word in (("lora_alpha=0", "scale 0"), ("lora_dropout=1.0", "probability 1")):
        program = WRAP.replace("lora_alpha=8, ", "").format(settings=f'target_modules=["q_proj"], {settings}', after="")
        verdict = verdicts(tmp_path, program)["LL105"]
        assert verdict.status == "confirmed"
        assert word in verdict.reason


UNFREEZE = "for parameter in model.parameters():\n    parameter.requires_grad = True"
NORMS = "for name, p in model.named_parameters():\n    if 'norm' in name:\n        p.requires_grad = True"


@pytest.mark.parametrize(
    ("settings", "after", "code", "foreign"),
    [
        ('target_modules=["q_proj"]', UNFREEZE, "LL401", None),
        ('target_modules=["q_proj"]', NORMS, "LL401", "norm"),
        ('target_modules=["q_proj"], bias="all"', "", "LL401", "bias"),
    ],
)
def test_base_parameters_trainable(tmp_path: Path, settings: str, after: str, code: str, foreign: str | None) -> None:
    saved(tmp_path, "qwen2")
    verdict = verdicts(tmp_path, WRAP.format(settings=settings, after=after), device="cpu")[code]
    assert verdict.status == "confirmed"
    named = verdict.measurements["foreign_parameters"]
    assert named and all("lora_" not in name for name in named)
    if foreign:
        assert all(foreign in name for name in named)
    step = verdict.measurements["one_step"]
    assert step["foreign_changed"] > 0
    assert step["lora_B_without_gradient"] == 0
    assert 0 < step["adapter_changed"] < step["adapter"]  # lora_A stays in the first step


def test_unfrozen_and_frozen_again_is_refuted(tmp_path: Path) -> None:
    """Events that the finding does not rest on, but that undo it, are replayed as well."""
    from lora_lint.finding import Finding
    from lora_lint.verify.experiment import FindingCase

    saved(tmp_path, "llama")
    program = WRAP.format(settings='target_modules=["q_proj"]', after="")
    [run] = _read(program).runs
    for code in ("LL401", "LL402", "LL403", "LL404"):
        case = FindingCase(Finding(code, "claimed", run.span), run, None, Effort("cpu"), say=lambda _: None)
        verdict = exact_table.EXPERIMENTS[code](case)
        assert verdict.status == "refuted", code
        assert verdict.measurements["one_step"]["foreign_changed"] == 0
        assert verdict.measurements["one_step"]["adapter_changed"] == 2


@pytest.mark.parametrize(
    ("program", "code"),
    [
        (
            WRAP.format(
                settings='target_modules=["q_proj"]',
                after="from peft import prepare_model_for_kbit_training\nmodel = prepare_model_for_kbit_training(model)",
            ),
            "LL404",
        ),
        (WRAP.format(settings='target_modules=["q_proj"], inference_mode=True', after=""), "LL403"),
        (
            "from peft import PeftModel\nfrom transformers import AutoModelForCausalLM, Trainer\n"
            'model = AutoModelForCausalLM.from_pretrained("model")\n'
            'model = PeftModel.from_pretrained(model, "adapter")\nTrainer(model=model).train()\n',
            "LL402",
        ),
    ],
)
def test_nothing_trains(tmp_path: Path, program: str, code: str) -> None:
    saved(tmp_path, "llama")
    verdict = verdicts(tmp_path, program, device="cpu")[code]
    assert verdict.status == "confirmed"
    assert verdict.measurements["adapter_trainable"] == 0
    assert verdict.measurements["one_step"]["adapter_changed"] == 0


TWO = """\
from peft import LoraConfig, PeftModel
from transformers import AutoModelForCausalLM, Trainer

model = AutoModelForCausalLM.from_pretrained("model")
model = PeftModel.from_pretrained(model, "adapter", adapter_name="one")
"""
TRAIN = "Trainer(model=model).train()\n"


@pytest.mark.parametrize(
    ("between", "after", "trainable"),
    [
        ("model.load_adapter('other', 'two')\n", "", 0),
        ("model.add_adapter('two', LoraConfig(r=4, target_modules=['q_proj']))\n", "", 0),
        ("", "model.set_adapter('one')\n" + TRAIN, 0),
        ("model.load_adapter('other', 'two', is_trainable=True)\nmodel.set_adapter('two')\n", "", 1),
        ("model.add_adapter('two', LoraConfig(r=4))\nmodel.base_model.set_adapter(['two', 'one'])\n", "", 2),
        ("model.set_adapter('one')\n", "", 1),
        ("model.load_adapter('other', 'two')\nmodel.set_requires_grad(['one'])\n", "", 1),
    ],
)
def test_all_adapters_are_replayed(tmp_path: Path, between: str, after: str, trainable: int) -> None:
    """Also where no rule finds anything: what is claimed here is that nothing trains in the first training."""
    saved(tmp_path, "llama")
    program = TWO + between + TRAIN + after
    run = next(run for run in _read(program) if run.trained)
    claim = Finding("LL402", "claimed", run.span, related=(Related(_first_training(run), "it is trained here"),))
    case = FindingCase(claim, run, None, Effort("cpu"), say=lambda _: None)
    verdict = exact_table.EXPERIMENTS["LL402"](case)
    measured = verdict.measurements
    count = 1 + ("two" in between)
    assert measured["adapter_trainable"] == measured["adapter"] // count * trainable
    assert verdict.status == ("refuted" if trainable else "confirmed")
    assert (measured["one_step"]["adapter_changed"] > 0) == bool(trainable)
    found = {finding.code for finding in engine.lint_text(program, "train.py", Settings()).findings}
    assert ("LL402" in found) == (not trainable and "add_adapter" not in between)
    assert trainable or found & {"LL402", "LL415"}


def _first_training(run: Run) -> Span:
    return next(event.span for event in run.events if isinstance(event, Train))


def test_an_adapter_whose_name_is_not_known_is_not_replayed(tmp_path: Path) -> None:
    saved(tmp_path, "llama")
    program = TWO.replace("'one'", "__import__('sys').argv[1]").replace('"one"', "__import__('sys').argv[1]") + TRAIN
    verdict = verdicts(tmp_path, program)["LL402"]
    assert (verdict.status, verdict.reason) == ("skipped", "the name of one of the adapters is not known")


NEW_TOKENS = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer

tokenizer = AutoTokenizer.from_pretrained("model")
model = AutoModelForCausalLM.from_pretrained("model")
tokenizer.add_tokens(["<question>", "<answer>"])
model.resize_token_embeddings(len(tokenizer))
model = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj"]{}))
Trainer(model=model).train()
"""


@pytest.mark.parametrize(("settings", "status"), [("", "confirmed"), (", modules_to_save=['embed_tokens']", "refuted")])
def test_new_tokens_untrained(tmp_path: Path, settings: str, status: str) -> None:
    from lora_lint.finding import Finding
    from lora_lint.verify.experiment import FindingCase

    saved(tmp_path, "llama")
    program = NEW_TOKENS.format(settings)
    [run] = _read(program).runs
    case = FindingCase(Finding("LL407", "claimed", run.span), run, None, Effort("cpu"), say=lambda _: None)
    assert exact_table.EXPERIMENTS["LL407"](case).status == status


@pytest.mark.parametrize(("part", "status"), [("'lm_head'", "confirmed"), ("'lora_'", "refuted")])
def test_unfrozen_parts_that_are_not_saved(tmp_path: Path, part: str, status: str) -> None:
    saved(tmp_path, "llama")
    program = WRAP.format(settings='target_modules=["q_proj"]', after=NORMS.replace("'norm'", part))
    program += "model.save_pretrained('adapter')\n"
    assert ("LL410" in verdicts(tmp_path, program)) is (status == "confirmed")
    [run] = _read(program).runs
    case = FindingCase(Finding("LL410", "claimed", run.span), run, None, Effort("meta"), say=lambda _: None)
    assert exact_table.EXPERIMENTS["LL410"](case).status == status


MERGED = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer

model = AutoModelForCausalLM.from_pretrained("model")
model = get_peft_model(model, LoraConfig(r=4, target_modules=["q_proj", "lm_head"], task_type="CAUSAL_LM"))
Trainer(model=model).train()
model = model.merge_and_unload()
"""


@pytest.mark.parametrize("tied", [True, False])
def test_tied_embeddings(tmp_path: Path, tied: bool) -> None:
    saved(tmp_path, "llama", tie_word_embeddings=tied)
    assert ("LL603" in verdicts(tmp_path, MERGED)) is tied
    [run] = _read(MERGED).runs
    case = FindingCase(Finding("LL603", "claimed", run.span), run, None, Effort("meta"), say=lambda _: None)
    verdict = exact_table.EXPERIMENTS["LL603"](case)
    assert verdict.status == ("confirmed" if tied else "refuted")
    assert verdict.measurements["adapted"] == ["lm_head"]


LOOP = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

base = AutoModelForCausalLM.from_pretrained("model")
for targets in ({}):
    model = get_peft_model(base, LoraConfig(r=4, lora_alpha=8, target_modules=targets, task_type="CAUSAL_LM"))
"""


def test_adapters_that_pile_up(tmp_path: Path) -> None:
    saved(tmp_path, "llama")
    verdict = verdicts(tmp_path, LOOP.format('["q_proj", "v_proj"], ["gate_proj", "up_proj"]'))["LL408"]
    assert verdict.status == "confirmed"
    assert "4 layers of the first (`q_proj` ×2, `v_proj` ×2)" in verdict.reason
    again = verdicts(tmp_path, LOOP.format('["q_proj", "v_proj"], ["v_proj", "q_proj"]'))["LL408"]
    assert again.status == "refuted"
    stacked = verdicts(
        tmp_path,
        LOOP.replace("model = get_peft_model(base", "base = get_peft_model(base").format('["q_proj"], ["q_proj"]'),
    )["LL408"]
    assert stacked.status == "confirmed"
    assert "saves its 2 layers under names that start with `base_model.model.base_model.model.`" in stacked.reason


def test_a_model_that_is_not_there_is_skipped(tmp_path: Path) -> None:
    program = WRAP.format(settings='target_modules=["q_proj"], lora_dropout=1.0', after="")
    verdict = verdicts(tmp_path, program.replace('"model"', '"./no_such_folder"'))["LL105"]
    assert verdict.status == "skipped"
    assert "config of ./no_such_folder is not available" in verdict.reason


def test_the_table_of_models_stands_in_and_the_verdict_says_so(tmp_path: Path) -> None:
    program = WRAP.format(settings='target_modules=["q_proj", "o_proj"]', after="")
    program = program.replace('"model"', '"microsoft/Phi-3-mini-4k-instruct"')
    verdict = verdicts(tmp_path, program)["LL202"]
    assert verdict.status == "confirmed"
    assert "lora-lint's table of models" in verdict.reason
    assert verdict.measurements["trainable"] == 32 * 4 * (3072 + 3072)
    assert verdict.measurements["total"] == 3_821_079_552


def test_a_default_config_has_the_towers_that_published_models_have(tmp_path: Path) -> None:
    program = WRAP.format(settings='target_modules=["vision_tower.no_such", "q_proj"], lora_dropout=1.0', after="")
    verdict = verdicts(tmp_path, program.replace('"model"', '"google/gemma-4-E4B-it"'))["LL105"]
    assert "Gemma4ClippableLinear" in verdict.reason  # of the vision tower; the default config of Gemma 4 has none
    assert "is not supported" in verdict.reason


def test_code_of_a_repository_is_never_run(tmp_path: Path) -> None:
    saved(tmp_path, "llama")
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    config |= {
        "model_type": "no_such_type",
        "auto_map": {"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.M"},
    }
    (tmp_path / "model" / "config.json").write_text(json.dumps(config))
    (tmp_path / "model" / "evil.py").write_text("open('ran', 'w').close()\n")
    verdict = verdicts(tmp_path, WRAP.format(settings='target_modules=["q_proj"], lora_dropout=1.0', after=""))["LL105"]
    assert verdict.status == "skipped"
    assert "not one of transformers' own" in verdict.reason
    assert not (tmp_path / "ran").exists()


CONFIG = "base_model: m\nadapter: lora\nlora_r: 8\nlora_alfa: 16\ndatasets:\n  - path: a/b\n"


def test_what_files_say_is_not_measured(tmp_path: Path) -> None:
    verdict = verdicts(tmp_path, CONFIG, "config.yml")["LL901"]
    assert verdict.status == "skipped"


def test_axolotl_patterns() -> None:
    import torch

    model = torch.nn.ModuleDict({"a": torch.nn.Linear(2, 2), "b1": torch.nn.Linear(2, 2)})
    freeze_all_but(model, ["^a.weight$[:1]", "b.+bias"])
    assert {name for name, each in model.named_parameters() if each.requires_grad} == {"a.weight", "b1.bias"}
    freeze_all_but(model, ["weight"])
    assert not any(each.requires_grad for each in model.parameters())
    with pytest.raises(Skip, match="is not a regular expression"):
        freeze_all_but(model, ["(weight"])


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="nothing interrupts `re` there")
def test_axolotl_patterns_that_never_end() -> None:
    import torch

    model = torch.nn.ModuleDict({"a_name_of_a_module_that_is_rather_long": torch.nn.Linear(2, 2)})
    with pytest.raises(Skip, match="takes too long to match"):
        freeze_all_but(model, [r"(\w+)+!"])


def test_the_pages_name_the_rules_that_have_an_experiment() -> None:
    experiments = exact_table.EXPERIMENTS.keys() | measured_table.EXPERIMENTS.keys()
    assert experiments == {code for code, rule in catalogue.rules().items() if rule.verify.kind != "none"}


def test_without_an_experiment_the_page_of_the_rule_says_why() -> None:
    """What an experiment would take is something else than that nothing is to be measured."""
    found = Finding("LL405", "m", Span("train.py", 0, 1), "likely", "warning")
    settled, _ = session.settle(Outcome((found,)), Effort("meta"), lambda _: None)
    assert settled.findings[0].verdict == Verdict("skipped", "no experiment; it would need the quantized weights")
