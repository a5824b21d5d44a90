"""lora-lint: a linter for LoRA fine-tuning scripts and configs."""

__version__ = "0.1.0"
__all__ = [
    "Guard",
    "LoraLintError",
    "Report",
    "ReportedFinding",
    "__version__",
    "check",
    "guard",
    "lightning_guard",
    "lint",
    "lint_text",
]

TYPE_CHECKING = False  # that of `typing`, which `--version` does not import
if TYPE_CHECKING:
    from lora_lint.api import LoraLintError, Report, ReportedFinding, lint, lint_text
    from lora_lint.guarding.callback import Guard
    from lora_lint.guarding.checking import check
    from lora_lint.guarding.lightning import lightning_guard
    from lora_lint.guarding.loop import guard

_LIVE = {"check": "checking", "Guard": "callback", "guard": "loop", "lightning_guard": "lightning"}
"""What watches a running program, and its module in `guarding`."""


def __getattr__(name: str) -> object:
    # The command needs the version alone, and starts sooner without the rest.
    if name in _LIVE:
        from importlib import import_module

        return getattr(import_module(f"lora_lint.guarding.{_LIVE[name]}"), name)
    if name in __all__:
        from lora_lint import api

        return getattr(api, name)
    raise AttributeError(f"module 'lora_lint' has no attribute {name!r}")
