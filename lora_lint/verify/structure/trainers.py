"""LL412, LL419: what the trainers of TRL and transformers refuse, made and started with a sized-down model.

What they refuse depends on classes and names, so that small random weights show it as well as the run's own.
"""

from __future__ import annotations

import contextlib
import importlib.util
import tempfile
import time
from pathlib import Path
from traceback import walk_tb
from typing import TYPE_CHECKING, Any

from lora_lint.finding import Verdict
from lora_lint.records import replace
from lora_lint.run import events
from lora_lint.run.values import Known
from lora_lint.verify.experiment import Skip
from lora_lint.verify.measurement import bench, proxy
from lora_lint.verify.structure.replay import replay
from lora_lint.verify.structure.skeleton import peft_config, possible, same_version, skipping
from lora_lint.verify.weights import device_of, in_one_line, name_of, quiet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.finding import Status
    from lora_lint.run.run import Run
    from lora_lint.verify.experiment import FindingCase
    from lora_lint.verify.measurement.bench import Bench

_ROWS: dict[str, list[dict[str, Any]]] = {
    "SFTTrainer": [{"text": "a b c"}],
    "RewardTrainer": [{"chosen": "a b", "rejected": "a c"}],
    "DPOTrainer": [{"prompt": "a", "chosen": "b", "rejected": "c"}],
    "KTOTrainer": [
        {"prompt": "a", "completion": "b", "label": True},
        {"prompt": "a", "completion": "c", "label": False},
    ],
}
"""TRL's trainers that need no more than a model and examples, with examples of the form that each takes."""
_TOKENS = ("<pad>", "<s>", "</s>", "<unk>", "a", "b", "c")
_LANGUAGE = ("causal-lm", "image-text-to-text", "seq2seq-lm")
_IDS = [1, 4, 5, 6]


def adapter_config_twice(case: FindingCase) -> Verdict:
    """LL412: whether TRL makes the trainer with the run's adapters, although it does so with a single one that leaves
    the head alone."""
    start = time.monotonic()
    run = next(possible(case.run))
    trainer = run.training.trainer or ""
    if trainer not in _ROWS:
        raise Skip(f"lora-lint does not construct {trainer or 'this trainer'}")
    if importlib.util.find_spec("trl") is None:
        raise Skip("TRL is not installed (`pip install trl`)")
    same_version(run, "trl")
    case.say(f"making TRL's {trainer}")
    refusal = _trl_refuses(case, run)
    if refusal is None:
        return _verdict(start, run, "refuted", f"TRL makes its {trainer} with this model and its adapters")
    with_less = _trl_refuses(case, _with_one_adapter(run))
    if with_less is not None:
        raise Skip(f"TRL refuses its {trainer} with a single adapter that leaves the head alone too: {with_less}")
    reason = f"TRL raises {refusal}; with a single adapter that leaves the head alone it does not"
    return _verdict(start, run, "confirmed", reason)


def _with_one_adapter(run: Run) -> Run:
    """The run with its last adapter alone, on all linear layers, which leave out the head."""
    last = [event for event in run.events if isinstance(event, events.Wrap)][-1:]
    adapter = replace(run.adapter, target_modules=Known("all-linear"))
    return replace(run, adapter=adapter, events=tuple(last))


def _trl_refuses(case: FindingCase, run: Run) -> str | None:
    """The ValueError that TRL itself raises when the trainer is made; None if it is made. Raises Skip."""
    import datasets
    import trl

    trainer = run.training.trainer or ""
    places = [
        place
        for place, event in enumerate(run.events)
        if isinstance(event, events.Wrap) and event.span == run.training.span
    ]
    before = run.events[: places[0]] if places else run.events
    with skipping():
        model = _adapted(case, replace(run, events=before)).model
        own = peft_config(run.adapter, inference_mode=False) if places else None
    with tempfile.TemporaryDirectory() as folder, quiet(), _without_bars(datasets):
        settings = getattr(trl, trainer.replace("Trainer", "Config"))(folder, **_settings(case))
        rows = datasets.Dataset.from_list(_ROWS[trainer])
        try:
            getattr(trl, trainer)(
                model=model, args=settings, train_dataset=rows, processing_class=_tokenizer(), peft_config=own
            )
        except Exception as error:
            if _raised_by(error, "trl"):
                return f"{type(error).__name__}: {in_one_line(error)}"
            raise Skip(f"{trainer} cannot be made: {in_one_line(error)}") from error
    return None


