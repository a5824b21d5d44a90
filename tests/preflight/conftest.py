"""The models that the tests of this folder share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folders of tiny models, and of an adapter on the first of them."""
    from tests.guarding.models import save_all

    return save_all(tmp_path_factory.mktemp("models"))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test runs in an empty folder: no settings of ours apply."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
