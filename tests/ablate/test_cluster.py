"""Trials as Ray tasks: the same numbers as in one process, also where a worker dies."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lora_lint.ablate import cluster
from lora_lint.ablate.errors import StudyError
from tests.ablate.test_process import SMALL, here, project, results, without_measured  # noqa: F401
from tests.support import dying

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
WITH_RAY = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="needs ray: pip install -r tests/requirements.txt"
)


@WITH_RAY
@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.process
def test_two_workers_of_which_one_dies_give_the_same_numbers(
    project: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(project)
    words = ("train.py", *SMALL, "--vary", "rank=16", "--seeds", "3", "--output")
    here(*words, "alone")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv(dying.MARK, str(tmp_path / "died"))
    monkeypatch.setattr(cluster, "perform", dying.perform_or_die)
    here(*words, "workers", "--ray")
    assert (tmp_path / "died").exists()
    assert without_measured(results(project / "workers")) == without_measured(results(project / "alone"))


def test_without_ray_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import builtins

    imported: Callable[..., Any] = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "ray":
            raise ImportError(name)
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(StudyError, match=r"lora-lint\[ablate\]"):
        cluster.Cluster("local", 1.0)
