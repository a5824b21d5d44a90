"""Adapters that are served or converted: by commands, by programs with vLLM, and by Ollama's Modelfiles.

What is in such an adapter is read in its folder, or in what the project trains there.
"""

from __future__ import annotations

import json
import os
import re
from itertools import islice

from lora_lint.frameworks import registry
from lora_lint.frameworks.configs import read_config
from lora_lint.frameworks.fields import Fields
from lora_lint.knowledge.names import is_packed
from lora_lint.knowledge.saved_adapters import saved_config
from lora_lint.knowledge.servers import (
    BY_VLLM,
    LLAMA_CPP,
    LMDEPLOY,
    LORAX,
    MLX,
    MLX_COMMANDS,
    MLX_CONVERT,
    MLX_GGUF,
    SGLANG,
    SWIFT,
    TENSORRT_LLM,
    TGI,
    TURBOMIND,
    VLLM,
    VLLM_GONE,
    VLLM_OPTIONS,
    VLLM_RANKS,
    WHOLE_MODELS,
)
from lora_lint.knowledge.signatures import closest
from lora_lint.libraries import loaded
from lora_lint.programs.lives import base_of
from lora_lint.programs.overrides import named_document
from lora_lint.readers.arguments import options
from lora_lint.readers.nodes import Scalar
from lora_lint.readers.nodes import Sequence as Items
from lora_lint.records import NamedTuple, replace
from lora_lint.run.launch import Launch
from lora_lint.run.problems import InvalidValue, Overridden, UnknownKey
from lora_lint.run.run import (
    Adapter,
    BaseModel,
    Dataset,
    Run,
    Serving,
    Training,
    Unserved,
    is_weights_file,
    training_folder,
)
from lora_lint.run.values import ABSENT, Known, known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from typing import Any, TypeAlias

    from lora_lint.frameworks.commands import Start
    from lora_lint.knowledge.servers import Server
    from lora_lint.programs.launchers import Call
    from lora_lint.project import Project
    from lora_lint.readers.nodes import Mapping
    from lora_lint.readers.shell import Word
    from lora_lint.run.given import Given
    from lora_lint.run.problems import Clash, Unadapted
    from lora_lint.run.run import Reading
    from lora_lint.run.values import Value
    from lora_lint.source import Span

_VLLM_MODULES = ("vllm.entrypoints.openai.api_server", "vllm.entrypoints.api_server")
_CONVERTERS = ("convert_lora_to_gguf.py", "convert-lora-to-gguf.py")
_WHOLE_CONVERTERS = ("convert_hf_to_gguf.py", "convert-hf-to-gguf.py")
_SWITCHES = frozenset({"--bigendian", "--no-lazy", "--verbose", "--dry-run", "--trust-remote-code", "-h", "--help"})
"""The options of the converter that take no value."""
_MERGED = r"(?:^|/)checkpoint-\d+-merged/?$"
"""What ms-swift calls the folder of a merge (4.6.0, pipelines/export/merge_lora.py; the same in 2.6)."""
ANY_RANK: Value[int] = Known(0, None, "framework-default")
"""The limit of a server without one."""
OFF: Value[bool] = Known(value=False, origin="framework-default")
"""An option that is not given."""


class Served(NamedTuple):
    """An adapter that a server gets: its folder, where that is written, the highest rank that is accepted there, and
    the base model below it. `as_model`: it is given where the base model belongs. `as_file`: the file of its weights is
    given. `towers`: vision towers are adapted too. `unserved`: why no adapter is served at all. `targets`: the modules
    that adapters are kept for."""

    server: Server
    folder: str
    span: Span
    max_rank: Value[int] = ANY_RANK
    base: Value[str] = ABSENT
    as_model: bool = False
    requantizes: bool = False
    as_file: bool = False
    towers: Value[bool] = ABSENT
    unserved: Unserved | None = None
    targets: Value[Any] = ABSENT


