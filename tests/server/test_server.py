"""The language server, as a real client drives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lsprotocol import types

from lora_lint.server import changes
from tests.support.editor import Editor, applied, children

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.process

BAD = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer

model = AutoModelForCausalLM.from_pretrained("microsoft/Phi-3-mini-4k-instruct")
config = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "o_proj"])
model = get_peft_model(model, config)
Trainer(model=model).train()
"""
SHELL = "llamafactory-cli train --model_name_or_path gpt2 --finetuning_type lora --lora_rank 8 --lora_target q_proj"
ROW = BAD.splitlines().index('config = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "o_proj"])')


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    """One server for all tests of this module, with two workspace folders."""
    editor = Editor(tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("other"))
    yield editor
    editor.stop()


def codes(diagnostics: list[types.Diagnostic]) -> list[str]:
    return [str(each.code) for each in diagnostics]


def test_findings_appear_with_their_places_and_pages(editor: Editor) -> None:
    [found] = editor.open("train.py", BAD)
    assert (found.code, found.severity) == ("LL202", types.DiagnosticSeverity.Error)
    line = BAD.splitlines()[ROW]
    assert found.range.start == types.Position(ROW, line.index('"q_proj"'))
    assert found.code_description is not None
    assert "LL202" in found.code_description.href
    [related] = found.related_information or ()
    assert related.location.uri == editor.uri("train.py")
    assert related.location.range.start.line == 3


def test_a_fix_is_applied(editor: Editor) -> None:
    [found] = editor.open("fix.py", BAD)
    fix, ignore = editor.actions(editor.uri("fix.py"), found.range)
    assert fix.edit is None
    edit = (editor.resolved(fix)).edit
    assert edit is not None
    assert edit.changes is not None
    text = applied(BAD, edit.changes[editor.uri("fix.py")])
    assert 'target_modules=["qkv_proj", "o_proj"]' in text
    assert editor.write("fix.py", text) == []
    assert "reason" in ignore.title


def test_all_safe_fixes_at_once(editor: Editor) -> None:
    text = BAD.replace('"q_proj", "o_proj"', '"qkv_proj", "o_proj"').replace("r=8", "r=8, inference_mode=True")
    found = editor.open("all.py", text)
    assert codes(found) == ["LL403"]
    whole = types.Range(types.Position(0, 0), types.Position(99, 0))
    [action] = editor.actions(editor.uri("all.py"), whole, "source.fixAll")
    edit = editor.resolved(action).edit
    assert edit is not None
    assert edit.changes is not None
    assert editor.write("all.py", applied(text, edit.changes[editor.uri("all.py")])) == []


def test_a_finding_is_ignored_with_a_reason(editor: Editor) -> None:
    [found] = editor.open("ignore.py", BAD)
    start = BAD.index('"q_proj"')
    span = ["ignore.py", start, start + len('"q_proj"')]
    editor.execute("lora-lint.ignore", editor.uri("ignore.py"), "LL202", span, "as in the paper")
    [edit] = editor.edits
    assert edit.changes is not None
    text = applied(BAD, edit.changes[editor.uri("ignore.py")])
    assert text.splitlines()[ROW] == "# lora-lint: ignore[LL202] as in the paper"
    assert editor.write("ignore.py", text) == []
    # An editor that cannot ask gets a comment that still has to be completed.
    [found] = editor.write("ignore.py", BAD)
    _, action = editor.actions(editor.uri("ignore.py"), found.range)
    resolved = editor.resolved(action).edit
    assert resolved is not None
    assert resolved.changes is not None
    assert "ignore[LL202] TODO" in applied(BAD, resolved.changes[editor.uri("ignore.py")])


def test_characters_are_counted_in_utf_16(editor: Editor) -> None:
    line = '    target_modules=["😀", "q_proj", "o_proj"],'
    text = BAD.replace('r=8, lora_alpha=16, target_modules=["q_proj", "o_proj"]', f"\n{line}\n")
    [found] = editor.open("smile.py", text)
    assert found.range.start.character in (line.index('"😀'), line.index("["))
    plain = text.replace("😀", "xx")
    assert editor.write("smile.py", plain)[0].range.end == found.range.end
    # An edit behind the character, by the editor's count: one more than Python's.
    editor.write("smile.py", text)
    start = types.Position(found.range.start.line, line.index("q_proj") + 1)
    change = types.Range(start, types.Position(start.line, start.character + len("q_proj")))
    [found] = editor.change("smile.py", types.TextDocumentContentChangePartial(change, "qkv_proj"))
    assert "`q_proj`" not in found.message


