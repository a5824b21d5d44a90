"""The cache: a second lint costs little and says the same, and nothing that a result was made of can change unseen."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pytest

from lora_lint.commands.check import check
from lora_lint.commands.requests import Check, Input, Repair
from lora_lint.finding import (
    Add,
    Bind,
    Change,
    Drop,
    Finding,
    Fix,
    Follow,
    Into,
    Move,
    Related,
    Remark,
    Rename,
    Replace,
    Through,
    Tie,
    Unfold,
    Write,
)
from lora_lint.linting import cache as cache_module
from lora_lint.linting import engine
from lora_lint.linting.cache import FOLDER, Cache
from lora_lint.linting.checker import Checker
from lora_lint.linting.outcome import FileResult
from lora_lint.linting.requirements import allowed_by
from lora_lint.project import Project
from lora_lint.settings import Settings
from lora_lint.source import SourceFile, Span
from lora_lint.system import disk
from tests.support import pages

if TYPE_CHECKING:
    from collections.abc import Callable

    from lora_lint.linting.outcome import Outcome

A = Input(["a.py"])
HEAD = "from peft import LoraConfig, get_peft_model\nfrom transformers import AutoModelForCausalLM, Trainer\n"
SCRIPT = (
    HEAD
    + """\
model = AutoModelForCausalLM.from_pretrained({model})
model = get_peft_model(model, LoraConfig(r={rank}, lora_alpha={alpha}, target_modules=["q_proj", "v_proj"]))
"""
)
AXOLOTL = """\
base_model: gpt2
adapter: lora
lora_r: 256
lora_alpha: 256
lora_target_linear: true
datasets:
  - path: d.jsonl
    type: alpaca
"""
LLAMA = '"meta-llama/Llama-2-7b-hf"'
GPT2 = json.dumps({"model_type": "gpt2"})
LLAMA_CONFIG = json.dumps({"model_type": "llama"})


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("LORA_LINT_CACHE_DIR", "LORA_LINT_NO_CACHE", "HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(disk, "_FRESH", 0)  # large files that were written just now are told apart by their times
    place = tmp_path / "project"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


def write(name: str, text: str | bytes) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def lint(settings: Settings | None = None, *, cached: bool = True, paths: tuple[str, ...] = (".",)) -> Outcome:
    settings = settings or Settings()
    return engine.lint(paths, settings, jobs=1, cache=Cache(settings) if cached else None)


def codes(outcome: Outcome) -> list[str]:
    return [finding.code for finding in outcome.findings]


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are checked, and so not taken out of the cache."""
    paths: list[str] = []
    real = Checker.check

    def noted(self: Checker, found: object) -> FileResult:
        paths.append(found.path)  # type: ignore[attr-defined]
        return real(self, found)  # type: ignore[arg-type]

    monkeypatch.setattr(Checker, "check", noted)
    return paths


def test_a_second_lint_checks_nothing_and_says_the_same(checked: list[str]) -> None:
    write("a.py", SCRIPT.format(model=LLAMA, rank=8, alpha=0))
    write("b.py", SCRIPT.format(model='"gpt2"', rank=8, alpha=16))
    write("c.yaml", "base_model: gpt2\nadapter: lora\nlora_r: 8\nlora_alpha: 0\n")
    write("d.py", "# lora-lint: ignore-file[LL105]\n" + SCRIPT.format(model=LLAMA, rank=8, alpha=0))
    first = lint()
    assert checked == ["a.py", "b.py", "c.yaml", "d.py"]
    checked.clear()
    assert lint() == first
    assert checked == []
    assert first == lint(cached=False)
    assert first.summary.suppressed == 1


def unchanged() -> None:
    pass


def helper(alpha: int) -> str:
    return f"ALPHA = {alpha}\n"


