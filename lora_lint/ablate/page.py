"""The page of a study: the answer, the arms with their intervals, the losses along the way."""

from __future__ import annotations

import shlex
import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from lora_lint import __version__
from lora_lint.ablate import prepare, table
from lora_lint.ablate.charts import forest, front, lines
from lora_lint.system.visible import visible

if TYPE_CHECKING:
    from lora_lint.ablate.results import Results
    from lora_lint.ablate.study import Study


def page_of(study: Study, results: Results, recommended: str) -> str:
    """The page as text: it loads nothing and runs nothing."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("lora_lint.ablate", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text: str = environment.get_template("page.html").render(
        study=study,
        results=results,
        answer=table.answer(results),
        findings=[line for line in table.findings(study, results) if line and line not in table.answer(results)],
        said=table.SAID,
        size=table.size,
        ending=table.ending,
        total=study.setup.host.parameters,
        forest=forest(results),
        front=front(results),
        lines=lines(results),
        recommended=recommended,
        command=visible(shlex.join(["lora-lint", *sys.argv[1:]])),
        date=datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        versions={"lora-lint": __version__, "Python": sys.version.split()[0], **prepare.versions()},
    )
    return text