def test_typing_through_a_broken_text_keeps_the_last_good_findings(editor: Editor) -> None:
    [before] = editor.open("broken.py", BAD)
    top = types.Position(0, 0)
    added = types.TextDocumentContentChangePartial(types.Range(top, top), "import (\n")
    found = editor.change("broken.py", added)
    assert sorted(codes(found)) == ["LL202", "LL900"]
    [kept] = [each for each in found if each.code == "LL202"]
    assert kept.range.start == types.Position(before.range.start.line + 1, before.range.start.character)
    undone = types.TextDocumentContentChangePartial(types.Range(top, types.Position(1, 0)), "")
    assert editor.change("broken.py", undone) == [before]


def test_unsaved_modules_are_read_as_they_are_in_the_editor(editor: Editor) -> None:
    (editor.folder / "names.py").write_text('TARGETS = ["qkv_proj"]\n')
    program = BAD.replace('["q_proj", "o_proj"]', "TARGETS").replace(
        "from peft", "from names import TARGETS\nfrom peft"
    )
    assert editor.open("importing.py", program) == []
    editor.open("names.py", 'TARGETS = ["q_proj"]\n')
    assert "LL201" in codes(editor.diagnostics(editor.uri("importing.py"))) + codes(
        editor.diagnostics(editor.uri("names.py"))
    )
    editor.close("names.py")
    assert editor.diagnostics(editor.uri("importing.py")) == []


@pytest.mark.parametrize(
    ("name", "language", "text", "code"),
    [
        ("axolotl.yaml", "yaml", "base_model: gpt2\nadapter: lora\nlora_r: 0\nmicro_batch_size: 1\n", "LL902"),
        ("adapter_config.json", "json", '{"peft_type": "LORA", "r": 8, "lora_alpha": 0}', "LL105"),
        ("kohya.toml", "toml", 'network_module = "networks.lora"\nnetwork_dim = 0\n', "LL902"),
        ("run.sh", "shellscript", f"{SHELL}\n", "LL201"),
    ],
)
def test_other_languages(editor: Editor, name: str, language: str, text: str, code: str) -> None:
    assert code in codes(editor.open(name, text, language))


def test_a_text_that_is_no_file_yet(editor: Editor) -> None:
    uri = "untitled:Untitled-1"
    assert codes(editor.open(uri, BAD)) == ["LL202"]


def test_what_is_not_about_lora_is_left_alone(editor: Editor) -> None:
    assert editor.open("other.py", "def broken(:\n") == []
    assert editor.open("notes.md", "lora", "markdown", wait=False) == []
    assert editor.open("node_modules/train.py", BAD) == []


def test_cells_of_a_notebook(editor: Editor) -> None:
    head, rest = BAD.split("model = Auto")
    cells = ["!pip install peft", head, f"model = Auto{rest}"]
    first, second, third = editor.open_notebook("book.ipynb", cells)
    assert (editor.diagnostics(first), editor.diagnostics(second)) == ([], [])
    [found] = editor.diagnostics(third)
    assert (found.code, found.range.start.line) == ("LL202", 1)
    fix, _ = editor.actions(third, found.range)
    edit = editor.resolved(fix).edit
    assert edit is not None
    assert edit.changes is not None
    assert list(edit.changes) == [third]
    assert "qkv_proj" in applied(cells[2], edit.changes[third])
    # The cell moves up when the one above it is deleted, and goes when it is deleted itself.
    editor.change_cells("book.ipynb", 0, 1)
    assert len(editor.diagnostics(third)) == 1
    editor.change_cells("book.ipynb", 1, 1)
    assert not editor.client.diagnostics[third]


def test_a_notebook_as_json(editor: Editor) -> None:
    """Editors without notebooks show their JSON."""
    text = changes.notebook([BAD]).decode()
    [found] = editor.open("plain.ipynb", text, "json")
    assert found.range.start == types.Position(0, text.index('\\"q_proj'))


