"""Settings files and options."""

from __future__ import annotations

import json
import os
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from lora_lint import catalogue, lint
from lora_lint.settings import TASKS, Settings, SettingsError, did_you_mean, expand, load, override
from tests.cli.test_cli import process


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(text: str, name: str = "lora-lint.toml") -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text, encoding="utf-8")


EVERYTHING = """
select = ["LL1", "no-target-match"]
extend-select = ["LL900"]
ignore = ["LL105"]
exclude = ["old", "sub/*.py"]
dataset-size = 500
task = "code"
transformers = "4.57"
preset = "strict"
confidence = "possible"
baseline = "known.json"

[levels]
rslora-off-high-rank = "error"

[rules.LL102]
min-rank = 32

[per-file-ignores]
"tests/*" = ["ALL"]

[models]
"./base" = "llama"
"org/own" = { model_type = "qwen2", hidden_size = 64 }

[types]
acme = "llama"
acme_moe = ["qkv", "out"]
"""


def check(settings: Settings) -> None:
    assert settings.select is not None
    assert {"LL101", "LL102", "LL201"} <= settings.selected()
    assert "LL900" in settings.selected()
    assert "LL105" not in settings.selected()
    assert "LL202" not in settings.selected()
    assert settings.dataset_size == 500
    assert settings.task == "code"
    assert settings.transformers == "4.57"
    assert settings.fail_on == "advice"
    assert settings.confidence == "possible"
    assert settings.levels == {"LL102": "error"}
    assert settings.options == {"LL102": {"min-rank": 32}}
    assert settings.per_file_ignores == (("tests/*", tuple(catalogue.rules())),)
    assert settings.models["org/own"] == {"model_type": "qwen2", "hidden_size": 64}
    assert settings.types == {"acme": "llama", "acme_moe": ("qkv", "out")}


def test_a_file_of_its_own(here: Path) -> None:
    write(EVERYTHING)
    settings = load()
    check(settings)
    assert settings.root == ""
    assert settings.baseline == "known.json"
    assert settings.exclude == (("old", ""), ("sub/*.py", ""))
    assert settings.file == str(here / "lora-lint.toml")


def test_pyproject() -> None:
    table = EVERYTHING.replace("\n[", "\n[tool.lora-lint.")
    write("[tool.other]\nx = 1\n[tool.lora-lint]\n" + table, "pyproject.toml")
    check(load())


def test_found_upward(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(EVERYTHING)
    write("[tool.other]\nx = 1\n", "a/pyproject.toml")
    Path("a/b").mkdir()
    monkeypatch.chdir(here / "a" / "b")
    settings = load()
    check(settings)
    assert settings.root == str(here)
    assert settings.baseline == str(here / "known.json")


def test_the_nearest_file_wins_and_its_own_name_before_pyproject(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write("dataset-size = 1")
    write("[tool.lora-lint]\ndataset-size = 2", "a/pyproject.toml")
    write("dataset-size = 3", "b/lora-lint.toml")
    write("[tool.lora-lint]\ndataset-size = 4", "b/pyproject.toml")
    for folder, size in (("a", 2), ("b", 3)):
        monkeypatch.chdir(here / folder)
        assert load().dataset_size == size
        assert load(isolated=True) == Settings()
        assert load(config=str(here / "a" / "pyproject.toml")).dataset_size == 2


def test_no_file() -> None:
    assert load().file is None


def test_other_tables_need_not_be_valid() -> None:
    write("this is not TOML", "pyproject.toml")
    assert load() == Settings()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dataset-sze = 1", "unknown setting 'dataset-sze', did you mean 'dataset-size'?"),
        ("select = 'LL101'", "`select`: 'LL101' is not a list"),
        ("levels = {LL101 = 'fatal'}", '`levels.LL101`: \'fatal\' is not one of "error", "warning" or "advice"'),
        ("models = {x = 3}", "`models.x`: 3 is not valid. A model is a model type"),
        ("transformers = 'latest'", "`transformers`: 'latest' is not valid. The version of transformers"),
        ("select = ['LL1O1']", "`select`: unknown rule 'LL1O1', did you mean 'LL101'?"),
        ("ignore = ['zero-scael']", "did you mean 'zero-scale'?"),
        ("ignore = ['L']", "unknown rule 'L'"),
        ("levels = {LL101 = 'fatal'}", "`levels.LL101`"),
        ("dataset-size = -1", "`dataset-size`"),
        ("task = 'talk'", "`task`"),
        ("transformers = '3.5'", "`transformers`"),
        ("rules = {LL102 = {min-rnk = 3}}", "LL102 has no option 'min-rnk', did you mean 'min-rank'?"),
        ("rules = {LL102 = {min-rank = 'x'}}", "`rules.LL102.min-rank`"),
        ("rules = {LL1 = {min-rank = 3}}", "'LL1' stands for several rules"),
        ("models = {a = 3}", "`models.a`"),
        ("models = {a = {hidden_size = 3}}", "`models.a`"),
        ("types = {a = 3}", "`types.a`: 3 is not valid. A type is another model type"),
        ("types = {a = []}", "`types.a`"),
        ("types = {a = 'lama'}", "`types.a`: 'lama' is neither a known model type nor a folder that `lora-lint learn`"),
        ("types = {a = 'lama'}", "did you mean 'llama'?"),
        ("x = [", "not valid TOML"),
        ("tool.lora-lint = 3", "not a table"),
        ("fail-on = 'all'", "`fail-on`"),
    ],
)
def test_mistakes_are_named(text: str, message: str) -> None:
    write(text)
    with pytest.raises(SettingsError) as caught:
        load()
    assert message in str(caught.value)
    assert "lora-lint.toml" in str(caught.value)


