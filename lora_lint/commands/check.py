"""`lora-lint check`: lints, settles the findings if asked to, and reports."""

from __future__ import annotations

import os

from lora_lint.commands.inputs import read, say_which_facts_are_left_out
from lora_lint.commands.outputs import number_of_findings, refuse_unwritable, report, status_of, write_file
from lora_lint.commands.repairing import count_fixable, refuse_repair, show_diff, write_repairs
from lora_lint.commands.requests import COMMANDS, Check, UsageError, Verification
from lora_lint.records import replace
from lora_lint.terminal import ProgressLine, complain, progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lora_lint.linting.cache import Cache
    from lora_lint.linting.outcome import Content, Outcome
    from lora_lint.settings import Settings

_NO_CACHE = "LORA_LINT_NO_CACHE"
_FLAGS = frozenset({"help", "version", "fix", "diff", "verify", "statistics"})
"""Options that other linters have as commands."""


def check(request: Check) -> int:
    """Lints, settles the findings if asked to, reports, and gives the exit status."""
    from lora_lint.report import FORMATS

    output, repair, verification = request.output, request.repair, request.verification
    say_which_facts_are_left_out()
    _refuse_misspelt_command(request.input.paths)
    _refuse_loose_rule(request.input.paths)
    settings = request.input.settings()
    refuse_repair(request)
    refuse_unwritable(request, settings)
    if output.write_baseline is not None or repair.diff:
        verification = None  # no reported finding has an experiment
    if verification is not None:
        _refuse_unverifiable()
    request = replace(request, verification=verification, input=read(request.input, settings))
    outcome = _outcome(request, settings)
    if repair.diff:
        return show_diff(outcome, settings, repair, _relint(request, settings, outcome))
    outcome, unwritten = _repaired(request, settings, outcome)
    for note in outcome.notes:
        complain(note)
    interrupt = None
    if output.write_baseline is not None:
        if _write_baseline(output.write_baseline, outcome, settings):
            return 2 if unwritten or outcome.failed else 0
        unwritten = True  # report, so that the findings are not lost
    elif verification is not None:
        from lora_lint.linting.outcome import with_fixable

        outcome, interrupt = _settled(outcome, verification)
        outcome = with_fixable(outcome, settings)
    if outcome.failed and not outcome.summary.files and FORMATS[output.format].for_people:
        return 2  # none of the named paths exists: the notes say so, and there is nothing to report
    unwritten = not _reported(request, settings, outcome) or unwritten
    if interrupt is not None:
        raise interrupt
    return 2 if unwritten else status_of(outcome, settings)


def _repaired(request: Check, settings: Settings, outcome: Outcome) -> tuple[Outcome, bool]:
    """The outcome after the fixes or reasons that the user asked for, and whether any file could not be written."""
    repair, unwritten = request.repair, False
    if repair.fix or repair.reason is not None:
        changed, unwritten = write_repairs(outcome, settings, repair, _relint(request, settings, outcome))
        if changed:
            outcome = _outcome(request, settings)
    elif repair.unsafe:
        count_fixable(outcome, settings)
    return outcome, unwritten


def _reported(request: Check, settings: Settings, outcome: Outcome) -> bool:
    """Whether the report, and the page of the experiments if there is to be one, could be written."""
    named = settings.named()
    aside = None if request.input.is_one_file() else _contested() - named
    written, verification = report(outcome, request.output, aside, named), request.verification
    if verification is None or verification.report is None:
        return written
    from lora_lint.verify import page

    return write_file(verification.report, page.render(outcome, verification.effort())) and written


def _outcome(request: Check, settings: Settings) -> Outcome:
    """The outcome of linting the files or standard input, as it is reported."""
    outcome = _linted(request, settings)
    if not outcome.summary.fixable and not outcome.summary.fixable_unsafe:
        return outcome
    from lora_lint.fixes.made import left_to_users
    from lora_lint.linting.outcome import with_fixable

    return with_fixable(left_to_users(outcome), settings)


