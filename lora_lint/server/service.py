"""The service: what is open, when it is analysed, and what the editor is shown without asking."""

from __future__ import annotations

import asyncio
import os
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path, to_fs_path

from lora_lint import __version__, discovery
from lora_lint.server import worker
from lora_lint.server.answers import Task
from lora_lint.server.board import Board
from lora_lint.server.documents import Document
from lora_lint.server.folders import Folder, WorkerLost
from lora_lint.server.positions import Buffer, Point, encoding_named
from lora_lint.settings import FILE_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lora_lint.server.positions import Encoding, Place
    from lora_lint.source import FileKind

SECTION = "lora-lint"
"""The section of an editor's settings that is ours."""
_LANGUAGES: dict[str, FileKind] = {
    "python": "python",
    "yaml": "yaml",
    "json": "json",
    "jsonc": "json",
    "toml": "toml",
    "shellscript": "shell",
    "sh": "shell",
    "bash": "shell",
    "makefile": "make",
    "make": "make",
    "dockerfile": "docker",
}
"""Kinds by the editors' names of languages, for texts without a file name that shows it."""
_LEAST_DELAY, _MOST_DELAY = 0.02, 0.5
"""Seconds without a change before a text is analysed: as long as its last analysis took, within these bounds."""
_MOST_SAID = 1_000
"""Lines of the log that are remembered."""
_DEPENDENT_DELAY = 0.3
"""The same for texts that depend on the one that changed."""


