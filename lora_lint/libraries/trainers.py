"""Trainers of any library, including transformers' and TRL's: what they train, on what, and with which arguments."""

from __future__ import annotations

from lora_lint.interpreter.definitions import Function, Instance
from lora_lint.interpreter.values import Arguments, Const, Either, ListVal, Object, Opaque, Val
from lora_lint.knowledge import training_arguments
from lora_lint.libraries import rows, trl
from lora_lint.libraries.context import Context, config_of, nothing, record_of, view_of, views_of
from lora_lint.libraries.convert import is_none, text_of
from lora_lint.libraries.effects import ModelRecord, TrainingRecord
from lora_lint.libraries.peft import answers, saved
from lora_lint.libraries.torch import has_other_aim
from lora_lint.run.events import MakeOptimizer, Train
from lora_lint.run.problems import UnknownKey
from lora_lint.run.run import TrainerSetup
from lora_lint.run.values import ABSENT, Choices, Known, Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.interpreter.definitions import Class
    from lora_lint.knowledge.training_arguments import Gone
    from lora_lint.run.flaws import Flaw
    from lora_lint.run.run import DoubleStart, Formatter, MaskedEnd, Method, PaddedLabels, TextReward
    from lora_lint.run.values import Value
    from lora_lint.source import Span

_OF_TRAINERS = frozenset({"train_dataset", "peft_config"})
METHODS: dict[str, Method] = {"Trainer": "supervised", "Seq2SeqTrainer": "supervised", **trl.METHODS}


def method_of(trainer: str) -> Method:
    """The kind of training that a trainer class does, from its name."""
    name = trainer.rpartition(".")[2]
    if name in METHODS:
        return METHODS[name]
    upper = name.upper()
    if any(word in upper for word in ("PPO", "GRPO", "RLOO", "DAPO", "REINFORCE")):
        return "rl"
    if any(word in upper for word in ("DPO", "KTO", "ORPO", "SIMPO", "CPO", "REWARD", "PREFERENCE")):
        return "preference"
    return "supervised" if "SFT" in upper else "unknown"


def _method_of_own(own: Class | None, inherited: Method) -> Method:
    """The kind of training that a trainer of the program's own does, which may compute another loss."""
    named = inherited if own is None else method_of(own.node.name)
    loss = None if own is None else own.lookup("compute_loss")
    if named in ("preference", "rl"):
        return named
    return "unknown" if isinstance(loss, Function) and has_other_aim(loss.text()) else inherited


def _evaluates(own: Class) -> bool:
    """Whether a trainer of the program's own may measure something else than the class that it is made of."""
    parts = ("prediction_step", "evaluate", "evaluation_loop", "_maybe_log_save_evaluate", "_save_checkpoint")
    return b"label_names" in own.text() or any(isinstance(own.lookup(part), Function) for part in parts)


def is_trainer(name: str, arguments: Arguments) -> bool:
    """Whether a class is a trainer: `…Trainer`, or one whose name goes on (`SFTTrainerGen`) and that gets data to train
    on."""
    short = name.rpartition(".")[2]
    if "Trainer" not in short or not short[:1].isupper():
        return False
    return short.endswith("Trainer") or not _OF_TRAINERS.isdisjoint(arguments.keywords)


