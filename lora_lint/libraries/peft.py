"""PEFT's own calls: configs, wrapping, loading, preparing."""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache, partial

from lora_lint.interpreter.values import Arguments, Const, DictVal, Either, Object, Opaque, Val
from lora_lint.knowledge.saved_adapters import saved_config
from lora_lint.libraries.context import (
    Context,
    Manner,
    adapter_names,
    config_of,
    flag_of,
    negated,
    nothing,
    view_of,
    views_of,
)
from lora_lint.libraries.convert import is_optional_whole, is_text, is_weights, text_of, to_value
from lora_lint.libraries.effects import ConfigRecord, Fact, ModelRecord, ModelView
from lora_lint.libraries.making import made_with, saved_with
from lora_lint.libraries.marks import changes_peft
from lora_lint.run.events import (
    AddBeside,
    Answer,
    Blend,
    DeleteAdapter,
    DisableAdapters,
    EnableAdapters,
    LoadAdapter,
    LoadBeside,
    PrepareKbit,
    Save,
    Selected,
    SetAdapter,
    SetRequiresGrad,
    SetWeights,
    Unfreeze,
    Unwrap,
)
from lora_lint.run.run import plain_folder
from lora_lint.run.values import ABSENT, Known, Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from lora_lint.libraries.context import Handler
    from lora_lint.run.events import Event
    from lora_lint.run.values import Value
    from lora_lint.source import Span

ModelMethod: TypeAlias = "Callable[[Context, ModelView, Arguments, Span], Val | None]"
"""What a method of a model does to its adapters."""

CONFIGS = frozenset(
    "LoraConfig LoraRuntimeConfig AdaLoraConfig AdamssConfig AdaptionPromptConfig BOFTConfig BeftConfig C3AConfig "
    "CPTConfig CartridgeConfig DeftConfig DeloraConfig FourierFTConfig FrodConfig GloraConfig GraloraConfig HRAConfig "
    "HiraConfig IA3Config LNTuningConfig LilyConfig LoHaConfig LoKrConfig MissConfig MultitaskPromptTuningConfig "
    "OFTConfig OSFConfig PeanutConfig PolyConfig PrefixTuningConfig PromptEncoderConfig PromptTuningConfig PsoftConfig "
    "PveraConfig RandLoraConfig RoadConfig ShadowConfig ShiraConfig SupertuningConfig TinyLoraConfig "
    "TrainableTokensConfig UniLoraConfig VBLoRAConfig VeraConfig WaveFTConfig XLoraConfig".split()
)
"""The configs of all methods (PEFT 0.21.2)."""


