"""LLaMA-Factory: `finetuning_type: lora`.

Source: LLaMA-Factory 0.9.5, hparams/{finetuning_args,model_args,data_args}.py, model/adapter.py,
model/model_utils/{misc,visual}.py and data/{parser,loader}.py.
"""

from __future__ import annotations

from lora_lint.frameworks import tables
from lora_lint.frameworks.fields import Fields, multiple, usual
from lora_lint.frameworks.llamafactory_templates import TEMPLATES, unfit
from lora_lint.knowledge import schemas
from lora_lint.knowledge.layouts import quantizer_in_name
from lora_lint.knowledge.saved_adapters import saved_base
from lora_lint.readers.nodes import Mapping
from lora_lint.records import replace
from lora_lint.run.events import Load, LoadAdapter, Resize, Train, Wrap
from lora_lint.run.framework import TRAINER_KEYS, CommandLine, Framework
from lora_lint.run.launch import Launch, Quantizer, Storage
from lora_lint.run.problems import InvalidValue
from lora_lint.run.run import Adapter, BaseModel, Dataset, Reading, Run, Training
from lora_lint.run.values import ABSENT, Known, Unknown, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from lora_lint.frameworks.commands import Start
    from lora_lint.project import Project
    from lora_lint.run.run import Method
    from lora_lint.run.values import Value
    from lora_lint.run.versions import Version

