"""`lora-lint learn`: the modules of a model that lora-lint does not know."""

from __future__ import annotations

import os
import sys

from lora_lint.commands.requests import UsageError
from lora_lint.terminal import write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def learn(name: str, modules: Sequence[str], out: str | None) -> int:
    """Writes the config and the modules of a model, as the installed transformers builds it, into a folder. Raises
    UsageError if it builds none, or the folder cannot be written."""
    import json
    import subprocess

    from lora_lint.knowledge.models import LEARNED
    from lora_lint.system.modules import not_installed
    from lora_lint.system.visible import visible
    from lora_lint.system.writing import write_report

    absent = not_installed(("torch", "transformers"))
    if absent:
        raise UsageError(f'learn needs {" and ".join(absent)}: pip install "lora-lint[verify]"')
    command = [sys.executable, "-m", "lora_lint.verify.structure.learned", name, *modules]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = done.stderr.strip().rpartition("\n")[2]
        raise UsageError(f"{visible(name)}: {visible(reason)}")
    found = json.loads(done.stdout.rstrip().rpartition("\n")[2])  # what the modules print comes before
    learned = found["modules"]
    folder = out or os.path.join("lora-lint-models", os.path.basename(os.path.abspath(name)))
    try:
        os.makedirs(folder, exist_ok=True)
        for file, content in (("config.json", found["config"]), (LEARNED, learned)):
            write_report(os.path.join(folder, file), json.dumps(content) + "\n")
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}") from None
    heads = sorted({name for entry in learned["versions"].values() for name, *_ in entry["heads"].values()})
    write(f"{folder}: {', '.join(heads)} of {learned['by']}\n")
    return 0
