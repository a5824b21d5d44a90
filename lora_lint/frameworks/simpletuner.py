"""SimpleTuner: a JSON file with `"model_type": "lora"`, whose keys may begin with two dashes, and that of its data.

Source: bghira/SimpleTuner at bc8e6ab, simpletuner/simpletuner_sdk/server/services/field_registry/sections/ and
simpletuner/helpers/models/common.py.
"""

from __future__ import annotations

from lora_lint.frameworks import simpletuner_data, simpletuner_lycoris, tables
from lora_lint.frameworks.fields import Fields, multiple, usual
from lora_lint.readers.nodes import Entry, Mapping
from lora_lint.records import replace
from lora_lint.run.events import Load, Train, Wrap
from lora_lint.run.framework import DIFFUSERS_KEYS, Framework
from lora_lint.run.run import Adapter, BaseModel, Reading, Run
from lora_lint.run.values import ABSENT, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.project import Project
    from lora_lint.run.values import Value

FRAMEWORK = Framework(
    name="simpletuner",
    title="SimpleTuner",
    source="SimpleTuner at bc8e6ab",
    keys={"rank": "lora_rank", "alpha": "lora_alpha", "dropout": "lora_dropout", "use_dora": "use_dora"},
    other_keys=DIFFUSERS_KEYS,
    defaults={
        "rank": 16,
        "dropout": 0.1,
        "use_dora": False,
        "optimizer": "adamw_bf16",
        "learning_rate": 4e-7,
        "batch_size": 4,
        "accumulation": 1,
    },
    kinds=("json",),
    marks=((b"model_family", b"model_type"), (b"instance_data_dir", b"cache_dir_vae")),
    tells=(b"cache_dir_vae",),
    every_layer=None,
)


def recognises(document: Mapping) -> bool:
    """Whether a mapping is a configuration of SimpleTuner, or says where data is."""
    fields = Fields(_undashed(document))
    return (fields.has("model_family") and fields.has("model_type")) or simpletuner_data.recognises(document)


def settings(document: Mapping) -> tuple[Mapping, ...]:
    """All settings, under the names of the program; none of the data."""
    return () if simpletuner_data.recognises(document) else (_undashed(document),)


def read(document: Mapping, project: Project) -> Reading:
    """The run of a file that trains LoRA; LyCORIS has its own file, of which only what is wrong is read."""
    if simpletuner_data.recognises(document):
        wrong = tuple(simpletuner_data.problems(document, FRAMEWORK.title))
        run = Run(FRAMEWORK, document.span, Adapter(document.span), trained=False, problems=wrong)
        return Reading((run,) if wrong else ())
    fields = Fields(_undashed(document))
    kind = known(fields.text("lora_type", usual("standard")))
    if known(fields.text("model_type")) != "lora" or kind not in ("standard", "lycoris"):
        return Reading()
    if kind == "lycoris":
        return _of_lycoris(fields, project)
    span = fields.span("lora_rank" if fields.has("lora_rank") else "model_type")
    rank = fields.whole("lora_rank", usual(FRAMEWORK.defaults["rank"]))
    alpha = fields.number("lora_alpha", multiple(rank))  # common.py
    model = fields.text("pretrained_model_name_or_path", fields.text("model_family"))
    run = Run(
        FRAMEWORK,
        span,
        tables.adapter(FRAMEWORK, fields, span, rank=rank, alpha=alpha),
        BaseModel(model),
        training=tables.training(FRAMEWORK, fields, "unknown", epochs=_unless_0(fields, "num_train_epochs")),
        events=(Load(fields.span("model_family")), Wrap(span), Train(span)),
        trained=True,
    )
    return Reading((run,))


def _of_lycoris(fields: Fields, project: Project) -> Reading:
    """What is wrong with the file of LyCORIS, as a run that trains nothing."""
    wrong = tuple(simpletuner_lycoris.problems(fields, project, FRAMEWORK.title))
    span = fields.span("lycoris_config")
    return Reading((Run(FRAMEWORK, span, Adapter(span), trained=False, problems=wrong),) if wrong else ())


def _unless_0(fields: Fields, key: str) -> Value[float]:
    """A count, which 0 leaves out."""
    count = fields.number(key)
    return ABSENT if known(count) == 0 else count


def _undashed(document: Mapping) -> Mapping:
    """The settings under the names that they have in the program: `--lora_rank` is `lora_rank`."""
    entries = []
    for entry in document.entries:
        key = entry.key
        if isinstance(key.value, str) and key.value.startswith("--"):
            key = replace(key, value=key.value[2:])
        entries.append(Entry(key, entry.value))
    return Mapping(tuple(entries), document.span)
