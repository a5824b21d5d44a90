"""The servers cannot be installed here, so what was read in their sources is kept twice: in the table that LL602 uses,
and in `server_facts.json` with the SHA-256 of each file that was at hand. Whoever changes a fact reads the source
again, and changes the version and the digests with it."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from lora_lint.knowledge.servers import SERVERS, Server

READ = json.loads((Path(__file__).parent / "server_facts.json").read_text())
PROSE = {"title", "version", "source", "own_format", "foreign", "instead"}


def facts(server: Server) -> dict[str, Any]:
    """What is said of a server, without the words in which it is said."""
    found = {}
    for each in fields(server):  # type: ignore[arg-type]
        value = getattr(server, each.name)
        if each.name not in PROSE and value:
            found[each.name] = value if isinstance(value, (int, str)) else sorted(value)
    return found


def test_every_server_was_read() -> None:
    assert list(READ["servers"]) == [server.title for server in SERVERS]
    assert re.fullmatch(r"2026-\d\d-\d\d", READ["read"])


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.title)
def test_a_server_does_what_its_source_says(server: Server) -> None:
    read = READ["servers"][server.title]
    assert read["version"] == server.version
    assert read["facts"] == facts(server)
    for path, digest in read["files"].items():
        assert path.rpartition("/")[2] in server.source
        assert digest is None or re.fullmatch("[0-9a-f]{64}", digest)
