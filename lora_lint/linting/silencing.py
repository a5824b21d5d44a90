"""Applies the comments and per-file settings that suppress findings, in whichever file the findings are."""

from __future__ import annotations

from lora_lint.linting.comments import comments_of
from lora_lint.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lora_lint.finding import Finding
    from lora_lint.linting.suppression import Comments
    from lora_lint.project import Project
    from lora_lint.settings import Settings
    from lora_lint.source import SourceFile, Span


@dataclass(frozen=True)
class Silence:
    """The remaining findings, the suppressed ones, and the comments of other files that suppressed some."""

    remaining: tuple[Finding, ...] = ()
    suppressed: tuple[Finding, ...] = ()
    used: tuple[Span, ...] = ()


class Silencer:
    """What the settings turn off in some files, and what comments suppress."""

    def __init__(self, settings: Settings) -> None:
        self._off: list[tuple[Callable[[str], bool], frozenset[str]]] = []
        if settings.per_file_ignores:
            from lora_lint.excludes import matcher

            self._off = [(matcher(glob, settings.root), frozenset(codes)) for glob, codes in settings.per_file_ignores]

    def ignored_in(self, path: str) -> frozenset[str]:
        """The rules that are off in one file."""
        return frozenset().union(*(codes for matches, codes in self._off if matches(path)))

    def silence(
        self, findings: Iterable[Finding], source: SourceFile, comments: Comments | None, project: Project
    ) -> Silence:
        """The findings of a file, `source`, without those that are suppressed at their place.

        What a program takes from a module it imports is reported in that module, so the comments there count.
        """
        by_path: dict[str, list[Finding]] = {}
        for finding in findings:
            by_path.setdefault(finding.span.path, []).append(finding)
        remaining: list[Finding] = []
        suppressed: list[Finding] = []
        used: list[Span] = []
        for path, here in by_path.items():
            off = self.ignored_in(path)
            suppressed += [finding for finding in here if finding.code in off]
            here = [finding for finding in here if finding.code not in off]
            text = source if path == source.path else project.load(path)
            ours = comments if path == source.path else comments_of(text) if text is not None else None
            if text is not None and ours is not None:
                from lora_lint.linting import suppression

                here, silenced = suppression.silence(here, ours, text)
                suppressed += silenced
                if path != source.path:
                    used += [ignore.span for ignore in ours.ignores if ignore.used]
            remaining += here
        return Silence(tuple(remaining), tuple(suppressed), tuple(used))
