"""The catalogue: its pages are well-formed, and their examples do what they say."""

from __future__ import annotations

import bz2
import json
import re
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from lora_lint import catalogue
from lora_lint.catalogue import CatalogueError, compile_pages, find, page, rules, split_page
from lora_lint.discovery import kind_of
from lora_lint.finding import CONFIDENCES, LEVELS
from lora_lint.linting import engine
from lora_lint.rules import RUN_CHECKS, SWEEP_CHECKS
from lora_lint.settings import Settings
from tests.support import pages

if TYPE_CHECKING:
    from pathlib import Path

EVERYTHING = Settings(extend_select=tuple(rules()), confidence="possible")
BY_THE_ENGINE = {"LL900", "LL910"}
HEADINGS = ["What it catches", "Why it matters", "Examples", "When to ignore", "How --verify settles it"]
WAVE_1 = (
    "LL101 LL102 LL103 LL104 LL105 LL201 LL202 LL203 LL204 LL301 LL401 LL402 LL403 LL404 LL408 LL900 LL901 LL902 LL910"
)


def schema() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((pages.RULES / "page.schema.json").read_text(encoding="utf-8"))
    return loaded


class TestPages:
    def test_nothing_of_wave_1_is_missing(self) -> None:
        assert set(WAVE_1.split()) <= rules().keys()

    def test_every_rule_is_checked_and_every_check_is_a_rule(self) -> None:
        assert rules().keys() - BY_THE_ENGINE == RUN_CHECKS.keys() | SWEEP_CHECKS.keys()

    def test_codes_are_in_order_and_names_unique(self) -> None:
        assert list(rules()) == sorted(rules())
        names = [rule.name for rule in rules().values()]
        assert len(set(names)) == len(names)

    def test_the_schema_is_one(self) -> None:
        jsonschema.Draft202012Validator.check_schema(schema())

    @pytest.mark.parametrize("path", sorted(pages.RULES.glob("*.md")), ids=lambda path: path.name[:5])
    def test_a_page(self, path: Path) -> None:
        front, body = split_page(path.read_text(encoding="utf-8"), path.name)
        jsonschema.validate(front, schema())
        assert path.name == f"{front['code']}-{front['name']}.md"
        assert re.findall(r"^## (.*)$", body, re.MULTILINE) == HEADINGS
        assert all(len(line) <= 120 for line in body.splitlines())
        for option in front["options"].values():
            jsonschema.Draft202012Validator.check_schema(option)
            jsonschema.validate(option["default"], option)

    @pytest.mark.parametrize("code", rules())
    def test_enough_examples(self, code: str) -> None:
        kinds = [example.kind for example in pages.all_examples() if example.code == code]
        assert kinds.count("bad") >= 2
        assert kinds.count("good") >= 2

    def test_the_name_of_a_rule_is_that_of_its_level_and_kind(self) -> None:
        for rule in rules().values():
            assert rule.level in LEVELS
            assert rule.fix.applicability in ("none", "safe", "unsafe")
            assert rule.verify.kind in ("X", "M", "none")