def test_bytes_that_are_no_text() -> None:
    Path("lora-lint.toml").write_bytes(b"task = '\xff'")
    with pytest.raises(SettingsError, match="not valid TOML"):
        load()


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load(config="nope.toml")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes")
@pytest.mark.parametrize("name", ["lora-lint.toml", "pyproject.toml"])
def test_only_a_regular_file_is_read(name: str) -> None:
    """A pipe would be waited for without end, and some devices have no end."""
    os.mkfifo(name)
    for config in (None, name):
        with pytest.raises(SettingsError, match=f"{name}: cannot be read .it is not a regular file"):
            load(config)
    with pytest.raises(SettingsError, match="not a regular file"):
        load("/dev/zero")
    assert load(isolated=True) == Settings()


def test_a_folder_is_no_settings_file() -> None:
    Path("lora-lint.toml").mkdir()
    with pytest.raises(SettingsError, match="cannot be read"):
        load()


def test_a_huge_file_is_not_read() -> None:
    write("")
    os.truncate("lora-lint.toml", 3_000_000_000)
    with pytest.raises(SettingsError, match="larger than 1 MB"):
        load()


@pytest.mark.parametrize("text", ["a{} = 1", "[a{}]", "x = {{a{} = 1}}", "task = 'code', x{} = 1"])
def test_an_endless_key_is_not_parsed(text: str) -> None:
    write(text.format(". a" * 300_000))
    with pytest.raises(SettingsError, match="a key has more than 100 parts"):
        load()


def test_many_dots_are_no_endless_key() -> None:
    write(f"exclude = [{', '.join(repr(f'a.b.{number}') for number in range(5000))}]\n# {'.' * 500}\n")
    assert len(load().exclude) == 5000


def test_a_long_value_is_not_told_whole() -> None:
    write(f"models = {{a = ['{'x' * 100_000}']}}")
    with pytest.raises(SettingsError) as caught:
        load()
    assert len(str(caught.value)) < 1000


def test_a_file_without_a_table() -> None:
    write("[tool.other]\n", "pyproject.toml")
    with pytest.raises(SettingsError, match=r"no \[tool.lora-lint\] table"):
        load(config="pyproject.toml")


def test_options_of_the_command_line() -> None:
    write("select = ['LL101', 'LL102']\nignore = ['LL102']\nexclude = ['a']\ndataset-size = 5")
    settings = load()
    assert settings.selected() == {"LL101"}
    assert override(settings, select=("LL105",)).selected() == {"LL105"}
    assert override(settings, select=("LL102",)).selected() == {"LL102"}
    assert override(settings, ignore=("LL101",)).selected() == set()
    assert override(settings, extend_select=("zero-scale",)).selected() == {"LL101", "LL105"}
    assert override(settings, exclude=("b",)).exclude == (("a", ""), ("b", ""))
    assert override(settings, dataset_size=0, task=None).dataset_size == 0
    assert override(settings) == settings
    with pytest.raises(SettingsError, match="--select: unknown rule 'LL00'"):
        override(settings, select=("LL00",))


def test_expand() -> None:
    everything = tuple(catalogue.rules())
    assert expand(["ALL"], "") == everything
    assert expand(["LL"], "") == everything
    assert expand(["LL9xx"], "") == tuple(code for code in everything if code.startswith("LL9"))
    assert expand(["ll101", "fixed-alpha-rank-sweep"], "") == ("LL101",)


def test_did_you_mean() -> None:
    assert did_you_mean("LL10", ["LL101"]) == ", did you mean 'LL101'?"
    assert did_you_mean("xyz", ["LL101"]) == ""