def _linted(request: Check, settings: Settings) -> Outcome:
    """The outcome of linting the files or standard input."""
    from lora_lint.linting import engine

    content = _content(request, settings)
    text = request.input.text
    if text is not None:
        return engine.lint_text(text.data, text.path, settings, kind=text.kind, content=content)
    paths, cache, bar = request.input.paths or ["."], _cache(request, settings), progress()
    try:
        return engine.lint(paths, settings, content=content, jobs=request.jobs, progress=bar, cache=cache)
    finally:
        if bar is not None:
            bar(0, 0)


def _cache(request: Check, settings: Settings) -> Cache | None:
    """The results of earlier lints; a new object for each lint, because files may have changed since the last."""
    if request.no_cache or os.environ.get(_NO_CACHE) or "-" in request.input.paths:
        return None
    from lora_lint.linting.cache import Cache

    return Cache(settings, request.cache_dir)


def _relint(request: Check, settings: Settings, outcome: Outcome) -> Callable[[], Outcome] | None:
    """Lints all files again with all rules, to see how a fix affects files that import the fixed one; None where there
    are no other files."""
    if outcome.summary.files < 2:
        return None

    def relint() -> Outcome:
        from lora_lint.linting import engine
        from lora_lint.linting.outcome import Content

        every = replace(settings, select=None, level="advice")
        cache = _cache(request, every)
        content = Content(fingerprints=False)
        return engine.lint(request.input.paths or ["."], every, content=content, jobs=request.jobs, cache=cache)

    return relint


def _content(request: Check, settings: Settings) -> Content:
    """What to keep in the outcome. Raises UsageError for a baseline that cannot be used."""
    from lora_lint.linting.outcome import Content
    from lora_lint.report import FORMATS

    writes_baseline = request.output.write_baseline is not None
    entries = None
    if settings.baseline is not None and not writes_baseline:
        from lora_lint.linting import baseline

        try:
            entries = baseline.read(settings.baseline)
        except baseline.BaselineError as error:
            raise UsageError(str(error)) from None
    marked = writes_baseline or FORMATS[request.output.format].fingerprints
    return Content(entries, fingerprints=marked, basis=request.verification is not None)


def _contested() -> frozenset[str]:
    """The contested rules, whose advice is listed only if they are selected by name."""
    from lora_lint import catalogue

    return frozenset(code for code, rule in catalogue.rules().items() if rule.contested)


def _refuse_misspelt_command(paths: Sequence[str]) -> None:
    """Raises UsageError where the first path does not exist but resembles a command, or is an option without dashes."""
    word = paths[0] if paths else ""
    if not word.isalpha() or os.path.exists(word):
        return
    from lora_lint.settings import did_you_mean

    hint = f", did you mean '--{word}'?" if word in _FLAGS else did_you_mean(word, COMMANDS)
    if hint:
        raise UsageError(f"no such file or command: {word!r}{hint}")


def _refuse_loose_rule(paths: Sequence[str]) -> None:
    """Raises UsageError where a path is the code of a rule: `--select LL2 LL3`."""
    for word in paths:
        if word[:2] == "LL" and word[2:].isdigit() and not os.path.exists(word):
            raise UsageError(f"no such file: {word!r}; separate rules by commas, as in '--select LL1,{word}'")


def _refuse_unverifiable() -> None:
    """Raises UsageError where packages that --verify needs are missing."""
    from lora_lint.system.modules import not_installed
    from lora_lint.verify.session import NEEDED

    absent = not_installed(NEEDED)
    if absent:
        raise UsageError(f'--verify needs {", ".join(absent)}: pip install "lora-lint[verify]"')


def _settled(outcome: Outcome, verification: Verification) -> tuple[Outcome, KeyboardInterrupt | None]:
    """The outcome with verdicts, and the interrupt that ended it early."""
    from lora_lint.verify import session

    line = ProgressLine()
    try:
        return session.settle(outcome, verification.effort(), line.show)
    except KeyboardInterrupt as interrupt:  # before the first experiment
        return outcome, interrupt
    finally:
        line.clear()


def _write_baseline(path: str, outcome: Outcome, settings: Settings) -> bool:
    """Writes the findings to a baseline; gives whether it could be written."""
    from lora_lint.linting import baseline

    try:
        number = baseline.write(path, outcome.findings, settings.root)
    except OSError as error:
        complain(f"error: {path}: the baseline cannot be written ({error.strerror or error})")
        return False
    complain(f"{path}: {number_of_findings(number)} written")
    return True
