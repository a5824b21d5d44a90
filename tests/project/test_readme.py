"""What README.md and docs/ say holds: outputs, tables, settings, options and workflows."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from lora_lint import catalogue
from lora_lint.__main__ import main
from lora_lint.report import FORMATS
from lora_lint.settings import load
from tests.support.scripts import script

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDES = {name: (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") for name in ("usage", "settings", "ci")}


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def document(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


@pytest.mark.process
def test_outputs_and_tables_are_current() -> None:
    """`python scripts/write_docs.py` writes them."""
    program = script(ROOT / "scripts" / "write_docs.py")
    for document in program.DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        assert program.current(text) == text, document.name


def test_every_rule_is_in_a_family() -> None:
    rules = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    assert [code for code in catalogue.rules() if f"| [{code}](" not in rules] == []


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 150


def test_the_first_screen_shows_a_finding() -> None:
    first = blocks("console")[0]
    assert first.startswith("$ lora-lint examples/broken/phi3_llama_names.py\n")
    assert "error LL202" in first
    assert README.index(first) < 400


def test_settings_are_accepted(tmp_path: Path) -> None:
    [text] = blocks("toml", GUIDES["settings"])
    (tmp_path / "pyproject.toml").write_text(text)
    settings = load(str(tmp_path / "pyproject.toml"))
    assert settings.ignore == ("LL102",)
    assert settings.options["LL301"] == {"bounds": [[1000, 16], [10000, 32]]}


def test_options_exist(capsys: pytest.CaptureFixture[str]) -> None:
    told = ""
    for arguments in (
        ["--help"],
        ["check", "--help"],
        ["inspect", "--help"],
        ["recommend", "--help"],
        ["ablate", "--help"],
        ["learn", "--help"],
    ):
        main(arguments)
        told += capsys.readouterr().out
    text = "\n".join((README, *GUIDES.values()))
    own = [line for block in blocks("sh", text) for line in block.splitlines() if "lora-lint" in line]
    named = re.findall(r"`(--[a-z-]+)", text) + [word for line in own for word in re.findall(r"--[a-z-]+", line)]
    assert len(named) > 5
    assert [option for option in named if option not in told] == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "help").glob("*.md")), ids=lambda page: page.stem)
def test_the_commands_of_the_help_pages_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "adapter").mkdir()
    shutil.copy(ROOT / "examples" / "broken" / "phi3_llama_names.py", tmp_path / "train.py")
    shutil.copy(ROOT / "examples" / "broken" / "adapter_config.json", tmp_path / "adapter")
    monkeypatch.chdir(tmp_path)
    commands = "".join(blocks("sh", page.read_text(encoding="utf-8"))).splitlines()
    assert commands
    for command in commands:
        program, *arguments = shlex.split(command)
        assert program == "lora-lint"
        assert main(arguments) in (0, 1), command
        assert capsys.readouterr().out, command


def test_formats() -> None:
    table = GUIDES["usage"][GUIDES["usage"].index("| format | for |") :]
    assert tuple(re.findall(r"^\| `(\w+)` \|", table.partition("\n\n")[0], re.MULTILINE)) == tuple(FORMATS)


def test_files_that_are_linked_to_exist() -> None:
    for path in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
        links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
        assert [link for link in links if not (path.parent / link).exists()] == [], path.name


def test_the_hook_and_the_action_are_used_as_they_are() -> None:
    [hook] = map(yaml.safe_load, blocks("yaml"))
    shown, *workflows = map(yaml.safe_load, blocks("yaml", GUIDES["ci"]))
    assert shown == hook
    [offered] = document(".pre-commit-hooks.yaml")
    assert [each["id"] for each in hook["repos"][0]["hooks"]] == [offered["id"]] == ["lora-lint"]
    action = document("action.yml")
    steps = [step for workflow in workflows for step in workflow["jobs"]["lora-lint"]["steps"]]
    ours = [step["with"].keys() for step in steps if step["uses"].startswith("lora-lint/")]
    assert len(ours) == 2 and all(given <= action["inputs"].keys() for given in ours)
    used = set(re.findall(r"\binputs\.([a-z-]+)", (ROOT / "action.yml").read_text(encoding="utf-8")))
    assert used == action["inputs"].keys()


def test_the_test_command_is_what_the_checks_of_the_project_run() -> None:
    assert "python3 scripts/test.py" in README
    assert "scripts/test.py" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