def test_paths_of_models_hold_from_the_settings_file(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write("models = {a = 'conf', b = 'llama'}")
    write("{}", "conf/config.json")
    assert load().models == {"a": "./conf", "b": "llama"}
    Path("sub").mkdir()
    monkeypatch.chdir(here / "sub")
    assert load().models == {"a": str(here / "conf"), "b": "llama"}


def test_paths_of_types_hold_from_the_settings_file(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write("types = {acme = 'facts'}")
    write("{}", "facts/modules.json")
    assert load().types == {"acme": "./facts"}
    Path("sub").mkdir()
    monkeypatch.chdir(here / "sub")
    assert load().types == {"acme": str(here / "facts")}


ADAPTS_BASE = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer

model = AutoModelForCausalLM.from_pretrained("base")
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_porj"]))
Trainer(model=model).train()
"""


@pytest.mark.parametrize(
    ("types", "said"),
    [
        ("{}", None),
        ("{acme = 'llama'}", "`v_porj` (did you mean `v_proj`?) is not in base (llama)"),
        ("{acme = ['q_proj', 'v_proj']}", "`v_porj` is not in base (acme)"),
    ],
)
def test_a_type_of_the_users_own_is_checked_as_the_settings_state(types: str, said: str | None) -> None:
    config = {"model_type": "acme", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    write(json.dumps(config), "base/config.json")
    write(ADAPTS_BASE, "train.py")
    write(f"types = {types}\nselect = ['LL202']")
    report = lint("train.py")
    assert [finding.message.startswith(said or "") for finding in report.findings] == ([True] if said else [])


def test_the_schema_is_valid_and_names_the_tasks() -> None:
    from jsonschema import Draft202012Validator

    schema = json.loads((files("lora_lint.knowledge") / "data" / "settings.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    assert tuple(schema["properties"]["task"]["enum"]) == TASKS
    assert all("description" in each for each in schema["properties"].values())


PROGRAM = """\
from peft import LoraConfig

config = LoraConfig(r=4, lora_alpha=64, target_modules=["all-linear"])
"""


class TestNestedFiles:
    """A settings file rules what lies below it, in place of the one above it."""

    @pytest.fixture(autouse=True)
    def tree(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        for folder in (".", "a", "a/deep", "b"):
            Path(folder).mkdir(exist_ok=True)
            Path(folder, "t.py").write_text(PROGRAM)
        Path("pyproject.toml").write_text('[tool.lora-lint]\nignore = ["LL104"]\n')
        Path("a/lora-lint.toml").write_text('ignore = ["LL204"]\n')

    def found(self, *paths: str, **options: Any) -> dict[str, set[str]]:
        from lora_lint.linting import engine

        found: dict[str, set[str]] = {}
        for finding in engine.lint(paths or ["."], override(load(), **options)).findings:
            found.setdefault(finding.span.path, set()).add(finding.code)
        return found

    def test_the_nearest_one_rules(self) -> None:
        assert self.found() == {
            "t.py": {"LL204"}, "b/t.py": {"LL204"}, "a/t.py": {"LL104"}, "a/deep/t.py": {"LL104"},
        }  # fmt: skip
        Path("a/deep/pyproject.toml").write_text("[tool.other]\n[tool.lora-lint]\n")
        assert self.found("a") == {"a/t.py": {"LL104"}, "a/deep/t.py": {"LL104", "LL204"}}
        assert self.found(str(Path("a/t.py").absolute())).popitem()[1] == {"LL104"}

    def test_the_command_line_rules_all(self) -> None:
        assert self.found(select=["LL104"]) == {name: {"LL104"} for name in ("t.py", "b/t.py", "a/t.py", "a/deep/t.py")}
        assert self.found(ignore=["LL104"]) == {"t.py": {"LL204"}, "b/t.py": {"LL204"}}

    def test_levels_and_excludes(self) -> None:
        from lora_lint.linting import engine

        Path("a/lora-lint.toml").write_text('exclude = ["deep"]\nlevels = {LL104 = "advice"}\nselect = ["LL104"]\n')
        [finding] = engine.lint(["a"], load()).findings
        assert (finding.span.path, finding.level) == ("a/t.py", "advice")

    def test_a_named_file_and_no_other(self) -> None:
        from lora_lint.linting import engine

        assert set(self.found("a/t.py")["a/t.py"]) == {"LL104"}
        for settings in (load(isolated=True), load("pyproject.toml")):
            codes = {finding.code for finding in engine.lint(["a/t.py"], settings).findings}
            assert "LL204" in codes

    @pytest.mark.process
    def test_an_error_in_one_is_told(self) -> None:
        Path("b/lora-lint.toml").write_text('ignore = ["LL999"]\n')
        for command in ((), ("inspect",), ("--jobs", "2")):
            done = process(*command)
            assert done.returncode == 2 and "error: b/lora-lint.toml: `ignore`" in done.stderr
            assert "Traceback" not in done.stderr and not done.stdout

    @pytest.mark.process
    def test_the_cache_knows_what_a_result_rests_on(self) -> None:
        first = process("--output-format", "concise").stdout
        assert process("--output-format", "concise").stdout == first
        Path("a/lora-lint.toml").unlink()
        assert (
            process("--output-format", "concise").stdout == process("--output-format", "concise", "--no-cache").stdout
        )
        Path("b/lora-lint.toml").write_text('select = ["LL105"]\n')
        assert "b/t.py" not in process("--output-format", "concise").stdout
