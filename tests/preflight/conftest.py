"""The models that the tests of the guard use."""

from tests.guarding.conftest import elsewhere, places

__all__ = ["elsewhere", "places"]