def test_a_notebook_as_one_program(editor: Editor) -> None:
    """JupyterLab joins the code of all cells."""
    assert codes(editor.open("joined.ipynb", BAD)) == ["LL202"]


def test_each_folder_has_its_own_settings(editor: Editor) -> None:
    [_, other] = editor.folders
    (other / "lora-lint.toml").write_text('ignore = ["LL202"]\n')
    assert editor.open((other / "train.py").as_uri(), BAD) == []
    assert len(editor.open("settings.py", BAD)) == 1
    editor.configure({editor.folder: {"settings": {"ignore": ["LL202"]}}})
    assert editor.diagnostics(editor.uri("settings.py")) == []
    editor.configure({editor.folder: {"settings": {"ignroe": ["LL202"]}}})
    assert any("ignroe" in line for line in editor.log())
    editor.configure({})


def test_hovering(editor: Editor) -> None:
    editor.open("hover.py", BAD)
    rank = editor.hover("hover.py", ROW, BAD.splitlines()[ROW].index("r=8"))
    assert "1,572,864 of 3,821,079,552 (0.0412%)" in rank
    assert "scale: 2 (alpha / r)" in rank
    assert "`q_proj` is not in this model: it is `qkv_proj` there" in editor.hover("hover.py", ROW, 58)
    assert "`o_proj` ×32 3072→3072, layers 0–31" in editor.hover("hover.py", ROW, 68)
    renamed = BAD.replace("microsoft/Phi-3-mini-4k-instruct", "google/vit-base-patch16-224").replace("q_proj", "query")
    editor.open("renamed.py", renamed.replace("AutoModelForCausalLM", "ViTForImageClassification"))
    shown = editor.hover("renamed.py", ROW, renamed.splitlines()[ROW].index("query"))
    assert "`query` is in this model under transformers 4; under 5 it is `q_proj`" in shown
    model = editor.hover("hover.py", 3, 45)
    assert "phi3" in model
    assert "`qkv_proj` ×32 3072→9216" in model
    assert editor.hover("hover.py", 0, 0) == ""
    # A broken text keeps what was read, where it is now.
    editor.write("hover.py", "def broken(:\n" + BAD)
    assert editor.hover("hover.py", ROW + 1, BAD.splitlines()[ROW].index("r=8")) == rank


def test_hints_and_lenses(editor: Editor) -> None:
    editor.open("hints.py", BAD)
    assert editor.hints("hints.py") == [((ROW, 23), "0.0412% trained"), ((ROW, 38), "scale 2")]
    [lens] = editor.lenses("hints.py")
    assert lens.command is not None
    assert lens.command.title == "r 8, scale 2, 1,572,864 trained parameters (0.0412% trained)"
    assert editor.execute(lens.command.command, *lens.command.arguments or ()).startswith("hints.py:6  peft\n")


def test_links_between_a_config_and_its_program(editor: Editor) -> None:
    (editor.folder / "config.yaml").write_text("base_model: gpt2\nadapter: lora\nlora_r: 8\ndatasets: []\n")
    program = "import yaml\nsettings = yaml.safe_load(open('config.yaml'))\n"
    (editor.folder / "reader.py").write_text(program)
    editor.open("reader.py", program)
    [link] = editor.links("reader.py")
    assert (link.target, link.range.start) == (editor.uri("config.yaml"), types.Position(1, 32))
    editor.open("config.yaml", (editor.folder / "config.yaml").read_text(), "yaml")
    assert [link.target for link in editor.links("config.yaml")] == [editor.uri("reader.py")]


def test_completion_of_names_keys_and_values(editor: Editor) -> None:
    editor.open("complete.py", BAD)
    typed = BAD.replace('["q_proj", "o_proj"]', '["qkv_proj", "')
    editor.write("complete.py", typed)
    column = typed.splitlines()[ROW].index('"qkv') + len('"qkv_proj", "')
    found = editor.completions("complete.py", ROW, column)
    assert [each.label for each in found] == [
        "o_proj",
        "qkv_proj",
        "gate_up_proj",
        "down_proj",
        "lm_head",
        "all-linear",
    ]
    text = "base_model: gpt2\nadapter: lora\nmicro_batch_size: 1\nlora_"
    editor.open("complete.yaml", text, "yaml")
    found = editor.completions("complete.yaml", 3, 5)
    [rank] = [each for each in found if each.label == "lora_r"]
    assert isinstance(rank.documentation, types.MarkupContent)
    assert rank.documentation.value.startswith("The rank r of the adapter")
    assert rank.detail == "a whole number of at least 1"
    assert isinstance(rank.text_edit, types.TextEdit)
    assert rank.text_edit.range == types.Range(types.Position(3, 0), types.Position(3, 5))


