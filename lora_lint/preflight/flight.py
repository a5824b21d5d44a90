"""A program on its way to its first training step: what it makes is noted, and the step ends it.

Source: torch 2.13 (optim/optimizer.py), transformers 5.23.0 (trainer.py, training_args.py), PEFT 0.21.2 (peft_model.py,
tuners/tuners_utils.py).
"""

from __future__ import annotations

import os
import sys
import weakref
from typing import TYPE_CHECKING, Any

from lora_lint.api import settings_from
from lora_lint.guarding import steps
from lora_lint.guarding.checking import examine
from lora_lint.guarding.places import Line, Places, calling_line, source_of, span_of
from lora_lint.guarding.state import state_of
from lora_lint.guarding.subject import NoAdapterError, subject_of
from lora_lint.preflight import hooks
from lora_lint.preflight.exchange import FILES, Result, answer, options_in
from lora_lint.records import replace

if TYPE_CHECKING:
    from lora_lint.guarding.subject import Subject
    from lora_lint.preflight.exchange import End

_MOST_WRITTEN = 20
_NO_GPU = "This machine has no GPU: `fp16` is left out"
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_OWN = ("__pycache__", os.sep + ".")
"""In the paths of files that interpreters and tools write for themselves."""


class Flight:
    """What a program has made so far. It ends the process at the first step of an optimizer.

    `is_child`: the program has started the process itself, which then ends with an error, so that the program does not
    go on as if it had trained.
    """

    def __init__(self, folder: str, is_child: bool = False) -> None:
        self._folder = folder
        self._is_child = is_child
        self._options = options_in(folder)
        self._models: list[weakref.ref[Any]] = []
        self._trainer: Any = None
        self._lines: weakref.WeakKeyDictionary[Any, Line] = weakref.WeakKeyDictionary()
        self._written: dict[str, None] = {}
        self._dropped_fp16 = False

    def prepare(self) -> None:
        """Puts the hooks in, and leads what the program writes into the temporary folder where that is possible."""
        hooks.install(
            {
                "torch.optim.optimizer": self._change_optimizers,
                "peft.peft_model": lambda peft: hooks.after(peft.PeftModel, "__init__", self._note_model),
                "peft.tuners.tuners_utils": lambda peft: hooks.after(peft.BaseTuner, "__init__", self._note_tuner),
                "transformers.training_args": self._change_arguments,
                "transformers.trainer": lambda module: hooks.before(module.Trainer, "train", self._note_trainer),
            }
        )
        files = os.path.join(self._folder, FILES)
        os.environ.update(
            {
                "WANDB_MODE": "disabled",
                "COMET_MODE": "disabled",
                "CLEARML_OFFLINE_MODE": "1",
                "MLFLOW_TRACKING_URI": f"file:{files}/mlflow",
                "TRACKIO_DIR": f"{files}/trackio",
            }
        )
        sys.addaudithook(self._see_writing)

    def finish(self, end: End, error: str = "", missing: str = "") -> None:
        """Leaves the result for a program that has not reached a step; what it has made is judged all the same."""
        result = self._result(None, end, end)
        self._answer(replace(result, error=result.error or error, missing=missing))

    # what the hooks call

    def _change_optimizers(self, module: Any) -> None:
        module.register_optimizer_step_pre_hook(
            lambda optimizer, given, named: steps.before_step(given, named, lambda: self._step(optimizer))
        )
        hooks.after(module.Optimizer, "__init__", lambda optimizer, *_, **__: self._note(optimizer))

    def _note_model(self, model: Any, *_: Any, **__: Any) -> None:
        self._models.append(weakref.ref(model))
        self._note(model)

    def _note_tuner(self, tuner: Any, *_: Any, **__: Any) -> None:
        self._models.append(weakref.ref(tuner.model))
        self._note(tuner.model)

    def _note_trainer(self, trainer: Any, *_: Any, **__: Any) -> None:
        self._trainer = trainer

    def _note(self, made: Any) -> None:
        self._lines[made] = calling_line()

    def _change_arguments(self, module: Any) -> None:
        hooks.before(module.TrainingArguments, "__post_init__", self._fit_machine)
        hooks.after(module.TrainingArguments, "__post_init__", self._redirect)

    def _fit_machine(self, arguments: Any, *_: Any, **__: Any) -> None:
        """Lets a training for a GPU start where there is none: transformers refuses its arguments, and the first step
        shows the same on a CPU."""
        import torch

        devices = getattr(torch, "accelerator", torch.cuda)  # from torch 2.6
        if not devices.is_available():
            self._dropped_fp16 |= arguments.fp16
            arguments.use_cpu, arguments.fp16, arguments.tf32 = True, False, None

    def _redirect(self, arguments: Any, *_: Any, **__: Any) -> None:
        name = os.path.basename(os.path.normpath(str(arguments.output_dir or "output")))
        arguments.output_dir = os.path.join(self._folder, FILES, name)
        arguments.push_to_hub = False
        arguments.report_to = []

    def _see_writing(self, event: str, arguments: Any) -> None:
        path = _written_path(event, arguments)
        if path is None or len(self._written) >= _MOST_WRITTEN:
            return
        full = os.path.abspath(path)
        if full.startswith(os.getcwd() + os.sep) and not full.startswith(self._folder) and not _is_own(full):
            self._written[full] = None

    def _step(self, optimizer: Any) -> None:
        """The first step: judges, and ends the process before anything is trained. Nothing of the program runs any
        more, so that nothing is saved on the way out."""
        try:
            self._answer(self._result(optimizer, "step", "no-adapter"))
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(int(self._is_child))

    # judging

    def _result(self, optimizer: Any, end: End, without: End) -> Result:
        """What is to be said of the training; `without`: how the program ends where there is no adapter. Never raises:
        the program would catch it, and train."""
        try:
            subject = self._subject(optimizer)
            return Result(without) if subject is None else self._judged(subject, end, calling_line())
        except Exception as error:  # a bug, or a model that is built in a way that nobody has seen
            return Result("not-judged", error=first_line_of(error))

    def _subject(self, optimizer: Any) -> Subject | None:
        """The training that a step belongs to: that of the trainer which runs, or of the model whose parameters the
        optimizer has."""
        targets = [] if self._trainer is None else [self._trainer]
        models = [model for each in reversed(self._models) if (model := each()) is not None]
        held = {id(each) for group in getattr(optimizer, "param_groups", ()) for each in group["params"]}
        models.sort(key=lambda model: held.isdisjoint(map(id, model.parameters())))
        found = (_subject_with_adapter(target, optimizer) for target in (*targets, *models))
        return next((subject for subject in found if subject is not None), None)

    def _judged(self, subject: Subject, end: End, line: Line) -> Result:
        source = source_of(line)
        places = Places(
            span_of(line, source),
            self._span(subject.model, line),
            self._span(next(iter(subject.optimizers), None), line),
        )
        gradients = steps.gradients_of(state_of(subject)) if end == "step" else None
        extra = tuple(steps.findings_of(gradients, subject, places)) if gradients is not None else ()
        report = examine(subject, settings_from(self._options), places, source, extra)
        assert report.outcome is not None
        notes = (*report.notes, *(steps.notes_of(gradients) if gradients is not None else ()))
        return Result(end, report.outcome.findings, report.runs, source.path, notes, report.facts)

    def _span(self, made: Any, otherwise: Line) -> Any:
        """Where an object was made."""
        line = self._lines.get(made, otherwise) if made is not None else otherwise
        return span_of(line, source_of(line))

    def _answer(self, result: Result) -> None:
        name = f"child-{os.getpid()}" if self._is_child else f"rank-{os.environ.get('RANK', '0')}"
        written = tuple(os.path.relpath(path) for path in self._written if os.path.isfile(path))
        notes = (*result.notes, _NO_GPU) if self._dropped_fp16 else result.notes
        answer(self._folder, name, replace(result, notes=notes, written=written))


def _subject_with_adapter(target: Any, optimizer: Any) -> Subject | None:
    try:
        return subject_of(target, optimizer)
    except NoAdapterError:
        return None


def _written_path(event: str, arguments: Any) -> str | None:
    """The file that an audit event writes, or gives its name to."""
    if event == "open":
        path, mode, flags = arguments
        writes = any(letter in mode for letter in "wax+") if isinstance(mode, str) else bool((flags or 0) & _WRITING)
    elif event == "os.rename":
        path, writes = arguments[1], True
    else:
        return None
    return path if writes and isinstance(path, str) else None


def first_line_of(error: BaseException) -> str:
    """An exception as Python names it, without the lines after the first."""
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _is_own(path: str) -> bool:
    return any(part in path for part in _OWN)
