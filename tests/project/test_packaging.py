"""What is built and installed: the wheel and the sdist, their contents, dependencies and imports."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_string
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lora_lint import __version__, catalogue
from lora_lint.knowledge.packed import Pack
from lora_lint.knowledge.rare import RARE, shortened

if TYPE_CHECKING:
    from email.message import Message

pytestmark = pytest.mark.process
ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\]\(([^)]+)\)")
SCRIPT = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=0, target_modules=["q_proj", "v_proj"]))
"""
DATA = {
    "lora_lint/py.typed",
    "lora_lint/catalogue.json",
    "lora_lint/pages.json.bz2",
    "lora_lint/frameworks/refused_by.pack",
    "lora_lint/knowledge/data/architectures.pack",
    "lora_lint/knowledge/data/datasets.tsv.pack",
    "lora_lint/knowledge/data/models.tsv.pack",
    "lora_lint/knowledge/data/key_versions.json.z",
    "lora_lint/knowledge/data/peft.json.z",
    "lora_lint/knowledge/data/refusal_versions.json.z",
    "lora_lint/knowledge/data/schemas.pack",
    "lora_lint/knowledge/data/settings.schema.json.z",
    "lora_lint/knowledge/data/signatures.json.z",
}
BUILDS = {"lora_lint/frameworks/refused_pack.py", "lora_lint/knowledge/packing.py", "lora_lint/knowledge/rare.py"}
"""Modules that only a build needs."""
HEAVY = ("torch", "transformers", "peft", "click", "jsonschema", "yaml", "libcst", "packaging", "regex")


def build(source: Path, folder: Path, *targets: str) -> Path:
    """Builds what `targets` say (`wheel`, `sdist`) without the network; gives the folder."""
    arguments = [word for target in targets for word in ("--target", target)]
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--directory", str(folder), *arguments],
        cwd=source,
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with wheel and sdist."""
    return build(ROOT, tmp_path_factory.mktemp("built"), "sdist", "wheel")


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    [path] = built.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as it would lie among the installed packages."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def metadata(unpacked: Path) -> Message:
    [path] = unpacked.glob("*.dist-info/METADATA")
    return message_from_string(path.read_text(encoding="utf-8"))


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def python(unpacked: Path, cwd: Path, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a program with the built lora-lint alone, whatever else of it is installed here."""
    start = f"import sys\nsys.path.insert(0, {str(unpacked)!r})\n"
    return subprocess.run(
        [sys.executable, "-c", start + code, *arguments], cwd=cwd, capture_output=True, text=True, encoding="utf-8"
    )