class TrainedRuns:
    """The runs that the commands of a file train, by the folder that each writes its adapter to; `elsewhere` gives the
    run of another file of the project."""

    def __init__(self, elsewhere: Callable[[str], Run | None]) -> None:
        self._runs: dict[str, Run] = {}
        self._elsewhere = elsewhere
        self.quantized: set[str] = set()
        """The folders in which commands save quantized models."""
        self._starts: tuple[Start, ...] = ()

    def note(self, runs: Iterable[Run]) -> None:
        """Remembers what trains."""
        for run in runs:
            if run.trained:
                self._runs |= {os.path.normpath(folder): run for folder in run.saves}

    def after_others(self, start: Start) -> Start:
        """A start that knows those before it in the file."""
        known_of = replace(start, earlier=self._starts)
        self._starts = (*self._starts, start)
        return known_of

    def note_config(self, start: Start, path: str, project: Project) -> None:
        """Remembers what a command trains, by the configuration file that it names."""
        key = start.framework.other_keys.get("output")
        document = named_document(start, path, project) if key is not None else None
        if key is None or document is None:
            return
        reader = registry.reader(start.framework.name)
        output = known(Fields(document).text(key)) if reader.recognises(document) else None
        runs = reader.read(document, project).runs if output is not None else ()
        if output is not None and len(runs) == 1:
            self._runs[os.path.normpath(output)] = runs[0]

    def by(self, folder: str) -> Run | None:
        """The run that writes its adapter to a folder."""
        found = (self._runs.get(os.path.normpath(each)) for each in (folder, training_folder(folder)))
        return next((run for run in found if run is not None), None) or self._elsewhere(folder)


def runs_of(call: Call, span: Span, path: str, project: Project, trained: TrainedRuns) -> list[Run]:
    """The adapters that a command serves or converts, if the project shows what is in them, and its options for
    adapters that the server lacks."""
    reader = _reader(call)
    if reader is None:
        trained.quantized |= _quantized(call)
        return []
    given = _with_config(options(call.arguments, span).mapping, path, project)
    lacking: Sequence[Run] = ()
    if reader is _by_vllm:
        lacking = [*_lacking(given), *rank_problem(Fields(given).whole("max_lora_rank")), *_unlike(call.arguments)]
    served = (_requantizing(each, trained.quantized) for each in reader(call, Fields(given)))
    return [*adapters(served, path, project, trained.by), *lacking]


def given_to_server(call: Call, path: str, project: Project) -> tuple[Given, ...]:
    """The options of a server that has a table of refusals, if some are about adapters."""
    reader = _reader(call)
    name = "vllm" if reader is _by_vllm else "sglang" if reader is _by_sglang else ""
    if not name or not any("lora" in word.beginning for word in call.arguments):
        return ()
    from lora_lint.frameworks.settings import given_as_options

    found = options(call.arguments, call.span)
    return (given_as_options(name, _with_config(found.mapping, path, project), found.open, found.defaults),)


def _quantized(call: Call) -> set[str]:
    """The folder in which a command saves a quantized model."""
    if MLX_CONVERT.isdisjoint(_names(call)):
        return set()
    given = Fields(options(call.arguments, call.span).mapping)
    if not any(given.has(key) for key in ("q", "quantize")):
        return set()
    folder = known(given.text("mlx_path", Known("mlx_model")))
    return {os.path.normpath(folder)} if folder else set()


def _requantizing(served: Served, quantized: Collection[str]) -> Served:
    """An adapter with whether it is merged into quantized weights: those of a model whose name, or the command that
    makes it, shows that."""
    name = known(served.base)
    packed = name is not None and (is_packed(name) or os.path.normpath(name) in quantized)
    return served._replace(requantizes=served.requantizes and packed)


def _with_config(given: Mapping, path: str, project: Project) -> Mapping:
    """The options of a command with those of the file that `--config` names, which they override."""
    name = given.get("config")
    place = project.nearest(path, name.value) if isinstance(name, Scalar) and isinstance(name.value, str) else None
    document = loaded.mapping(project, place) if place is not None else None
    if document is None:
        return given
    keys = (replace(each.key, value=str(each.key.value).replace("-", "_")) for each in document.entries)
    entries = (replace(each, key=key) for key, each in zip(keys, document.entries, strict=True))
    return replace(given, entries=(*entries, *given.entries))


