"""tinker_cookbook: `train.Config(model_name=…, lora_rank=32)`, with which its recipes train.

Source: tinker-cookbook at 9dfcc3a of 2026-08-19, tinker_cookbook/{supervised,rl}/train.py, preference/train_dpo.py and
distillation/train_{on,off}_policy.py. The rank is 32 in all of them.
"""

from __future__ import annotations

from lora_lint.interpreter.values import Object, Opaque
from lora_lint.libraries import tinker
from lora_lint.libraries.context import view_of
from lora_lint.libraries.convert import is_none
from lora_lint.libraries.effects import TrainingRecord

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.interpreter.values import Arguments, Val
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.run.run import Method
    from lora_lint.source import Span

_METHODS: dict[str, Method] = {"supervised": "supervised", "rl": "rl", "preference": "preference"}
"""What is trained, by the package of the module."""
_TRAINING = {"learning_rate": "learning_rate", "epochs": "num_epochs", "max_steps": "max_steps"}


def config(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`train.Config(model_name=…, learning_rate=1e-4, lora_rank=32)`"""
    base = arguments.get("model_name") or Opaque("the model's name is not given", span)
    rank = arguments.get("lora_rank")
    client = tinker.client(context, base, rank, arguments.span("lora_rank"), span)
    view = view_of(client)
    if view is not None:
        part = next((part for part in name.split(".") if part in _METHODS), "")
        given = {field: arguments.get(key) for field, key in _TRAINING.items()}
        values = {field: value for field, value in given.items() if value is not None and not is_none(value)}
        record = TrainingRecord("Tinker", _METHODS.get(part, "unknown"), span, values=values)
        context.trains(view.record, record)
    return Object(name, arguments, span, attributes=dict(arguments.keywords))


CALLS: dict[str, Handler] = dict.fromkeys(
    ("train.Config", "train_dpo.Config", "train_on_policy.Config", "train_off_policy.Config"), config
)
