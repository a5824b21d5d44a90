"""Why a study cannot be made, for the user."""

from __future__ import annotations


class StudyError(Exception):
    """The study cannot be made as requested; the message says why and what to do."""
