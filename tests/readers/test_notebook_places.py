"""Where a finding in a notebook is for the hosts that show the file itself: lines and columns of its JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_lint.finding import Finding
from lora_lint.linting.engine import lint, lint_text
from lora_lint.linting.outcome import Outcome, Summary, readable
from lora_lint.report import render
from lora_lint.settings import Settings
from lora_lint.source import Span

if TYPE_CHECKING:
    from pathlib import Path

IMPORTS = "from peft import LoraConfig, get_peft_model\nfrom transformers import AutoModelForCausalLM\n"
MODEL = 'model = AutoModelForCausalLM.from_pretrained("gpt2")\n'
BROKEN = 'title = "\\t漢 \U0001f600"\nmodel = get_peft_model(model, LoraConfig(\n    r=8, lora_alpha=0, target_modules=["c_attn"]))\n'
CELLS = ("%pip list\n" + IMPORTS, MODEL, BROKEN)


def code(source: Any, **more: Any) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "outputs": [], "source": source, **more}


def version_4(sources: list[Any]) -> dict[str, Any]:
    text = {"cell_type": "markdown", "metadata": {}, "source": ["# LoRA\n", "lora_alpha=0\n"]}
    return {"cells": [text, *map(code, sources)], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def version_3(sources: list[Any]) -> dict[str, Any]:
    cells = [{"cell_type": "code", "input": source, "language": "python", "outputs": []} for source in sources]
    return {"worksheets": [{"cells": cells[:1]}, {"cells": cells[1:]}], "metadata": {}, "nbformat": 3}


def listed(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def split(text: str) -> list[str]:
    """A list whose strings are not lines."""
    return [text[:7], "", text[7:40], text[40:]]


def sarif_region(outcome: Outcome) -> dict[str, int]:
    [result] = json.loads(render("sarif", outcome))["runs"][0]["results"]
    region: dict[str, int] = result["locations"][0]["physicalLocation"]["region"]
    return region


def marked(text: str, region: dict[str, int]) -> str:
    """What a region of one line holds, as a viewer of SARIF sees it."""
    assert region["startLine"] == region["endLine"]
    return text.split("\n")[region["startLine"] - 1][region["startColumn"] - 1 : region["endColumn"] - 1]


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("made", [version_4, version_3])
@pytest.mark.parametrize("source", [listed, split, str])
def test_the_place_in_the_file(source: Any, made: Any, ascii_only: bool, indent: int | None, tmp_path: Path) -> None:
    text = json.dumps(made([source(cell) for cell in CELLS]), indent=indent, ensure_ascii=ascii_only)
    outcome = lint_text(text.encode(), "n.ipynb", Settings())
    [finding] = outcome.findings
    assert finding.code == "LL105"
    region = sarif_region(outcome)
    # The value and not the text around it: the alpha of the Markdown cell is another one.
    assert marked(text, region) == "0"
    before = text.split("\n")[region["startLine"] - 1][: region["startColumn"] - 1]
    assert before.endswith("r=8, lora_alpha=")

    line = str(region["startLine"])
    first = render("github", outcome).splitlines()[0]
    assert f"file=n.ipynb,line={line},endLine={line},col={region['startColumn']}," in first
    assert "::cell 3, line 3: " in first
    [entry] = json.loads(render("gitlab", outcome))
    assert entry["location"]["lines"] == {"begin": region["startLine"], "end": region["startLine"]}
    assert entry["description"].startswith("cell 3, line 3: ")
    for other in ("json", "full", "concise"):
        found = render(other, outcome)
        assert ('"cell": 3' in found and '"line": 3' in found) or "n.ipynb:cell 3:3:21: " in found

    path = tmp_path / "n.ipynb"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert sarif_region(lint([str(path)], Settings())) == region, "read again from the disk, with a byte order mark"


def test_a_finding_over_several_lines() -> None:
    text = json.dumps(version_4([listed(cell) for cell in CELLS]), indent=1)
    source = readable("n.ipynb", "notebook", text.encode())
    start = source.utf8.index(b"get_peft_model(model, L")
    finding = Finding("LL105", "W", Span("n.ipynb", start, source.utf8.index(b"\n", source.utf8.index(b"c_attn"))))
    outcome = Outcome((finding,), Summary(), texts={"n.ipynb": source}, notebooks={"n.ipynb": text.encode()})
    region = sarif_region(outcome)
    lines = text.split("\n")
    assert lines[region["startLine"] - 1][region["startColumn"] - 1 :].startswith("get_peft_model(model, LoraConfig(")
    assert lines[region["endLine"] - 1][: region["endColumn"] - 1].endswith('c_attn\\"]))')


def test_a_notebook_that_has_gone_or_changed() -> None:
    text = json.dumps(version_4([listed(cell) for cell in CELLS]), indent=1)
    outcome = lint_text(text.encode(), "n.ipynb", Settings())
    for now in (b"", b"{", b"[]", b'{"cells": []}', b'{"cells": [{"cell_type": "code"}]}'):
        changed = Outcome(outcome.findings, Summary(), texts=outcome.texts, notebooks={"n.ipynb": now})
        assert sarif_region(changed)["startLine"] == 1


@given(
    cells=st.lists(
        st.text(st.sampled_from('ab\n\r\t"\\é漢\U0001f600/\f'), min_size=1, max_size=30), min_size=1, max_size=4
    ),
    as_list=st.booleans(),
    ascii_only=st.booleans(),
    data=st.data(),
)
def test_every_character_of_a_cell(cells: list[str], as_list: bool, ascii_only: bool, data: st.DataObject) -> None:
    """Whatever is in the cells, a character is where JSON writes it."""
    sources = [listed(cell) if as_list else cell for cell in cells]
    text = json.dumps(version_4(sources), ensure_ascii=ascii_only, indent=1)
    source = readable("n.ipynb", "notebook", text.encode(), for_places=True)
    index = data.draw(st.integers(0, len(source.text) - 1))
    character = source.text[index]
    if character in "\n#" or index + 1 == len(source.text):
        return  # the end of a line is written as `\n`, `\r` or not at all, a cell of magics is not what is written
    start = len(source.text[:index].encode())
    finding = Finding("LL105", "W", Span("n.ipynb", start, start + len(character.encode())))
    outcome = Outcome((finding,), Summary(), texts={"n.ipynb": source}, notebooks={"n.ipynb": text.encode()})
    written = marked(text, sarif_region(outcome))
    assert json.loads(f'"{written}"').replace("\f", " ") == character
