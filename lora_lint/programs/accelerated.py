"""How Accelerate's launcher lays out a program: by its options, and by the config file that they name.

Source: accelerate 1.15.0, commands/launch.py, commands/config/config_args.py, utils/launch.py (FSDP defaults to version
1) and utils/dataclasses.py.
"""

from __future__ import annotations

from lora_lint.knowledge.layouts import Zero, fsdp_of, zero, zero_of
from lora_lint.records import replace
from lora_lint.run.launch import Launch
from lora_lint.run.values import ABSENT, Known, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lora_lint.frameworks.fields import Fields
    from lora_lint.programs.launchers import Call
    from lora_lint.project import Project
    from lora_lint.run.given import Given
    from lora_lint.run.run import Run
    from lora_lint.run.values import Value
    from lora_lint.source import Span

_NAMES = frozenset({"accelerate", "accelerate-launch", "accelerate.commands.launch"})


def launch_of_call(call: Call, near: str, project: Project) -> Launch:
    """The processes and the sharding that a launcher is configured for, in the file `near` or in the config that it
    names."""
    if not call.launcher:
        return Launch()
    from lora_lint.frameworks.fields import Fields  # needed by launched programs alone
    from lora_lint.readers.arguments import options

    given = Fields(options(call.launcher, call.span).mapping)
    config = _config(given, near, project)
    count: Value[int] = ABSENT
    if call.processes is not None:
        count = Known(call.processes, None, "derived", call.span)
    elif config is not None and isinstance(number := config.whole("num_processes"), Known):
        count = Known(number.value, None, "derived", number.span)
    launch = _by_options(given)
    if launch.sharding is ABSENT and config is not None:
        launch = _by_config(config, near, project)
    precision = given.text("mixed_precision", config.text("mixed_precision") if config is not None else ABSENT)
    machines = given.whole("num_machines", config.whole("num_machines", Known(1)) if config is not None else Known(1))
    return replace(
        launch,
        processes=count if (known(count) or 0) > 1 else ABSENT,
        precision=precision,
        visible=_visible(call) if known(machines) == 1 and not given.has("cpu") else ABSENT,
    )


def _visible(call: Call) -> Value[int]:
    """The GPUs that a launcher's processes see; DeepSpeed's launcher has options of its own for that."""
    word = call.environment.get("CUDA_VISIBLE_DEVICES")
    if word is None or word.default or "deepspeed" in call.launched_by or not word.text:
        return ABSENT
    numbers = word.text.replace(" ", "").split(",")
    return Known(len(numbers), None, "derived", word.span) if all(each.isdigit() for each in numbers) else ABSENT


def given_to_launcher(call: Call) -> tuple[Given, ...]:
    """The options of the launcher itself; with a config file of its own, only those are known that are written."""
    if call.launched_by not in _NAMES:
        return ()
    from lora_lint.frameworks.settings import given_to
    from lora_lint.readers.arguments import options

    given = options(call.launcher, call.span)
    is_open = given.open or given.mapping.entry("config_file") is not None
    return given_to("accelerate", given.mapping, is_open, given.defaults, "launch")


def launched_by(run: Run, launch: Launch) -> Run:
    """A run with its launcher's settings; the program's own settings stay."""
    own = run.launch
    processes = launch.processes if own.processes is ABSENT else own.processes
    layout = launch if own.sharding is ABSENT else own
    own = replace(own, processes=processes, sharding=layout.sharding, gathers=layout.gathers, whole=layout.whole)
    own = replace(own, fixed=layout.fixed, wraps=layout.wraps)
    return replace(run, launch=replace(own, precision=launch.precision, visible=launch.visible))


def _config(given: Fields, near: str, project: Project) -> Fields | None:
    """The config file of a launcher, searched from the folder of the file `near` upwards."""
    from lora_lint.frameworks.fields import Fields
    from lora_lint.libraries import loaded

    path = known(given.text("config_file"))
    place = project.nearest(near, path) if path else None
    document = loaded.mapping(project, place) if place is not None else None
    return Fields(document) if document is not None else None


def _by_options(given: Fields) -> Launch:
    """`--use_fsdp --fsdp_version 2`, `--use_deepspeed --zero_stage 3`."""
    if known(given.flag("use_fsdp")) is True:
        version = known(given.whole("fsdp_version", Known(1)))
        return Launch(sharding=Known(fsdp_of(version), None, "derived", given.span("use_fsdp")))
    found = _zero(given) if known(given.flag("use_deepspeed")) is True else None
    return Launch() if found is None else found.launch(None, "derived", given.span("zero_stage"))


def _wrapped(section: Fields | None) -> Value[Any]:
    """The classes that Accelerate's FSDP wraps, unless it goes by another policy (accelerate 1.15.0,
    utils/dataclasses.py, set_auto_wrap_policy)."""
    key = "fsdp_transformer_layer_cls_to_wrap"
    if section is None or known(section.text("fsdp_auto_wrap_policy")) != "TRANSFORMER_BASED_WRAP":
        return ABSENT
    named = known(section.text(key))
    return Known(tuple(named.replace(" ", "").split(",")), None, "derived", section.span(key)) if named else ABSENT


def _zero(given: Fields) -> Zero | None:
    """The stage in Accelerate's own settings."""
    gathers = known(given.flag("zero3_save_16bit_model", Known(False)))
    return zero(known(given.whole("zero_stage")), gathers)


def _by_config(config: Fields, near: str, project: Project) -> Launch:
    kind = str(known(config.text("distributed_type")) or "").upper()
    where: Span = config.span("distributed_type")
    if kind == "FSDP":
        section = config.section("fsdp_config")
        version = known(section.whole("fsdp_version", Known(1))) if section is not None else 1
        return Launch(sharding=Known(fsdp_of(version), None, "derived", where), wraps=_wrapped(section))
    section = config.section("deepspeed_config") if kind == "DEEPSPEED" else None
    if section is None:
        return Launch()
    found, path = _zero(section), known(section.text("deepspeed_config_file"))
    if found is None and path:
        found, _ = zero_of(path, near, project)
    return Launch() if found is None else found.launch(None, "derived", where)