_INFERENCE = ("export", "chat", "webchat", "api")
"""Tasks without a training, which refuse the keys of one (hparams/parser.py, get_infer_args)."""
_BUSY = ("do_train", "do_eval", "do_predict", "dataset", "eval_dataset", "output_dir", "lora_rank")
"""Settings that only a training or an evaluation has: without one of the first three it does nothing
(train/sft/workflow.py)."""
_IMPLIED = {"finetuning_type": "lora", "do_train": True}
FRAMEWORK = Framework(
    name="llamafactory",
    title="LLaMA-Factory",
    source="LLaMA-Factory",
    version=(0, 9, 5),
    requires=True,
    packages=("llamafactory", "llama-factory", "llmtuner"),
    keys={
        "rank": "lora_rank",
        "alpha": "lora_alpha",
        "dropout": "lora_dropout",
        "target_modules": "lora_target",
        "modules_to_save": "additional_target",
        "use_rslora": "use_rslora",
        "use_dora": "use_dora",
        "init_lora_weights": "pissa_init",
    },
    kinds=("yaml", "json"),
    marks=((b"finetuning_type",), (b"adapter_name_or_path", b"template")),
    # LoRA settings are rejected in other kinds of fine-tuning; files that merge an adapter need not name any.
    tells=(b"finetuning_type", b"adapter_name_or_path"),
    every_layer="all",
    avoids=frozenset({"vision-tower"}),  # model/model_utils/visual.py
    names_tokens=True,
    unknown_keys="stops LLaMA-Factory with a ValueError",
    synonyms={
        "lora_r": "lora_rank",
        "lora_target_modules": "lora_target",
        "lr": "learning_rate",
    },
    commands=(
        *(
            CommandLine(
                *("command", name, ("train",)),
                config="first",
                beside="dotted",
                implied=_IMPLIED,
                idle=("export_dir", f"Use `{name} export`"),
                busy=_BUSY,
            )
            for name in ("llamafactory-cli", "lmf")
        ),
        *(
            CommandLine(
                *("command", name, _INFERENCE),
                config="first",
                beside="dotted",
                takes="infer",
                instead=f"Use `{name} train`, or leave the settings of a training out",
                lenient="ALLOW_EXTRA_ARGS",
            )
            for name in ("llamafactory-cli", "lmf")
        ),
        CommandLine("script", r"src/export_model\.py", usual=False),
        CommandLine("script", r"src/train\.py", config="first", beside="dotted"),
        CommandLine("script", r"src/train_bash\.py", usual=False, checked=False),  # an older program, with its own keys
    ),
    tells_in_commands=(rb"\bllamafactory-cli\b", rb"\blmf\s+(?:train|export)\b"),
    commas=True,
    other_keys={
        "output": "output_dir",
        "model": "model_name_or_path",
        **TRAINER_KEYS,
        "half": "fp16",
    },
    defaults={
        "rank": 8,
        "dropout": 0.0,
        "task_type": "CAUSAL_LM",
        "optimizer": "adamw_torch_fused",
        "epochs": 3.0,
        "max_steps": -1,
        "batch_size": 8,
        "accumulation": 1,
    },  # of the training those of transformers' Seq2SeqTrainingArguments (5.23)
    says_lora={"stage": "sft", "do_train": True, "finetuning_type": "lora"},
    recommended=("rank", "alpha", "use_rslora", "target_modules", "learning_rate", "epochs"),
    refuses_unknown=True,
    refuses_sharded=True,
)
_COUNTS_IMAGES: Version = (0, 9, 1)
"""The first release that compares images with what marks them."""
_READ: Version = (0, 7, 1)
"""The oldest release whose data sets have been read."""
_NEW_TOKENS = ("add_tokens", "add_special_tokens", "new_special_tokens_config", "init_special_tokens", "resize_vocab")
"""Keys that may add rows to the embeddings (hparams/model_args.py)."""
_SECTIONS = frozenset({"kt_config", "resources_per_worker"})
"""Sections that are not in the table: of KTransformers' own trainer, and of Ray in older versions."""
_STAGES: dict[str, Method] = {
    "pt": "supervised",
    "sft": "supervised",
    "rm": "preference",
    "dpo": "preference",
    "kto": "preference",
    "ppo": "rl",
}
_TOWER = ("vision_tower", "multi_modal_projector")
_VISUAL = ("visual.merger", "visual.patch_embed", "visual.blocks", "patch_embed")
_DEEP = (*_VISUAL, "visual.pos_embed", "visual.deepstack_merger_list")
_LEFT_OUT: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("gemma3", "internvl", "interns1", "kimi_vl", "mistral3", "paligemma", "video_llava"), _TOWER),
    **dict.fromkeys(("llava", "llava_next", "llava_next_video"), _TOWER),
    **dict.fromkeys(("llama4", "mllama"), ("vision_model", "multi_modal_projector")),
    **dict.fromkeys(("qwen2_vl", "qwen2_5_vl", "glm4v", "glm4v_moe", "glm_ocr"), _VISUAL),
    **dict.fromkeys(("qwen3_5", "qwen3_5_moe"), (*_VISUAL, "visual.pos_embed")),
    **dict.fromkeys(("qwen3_vl", "qwen3_vl_moe"), _DEEP),
    "qwen2_5_omni_thinker": (*_VISUAL, "audio_tower"),
    "qwen3_omni_moe_thinker": (*_DEEP, "audio_tower"),
    "qwen2_audio": ("audio_tower", "multi_modal_projector"),
    "gemma3n": (*_TOWER, "audio_tower", "timm_model", "subsample_conv_projection"),
    "gemma4": ("vision_tower", "audio_tower", "model.embed_vision", "model.embed_audio", "per_layer_projection_norm"),
    "dots_ocr": ("vision_tower", "merger"),
}
"""Model type -> parts of names that are left out of the targets while towers and projectors are frozen, as by default
(model/model_utils/visual.py)."""
_FROZEN = {"freeze_vision_tower": True, "freeze_multi_modal_projector": True, "freeze_language_model": False}


def recognises(document: Mapping) -> bool:
    """Whether a mapping is a LLaMA-Factory file: those that only merge or serve an adapter may leave its kind out. One
    with sections of its own is a file of another tool, which borrows the keys."""
    served = all(document.entry(key) is not None for key in ("adapter_name_or_path", "template", "model_name_or_path"))
    sections = {str(entry.key.value) for entry in document.entries if isinstance(entry.value, Mapping)}
    if sections and not sections <= schemas.keys(FRAMEWORK.name) | _SECTIONS:
        return False
    return document.entry("finetuning_type") is not None or served


