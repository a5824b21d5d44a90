"""LL422: the order of imports, where one library replaces what another has."""

from __future__ import annotations

from lora_lint.finding import Finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from lora_lint.run.run import Run


def imported_early(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL422"""
    early, trainer = run.training.setup.early, run.training.trainer
    if early is None or not run.model.loader_adapts:
        return
    message = (
        f"`{trainer}` is imported from {early.library} before {early.later}, which replaces it there by its own: this "
        f"name keeps the original, which trains without what {early.later} changes for its models (less memory, fixes "
        f"for its tokenizers and losses). Import {early.later} first, at the top of the program"
    )
    yield Finding("LL422", message, early.span)
