"""An editor without a screen: opens texts, types, and asks the language server, which runs as its users run it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping, Sequence
T = TypeVar("T")
PATIENCE = 60.0
"""Seconds for one answer on a busy machine; only a server that hangs takes them."""


class Editor:
    """A client of a server of its own."""

    def __init__(self, folder: Path, *others: Path, client: str = "visual-studio-code", **options: Any) -> None:
        """`client` is the editor whose capabilities it has; `options` are what it says about itself."""
        self.folder = folder
        self._loop = asyncio.new_event_loop()
        self._versions: dict[str, int] = {}
        self._notebooks: dict[str, list[str]] = {}
        self.folders = (folder, *others)
        self.edits: list[types.WorkspaceEdit] = []
        """What the server has asked to be edited."""
        command = [sys.executable, "-m", "lora_lint", "server", "--stdio"]
        started = self.do(ClientServerConfig(command).start())
        assert isinstance(started, LanguageClient)
        self.client = started

        @started.feature(types.WORKSPACE_APPLY_EDIT)
        def apply(params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
            self.edits.append(params.edit)
            return types.ApplyWorkspaceEditResult(applied=True)

        folders = [types.WorkspaceFolder(each.as_uri(), each.name) for each in (folder, *others)]
        params = types.InitializeParams(
            client_capabilities(client),
            workspace_folders=folders,
            root_uri=folder.as_uri(),
            initialization_options=options,
        )
        self.do(self.client.initialize_session(params))

    def stop(self) -> None:
        self.do(self.client.shutdown_session())
        self.do(self.client.stop())
        self._loop.close()

    def do(self, answer: Awaitable[T]) -> T:
        """What the server answers; meanwhile notifications are received."""
        return self._loop.run_until_complete(asyncio.wait_for(answer, PATIENCE))

    @property
    def pid(self) -> int:
        """The server's process."""
        return int(self.client._server.pid)

    def uri(self, name: str) -> str:
        """The document of a file in the first folder; a URI is left as it is."""
        return name if ":" in name else (self.folder / name).as_uri()

    def open(self, name: str, text: str, language: str = "python", *, wait: bool = True) -> list[types.Diagnostic]:
        """The diagnostics of a text that is opened."""
        uri = self.uri(name)
        self._versions[uri] = 1
        item = types.TextDocumentItem(uri, language, 1, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        return self.diagnostics(uri) if wait else []

    def write(self, name: str, text: str) -> list[types.Diagnostic]:
        """The diagnostics after a text was replaced."""
        return self.change(name, types.TextDocumentContentChangeWholeDocument(text))

    def change(self, name: str, *changes: types.TextDocumentContentChangeEvent) -> list[types.Diagnostic]:
        uri = self.uri(name)
        self.send(uri, changes)
        return self.diagnostics(uri)

    def send(self, uri: str, changes: Sequence[types.TextDocumentContentChangeEvent]) -> None:
        self._versions[uri] += 1
        document = types.VersionedTextDocumentIdentifier(self._versions[uri], uri)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(document, list(changes)))

    def close(self, name: str) -> None:
        document = types.TextDocumentIdentifier(self.uri(name))
        self.client.text_document_did_close(types.DidCloseTextDocumentParams(document))

    def open_notebook(self, name: str, cells: Sequence[str]) -> list[str]:
        """The documents of the code cells of a notebook that is opened."""
        uri = self.uri(name)
        uris = self._notebooks[uri] = [f"{uri}#cell{number}" for number in range(len(cells))]
        listed = [types.NotebookCell(types.NotebookCellKind.Code, each) for each in uris]
        texts = [types.TextDocumentItem(each, "python", 1, text) for each, text in zip(uris, cells, strict=True)]
        self._versions |= dict.fromkeys(uris, 1)
        notebook = types.NotebookDocument(uri, "jupyter-notebook", 1, listed)
        self.client.notebook_document_did_open(types.DidOpenNotebookDocumentParams(notebook, texts))
        return list(uris)

    def change_cells(self, name: str, first: int, gone: int) -> None:
        """Deletes cells of a notebook."""
        uri = self.uri(name)
        closed = [types.TextDocumentIdentifier(each) for each in self._notebooks[uri][first : first + gone]]
        del self._notebooks[uri][first : first + gone]
        structure = types.NotebookDocumentCellChangeStructure(
            types.NotebookCellArrayChange(first, gone, []), did_close=closed
        )
        change = types.NotebookDocumentChangeEvent(cells=types.NotebookDocumentCellChanges(structure=structure))
        document = types.VersionedNotebookDocumentIdentifier(2, uri)
        self.client.notebook_document_did_change(types.DidChangeNotebookDocumentParams(document, change))
        for each in self._notebooks[uri]:
            self.diagnostics(each)

    def configure(self, by_folder: Mapping[Path, Any]) -> None:
        """Gives the settings of folders; returns once the server has analysed everything under them."""
        for folder in self.folders:
            self.client.set_configuration(
                {"lora-lint": by_folder.get(folder, {"settings": {}})}, scope_uri=folder.as_uri()
            )
        self.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(None))
        for uri in self._versions:
            self.diagnostics(uri)

    def hover(self, name: str, line: int, character: int) -> str:
        """The text at a place; empty if there is none."""
        at = types.Position(line, character)
        params = types.HoverParams(types.TextDocumentIdentifier(self.uri(name)), at)
        found = self.do(self.client.text_document_hover_async(params))
        return found.contents.value if found is not None and isinstance(found.contents, types.MarkupContent) else ""

    def hints(self, name: str) -> list[tuple[tuple[int, int], str]]:
        whole = types.Range(types.Position(0, 0), types.Position(9999, 0))
        params = types.InlayHintParams(types.TextDocumentIdentifier(self.uri(name)), whole)
        found = self.do(self.client.text_document_inlay_hint_async(params))
        return sorted(((each.position.line, each.position.character), str(each.label)) for each in found or ())

    def lenses(self, name: str) -> list[types.CodeLens]:
        params = types.CodeLensParams(types.TextDocumentIdentifier(self.uri(name)))
        return list(self.do(self.client.text_document_code_lens_async(params)) or ())

    def links(self, name: str) -> list[types.DocumentLink]:
        params = types.DocumentLinkParams(types.TextDocumentIdentifier(self.uri(name)))
        return list(self.do(self.client.text_document_document_link_async(params)) or ())

    def completions(self, name: str, line: int, character: int) -> list[types.CompletionItem]:
        at = types.Position(line, character)
        params = types.CompletionParams(types.TextDocumentIdentifier(self.uri(name)), at)
        found = self.do(self.client.text_document_completion_async(params))
        return list(found.items if isinstance(found, types.CompletionList) else found or ())

    def execute(self, command: str, *arguments: Any) -> Any:
        params = types.ExecuteCommandParams(command, list(arguments))
        return self.do(self.client.workspace_execute_command_async(params))

    def log(self) -> list[str]:
        return [each.message for each in self.client.log_messages]

    def diagnostics(self, uri: str) -> list[types.Diagnostic]:
        """The diagnostics of a document once its current text is analysed: a request is answered only then."""
        params = types.CodeLensParams(types.TextDocumentIdentifier(uri))
        self.do(self.client.text_document_code_lens_async(params))
        return sorted(self.client.diagnostics.get(uri, ()), key=lambda each: (each.range.start.line, str(each.code)))

    def actions(self, uri: str, where: types.Range, *only: str) -> list[types.CodeAction]:
        """The actions that have an edit, now or later."""
        return [each for each in self._offers(uri, where, *only) if isinstance(each, types.CodeAction)]

    def commands(self, uri: str, where: types.Range) -> list[str]:
        """The actions that have a command, as text: lsprotocol reads them as commands themselves."""
        return [str(each.command) for each in self._offers(uri, where) if isinstance(each, types.Command)]

    def _offers(self, uri: str, where: types.Range, *only: str) -> Sequence[types.Command | types.CodeAction]:
        context = types.CodeActionContext([], only=list(only) or None)
        params = types.CodeActionParams(types.TextDocumentIdentifier(uri), where, context)
        return self.do(self.client.text_document_code_action_async(params)) or ()

    def resolved(self, action: types.CodeAction) -> types.CodeAction:
        return self.do(self.client.code_action_resolve_async(action))


def applied(text: str, edits: Sequence[types.TextEdit]) -> str:
    """A text after edits, for texts of one code unit a character."""
    lines = [*text.splitlines(keepends=True), ""]
    starts = [sum(map(len, lines[:number])) for number in range(len(lines))]
    for edit in sorted(edits, key=lambda each: (each.range.start.line, each.range.start.character), reverse=True):
        first = starts[edit.range.start.line] + edit.range.start.character
        last = starts[edit.range.end.line] + edit.range.end.character
        text = text[:first] + edit.new_text + text[last:]
    return text


def children(process: int) -> list[int]:
    """The processes that a process has started and that still run."""
    tasks = Path(f"/proc/{process}/task")
    return [int(each) for task in tasks.iterdir() for each in (task / "children").read_text().split()]