def _lacking(given: Mapping) -> Iterator[Run]:
    """vLLM with an option for LoRA that it does not have; argparse takes the beginning of a name, too."""
    for each in given.entries:
        key = re.split(r"[.+]", str(each.key.value).removeprefix("no_"))[0]
        if key in VLLM_GONE:
            yield with_gone(key, each.key.raw, each.key.span, "`vllm serve`", "stops it with an error")
            continue
        if "lora" not in key or any(name.startswith(key) for name in VLLM_OPTIONS):
            continue
        meant = closest(key, VLLM_OPTIONS)
        instead = f"Name adapters as `{VLLM.adapter_option}`"
        unknown = UnknownKey(each.key.raw, each.key.span, VLLM.title, (), "stops it with an error", instead)
        if meant:
            unknown = replace(unknown, instead=f"It has `--{meant[0].replace('_', '-')}`")
        yield with_problem(unknown)


def _unlike(words: Sequence[Word]) -> Iterator[Run]:
    """vLLM with adapters in another form than it reads: it splits each value at its `=`, and takes others for one JSON
    object; an option that is given again replaces the first (vllm/entrypoints/openai/cli_args.py,
    LoRAParserAction)."""
    under = ""
    given: list[tuple[Word, list[str]]] = []
    for word in words:
        text = word.beginning
        name, equals, value = text.partition("=") if text.startswith("--") else (under, "=", text)
        under = name
        if name.replace("_", "-") != "--lora-modules":
            continue
        if text.startswith("--"):
            given.append((word, []))
        if not equals:
            continue
        given[-1][1].append(value.partition("=")[0])
        if value.startswith("["):
            expected = "`name=folder`, or a JSON object, for each adapter: brackets and quotes become part of both"
            yield with_problem(InvalidValue("lora-modules", value, word.span, VLLM.title, expected))
        elif word.text and "=" not in value and value[0] not in "{'\"":
            expected = "`name=folder`, or a JSON object, for each adapter: it stops at a folder alone"
            yield with_problem(InvalidValue("lora-modules", value, word.span, VLLM.title, expected))
    for word, values in given[:-1]:
        names = tuple(name for name in values if name)
        yield with_problem(Overridden("--lora-modules", word.span, names, given[-1][0].span))


def rank_problem(rank: Value[int]) -> Iterator[Run]:
    """vLLM with a highest rank that is none of those that it takes."""
    if isinstance(rank, Known) and rank.span is not None and 0 < rank.value < VLLM_RANKS[-1]:
        higher = next(each for each in VLLM_RANKS if each >= rank.value)
        if higher != rank.value:
            expected = f"one of {', '.join(map(str, VLLM_RANKS))}: the next is {higher}"
            wrong = InvalidValue("max_lora_rank", rank.value, rank.span, VLLM.title, expected)
            yield with_problem(wrong)


def with_gone(key: str, written: str, span: Span, owner: str, consequence: str) -> Run:
    """An option of vLLM that newer releases lack, which the version that the project asks for decides upon."""
    until, instead = VLLM_GONE[key]
    gone = UnknownKey(written, span, owner, (), consequence, instead, until, "vllm")
    return Run(
        registry.framework("peft"), span, Adapter(span), training=Training(unknown_keywords=(gone,)), trained=False
    )


def with_problem(problem: UnknownKey | InvalidValue | Overridden | Clash | Unadapted) -> Run:
    """What is wrong with the options of a server, where nothing is known of its adapters."""
    return Run(registry.framework("peft"), problem.span, Adapter(problem.span), trained=False, problems=(problem,))


