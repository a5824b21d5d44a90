"""The site: its pages and their links, as it is built, and the playground in a real browser."""

from __future__ import annotations

import functools
import http.server
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import threading
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import lora_lint
from lora_lint import catalogue
from tests.support.scripts import script

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent.parent
PLAYGROUND = ROOT / "site" / "playground"
CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    made: dict[str, str] = script(ROOT / "site" / "build.py").pages()
    return made


def test_every_rule_has_a_page(pages: dict[str, str]) -> None:
    assert {f"rules/{rule.file}" for rule in catalogue.rules().values()} <= pages.keys()


def test_every_link_leads_to_a_page_or_away(pages: dict[str, str]) -> None:
    for name, text in pages.items():
        without_code = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.S)
        for target in re.findall(r"\]\(([^)\s#]+)", without_code):
            if re.match(r"[a-z]+:", target) or target == "app/index.html":
                continue
            whole = (Path("/") / name).parent.joinpath(target).resolve().relative_to("/").as_posix()
            assert whole in pages, f"{name} links to {target}"


def test_an_example_is_a_code_block_with_a_title(pages: dict[str, str]) -> None:
    page = pages["rules/LL202-unmatched-target-module.md"]
    assert '```python title="reported"' in page
    assert '```python title="not reported"' in page
    assert '```json title="reported: adapter_config.json"' in page
    assert "```python bad" in pages["docs/architecture.md"], "a fence inside a block is text"


def test_every_page_is_in_the_navigation_or_reached_from_one(pages: dict[str, str]) -> None:
    listed = set(re.findall(r'"([\w/-]+\.md)"', (ROOT / "site" / "zensical.toml").read_text(encoding="utf-8")))
    assert listed <= pages.keys()
    assert {name for name in pages if not name.startswith("rules/LL")} <= listed


class Links(HTMLParser):
    """The addresses of links and images, and the names of places, on a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag
        given = dict(attrs)
        self.addresses += [address for key in ("href", "src") if (address := given.get(key))]
        self.places |= {place for key in ("id", "name") if (place := given.get(key))}


@pytest.mark.process
@pytest.mark.slow
def test_the_built_site_has_no_dead_link(tmp_path: Path) -> None:
    if importlib.util.find_spec("zensical") is None:
        pytest.skip("needs zensical: pip install -e '.[site]'")
    shutil.copytree(ROOT, tmp_path / "copy", ignore=shutil.ignore_patterns(".git", ".venv*", "node_modules", ".build"))
    built = subprocess.run(
        [sys.executable, "site/build.py", "--no-playground"], cwd=tmp_path / "copy", capture_output=True, text=True
    )
    assert built.returncode == 0, built.stderr
    assert "No issues found" in built.stdout + built.stderr
    site = tmp_path / "copy" / "site" / ".build" / "site"
    seen = {path: Links(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    assert len(seen) > len(catalogue.rules())
    assert not [path for path in seen if "<p>```" in path.read_text(encoding="utf-8")], "a code block became prose"
    for path, links in seen.items():
        if path.name == "404.html":
            continue
        for address in links.addresses:
            if re.match(r"[a-z]+:|//", address):
                continue
            if address.endswith("app/index.html"):  # the playground, which is built into this folder
                assert (path.parent / address).resolve() == site / "app" / "index.html"
                continue
            file, _, place = address.partition("#")
            target = (path.parent / file.partition("?")[0]).resolve() if file else path
            target = target / "index.html" if target.is_dir() else target
            assert target.is_file(), f"{path.relative_to(site)} links to {address}"
            if place and target in seen:
                assert place in seen[target].places, f"{path.relative_to(site)} links to {address}"


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


def found(example: str) -> list[str]:
    """The codes that the linter reports for one of the broken examples, alone as in the browser."""
    text = (ROOT / "examples" / "broken" / example).read_bytes()
    return [finding.code for finding in lora_lint.lint_text(text, f"/nowhere/{example}", isolated=True).findings]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The address of the playground, built and served on this machine."""
    if shutil.which("npm") is None or CHROMIUM is None:
        pytest.skip("needs Node, npm and Chromium")
    folder = tmp_path / "playground"
    built = subprocess.run([sys.executable, PLAYGROUND / "build.py", folder], capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/index.html"
    server.shutdown()


@pytest.mark.process
@pytest.mark.slow
def test_the_playground_finds_in_a_browser_what_the_command_finds(served: str) -> None:
    used = subprocess.run(["node", "browse.mjs", served, str(CHROMIUM)], cwd=PLAYGROUND, capture_output=True, text=True)
    assert used.returncode == 0, used.stderr
    seen = json.loads(used.stdout)
    assert seen["problems"] == []
    assert {re.match(r"https?://[^/]+", address)[0] for address in seen["requests"] if "://" in address} == {  # type: ignore[index]
        served.removesuffix("/index.html")
    }, "something left the page"
    assert seen["codes"] == found("phi3_llama_names.py")
    assert seen["marks"] >= 1
    assert seen["same"], "a comment changes no finding"
    assert seen["changed"] >= 1, "the fixed text is shown as a difference"
    assert "phi3" in seen["inspected"]
    assert seen["yaml"] == found("axolotl.yml")
    assert seen["notebook"] == found("notebook.ipynb")
    assert "tree-sitter" in seen["toml"], "what cannot be read here is named"
    assert seen["swept"] == seen["linked"] == found("rank_sweep.py"), "a link carries the text"
    assert seen["overflow"] <= 0, "nothing is cut off on a phone"


@pytest.mark.process
@pytest.mark.slow
def test_the_playground_is_typed() -> None:
    if shutil.which("npm") is None or not (PLAYGROUND / "node_modules").is_dir():
        pytest.skip("needs Node, and the playground's packages: cd site/playground && npm ci")
    checked = subprocess.run(["npm", "run", "--silent", "check"], cwd=PLAYGROUND, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
