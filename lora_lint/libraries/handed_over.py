"""What a program gives a trainer of transformers or TRL that it cannot work with.

Source: transformers 5.23.0, trainer.py (`Trainer.__init__`, `get_train_dataloader`, `train`, `compute_loss`) and
data/data_collator.py; TRL 1.16.0, trainer/sft_trainer.py, dpo_trainer.py, grpo_trainer.py, kto_trainer.py and
reward_trainer.py.
"""

from __future__ import annotations

from lora_lint.interpreter.values import Const, ListVal, Object, Unparsed
from lora_lint.libraries import own_methods
from lora_lint.libraries.columns import columns_in
from lora_lint.libraries.context import view_of
from lora_lint.libraries.convert import argument_of, is_none, text_of
from lora_lint.libraries.rows import is_tokenizer
from lora_lint.run.flaws import (
    EndlessData,
    FormattedCompletions,
    MaskedModelling,
    MissingColumns,
    NoEvaluationData,
    NoLabels,
    NoPadding,
    NoPaddingId,
    OtherArguments,
    PlainAnswers,
    SameReference,
    TextForNumber,
    UnmeasuredBest,
    UnusedGeneration,
    UnusedLoading,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from lora_lint.interpreter.values import Arguments, Val
    from lora_lint.libraries.context import Context
    from lora_lint.run.flaws import Flaw
    from lora_lint.run.versions import Version
    from lora_lint.source import Span

_PLAIN = ("Trainer", "Seq2SeqTrainer")
_READS: dict[str, tuple[tuple[str, ...], ...]] = {
    **dict.fromkeys(("GRPOTrainer", "RLOOTrainer"), (("prompt",),)),
    **dict.fromkeys(("DPOTrainer", "ORPOTrainer", "CPOTrainer"), (("chosen", "rejected"),)),
    "RewardTrainer": (("chosen", "rejected"),),
    "KTOTrainer": (("prompt", "completion", "label"), ("chosen", "rejected")),
}
"""The columns that trainers read from text data: one of these sets."""
_OF_TEXTS = (("messages",), ("prompt", "completion"), ("conversations",), ("image",), ("images",))
"""Those that SFTTrainer reads, beside the one that `dataset_text_field` names."""
_PAD = {
    "transformers.DataCollatorForLanguageModeling": 0,
    "transformers.DataCollatorWithPadding": 0,
    "transformers.DataCollatorForSeq2Seq": 0,
}
"""Collators that pad, and the place of their tokenizer."""
_WITHOUT_LABELS = frozenset(
    {
        "transformers.default_data_collator",
        "transformers.DataCollatorWithPadding",
        "transformers.DataCollatorForSeq2Seq",
    }
)
"""Collators that make no labels."""
_BEYOND_TOKENS = frozenset({"input_ids", "attention_mask", "token_type_ids", "position_ids"})


def flaws_of(
    context: Context, trainer: str, arguments: Arguments, settings: Object | None, dataset: Val | None, span: Span
) -> Iterator[Flaw]:
    """All flaws that a call of a trainer shows."""
    if context.own is not None:
        yield from own_methods.old_methods(context.own, span)
    yield from own_methods.closed_callbacks(arguments.get("callbacks"), span)
    columns = None if b"set_transform" in context.records.text else columns_in(dataset)
    place = arguments.span("train_dataset", 3 if trainer in _PLAIN else None) or span
    if context.own is None:
        yield from own_methods.reward_flaws(
            trainer, arguments.get("reward_funcs", 1), columns, arguments.span("reward_funcs", 1) or span
        )
        if columns is not None:
            yield from _of_columns(trainer, arguments, settings, columns, place)
    loss = arguments.get("compute_loss_func")
    yield from own_methods.closed_loss(loss, arguments.span("compute_loss_func") or span)
    main = context.machine.main
    if arguments.open or settings is None or settings.arguments.open or main is None or span.path != main.source.path:
        return
    if context.own is None:
        yield from _of_models(trainer, arguments, settings, span)
    if trainer in _PLAIN and b"pad_token_id" not in context.records.text:
        yield from _of_classifiers(arguments, settings, span)
    yield from _of_settings(context, trainer, arguments, settings, dataset, place)
    if trainer in _PLAIN:
        yield from _of_collators(context, arguments, span)
    if b"labels" in context.records.text:
        from lora_lint.libraries.padded_labels import unpadded_labels_of

        unpadded = unpadded_labels_of(context, trainer, arguments, argument_of(settings, "per_device_train_batch_size"))
        if unpadded is not None:
            yield unpadded


_TAKES: dict[str, tuple[str, Version | None]] = {
    "DPOTrainer": ("DPOConfig", (0, 9, 2)),
    "GRPOTrainer": ("GRPOConfig", None),
    "KTOTrainer": ("KTOConfig", None),
    "RewardTrainer": ("RewardConfig", (0, 24, 0)),
}
"""The training arguments that a trainer reads settings of, and the first release that reads no others."""
_OLDER = frozenset({"beta", "max_length", "max_prompt_length", "loss_type", "tokenizer", "dataset_num_proc"})
"""Arguments of trainers that take any training arguments."""


def _of_models(trainer: str, arguments: Arguments, settings: Object, span: Span) -> Iterator[Flaw]:
    """Models and arguments that do not go together."""
    takes = _TAKES.get(trainer)
    kind, library = settings.callee.rpartition(".")[2], settings.callee.partition(".")[0]
    place = arguments.span("args") or span
    if takes is not None and library == "transformers" and kind == "TrainingArguments":
        if _OLDER.isdisjoint(arguments.keywords):
            yield OtherArguments(trainer, takes[0], place, takes[1])
        return
    model, reference = arguments.get("model", 0), arguments.get("ref_model", 1)
    view = view_of(model)
    if view is None or trainer in _PLAIN:
        return
    other = view_of(reference) if trainer in ("DPOTrainer", "KTOTrainer") else None
    if other is not None and other.record is view.record:
        yield SameReference(arguments.span("ref_model", 1) or span)
    loading = argument_of(settings, "model_init_kwargs")
    if loading is not None and not is_none(loading):
        yield UnusedLoading(kind, _place(loading, settings, span))


_WITHOUT_PADDING_ID = frozenset({"gpt2", "gpt_neox", "llama", "mistral", "mixtral", "qwen2", "qwen3"})
"""Types of models whose published configs name no token for padding."""
_ALIGNED = (4, 56, 0)
"""The first transformers whose Trainer copies the tokenizer's token into the model's config (trainer.py,
_align_special_tokens)."""


def _of_classifiers(arguments: Arguments, settings: Object, span: Span) -> Iterator[Flaw]:
    """Classifiers of texts that read the last token before the padding (transformers 5.23.0, modeling_layers.py,
    GenericForSequenceClassification)."""
    view, batch = view_of(arguments.get("model", 0)), argument_of(settings, "per_device_train_batch_size")
    loader = view.record.loader if view is not None else None
    name = text_of(view.record.name) if view is not None else None
    if name is None or not (loader or "").endswith("ForSequenceClassification"):
        return
    if isinstance(batch, Const) and batch.value == 1:
        return
    from lora_lint.knowledge.models import Clue, identify

    model = identify(name)
    if model is not None and model.how is not Clue.BASENAME and model.model_type in _WITHOUT_PADDING_ID:
        tokenizer = arguments.get("processing_class") or arguments.get("tokenizer")
        yield NoPaddingId(name, span, _ALIGNED if tokenizer is not None else None)


def _of_columns(
    trainer: str, arguments: Arguments, settings: Object | None, columns: frozenset[str], place: Span
) -> Iterator[Flaw]:
    """Columns that a trainer reads and the data lacks."""
    found = tuple(sorted(columns))
    if not columns.isdisjoint(_BEYOND_TOKENS):
        collator = arguments.get("data_collator", 2)
        no_labels = columns.isdisjoint({"labels", "label", "label_ids", "start_positions"})
        if trainer in _PLAIN and no_labels and _asks_for_labels(arguments) and _makes_no_labels(collator):
            yield NoLabels(found, place)
        return
    if any("input_ids" in name for name in columns):
        return
    for needed in _READS.get(trainer, ()):
        if columns.issuperset(needed):
            return
    if trainer in _READS:
        yield MissingColumns(trainer, _READS[trainer][0], found, place)
    elif trainer == "SFTTrainer" and settings is not None and not settings.arguments.open:
        yield from _of_texts(arguments, settings, columns, place)


def _asks_for_labels(arguments: Arguments) -> bool:
    """Whether the loss is that of a model of transformers with a head, which it computes from labels alone."""
    view = view_of(arguments.get("model", 0))
    loader = view.record.loader if view is not None and view.record.own_class is None else None
    return not arguments.open and arguments.get("compute_loss_func") is None and "For" in (loader or "")


def _makes_no_labels(collator: Val | None) -> bool:
    if collator is None or is_none(collator):
        return True
    name = collator.callee if isinstance(collator, Object) else getattr(collator, "qualified_name", "")
    return name in _WITHOUT_LABELS


def _of_texts(arguments: Arguments, settings: Object, columns: frozenset[str], place: Span) -> Iterator[Flaw]:
    """What SFTTrainer finds no text in."""
    named = argument_of(settings, "dataset_text_field") or Const("text")
    others = ("formatting_func", "data_collator", "dataset_text_field")
    if arguments.open or any(arguments.get(name) is not None for name in others):
        return
    if argument_of(settings, "dataset_kwargs") is not None or not isinstance(named, Const):
        return
    if named.value in columns or any(columns.issuperset(each) for each in _OF_TEXTS):
        return
    yield MissingColumns("SFTTrainer", (str(named.value),), tuple(sorted(columns)), place)


def _of_settings(
    context: Context, trainer: str, arguments: Arguments, settings: Object, dataset: Val | None, place: Span
) -> Iterator[Flaw]:
    """Settings that go together with other arguments of a trainer."""
    text = context.records.text
    generates = argument_of(settings, "predict_with_generate")
    if trainer == "Trainer" and context.own is None and _is_true(generates):
        yield UnusedGeneration(_place(generates, settings, place))
    for name in ("eval_strategy", "evaluation_strategy"):
        strategy = argument_of(settings, name)
        none = is_none(arguments.get("eval_dataset", 4 if trainer in _PLAIN else None) or Const(None))
        if text_of(strategy) in ("steps", "epoch") and none and b"eval_dataset" not in text and context.own is None:
            yield NoEvaluationData(name, _place(strategy, settings, place))
    if trainer in _PLAIN and context.own is None and b".compute_metrics" not in text:
        yield from _of_best(text, arguments, settings, place)
    if context.own is None:
        unchanged = tuple(name for name in _NUMBERS if name not in settings.attributes)
        yield from texts_for_numbers(context, settings.arguments, unchanged, settings.span or place)
    steps = argument_of(settings, "max_steps")
    streamed = isinstance(dataset, Object) and _is_true(dataset.arguments.get("streaming"))
    if steps is None and streamed and b"max_steps" not in text:
        yield EndlessData(place)
    if trainer == "SFTTrainer":
        only, formatted = argument_of(settings, "completion_only_loss"), arguments.span("formatting_func")
        if _is_true(only) and formatted is not None and not is_none(arguments.get("formatting_func")):
            yield FormattedCompletions(formatted, _place(only, settings, place))
        asked, columns = argument_of(settings, "assistant_only_loss"), columns_in(dataset)
        plain = columns is not None and columns.isdisjoint({"messages", "conversations", "prompt", "input_ids"})
        if _is_true(asked) and plain and columns is not None:
            yield PlainAnswers(tuple(sorted(columns)), _place(asked, settings, place))


_NUMBERS = ("learning_rate", "weight_decay", "adam_epsilon", "max_grad_norm")
"""Training arguments that are compared with a number before the first step (torch 2.13, optim/adamw.py)."""
_CONVERTING = (b"pydantic", b"OmegaConf", b"dacite", b"msgspec", b"tyro", b"set_defaults", b"resolver")
"""Signs that something converts the values of a file."""


def texts_for_numbers(context: Context, arguments: Arguments, names: tuple[str, ...], span: Span) -> Iterator[Flaw]:
    """Arguments that are texts where a number belongs, in a program that shows nothing which converts them."""
    if any(each in context.records.text for each in _CONVERTING):
        return
    for name in names:
        given, where = arguments.keywords.get(name), arguments.span(name) or span
        if isinstance(given, Unparsed):
            yield TextForNumber(name, f"{given.value:g}", where, given.span)
        elif isinstance(given, Const) and isinstance(given.value, str) and _is_number(given.value):
            yield TextForNumber(name, given.value, where)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


_WITHOUT_MEASURING = frozenset({"transformers.EarlyStoppingCallback", "transformers.PrinterCallback"})
"""Callbacks that add nothing to what an evaluation has measured."""


def _of_best(text: bytes, arguments: Arguments, settings: Object, place: Span) -> Iterator[Flaw]:
    """A best checkpoint by what is not measured (transformers 5.23.0, trainer.py, _determine_best_metric; before
    4.46 in _save_checkpoint)."""
    wanted = argument_of(settings, "metric_for_best_model")
    metric = (text_of(wanted) or "").removeprefix("eval_")
    strategy = argument_of(settings, "eval_strategy") or argument_of(settings, "evaluation_strategy")
    if not metric or "loss" in metric or text_of(strategy) not in ("steps", "epoch"):
        return
    callbacks, measure = arguments.get("callbacks"), arguments.keywords.get("compute_metrics")
    others = callbacks.items if isinstance(callbacks, ListVal) else [] if callbacks is None else [callbacks]
    if b"add_callback" in text or len(arguments.positional) > _LAST_BY_PLACE:
        return
    if any(not isinstance(each, Object) or each.callee not in _WITHOUT_MEASURING for each in others):
        return
    measured = None
    if measure is not None and not is_none(measure):
        measured = own_methods.returned_keys(measure)
        if measured is None or metric in {key.removeprefix("eval_") for key in measured}:
            return
    elif metric.endswith(_OF_SPEED):
        return
    yield UnmeasuredBest(metric, measured, _place(wanted, settings, place))


_LAST_BY_PLACE = 6
"""Trainer's parameters before those whose places differ between releases."""
_OF_SPEED = ("runtime", "_per_second", "_time", "num_tokens")
"""The ends of what each evaluation measures beside the loss (trainer_utils.py, speed_metrics)."""


def _is_true(value: Val | None) -> bool:
    return isinstance(value, Const) and value.value is True


def _place(value: Val | None, settings: Object, otherwise: Span) -> Span:
    """Where a setting is written."""
    span = getattr(value, "span", None)
    return span if span is not None and span.path == otherwise.path else settings.span or otherwise


def _of_collators(context: Context, arguments: Arguments, span: Span) -> Iterator[Flaw]:
    """Collators that need a token which the tokenizer lacks."""
    collator, text = arguments.get("data_collator", 2), context.records.text
    if not isinstance(collator, Object) or collator.callee not in _PAD or collator.arguments.open:
        return
    place = arguments.span("data_collator", 2) or span
    place = collator.span if collator.span is not None and collator.span.path == span.path else place
    tokenizer = collator.arguments.get("tokenizer", 0)
    name = _name_of(tokenizer)
    if name is None or not isinstance(tokenizer, Object) or tokenizer.span is None or tokenizer.span.path != span.path:
        return  # another file may have given it tokens
    from lora_lint.knowledge.names import has_no_mask_token, has_no_pad_token

    if collator.callee.endswith("LanguageModeling") and has_no_mask_token(name):
        asked = collator.arguments.get("mlm", 1)
        if (asked is None or _is_true(asked)) and b"mask_token" not in text:
            yield MaskedModelling(name, place)
            return
    if (
        "pad_token" not in tokenizer.attributes
        and has_no_pad_token(name)
        and not any(each in text for each in _GIVING_PADDING)
    ):
        yield NoPadding(name, place)


_GIVING_PADDING = (b"pad_token", b"unsloth", b"setup_chat_format", b"add_special_tokens(", b"[PAD]", b"<pad>")
"""Signs that a program gives its tokenizer a token for padding."""


def _name_of(tokenizer: Val | None) -> str | None:
    """The name of the model whose tokenizer it is."""
    if not isinstance(tokenizer, Object) or not is_tokenizer(tokenizer) or tokenizer.arguments.open:
        return None
    return text_of(tokenizer.arguments.get("pretrained_model_name_or_path", 0))