class TestExamples:
    @pytest.mark.parametrize("example", pages.all_examples(), ids=str)
    def test_it_does_what_it_says(
        self, example: pages.Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        found = pages.findings(example, tmp_path)
        codes = [finding.code for finding in found]
        told = "\n".join(f"{finding.code} {finding.level} {finding.message}" for finding in found)
        if example.kind == "bad":
            assert example.code in codes, told
        else:
            assert example.code not in codes, told
            assert not [finding for finding in found if finding.level == "error"], told
        assert all(finding.confidence in CONFIDENCES[:2] for finding in found)

    def test_a_fence_without_a_kind_is_refused(self) -> None:
        with pytest.raises(pages.WrongFence):
            pages.of_page("LL101", "```python\nx = 1\n```\n")

    def test_a_file_beside_nothing_is_refused(self) -> None:
        with pytest.raises(pages.WrongFence):
            pages.of_page("LL101", "```json beside config.json\n{}\n```\n")

    def test_files_beside_belong_to_the_next_example(self) -> None:
        text = (
            "```json beside model/config.json\n{}\n```\n\n```python good\nx = 1\n```\n\n```yaml bad a.yml\nx: 1\n```\n"
        )
        first, second = pages.of_page("LL101", text)
        assert (first.name, first.beside) == ("train.py", (("model/config.json", "{}\n"),))
        assert (second.name, second.beside) == ("a.yml", ())


class TestCatalogue:
    def test_find_by_code_and_name_in_any_case(self) -> None:
        rule = rules()["LL101"]
        assert find("LL101") is rule
        assert find("ll101") is rule
        assert find("fixed-alpha-rank-sweep") is rule
        assert find(" Fixed_Alpha_Rank_Sweep ") is rule
        assert find("LL999") is None
        assert find("") is None

    def test_a_page_holds_all_that_is_known(self) -> None:
        text = page("LL104")
        assert text.startswith("# LL104 `scale-out-of-range`\n")
        assert "- Level: warning" in text
        assert "`max-ratio` (default `4`)" in text
        assert "## When to ignore" in text
        assert "## References" in text
        with pytest.raises(KeyError):
            page("LL999")

    @pytest.mark.slow
    def test_a_page_says_how_the_fix_of_its_findings_applies(self) -> None:
        seen: dict[str, set[str]] = {}
        for example in pages.all_examples():
            kind = kind_of(example.name)
            assert kind is not None
            for found in engine.lint_text(example.text.encode(), example.name, EVERYTHING, kind=kind).findings:
                if found.fix is not None and found.fix.changes:
                    seen.setdefault(found.code, set()).add(found.fix.applicability)
        assert len(seen) > 40
        for code, made in seen.items():
            page_says = rules()[code].fix
            assert page_says.applicability in made <= {"safe", "unsafe"}, code
            if page_says.applicability == "safe" and "unsafe" in made:
                assert "unsafe" in page_says.text, code

    def test_a_page_without_references_or_options(self) -> None:
        text = page("LL900")
        assert "## References" not in text
        assert "Options:" not in text

    def test_options_have_defaults(self) -> None:
        assert rules()["LL102"].options["min-rank"]["default"] == 16
        assert rules()["LL301"].options["bounds"]["default"] == [[1000, 8], [10000, 16], [100000, 32]]

    def test_compiled_files_are_preferred(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        index, bodies = compile_pages(str(pages.RULES))
        expected, text = dict(rules()), page("LL202")
        (tmp_path / "catalogue.json").write_text(json.dumps(index), encoding="utf-8")
        (tmp_path / "pages.json.bz2").write_bytes(bz2.compress(json.dumps(bodies).encode()))
        monkeypatch.setattr(catalogue, "_INDEX", str(tmp_path / "catalogue.json"))
        monkeypatch.setattr(catalogue, "_PAGES", str(tmp_path / "pages.json.bz2"))
        monkeypatch.setattr(catalogue, "_SOURCE", str(tmp_path / "gone"))
        rules.cache_clear()
        try:
            assert dict(rules()) == expected
            assert page("LL202") == text
        finally:
            rules.cache_clear()

    def test_no_catalogue_at_all(self, tmp_path: Path) -> None:
        with pytest.raises(CatalogueError, match="missing"):
            compile_pages(str(tmp_path / "gone"))

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("# LL101\n", "front matter"),
            ("---\ncode: LL101\n", "front matter"),
            ("---\n- LL101\n---\ntext\n", "not a mapping"),
            ("---\nname: x\n---\ntext\n", "not a mapping with a code"),
            ("---\ncode: [\n---\ntext\n", "LL101.md"),
        ],
    )
    def test_broken_pages(self, text: str, why: str) -> None:
        with pytest.raises(CatalogueError, match=why):
            split_page(text, "LL101.md")

    def test_two_pages_of_one_code(self, tmp_path: Path) -> None:
        for name in ("LL101-a.md", "LL101-b.md"):
            (tmp_path / name).write_text("---\ncode: LL101\n---\ntext\n", encoding="utf-8")
        with pytest.raises(CatalogueError, match="two pages"):
            compile_pages(str(tmp_path))