def lora_config(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    return context.config(name.rpartition(".")[2], arguments, span)


def config_of_saved(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    """`LoraConfig.from_pretrained(folder)`: the settings of a saved adapter, without its weights.

    PEFT saves each config for inference. A folder that is not written here may hold one that was written by hand.
    """
    folder = text_of(arguments.get("pretrained_model_name_or_path", 0))
    project = context.records.project
    if folder is None or (project is not None and saved_config(folder, span.path, project) is not None):
        return None
    machine, saved = context.machine, Const(True, span, "derived")
    # A base model's name has no such config, or one that was written by hand.
    of_base = any(text_of(model.name) == folder for model in context.records.all_models())
    known: dict[str, Val] = {} if of_base else {"inference_mode": saved, "init_lora_weights": saved}
    settings = Arguments([], known, {}, open_=True)
    # Not one of `records.configs`, which make runs: most programs only read the base model's name in it.
    record = ConfigRecord("LoraConfig", span, tuple(machine.trail), tuple(machine.conditions), of_saved=True)
    return Object("LoraConfig", settings, span, record)


def config_method(context: Context, root: Object, name: str, arguments: Arguments, span: Span) -> Val | None:
    """A method of an adapter config."""
    if name == "__deepcopy__":
        return root
    if name in ("to_dict", "save_pretrained"):
        context.records.note(root.data, Fact.WRITTEN)
    return None


def get_peft_model(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    manner = Manner(name=arguments.get("adapter_name", 2), autocast=arguments.get("autocast_adapter_dtype", 4))
    if changes_peft(context.records.text):
        for view in views_of(arguments.get("model", 0)):
            context.records.note(view.record, Fact.UNWRAPPED)
    return context.wrap(arguments.get("model", 0), arguments.get("peft_config", 1), span, manner)


def prepare(context: Context, name: str, arguments: Arguments, span: Span) -> Val | None:
    model = arguments.get("model", 0)
    for view in views_of(model):
        context.happen(view.record, PrepareKbit(span))
    return model


def from_pretrained(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`PeftModel.from_pretrained(model, path)`: the adapter is frozen unless `is_trainable=True`."""
    model = arguments.get("model", 0)
    view: ModelView = view_of(model) or context.unknown_model(model, span).data
    adapters = adapter_names(arguments.get("adapter_name", 2))
    trainable = _trainable(arguments, 3, span)
    autocast = flag_of(arguments.get("autocast_adapter_dtype", 5), span)
    made = saved_with(arguments.get("model_id", 1), span, context.records)
    loaded = LoadAdapter(
        span, adapters=adapters, trainable=trainable, wrapped=view.wrapped, autocast=autocast, made=made
    )
    context.happen(view.record, loaded, _folder(arguments))
    if "PeftMixedModel" in name:  # it activates what it has loaded, frozen or not (PEFT 0.21.2, mixed_model.py)
        context.happen(view.record, SetAdapter(span, adapters=adapters, trainable=Known(True, span)))
    return Object("peft.PeftModel", arguments, span, ModelView(view.record, wrapped=True))


def _trainable(arguments: Arguments, place: int | None, span: Span) -> Value[bool]:
    """`is_trainable` of a call that loads an adapter, False if it is not given."""
    given = arguments.get("is_trainable", place)
    return _unless_given(arguments, False, span) if given is None else flag_of(given, span)


def _unless_given(arguments: Arguments, default: bool, span: Span) -> Value[bool]:
    """A keyword argument that the call does not name, with its default."""
    return Unknown("`**` arguments may set it", span) if arguments.open else Known(default, span)


def _folder(arguments: Arguments) -> tuple[Val, ...]:
    """Where an adapter is loaded from: the folder, and the subfolder if it is given separately (PEFT 0.21.2)."""
    given = (arguments.get("model_id", 1), arguments.get("subfolder"))
    return tuple(value for value in given if value is not None)


def auto_from_pretrained(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`AutoPeftModelForCausalLM.from_pretrained(path)`: loads the base model and the adapter on it."""
    base = ModelRecord(Opaque("the adapter's own config names it", span), name.split(".")[-2])
    model = context.model(span, name, arguments, base)
    view: ModelView = model.data
    trainable, adapters = _trainable(arguments, 2, span), adapter_names(arguments.get("adapter_name", 1))
    context.happen(view.record, LoadAdapter(span, adapters=adapters, trainable=trainable))
    return Object("peft.PeftModel", arguments, span, ModelView(view.record, wrapped=True))


_OTHER_WAYS = (
    rb"save(?:(?<=\wsave)|(?!_(?:pretrained|model|state|metrics|vocabulary|to_disk)\b))\w*\s*\(",
    rb"_merged\s*\(",
    rb"\.dump\(\s*model",
    rb"merge_and_unload",
    rb"state_dict",
    rb"non_lora",
)
"""Ways in which a program may save other parts of a model. Each begins with a literal letter, for Python's fast search:
as one pattern they took a twentieth of the time of a lint."""
_GATHERS = (rb"GatheredParameters", rb"\bgather", rb"consolidated", rb"zero_to_fp32", rb"_zero_?3\s*\(")
"""Ways to collect the parts of a weight that DeepSpeed has spread."""
_MERGES = (rb"merge_and_unload", rb"merge\w*\s*\(", rb"unload\s*\(", rb"mergekit", rb"save_pretrained_merged")
"""Ways to merge an adapter, here or in what a program calls."""
_MERGED = r"(?<![a-z])(?<!un)(?<!non.)(?<!not.)merged(?![a-z])"
"""What the name of a folder says of the model in it."""
_THAWS = (
    rb"requires_grad_\s*\((?!\s*(?:mode\s*=\s*)?False\b)",
    rb"requires_grad\s*=(?!=|\s*False\b)",
    rb"[\"']requires_grad[\"']\s*,(?!\s*False\b)",
)
"""Ways to make parameters trainable, by whatever road the program reaches them."""
_SWITCHES = rb"set_adapter|active_adapter|activate_adapter|(?:model|ref)_adapter_name|adapter_names\s*="
"""Ways to activate an adapter; trainers of TRL take the names of the policy's and the reference's."""
_FREEZING = ("freez", "thaw", "trainab", "require_grad", "requires_grad", "mark_only")
_COUNTING = ("print", "count", "get", "num", "n_", "log", "show", "report", "summar", "calc", "comput", "check", "find")
"""Words in the names of functions that freeze parameters or make them trainable, and starts of others' names."""
_OTHER_WEIGHTS = (
    *(rb"backward\s*\(", rb"load_(?:state_dict|adapter|file|weights|lora|checkpoint|model)"),
    *(rb"Peft(?!Config)\w*\.from_pretrained", rb"set_peft_model_state_dict", rb"safe_open", rb"torch\.load"),
    *(rb"\.(?:train|fit|step|learn|copy_)\s*\(", rb"init_lora_weights", rb"resume"),
    *(rb"perf_counter", rb"[Bb]enchmark", rb"latency"),
)
"""Ways to train a model or to give it weights, and signs that its answers do not matter."""
_ASIDE = frozenset(
    "save_directory safe_serialization push_to_hub max_shard_size tokenizer "
    "repo_id token private commit_message".split()
)
"""Keyword arguments of save_pretrained and push_to_hub that do not change which parts of a model are saved."""


@lru_cache(maxsize=8)
def _shows(ways: tuple[bytes, ...], program: bytes) -> bool:
    """Whether the text of a program shows one of some ways, which is asked at each call of the same program."""
    return any(re.search(way, program) for way in ways)


def saves_otherwise(program: bytes) -> bool:
    """Whether a program may save other parts of a model than PEFT and trainers do."""
    return _shows(_OTHER_WAYS, program)


_RESCALES = (
    rb"\bpeft_config\s*\[[^\]\n]*\]\.\w+\s*=(?!=)",
    rb"\.scaling(?:\s*\[[^\]\n]*\])?\s*[*/]?=(?!=)",
    rb"\.(?:set_scale|scale_layer|unscale_layer)\s*\(",
)
"""Ways to change the settings of an adapter that is on a model."""


_TRAINS = (
    rb"(?i)\b\w*(?:train|fit|optimi[sz]e)\w*\s*\(",
    rb"backward\s*\(|\.step\s*\(|save_pretrained|save_model|push_to_hub|torch\.save|Optimizer|Trainer|Adam|subprocess|%run|!",
)
"""Signs that a program trains, saves or starts something."""


def only_looks(program: bytes) -> bool:
    """Whether a program neither trains nor saves nor starts anything: it prints a model, or counts its parameters. The
    names of functions that count and of loaders do not say so."""
    plain = re.sub(rb"(?i)\w*trainable\w*|\.?from_pretrained|\w*pretrained\w*|!=", b"", program)
    return (b"print" in program or b"numel(" in program) and not _shows(_TRAINS, plain)


def rescales(program: bytes) -> bool:
    """Whether a program shows a way to change the settings of an adapter after it is put on a model."""
    return (b"scal" in program or b"peft_config" in program) and _shows(_RESCALES, program)


def thaws(program: bytes) -> bool:
    """Whether a program shows a way to make parameters trainable, perhaps in a method that a trainer calls."""
    return b"requires_grad" in program and _shows(_THAWS, program)


def may_thaw(context: Context, name: str, arguments: Arguments, span: Span) -> None:
    """A function that is not followed and is named after freezing gets a model: `freeze_all_but(model, "lora")`."""
    called = name.rpartition(".")[2].lower()
    if not any(word in called for word in _FREEZING) or called.startswith(_COUNTING):
        return
    for value in (*arguments.positional, *arguments.keywords.values()):
        if isinstance(value, Object) and isinstance(value.data, ModelView):
            unknown: Value[bool] = Unknown(f"`{called}` is not followed", span)
            context.happen(value.data.record, SetRequiresGrad(span, adapters=None, trainable=unknown))


def saved(context: Context, view: ModelView, arguments: Arguments, span: Span, *, by_trainer: bool = False) -> None:
    """`save_pretrained` of a model: of a wrapped one PEFT writes only the adapter's own parameters."""
    plain = not arguments.open and _ASIDE.issuperset(arguments.keywords)
    alone = view.wrapped and plain and not saves_otherwise(context.records.text)
    folder = arguments.get("save_directory", 0) or arguments.get("repo_id")
    converted = arguments.open or "path_initial_model_for_weight_conversion" in arguments.keywords
    gathered = (
        by_trainer or arguments.open or "state_dict" in arguments.keywords or _shows(_GATHERS, context.records.text)
    )
    wrapped = view.wrapped and not view.inside
    event = Save(
        span,
        adapter_alone=alone,
        wrapped=wrapped,
        converted=converted,
        gathered=gathered,
        by_trainer=by_trainer,
        as_merged=alone and not view.inside and _says_merged(folder) and not _shows(_MERGES, context.records.text),
    )
    context.happen(view.record, event, () if folder is None else (folder,))


def _says_merged(folder: Val | None) -> bool:
    """Whether the name of a folder says that what is saved in it is merged."""
    name = text_of(folder) if folder is not None else None
    last = posixpath.basename(plain_folder(name)).lower() if name is not None else ""
    return "merged" in last and re.search(_MERGED, last) is not None  # few are, and the pattern has to be compiled


def answers(context: Context, view: ModelView, span: Span) -> None:
    """Something asks a model for answers."""
    tried_out = posixpath.basename(span.path).startswith("test")
    only = not tried_out and not _shows(_OTHER_WEIGHTS, context.records.text)
    context.happen(view.record, Answer(span, only=only))


def method(context: Context, view: ModelView, name: str, arguments: Arguments, span: Span) -> Val | None:
    """A method of a model that concerns its adapters."""
    effect = _METHODS.get(name)
    if effect is None and view.record.loader_adapts:
        from lora_lint.libraries.unsloth_models import MODEL_METHODS  # whose they are

        effect = MODEL_METHODS.get(name)
    return effect(context, view, arguments, span) if effect is not None else None


def _event(event_at: Callable[[Span], Event]) -> ModelMethod:
    """The effect of a method that does one thing to a model, whatever its arguments."""

    def effect(context: Context, view: ModelView, arguments: Arguments, span: Span) -> Val:
        context.happen(view.record, event_at(span))
        return nothing(span)

    return effect


def _save(context: Context, view: ModelView, arguments: Arguments, span: Span) -> Val:
    saved(context, view, arguments, span)
    return nothing(span)


def _generate(context: Context, view: ModelView, arguments: Arguments, span: Span) -> None:
    answers(context, view, span)


def _unload(context: Context, view: ModelView, arguments: Arguments, span: Span, *, merges: bool = False) -> Val | None:
    """`unload`, `merge_and_unload`. The base model has neither: not even after a trainer has wrapped it for itself."""
    if not (view.wrapped or view.inside):
        return None
    context.happen(view.record, Unwrap(span, merges=merges, unties=b"tie_word_embeddings" in context.records.text))
    return _base_model(context, view, arguments, span)


def _base_model(context: Context, view: ModelView, arguments: Arguments, span: Span) -> Val:
    return Object("model", arguments, span, ModelView(view.record))


def _add_adapter(context: Context, view: ModelView, arguments: Arguments, span: Span) -> Val:
    """PEFT's `add_adapter(name, config)`, in addition to a wrapped model's adapter, or transformers'
    `add_adapter(config, name)`."""
    config = arguments.get("peft_config", 1) or arguments.get("adapter_config", 0)
    for candidate in (*arguments.positional, arguments.get("config"), config):
        if config_of(candidate) is not None:
            config = candidate
    named_first = text_of(arguments.get("", 0)) is not None
    called = arguments.get("adapter_name", 0 if view.wrapped or named_first else 1)
    if view.wrapped and not isinstance(config, Either | DictVal):
        second = config_of(config)
        if second is not None:
            context.records.note(second, Fact.BESIDE)
        made = made_with(config, span)
        beside = AddBeside(span, adapters=adapter_names(called), may_switch=_may_switch(context), made=made)
        context.happen(view.record, beside)
    else:
        model = _base_model(context, view, arguments, span)
        context.wrap(model, config, span, Manner(name=called, integrated=not named_first))
    return nothing(span)


_OTHER_KEYWORDS = frozenset({"config", "with_head", "load_as", "leave_out", "source"})
"""What `load_adapter` takes where it is neither PEFT's nor transformers' (AdapterHub 1.3, model_mixin.py)."""


def _load_adapter(context: Context, view: ModelView, arguments: Arguments, span: Span) -> Val:
    """PEFT's `load_adapter(path, name)`, in addition to a wrapped model's adapter, or transformers'."""
    if Fact.OTHER_METHODS in view.record.facts or not _OTHER_KEYWORDS.isdisjoint(arguments.keywords):
        return nothing(span)
    adapters = adapter_names(arguments.get("adapter_name", 1))
    if view.wrapped:
        trainable = _trainable(arguments, 2, span)
        folder = arguments.get("model_id", 0) or arguments.get("peft_model_id")
        made = saved_with(folder, span, context.records)
        beside = LoadBeside(span, adapters=adapters, trainable=trainable, may_switch=_may_switch(context), made=made)
        context.happen(view.record, beside)
        return nothing(span)
    if (view.record.loader or "").startswith("AutoModel"):
        trainable = _trainable(arguments, None, span)
    else:
        trainable = Unknown("the model's own method decides", span)
    context.happen(view.record, LoadAdapter(span, adapters=adapters, trainable=trainable, integrated=True))
    return nothing(span)


def _blend(context: Context, view: ModelView, arguments: Arguments, span: Span) -> Val:
    """`add_weighted_adapter(adapters, weights, name, combination_type)`."""
    sources, weights = arguments.get("adapters", 0), arguments.get("weights", 1)
    usual: Value[str] = Unknown("`**` arguments may set it", span) if arguments.open else Known("svd", span)
    blend = Blend(
        names=adapter_names(sources) if sources is not None else None,
        weights=to_value(weights, span, ABSENT, is_weights),
        kind=to_value(arguments.get("combination_type", 3), span, usual, is_text),
        rank=to_value(arguments.get("svd_rank", 4), span, Known(None, span), is_optional_whole),
    )
    called = adapter_names(arguments.get("adapter_name", 2))
    context.happen(view.record, AddBeside(span, adapters=called, blend=blend))
    return nothing(span)


def _may_switch(context: Context) -> bool:
    return re.search(_SWITCHES, context.records.text) is not None


def set_weights(context: Context, name: str, arguments: Arguments, span: Span) -> None:
    """`set_peft_model_state_dict(model, …)`: replaces the weights of a model's adapter."""
    view = view_of(arguments.get("model", 0))
    if view is not None:
        context.happen(view.record, SetWeights(span))


def _set_adapter(context: Context, view: ModelView, arguments: Arguments, span: Span) -> Val:
    trainable = _trains(negated(arguments.get("inference_mode", 1)), arguments, span)
    context.happen(view.record, SetAdapter(span, adapters=_named(arguments), trainable=trainable))
    return nothing(span)


def _set_requires_grad(context: Context, view: ModelView, arguments: Arguments, span: Span) -> Val:
    trainable = _trains(arguments.get("requires_grad", 1), arguments, span)
    context.happen(view.record, SetRequiresGrad(span, adapters=_named(arguments), trainable=trainable))
    return nothing(span)


def _delete_adapter(context: Context, view: ModelView, arguments: Arguments, span: Span) -> Val:
    context.happen(view.record, DeleteAdapter(span, adapters=_named(arguments)))
    return nothing(span)


def _named(arguments: Arguments) -> tuple[str, ...] | None:
    """The adapters that a method is about; None if they are not known."""
    given = arguments.get("adapter_name", 0) or arguments.get("adapter_names")
    return None if given is None else adapter_names(given)


def _trains(flag: Val | None, arguments: Arguments, span: Span) -> Value[bool]:
    """Whether the adapters train, which they do unless the flag says otherwise."""
    return _unless_given(arguments, True, span) if flag is None else flag_of(flag, span)


_METHODS: dict[str, ModelMethod] = {
    "add_adapter": _add_adapter,
    "load_adapter": _load_adapter,
    **dict.fromkeys(("save_pretrained", "push_to_hub"), _save),
    "generate": _generate,
    "merge_and_unload": partial(_unload, merges=True),
    "unload": _unload,
    "set_adapter": _set_adapter,
    "set_requires_grad": _set_requires_grad,
    "delete_adapter": _delete_adapter,
    "disable_adapter": _event(EnableAdapters),  # in a `with` statement, which enables them at its end
    **dict.fromkeys(("enable_adapters", "enable_adapter_layers"), _event(EnableAdapters)),
    **dict.fromkeys(("disable_adapters", "disable_adapter_layers"), _event(DisableAdapters)),
    "add_weighted_adapter": _blend,
    "merge_adapter": lambda context, view, arguments, span: nothing(span),
    # Of the library `adapters`, which otherwise uses transformers' names.
    "train_adapter": _event(partial(Unfreeze, selection=Selected.UNREADABLE)),
    "get_base_model": _base_model,
}


CALLS: dict[str, Handler] = {
    **dict.fromkeys(CONFIGS - {"LoraRuntimeConfig"}, lora_config),
    "get_peft_model": get_peft_model,
    "inject_adapter_in_model": lambda context, name, arguments, span: context.wrap(
        arguments.get("model", 1),
        arguments.get("peft_config", 0),
        span,
        Manner(name=arguments.get("adapter_name", 2)),
    ),
    "set_peft_model_state_dict": set_weights,
    "prepare_model_for_kbit_training": prepare,
    "prepare_model_for_int8_training": prepare,
    "LoraConfig.from_pretrained": config_of_saved,
    "PeftConfig.from_pretrained": config_of_saved,
    "PeftModel.from_pretrained": from_pretrained,
    "PeftMixedModel.from_pretrained": from_pretrained,
    **{
        f"{head}.from_pretrained": from_pretrained
        for head in (
            "PeftModelForCausalLM",
            "PeftModelForSeq2SeqLM",
            "PeftModelForSequenceClassification",
            "PeftModelForTokenClassification",
            "PeftModelForQuestionAnswering",
            "PeftModelForFeatureExtraction",
        )
    },
    **{
        f"{auto}.from_pretrained": auto_from_pretrained
        for auto in (
            "AutoPeftModel",
            "AutoPeftModelForCausalLM",
            "AutoPeftModelForSeq2SeqLM",
            "AutoPeftModelForSequenceClassification",
            "AutoPeftModelForTokenClassification",
            "AutoPeftModelForQuestionAnswering",
            "AutoPeftModelForFeatureExtraction",
        )
    },
}
