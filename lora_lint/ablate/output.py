"""The files of a study: results as JSON, the page, and the recommended configuration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lora_lint.ablate.errors import StudyError
from lora_lint.ablate.journal import NAME as JOURNAL
from lora_lint.ablate.results import as_json
from lora_lint.system.visible import json_text
from lora_lint.system.writing import write_report

if TYPE_CHECKING:
    from lora_lint.ablate.results import Results
    from lora_lint.ablate.study import Study

RESULTS, PAGE = "ablation_results.json", "ablation.html"


def write_files(study: Study, results: Results, page: str) -> None:
    """Writes the results and the page into the folder of the study. Raises StudyError."""
    folder = Path(study.request.output)
    try:
        write_report(str(folder / RESULTS), json_text(as_json(results, study.setup.host.parameters)))
        write_report(str(folder / PAGE), page)
    except OSError as error:
        raise StudyError(f"{folder}: the results cannot be written ({error.strerror or error})") from error


def places(folder: str) -> str:
    """Where the files are, for the terminal."""
    return ", ".join(str(Path(folder) / name) for name in (RESULTS, PAGE, JOURNAL))