USES_HELPER = "from helper import ALPHA\n" + SCRIPT.format(model=LLAMA, rank=8, alpha="ALPHA")
LOADS_CONFIG = (
    HEAD
    + """\
import yaml
with open("run.yaml") as file:
    given = yaml.safe_load(file)
model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=given["alpha"], target_modules=["q_proj"]))
"""
)
FACTORY = """\
model_name_or_path: gpt2
stage: sft
do_train: true
finetuning_type: lora
lora_rank: 64
lora_target: all
dataset: mine
dataset_dir: data
"""
ADAPTER = json.dumps(
    {"peft_type": "LORA", "r": 8, "lora_alpha": 16, "target_modules": ["c_attn"], "base_model_name_or_path": "gpt2"}
)
WEIGHTS = pages.weights(f"base.c_attn.lora_A.weight F32 8x3 0.5\nbase.c_attn.lora_B.weight F32 3x8 {0.5}\n")
UNTRAINED = pages.weights("base.c_attn.lora_A.weight F32 8x3 0.5\nbase.c_attn.lora_B.weight F32 3x8 0\n")
ROWS = '{"text": "x"}\n'

# What is there, what changes, and what is deleted (None).
Files = dict[str, "str | bytes | None"]
DEPENDENCIES: dict[str, tuple[Files, Files]] = {
    "the file itself": (
        {"a.py": SCRIPT.format(model=LLAMA, rank=8, alpha=16)},
        {"a.py": SCRIPT.format(model=LLAMA, rank=8, alpha=0)},
    ),
    "an import": ({"a.py": USES_HELPER, "helper.py": helper(16)}, {"helper.py": helper(0)}),
    "an import that appears": ({"a.py": USES_HELPER}, {"helper.py": helper(0)}),
    "an import that goes": ({"a.py": USES_HELPER, "helper.py": helper(0)}, {"helper.py": None}),
    "an import nearer than the one before": (
        {"below/a.py": USES_HELPER, "helper.py": helper(16)},
        {"below/helper.py": helper(0)},
    ),
    "an import of an import": (
        {"a.py": USES_HELPER, "helper.py": "from deeper import ALPHA\n", "deeper.py": helper(16)},
        {"deeper.py": helper(0)},
    ),
    "the top of the project": (
        {"below/a.py": USES_HELPER, "helper.py": helper(0)},
        {"below/.git/HEAD": "ref: refs/heads/main\n"},
    ),
    "a config that is loaded": ({"a.py": LOADS_CONFIG, "run.yaml": "alpha: 16\n"}, {"run.yaml": "alpha: 0\n"}),
    "a config that appears": ({"a.py": LOADS_CONFIG}, {"run.yaml": "alpha: 0\n"}),
    "a model's config": (
        {"a.py": SCRIPT.format(model='"mine"', rank=8, alpha=16), "mine/config.json": LLAMA_CONFIG},
        {"mine/config.json": GPT2},
    ),
    "a model's config that appears": (
        {"a.py": SCRIPT.format(model='"mine"', rank=8, alpha=16)},
        {"mine/config.json": GPT2},
    ),
    "a model's config where the hub's was taken": (
        {"a.py": SCRIPT.format(model=LLAMA, rank=8, alpha=16)},
        {"meta-llama/Llama-2-7b-hf/config.json": GPT2},
    ),
    "the base of a local adapter": (
        {"a.py": SCRIPT.format(model='"mine"', rank=8, alpha=16), "mine/adapter_config.json": ADAPTER},
        {"mine/adapter_config.json": ADAPTER.replace("gpt2", "meta-llama/Llama-2-7b-hf")},
    ),
    "a data set": (
        {"a.yaml": AXOLOTL, "d.jsonl": ROWS * 100_000},
        {"d.jsonl": ROWS * 20},
    ),
    "a data set that appears": (
        {"a.yaml": AXOLOTL},
        {"d.jsonl": ROWS * 20},
    ),
    "a large data set": (
        {"a.yaml": AXOLOTL, "d.jsonl": ROWS * 400_000},
        {"d.jsonl": b" " * (len(ROWS) * 399_990) + ROWS.encode() * 10},
    ),
    "LLaMA-Factory's register of data": (
        {
            "a.yaml": FACTORY,
            "data/dataset_info.json": '{"mine": {"file_name": "long.json"}}',
            "data/long.json": json.dumps([{}] * 50_000),
            "data/short.json": json.dumps([{}] * 10),
        },
        {"data/dataset_info.json": '{"mine": {"file_name": "short.json"}}'},
    ),
    "data that LLaMA-Factory's register names": (
        {
            "a.yaml": FACTORY,
            "data/dataset_info.json": '{"mine": {"file_name": "some.json"}}',
            "data/some.json": json.dumps([{}] * 50_000),
        },
        {"data/some.json": json.dumps([{}] * 10)},
    ),
    "weights": (
        {"out/adapter_config.json": ADAPTER, "out/adapter_model.safetensors": WEIGHTS},
        {"out/adapter_model.safetensors": UNTRAINED},
    ),
    "weights that appear": (
        {"out/adapter_config.json": ADAPTER},
        {"out/adapter_model.safetensors": UNTRAINED},
    ),
    "a checkpoint that appears": (
        {"out/adapter_config.json": ADAPTER, "out/adapter_model.safetensors": WEIGHTS},
        {"out/checkpoint-5/adapter_config.json": ADAPTER.replace("16", "64")},
    ),
    "a comment in an import": (
        {"a.py": "from helper import config\n" + HEAD + "model = get_peft_model(AutoModelForCausalLM."
         "from_pretrained('gpt2'), config)\n",
         "helper.py": "from peft import LoraConfig\nconfig = LoraConfig(r=8, lora_alpha=0)\n"},
        {"helper.py": "from peft import LoraConfig\nconfig = LoraConfig(r=8, lora_alpha=0)  # lora-lint: ignore\n"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DEPENDENCIES)
def test_a_change_is_seen(name: str, checked: list[str]) -> None:
    before, after = DEPENDENCIES[name]
    for path, text in before.items():
        assert text is not None
        write(path, text)
    first = lint()
    checked.clear()
    assert lint() == first
    assert checked == [], "nothing has changed"
    for path, text in after.items():
        if text is None:
            Path(path).unlink()
        else:
            write(path, text)
    now = lint()
    assert now == lint(cached=False)
    assert (now.findings, now.summary) != (first.findings, first.summary), "the case changes nothing"
    checked.clear()
    assert lint() == now
    assert checked == []


def test_what_is_undone_is_seen_too() -> None:
    write("a.py", USES_HELPER)
    for _ in range(2):
        write("helper.py", helper(0))
        assert "LL105" in codes(lint())
        write("helper.py", helper(16))
        assert "LL105" not in codes(lint())


def test_files_that_share_an_import_all_depend_on_it(checked: list[str]) -> None:
    """Whatever is remembered of an import while one file is followed counts for the next one as well."""
    for name in ("a.py", "b.py", "below/c.py"):
        write(name, USES_HELPER)
    write("helper.py", helper(16))
    assert codes(lint()) == []
    write("helper.py", helper(0))
    checked.clear()
    (finding,) = lint().findings
    assert finding.code == "LL105"
    assert {finding.span.path, *(related.span.path for related in finding.related)} >= {"a.py", "b.py", "below/c.py"}
    assert checked == ["a.py", "b.py", "below/c.py", "helper.py"][: len(checked)]
    assert {"a.py", "b.py", "below/c.py"} <= set(checked)


def test_files_that_name_one_model_all_depend_on_its_config() -> None:
    for name in ("a.py", "b.py"):
        write(name, SCRIPT.format(model='"mine"', rank=8, alpha=16))
    write("mine/config.json", LLAMA_CONFIG)
    assert codes(lint()) == []
    write("mine/config.json", GPT2)
    assert codes(lint()) == ["LL201", "LL201"]


def hub(root: Path, model_type: str) -> None:
    folder = root / "models--acme--thing"
    write(str(folder / "refs/main"), "abc")
    write(str(folder / "snapshots/abc/config.json"), json.dumps({"model_type": model_type}))


def test_the_cache_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write("a.py", SCRIPT.format(model='"acme/thing"', rank=8, alpha=16))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    assert codes(lint()) == []
    hub(tmp_path / "hub", "gpt2")
    assert codes(lint()) == ["LL201"]
    hub(tmp_path / "hub", "llama")
    assert codes(lint()) == []
    hub(tmp_path / "other", "gpt2")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "other"))
    assert codes(lint()) == ["LL201"]


