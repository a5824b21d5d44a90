"""Wording that several reports share."""

from __future__ import annotations

from lora_lint import catalogue
from lora_lint.finding import LEVELS
from lora_lint.system.visible import columns, visible, within

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from lora_lint.finding import Finding, Level
    from lora_lint.linting.outcome import Outcome, Summary
    from lora_lint.report import View
    from lora_lint.source import Location

HOMEPAGE = "https://github.com/lora-lint/lora-lint"

_STATUSES = ("confirmed", "refuted", "inconclusive", "skipped")
_CODES = {"error": "31", "warning": "33", "advice": "36", "bold": "1", "dim": "2", "blue": "34", "green": "32"}


def paint(text: str, style: str, color: bool) -> str:
    """Text in a terminal style, if colors are wanted."""
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if color and text else text


def linked(code: str, view: View) -> str:
    """A rule's code, as a link to its page where the terminal has links (OSC 8)."""
    return f"\x1b]8;;{url_of(code)}\x1b\\{code}\x1b]8;;\x1b\\" if view.links else code


def by_level(findings: Iterable[Finding]) -> list[Finding]:
    """Findings in reading order: errors, warnings, advice; within a level in the given order."""
    return sorted(findings, key=lambda finding: LEVELS.index(level_of(finding)))


def headline(message: str) -> tuple[str, str]:
    """A message split into its first clause, which says what is wrong, and the rest; both fit to be shown.

    A clause ends with `.`, `:` or `;` and a space, outside code and brackets, once it says more than code alone:
    "`r=0`: nothing is trained. Use 8" has the headline "`r=0`: nothing is trained".
    """
    text = visible(message)
    in_code, depth, said = False, 0, False
    for at, character in enumerate(text):
        if character == "`":
            in_code = not in_code
        elif in_code:
            continue
        elif character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif depth <= 0 and said and character in ".:;" and text[at + 1 : at + 2] == " ":
            rest = text[at + 2 :]
            word = rest.partition(" ")[0]
            return text[:at], rest[:1].upper() + rest[1:] if word.isalpha() else rest
        else:
            said = said or character.isalnum()
    return text, ""


def clipped(text: str, width: int) -> str:
    """The start of a visible text that fits into some columns, with `…` if it is cut."""
    return text if columns(text) <= width else f"{within(text, width - 1).rstrip()}…"


def level_of(finding: Finding) -> Level:
    """The level that the engine has filled in."""
    return finding.level or "warning"


def name_of(finding: Finding) -> str:
    """The name of a finding's rule."""
    return catalogue.rules()[finding.code].name


def url_of(code: str) -> str:
    """The page of a rule."""
    return f"{HOMEPAGE}/blob/main/rules/{catalogue.rules()[code].file}"


def place(location: Location) -> str:
    """`path:line:column`, in a notebook with the cell; fit to be shown."""
    cell = f"cell {location.cell}:" if location.cell is not None else ""
    return visible(f"{location.path}:{cell}{location.line}:{location.column}")


def cell_prefix(location: Location) -> str:
    """`cell 2, line 3: ` for a place in a notebook, before a message whose host shows a line of the JSON."""
    return f"cell {location.cell}, line {location.line}: " if location.cell is not None else ""


def verdict_line(finding: Finding) -> str:
    """The verdict of `--verify` on a finding, fit to be shown: "refuted: …"; empty if there is none."""
    verdict = finding.verdict
    return visible(f"{verdict.status}: {verdict.reason}") if verdict is not None else ""


def with_verdict(finding: Finding) -> str:
    """The message of a finding, fit to be shown, followed by its verdict, for formats that have a single text."""
    verdict, message = verdict_line(finding), visible(finding.message)
    return f"{message} [{verdict}]" if verdict else message


def refuted(finding: Finding) -> bool:
    """Whether `--verify` has shown that a finding does not hold."""
    return finding.verdict is not None and finding.verdict.status == "refuted"


def sentence(outcome: Outcome) -> str:
    """A report in one line: how many findings, in what, how many hidden, and how they were settled."""
    summary = outcome.summary
    counts = [
        _count(number, word) for number, word in ((summary.errors, "error"), (summary.warnings, "warning")) if number
    ]
    if summary.advice:
        counts.append(f"{summary.advice} advice")
    found = ", ".join(counts) or ("No findings" if summary.runs or summary.suppressed else "No LoRA run found")
    hidden = f" ({summary.suppressed} suppressed)" if summary.suppressed else ""
    scope = f"what was read ({_scope(summary)})" if summary.unread else _scope(summary)
    return f"{found}{hidden} in {scope}{_unread(outcome)}{_settled(outcome)}"


def closing(outcome: Outcome) -> list[str]:
    """The last lines of a report for people: its summary, and what can be fixed."""
    safe, more = outcome.summary.fixable, outcome.summary.fixable_unsafe
    if not safe:
        fixes = f"{more} fixable with --fix --unsafe-fixes" if more else ""
    else:
        fixes = f"{safe} fixable with --fix" + (f", {more} more with --unsafe-fixes" if more else "")
    return [sentence(outcome), *filter(None, [fixes])]


def _unread(outcome: Outcome) -> str:
    files = len({each.path for each in outcome.unread})
    return f"; {_count(files, 'file')} not read in full" if files else ""


def _settled(outcome: Outcome) -> str:
    statuses = [finding.verdict.status for finding in outcome.findings if finding.verdict is not None]
    counts = [f"{statuses.count(status)} {status}" for status in _STATUSES if status in statuses]
    return f"; {', '.join(counts)}" if counts else ""


def _scope(summary: Summary) -> str:
    files = _count(summary.files, "file")
    return f"{_count(summary.runs, 'run')} of {files}" if summary.runs else files


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
