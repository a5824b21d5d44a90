"""What README.md says holds: its outputs, tables, settings, options and workflows."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from lora_lint.__main__ import main
from lora_lint.report import FORMATS
from lora_lint.settings import load

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def document(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


@pytest.mark.process
def test_outputs_and_tables_are_current() -> None:
    """`python scripts/readme_rules.py` writes them."""
    path = ROOT / "scripts" / "readme_rules.py"
    spec = importlib.util.spec_from_file_location("readme_rules", path)
    assert spec is not None
    assert spec.loader is not None
    program = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    spec.loader.exec_module(program)
    sys.path[:] = before
    assert program.current(README) == README


def test_the_first_screen_shows_a_finding() -> None:
    first = blocks("console")[0]
    assert first.startswith("$ lora-lint examples/broken/phi3_llama_names.py\n")
    assert "error LL202" in first
    assert README.index(first) < 400


def test_settings_are_accepted(tmp_path: Path) -> None:
    [text] = blocks("toml")
    (tmp_path / "pyproject.toml").write_text(text)
    settings = load(str(tmp_path / "pyproject.toml"))
    assert settings.ignore == ("LL102",)
    assert settings.options["LL301"] == {"bounds": [[1000, 16], [10000, 32]]}


def test_options_exist(capsys: pytest.CaptureFixture[str]) -> None:
    told = ""
    for arguments in (["--help"], ["check", "--help"], ["inspect", "--help"], ["recommend", "--help"]):
        main(arguments)
        told += capsys.readouterr().out
    own = [line for block in blocks("sh") for line in block.splitlines() if "lora-lint" in line]
    named = re.findall(r"`(--[a-z-]+)", README) + [word for line in own for word in re.findall(r"--[a-z-]+", line)]
    assert len(named) > 5
    assert [option for option in named if option not in told] == []


def test_formats() -> None:
    table = README[README.index("| format | for |") :]
    assert tuple(re.findall(r"^\| `(\w+)` \|", table.partition("\n\n")[0], re.MULTILINE)) == tuple(FORMATS)


def test_files_that_are_linked_to_exist() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_hook_and_the_action_are_used_as_they_are() -> None:
    hook, *workflows = map(yaml.safe_load, blocks("yaml"))
    [offered] = document(".pre-commit-hooks.yaml")
    assert [each["id"] for each in hook["repos"][0]["hooks"]] == [offered["id"]] == ["lora-lint"]
    action = document("action.yml")
    steps = [step for workflow in workflows for step in workflow["jobs"]["lora-lint"]["steps"]]
    ours = [step["with"].keys() for step in steps if step["uses"].startswith("lora-lint/")]
    assert len(ours) == 2 and all(given <= action["inputs"].keys() for given in ours)
    used = set(re.findall(r"\$\{\{ inputs\.([a-z-]+) \}\}", (ROOT / "action.yml").read_text(encoding="utf-8")))
    assert used == action["inputs"].keys()


def test_the_test_command_is_what_the_checks_of_the_project_run() -> None:
    assert "python3 scripts/test.py" in README
    assert "scripts/test.py" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
