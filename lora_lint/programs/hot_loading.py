"""Programs that ask a running vLLM for another adapter, which it takes only where its environment allows that.

Source: vllm, vllm/entrypoints/serve/lora/api_router.py (attach_router), in releases before 0.13 the end of
vllm/entrypoints/openai/api_server.py: without `VLLM_ALLOW_RUNTIME_LORA_UPDATING` there is no such address (404).
"""

from __future__ import annotations

import posixpath
import re

from lora_lint.system import disk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.project import Project

_ADDRESS = "/v1/load_lora_adapter"
_ALLOWED = "VLLM_ALLOW_RUNTIME_LORA_UPDATING"
_ASKS = rb"\.post\(\s*f?[\"'][^\"'\s]*/v1/load_lora_adapter[\"']"
_READS_MORE = rb"(?m)^[ \t]*(?:source|\.)[ \t]+(?!\S*activate\b)|--env-file\b|\beval\b"
"""A script that gets variables from elsewhere."""
_MOST = 300
_LIMIT = 200_000
"""Files in the folders of a project, and bytes of each, that are searched for the variable."""


def is_refused(script: str, project: Project) -> bool:
    """Whether a program of the project loads adapters into the server that a script starts, and nothing in the project
    allows that."""
    source = project.load(script) if script.endswith((".sh", ".bash")) else None
    if source is None or re.search(_READS_MORE, source.utf8) is not None or not _asks(script, project):
        return False
    return not project.programs_name(_ALLOWED, script) and not _is_allowed(script, project)


def _asks(script: str, project: Project) -> bool:
    """Whether a program posts to the address; tests have a server of their own."""
    for path in project.programs_naming(_ADDRESS, script):
        program = project.load(path) if "test" not in path.rpartition("/")[2] else None
        if program is not None and re.search(_ASKS, program.utf8) is not None:
            return True
    return False


def _is_allowed(script: str, project: Project) -> bool:
    """Whether a file around a script names the variable, or there are too many files to know."""
    wanted, seen = _ALLOWED.encode(), 0
    for top in project.upwards(posixpath.dirname(script)):
        names = disk.names(top or ".") or []
        inner = [posixpath.join(name, each) for name in names for each in disk.names(posixpath.join(top, name)) or ()]
        for name in (*names, *inner):
            seen += 1
            try:
                data = disk.read(posixpath.join(top, name), _LIMIT)
            except OSError:
                continue
            if seen > _MOST or (data is not None and wanted in data):
                return True
    return False