def run(unpacked: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command as the installed script would run it."""
    return python(unpacked, cwd, "from lora_lint.__main__ import main\nsys.exit(main(sys.argv[1:]))", *arguments)


def test_the_wheel_has_the_package_and_its_data_alone(wheel: Path) -> None:
    found = names(wheel)
    assert wheel.name.endswith("-py3-none-any.whl")
    assert found >= DATA
    assert {name.split("/")[0] for name in found} == {"lora_lint", f"lora_lint-{__version__}.dist-info"}
    assert not [name for name in found if "/tests/" in name or name.endswith((".pyc", ".md"))]
    tracked = {
        str(path.relative_to(ROOT)).replace("\\", "/")
        for path in (ROOT / "lora_lint").rglob("*")
        if path.suffix in (".py", ".json", ".tsv")
        and not {"__pycache__", "architectures", "refused_by", "schemas"} & set(path.parts)
        and not {f"{path.relative_to(ROOT).as_posix()}{ending}" for ending in (".z", ".pack")} & found
    }
    assert tracked - found == BUILDS
    assert not [name for name in found if {f"{name}.z", f"{name}.pack"} & found], "packed, and plain as well"


def test_the_wheel_is_small(wheel: Path) -> None:
    """Installed it stays under 4 MiB; nine tenths of that are code, so more data would go to the data package."""
    with zipfile.ZipFile(wheel) as archive:
        assert sum(entry.file_size for entry in archive.infolist()) < 4 << 20


def test_the_architectures_are_packed_without_loss(wheel: Path, unpacked: Path) -> None:
    folder = ROOT / "lora_lint/knowledge/data/architectures"
    pack = Pack(str(unpacked / "lora_lint/knowledge/data/architectures.pack"))
    sources = {path.stem: path.read_bytes() for path in folder.glob("*.json")}
    kept = {kind: content for kind, content in sources.items() if kind not in {*RARE, "_index", "_classes"}}
    assert len(kept) > 440
    assert all(pack.read(kind) == content for kind, content in shortened(kept).items())
    with pytest.raises(KeyError):
        pack.read("no such type")
    assert {*pack} == {*kept, "_index", "_classes"}, "those of the data package alone are not there"
    assert {*json.loads(pack.read("_classes"))} <= {*kept}
    assert not [name for name in names(wheel) if "architectures/" in name]


def test_the_sdist_gives_the_same_wheel(built: Path, wheel: Path, tmp_path: Path) -> None:
    [path] = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        members = {name.partition("/")[2] for name in archive.getnames()}
        archive.extractall(tmp_path, filter="data")
    assert {"LICENSE", "README.md", "pyproject.toml", "hatch_build.py", "rules/page.schema.json"} <= members
    assert {
        "tests/project/test_packaging.py",
        "tests/constraints.txt",
        "examples/ablation.py",
        "scripts/test.py",
    } <= members
    [source] = tmp_path.iterdir()
    [again] = build(source, tmp_path / "dist", "wheel").glob("*.whl")
    assert names(again) == names(wheel)


def test_the_base_install_pulls_few_packages(metadata: Message) -> None:
    required = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    packages = {line.split(">")[0].lower(): line.partition("; ")[2] for line in required}
    assert packages == {
        "click": "",
        "pyyaml": "",
        "jsonschema": "",
        "libcst": "",
        "packaging": "",
        "regex": "",
        "tree-sitter": "",
        "tree-sitter-bash": "",
        "tree-sitter-toml": "",
        "tomli": "python_version < '3.11'",
    }


def test_what_the_tests_need_is_no_extra(metadata: Message) -> None:
    """Weights and whole frameworks stay out of what the package index shows."""
    assert {*metadata.get_all("Provides-Extra", [])} == {"verify", "ablate", "lsp", "online", "site", "dev"}
    public = " ".join(metadata.get_all("Requires-Dist", []))
    assert not [name for name in ("trl", "gguf", "minilm", "smollm", "pytest-lsp") if name in public]


def test_metadata(metadata: Message) -> None:
    assert (metadata["Name"], metadata["Version"]) == ("lora-lint", __version__)
    assert metadata["Requires-Python"] == ">=3.10"
    assert metadata["License-Expression"] == "Apache-2.0"
    shown, written = metadata.get_payload(), (ROOT / "README.md").read_text(encoding="utf-8")
    assert isinstance(shown, str)
    assert LINK.sub("]()", shown) == LINK.sub("]()", written)
    local = (
        "https://github.com/lora-lint/lora-lint/blob/main/",
        "https://raw.githubusercontent.com/lora-lint/lora-lint/main/",
    )
    for link, address in zip(LINK.findall(written), LINK.findall(shown), strict=True):
        assert address in (link, *(place + link for place in local))
        assert address.startswith("https://"), "it leads nowhere on the package index"


def test_the_command(unpacked: Path, tmp_path: Path) -> None:
    [entries] = unpacked.glob("*.dist-info/entry_points.txt")
    assert "lora-lint = lora_lint.__main__:program" in entries.read_text()
    assert "[pytest11]\nlora-lint = lora_lint.pytest_plugin" in entries.read_text()
    assert run(unpacked, tmp_path, "--version").stdout.splitlines()[0] == f"lora-lint {__version__}"
    assert "--fail-on" in run(unpacked, tmp_path, "check", "--help").stdout


def test_it_lints_as_installed(unpacked: Path, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    done = run(unpacked, tmp_path, "--output-format", "json", "train.py")
    assert (done.returncode, done.stderr) == (1, "")
    assert [finding["code"] for finding in json.loads(done.stdout)["findings"]] == ["LL105"]


def test_signatures_are_found_by_their_lines(unpacked: Path, tmp_path: Path) -> None:
    code = "from lora_lint.knowledge.signatures import signature\nassert 'target_modules' in signature('LoraConfig')"
    assert python(unpacked, tmp_path, code).stderr == ""


def test_the_catalogue_is_in_it(unpacked: Path, tmp_path: Path) -> None:
    listed = run(unpacked, tmp_path, "rules").stdout.splitlines()
    assert [line.split()[0] for line in listed] == list(catalogue.rules())
    assert run(unpacked, tmp_path, "explain", "LL101").stdout.strip() == catalogue.page("LL101").strip()


def test_a_script_is_linted_without_a_heavy_import(unpacked: Path, tmp_path: Path) -> None:
    """Without any import of a dependency, in fact, and without `typing`, which takes 3% of it."""
    (tmp_path / "train.py").write_text(SCRIPT)
    done = python(
        unpacked,
        tmp_path,
        "from lora_lint.__main__ import main\nmain(['train.py'])\n"
        f"print(sorted({{'typing', *{HEAVY!r}}} & set(sys.modules)))\nprint(sys.modules['lora_lint'].__file__)",
    )
    *_, imported, place = done.stdout.splitlines()
    assert imported == "[]"
    assert Path(place).is_relative_to(unpacked)


def test_frameworks_are_imported_where_a_model_is_at_hand_alone() -> None:
    rooms = {"verify", "ablate", "guarding", "preflight"}
    for path in (ROOT / "lora_lint").rglob("*.py"):
        if rooms.isdisjoint(path.relative_to(ROOT).parts):
            words = [line.split()[:2] for line in path.read_text(encoding="utf-8").splitlines()]
            named = {line[1].split(".")[0] for line in words if len(line) == 2 and line[0] in ("import", "from")}
            assert not named & {"torch", "transformers", "peft", "numpy", "safetensors"}, path