@pytest.mark.parametrize(
    "settings",
    [
        Settings(select=("LL102",)),
        Settings(ignore=("LL105",)),
        Settings(levels={"LL105": "advice"}),
        Settings(per_file_ignores=(("a.py", ("LL105",)),)),
        Settings(models={"meta-llama/*": "gpt2"}),
        Settings(options={"LL104": {"highest": 1}}),
        Settings(confidence="possible", transformers="4"),
    ],
    ids=lambda settings: repr(settings)[:60],
)
def test_settings_have_results_of_their_own(settings: Settings, checked: list[str]) -> None:
    write("a.py", SCRIPT.format(model=LLAMA, rank=8, alpha=0))
    lint()
    checked.clear()
    assert lint(settings).findings == lint(settings, cached=False).findings
    assert checked == ["a.py", "a.py"]
    checked.clear()
    lint()
    lint(settings)
    assert checked == []


def test_another_version_has_results_of_its_own(monkeypatch: pytest.MonkeyPatch, checked: list[str]) -> None:
    write("a.py", SCRIPT.format(model=LLAMA, rank=8, alpha=0))
    lint()
    for version in ("99.0", "99.1"):
        monkeypatch.setattr(cache_module, "__version__", version)
        checked.clear()
        lint()
        assert checked == ["a.py"]