def read(document: Mapping, project: Project) -> Reading:
    """The run of a file, if it trains LoRA: not one that chats with an adapter, serves it or merges it."""
    fields = Fields(document)
    if known(fields.text("finetuning_type", usual("lora"))) != "lora" or not fields.has("model_name_or_path"):
        return Reading()
    if not _trains(fields):
        return _served(fields, project)
    span = fields.span("finetuning_type")
    resumed = fields.has("adapter_name_or_path") and known(fields.flag("create_new_adapter")) is not True
    settings = _adapter(fields, resumed)
    start = Load(fields.span("model_name_or_path"))
    grown = tuple(Resize(fields.span(key), tokens=_added(fields, key)) for key in _NEW_TOKENS if fields.has(key))
    loaded = LoadAdapter(fields.span("adapter_name_or_path"), trainable=Known(True))
    put_on = loaded if resumed else Wrap(span)
    near = schemas.keys(FRAMEWORK.name)
    problems = (
        *tables.problems(FRAMEWORK, document, near=near, unconverted=("lora_rank",)),
        *_no_template(fields),
        *_unfit_template(fields),
        *_unfit_data(fields, document.span.path, project),
    )
    run = Run(
        FRAMEWORK,
        span,
        settings,
        _model(fields),
        _dataset(fields, document.span.path, project),
        replace(_training(fields), bare_reference=_bare_reference(fields)),
        (start, *grown, put_on, Train(span)),
        problems,
        recent=TEMPLATES.recent("template", fields.text("template")),
        trained=True,
        launch=_launch(fields, project),
    )
    return Reading((run,))


def _no_template(fields: Fields) -> tuple[InvalidValue, ...]:
    return TEMPLATES.problems("template", fields.text("template"), FRAMEWORK.title)


def start_problems(start: Start, document: Mapping) -> Iterator[InvalidValue]:
    """DeepSpeed on one GPU, for which nothing starts torchrun (0.9.5, launcher.py and hparams/parser.py)."""
    visible = start.environment.get("CUDA_VISIBLE_DEVICES")
    if visible is None or visible.default or not (visible.text or "").strip().isdigit():
        return
    others = ("FORCE_TORCHRUN", "USE_MCA", "USE_RAY", "USE_KT", "NNODES")
    if start.command.kind != "command" or any(name in start.environment for name in others):
        return
    if Fields(document).has("deepspeed"):
        expected = "several GPUs, or `FORCE_TORCHRUN=1` beside it, for a run with `deepspeed`, and raises a ValueError"
        text = str(visible.text).strip()
        yield InvalidValue("CUDA_VISIBLE_DEVICES", text, visible.span, FRAMEWORK.title, expected, since=(0, 9, 0))


def _unfit_template(fields: Fields) -> Iterator[InvalidValue]:
    """A template of another model's tokens, unless the embeddings are trained (data/template.py)."""
    name, template = known(fields.text("model_name_or_path")), fields.text("template")
    span = template.span if isinstance(template, Known) else None
    trains = any(fields.has(key) for key in (*_NEW_TOKENS, "additional_target", "tokenizer_name_or_path"))
    if name is None or not isinstance(template, Known) or span is None or trains or known(fields.text("stage")) == "pt":
        return
    instead = unfit(template.value, name)
    if instead is not None:
        yield InvalidValue("template", template.value, span, FRAMEWORK.title, instead, of_list=True)


_WITHOUT_REFERENCE = ("orpo", "simpo")
"""Losses of `stage: dpo` without a reference model (hparams/finetuning_args.py, `use_ref_model`)."""


def _bare_reference(fields: Fields) -> Value[bool]:
    """Without `ref_model` the reference is the model with its adapter switched off (train/trainer_utils.py). The
    adapter that training starts from is part of the base only if a new one is added (model/adapter.py)."""
    stage, loss = known(fields.text("stage")), known(fields.text("pref_loss", usual("sigmoid")))
    compared = stage in ("dpo", "kto") and loss is not None and loss not in _WITHOUT_REFERENCE
    own = fields.has("ref_model") or known(fields.flag("create_new_adapter", usual(False))) is not False
    if not compared or own or not fields.has("adapter_name_or_path"):
        return ABSENT
    return Known(True, fields.span("adapter_name_or_path"))


