"""musubi-tuner: LoRA for video and image transformers, in a TOML file or on the command line.

Source: musubi-tuner 0.3.4 at 30c658c, src/musubi_tuner/training/parser_common.py and networks/lora.py.
"""

from __future__ import annotations

from lora_lint.frameworks import musubi_stages, networks, networks_data, networks_schema
from lora_lint.frameworks.fields import Fields
from lora_lint.records import replace
from lora_lint.run.framework import CommandLine, Framework
from lora_lint.run.run import Adapter, Reading, Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.frameworks.commands import Start
    from lora_lint.project import Project
    from lora_lint.readers.arguments import CommandOptions
    from lora_lint.readers.nodes import Mapping

FRAMEWORK = Framework(
    name="musubi_tuner",
    title="musubi-tuner",
    source="musubi-tuner",
    version=(0, 3, 4),
    keys=networks.KEYS,
    other_keys={**networks.OTHER_KEYS, "model": "dit"},
    defaults=networks.DEFAULTS,
    packages=("musubi-tuner",),
    kinds=("toml",),
    marks=((b"network_module", b"dit"), (b"[[datasets]]", b"_directory"), (b"[[datasets]]", b"_jsonl_file")),
    tells=(b"[[datasets]]",),
    commands=(
        *(
            CommandLine(
                *("script", rf"{model}_train_network\.py"),
                config="option",
                option="config_file",
                suffix=".toml",
                says={"script_of": model},
            )
            for model in musubi_stages.MODELS
        ),
        CommandLine("script", musubi_stages.CACHING),
    ),
    adapts="musubi-tuner",
    every_layer=None,
    lists=networks.LISTS,
)


def recognises(document: Mapping) -> bool:
    """Whether a mapping is a file of musubi-tuner, or of its data."""
    if networks_schema.is_of_folders(document):
        return True
    flat = networks.flattened(document)
    return flat.entry("network_module") is not None and flat.entry("dit") is not None


def settings(document: Mapping) -> tuple[Mapping, ...]:
    """All settings of a file or of a command; none of the data."""
    return () if networks_schema.is_of_folders(document) else (networks.flattened(document),)


def read_command(start: Start, arguments: CommandOptions, project: Project) -> Reading | None:
    """The run of a command that trains, with what the cache lacks that was made for it, or of one that makes a cache;
    None without a file of data."""
    fields = Fields(arguments.mapping)
    if "caches" in start.says:
        if not fields.has("dataset_config"):
            return None
        wrong = tuple(networks_data.problems(fields, project, FRAMEWORK.title, ()))
        return Reading((Run(FRAMEWORK, start.span, Adapter(start.span), trained=False, problems=wrong),))
    if not recognises(arguments.mapping):
        return None
    lacking = tuple(musubi_stages.problems(start, fields)) if start.earlier else ()
    return read(arguments.mapping, project).mapped(
        lambda run: replace(run, problems=(*run.problems, *lacking)) if lacking else run
    )


def read(document: Mapping, project: Project) -> Reading:
    """The run of a file that trains LoRA."""
    if networks_schema.is_of_folders(document):
        return networks_data.reading(FRAMEWORK, document, in_subsets=False)
    return networks.reading(FRAMEWORK, document, project)
