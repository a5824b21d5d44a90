"""The page of a study: the answer, the arms with their intervals, the losses along the way."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from lora_lint import __version__
from lora_lint.ablate import prepare, table
from lora_lint.ablate.charts import forest, front, lines
from lora_lint.report.template import command, filled, now

if TYPE_CHECKING:
    from lora_lint.ablate.results import Results
    from lora_lint.ablate.study import Study


def page_of(study: Study, results: Results, recommended: str) -> str:
    """The page as text: it loads nothing and runs nothing."""
    return filled(
        "lora_lint.ablate",
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
        command=command(),
        date=now(),
        versions={"lora-lint": __version__, "Python": sys.version.split()[0], **prepare.versions()},
    )