def _served(fields: Fields, project: Project) -> Reading:
    """The adapter that a file merges, exports or chats with."""
    path = known(fields.text("adapter_name_or_path"))
    if path is None:
        return Reading()
    base = saved_base(path, fields.mapping.span.path, project)
    span = fields.span("adapter_name_or_path")
    name = fields.text("model_name_or_path")
    events = (Load(fields.span("model_name_or_path")), LoadAdapter(span, trainable=Known(False)))
    adapter = tables.resumed(Adapter(span))
    run = Run(FRAMEWORK, span, adapter, BaseModel(name), events=events, trained=False, loads=path)
    run = replace(run, problems=_no_template(fields))
    return Reading((run if base is None else replace(run, loads=None, trained_on=base),))


_METHODS = {"bnb": Quantizer.BITSANDBYTES, "bitsandbytes": Quantizer.BITSANDBYTES} | {
    "hqq": Quantizer.HQQ,
    "eetq": Quantizer.EETQ,
}
"""`quantization_method` (extras/constants.py)."""


def _launch(fields: Fields, project: Project) -> Launch:
    """The layout of a run; 4-bit weights are stored in the compute dtype (model/model_utils/quantization.py)."""
    quantizer: Value[Quantizer] = ABSENT
    name = known(fields.text("model_name_or_path"))
    named = quantizer_in_name(name) if name is not None else None
    if named is not None:
        quantizer = Known(named, fields.span("model_name_or_path"))
    elif fields.has("quantization_bit"):
        method = known(fields.text("quantization_method", usual("bnb")))
        quantizer = Known(_METHODS[method], fields.span("quantization_bit")) if method in _METHODS else ABSENT
    return replace(tables.sharding(fields, project), quantizer=quantizer, storage=usual(Storage.COMPUTE))


def _added(fields: Fields, key: str) -> tuple[str, ...]:
    """The tokens that a key adds."""
    return (known(fields.commas(key)) or ()) if key in ("add_tokens", "add_special_tokens") else ()


def _saved(fields: Fields) -> Value[Any]:
    """Unless it is given, `resize_vocab` adds the embeddings and the head (model/adapter.py), and tokens set it if they
    are new."""
    if not fields.has("additional_target") and any(fields.has(key) for key in _NEW_TOKENS):
        resized = known(fields.flag("resize_vocab", usual(False)))
        ends = _ends(fields) if resized else ()
        if ends:
            return Known(ends, fields.span("resize_vocab"), "derived")
        if resized is not False or any(fields.has(key) for key in _NEW_TOKENS[:-1]):
            return Unknown("LLaMA-Factory adds the embeddings if the vocabulary grows")
    return fields.commas("additional_target", Known(None, None, "framework-default"))


def _ends(fields: Fields) -> tuple[str, ...]:
    """The names of the model's embeddings and its head; none if the model is not known."""
    import os

    from lora_lint.knowledge.architectures import architecture, heads
    from lora_lint.knowledge.models import identify

    name = known(fields.text("model_name_or_path"))
    model = identify(name, near=os.path.dirname(fields.mapping.span.path) or None) if name else None
    if model is None or not model.stock:
        return ()
    head = next((each for each in ("image-text-to-text", "causal-lm") if each in heads(model.model_type)), None)
    built = architecture(model.model_type, head) if head is not None else None
    paths = (built.input_embeddings, built.output_embeddings) if built is not None else ()
    return tuple(dict.fromkeys(path.rpartition(".")[2] for path in paths if path))


def _trains(fields: Fields) -> bool:
    if fields.has("do_train"):
        return known(fields.flag("do_train")) is not False
    idle = ("export_dir", "infer_backend", "do_predict", "do_eval", "eval_dataset")
    return fields.has("lora_rank") and not any(fields.has(key) for key in idle)


