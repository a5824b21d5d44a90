"""How the tests are sorted and run.

`torch`: needs torch or a package that comes with it, because its module imports one or because it is marked so.
`process`: starts a process. `slow`: takes seconds. `fast`: every other test, as is checked while it runs.

Property tests run by what they find, never by the clock, which on a busy machine says nothing about the code.
"""

from __future__ import annotations

import ast
import importlib.util
import signal
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

# The gate gives one commit one answer; `--hypothesis-profile search` looks for what no run has tried yet.
settings.register_profile("gate", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.register_profile("search", settings.get_profile("gate"), derandomize=False)
settings.load_profile("gate")

HEAVY = ("torch", "transformers", "peft", "trl", "huggingface_hub")
PROCESSES = ("subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system")
"""The audit events of a process that starts."""

HERE = Path(__file__).parent
MISSING = [name for name in HEAVY if importlib.util.find_spec(name) is None]
WITHOUT = f"needs {', '.join(MISSING)}: pip install -r tests/requirements.txt"


@cache
def is_heavy(module: Path) -> bool:
    """Whether loading a module of the tests imports torch or what rests on it, directly or through another one."""
    imported: set[str] = set()
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            imported.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            imported.update((node.module, *(f"{node.module}.{alias.name}" for alias in node.names)))
    own = (
        HERE / f"{name.removeprefix('tests.').replace('.', '/')}.py" for name in imported if name.startswith("tests.")
    )
    return not {name.split(".")[0] for name in imported}.isdisjoint(HEAVY) or any(
        map(is_heavy, filter(Path.is_file, own))
    )


class HeavyModule(pytest.Module):
    """A module of tests that is loaded only where it can be and where one of its tests may run."""

    def collect(self) -> Any:
        if MISSING:
            pytest.skip(WITHOUT)
        return [] if self.config.option.markexpr == "fast" else super().collect()


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    return HeavyModule.from_parent(parent, path=module_path) if is_heavy(module_path) else None


@pytest.hookimpl(tryfirst=True)  # before `-m` selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.getparent(HeavyModule) is not None:
            item.add_marker("torch")
        elif MISSING and item.get_closest_marker("torch") is not None:
            item.add_marker(pytest.mark.skip(WITHOUT))
        if not any(item.get_closest_marker(name) for name in ("torch", "process", "slow")):
            item.add_marker("fast")


_fast: str | None = None
"""The fast test that is running."""


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Stops a fast test at the call that makes it none."""
    if _fast is None:
        return
    if event in PROCESSES:
        pytest.fail(f"{_fast} starts a process: mark it with `process`")
    if event == "import" and arguments[0].split(".")[0] in HEAVY:
        pytest.fail(f"{_fast} imports {arguments[0]}: mark it with `torch`")


sys.addaudithook(_watch)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    global _fast
    _fast = item.nodeid if item.get_closest_marker("fast") is not None else None
    try:
        return (yield)
    finally:
        _fast = None


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Processes that the test starts can be interrupted, even if `nohup` or `&` started the tests themselves with SIGINT
    ignored, which a process hands down to those that it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