def adapters(
    served: Iterable[Served], path: str, project: Project, trained_by: Callable[[str], Run | None]
) -> list[Run]:
    """The adapters that the file at `path` serves, if the project shows what is in them."""
    found = []
    for each in served:
        saved = _saved(each.folder, path, project) if each.folder else None
        if saved is not None and each.unserved is Unserved.MERGED:
            continue  # the project shows that there is one
        run = saved or (trained_by(each.folder) if each.folder else None)
        if each.unserved is Unserved.LATER and not _is_refused(path, each.span, project):
            continue
        if each.unserved is Unserved.WHOLE and (run is not None or not _holds_model(each.folder, path, project)):
            continue
        if run is None and (each.as_file or each.unserved is not None or _converts_no_such(each, path)):
            run = Run(registry.framework(each.server.framework or "peft"), each.span, Adapter(each.span))
        if run is not None:
            how = (each.as_model, each.requantizes, each.as_file, each.towers, each.unserved, each.targets)
            serving = Serving(each.server, each.span, each.max_rank, *how)
            alone = _alone(run, each.span, serving)
            found.append(replace(alone, model=BaseModel(each.base), trained_on=base_of(run, each.span)))
    return found


def _is_refused(path: str, place: Span, project: Project) -> bool:
    from lora_lint.programs.hot_loading import is_refused  # which few files need

    return place.path == path and is_refused(path, project)


def _holds_model(folder: str, path: str, project: Project) -> bool:
    from lora_lint.programs.wholes import holds_model  # which few files need

    return holds_model(folder, path, project)


def on_known_bases(reading: Reading, trained_by: Callable[[str], Run | None]) -> Reading:
    """A reading with the base models that the adapters which it merges were trained on; of a run that nothing is known
    about the settings and their problems alone are left."""
    runs, given = [], list(reading.given)
    for run in reading.runs:
        if run.loads is not None and run.trained is False and run.trained_on is ABSENT:
            trained = trained_by(run.loads)
            if trained is not None:
                run = replace(run, trained_on=base_of(trained, run.span))
            elif not run.problems:
                given += run.given
                continue
        runs.append(run)
    return replace(reading, runs=tuple(runs), given=tuple(given))


def _converts_no_such(served: Served, path: str) -> bool:
    """Whether the base model below an adapter is of a type that some version of a server takes no adapters for."""
    server = served.server
    if not (server.bases or server.lacks) or not isinstance(served.base, Known):
        return False
    from lora_lint.knowledge.models import identify

    model = identify(served.base.value, near=os.path.dirname(path) or None)
    if model is None:
        return False
    return model.model_type in server.lacks or bool(server.bases and model.model_type not in server.bases)


def _alone(run: Run, place: Span, serving: Serving) -> Run:
    """An adapter without the run that trained it, which is judged where it is written."""
    return replace(
        run,
        span=place,
        serving=serving,
        trained=False,
        dataset=Dataset(),
        training=Training(),
        launch=Launch(),
        events=(),
        problems=(),
        given=(),
        weights=None,
        loads=None,
        elsewhere=(),
    )


def _reader(call: Call) -> Reader | None:
    """What finds the adapters that a command names."""
    alone, with_task = _names(call)
    return _READERS.get((call.kind, alone)) or _READERS.get((call.kind, with_task))


def _names(call: Call) -> tuple[str, str]:
    """A command alone, and with its task."""
    name = call.name.rpartition("/")[2]
    return name, f"{name} {call.arguments[0].text if call.arguments else None}"


def _by_option(server: Server, *keys: str, base: str = "", rank: str = "") -> Reader:
    """Reads the adapters in some options; `base` is the option for the base model, `rank` that for the highest rank."""

    def read(_call: Call, given: Fields) -> Iterator[Served]:
        max_rank = given.whole(rank, _usual(server)) if rank else ANY_RANK
        for key in keys:
            yield from _listed(server, given, key, max_rank, given.text(base) if base else ABSENT)

    return read


def _by_vllm(call: Call, given: Fields) -> Iterator[Served]:
    words = call.arguments
    model = given.text("model")
    if len(words) > 1 and words[0].text == "serve" and not (words[1].text or "-").startswith("-"):
        model = Known(words[1].text or "", words[1].span)
    towers, enabled = given.flag("enable_tower_connector_lora", OFF), given.flag("enable_lora", OFF)
    unserved = Unserved.DISABLED if known(enabled) is False else None
    targets = given.names("lora_target_modules")
    if known(enabled) is True:
        yield Served(VLLM, "", given.span("enable_lora"), unserved=Unserved.LATER)
    found = _listed(VLLM, given, "lora_modules", given.whole("max_lora_rank", _usual(VLLM)), model)
    for each in islice(found, 1 if unserved else None):
        yield each._replace(towers=towers, unserved=unserved, targets=targets)
    if isinstance(model, Known) and model.span is not None:
        yield Served(VLLM, model.value, model.span, as_model=True)