@pytest.mark.parametrize(
    "text",
    [
        "(" * 3000,
        "lora = " + "[" * 100_000,
        "\ud800\udfff # lora peft LoraConfig\x00",
        "\r\r\n\n\x0c\u2028import peft\n" * 50,
        BAD.replace("8", "9" * 5000),
        "x = 1\n" * 50_000 + BAD,
    ],
    ids=["parentheses", "brackets", "surrogates", "line ends", "large numbers", "long"],
)
def test_hostile_texts_are_answered(editor: Editor, text: str) -> None:
    editor.open("hostile.py", text)
    editor.open("hostile.yaml", text, "yaml")
    whole = types.Range(types.Position(0, 0), types.Position(99_999_999, 99_999_999))
    assert editor.actions(editor.uri("hostile.py"), whole) is not None
    assert len(editor.write("hostile.py", BAD)) == 1


def test_many_changes_at_once_are_answered_for_the_last(editor: Editor) -> None:
    editor.open("quick.py", BAD)
    for number in range(50):
        whole = types.TextDocumentContentChangeWholeDocument(BAD.replace("r=8", f"r={number}"))
        editor.send(editor.uri("quick.py"), [whole])
    assert "LL202" in codes(editor.diagnostics(editor.uri("quick.py")))
    assert "r 49" in editor.hover("quick.py", ROW, BAD.splitlines()[ROW].index("r=8"))


def test_an_editor_that_resolves_nothing_gets_whole_actions(tmp_path: Path) -> None:
    editor = Editor(tmp_path, client="emacs")
    try:
        [found] = editor.open("train.py", BAD)
        fix, ignore = editor.actions(editor.uri("train.py"), found.range)
        for action in (fix, ignore):
            assert action.edit is not None
            assert action.edit.changes is not None
        assert "qkv_proj" in applied(BAD, fix.edit.changes[editor.uri("train.py")])
    finally:
        editor.stop()


def test_an_editor_that_asks_for_reasons_is_left_to_ask(tmp_path: Path) -> None:
    editor = Editor(tmp_path, asksForReasons=True, settings={"confidence": "certain"})
    try:
        [found] = editor.open("train.py", BAD)
        [command] = editor.commands(editor.uri("train.py"), found.range)
        assert "lora-lint.askForReason" in command
        uri, code, start = editor.uri("train.py"), "LL202", BAD.index('"q_proj"')
        span = ["train.py", start, start + len('"q_proj"')]
        editor.execute("lora-lint.ignore", uri, code, span, "as in the paper")
        [edit] = editor.edits
        assert edit.changes is not None
        assert "# lora-lint: ignore[LL202] as in the paper\n" in applied(BAD, edit.changes[uri])
        editor.execute("lora-lint.ignore", uri, code, span, "# no\nreason")
        assert len(editor.edits) == 1
        assert any("reason cannot be written" in line for line in editor.log())
    finally:
        editor.stop()


def test_a_lost_worker_is_replaced(editor: Editor) -> None:
    editor.open("lost.py", BAD)
    for process in children(editor.pid):
        os.kill(process, signal.SIGKILL)
    editor.write("lost.py", BAD + "\n")
    assert codes(editor.write("lost.py", BAD + "\n\n")) == ["LL202"]


def test_the_command_says_what_is_missing(tmp_path: Path) -> None:
    code = "import sys; sys.modules['pygls'] = None; from lora_lint.__main__ import main; sys.exit(main(['server']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert 'pip install "lora-lint[lsp]"' in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_the_benchmark_runs() -> None:
    line = [sys.executable, "benchmarks/server.py", "--keystrokes", "3", "--files", "3", "--rounds", "2"]
    done = subprocess.run(line, capture_output=True, text=True, check=False, cwd=ROOT)
    assert "| change to diagnostics |" in done.stdout, done.stderr
    assert "MiB" in done.stdout