def _adapter(fields: Fields, resumed: bool) -> Adapter:
    targets = fields.commas("lora_target", usual("all"))
    if isinstance(targets, Known) and targets.value in ("all", ("all",)):
        targets = Known("all-linear", targets.span, targets.origin)
    if known(fields.flag("use_llama_pro")):
        targets = Unknown("LLaMA Pro adapts only its new blocks", fields.span("use_llama_pro"))
    own: dict[str, Any] = {
        "alpha": _alpha(fields, fields.whole("lora_rank", usual(FRAMEWORK.defaults["rank"]))),
        "target_modules": targets,
        "exclude_modules": _left_out(fields),
        "modules_to_save": _saved(fields),
        "init_lora_weights": _start(fields),
    }
    adapter = tables.adapter(FRAMEWORK, fields, fields.span("lora_rank"), **own)
    return tables.resumed(adapter) if resumed else adapter


def _alpha(fields: Fields, rank: Value[int]) -> Value[float]:
    """Twice the rank if it is not given, or 0."""
    alpha = fields.number("lora_alpha")
    if alpha is not ABSENT and known(alpha) != 0:
        return alpha
    return multiple(rank, 2)


def _left_out(fields: Fields) -> Value[Any]:
    """The towers and projectors of a vision or audio model, as a regex; nothing for other models."""
    import os
    import re

    from lora_lint.knowledge.models import identify

    name = known(fields.text("model_name_or_path"))
    model = identify(name, near=os.path.dirname(fields.mapping.span.path) or None) if name else None
    parts = _LEFT_OUT.get(model.model_type) if model is not None else None
    if parts is None:
        return Known(None, None, "framework-default")
    if any(known(fields.flag(key, Known(usual))) is not usual for key, usual in _FROZEN.items()):
        return Unknown("it depends on what is frozen")
    return Known(f".*(?:{'|'.join(map(re.escape, parts))}).*", None, "framework-default")


def _start(fields: Fields) -> Value[bool | str]:
    """How the adapter is initialised."""
    pissa = fields.flag("pissa_init", Known(False, None, "framework-default"))
    if not isinstance(pissa, Known):
        return pissa
    return Known("pissa" if pissa.value else True, pissa.span, pissa.origin)


def _model(fields: Fields) -> BaseModel:
    quantization: Value[str | None] = Known(None, None, "framework-default")
    bits = fields.whole("quantization_bit")
    if isinstance(bits, Known):
        quantization = Known(f"{bits.value}bit", bits.span)
    elif bits is not ABSENT:
        quantization = Unknown("it is filled in when the run starts", fields.span("quantization_bit"))
    unsloth = known(fields.flag("use_unsloth")) is True
    loader = "FastLanguageModel" if unsloth else None
    revision = fields.text("model_revision")
    return BaseModel(fields.text("model_name_or_path"), loader, quantization, loader_adapts=unsloth, revision=revision)


def _dataset(fields: Fields, near: str, project: Project) -> Dataset:
    """The data is registered in `dataset_info.json`, under the project's own names; `max_samples` caps each."""
    from lora_lint.knowledge.sizes import without_held_out

    names = fields.commas("dataset")
    if not isinstance(names, Known):
        return Dataset(names, Unknown("the dataset is not named", getattr(names, "span", None)))
    joined = ", ".join(names.value)
    name: Value[str] = Known(joined, names.span)
    cap, held = fields.whole("max_samples"), known(fields.number("val_size", Known(0.0)))
    mixed = str(known(fields.text("mix_strategy", Known("concat"))))
    if held is None or mixed != "concat" or (cap is not ABSENT and not isinstance(cap, Known)):
        return Dataset(name, Unknown("it depends on how the data is split and mixed", names.span))
    limit = known(cap)
    registered = _registered(fields, near, project)
    sizes = [_rows(each, registered, near, project) for each in names.value]
    capped = [limit if size is None else size if limit is None else min(size, limit) for size in sizes]
    if any(size is None for size in capped):
        return Dataset(name, Unknown("the size of the dataset is not known", names.span))
    how = joined if len(names.value) == 1 else f"{len(names.value)} datasets"
    if None in sizes:  # some are known only by the cap, so this is an upper bound
        how = "the cap max_samples" + ("" if len(sizes) == 1 else f" for each of {len(sizes)} datasets")
    total = without_held_out(sum(size or 0 for size in capped), held)
    return Dataset(name, Known(total, names.span if limit is None else getattr(cap, "span", None), "derived"), how)


