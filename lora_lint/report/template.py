"""Pages that a template describes: that of a verification and that of a study."""

from __future__ import annotations

import shlex
import sys
from datetime import datetime, timezone

from lora_lint.system.visible import visible


def filled(package: str, **values: object) -> str:
    """The template `page.html` of a package with its values; text that is not marked as HTML is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(package, ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text: str = environment.get_template("page.html").render(**values)
    return text


def command() -> str:
    """The command line of this process."""
    return visible(shlex.join(["lora-lint", *sys.argv[1:]]))


def now() -> str:
    """The time of day: "2026-11-29 23:50 UTC"."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
