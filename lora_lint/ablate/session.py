"""What `lora-lint ablate` does with a request: the study, its files, and what the terminal shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from lora_lint.ablate import output, page, recommendation, table
from lora_lint.ablate.errors import StudyError
from lora_lint.ablate.fairness import Fair
from lora_lint.ablate.grid import factors
from lora_lint.ablate.results import results_of
from lora_lint.ablate.source import source_of, study_file
from lora_lint.ablate.study import Request, study
from lora_lint.recommend.choices import NotKnown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from lora_lint.ablate.schedule import Work
    from lora_lint.settings import Settings

_LEAST = {"seeds": 3, "steps": 1, "examples": 1, "time_budget": 1, "threads": 1, "gpus": 0}


def request_of(options: Mapping[str, Any]) -> Request:
    """The request from options by name, those that are None or empty left at their defaults. Raises StudyError."""
    given = {name: value for name, value in options.items() if value is not None and value != ()}
    for name, least in _LEAST.items():
        if name in given and not given[name] >= least:
            raise StudyError(f"--{name.replace('_', '-')}: give at least {least}")
    if given.get("fair", "step") not in get_args(Fair):
        raise StudyError(f"--fair {given['fair']}: give {', '.join(get_args(Fair))}")
    given["tune"] = bool(given.pop("tune_lr", False))
    return Request(**{**given, "vary": factors(given.get("vary", ()))})


def report(path: str, options: Mapping[str, Any], settings: Settings, show: Callable[[Work], None]) -> str:
    """Makes the study of a file, or the one that it describes, writes the results and gives the text for the terminal.
    `options` override what the file says. Raises StudyError."""
    described = study_file(path)
    if described is not None:
        options = {**described.options, **{name: value for name, value in options.items() if value not in (None, ())}}
        path = described.run
    request = request_of(options)
    made = study(source_of(path, settings), request, show)
    results = results_of(made)
    lines = [table.text_of(made, results)]
    config = ""
    if results.recommended is not None:
        try:
            written = recommendation.write(made, results.recommended)
        except (NotKnown, OSError) as error:
            lines.append(f"\nNo configuration was written: {error}\n")
        else:
            config = written.text
            lines.append(f"\n{written.path}:\n\n{config}")
            lines += [f"the linter objects: {each}\n" for each in written.objections]
    output.write_files(made, results, page.page_of(made, results, config))
    lines.append(f"\n{output.places(request.output)}\n")
    return "".join(lines)
