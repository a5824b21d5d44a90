"""NeMo AutoModel: recipes in YAML with a `peft` section whose `_target_` is its PeftConfig. Targets are globs for whole
names, in models that it builds itself for most architectures.

Source: NeMo AutoModel 0.5.0 of 2026-08-22, nemo_automodel/components/_peft/{lora,module_matcher}.py,
recipes/llm/train_ft.py and cli/app.py.
"""

from __future__ import annotations

from lora_lint.frameworks import tables
from lora_lint.frameworks.fields import Fields, unfolded, usual
from lora_lint.run.events import Load, Train, Wrap
from lora_lint.run.framework import CommandLine, Framework
from lora_lint.run.run import BaseModel, Dataset, Reading, Run
from lora_lint.run.values import ABSENT, Known, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.project import Project
    from lora_lint.readers.nodes import Mapping
    from lora_lint.run.run import Adapter, Method, Training
    from lora_lint.run.values import Value

FRAMEWORK = Framework(
    name="nemo_automodel",
    title="NeMo AutoModel",
    source="NeMo AutoModel",
    version=(0, 5, 0),
    packages=("nemo-automodel",),
    keys={
        "rank": "dim",
        "alpha": "alpha",
        "dropout": "dropout",
        "target_modules": "target_modules",
        "exclude_modules": "exclude_modules",
        "use_dora": "use_dora",
    },
    defaults={"rank": 8, "alpha": 32, "dropout": 0.0, "target_modules": ("*_proj",), "use_dora": False},
    kinds=("yaml",),
    marks=((b"nemo_automodel", b"PeftConfig"),),
    commands=(
        CommandLine("command", "automodel", config="first", alone=None),
        CommandLine("module", r"nemo_automodel\.cli\.app", config="first", alone=None),
        CommandLine("script", r"nemo_automodel/recipes/\w+/\w+\.py", config="option", alone=None),
    ),
    sections=None,
    adapts="NeMo AutoModel",
    every_layer="*",
    every_layer_switch="match_all_linear",
    whole_alpha=True,
)
_CONFIG = "nemo_automodel.components._peft.lora.PeftConfig"
_METHODS: dict[str, Method] = {
    "TrainFinetuneRecipeForNextTokenPrediction": "supervised",
    "FinetuneRecipeForVLM": "supervised",
    "TrainFinetuneRecipeForSequenceClassification": "classification",
}


def recognises(document: Mapping) -> bool:
    """Whether a mapping is a recipe with an adapter."""
    peft = Fields(unfolded(document)).section("peft")
    return peft is not None and known(peft.text("_target_")) == _CONFIG


def settings(document: Mapping) -> tuple[Mapping, ...]:
    """All settings, in their sections."""
    return (unfolded(document),)


def read(document: Mapping, project: Project) -> Reading:
    """The run of a recipe."""
    sections = unfolded(document)
    whole = Fields(sections, sections)
    peft, model = whole.section("peft"), whole.section("model")
    if peft is None or model is None:
        return Reading()
    span = peft.span("dim" if peft.has("dim") else "_target_")
    config = model.section("config")  # of a model with random weights
    key = "pretrained_model_name_or_path"
    name = model.text(key, config.text(key) if config is not None else ABSENT)
    run = Run(
        FRAMEWORK,
        span,
        _adapter(peft),
        BaseModel(name, "AutoModelForCausalLM", _quantization(whole)),
        _dataset(whole, document.span.path, project),
        _training(whole),
        (Load(whole.span("model")), Wrap(span), Train(span)),
        own_names=True,
        trained=True,
    )
    return Reading((run,))


def _adapter(peft: Fields) -> Adapter:
    """An empty list of targets is none; a switch adapts all linear layers, and so do exclusions alone."""
    targets = peft.names("target_modules")
    if isinstance(targets, Known) and not targets.value:
        targets = ABSENT
    everything = peft.flag("match_all_linear")
    if known(everything):
        targets = Known(FRAMEWORK.every_layer, getattr(everything, "span", None), "derived")
    elif targets is ABSENT:
        targets = usual(FRAMEWORK.every_layer if peft.has("exclude_modules") else FRAMEWORK.defaults["target_modules"])
    return tables.adapter(FRAMEWORK, peft, peft.span("_target_"), target_modules=targets)


def _quantization(whole: Fields) -> Value[str | None]:
    section = whole.section("quantization")
    return usual(None) if section is None else tables.quantization(section)


def _dataset(whole: Fields, near: str, project: Project) -> Dataset:
    from lora_lint.knowledge.sizes import one_set

    data = whole.section("dataset")
    if data is None:
        return Dataset()
    key = next((key for key in ("dataset_name", "path_or_dataset", "path_or_dataset_id") if data.has(key)), "")
    most = known(data.whole("limit_dataset_samples"))
    return one_set(data.text(key), known(data.text("split")), None, near, project, most)


def _training(whole: Fields) -> Training:
    steps, optimizer = whole.section("step_scheduler"), whole.section("optimizer")
    recipe = known(whole.text("recipe", usual(""))) or ""
    name = optimizer.text("_target_") if optimizer is not None else ABSENT
    if isinstance(name, Known):
        name = Known(name.value.rpartition(".")[2], name.span)
    return tables.training(
        FRAMEWORK,
        whole,
        _METHODS.get(str(recipe).rpartition(".")[2], "unknown"),
        optimizer=name,
        learning_rate=optimizer.number("lr") if optimizer is not None else ABSENT,
        epochs=steps.number("num_epochs") if steps is not None else ABSENT,
        max_steps=steps.whole("max_steps") if steps is not None else ABSENT,
        batch_size=steps.whole("global_batch_size") if steps is not None else ABSENT,
        accumulation=usual(1),
        span=optimizer.span("lr") if optimizer is not None else None,
    )