def _registered(fields: Fields, near: str, project: Project) -> tuple[str, dict[str, Any]] | None:
    """The folder and content of a config's `dataset_info.json`, searched from the config upwards, because the program
    is started in some folder above it. No folder if the names are the hub's; None if it is not found."""
    import json
    import os

    folder = known(fields.text("dataset_dir", Known("data")))
    if folder == "ONLINE":
        return "", {}
    if folder is None or folder.startswith("REMOTE:"):
        return None
    for here in project.upwards(os.path.dirname(near)):
        place = os.path.join(here, folder)
        source = project.load(os.path.join(place, "dataset_info.json"))
        if source is not None:
            try:
                content = json.loads(source.utf8)
            except (ValueError, RecursionError):
                return None
            return (place, content) if isinstance(content, dict) else None
    return None


def _unfit_data(fields: Fields, near: str, project: Project) -> Iterator[InvalidValue]:
    """The data sets of a training that its stage cannot take. One that is not registered may be a placeholder, which a
    program fills in."""
    from lora_lint.frameworks.llamafactory_data import unfit, unfit_by_name, unfit_images

    names, stage = fields.commas("dataset"), known(fields.text("stage", usual("sft")))
    span = names.span if isinstance(names, Known) else None
    if not isinstance(names, Known) or span is None or stage not in _STAGES or fields.has("tokenized_path"):
        return
    registered, owner = _registered(fields, near, project), f"`stage: {stage}` of {FRAMEWORK.title}"
    folder, entries = registered or ("", {})
    template = known(fields.text("template"))
    shown = stage == "sft" and template in TEMPLATES.names
    for name in names.value if registered is None and _is_its_own(fields) else ():
        if (expected := unfit_by_name(name, stage)) is not None:
            yield InvalidValue("dataset", name, span, owner, expected, since=_READ)
    for name in dict.fromkeys(names.value if folder else ()):
        entry = entries.get(name)
        if not isinstance(entry, dict):
            continue
        if (expected := unfit(entry, stage, folder, project)) is not None:
            yield InvalidValue("dataset", name, span, owner, expected, since=_READ)
        elif shown and (expected := unfit_images(entry, str(template), folder, project)) is not None:
            yield InvalidValue("dataset", name, span, owner, expected, since=_COUNTS_IMAGES)


def _is_its_own(fields: Fields) -> bool:
    """Whether the data sets may be those of its own repository, where nothing names another folder."""
    folder: str = known(fields.text("dataset_dir", usual("data"))) or ""
    return folder in ("data", "./data") or folder.rstrip("/").lower().endswith("factory/data")


def _rows(name: str, registered: tuple[str, dict[str, Any]] | None, near: str, project: Project) -> int | None:
    from lora_lint.knowledge.sizes import rows_of, rows_of_file

    if registered is None:
        return None
    folder, entries = registered
    entry = entries.get(name) if folder else {"hf_hub_url": name}
    if not isinstance(entry, dict):
        return None
    if isinstance(entry.get("num_samples"), int):
        return int(entry["num_samples"])
    public, file = entry.get("hf_hub_url"), entry.get("file_name")
    if isinstance(public, str):
        return rows_of(public, str(entry.get("split", "train")), entry.get("subset"), near, project)
    return rows_of_file(file, f"{folder}/", project) if isinstance(file, str) else None


def _training(fields: Fields) -> Training:
    stage = known(fields.text("stage", usual("sft")))
    # With `tokenized_path` a first run only prepares the data.
    otherwise = ABSENT if fields.has("tokenized_path") else usual(5e-5)
    rate = fields.number("learning_rate", otherwise)
    return tables.training(FRAMEWORK, fields, _STAGES.get(stage or "", "unknown"), learning_rate=rate)
