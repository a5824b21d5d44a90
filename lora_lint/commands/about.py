"""`lora-lint rules`, `explain`, `schema` and `--version`: what lora-lint knows."""

from __future__ import annotations

import sys

from lora_lint.commands.outputs import view_of
from lora_lint.commands.requests import UsageError
from lora_lint.terminal import is_terminal, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from lora_lint.catalogue import Rule


def version() -> int:
    """Prints the version, the date of the facts, and why a data package is not used."""
    from lora_lint import __version__
    from lora_lint.knowledge import edition

    write("\n".join((f"lora-lint {__version__}", str(edition.current()), *edition.problems(), "")))
    return 0


def rules(
    words: Sequence[str] = (), level: str | None = None, fix: str | None = None, output_format: str = "text"
) -> int:
    """Lists the catalogue, or the rules that `words` name, that have the default `level`, and whose fix is of the kind
    `fix`."""
    from lora_lint import catalogue
    from lora_lint.settings import expand

    codes = expand(words, "rules") or tuple(catalogue.rules())
    every = map(catalogue.rules().__getitem__, codes)
    found = [rule for rule in every if level in (None, rule.level) and fix in (None, rule.fix.applicability)]
    if output_format == "json":
        from lora_lint.system.visible import json_text

        write(json_text(list(map(_facts, found))), machine=True)
        return 0
    from lora_lint.report.pages import listing

    write(listing(found, view_of(), heading=is_terminal(sys.stdout)))
    return 0


def explain(words: Sequence[str], output_format: str = "text") -> int:
    """Prints the catalogue's pages for some rules."""
    from lora_lint import catalogue
    from lora_lint.settings import expand

    codes = expand(words, "explain")
    if output_format == "json":
        from lora_lint.system.visible import json_text

        pages = [{**_facts(catalogue.rules()[code]), "page": catalogue.page(code)} for code in codes]
        write(json_text(pages), machine=True)
        return 0
    texts = [catalogue.page(code) for code in codes]
    if is_terminal(sys.stdout):
        from lora_lint.report.pages import rendered

        texts = [rendered(text, view_of()) for text in texts]
    write("\n".join(text.rstrip("\n") + "\n" for text in texts))
    return 0


def _facts(rule: Rule) -> dict[str, Any]:
    """A rule of the catalogue as JSON values."""
    from lora_lint.report.wording import url_of

    return {
        "code": rule.code,
        "name": rule.name,
        "level": rule.level,
        "contested": rule.contested,
        "fix": rule.fix.applicability,
        "summary": rule.summary,
        "options": {name: dict(schema) for name, schema in rule.options.items()},
        "url": url_of(rule.code),
    }


def schema(name: str) -> int:
    """Prints the JSON Schema of the settings, or of the keys of a framework. Raises UsageError for another name."""
    from lora_lint.settings import did_you_mean, table_schema
    from lora_lint.system.visible import json_text

    if name == "settings":
        write(json_text(table_schema()), machine=True)
        return 0
    from lora_lint.frameworks import keys

    names = keys.described_frameworks()
    found = keys.schema_of(name) if name in names else None
    if found is None:
        raise UsageError(f"no schema of {name!r}{did_you_mean(name, names)} (settings, {', '.join(names)})")
    write(json_text(found), machine=True)
    return 0