def _by_sglang(_call: Call, given: Fields) -> Iterator[Served]:
    targets = given.names("lora_target_modules")
    for each in _listed(SGLANG, given, "lora_paths", given.whole("max_lora_rank", ANY_RANK), given.text("model_path")):
        yield each._replace(targets=targets)


def _by_lmdeploy(call: Call, given: Fields) -> Iterator[Served]:
    """`lmdeploy serve api_server model`: its own engine serves a model that it knows, unless PyTorch's is asked for."""
    model = next((word for word in call.arguments[2:3] if word.text and not word.text.startswith("-")), None)
    base: Value[str] = Known(model.text or "", model.span) if model is not None else ABSENT
    backend = known(given.text("backend", Known("turbomind")))
    own = backend == "turbomind" and not given.has("device") and _is_turbominds(known(base) or "")
    for each in islice(_listed(LMDEPLOY, given, "adapters", ANY_RANK, base), 1 if own else None):
        yield each._replace(unserved=Unserved.BACKEND if own else None)


def _is_turbominds(name: str) -> bool:
    from lora_lint.knowledge.models import identify

    model = identify(name)
    return model is not None and model.model_type in TURBOMIND


def _by_lm_eval(_call: Call, given: Fields) -> Iterator[Served]:
    """The evaluation harness, which hands `--model_args` to vLLM."""
    text = given.text("model_args")
    if known(given.text("model")) == "vllm" and isinstance(text, Known) and text.span is not None:
        asked = dict(part.partition("=")[::2] for part in text.value.split(","))
        rank = asked.get("max_lora_rank", str(VLLM.usual_rank))
        if "lora_local_path" in asked and rank.isdecimal():
            base = Known(asked["pretrained"], text.span) if "pretrained" in asked else ABSENT
            yield Served(VLLM, asked["lora_local_path"], text.span, Known(int(rank), None, "framework-default"), base)


def _by_vllm_infer(_call: Call, given: Fields) -> Iterator[Served]:
    """A script that hands `vllm_config` to vLLM, and nothing else for the adapter."""
    more = _of_json(known(given.text("vllm_config", Known("{}"))) or "")
    accepted = more.get("max_lora_rank", VLLM.usual_rank) if more is not None else None
    if isinstance(accepted, int):
        rank = Known(accepted, None, "framework-default")
        yield from _listed(VLLM, given, "adapter_name_or_path", rank, given.text("model_name_or_path"))


def _by_swift(_call: Call, given: Fields) -> Iterator[Served]:
    """What swift hands to vLLM: adapters that it does not merge first. None of its commands takes an adapter as the
    model, or a model that was trained as a whole as an adapter."""
    model = given.text("model")
    if isinstance(model, Known) and model.span is not None:
        yield Served(SWIFT, model.value, model.span, as_model=True)
    for each in _listed(SWIFT, given, "adapters", ANY_RANK, ABSENT):
        yield each._replace(unserved=Unserved.MERGED if re.search(_MERGED, each.folder) else Unserved.WHOLE)
    if known(given.text("infer_backend")) == "vllm" and known(given.flag("merge_lora")) is not True:
        accepted = given.whole("vllm_max_lora_rank", _usual(VLLM))
        yield from _listed(VLLM, given, "adapters", accepted, given.text("model"))


def _by_mlx(call: Call, given: Fields) -> Iterator[Served]:
    fuses = "fuse" in (call.arguments[0].text if call.arguments else "", call.name.rpartition(".")[2])
    whole = any(given.has(key) for key in ("dequantize", "de_quantize"))
    server = MLX_GGUF if fuses and given.has("export_gguf") else MLX
    for each in _listed(server, given, "adapter_path", ANY_RANK, given.text("model")):
        unserved = Unserved.FILE if is_weights_file(each.folder) else None
        yield each._replace(requantizes=fuses and not whole, unserved=unserved)


