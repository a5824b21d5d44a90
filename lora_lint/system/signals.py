"""The module `signal` without its enumerations of all names, which take 0.5 ms to build."""

from __future__ import annotations

try:
    import _signal as signal  # type: ignore[import-not-found,unused-ignore]
except ImportError:
    import signal

__all__ = ["signal"]
