"""Starts a program for a preflight, and joins what its processes found."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any

from lora_lint.guarding.judging import outcome_of_findings
from lora_lint.guarding.places import Line, source_of
from lora_lint.preflight.exchange import FILES, VARIABLE, ask, results_in
from lora_lint.records import replace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lora_lint.linting.outcome import Outcome
    from lora_lint.preflight.exchange import Result
    from lora_lint.settings import Settings

_HERE = os.path.dirname(os.path.abspath(__file__))
_PROGRAM = os.path.join(_HERE, "program.py")
_ENDED = {
    "no-adapter": "{program} takes a training step, and no model has an adapter of PEFT: there is nothing to check",
    "over": "{program} ended without a training step",
    "raised": "{program} failed before its first training step: {error}",
    "not-judged": "lora-lint cannot look at the training of {program}: {error}",
}
_MISSING = (
    "{missing} did not come from the hub. A small one of the same type is enough for a preflight: libraries look for a "
    "folder {missing} in the current one first"
)


def fly(
    program: str, arguments: Sequence[str], launch: str | None, options: Mapping[str, Any], settings: Settings
) -> Outcome:
    """Runs a program up to its first training step, by itself or under a launcher, and gives what is found there. Its
    output goes to stderr. The outcome has failed if the program did not come that far, and says why."""
    with tempfile.TemporaryDirectory(prefix="lora-lint-") as folder:
        os.mkdir(os.path.join(folder, FILES))
        ask(folder, options)
        environment = {**os.environ, VARIABLE: folder, "PYTHONPATH": _search_path()}
        start = shlex.split(launch) if launch else [sys.executable]
        try:
            status = subprocess.run(
                [*start, _PROGRAM, program, *arguments], env=environment, stdout=sys.stderr.fileno(), check=False
            ).returncode
        except OSError as error:
            return _failed(program, f"{start[0]} cannot be started: {error.strerror}", settings)
        results = results_in(folder)
    if not results:
        return _failed(program, f"{program} ended with status {status} before anything could be seen of it", settings)
    return _outcome(program, results, settings)


def _outcome(program: str, results: Sequence[Result], settings: Settings) -> Outcome:
    first = results[0]
    source = source_of(Line(first.path or program))
    found = [finding for result in results for finding in result.findings]
    outcome = outcome_of_findings(found, max(result.runs for result in results), source, settings)
    ends = dict.fromkeys(
        _ENDED[result.end].format(program=program, error=result.error) for result in results if result.end in _ENDED
    )
    written = dict.fromkeys(path for result in results for path in result.written)
    notes = [*dict.fromkeys(note for result in results for note in result.notes)]
    notes += dict.fromkeys(_MISSING.format(missing=result.missing) for result in results if result.missing)
    if written:
        notes.append(f"the program wrote {', '.join(written)}")
    errors = [f"error: {end}" for end in ends]
    return replace(outcome, notes=(*outcome.notes, *errors, *notes), failed=outcome.failed or bool(errors))


def _failed(program: str, why: str, settings: Settings) -> Outcome:
    outcome = outcome_of_findings((), 0, source_of(Line(program)), settings)
    return replace(outcome, notes=(f"error: {why}",), failed=True)


def _search_path() -> str:
    """PYTHONPATH with what all interpreters run at their start, and with the folder of this package at its end, for
    those that do not have it installed."""
    package = os.path.dirname(os.path.dirname(_HERE))
    given = os.environ.get("PYTHONPATH", "")
    return os.pathsep.join(part for part in (os.path.join(_HERE, "child"), given, package) if part)