def _converted(call: Call, given: Fields) -> Iterator[Served]:
    """What llama.cpp's script converts."""
    folder = _operand(call.arguments)
    if folder is not None and not options(call.arguments, call.span).open:
        yield Served(LLAMA_CPP, folder.text or "", folder.span, base=given.text("base_model_id"))


def _converted_whole(call: Call, given: Fields) -> Iterator[Served]:
    """What llama.cpp's script for whole models converts."""
    folder = _operand(call.arguments)
    if folder is not None and not given.has("remote"):
        yield Served(WHOLE_MODELS, folder.text or "", folder.span, as_model=True)


Reader: TypeAlias = "Callable[[Call, Fields], Iterator[Served]]"
_READERS: dict[tuple[str, str], Reader] = {
    ("command", "vllm serve"): _by_vllm,
    **dict.fromkeys((("module", name) for name in _VLLM_MODULES), _by_vllm),
    **dict.fromkeys(
        (("command", "sglang serve"), ("module", "sglang.launch_server")),
        _by_sglang,
    ),
    ("command", "text-generation-launcher"): _by_option(TGI, "lora_adapters", base="model_id"),
    ("command", "lorax-launcher"): _by_option(LORAX, "adapter_id", "preloaded_adapter_ids", base="model_id"),
    **dict.fromkeys(((kind, name) for kind in ("command", "module") for name in MLX_COMMANDS), _by_mlx),
    **dict.fromkeys((("command", name) for name in (*BY_VLLM, "swift export")), _by_swift),
    ("command", "lmdeploy serve"): _by_lmdeploy,
    ("command", "lm_eval"): _by_lm_eval,
    ("module", "lm_eval"): _by_lm_eval,
    **dict.fromkeys((("script", name) for name in _CONVERTERS), _converted),
    **dict.fromkeys((("script", name) for name in _WHOLE_CONVERTERS), _converted_whole),
    ("script", "vllm_infer.py"): _by_vllm_infer,
    ("command", "trtllm-build"): _by_option(TENSORRT_LLM, "lora_dir", rank="max_lora_rank"),
}
"""What a call serves or converts, by its kind and its name, with its task where that decides."""


def _operand(words: Sequence[Word]) -> Word | None:
    """The adapter's folder among the converter's arguments: the word that belongs to no option."""
    taken = False
    for word in words:
        text = word.text or "-"
        if not text.startswith("-") and not taken:
            return word
        taken = text.startswith("-") and "=" not in text and text not in _SWITCHES
    return None


def _usual(server: Server) -> Value[int]:
    """The rank that a server accepts unless it is given another."""
    return Known(server.usual_rank or 0, None, "framework-default")


def _listed(server: Server, given: Fields, key: str, max_rank: Value[int], base: Value[str]) -> Iterator[Served]:
    """The adapters of an option: `name=folder`, `folder`, several with commas, or as JSON."""
    node = given.node(key)
    for item in node.items if isinstance(node, Items) else (node,):
        if not isinstance(item, Scalar) or not isinstance(item.value, str):
            continue
        if item.value.startswith("{"):
            content = _of_json(item.value) or {}
            folder = content.get("path") or content.get("lora_path")
            if isinstance(folder, str):
                yield Served(server, folder, item.span, max_rank, base)
            continue
        for part in item.value.split(","):
            name, equals, folder = part.partition("=")
            if folder or not equals:
                yield Served(server, (folder or name).partition("@")[0], item.span, max_rank, base)


def _of_json(text: str) -> dict[str, Any] | None:
    """A mapping in JSON, such as `{"name": …, "path": …}` and `{"lora_name": …, "lora_path": …}`."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _saved(folder: str, near: str, project: Project) -> Run | None:
    """The run of the adapter in a folder of the project, relative to the file `near`."""
    from lora_lint.readers.errors import Unreadable

    source = saved_config(folder, near, project)
    try:
        runs = read_config(source, project).runs if source is not None else ()
    except (Unreadable, RecursionError):
        return None
    return runs[0] if runs else None