class Service:
    """The state of one connection with an editor."""

    def __init__(self) -> None:
        cells = types.NotebookDocumentFilterWithCells(
            [types.NotebookCellLanguage("python")], types.NotebookDocumentFilterNotebookType("jupyter-notebook")
        )
        self.server = LanguageServer(
            SECTION,
            __version__,
            types.TextDocumentSyncKind.Incremental,
            types.NotebookDocumentSyncOptions([cells], save=True),
        )
        self.server.report_server_error = self._log_error  # type: ignore[method-assign]
        self.options: Mapping[str, Any] = {}
        """What the editor says about itself when it starts the service."""
        self._documents: dict[str, Document] = {}
        """The open ones by the URI of each part."""
        self._cells: dict[str, list[types.NotebookCell]] = {}
        """All cells of the open notebooks."""
        self._folders: dict[str, Folder] = {}
        self._here = Folder(os.getcwd())
        self._board = Board(self._send, self.uri_of)
        self._said: set[str] = set()
        handlers: dict[str, Callable[..., Any]] = {
            types.INITIALIZE: self._initialize,
            types.INITIALIZED: self._initialized,
            types.SHUTDOWN: self._shut_down,
            types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS: self._change_folders,
            types.WORKSPACE_DID_CHANGE_CONFIGURATION: self._configure,
            types.WORKSPACE_DID_CHANGE_WATCHED_FILES: self._files_changed,
            types.TEXT_DOCUMENT_DID_OPEN: self._open,
            types.TEXT_DOCUMENT_DID_CHANGE: self._change,
            types.TEXT_DOCUMENT_DID_SAVE: self._saved,
            types.TEXT_DOCUMENT_DID_CLOSE: self._close,
            types.NOTEBOOK_DOCUMENT_DID_OPEN: self._open_notebook,
            types.NOTEBOOK_DOCUMENT_DID_CHANGE: self._change_notebook,
            types.NOTEBOOK_DOCUMENT_DID_CLOSE: self._close_notebook,
        }
        for method, handler in handlers.items():
            self.handle(method, handler)

    def handle(self, method: str, handler: Callable[..., Any], options: Any = None) -> None:
        """Answers a request or a notification. A handler that fails answers with nothing, and the log says why."""
        self.server.feature(method, options)(self.guarded(handler))

    def guarded(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        """A handler that never fails."""
        if iscoroutinefunction(handler):

            async def answer(*arguments: Any) -> Any:
                try:
                    return await handler(*arguments)
                except Exception as error:  # whatever a text or an editor does to it
                    self._log_error(error, handler.__name__)
                    return None

            return answer

        def take(*arguments: Any) -> Any:
            try:
                return handler(*arguments)
            except Exception as error:
                self._log_error(error, handler.__name__)
                return None

        return take

    @property
    def encoding(self) -> Encoding:
        """In what the editor counts characters."""
        found = self.server.server_capabilities.position_encoding
        return encoding_named(getattr(found, "value", found))

    def log(self, text: str, kind: types.MessageType = types.MessageType.Warning) -> None:
        """Adds a line to the editor's log."""
        self.server.window_log_message(types.LogMessageParams(kind, text))

    def documents(self) -> list[Document]:
        """All open documents."""
        return list(dict.fromkeys(self._documents.values()))

    def opened(self, uri: str) -> Document | None:
        """An open document, whether or not its current text is analysed."""
        return self._documents.get(uri)

    async def document(self, uri: str) -> Document | None:
        """An open document once its current text is analysed; None if it is not one that is read."""
        document = self._documents.get(uri)
        if document is not None:
            await document.settled()
        return document

    def task(self, document: Document) -> Task:
        """The current text of a document."""
        data = document.data()
        return Task(document.path, document.kind, data, document.by_cell, self.encoding, document.folder.table)

    def uri_of(self, place: Place) -> str:
        """The document that has a place: the open one, by the URI that the editor uses, or the file."""
        for uri, document in self._documents.items():
            if document.path == place.path and document.cell(uri) == place.cell:
                return uri
        return from_fs_path(place.path) or ""

    def _send(self, uri: str, diagnostics: list[types.Diagnostic]) -> None:
        self.server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, diagnostics))

    def _log_error(self, error: Exception, source: object) -> None:
        self.log(f"{source}: {type(error).__name__}: {error}", types.MessageType.Error)

    # Folders and settings

    def _initialize(self, params: types.InitializeParams) -> None:
        given = params.workspace_folders or []
        uris = [folder.uri for folder in given] or [params.root_uri or ""]
        for uri in uris:
            self._add_folder(uri)
        options = params.initialization_options
        self.options = options if isinstance(options, dict) else {}
        self._apply(self.options.get("settings"))

    async def _initialized(self, params: types.InitializedParams) -> None:
        del params
        await self._ask_for_settings()

    def _shut_down(self, params: None) -> None:
        del params
        for folder in (self._here, *self._folders.values()):
            folder.close()

    def _add_folder(self, uri: str) -> None:
        path = to_fs_path(uri) if uri.startswith("file:") else None
        if path and os.path.isdir(path):
            self._folders.setdefault(os.path.normpath(path), Folder(os.path.normpath(path)))

    async def _change_folders(self, params: types.DidChangeWorkspaceFoldersParams) -> None:
        for added in params.event.added:
            self._add_folder(added.uri)
        for removed in params.event.removed:
            path = os.path.normpath(to_fs_path(removed.uri) or "")
            if path in self._folders:
                self._folders.pop(path).close()
        for document in self.documents():
            document.folder.hold(document.path, None)
            document.folder = self._folder_of(document.path)
            document.folder.hold(document.path, document.data())
        await self._ask_for_settings()

    def _folder_of(self, path: str) -> Folder:
        """The innermost folder that holds a file, otherwise the first one."""
        above = [folder for folder in self._folders if path.startswith(os.path.join(folder, ""))]
        if above:
            return self._folders[max(above, key=len)]
        return next(iter(self._folders.values()), self._here)

    async def _configure(self, params: types.DidChangeConfigurationParams) -> None:
        section = params.settings.get(SECTION) if isinstance(params.settings, dict) else None
        if isinstance(section, dict):
            self._apply(section.get("settings"))
        await self._ask_for_settings()

    async def _ask_for_settings(self) -> None:
        """Asks the editor for the settings of each folder, and analyses everything under them."""
        workspace = self.server.client_capabilities.workspace
        if workspace is not None and workspace.configuration:
            folders = [self._here, *self._folders.values()]
            items = [types.ConfigurationItem(from_fs_path(folder.path), SECTION) for folder in folders]
            try:
                found = await self.server.workspace_configuration_async(types.ConfigurationParams(items))
            except Exception as error:  # whatever the editor answers
                self.log(f"the editor gives no settings: {error}")
                found = []
            for folder, section in zip(folders, found, strict=False):
                if isinstance(section, dict) and isinstance(section.get("settings"), dict):
                    folder.table = section["settings"]
        self._analyse_all()

    def _apply(self, table: Any) -> None:
        if isinstance(table, dict):
            for folder in (self._here, *self._folders.values()):
                folder.table = table

    # Documents

    def _open(self, params: types.DidOpenTextDocumentParams) -> None:
        item = params.text_document
        if item.uri in self._documents or item.uri.startswith("vscode-notebook-cell:"):
            return
        path, kind = _named(item.uri, item.language_id)
        if kind is not None:
            self._add(path, kind, {item.uri: Buffer(item.text, self.encoding)}, by_cell=False)

    def _add(self, path: str, kind: FileKind, parts: dict[str, Buffer], by_cell: bool) -> Document:
        folder = self._folder_of(path)
        if not os.path.isabs(path):
            path = os.path.join(folder.path, path)
        document = Document(path, kind, parts, folder, by_cell)
        self._documents.update(dict.fromkeys(parts, document))
        self._changed(document)
        return document

    def _change(self, params: types.DidChangeTextDocumentParams) -> None:
        document = self._documents.get(params.text_document.uri)
        if document is not None:
            self._edit(document, params.text_document.uri, params.content_changes)
            self._changed(document)

    def _edit(self, document: Document, uri: str, changes: Sequence[types.TextDocumentContentChangeEvent]) -> None:
        buffer = document.parts[uri]
        for change in changes:
            if isinstance(change, types.TextDocumentContentChangePartial):
                start, end = change.range.start, change.range.end
                points = Point(start.line, start.character), Point(end.line, end.character)
                buffer = buffer.changed(*points, change.text)
            else:
                buffer = Buffer(change.text, self.encoding)
        document.parts[uri] = buffer

    def _saved(self, params: types.DidSaveTextDocumentParams) -> None:
        path = to_fs_path(params.text_document.uri)
        if path and os.path.basename(path) in FILE_NAMES:
            self._analyse_all()

    def _files_changed(self, params: types.DidChangeWatchedFilesParams) -> None:
        changed = {os.path.realpath(path) for each in params.changes if (path := to_fs_path(each.uri))}
        if any(os.path.basename(path) in FILE_NAMES for path in changed):
            self._analyse_all()
        else:
            self._analyse_readers(changed)

    def _close(self, params: types.DidCloseTextDocumentParams) -> None:
        document = self._documents.get(params.text_document.uri)
        if document is not None and not document.by_cell:
            self._forget(document)

    def _open_notebook(self, params: types.DidOpenNotebookDocumentParams) -> None:
        uri = params.notebook_document.uri
        path, _ = _named(uri, "")
        texts = {item.uri: Buffer(item.text, self.encoding) for item in params.cell_text_documents}
        self._cells[uri] = list(params.notebook_document.cells)
        self._documents[uri] = self._add(path, "notebook", self._code(uri, texts), by_cell=True)

    def _code(self, uri: str, texts: Mapping[str, Buffer]) -> dict[str, Buffer]:
        """The code cells of a notebook in order."""
        code = (cell.document for cell in self._cells[uri] if cell.kind == types.NotebookCellKind.Code)
        return {cell: texts[cell] for cell in code if cell in texts}

    def _change_notebook(self, params: types.DidChangeNotebookDocumentParams) -> None:
        uri, cells = params.notebook_document.uri, params.change.cells
        document = self._documents.get(uri)
        if document is None or cells is None:
            return
        if (structure := cells.structure) is not None:
            first, gone = structure.array.start, structure.array.delete_count
            self._cells[uri][first : first + gone] = structure.array.cells or []
            opened = {item.uri: Buffer(item.text, self.encoding) for item in structure.did_open or ()}
            parts = self._code(uri, document.parts | opened)
            for lost in document.parts.keys() - parts.keys():
                self._board.clear(lost, document)
                del self._documents[lost]
            document.parts = parts
            self._documents.update(dict.fromkeys(parts, document))
        for content in cells.text_content or ():
            if content.document.uri in document.parts:
                self._edit(document, content.document.uri, content.changes)
        self._changed(document)

    def _close_notebook(self, params: types.DidCloseNotebookDocumentParams) -> None:
        document = self._documents.pop(params.notebook_document.uri, None)
        self._cells.pop(params.notebook_document.uri, None)
        if document is not None:
            self._forget(document)

    def _forget(self, document: Document) -> None:
        if document.pending is not None:
            document.pending.cancel()
        document.folder.hold(document.path, None)
        for uri in document.parts:
            self._documents.pop(uri, None)
        self._board.forget(document)
        self._analyse_readers({os.path.realpath(document.path)})

    # Analyses

    def _changed(self, document: Document) -> None:
        document.folder.hold(document.path, document.data())
        self._analyse(document, min(max(document.latest.seconds, _LEAST_DELAY), _MOST_DELAY))
        self._analyse_readers({os.path.realpath(document.path)})

    def _analyse_readers(self, paths: set[str]) -> None:
        """Analyses the documents that depend on some files."""
        for document in self.documents():
            if not document.latest.reads.isdisjoint(paths) and document.path not in paths:
                self._analyse(document, _DEPENDENT_DELAY)

    def _analyse_all(self) -> None:
        for document in self.documents():
            self._analyse(document, 0)

    def _analyse(self, document: Document, delay: float) -> None:
        """Analyses a document after a delay. A later call takes the place of this one."""
        if document.pending is not None:
            document.pending.cancel()
        document.pending = asyncio.ensure_future(self._analysed(document, delay))

    async def _analysed(self, document: Document, delay: float) -> None:
        try:
            await asyncio.sleep(delay)
            parts = dict(document.parts)
            try:
                analysis = await document.folder.run(worker.analysis, self.task(document))
            except WorkerLost as lost:
                self.log(f"{document.path}: not checked, {lost}", types.MessageType.Error)
                return
            except Exception as error:  # whatever a text does to the worker
                self.log(f"{document.path}: not checked ({type(error).__name__}: {error})", types.MessageType.Error)
                return
            for line in analysis.log:
                self._say(line)
            document.keep(analysis, parts)
            self._board.show(document)
        finally:
            if document.pending is asyncio.current_task():
                document.pending = None

    def _say(self, line: str) -> None:
        """Logs a line the first time."""
        if len(self._said) > _MOST_SAID:
            self._said.clear()
        if line not in self._said:
            self._said.add(line)
            self.log(line)


def _named(uri: str, language: str) -> tuple[str, FileKind | None]:
    """The path of a document, and its kind; None for one that is not read. A text that is not a file yet has a name
    alone."""
    path = to_fs_path(uri) if uri.startswith("file:") else None
    if path:
        named = discovery.kind_of(path)
        if named == "python" and "." not in os.path.basename(path):  # which is only a guess
            named = _LANGUAGES.get(language)
        if named == "notebook" and language == "python":  # jupyterlab-lsp joins the code of all cells
            named = "python"
        return os.path.normpath(path), named or _LANGUAGES.get(language)
    return os.path.basename(uri.partition(":")[2]) or "untitled", _LANGUAGES.get(language)
