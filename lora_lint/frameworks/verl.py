"""verl: `actor_rollout_ref.model.lora_rank` above 0 (reinforcement learning), or `model.lora_rank` (its SFT trainer).

Source: verl 0.9.1, trainer/config/**/*.yaml, workers/config/{model,optimizer}.py, workers/engine/fsdp/
transformer_impl.py and workers/engine/megatron; `model.partial_pretrain` of the SFT trainer before 0.8: the repository
at b178a3c, trainer/fsdp_sft_trainer.py. Hydra's dotted keys and sections are the same.
"""

from __future__ import annotations

from lora_lint.frameworks import tables
from lora_lint.frameworks.fields import Fields, unfolded, usual
from lora_lint.knowledge import schemas
from lora_lint.records import replace
from lora_lint.run.events import Load, LoadAdapter, Train, Wrap
from lora_lint.run.framework import CommandLine, Framework
from lora_lint.run.run import Adapter, BaseModel, Dataset, Reading, Run, Training
from lora_lint.run.values import ABSENT, Known, Unknown, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.project import Project
    from lora_lint.readers.nodes import Mapping
    from lora_lint.run.run import Method
    from lora_lint.run.values import Value

FRAMEWORK = Framework(
    name="verl",
    title="verl",
    source="verl",
    version=(0, 9, 1),
    packages=("verl",),
    keys={
        "rank": "lora_rank",
        "alpha": "lora_alpha",
        "target_modules": "target_modules",
        "exclude_modules": "exclude_modules",
        "target_parameters": "target_parameters",
    },
    kinds=("yaml",),
    passes_on=True,
    sections={"model": "model", "actor_rollout_ref.model": "model"},
    marks=((b"lora", b"actor_rollout_ref"), (b"lora", b"train_files")),
    unknown_keys="stops verl with an error",
    synonyms={
        "lora_r": "lora_rank",
    },
    commands=(CommandLine("module", r"verl\..+", alone="dotted"),),
    defaults={
        "rank": 0,
        "alpha": 16,
        "dropout": 0.0,
        "target_modules": "all-linear",
        "task_type": "CAUSAL_LM",
    },
)
MEGATRON_KEYS = {"rank": "lora.rank", "alpha": "lora.alpha", "dropout": "lora.dropout"}
_OF_LORA = frozenset({"lora_rank", "lora_alpha", "target_modules", "exclude_modules", "lora_adapter_path"})
_UNLISTED = schemas.Unlisted("verl", FRAMEWORK.unknown_keys, synonyms=FRAMEWORK.synonyms, only_near=_OF_LORA)


def recognises(document: Mapping) -> bool:
    """Whether a mapping is a verl config, or the arguments of its command line."""
    return _model(Fields(unfolded(document))) is not None


def owner(document: Mapping) -> str | None:
    """What takes the settings of a file or command: the reinforcement-learning trainer, whose own configuration a
    command overrides in places. None for the other trainer."""
    sections = unfolded(document)
    if sections.entry("actor_rollout_ref") is None:
        return None
    return "" if document.entry("actor_rollout_ref") is not None else "overrides"


def read(document: Mapping, project: Project) -> Reading:
    """The run of a file whose rank is above 0."""
    sections = unfolded(document)
    whole = Fields(sections, sections)
    found = _model(whole)
    if found is None:
        return Reading()
    model, method = found
    megatron = model.section("lora")
    if megatron is not None and (known(megatron.whole("rank", usual(0))) or 0) <= 0:
        megatron = None
    rank = (megatron or model).whole("rank" if megatron else "lora_rank", usual(0))
    resumed = model.has("lora_adapter_path")
    if isinstance(rank, Known) and rank.value <= 0 and not resumed:
        return Reading()
    path = "path" if model.has("path") else "partial_pretrain"
    span = (megatron or model).span("rank" if megatron else "lora_adapter_path" if resumed else "lora_rank")
    put_on = LoadAdapter(span, trainable=Known(True)) if resumed else Wrap(span)
    run = Run(
        FRAMEWORK,
        span,
        _of_megatron(megatron) if megatron is not None else _adapter(model, resumed),
        BaseModel(model.text(path), "AutoModelForCausalLM", usual(None)),
        replace(_dataset(whole, document.span.path, project), template=_template(whole, model, method)),
        _training(whole, method),
        (Load(model.span(path)), put_on, Train(span)),
        tuple(schemas.unknown_keys(FRAMEWORK.name, model.mapping, _UNLISTED, "model")),
        own_names=megatron is not None,
        trained=True,
    )
    return Reading((run,))