def test_every_file_of_lora_lint_counts() -> None:
    package = Path(cache_module.__file__).parents[1]
    seen = {Path(path) for path, _, _ in cache_module._program()}
    own = {path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert own <= seen
    assert set((package.parent / "rules").glob("*.md")) <= seen
    assert any(path.parent.name == "yaml" for path in seen)


def test_a_file_that_is_named_is_told_of() -> None:
    """A walk passes over what cannot be understood and is hardly about LoRA."""
    write("a.json", '{"text": "about lora"')
    assert codes(lint()) == []
    assert codes(lint(paths=("a.json",))) == ["LL900"]
    assert codes(lint()) == []


def test_what_could_not_be_read_is_tried_again(checked: list[str]) -> None:
    write("a.py", "from peft import LoraConfig\nLoraConfig(\n")
    for _ in range(2):
        checked.clear()
        assert codes(lint()) == ["LL900"]
        assert checked == ["a.py"]


def entries() -> list[Path]:
    return [path for path in Path(FOLDER).glob("*/*") if path.is_file()]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:0],
        lambda data: b"\0" * len(data),
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(b"LL105", b"LL104"),
        lambda data: data + b" ",
        lambda data: data.partition(b"\n")[0] + b"\n[[], 5]",
        lambda data: b"\xff\xfe" + data,
    ],
)
def test_a_damaged_entry_counts_for_nothing(damage: Callable[[bytes], bytes], checked: list[str]) -> None:
    write("a.py", SCRIPT.format(model=LLAMA, rank=8, alpha=0))
    first = lint()
    [entry] = entries()
    entry.write_bytes(damage(entry.read_bytes()))
    checked.clear()
    assert lint() == first
    assert checked == ["a.py"]
    checked.clear()
    assert lint() == first
    assert checked == [], "it was written anew"


