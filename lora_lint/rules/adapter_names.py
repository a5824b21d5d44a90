"""LL902: names of adapters that PEFT cannot give, or loses when it saves."""

from __future__ import annotations

from lora_lint.finding import Finding
from lora_lint.knowledge import versions
from lora_lint.rules.words import happening
from lora_lint.run.events import AddBeside, LoadAdapter, LoadBeside, Save, Wrap
from lora_lint.run.values import always

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.run.events import Event
    from lora_lint.run.run import Run

_TAKEN = frozenset(
    "apply bfloat16 buffers children clear compile cpu cuda double eval float forward half items keys modules "
    "parameters pop to train training type update values".split()
)
"""Attributes of torch.nn.ModuleDict, in which a layer keeps its adapters (torch 2.13, nn/modules/module.py, add_module;
measured with PEFT 0.21.2)."""
_IN_EACH_NAME = ("lora_A", "lora_B", "weight")
"""Parts that follow a dot in the names of the tensors of every adapter."""


def unfit_names(run: Run) -> Iterator[Finding]:
    """The calls that add or load an adapter under a name that does not work."""
    if run.method != "LoraConfig" or not run.framework.direct:
        return
    for number, event in enumerate(run.events):
        if isinstance(event, Wrap | LoadAdapter | AddBeside | LoadBeside):
            for name in event.adapters or ():
                message = _refusal(name) or (_loss(name, run) if _is_saved(event, run, number) else None)
                if message is not None:
                    yield Finding("LL902", message, event.span, happening(event))


def _refusal(name: str) -> str | None:
    """What is wrong with a name that torch does not take."""
    why = "a name may not contain a dot" if "." in name else "torch's ModuleDict has an attribute of that name"
    if "." not in name and name not in _TAKEN:
        return None
    return (
        f"`{name}` cannot be the name of an adapter: each layer keeps its adapters in a ModuleDict, which raises a "
        f"KeyError, because {why}. Choose another name"
    )


def _loss(name: str, run: Run) -> str | None:
    """What is wrong with a name that old versions of PEFT remove from the names of tensors, wherever it follows a
    dot."""
    pin = run.before("peft", versions.NAME_REMOVED_ONCE)
    part = next((each for each in _IN_EACH_NAME if name and each.startswith(name)), None)
    if pin is None or part is None:
        return None
    return (
        f"The adapter is called `{name}`, and PEFT before {versions.named(versions.NAME_REMOVED_ONCE)} ({pin}) removes "
        f"`.{name}` from all names that it saves, also at the start of `.{part}`: no tensor is found when the adapter "
        "is loaded, with a warning at most, and its effect is lost. Leave the name out, or choose another one"
    )


def _is_saved(event: Event, run: Run, number: int) -> bool:
    """Whether an adapter is trained here, or loaded to be trained, and then saved."""
    if isinstance(event, LoadAdapter | LoadBeside) and not always(event.trainable, True):
        return False
    by_trainer = run.trained is True and not run.training.by_hand
    return by_trainer or any(isinstance(each, Save) for each in run.events[number + 1 :])
