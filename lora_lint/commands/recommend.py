"""`lora-lint recommend`: a config to start from."""

from __future__ import annotations

from lora_lint.commands.inputs import fetch_configs, refuse_offline, say_which_facts_are_left_out
from lora_lint.commands.requests import UsageError
from lora_lint.terminal import write


def recommend(
    model: str, size: int | None, task: str, framework: str, scaling: str, layers: str, online: bool = False
) -> int:
    """Prints a config for a model, a number of examples and a task."""
    say_which_facts_are_left_out()
    if online:
        refuse_offline()
        fetch_configs([model])
    from lora_lint.frameworks import registry
    from lora_lint.recommend import choices, spellings

    try:
        record = registry.framework(framework)
        found = choices.recommend(model, size, task, scaling, record.can("use_rslora"), layers)  # type: ignore[arg-type]
        text = spellings.text_of(found, record)
    except choices.NotKnown as error:
        raise UsageError(str(error)) from None
    write(text)
    return 0