def trainer(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`…Trainer(model=…, args=…, train_dataset=…, peft_config=…)`."""
    short = name.rpartition(".")[2]
    if context.own is not None:
        context.records.read_too(context.own.text())
    model = arguments.get("model", 0)
    config = arguments.get("peft_config") or arguments.get("lora_config")
    if config is None:
        config = next((value for value in arguments.positional[1:] if config_of(value) is not None), None)
    given = arguments.get("args") or arguments.get("training_args") or arguments.get("config")
    if not isinstance(given, Object):
        given = next((v for v in arguments.positional[1:] if isinstance(v, Object) and is_arguments(v.callee)), None)
    dataset = arguments.get("train_dataset") or arguments.get("dataset")
    if dataset is None and isinstance(arguments.keywords.get("train_dataset"), type(None)):
        dataset = next((v for v in arguments.positional[2:] if isinstance(v, Object) and v.data is not None), None)
    if isinstance(dataset, ListVal | Instance):
        dataset = rows.of_any(context, dataset, span) or dataset
    record = TrainingRecord(
        short,
        _method_of_own(context.own, method_of(short)),
        span,
        given if isinstance(given, Object) else None,
        dataset,
        values=_own_optimizer(arguments.get("optimizers"), span),
        conditions=tuple(context.machine.conditions),
        pin=trl.pin_of_call(short, arguments),
        alone=trl.has_no_reference(short, arguments, given),
        bare=short in METHODS and context.own is None and config is None and not arguments.open,
        gone=_gone(short, arguments),
        setup=TrainerSetup(
            replaced=trl.is_replaced(context),
            reference=trl.refused_reference(short, arguments, given) if config_of(config) is not None else None,
            formatter=_formatter(short, arguments),
            text_rewards=_text_rewards(context, short, arguments),
            early=trl.imported_early(context, short),
            masked_end=_masked_end(context, short, arguments, span),
            padded_labels=_padded_labels(context, short, arguments),
            double_start=_double_start(context, short, arguments, given if isinstance(given, Object) else None),
            own_evaluation=context.own is not None and _evaluates(context.own),
            flaws=_flaws(context, short, arguments, given if isinstance(given, Object) else None, dataset, span),
        ),
    )
    name_ = text_of(model)
    if name_ is not None and isinstance(model, Const):
        loaded = ModelRecord(model, trl.LOADERS.get(short, "AutoModelForCausalLM"))
        model = context.model(span, short, arguments, loaded)
    if isinstance(config, Either | Object) and (config_of(config) is not None or isinstance(config, Either)):
        model = context.wrap(model, config, span)
    if not (is_none(dataset) and arguments.get("eval_dataset") is not None and not arguments.open):
        trained_by(context, model, record)  # others only evaluate
    return Object(name, arguments, span, record, {} if model is None else {"model": model})


def _formatter(trainer: str, arguments: Arguments) -> Formatter | None:
    if trainer != "SFTTrainer" or "formatting_func" not in arguments.keywords:
        return None
    from lora_lint.libraries.formatters import formatter_of

    return formatter_of(arguments)


def _text_rewards(context: Context, trainer: str, arguments: Arguments) -> tuple[TextReward, ...]:
    if trainer not in ("GRPOTrainer", "RLOOTrainer"):
        return ()
    from lora_lint.libraries.rewards import text_rewards_of

    return text_rewards_of(context, arguments)


def _flaws(
    context: Context, trainer: str, arguments: Arguments, settings: Object | None, dataset: Val | None, span: Span
) -> tuple[Flaw, ...]:
    if trainer not in METHODS:
        return ()
    from lora_lint.libraries.handed_over import flaws_of

    return tuple(flaws_of(context, trainer, arguments, settings, dataset, span))


def _masked_end(context: Context, trainer: str, arguments: Arguments, span: Span) -> MaskedEnd | None:
    if b"eos_token" not in context.records.text:
        return None
    from lora_lint.libraries.end_tokens import masked_end_of

    return masked_end_of(context, trainer, arguments, span)


def _padded_labels(context: Context, trainer: str, arguments: Arguments) -> PaddedLabels | None:
    if b"max_length" not in context.records.text or b"labels" not in context.records.text:
        return None
    from lora_lint.libraries.padded_labels import padded_labels_of

    return padded_labels_of(context, trainer, arguments)


def _double_start(context: Context, trainer: str, arguments: Arguments, settings: Object | None) -> DoubleStart | None:
    if b"apply_chat_template" not in context.records.text or b"tokenize" not in context.records.text:
        return None
    from lora_lint.libraries.start_tokens import double_start_of

    return double_start_of(context, trainer, arguments, settings)


def no_longer_taken(keyword: str, span: Span, owner: str, gone: Gone) -> UnknownKey:
    """A keyword that a class no longer takes."""
    others = (gone.other,) if gone.other else ()
    return UnknownKey(keyword, span, owner, others, "raises a TypeError", gone.instead, gone.since, gone.package)


def _gone(trainer: str, arguments: Arguments) -> tuple[UnknownKey, ...]:
    """The keywords of a call that newer releases of its trainer do not take."""
    given = (
        (name, arguments.span(name), training_arguments.gone_from_call(trainer, name)) for name in arguments.keywords
    )
    return tuple(
        no_longer_taken(name, span, trainer, gone)
        for name, span, gone in given
        if span is not None and gone is not None
    )


def _own_optimizer(given: Val | None, span: Span) -> dict[str, Val]:
    """The optimizer and the rate in `optimizers=(optimizer, scheduler)`, which override the trainer's arguments."""
    first = given.items[0] if isinstance(given, ListVal) and given.items else given
    if is_none(first):
        return {}
    why = Opaque("the trainer receives an optimizer", span)
    training = record_of(first, TrainingRecord)
    made = training.values if training is not None else {}
    return {"optimizer": made.get("optimizer", why), "learning_rate": made.get("learning_rate", why)}


def method(context: Context, owner: Object, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`.train()` starts training on the trainer's model."""
    if name in ("train", "step", "fit", "finetune"):
        resumes = _resumes(owner, arguments, span) if name == "train" else ABSENT
        for view in views_of(owner.attributes.get("model")):
            single = name == "step" and context.once(view.record)
            context.happen(view.record, Train(span, resumes=resumes, single=single))
        return Object("training output", arguments, span)
    if name == "add_param_group":
        for record in {id(each): each for each in context.records.all_models()}.values():
            context.happen(record, MakeOptimizer(span, sure=False))
        return nothing(span)
    if name == "save_model" and isinstance(owner.data, TrainingRecord) and owner.data.trainer in METHODS:
        trained = view_of(owner.attributes.get("model"))
        if trained is not None:
            folder = arguments.get("output_dir", 0)
            given = Arguments([] if folder is None else [folder], {}, {})
            saved(context, trained, given, span, by_trainer=True)
        return nothing(span)
    if name in ("evaluate", "predict"):
        for view in views_of(owner.attributes.get("model")):
            answers(context, view, span)
        return nothing(span) if name == "evaluate" else None
    if name in ("save_model", "save_state", "add_callback", "log_metrics", "push_to_hub"):
        return nothing(span)
    return None


def scaler_method(context: Context, owner: Object, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`GradScaler().step(optimizer)` is a step of the optimizer."""
    del owner
    stepped = arguments.get("optimizer", 0)
    if name == "step" and isinstance(stepped, Object) and isinstance(stepped.data, TrainingRecord):
        return method(context, stepped, "step", Arguments([], {}, {}), span)
    return None


def _resumes(owner: Object, arguments: Arguments, span: Span) -> Value[bool]:
    """Whether `trainer.train(resume_from_checkpoint=…)` goes on from a checkpoint: a folder or True, not None or False.

    The training arguments have such a setting too, which only programs hand on.
    """
    given = arguments.get("resume_from_checkpoint", 0)
    if not isinstance(owner.data, TrainingRecord) or owner.data.trainer not in METHODS or given is None:
        return ABSENT
    if isinstance(given, Const):
        return Known(bool(given.value), given.span or span, given.origin)
    options = given.options if isinstance(given, Either) else (given,)
    if any(isinstance(each, Object) and each.callee.endswith("get_last_checkpoint") for each in options):
        return Choices((Known(True, span), Known(False, span)))  # whatever the last run has left
    return Unknown("the program decides it", span)


def is_arguments(name: str) -> bool:
    """Whether a class holds training arguments, by its name."""
    short = name.rpartition(".")[2]
    return short.endswith("TrainingArguments") or short in trl.ARGUMENTS


def trained_by(context: Context, model: Val | None, training: TrainingRecord) -> None:
    """Ties a trainer to the models it receives."""
    for view in views_of(model):
        context.trains(view.record, training)
