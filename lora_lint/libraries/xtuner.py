"""xtuner's configs: programs of `dict(type=…, …)`, from which its runner builds the model, the data and the training.

Source: xtuner 0.2.0, model/{sft,llava,utils}.py, dataset/{huggingface,llava}.py and tools/train.py. Every linear layer
but the head is adapted where no targets are given (find_all_linear_names).
"""

from __future__ import annotations

from lora_lint.interpreter.definitions import Class, Function
from lora_lint.interpreter.values import Arguments, Const, DictVal, External, ListVal, Object, Opaque, constant
from lora_lint.libraries import datasets, peft, transformers
from lora_lint.libraries.context import Manner, config_of
from lora_lint.libraries.effects import DatasetRecord, ModelRecord, TrainingRecord
from lora_lint.run.run import TrainerSetup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.interpreter.definitions import Scope
    from lora_lint.interpreter.values import Val
    from lora_lint.libraries.context import Context
    from lora_lint.libraries.effects import Records
    from lora_lint.run.run import Method
    from lora_lint.source import Span

_ADAPTED = {"lora": "llm", "llm_lora": "llm", "visual_encoder_lora": "visual_encoder"}
"""Keys of a model's dict: an adapter, and the model that it goes onto."""
_PARTS = ("llm", "visual_encoder")
_NO_MODELS = ("Tokenizer.from_pretrained", "Processor.from_pretrained")
_PREFERENCE = frozenset({"DPO", "ORPO", "RewardModel"})


def typed_dict(context: Context, arguments: Arguments, span: Span) -> Val | None:
    """What a `dict(type=…)` builds; None if it reveals nothing about models and data, so that it stays a dict."""
    type_ = arguments.keywords["type"]
    name = type_.name if isinstance(type_, External) else ""
    short = _short(type_)
    if name.startswith("xtuner."):
        context.records.add_checked("xtuner", Object(short, arguments, span))
    if name.startswith("peft.") and short in peft.CONFIGS:
        return context.config(short, arguments, span, "xtuner")
    if name.endswith(".from_pretrained") and not name.endswith(_NO_MODELS):
        return transformers.from_pretrained(context, name, _nested(arguments), span)
    if name == "datasets.load_dataset":
        return datasets.load_dataset(context, name, arguments, span)
    if short == "process_hf_dataset":
        return _processed(arguments, span)
    if short == "ConcatDataset":
        return datasets.concatenate(
            context, short, Arguments([arguments.get("datasets") or ListVal([], span)], {}, {}), span
        )
    if short == "LLaVADataset":
        path = arguments.get("data_path") or Opaque("the file is not given", span)
        return datasets.from_file(context, short, Arguments([path], {}, {}), span)
    for key, owner in _ADAPTED.items():
        adapter = arguments.get(key)
        if adapter is not None and config_of(adapter) is not None:
            context.wrap(
                arguments.get(owner) or _whole(context, short, arguments, span), adapter, span, Manner("xtuner")
            )
    return None


def _whole(context: Context, short: str, arguments: Arguments, span: Span) -> Val | None:
    """A model whose parts all come from one place (InternVL)."""
    path = arguments.get("model_path")
    return None if path is None else context.model(span, short, arguments, ModelRecord(path, "AutoModel"))


def _short(type_: Val) -> str:
    """The name of a class or function, of a library or of the program."""
    if isinstance(type_, External):
        return type_.name.rpartition(".")[2]
    if isinstance(type_, Class):
        return type_.node.name
    return type_.name if isinstance(type_, Function) else ""


def _nested(arguments: Arguments) -> Arguments:
    """The quantisation config, written as another `dict(type=…)`."""
    config = arguments.keywords.get("quantization_config")
    if isinstance(config, DictVal):
        inner = Arguments([], {str(key): value for key, value in config.items.items()}, {})
        keywords = {**arguments.keywords, "quantization_config": Object("BitsAndBytesConfig", inner, config.span)}
        return Arguments(arguments.positional, keywords, arguments.spans, arguments.open)
    return arguments


def _processed(arguments: Arguments, span: Span) -> Val | None:
    """`process_hf_dataset` takes a split and may truncate it; packing turns the same examples into other rows."""
    dataset = arguments.get("dataset")
    if not isinstance(dataset, Object) or not isinstance(dataset.data, DatasetRecord):
        return None
    if arguments.get("max_dataset_length") is not None:
        record: DatasetRecord = dataset.data
        cut = DatasetRecord(record.name, Opaque("`max_dataset_length` cuts it", span))
        return Object(dataset.callee, dataset.arguments, span, cut)
    return (
        datasets.subscript(dataset, arguments.get("split") or Const("train", span, "framework-default"), span)
        or dataset
    )


def attach(records: Records, scope: Scope) -> None:
    """Adds the data and the training in a config's other variables to its runs."""
    runs = [run for run in records.runs if run.dialect == "xtuner" and not run.model.trainings]
    loader, wrapper, plan = (scope.names.get(name) for name in ("train_dataloader", "optim_wrapper", "train_cfg"))
    if not runs or not isinstance(loader, DictVal):
        return
    values: dict[str, Val] = {}
    _take(values, loader, batch_size="batch_size")
    if isinstance(wrapper, DictVal):
        _take(values, wrapper, accumulation="accumulative_counts")
        optimizer = wrapper.items.get("optimizer")
        if isinstance(optimizer, DictVal):
            _take(values, optimizer, learning_rate="lr")
            kind = _short(optimizer.items["type"]) if "type" in optimizer.items else ""
            if kind:
                values["optimizer"] = Const(kind.lower(), optimizer.span)
    if isinstance(plan, DictVal):
        _take(values, plan, epochs="max_epochs", max_steps="max_iters")
    dataset, whole = loader.items.get("dataset"), _trained_whole(scope)
    for run in runs:
        training = TrainingRecord(
            "xtuner", _method(scope), run.span, None, dataset, values, setup=TrainerSetup(whole=whole)
        )
        records.add_training(run.model, training)


def _trained_whole(scope: Scope) -> tuple[str, ...]:
    """The parts of a vision model that are neither frozen nor adapted."""
    model = scope.names.get("model")
    if not isinstance(model, DictVal):
        return ()
    adapted = {owner for key, owner in _ADAPTED.items() if key in model.items}
    parts = [part for part in _PARTS if part in model.items and part not in adapted]
    return tuple(part for part in parts if constant(model.items.get(f"freeze_{part}")) is not True)


def _take(values: dict[str, Val], source: DictVal, **keys: str) -> None:
    values.update({field: source.items[key] for field, key in keys.items() if key in source.items})


def _method(scope: Scope) -> Method:
    model = scope.names.get("model")
    kind = _short(model.items["type"]) if isinstance(model, DictVal) and "type" in model.items else ""
    return "preference" if kind in _PREFERENCE else "supervised"