@pytest.mark.parametrize("body", [b"[[], 5]", b'[[], ["Popen", "x"]]', b"{}", b"[[[1]], []]", b"[" * 100_000])
def test_an_entry_of_another_make_counts_for_nothing(body: bytes, checked: list[str]) -> None:
    write("a.py", SCRIPT.format(model=LLAMA, rank=8, alpha=0))
    first = lint()
    [entry] = entries()
    head = entry.read_bytes().partition(b"\n")[0].split()
    entry.write_bytes(disk.digest(body).encode() + b" " + head[1] + b"\n" + body)
    checked.clear()
    assert lint() == first
    assert checked == ["a.py"]


def test_an_entry_of_another_file_counts_for_nothing() -> None:
    write("a.py", SCRIPT.format(model=LLAMA, rank=8, alpha=0))
    write("b.py", SCRIPT.format(model=LLAMA, rank=8, alpha=16))
    lint()
    one, other = entries()
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)
    assert [finding.span.path for finding in lint().findings] == ["a.py"]


def test_the_folder_is_out_of_the_way() -> None:
    write("a.py", SCRIPT.format(model=LLAMA, rank=8, alpha=0))
    assert lint().summary.files == lint().summary.files == 1
    assert Path(FOLDER, ".gitignore").read_text() == "*\n"
    assert Path(FOLDER, "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55")
    shutil.rmtree(FOLDER)
    assert codes(lint()) == ["LL105"]


def test_old_sets_of_results_go(monkeypatch: pytest.MonkeyPatch) -> None:
    write("a.py", SCRIPT.format(model=LLAMA, rank=8, alpha=0))
    for number in range(cache_module.KEPT + 3):
        monkeypatch.setattr(cache_module, "__version__", f"99.{number}")
        lint()
    assert len([path for path in Path(FOLDER).iterdir() if path.is_dir()]) == cache_module.KEPT


def test_a_place_that_cannot_be_written_to_is_left_alone() -> None:
    write("a.py", SCRIPT.format(model=LLAMA, rank=8, alpha=0))
    write(FOLDER, "a file")
    assert codes(lint()) == codes(lint()) == ["LL105"]
    assert Path(FOLDER).read_text() == "a file"


@pytest.mark.skipif(not hasattr(os, "symlink") or sys.platform == "win32", reason="links")
def test_a_link_is_not_followed_to_another_place(tmp_path: Path) -> None:
    write("a.py", SCRIPT.format(model=LLAMA, rank=8, alpha=0))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    os.symlink(elsewhere, FOLDER)
    assert codes(lint()) == ["LL105"]
    assert check(Check(A, cache_dir=FOLDER)) == 1
    assert list(elsewhere.iterdir()) == []
    os.symlink(elsewhere, "link")
    assert check(Check(A, cache_dir="link")) == 1
    assert [path.name for path in elsewhere.iterdir()] == [FOLDER], "a link that is named may be followed"


@pytest.mark.skipif(not hasattr(os, "symlink") or sys.platform == "win32", reason="links")
def test_tags_are_not_written_through_links(tmp_path: Path) -> None:
    """Links that lead nowhere make a file elsewhere when they are opened for writing."""
    write("a.py", SCRIPT.format(model=LLAMA, rank=8, alpha=0))
    Path(FOLDER).mkdir()
    for name in ("CACHEDIR.TAG", ".gitignore"):
        os.symlink(tmp_path / f"made by {name}", Path(FOLDER, name))
    assert codes(lint()) == codes(lint()) == ["LL105"]
    assert [path.name for path in tmp_path.iterdir()] == ["project"]


@pytest.mark.skipif(not hasattr(os, "symlink") or sys.platform == "win32", reason="links")
def test_sets_and_entries_that_are_links_are_not_followed(tmp_path: Path, checked: list[str]) -> None:
    write("a.py", SCRIPT.format(model=LLAMA, rank=8, alpha=0))
    first = lint()
    [entry] = entries()
    moved = entry.rename(tmp_path / "entry")
    entry.symlink_to(moved)
    checked.clear()
    assert lint() == first
    assert checked == ["a.py"]
    assert not entry.is_symlink(), "it was written anew"
    folder = entry.parent.rename(tmp_path / "set")
    entry.parent.symlink_to(folder)
    (folder / entry.name).unlink()
    assert lint() == first
    assert list(folder.iterdir()) == []


