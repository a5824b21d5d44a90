"""What the editor asks for: each request is answered from the analysis of the current text, or with nothing."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.uris import from_fs_path

from lora_lint.server import completion, convert, worker
from lora_lint.server.positions import Point
from lora_lint.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lora_lint.server.answers import Problem, Rewritten
    from lora_lint.server.documents import Document
    from lora_lint.server.positions import Place
    from lora_lint.server.service import Service

FIX_ALL = "source.fixAll.lora-lint"
IGNORE = "lora-lint.ignore"
"""Suppresses a finding: the URI of its document, its rule, its place, and the reason."""
ASK_FOR_REASON = "lora-lint.askForReason"
"""A command of an editor that says that it has it (`asksForReasons`): asks for a reason, then calls IGNORE with it."""
INSPECT = "lora-lint.inspect"
"""Shows what was read of a document, by its URI."""
NO_REASON = "TODO: say why"


class Requests:
    """The answers to an editor's requests."""

    def __init__(self, service: Service) -> None:
        self._service = service
        actions = types.CodeActionOptions([types.CodeActionKind.QuickFix, FIX_ALL], resolve_provider=True)
        service.handle(types.TEXT_DOCUMENT_CODE_ACTION, self._actions, actions)
        service.handle(types.CODE_ACTION_RESOLVE, self._resolved)
        service.handle(types.TEXT_DOCUMENT_CODE_LENS, self._lenses)
        service.handle(types.TEXT_DOCUMENT_HOVER, self._hover)
        service.handle(types.TEXT_DOCUMENT_INLAY_HINT, self._hints)
        service.handle(types.TEXT_DOCUMENT_DOCUMENT_LINK, self._links)
        service.handle(types.TEXT_DOCUMENT_COMPLETION, self._completion, types.CompletionOptions(['"', "'", " "]))
        service.server.command(IGNORE)(service.guarded(self._ignore))
        service.server.command(INSPECT)(service.guarded(self._inspect))

    # What is shown of a run

    async def _hover(self, params: types.HoverParams) -> types.Hover | None:
        uri, point = params.text_document.uri, _point(params.position)
        document = await self._service.document(uri)
        if document is None:
            return None
        over = [
            (place, note)
            for note in document.good.notes
            if (place := document.here(note.place, uri)) is not None and place.holds(point)
        ]
        if not over:
            return None
        place, note = min(over, key=lambda each: (each[0].end.line - each[0].start.line, each[0].length()))
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, note.text), convert.range_of(place))

    async def _hints(self, params: types.InlayHintParams) -> list[types.InlayHint] | None:
        uri = params.text_document.uri
        document = await self._service.document(uri)
        if document is None:
            return None
        start, end = _point(params.range.start), _point(params.range.end)
        return [
            types.InlayHint(types.Position(*place.end), note.text, padding_left=True)
            for note in document.good.hints
            if (place := document.here(note.place, uri)) is not None and place.touches(start, end)
        ]

    async def _lenses(self, params: types.CodeLensParams) -> list[types.CodeLens] | None:
        uri = params.text_document.uri
        document = await self._service.document(uri)
        if document is None:
            return None
        return [
            types.CodeLens(convert.range_of(place), types.Command(lens.title, INSPECT, arguments=[uri]))
            for lens in document.good.lenses
            if (place := document.here(lens.place, uri)) is not None
        ]

    async def _links(self, params: types.DocumentLinkParams) -> list[types.DocumentLink] | None:
        uri = params.text_document.uri
        document = await self._service.document(uri)
        if document is None:
            return None
        if document.readers is None:
            document.readers = await document.folder.run(worker.readers, self._service.task(document))
        links = (*document.good.links, *(document.readers if document.good.lenses else ()))
        return [
            types.DocumentLink(convert.range_of(place), from_fs_path(link.target), link.tooltip)
            for link in links
            if (place := document.here(link.place, uri)) is not None
        ]

    async def _completion(self, params: types.CompletionParams) -> list[types.CompletionItem] | None:
        uri = params.text_document.uri
        document = self._service.opened(uri)
        if document is None:
            return None
        buffer, point = document.parts[uri], _point(params.position)
        before = buffer.utf8[: buffer.offset(point)].decode()
        word = completion.word_before(before)
        start = types.Position(point.line, max(point.character - len(word), 0))
        where = types.Range(start, types.Position(*point))
        found = completion.completions(before, document.kind, document.good)
        return [convert.completion(name, number, where) for number, name in enumerate(found)]

    async def _inspect(self, uri: str) -> str | None:
        """What was read of a document."""
        document = await self._service.document(uri)
        return None if document is None else await document.folder.run(worker.inspected, self._service.task(document))

    # Code actions

    async def _actions(self, params: types.CodeActionParams) -> list[types.CodeAction] | None:
        uri = params.text_document.uri
        document = await self._service.document(uri)
        if document is None:
            return None
        found: list[types.CodeAction] = []
        if _asks_for(types.CodeActionKind.QuickFix, params.context.only):
            start, end = _point(params.range.start), _point(params.range.end)
            for problem in document.latest.problems:
                here = document.now_latest(problem.place)
                if here is not None and here[0] == uri and here[1].touches(start, end):
                    found += self._of_problem(document, uri, problem, here[1])
        if _asks_for(FIX_ALL, params.context.only) and any(each.safe for each in document.latest.problems):
            data = {"uri": uri, "unsafe": False}
            found.append(types.CodeAction("Fix all that lora-lint can fix safely", kind=FIX_ALL, data=data))
        if not self._resolves_later():
            found = [await self._resolved(action) for action in found]
            found = [action for action in found if action.edit is not None or action.command is not None]
        return found

    def _of_problem(self, document: Document, uri: str, problem: Problem, where: Place) -> Iterator[types.CodeAction]:
        """The quick fixes of a finding: its fix, and a comment that suppresses it."""
        shown = convert.diagnostic(problem, where, self._service.uri_of)
        data = {"uri": uri, "code": problem.code, "span": list(problem.span)}
        if problem.fix is not None:
            effect = "" if problem.safe else " (changes what is trained)"
            yield types.CodeAction(
                f"{problem.code}: {problem.fix}{effect}",
                kind=types.CodeActionKind.QuickFix,
                diagnostics=[shown],
                is_preferred=problem.safe or None,
                data=data | {"unsafe": not problem.safe},
            )
        if document.kind != "json":  # which has no comments
            title = f"{problem.code}: Ignore it here, with a reason"
            action = types.CodeAction(title, kind=types.CodeActionKind.QuickFix, diagnostics=[shown])
            if self._asks_for_reasons():
                action.command = types.Command(title, ASK_FOR_REASON, arguments=[uri, problem.code, list(problem.span)])
            else:
                action.data = data | {"reason": NO_REASON}
            yield action

    async def _resolved(self, action: types.CodeAction) -> types.CodeAction:
        """The action with its edit; without one where the fix cannot be made, which the log explains."""
        data = action.data
        if not isinstance(data, dict) or action.edit is not None:
            return action
        document = await self._service.document(data["uri"])
        if document is None:
            return action
        wanted = (data["code"], _span(data["span"])) if "code" in data else None
        task = self._service.task(document)
        if "reason" in data:
            assert wanted is not None
            rewritten = await document.folder.run(worker.ignored, task, *wanted, data["reason"])
        else:
            rewritten = await document.folder.run(worker.fixed, task, wanted, data["unsafe"])
        action.edit = self._edit(document, rewritten)
        return action

    async def _ignore(self, uri: str, code: str, span: list[Any], reason: str) -> None:
        """Puts a comment that suppresses a finding above it."""
        document = await self._service.document(uri)
        if document is None:
            return
        task = self._service.task(document)
        rewritten = await document.folder.run(worker.ignored, task, code, _span(span), reason)
        edit = self._edit(document, rewritten)
        if edit is not None:
            await self._service.server.workspace_apply_edit_async(types.ApplyWorkspaceEditParams(edit))

    def _edit(self, document: Document, rewritten: Rewritten) -> types.WorkspaceEdit | None:
        """The changes of a document as an edit."""
        if rewritten.problem:
            self._service.log(f"{document.path}: not changed, {rewritten.problem}")
        by_uri: dict[str, list[types.TextEdit]] = {}
        uris = list(document.parts)
        for change in rewritten.changes:
            place = types.Range(types.Position(*change.start), types.Position(*change.end))
            by_uri.setdefault(uris[change.cell or 0], []).append(types.TextEdit(place, change.text))
        return types.WorkspaceEdit(changes=by_uri) if by_uri else None

    def _resolves_later(self) -> bool:
        """Whether the editor asks for an action's edit when it is chosen."""
        text = self._service.server.client_capabilities.text_document
        support = text.code_action.resolve_support if text is not None and text.code_action is not None else None
        return support is not None and "edit" in support.properties

    def _asks_for_reasons(self) -> bool:
        return bool(self._service.options.get("asksForReasons"))


def serve() -> None:
    """Speaks with an editor on the standard streams until it ends the connection. What anything else prints goes to
    standard error: the editor would take it for a message."""
    from lora_lint.server.service import Service

    service = Service()
    Requests(service)
    messages = os.fdopen(os.dup(1), "wb")
    with suppress(OSError):  # there may be no standard error
        os.dup2(2, 1)
    service.server.start_io(stdout=messages)


def _asks_for(kind: str, only: Sequence[Any] | None) -> bool:
    """Whether an editor asks for a kind of action: kinds are hierarchical, by dots."""
    return only is None or any(f"{kind}.".startswith(f"{getattr(each, 'value', each)}.") for each in only)


def _span(parts: Sequence[Any]) -> Span:
    """A span that went through the editor."""
    path, start, end = parts
    return Span(str(path), int(start), int(end))


def _point(position: types.Position) -> Point:
    return Point(position.line, position.character)
