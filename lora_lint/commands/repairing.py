"""What `--fix`, `--diff`, `--unsafe-fixes` and `--add-ignore` do with the findings."""

from __future__ import annotations

import os

from lora_lint.commands.outputs import number_of_findings
from lora_lint.commands.requests import Check, Repair, UsageError
from lora_lint.terminal import complain, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from lora_lint.fixes.session import Fixed
    from lora_lint.linting.outcome import Outcome
    from lora_lint.settings import Settings


def refuse_repair(request: Check) -> None:
    """Raises UsageError where files cannot be changed as requested."""
    repair = request.repair
    changes = repair.fix or repair.diff or repair.reason is not None
    if changes and request.input.is_stdin():
        raise UsageError("standard input cannot be fixed: give the file, or use the edits in `--output-format sarif`")
    if changes and request.input.is_adapter():
        raise UsageError("an adapter on the hub cannot be fixed: download it first")
    if repair.reason is not None:
        from lora_lint.fixes.remarks import why_no_reason

        if repair.fix or repair.unsafe:
            raise UsageError("--add-ignore and --fix exclude each other: fix first, then ignore what remains")
        if os.path.exists(repair.reason):
            raise UsageError(
                f"--add-ignore: {repair.reason!r} is a path; the reason comes first, --add-ignore REASON PATH"
            )
        why = why_no_reason(repair.reason)
        if why is not None:
            raise UsageError(f"--add-ignore: the reason cannot be written, {why}")


def _repaired(outcome: Outcome, settings: Settings, repair: Repair, lint: Callable[[], Outcome] | None) -> list[Fixed]:
    """The files as they will be, with fixes or with comments."""
    if repair.reason is not None:
        from lora_lint.fixes.remarks import remarked

        return remarked(outcome, repair.reason, settings)
    from lora_lint.fixes import session

    return session.fixed(outcome, settings, repair.unsafe, lint)


def write_repairs(
    outcome: Outcome, settings: Settings, repair: Repair, lint: Callable[[], Outcome] | None
) -> tuple[bool, bool]:
    """Writes fixes or comments; gives whether any file changed, and whether one could not be written."""
    from lora_lint.fixes import session
    from lora_lint.system import bounds, interrupts

    done = "fixed" if repair.reason is None else "ignored"
    tree = bounds.tree(settings.root)
    count, files, failed = 0, 0, False
    try:
        for file in _repaired(outcome, settings, repair, lint):
            problem = file.problem
            if _is_elsewhere(file.path, tree):
                problem = "it is a link that leads out of the project"
            elif file.after != file.before:
                try:
                    with interrupts.shield():
                        session.write(file)
                        count, files = count + file.findings, files + 1
                except session.Changed as error:
                    problem = str(error)
                except OSError as error:
                    problem, failed = error.strerror or str(error), True
            if problem:
                complain(f"{file.path}: not {done}, {problem}")
            for line in file.left:
                complain(f"{file.path}: {line}")
    finally:  # after an interrupt too: some files are already written
        if count:
            complain(f"{number_of_findings(count)} {done} in {files} file{'' if files == 1 else 's'}")
    return count > 0, failed


def _is_elsewhere(path: str, tree: str) -> bool:
    """Whether a file is a link out of the project or, for a file outside the project, out of its folder."""
    from lora_lint.system import bounds

    return bounds.leads_out(path, tree) or bounds.leads_out(path, os.path.realpath(os.path.dirname(path)))


def count_fixable(outcome: Outcome, settings: Settings) -> None:
    """Says how many findings `--fix` would fix with `--unsafe-fixes`, which has no effect alone."""
    from lora_lint.finding import fixable

    named = settings.named()
    count = sum(fixable(finding, unsafe=True, named=named) for finding in outcome.findings)
    if count:
        complain(
            f"{number_of_findings(count)} can be fixed with `--fix --unsafe-fixes`; "
            "`--diff --unsafe-fixes` shows the changes"
        )


def show_diff(outcome: Outcome, settings: Settings, repair: Repair, lint: Callable[[], Outcome] | None) -> int:
    """Shows what `--fix` or `--add-ignore` would change. The exit status is 1 if there is anything to change."""
    from lora_lint.fixes import session

    files = _repaired(outcome, settings, repair, lint)
    changed = [file for file in files if file.after != file.before]
    write(b"".join(map(session.diff, changed)))
    for file in files:
        for line in file.left:
            complain(f"{file.path}: {line}")
    return 2 if outcome.failed else int(bool(changed))
