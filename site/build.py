"""Builds the site into site/.build/site: `python site/build.py [--pages-only] [--no-playground]`.

The pages are those in pages/, those of docs/ and rules/, and two that follow from the package: the frameworks and the
models. Needs zensical (the extra `site`); the playground needs Node and npm as well.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "site"
PAGES = HERE / ".build" / "pages"
SITE = HERE / ".build" / "site"
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lora_lint.catalogue import Rule

_LINK = re.compile(r"(\]\()([^)\s#]+)(#[^)\s]*)?(\))")
_BLOCK = re.compile(
    r"^(?P<ticks>`{3,})(?P<language>\w+) ?(?P<role>\w*) ?(?P<file>\S*)\n(?P<code>.*?)^(?P=ticks)$", re.M | re.S
)
_ROLES = {"bad": "reported", "good": "not reported", "trap": "not reported"}


def pages() -> dict[str, str]:
    """All pages by their path below the site's root. Links to files that are no pages lead to the repository."""
    own = {path.relative_to(HERE / "pages").as_posix(): path for path in (HERE / "pages").rglob("*.md")}
    texts = {name: path.read_text(encoding="utf-8") for name, path in own.items()}
    for path in sorted((ROOT / "docs").rglob("*.md")):
        texts[path.relative_to(ROOT).as_posix()] = path.read_text(encoding="utf-8")
    texts |= dict(_rule_pages())
    texts |= {"docs/frameworks.md": frameworks(), "docs/models.md": models()}
    texts |= {
        name: (ROOT / name).read_text(encoding="utf-8") for name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
    }
    return {name: _titled(_linked(text, name, texts.keys())) for name, text in texts.items()}


def _titled(text: str) -> str:
    """The text with the words behind a fence's language, which tests read, as its title: with plain words there, a
    block would be prose to zensical."""

    def block(found: re.Match[str]) -> str:
        language = "text" if found["language"] == "weights" else found["language"]
        title = ": ".join(filter(None, (_ROLES.get(found["role"], ""), found["file"])))
        first = f"{found['ticks']}{language}" + (f' title="{title}"' if title else "")
        return f"{first}\n{found['code']}{found['ticks']}"

    return _BLOCK.sub(block, text)


def _linked(text: str, name: str, names: Sequence[str] | set[str]) -> str:
    """The text with its links to the repository's other files made absolute. `name` is where it stands in the site,
    which is also where the repository has it, but for the files at its root."""
    from lora_lint.report.wording import HOMEPAGE

    def target(found: re.Match[str]) -> str:
        start, path, anchor, end = found[1], found[2], found[3] or "", found[4]
        if re.match(r"[a-z]+:", path):
            return found[0]
        whole = os.path.normpath(os.path.join(os.path.dirname(name), path)).replace(os.sep, "/")
        if whole in names or not (ROOT / whole).exists():
            return found[0]
        kind = "tree" if (ROOT / whole).is_dir() else "blob"
        return f"{start}{HOMEPAGE}/{kind}/main/{whole}{anchor}{end}"

    return _LINK.sub(target, text)


def _rule_pages() -> Iterator[tuple[str, str]]:
    from lora_lint import catalogue

    for rule in catalogue.rules().values():
        yield f"rules/{rule.file}", _page_of(rule)


def _page_of(rule: Rule) -> str:
    fix = {"none": "", "safe": "`--fix`: ", "unsafe": "`--fix --unsafe-fixes`: "}[rule.fix.applicability]
    settled = {"X": "exactly", "M": "by measurement", "none": "no"}[rule.verify.kind]
    facts = [f"| fix | {fix}{_cell(rule.fix.text)} |"]
    facts.append(f"| `--verify` | {settled}: {_cell(rule.verify.text)} |")
    facts += [f"| option `{name}` | {_cell(_option(schema))} |" for name, schema in rule.options.items()]
    parts = [
        f"# {rule.code} {rule.name}",
        "",
        f"{rule.summary}.",
        "",
        f"| level | {rule.level} |",
        "|---|---|",
        *facts,
        "",
        rule.body.strip(),
    ]
    if rule.references:
        parts += ["", "## References", "", *(f"- {each}" for each in rule.references)]
    return "\n".join([*parts, ""])


def _option(schema: object) -> str:
    assert isinstance(schema, dict)
    return f"{schema.get('description', '')} Default: `{json.dumps(schema.get('default'))}`".strip()


def frameworks() -> str:
    """The frameworks whose files and commands are read, with what was read to know them."""
    from lora_lint.frameworks import registry

    lines = [
        "# Frameworks",
        "",
        "What each setting means is taken from the framework's own source, in this version.",
        "",
    ]
    lines += ["| framework | configuration files | commands | source |", "|---|---|---|---|"]
    for each in registry.every():
        kinds = ", ".join(each.kinds) or "programs"
        lines.append(f"| {each.title} | {kinds} | {'yes' if each.commands else 'no'} | {_cell(each.source)} |")
    return "\n".join([*lines, ""])


def models() -> str:
    """The model types whose modules are known, and how many hub ids lead to each."""
    from lora_lint.knowledge import architectures

    rows = (ROOT / "lora_lint/knowledge/data/models.tsv").read_text(encoding="utf-8").splitlines()
    ids = Counter(
        fields[1] for fields in (row.split("\t") for row in rows if not row.startswith("#")) if len(fields) > 2
    )
    types = architectures.model_types()
    lines = [
        "# Models",
        "",
        f"The modules of {len(types)} model types are known, and the type of {sum(ids.values()):,} models",
    ]
    lines += [
        "by their id on the hub. A folder with a `config.json`, or a model of a known family, is recognised too.",
        "",
    ]
    lines += ["| type | ids |", "|---|---|", *(f"| `{name}` | {ids[name] or ''} |" for name in sorted(types))]
    return "\n".join([*lines, ""])


def schemas() -> dict[str, Any]:
    """The JSON Schemas that `lora-lint schema` prints, by name."""
    from lora_lint.frameworks import keys
    from lora_lint.settings import table_schema

    return {"settings": table_schema(), **{name: keys.schema_of(name) for name in keys.described_frameworks()}}


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def write_pages() -> None:
    """Writes the pages and what belongs to them."""
    shutil.rmtree(PAGES, ignore_errors=True)
    for name, text in pages().items():
        path = PAGES / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    shutil.copytree(HERE / "pages" / "stylesheets", PAGES / "stylesheets")
    if (ROOT / "docs" / "images").is_dir():
        shutil.copytree(ROOT / "docs" / "images", PAGES / "docs" / "images")


def build(playground: bool) -> None:
    """Builds the site. Raises CalledProcessError."""
    zensical = [sys.executable, "-m", "zensical", "build", "--clean", "--config-file", "zensical.toml"]
    subprocess.run(zensical, cwd=HERE, check=True)
    (SITE / "schemas").mkdir()
    for name, schema in schemas().items():
        (SITE / "schemas" / f"{name}.json").write_text(json.dumps(schema, indent=2), encoding="utf-8")
    if playground:
        # Beside the page's folder: zensical takes the links of playground.md for those of a file at the site's root.
        subprocess.run([sys.executable, str(HERE / "playground" / "build.py"), str(SITE / "app")], check=True)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages-only", action="store_true", help="write the pages, build nothing")
    parser.add_argument("--no-playground", action="store_true", help="leave the playground out")
    given = parser.parse_args(arguments)
    write_pages()
    if not given.pages_only:
        build(not given.no_playground)


if __name__ == "__main__":
    main(sys.argv[1:])
