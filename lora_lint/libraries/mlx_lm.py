"""mlx-lm in a program: the adapters that it loads.

Source: mlx-lm 0.32.2, mlx_lm/utils.py (load) and mlx_lm/tuner/utils.py (load_adapters; the same since 0.10).
"""

from __future__ import annotations

from lora_lint.libraries.convert import text_of
from lora_lint.libraries.effects import ServedAdapter
from lora_lint.run.run import Unserved, is_weights_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.interpreter.values import Arguments
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.source import Span


def load(context: Context, name: str, arguments: Arguments, span: Span) -> None:
    """`mlx_lm.load(model, adapter_path=folder)`."""
    del name
    folder = arguments.get("adapter_path")
    if folder is not None and is_weights_file(text_of(folder) or ""):
        context.records.add_served(ServedAdapter(folder, span, unserved=Unserved.FILE))


CALLS: dict[str, Handler] = {"load": load}
