"""diffusers' training scripts (examples/dreambooth, text_to_image, advanced_diffusion_training and cogvideo), where a
shell script starts them and the project has no copy to follow.

Source: huggingface/diffusers at 58eb52c (0.42), examples/*/train_*lora*.py.
"""

from __future__ import annotations

from lora_lint.frameworks import tables
from lora_lint.frameworks.fields import Fields, multiple, usual
from lora_lint.run.events import Load, Train, Wrap
from lora_lint.run.framework import DIFFUSERS_KEYS, CommandLine, Framework
from lora_lint.run.run import BaseModel, Reading, Run
from lora_lint.run.values import Known, Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lora_lint.frameworks.commands import Start
    from lora_lint.project import Project
    from lora_lint.readers.arguments import CommandOptions
    from lora_lint.run.values import Value

_MODEL = ("pretrained_model_name_or_path",)
_OF_PAIRS = r"flux_kontext|flux2(?:_klein)?_img2img"
"""Models that are trained on pairs of images, each with a text of its own; the other scripts require one for all."""
FRAMEWORK = Framework(
    name="diffusers_examples",
    title="diffusers' scripts",
    source="diffusers",
    version=(0, 42),
    keys={
        "rank": "rank",
        "alpha": "lora_alpha",
        "dropout": "lora_dropout",
        "target_modules": "lora_layers",
        "use_dora": "use_dora",
    },
    other_keys=DIFFUSERS_KEYS,
    defaults={"rank": 4, "alpha": 4, "dropout": 0.0, "optimizer": "adamw", "learning_rate": 1e-4, "accumulation": 1},
    commands=tuple(
        CommandLine("script", rf"train_{script}\.py", implied={"needs": needs}, followed=True)
        for script, needs in (
            (r"dreambooth_lora", (*_MODEL, "instance_data_dir", "instance_prompt")),
            (rf"dreambooth_lora_(?P<task>{_OF_PAIRS})", _MODEL),
            (r"dreambooth_lora_(?P<task>\w+)", (*_MODEL, "instance_prompt")),
            (r"text_to_image_lora(?:_(?P<task>sdxl))?", _MODEL),
            (r"(?P<task>cogvideox)(?:_image_to_video)?_lora", _MODEL),
        )
    ),
    every_layer=None,
    commas=True,
    casts_by="mixed_precision",
)
_ATTENTION = ("to_k", "to_q", "to_v", "to_out.0")
_FLUX = (
    *("attn.to_k", "attn.to_q", "attn.to_v", "attn.to_out.0", "attn.add_k_proj", "attn.add_q_proj", "attn.add_v_proj"),
    *("attn.to_add_out", "ff.net.0.proj", "ff.net.2", "ff_context.net.0.proj", "ff_context.net.2"),
)
_TARGETS = {
    **dict.fromkeys(("sd15", "sd15_advanced", "sdxl", "sdxl_advanced", "lumina2", "qwen_image", "z_image"), _ATTENTION),
    **dict.fromkeys(("flux2", "flux2_klein", "flux2_img2img", "flux2_klein_img2img", "cogvideox"), _ATTENTION),
    **dict.fromkeys(("flux", "flux_kontext", "flux_advanced"), _FLUX),
    "sana": _ATTENTION[:3],
}
"""The layers that each model's script adapts by default."""
_BY_RANK = frozenset({"sd15", "sd15_advanced", "sdxl", "sdxl_advanced", "sd3", "hidream", "lumina2"})
"""Models whose scripts have no alpha: it is the rank."""
_COGVIDEOX = 128
"""The rank and alpha of the scripts for CogVideoX."""


def read_command(start: Start, arguments: CommandOptions, project: Project) -> Reading:
    """The run of a command: the adapter on the model that denoises."""
    del project
    fields, task = Fields(arguments.mapping), start.task or "sd15"
    span, model = start.span, FRAMEWORK.other_keys["model"]
    rank = fields.whole("rank", usual(_COGVIDEOX if task == "cogvideox" else FRAMEWORK.defaults["rank"]))
    targets = _targets(fields, task)
    own: dict[str, Any] = {"dtype": Known("float32")} if fields.has(FRAMEWORK.casts_by) else {}
    adapter = tables.adapter(
        FRAMEWORK, fields, span, rank=rank, alpha=_alpha(fields, task, rank), target_modules=targets, **own
    )
    run = Run(
        FRAMEWORK,
        span,
        adapter,
        BaseModel(fields.text(model)),
        training=tables.training(FRAMEWORK, fields, "unknown"),
        events=(Load(fields.span(model)), Wrap(span), Train(span)),
        trained=True,
    )
    return Reading((run,))


def _alpha(fields: Fields, task: str, rank: Value[int]) -> Value[float]:
    """Where the script has the option, older versions of it have not, and take the rank."""
    if task in _BY_RANK:
        return multiple(rank)
    unknown = Unknown("it depends on the version of the script")
    return fields.number("lora_alpha", usual(_COGVIDEOX) if task == "cogvideox" else unknown)


def _targets(fields: Fields, model: str) -> Value[tuple[str, ...] | str | None]:
    if model not in _TARGETS or fields.has("lora_blocks"):
        return Unknown("the script has its own list of layers")
    return fields.commas("lora_layers", usual(_TARGETS[model]))
