"""What the user states about runs, in settings and comments, added to the runs."""

from __future__ import annotations

from lora_lint.records import replace
from lora_lint.run.run import OwnModels
from lora_lint.run.values import alternatives

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lora_lint.linting.reading import Text
    from lora_lint.linting.suppression import Hint
    from lora_lint.run.run import Reading, Run
    from lora_lint.settings import Settings
    from lora_lint.source import Span


def with_own_models(reading: Reading, settings: Settings) -> Reading:
    """The runs with what the settings state about models, and the version of transformers that they name."""
    own = OwnModels(settings.models, settings.types)

    def described(run: Run) -> Run:
        version = settings.transformers or run.model.transformers
        return replace(run, model=replace(run.model, own=own, transformers=version))

    return reading.mapped(described)


def with_hints(reading: Reading, text: Text) -> Reading:
    """The runs with what the user states about them: the settings first, then the file's comments, which override them.

    A comment applies to the runs below it until the next one; runs above the first use the first. A comment that makes
    no sense becomes a note.
    """
    source, settings = text.source, text.settings
    valid: list[Hint] = []
    for hint in text.comments.hints if text.comments is not None else ():
        problem = _hint_problem(hint)
        if problem is None:
            valid.append(hint)
        else:
            text.notes.append(f"{source.path}:{source.locate(hint.span).line}: {problem}")

    def hinted(run: Run) -> Run:
        if not alternatives(run.model.name) and run.model.own_class is None and run.model.architecture is None:
            run = _with(run, "model", settings.model, None)
        run = _with(run, "task", settings.task, None)
        run = _with(run, "dataset-size", settings.dataset_size, None)
        run = _with(run, "gpu-memory", settings.gpu_memory, None)
        run = _with(run, "sweep-keeps", settings.sweep_keeps, None)
        for key in {hint.key for hint in valid}:
            of_key = [hint for hint in valid if hint.key == key]
            # A comment within the adapter's config applies to it too.
            end = run.adapter.span.end if run.adapter.span.path == source.path else run.span.start
            above = [hint for hint in of_key if hint.span.start <= max(run.span.start, end)]
            hint = above[-1] if above else of_key[0]
            run = _with(run, key, hint.value, hint.span)
        return run

    return reading.mapped(hinted)


def _hint_problem(hint: Hint) -> str | None:
    from lora_lint.settings import SWEEP_KEEPS, TASKS, did_you_mean

    if hint.key == "dataset-size" and not hint.value.replace("_", "").isdecimal():
        return f"`dataset-size={hint.value}` is ignored: it is not a number of training examples"
    if hint.key == "gpu-memory" and not _is_size(hint.value):
        return f"`gpu-memory={hint.value}` is ignored: it is not a number of GiB"
    if hint.key == "task" and hint.value not in TASKS:
        return f"`task={hint.value}` is ignored: no such task{did_you_mean(hint.value, TASKS)} ({', '.join(TASKS)})"
    if hint.key == "sweep-keeps" and hint.value not in SWEEP_KEEPS:
        suggestion = did_you_mean(hint.value, SWEEP_KEEPS)
        return f"`sweep-keeps={hint.value}` is ignored: it is neither `ratio` nor `step`{suggestion}"
    return None


def _is_size(text: str) -> bool:
    try:
        return 0 < float(text) < float("inf")
    except ValueError:
        return False


def _with(run: Run, key: str, value: Any, span: Span | None) -> Run:
    """`run` with one thing that the user states; None states nothing."""
    from lora_lint.run.values import Known

    if value is None:
        return run
    if key == "task":
        return replace(run, task=value)
    if key == "sweep-keeps":
        return replace(run, sweep_keeps=value)
    if key == "gpu-memory":
        return replace(run, gpu_memory=float(value))
    if key == "dataset-size":
        how = "a `# lora-lint: dataset-size=…` comment" if span else "the `dataset-size` setting"
        size = int(value.replace("_", "")) if isinstance(value, str) else value
        return replace(run, dataset=replace(run.dataset, size=Known(size, span, "setting"), how=how))
    return replace(run, model=replace(run.model, name=Known(value, span, "setting"), architecture=None))
