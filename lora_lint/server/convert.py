"""Our records as the protocol's types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from collections.abc import Callable

    from lora_lint.server.answers import Name, Problem
    from lora_lint.server.positions import Place

SOURCE = "lora-lint"
_SEVERITIES = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "advice": types.DiagnosticSeverity.Information,
}


def range_of(place: Place) -> types.Range:
    return types.Range(types.Position(*place.start), types.Position(*place.end))


def diagnostic(problem: Problem, place: Place, uri_of: Callable[[Place], str]) -> types.Diagnostic:
    """A finding at a place; `uri_of` gives the documents of related places."""
    return types.Diagnostic(
        range_of(place),
        problem.message,
        severity=_SEVERITIES[problem.level],
        code=problem.code,
        code_description=types.CodeDescription(problem.url),
        source=SOURCE,
        tags=[types.DiagnosticTag.Unnecessary] if problem.code == "LL910" else None,
        related_information=[
            types.DiagnosticRelatedInformation(types.Location(uri_of(where), range_of(where)), message)
            for where, message in problem.related
        ]
        or None,
        data={"name": problem.name, "fixable": problem.fix is not None},
    )


def completion(name: Name, number: int, where: types.Range) -> types.CompletionItem:
    """A name that can be written at a place; `number` is its position in the list."""
    return types.CompletionItem(
        name.text,
        kind=types.CompletionItemKind.Value,
        detail=name.detail or None,
        documentation=types.MarkupContent(types.MarkupKind.Markdown, name.documentation)
        if name.documentation
        else None,
        sort_text=f"{number:05}",
        text_edit=types.TextEdit(where, name.text),
    )