@pytest.mark.process
@pytest.mark.parametrize("named", [True, False], ids=["--cache-dir", "LORA_LINT_CACHE_DIR"])
def test_a_folder_of_the_user_keeps_all_that_is_in_it(named: bool, tmp_path: Path) -> None:
    """It may hold anything: results lie in a folder of our own below it, and only there is anything pruned."""
    write("a.py", SCRIPT.format(model=LLAMA, rank=8, alpha=0))
    shared = Path() if named else tmp_path / "cache"
    kept = {shared / f"thesis-{number}" / "chapter.txt" for number in range(20)}
    kept |= {shared / f"{number:032x}" / f"{number:032x}" for number in range(20)}
    for path in kept:
        write(str(path), "years of work")
    told = command("--cache-dir", ".") if named else command(LORA_LINT_CACHE_DIR=str(shared))
    assert "LL105" in told.communicate()[0]
    assert all(path.read_text() == "years of work" for path in kept)
    made = {path.name for path in shared.iterdir()} - {path.parent.name for path in kept} - {"a.py"}
    assert made == {FOLDER}


def test_only_results_are_pruned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever else lies beside or in the sets, and a link that has the name of one, stays."""
    write("a.py", SCRIPT.format(model=LLAMA, rank=8, alpha=0))
    monkeypatch.setattr(cache_module, "KEPT", 1)
    lint()
    [first] = [path for path in Path(FOLDER).iterdir() if path.is_dir()]
    write(f"{FOLDER}/{first.name}/notes.txt", "mine")
    write(f"{FOLDER}/other/notes.txt", "mine")
    write("elsewhere/" + "0" * 32, "mine")
    if sys.platform != "win32":
        Path(FOLDER, "0" * 32).symlink_to(Path("elsewhere").resolve())
    before = {path for path in Path().rglob("*") if path.is_file() and path.read_bytes() == b"mine"}
    for number in range(3):
        monkeypatch.setattr(cache_module, "__version__", f"99.{number}")
        lint()
    assert before == {path for path in Path().rglob("*") if path.is_file() and path.read_bytes() == b"mine"}
    assert [path.name for path in first.iterdir()] == ["notes.txt"]


def test_a_folder_of_the_name_with_other_things_in_it_is_left_alone() -> None:
    write("a.py", SCRIPT.format(model=LLAMA, rank=8, alpha=0))
    write(f"{FOLDER}/notes.txt", "mine")
    assert codes(lint()) == ["LL105"]
    assert [path.name for path in Path(FOLDER).iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("step", ["makedirs", "replace"])
def test_a_tree_that_is_read_only_or_full(step: str, monkeypatch: pytest.MonkeyPatch, checked: list[str]) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "no")

    write("a.py", SCRIPT.format(model=LLAMA, rank=8, alpha=0))
    write("b.py", SCRIPT.format(model=LLAMA, rank=8, alpha=0))
    monkeypatch.setattr(os, step, refuse)
    for _ in range(2):
        checked.clear()
        outcome = lint()
        assert codes(outcome) == ["LL105", "LL105"]
        assert outcome.notes == ()
        assert checked == ["a.py", "b.py"]
    assert entries() == []


def command(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    root = str(Path(cache_module.__file__).parents[2])
    return subprocess.Popen(
        [sys.executable, "-m", "lora_lint", "--output-format", "json", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": root, **environment},
    )


@pytest.mark.process
def test_lints_at_the_same_time() -> None:
    for number in range(30):
        write(f"part/{number}.py", SCRIPT.format(model=LLAMA, rank=8, alpha=number % 2))
    alone = command("--no-cache").communicate()
    assert not Path(FOLDER).exists()
    together = [command(*arguments) for arguments in ((), ("--jobs", "2"), (), ("--jobs", "2"))]
    for process in together:
        assert process.communicate() == alone
        assert process.returncode == 1
    assert command().communicate() == alone
    assert len(entries()) == 30
    assert all(path.suffix == "" for path in entries()), "nothing half-written is left"


def test_the_options(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write("a.py", SCRIPT.format(model=LLAMA, rank=8, alpha=0))
    assert check(Check(A, no_cache=True)) == 1
    monkeypatch.setenv("LORA_LINT_NO_CACHE", "1")
    assert check(Check(A)) == 1
    assert not Path(FOLDER).exists()
    monkeypatch.delenv("LORA_LINT_NO_CACHE")
    assert check(Check(A, cache_dir="given")) == 1
    assert len(list(Path("given", FOLDER).glob("*/*"))) == 1
    monkeypatch.setenv("LORA_LINT_CACHE_DIR", str(tmp_path / "told"))
    assert check(Check(A)) == 1
    assert len(list((tmp_path / "told" / FOLDER).glob("*/*"))) == 1
    assert not Path(FOLDER).exists()
    reports = capsys.readouterr().out.split("a.py:4")
    assert len(reports) == 5


def test_the_folder_is_beside_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    write("lora-lint.toml", "")
    write("below/a.py", SCRIPT.format(model=LLAMA, rank=8, alpha=0))
    monkeypatch.chdir("below")
    assert check(Check(A)) == 1
    assert Path("..", FOLDER).is_dir()
    assert not Path(FOLDER).exists()


def test_fixes_are_made_of_the_files_as_they_are() -> None:
    write("a.py", HEAD + "from peft import PeftModel\nmodel = AutoModelForCausalLM.from_pretrained('gpt2')\n"
          "model = PeftModel.from_pretrained(model, 'out')\nTrainer(model=model).train()\n")  # fmt: skip
    assert check(Check(A)) == 1
    assert check(Check(A, repair=Repair(fix=True))) == 0
    assert "is_trainable=True" in Path("a.py").read_text()
    assert check(Check(A)) == 0


def test_all_that_a_result_can_hold_comes_back() -> None:
    span = Span("a\udcff.py", 1, 2)
    changes = (
        Write(span, ("q_proj", "v_proj")),
        Write(span, [1, 2.5, None, True, {"a": ("b",), 3: []}]),
        Tie(span, "r", 2.0),
        Add(span, "use_rslora", True),
        Drop(span, "alpha"),
        Rename(span, "é"),
        Move(span, Span("b", 3, 4)),
        Into(span, Span("b", 3, 4)),
        Write(span, 8, Span("b", 3, 4)),
        Drop(span, "alpha", Span("b", 3, 4)),
        Tie(span, "r", 2.0, "alpha"),
        Through(span, "prepare"),
        Unfold(span),
        Bind(span),
        Follow(span, "set_adapter", "second"),
        Replace(span, ""),
        Remark(span, "# lora-lint: sweep-keeps=ratio"),
    )
    assert {type(change) for change in changes} == set(get_args(Change))
    finding = Finding("LL101", "m", span, "likely", "error", (Related(span, "x"),), Fix("safe", "f", changes))
    result = FileResult("a", (finding,), 3, (("LL1", span),), (span,), ("note",))
    written = json.loads(json.dumps(cache_module._encoded(result)))
    assert cache_module._decoded(written) == result
    assert repr(cache_module._decoded(written)) == repr(result)
    with pytest.raises(TypeError):
        cache_module._encoded({1, 2})


def test_questions_are_noted_by_all_who_watch() -> None:
    write("there", "x")
    with disk.Watch() as outer:
        assert disk.is_file("there")
        with disk.Watch() as inner:
            assert not disk.is_file("missing")
            assert disk.size("there") == 1
            assert disk.names(".") == ["there"]
            assert disk.read("there", 10) == b"x"
            assert disk.read("there", 0) is None
            with pytest.raises(OSError):
                disk.read("missing", 10)
        assert ("file", "there") not in inner.noted
    assert outer.noted.items() > inner.noted.items()
    assert all(disk.answer(kind, path) == answer for (kind, path), answer in outer.noted.items())
    assert disk.answer("file", "nul\0byte") == ""


def test_the_folder_of_results_is_no_change_of_the_folder_it_is_in() -> None:
    """The first lint makes it: what was found before would not hold for the second."""
    write("train.py", "x")
    with disk.Watch() as watch:
        assert disk.names("") == ["train.py"]
    Path(cache_module.FOLDER).mkdir()
    assert disk.names("") == ["train.py"]
    assert all(disk.answer(kind, path) == answer for (kind, path), answer in watch.noted.items())
    write("run.sh", "x")
    assert disk.answer("names", "") != watch.noted["names", ""]


def test_a_large_file_that_was_just_written_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two writes within one tick of the file system's clock leave the same times."""
    monkeypatch.setattr(disk, "LARGE", 0)
    monkeypatch.setattr(disk, "_FRESH", 2.0)
    Path("data").write_text("x")
    with disk.Watch() as watch:
        disk.read("data", 10)
    [((kind, path), answer)] = watch.noted.items()
    assert kind == "state"
    assert disk.answer(kind, path) != answer


