"""mistral-finetune: `lora: {rank: …, scaling: …}`, where `scaling` is itself the factor on the adapter's output.

Source: mistralai/mistral-finetune at 1943535, finetune/{args,wrapped_model}.py, finetune/data/args.py and
model/{args,lora,transformer}.py. It trains Mistral models from their own checkpoints, whose modules `wq`, `wk`, `wv`,
`wo`, `w1`, `w2` and `w3` are those of transformers under other names, and adapts all of them.
"""

from __future__ import annotations

from lora_lint.frameworks import tables
from lora_lint.frameworks.fields import Fields, usual
from lora_lint.readers.nodes import Mapping
from lora_lint.run.events import Load, Train, Wrap
from lora_lint.run.framework import Framework
from lora_lint.run.run import BaseModel, Dataset, Reading, Run, Training
from lora_lint.run.values import ABSENT, Known, Unknown, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.project import Project
    from lora_lint.run.values import Value

FRAMEWORK = Framework(
    name="mistral_finetune",
    title="mistral-finetune",
    source="mistral-finetune at 1943535",
    keys={
        "rank": "rank",
        "scale": "scaling",
        "dropout": "dropout",
    },
    kinds=("yaml",),
    sections={"lora": "lora"},
    marks=((b"model_id_or_path",),),
    tells=(b"model_id_or_path",),
    adapts="mistral-finetune",
    usual_scale=2.0,
    unknown_keys="stops mistral-finetune with an error",
    synonyms={
        "r": "rank",
        "lora_r": "rank",
        "lora_rank": "rank",
        "scale": "scaling",
        "lora_dropout": "dropout",
    },
    other_keys={
        "max_steps": "max_steps",
        "batch_size": "batch_size",
        "accumulation": "num_microbatches",
    },
    defaults={
        "rank": 16,
        "dropout": 0.0,
        "scale": 2.0,
        "task_type": "CAUSAL_LM",
        "optimizer": "adamw",
        "max_steps": 100,
        "batch_size": 1,
        "accumulation": 1,
    },  # its program fixes the optimizer (train.py)
)
_OWN = ("run_dir", "seq_len", "ckpt_freq", "save_adapters", "num_microbatches")
_TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def recognises(document: Mapping) -> bool:
    """Whether a mapping is a mistral-finetune file."""
    return document.entry("model_id_or_path") is not None and any(document.entry(key) for key in _OWN)


def read(document: Mapping, project: Project) -> Reading:
    """The run of a file: LoRA is on unless `lora.enable` is false."""
    whole = Fields(document)
    empty = Mapping((), document.span)
    lora = whole.section("lora") or Fields(empty)
    enabled = lora.flag("enable", usual(True))
    if (document.entry("lora") is not None and not whole.has("lora")) or known(enabled) is not True:
        return Reading()
    span = whole.span("lora" if whole.has("lora") else "model_id_or_path")
    problems = (
        *tables.problems(FRAMEWORK, document),
        *tables.problems(FRAMEWORK, lora.mapping, "lora", owner=f"{FRAMEWORK.title}'s `lora`"),
    )
    adapter = tables.adapter(FRAMEWORK, lora, span, target_modules=_targets(whole))
    run = Run(
        FRAMEWORK,
        span,
        adapter,
        BaseModel(whole.text("model_id_or_path") if _named(whole) else ABSENT, "AutoModelForCausalLM", usual(None)),
        _dataset(whole, document.span.path, project),
        _training(whole),
        (Load(whole.span("model_id_or_path")), Wrap(span), Train(span)),
        problems,
        trained=True,
    )
    return Reading((run,))


def _named(whole: Fields) -> bool:
    """Whether the model is given: the framework's example leaves it empty, to be filled in."""
    return known(whole.text("model_id_or_path")) != ""


def _targets(whole: Fields) -> Value[tuple[str, ...] | str | None]:
    """All linear layers of a block; here each expert has its own modules, unlike in transformers 5."""
    from lora_lint.knowledge.models import identify

    name = known(whole.text("model_id_or_path"))
    model = identify(name) if name else None
    if model is not None and model.model_type != "mistral":
        return Unknown("mistral-finetune builds this model from its own modules")
    return usual(_TARGETS)


def _dataset(whole: Fields, near: str, project: Project) -> Dataset:
    """`instruct_data` and `data`: files or folders with weights (`a.jsonl:.5,b.jsonl:.5`). A weight is a share of the
    batches, so the examples of all files count."""
    from lora_lint.knowledge.sizes import rows_of_file

    data = whole.section("data")
    if data is None:
        return Dataset()
    parts = []
    for key in ("instruct_data", "data"):
        given: Value[str] = data.text(key, usual(""))
        if not isinstance(given, Known):
            return Dataset(given, given if isinstance(given, Unknown) else ABSENT)
        parts += [part.strip().partition(":")[0] for part in given.value.split(",") if part.strip()]
    if not parts:
        return Dataset()
    span = whole.span("data")
    name: Value[str] = Known(parts[0], span) if len(parts) == 1 else Unknown("there are several datasets", span)
    rows = [rows_of_file(part, near, project) for part in parts]
    found = [each for each in rows if each is not None]
    if len(found) < len(rows):
        return Dataset(name, Unknown("the size of a dataset is not known", span))
    return Dataset(name, Known(sum(found), span, "derived"), f"{len(parts)} files")


def _training(whole: Fields) -> Training:
    optim = whole.section("optim")
    own = {"learning_rate": optim.number("lr", usual(1e-4)), "span": optim.span("lr")} if optim is not None else {}
    return tables.training(FRAMEWORK, whole, "supervised", **{"learning_rate": usual(1e-4), **own})
