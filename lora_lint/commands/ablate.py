"""`lora-lint ablate`: an ablation study."""

from __future__ import annotations

from lora_lint.commands.requests import Ablation, UsageError
from lora_lint.terminal import StudyLine, write


def ablate(request: Ablation) -> int:
    """Makes an ablation study and prints what it found."""
    from lora_lint.system.modules import not_installed
    from lora_lint.verify.session import NEEDED

    absent = not_installed(NEEDED)
    if absent:
        raise UsageError(f'ablate needs {", ".join(absent)}: pip install "lora-lint[ablate]"')
    from lora_lint.ablate import session
    from lora_lint.ablate.errors import StudyError

    line = StudyLine()
    try:
        text = session.report(request.path, request.options, request.input.settings(), line.show)
    except StudyError as error:
        raise UsageError(str(error)) from None
    finally:
        line.clear()
    write(text)
    return 0