def resume_of_add_adapter(case: FindingCase) -> Verdict:
    """LL419: whether Trainer goes on from a checkpoint that it has written itself, after one step."""
    start = time.monotonic()
    run = next(possible(case.run))
    case.say("saving and resuming a sized-down model")
    with tempfile.TemporaryDirectory() as folder, quiet():
        _train(case, run, folder, 1)
        checkpoint = Path(folder, "checkpoint-1")
        saved = "adapter_config.json" in {each.name for each in checkpoint.iterdir()}
        what = "the adapter alone" if saved else "the whole model"
        try:
            _train(case, run, folder, 2, str(checkpoint))
        except ValueError as error:
            if not _raised_by(error, "transformers"):
                raise
            # The folder is a temporary one: its name says nothing to the user.
            why = f"{type(error).__name__}: {in_one_line(error).replace(folder, 'out')}"
            return _verdict(start, run, "confirmed", f"the checkpoint holds {what}, and Trainer raises {why}")
    return _verdict(start, run, "refuted", f"the checkpoint holds {what}, and Trainer goes on from it")


def _train(case: FindingCase, run: Run, folder: str, steps: int, checkpoint: str | None = None) -> None:
    """Trains the run's adapter on a fresh sized-down model up to a number of steps, and writes a checkpoint after each.
    Raises what Trainer raises, and Skip."""
    from transformers import PrinterCallback, Trainer, TrainingArguments

    with skipping():
        at = _adapted(case, run)
    if at.head not in (*_LANGUAGE, "seq-cls"):
        raise Skip(f"only language models and classifiers of texts are trained, and this is {at.head}")
    labels = _IDS if at.head in _LANGUAGE else 0
    arguments = TrainingArguments(
        folder, max_steps=steps, save_steps=1, per_device_train_batch_size=1, disable_tqdm=True, **_settings(case)
    )
    trainer = Trainer(model=at.model, args=arguments, train_dataset=[{"input_ids": _IDS, "labels": labels}] * 2)
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=checkpoint)


def _adapted(case: FindingCase, run: Run) -> Bench:
    """A sized-down model with the adapters that the run's events put on it. Raises what PEFT raises, and Skip."""
    device = device_of(case.options.device)
    config = proxy.sized_down(run, name_of(run))
    at = bench.stand_in(config, run, device, 1, "only models of text are trained here")
    if any(isinstance(event, events.Wrap | events.LoadAdapter) for event in run.events):
        at.model = replay(at.model, run)
    return at


def _settings(case: FindingCase) -> dict[str, Any]:
    """What trainers need to run anywhere, and to report to nobody."""
    on_cpu = device_of(case.options.device) == "cpu"
    return {"report_to": [], "use_cpu": on_cpu, "bf16": False, "gradient_checkpointing": False}


def _tokenizer() -> Any:
    """A tokenizer of a few words, with the special tokens that trainers ask for."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({token: number for number, token in enumerate(_TOKENS)}, unk_token=_TOKENS[3]))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    special = dict(zip(("pad_token", "bos_token", "eos_token", "unk_token"), _TOKENS, strict=False))
    return PreTrainedTokenizerFast(tokenizer_object=words, **special)


@contextlib.contextmanager
def _without_bars(datasets: Any) -> Iterator[None]:
    shown = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()


def _raised_by(error: Exception, package: str) -> bool:
    """Whether a package refuses something itself: the ValueError comes from its own code."""
    last = [frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__)][-1]
    return isinstance(error, ValueError) and last.partition(".")[0] == package


def _verdict(start: float, run: Run, status: Status, reason: str) -> Verdict:
    measured = {"model": f"a sized-down {name_of(run)} with random weights"}
    return Verdict(status, reason, measured, "cpu", time.monotonic() - start)
