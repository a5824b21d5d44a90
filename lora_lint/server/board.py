"""The diagnostics that an editor shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lora_lint.server import convert

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lsprotocol import types

    from lora_lint.server.answers import Problem
    from lora_lint.server.documents import Document
    from lora_lint.server.positions import Place


class Board:
    """What is shown at each URI, by the document whose analysis has it: a program may have findings in the modules that
    it imports, beside those that they have themselves."""

    def __init__(self, send: Callable[[str, list[types.Diagnostic]], None], uri_of: Callable[[Place], str]) -> None:
        """`send` shows diagnostics at a URI instead of those before; `uri_of` gives the URI of a place."""
        self._send = send
        self._uri_of = uri_of
        self._by_uri: dict[str, dict[str, list[types.Diagnostic]]] = {}

    def show(self, document: Document) -> None:
        """Shows the findings of a document, those in other files included, and its own parts also where they have
        none."""
        found: dict[str, list[types.Diagnostic]] = {uri: [] for uri in document.parts}
        for uri, place, problem in _places(document):
            diagnostics = found.setdefault(uri or self._uri_of(place), [])
            diagnostics.append(convert.diagnostic(problem, place, self._uri_of))
        for uri in self._by_uri.keys() - found.keys():
            self.clear(uri, document)
        for uri, diagnostics in found.items():
            before = self._by_uri.get(uri, {}).get(document.path, [])
            if uri in document.parts or diagnostics != before:
                self._put(uri, document, diagnostics)

    def clear(self, uri: str, document: Document) -> None:
        """Shows nothing of a document at a URI any more."""
        if document.path in self._by_uri.get(uri, {}):
            self._put(uri, document, [])

    def forget(self, document: Document) -> None:
        """Shows nothing of a document any more."""
        for uri in list(self._by_uri):
            self.clear(uri, document)

    def _put(self, uri: str, document: Document, diagnostics: list[types.Diagnostic]) -> None:
        here = self._by_uri.setdefault(uri, {})
        here[document.path] = diagnostics
        joined: list[types.Diagnostic] = []
        for listed in here.values():
            joined += [each for each in listed if each not in joined]
        if not diagnostics:
            del here[document.path]
        if not here:
            del self._by_uri[uri]
        self._send(uri, joined)


def _places(document: Document) -> Iterator[tuple[str | None, Place, Problem]]:
    """The findings of a document where they are now, each with its part; none of another file has a part. Those of the
    last good text are shown while the current one is broken."""
    for problem in document.latest.problems:
        if problem.place.path != document.path:
            yield None, problem.place, problem
        elif (found := document.now_latest(problem.place)) is not None:
            yield *found, problem
    if document.latest.broken:
        for problem in document.good.problems:
            if (found := document.now(problem.place)) is not None:
                yield *found, problem