def _template(whole: Fields, model: Fields, method: Method) -> Value[str]:
    """The model whose tokenizer's own template writes all prompts (utils/dataset/rl_dataset.py)."""
    data, name = whole.section("data"), model.text("path")
    beside = any(model.has(key) for key in ("custom_chat_template", "tokenizer_path"))
    if method != "rl" or beside or data is None or data.has("custom_cls") or data.has("chat_template_func"):
        return ABSENT
    return name


def _model(whole: Fields) -> tuple[Fields, Method] | None:
    """The section of the trained model, and how it is trained."""
    roles = whole.section("actor_rollout_ref")
    if roles is not None:
        model = roles.section("model")
        return None if model is None else (model, "rl")
    model = whole.section("model")
    if model is None or not any(model.has(key) for key in ("partial_pretrain", "path")):
        return None
    data = whole.section("data")
    ours = data is not None and any(data.has(key) for key in ("train_files", "train_batch_size"))
    return (model, "supervised") if ours and whole.section("trainer") is not None else None


def _adapter(model: Fields, resumed: bool) -> Adapter:
    adapter = tables.adapter(FRAMEWORK, model, model.span("lora_adapter_path"))
    return tables.resumed(adapter) if resumed else adapter


def _of_megatron(lora: Fields) -> Adapter:
    """Megatron fuses projections (`linear_qkv`, `linear_fc1`), so its targets have no names in transformers."""
    return Adapter(
        span=lora.span("rank"),
        rank=lora.whole("rank"),
        alpha=lora.number("alpha", usual(32)),
        dropout=lora.number("dropout", usual(0.0)),
        target_modules=lora.names("target_modules"),
        use_dora=Known(known(lora.text("type")) == "dora", lora.span("type"), "derived"),
        task_type=usual("CAUSAL_LM"),
        keys=MEGATRON_KEYS,
    )


def _dataset(whole: Fields, near: str, project: Project) -> Dataset:
    from lora_lint.knowledge.sizes import one_set

    data = whole.section("data")
    if data is None:
        return Dataset()
    most = known(data.whole("train_max_samples", usual(-1)))
    files = data.names("train_files")
    if isinstance(files, Known) and not isinstance(files.value, str):
        if len(files.value) != 1:
            return Dataset(Unknown("there are several datasets", files.span))
        files = Known(files.value[0], files.span)
    return one_set(files, "train", None, near, project, most if most is not None and most > 0 else None)


def _training(whole: Fields, method: Method) -> Training:
    trainer, data = whole.section("trainer"), whole.section("data")
    roles = whole.section("actor_rollout_ref")
    actor = roles.section("actor") if roles is not None else None
    optim = (actor or whole).section("optim") if method == "supervised" or actor is not None else None
    usual_rate = 1e-5 if method == "supervised" else 1e-6
    batch = data.whole("train_batch_size") if data is not None else ABSENT
    return Training(
        "verl",
        method,
        optim.text("optimizer", usual("AdamW")) if optim is not None else usual("AdamW"),
        optim.number("lr", usual(usual_rate)) if optim is not None else usual(usual_rate),
        trainer.number("total_epochs") if trainer is not None else ABSENT,
        trainer.whole("total_training_steps", usual(-1)) if trainer is not None else usual(-1),
        batch,
        usual(1),
        span=optim.span("lr") if optim is not None else None,
    )