def test_the_file_system_is_asked_where_it_is_noted() -> None:
    """A look that is not noted would make a result stale; so would one that is remembered by anything but `Watch`."""
    package = Path(cache_module.__file__).parents[1]
    own_data = "architectures datasets edition models packed packing peft_facts rare schemas signatures tables"
    tables = set(own_data.split())
    direct = {"open", "stat", "lstat", "listdir", "scandir", "walk", "exists", "isfile", "isdir", "lexists", "getsize"}
    for folder in ("dialects", "interpreter", "rules", "knowledge", "readers"):
        for path in (package / folder).rglob("*.py"):
            if (folder == "knowledge" and path.stem in tables) or path.stem == "safetensors":  # after `disk.look`
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    called = ast.unparse(node.func)
                    owner, _, name = called.rpartition(".")
                    assert not (name in direct and owner in ("", "os", "os.path", "io")), f"{path}:{node.lineno}"
                    assert name not in ("Path", "is_file", "read_text", "read_bytes") or owner == "disk", path
                if isinstance(node, ast.FunctionDef) and "cache" in " ".join(map(ast.unparse, node.decorator_list)):
                    takes = ast.unparse(node.args)
                    assert "SourceFile" not in takes, f"{path}:{node.lineno}"
                    assert "Project" not in takes or node.name in ("_files_of", "_callers_of"), f"{path}:{node.lineno}"


def test_what_is_remembered_is_noted_by_all_who_ask() -> None:
    write("there", "x")
    made = []
    kept: disk.Remembered[str, int | None] = disk.Remembered(2)

    def size(path: str) -> int | None:
        made.append(path)
        return disk.size(path)

    with disk.Watch() as first:
        assert kept.get("there", size) == 1
    with disk.Watch() as second:
        assert kept.get("there", size) == 1
    assert made == ["there"]
    assert first.noted == second.noted != {}
    assert kept.get("a", size) is kept.get("b", size) is None
    assert kept.get("there", size) == 1  # the oldest had to go
    assert made == ["there", "a", "b", "there"]


def test_what_a_project_pins_is_noted_for_each_file() -> None:
    """Also for the second file of a folder, for which nothing is read again."""
    write("requirements.txt", "peft==0.17.0\n")
    project = Project("")
    for name in ("a.py", "b.py"):
        with disk.Watch() as watch:
            assert allowed_by(project, SourceFile(name, "python", b""))["peft"].pin is not None
        assert ("content", "requirements.txt") in watch.noted
