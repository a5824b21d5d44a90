"""lora-lint: a linter for LoRA fine-tuning scripts and configs."""

__version__ = "0.1.0"
__all__ = ["LoraLintError", "Report", "ReportedFinding", "__version__", "check", "lint", "lint_text"]

TYPE_CHECKING = False  # that of `typing`, which `--version` does not import
if TYPE_CHECKING:
    from lora_lint.api import LoraLintError, Report, ReportedFinding, lint, lint_text
    from lora_lint.guarding.checking import check

_LIVE = {"check": "lora_lint.guarding.checking"}
"""What judges a running program, and where it is."""


def __getattr__(name: str) -> object:
    # The command needs the version alone, and starts sooner without the rest.
    if name in _LIVE:
        from importlib import import_module

        return getattr(import_module(_LIVE[name]), name)
    if name in __all__:
        from lora_lint import api

        return getattr(api, name)
    raise AttributeError(f"module 'lora_lint' has no attribute {name!r}")
