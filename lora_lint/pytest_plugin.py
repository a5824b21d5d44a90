"""The pytest plugin: `assert_lints_clean(path)` for files, and the fixture `lora_lint_check` for live models.

pytest loads it in every run where lora-lint is installed, so it imports nothing that is not needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from typing_extensions import Unpack

    from lora_lint.api import Options
    from lora_lint.guarding.checking import LiveReport


def assert_lints_clean(*paths: str | os.PathLike[str], **options: Unpack[Options]) -> None:
    """Fails the test with the findings in some files and folders, advice included: `level="warning"` leaves it out.

    `options` are those of `lora_lint.lint`. Raises LoraLintError for what cannot be linted.
    """
    __tracebackhide__ = True
    import lora_lint

    report = lora_lint.lint(*paths, **options)
    if report.findings:
        pytest.fail("\n".join(map(str, report.findings)), pytrace=False)


@pytest.fixture
def lora_lint_check() -> Callable[..., LiveReport]:
    """`lora_lint.check`, which fails the test where it finds a warning or an error."""

    def check(*objects: object, **options: object) -> LiveReport:
        __tracebackhide__ = True
        import lora_lint

        try:
            return lora_lint.check(*objects, **{"fail_on": "warning", **options})  # type: ignore[arg-type]
        except lora_lint.LoraLintError as error:
            if error.report is None:
                raise
            return pytest.fail(str(error), pytrace=False)

    return check
