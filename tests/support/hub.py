"""A hub on this machine, as far as huggingface_hub asks it for files."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """The repositories of a hub: id -> files by name, or the error code that the hub answers with (`GatedRepo`)."""

    def __init__(self, repositories: Mapping[str, Mapping[str, bytes] | str]) -> None:
        self.repositories = repositories
        self.asked: list[str] = []
        """The files that were asked for, and the bytes of each answer with content."""
        self.sent = 0
        self.address = ""


@contextmanager
def serving(repositories: Mapping[str, Mapping[str, bytes] | str]) -> Iterator[Hub]:
    """A hub that answers until the block ends."""
    hub = Hub(repositories)

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(with_content=False)

        def do_GET(self) -> None:
            self._answer(with_content=True)

        def log_message(self, *_: Any) -> None:
            pass

        def _answer(self, with_content: bool) -> None:
            name, _, file = self.path.strip("/").partition("/resolve/")
            _revision, _, file = file.partition("/")
            hub.asked.append(f"{name}/{file}")
            files = hub.repositories.get(name, "RepoNotFound")
            if isinstance(files, str):
                return self._refuse(403 if files == "GatedRepo" else 404, files)
            if file not in files:
                return self._refuse(404, "EntryNotFound")
            content = files[file]
            start, end = 0, len(content) - 1
            if ranged := self.headers.get("range"):
                first, _, last = ranged.removeprefix("bytes=").partition("-")
                start, end = int(first), min(int(last or end), end)
            body = content[start : end + 1]
            self.send_response(206 if ranged else 200)
            self.send_header("ETag", f'"{len(content)}-{hash(file) & 0xFFFF}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if with_content:
                hub.sent += len(body)
                self.wfile.write(body)
            return None

        def _refuse(self, status: int, code: str) -> None:
            self.send_response(status)
            self.send_header("X-Error-Code", code)
            self.send_header("Content-Length", "0")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def safetensors(tensors: Mapping[str, tuple[int, ...]], fill: int = 1) -> bytes:
    """A file of float32 tensors, every byte of which is `fill`."""
    header: dict[str, Any] = {}
    end = 0
    for name, shape in tensors.items():
        size = 4
        for length in shape:
            size *= length
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes([fill]) * end
