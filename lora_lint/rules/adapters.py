"""LL6xx and LL7xx: merging, serving and saving adapters."""

from __future__ import annotations

import os
import re
from math import sqrt

from lora_lint.finding import Finding, Related
from lora_lint.knowledge import versions
from lora_lint.knowledge.names import is_tuned_folder, same_but_for_tuning, same_model, tag_differs
from lora_lint.records import replace
from lora_lint.rules.coverage import tower_of
from lora_lint.rules.reached import cases_of, is_shorthand
from lora_lint.rules.words import happening, least, names, number, place, plural, resting, setting
from lora_lint.run.events import Load, PutOn, Save, Train, Unwrap
from lora_lint.run.launch import Quantizer, Sharding
from lora_lint.run.run import Damage, Unserved
from lora_lint.run.values import Known, Reason, Unknown, alternatives, known
from lora_lint.source import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from lora_lint.knowledge.modules import Module
    from lora_lint.knowledge.resolve import Case
    from lora_lint.knowledge.servers import Server
    from lora_lint.run.run import Run, Serving, Weights

_PREFIX = "base_model.model."
_OWN = ("lora_", "modules_to_save", "token_adapter", "trainable_tokens", "magnitude_vector", ".bias")
"""Fragments of the names of an adapter's own tensors."""
_MATRIX_A, _MATRIX_B = ".lora_A.weight", ".lora_B.weight"
_NUMBER = r"(.*?)\.(\d+)\.(.*)"
_OF_A_PART = ("vision", "visual", "language_model", "audio")
"""In the paths of models of several parts, whose keys PEFT and transformers rename (5.23, `key_mapping`)."""


_REFUSING = {
    Quantizer.GPTQ: "a ValueError (Cannot merge LORA layers when the model is gptq quantized)",
    Quantizer.AWQ: "a NotImplementedError",
    Quantizer.AQLM: "a NotImplementedError",
    Quantizer.EETQ: "an AttributeError",
}
"""What PEFT raises for a merge into such weights (0.21.2, tuners/lora/{model,awq,aqlm,eetq}.py)."""
_ROUNDING = frozenset({Quantizer.HQQ, Quantizer.TORCHAO})
"""Weights that a merge dequantizes and quantizes again (0.21.2, tuners/lora/{hqq,torchao}.py)."""
_ROUNDED = "each sum is rounded to the few values of the quantization, and small updates are lost"


def merge_into_quantized(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL601"""
    quantizer = known(run.launch.quantizer)
    bits = {value.value for value in alternatives(run.model.quantization)}
    packed = bool(bits) and bits <= {"4bit", "8bit"}
    if run.serving is not None:
        yield from _fused(run, run.serving)
    if not (packed or quantizer in _REFUSING or quantizer in _ROUNDING):
        return
    put_on: PutOn | None = None
    for event in run.events:
        if isinstance(event, PutOn):
            put_on = event
        elif isinstance(event, Unwrap) and event.merges and put_on is not None:
            yield _merged(run, event, " or ".join(sorted(map(str, bits))).replace("bit", "") if packed else "")
        elif isinstance(event, Load):
            put_on = None


def _merged(run: Run, merge: Unwrap, loaded: str) -> Finding:
    quantizer = known(run.launch.quantizer)
    refused = _REFUSING.get(quantizer) if quantizer is not None and not loaded else None
    harm = _ROUNDED
    if refused is not None:
        harm = f"PEFT raises {refused}, once the adapter has been trained or loaded"
    elif loaded and (pin := run.before("peft", versions.MERGED_INTO_BITS)) is not None:
        harm = f"PEFT before {versions.named(versions.MERGED_INTO_BITS)} ({pin}) raises a ValueError"
    by = quantizer.phrase if quantizer else ""
    what = f"weights in {loaded} bits" if loaded else f"weights that {by} has quantized"
    adds = "`merge_and_unload` adds"
    instead = "Reload the base model in bfloat16, add the adapter with `PeftModel.from_pretrained`, and merge into that"
    if run.framework.merges:
        instead = run.framework.merges
    elif not run.framework.direct:
        adds, instead = "This adds", "Merge it into the model before its quantization"
    message = f"{adds} the adapter to {what}: {harm}. {instead}"
    value = run.model.quantization if loaded else run.launch.quantizer
    where = place(value, otherwise=merge.span)
    related = (Related(where, "the base model is quantized here"),) if where != merge.span else ()
    doubt = happening(merge) if loaded else least("likely", happening(merge))
    return Finding("LL601", message, merge.span, doubt, "error" if refused else None, related)


def _fused(run: Run, serving: Serving) -> Iterator[Finding]:
    """A command that merges an adapter into the weights of a quantized model and quantizes the sums again."""
    if serving.requantizes:
        message = (
            f"This adds the adapter to the quantized weights of {known(run.model.name)} and quantizes the sums again: "
            f"{_ROUNDED}. Give `--dequantize`, and quantize the fused model afterwards if you need to"
        )
        yield Finding("LL601", message, serving.span, "likely")


def serve_incompatible(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:
    """LL602"""
    if run.serving is not None:
        message = _not_served(run, run.serving)
        if message is not None:
            related = () if run.adapter.span == run.serving.span else (Related(run.adapter.span, "the adapter"),)
            yield Finding("LL602", message, run.serving.span, "likely", "error", related)
    elif run.weights is not None:
        from lora_lint.knowledge.servers import VLLM

        reasons = _refused_by(VLLM, run, options["max-rank"])
        if reasons:
            message = f"vLLM refuses this adapter: {'; '.join(reasons)}. Merge it into the base model to serve it there"
            yield Finding("LL602", message, run.adapter.span, "likely")


_UNSERVED = {
    Unserved.DISABLED: (
        "vLLM takes no adapters unless they are enabled, and stops at this one (LoRA is not enabled). Give "
        "`--enable-lora`, or `enable_lora=True` in a program"
    ),
    Unserved.BACKEND: (
        "LMDeploy serves this model with TurboMind, which takes no adapters: `--adapters` has no effect, and the base "
        "model answers. Give `--backend pytorch`"
    ),
    Unserved.ENGINELESS: (
        "A model has `load_lora` only beside vLLM's engine, and this one is loaded without `fast_inference=True`: it "
        "raises an AttributeError. Add that where the model is loaded, or load the adapter's folder in place of the "
        "base model, and use `generate`"
    ),
    Unserved.UNWRAPPED: (
        "A model gets `load_lora` from `get_peft_model`, so that this raises an AttributeError. Call that first, with "
        "the adapter's rank and targets, or load the adapter's folder in place of the base model"
    ),
    Unserved.MERGED: (
        "A merge saves the whole model in a folder of this name, without an `adapter_config.json`: no adapter is found "
        "there. Give it as `--model`, without `--adapters`"
    ),
    Unserved.LATER: (
        "A program of the project loads adapters into this server with `/v1/load_lora_adapter`, which vLLM does not "
        "have (404) unless its environment allows it. Set `VLLM_ALLOW_RUNTIME_LORA_UPDATING=True` where it is started"
    ),
    Unserved.FILE: (
        "This is the file of the weights, and `adapter_config.json` is looked for in it as in a folder: loading it "
        "stops with a NotADirectoryError. Give the folder that has both; the `.npz` of the old `lora.py` has no such "
        "config, so train that adapter again"
    ),
    Unserved.WHOLE: (
        "The training that saves this trains all weights (`full`), so that its folder holds a model and no adapter: "
        "loading it stops with an AssertionError (is not an adapter). Give it as `--model`, without `--adapters`"
    ),
    Unserved.UNUSED: (
        "No call is given this request, so that the base model answers, as if it had not been trained. Pass it to each "
        "call: `llm.generate(prompts, params, lora_request=…)`"
    ),
    Unserved.UNASKED: (
        "vLLM has the base model's weights here, and the adapter only by request: the base model answers, as if it "
        "had not been trained. Save the adapter with `save_lora`, and give `lora_request=model.load_lora(folder)`"
    ),
}


def _not_served(run: Run, serving: Serving) -> str | None:
    """What is wrong with serving an adapter; None if nothing is known to be."""
    from lora_lint.knowledge.servers import SERVERS

    server = serving.server
    if serving.unserved is not None:
        return _UNSERVED[serving.unserved]
    if serving.as_model:
        if server.takes_adapters:
            return None
        return (
            f"This folder holds an adapter, and {server.title} takes the base model here: it finds no weights of a "
            f"model. Give the base model, and the adapter with `{server.adapter_option}`, or merge them"
        )
    if server.only_folders and serving.as_file:
        return (
            f"{server.title} gets this file alone, finds no `adapter_config.json` beside it, and stops. Give the "
            "adapter's folder"
        )
    trainer = next((each for each in SERVERS if each.framework == run.dialect and each is not server), None)
    if trainer is not None and trainer.foreign and server.framework != run.dialect:
        return f"{server.title} does not load this adapter of {trainer.title}: {trainer.foreign}"
    if server.own_format and run.dialect != server.framework:
        return (
            f"{server.title} does not load this adapter of PEFT's: {server.own_format}. Merge it with PEFT and convert "
            f"the whole model, or train it with {server.title}"
        )
    lacking = _targets_left_out(server, run, serving)
    refused = [*_refused_by(server, run, known(serving.max_rank)), *_other_base(server, run)]
    refused += [
        *_paths_refused(server, run),
        *_experts_refused(server, run),
        *(lacking if server.refuses_targets else []),
    ]
    if refused:
        return f"{server.title} refuses this adapter: {'; '.join(refused)}. {server.instead}"
    lost = [*_settings_of(server, server.loses, run), *_towers_left_out(server, run, serving), *lacking]
    if lost:
        return (
            f"{server.title} loads this adapter without a part of it: {'; '.join(lost)}. The answers are not those of "
            f"the trained model. {server.instead}"
        )
    return None


def _refused_by(server: Server, run: Run, max_rank: int | None) -> list[str]:
    """The properties of an adapter that a server does not support."""
    adapter, reasons = run.adapter, []
    rank = known(adapter.rank)
    if server.rank_option and max_rank and rank is not None and rank > max_rank:
        highest = f"the highest `{server.rank_option}`, " if max_rank == server.ranks else f"`{server.rank_option}`, "
        reasons.append(f"{setting(adapter.key('rank'), rank)} is above {highest}{max_rank}")
    targets = known(adapter.target_modules)
    if server.only_lists and isinstance(targets, str) and not is_shorthand(targets):
        reasons.append(f"`{adapter.key('target_modules')}` is a regular expression, and it takes a list of names")
    return reasons + _settings_of(server, server.refuses, run)


def _other_base(server: Server, run: Run) -> Iterator[str]:
    """That the base model is of a type whose adapters a server does not convert."""
    from lora_lint.knowledge.models import identify

    name = known(run.trained_on) or known(run.model.name)
    if not (server.bases or server.lacks) or name is None:
        return
    model = identify(name, near=os.path.dirname(run.path) or None)
    if model is not None and model.model_type in server.lacks:
        until = server.lacks[model.model_type]
        pin = run.before(server.package, (*until[:-1], until[-1] + 1)) if until is not None else None
        if until is None or pin is not None:
            which = f" up to {versions.named(until)} ({pin})" if until is not None else ""
            yield f"its base model is a {model.model_type}, whose class takes no adapters in {server.title}{which}"
    elif model is not None and server.bases and model.model_type not in server.bases:
        yield f"its base model is a {model.model_type}, and it converts only those of {names(sorted(server.bases))}"


def _paths_refused(server: Server, run: Run) -> Iterator[str]:
    """That targets have the names of modules around them, which an older server takes for parts of a name."""
    since, targets = server.paths_since, known(run.adapter.target_modules)
    pin = run.before(server.package, since) if since is not None else None
    if since is None or pin is None or not isinstance(targets, tuple):
        return
    first = next((name for name in targets if "." in name), None)
    if first is not None:
        yield f"its targets are paths (`{first}`), which {server.title} takes from {versions.named(since)} on ({pin})"


def _experts_refused(server: Server, run: Run) -> Iterator[str]:
    """That experts are adapted, which an older server does not take."""
    since = server.experts_since
    pin = run.before(server.package, since) if since is not None else None
    if since is None or pin is None:
        return
    cases = _cases_served(run)
    inside = [any("experts" in record.path.split(".") for record in case.match.modules) for case in cases]
    if inside and all(inside):
        yield f"it adapts experts, which {server.title} takes from {versions.named(since)} on ({pin})"


def _cases_served(run: Run) -> Sequence[Case]:
    """What is adapted of the base model that an adapter is served on, or of the one that it was trained on."""
    name = run.model.name if isinstance(run.model.name, Known) else run.trained_on
    return cases_of(replace(run, model=replace(run.model, name=name)))[1]


def _towers_left_out(server: Server, run: Run, serving: Serving) -> Iterator[str]:
    """The adapted layers of a vision tower that a server does not adapt."""
    if not server.towers_option or known(serving.towers) is not False or "vision-tower" in run.framework.avoids:
        return
    cases = _cases_served(run)
    inside = [[record for record in case.match.modules if tower_of(record.path)] for case in cases]
    if inside and all(inside) and not any(case.partial for case in cases):
        yield (
            f"`{run.adapter.key('target_modules')}` adapts {plural(len(inside[0]), 'layer')} of the vision tower, "
            f"which it leaves out without `{server.towers_option}`"
        )


_PACKED_AS = dict.fromkeys(("q_proj", "k_proj", "v_proj"), "qkv_proj") | dict.fromkeys(
    ("gate_proj", "up_proj"), "gate_up_proj"
)
"""What servers make one module of."""


def _targets_left_out(server: Server, run: Run, serving: Serving) -> list[str]:
    """The adapted modules that a command keeps no adapters for."""
    kept, targets = known(serving.targets), known(run.adapter.target_modules)
    kept = (kept,) if isinstance(kept, str) else kept
    if not server.targets_option or not kept or "all" in kept or not isinstance(targets, tuple):
        return []
    served = {_PACKED_AS.get(name, name) for name in kept}
    adapted = {name.rpartition(".")[2] for name in targets}
    left = sorted(name for name in adapted if _PACKED_AS.get(name, name) not in served)
    return [f"`{server.targets_option}` leaves out {names(left)}, which it adapts"] if left else []


def _settings_of(server: Server, lacking: Mapping[str, str], run: Run) -> list[str]:
    """The settings of an adapter that a server lacks, each with what that means."""
    adapter, reasons = run.adapter, []
    for field, lacks in lacking.items():
        given = getattr(adapter, field)
        value = known(given)
        if field == "trainable_token_indices" and isinstance(given, Unknown):
            value = given.reason is Reason.NOT_FOLLOWED  # by a tokenizer
        if field == "modules_to_save" and value and server.keeps.issuperset(value):
            continue
        if value and value != "none":
            shown = f'{adapter.key(field)}="{value}"' if field == "bias" else adapter.key(field)
            reasons.append(f"`{shown}` {lacks}")
    return reasons


def adapter_rank_mismatch(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL701"""
    weights, rank = run.weights, known(run.adapter.rank)
    pattern, parameters = known(run.adapter.rank_pattern), known(run.adapter.target_parameters)
    if weights is None or rank is None or pattern is None or parameters:
        return
    first = {name: shape for name, shape in weights.shapes.items() if name.endswith(_MATRIX_A) and shape}
    allowed = {rank, *pattern.values()}
    wrong = [shape[0] for shape in first.values() if shape[0] not in allowed and shape[0] > 0]
    if not wrong:
        return
    seen = sorted(set(wrong))
    message = (
        f"{setting('r', rank)}, but the weights next to it have rank {names([str(each) for each in seen])} "
        f"({len(wrong)} of {len(first)} `lora_A`): PeftModel.from_pretrained fails with a size mismatch once the base "
        "model is loaded. Use the config that was saved with the weights"
    )
    yield resting("LL701", message, run.adapter.rank, otherwise=run.adapter.span)


def adapter_untrained(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL702"""
    if run.weights is None or not run.weights.untrained:
        return
    count = sum(name.endswith(_MATRIX_B) for name in run.weights.shapes)
    message = (
        f"Every `lora_B` next to this config is zero ({count} of {count}): the adapter has no effect. It was saved "
        "before training, or its parameters were frozen or not passed to the optimizer"
    )
    yield Finding("LL702", message, run.span)


def adapter_empty_tensors(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL703"""
    yield from _not_gathered(run)
    yield from _saved_in_parts(run)
    if run.weights is None:
        return
    empty = [name for name, shape in run.weights.shapes.items() if 0 in shape]
    if not empty:
        return
    message = (
        f"{len(empty)} of {plural(len(run.weights.shapes), 'tensor')} next to this config are empty (`{empty[0]}`): "
        "DeepSpeed ZeRO-3 shards parameters across processes, and empty shards were saved. Gather them first "
        "(`stage3_gather_16bit_weights_on_model_save`, or zero_to_fp32.py on the checkpoint)"
    )
    yield Finding("LL703", message, run.span)


def _not_gathered(run: Run) -> Iterator[Finding]:
    """A trainer that saves the adapter without the parts that the other processes hold."""
    launch = run.launch
    pin = run.before("transformers", versions.ADAPTER_GATHERED)
    if run.trained is not True or run.training.by_hand or run.training.trainer is None or pin is None:
        return
    if known(launch.sharding) is not Sharding.ZERO3 or known(launch.gathers) is not False:
        return
    if any(isinstance(event, Save) and event.gathered and not event.by_trainer for event in run.events):
        return  # the program collects the weights itself, as the trainers of the LLaVA family do
    message = (
        f"transformers before {versions.named(versions.ADAPTER_GATHERED)} ({pin}) saves an adapter without tensors "
        "under ZeRO-3 unless DeepSpeed gathers the parameters: the weights are in DeepSpeed's own checkpoints alone. "
        "Set `stage3_gather_16bit_weights_on_model_save` to true (`zero3_save_16bit_model` in Accelerate's config), "
        "or train with ZeRO-2"
    )
    yield resting("LL703", message, launch.sharding, launch.gathers, otherwise=run.span, doubt="likely")


def _saved_in_parts(run: Run) -> Iterator[Finding]:
    """The model saves itself, without what the other processes hold of its larger weights."""
    sharding, most = run.launch.sharding, known(run.launch.whole)
    if run.trained is not True or most is None:
        return
    if not isinstance(sharding, Known) or sharding.value is not Sharding.ZERO3:
        return
    trained = next((place for place, event in enumerate(run.events) if isinstance(event, Train)), 0)
    saves = [event for event in run.events[trained:] if isinstance(event, Save)]
    by_itself = next((event for event in saves if event.wrapped and not event.gathered), None)
    largest = _largest_tensor(run, most)
    if by_itself is None or largest is None:
        return
    name, size, kept = largest
    message = (
        f"Under ZeRO-3 no process holds all of a weight with more than {kept:,} elements, and the model's own "
        f"`save_pretrained` saves such weights empty, for example `{name}` ({size:,}). Save with "
        "`trainer.save_model()`, or pass `state_dict=accelerator.get_state_dict(model)`"
    )
    related = () if sharding.span is None else (Related(sharding.span, "ZeRO-3 is chosen here"),)
    yield Finding("LL703", message, by_itself.span, least("likely", happening(by_itself)), None, related)


def _largest_tensor(run: Run, most: int | str) -> tuple[str, int, int] | None:
    """The largest weight that the adapter saves, its elements, and the most that ZeRO-3 leaves whole, if it has more.

    "auto" is ten times the hidden size (transformers 5.23.0, integrations/deepspeed.py).
    """
    found: tuple[str, int, int] | None = None
    for case in cases_of(run)[1]:
        hidden = case.built.config.get("hidden_size")
        kept = 10 * hidden if most == "auto" and isinstance(hidden, int) else most
        sizes = dict(_saved_tensors(case))
        name = max(sizes, key=lambda path: sizes[path], default=None)
        if name is None or not isinstance(kept, int) or sizes[name] <= kept:
            return None
        found = name, sizes[name], kept
    return found


def _saved_tensors(case: Case) -> Iterator[tuple[str, int]]:
    """The larger matrix of each adapted module, and the modules that are saved whole, with their elements."""
    for each in case.match.modules:
        if each.rank is not None:
            yield (
                f"{each.path}.lora_{'A' if each.inputs > each.outputs else 'B'}",
                each.rank * max(each.inputs, each.outputs),
            )
    for module in case.modules:
        if module.path in case.match.saved:
            yield module.path, module.inputs * module.outputs


def adapter_base_mismatch(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL704"""
    from lora_lint.knowledge.resolve import resolve

    weights = run.weights
    if weights is None:
        return
    if weights.damage is not None:
        yield _not_loaded(run, weights, weights.damage)
        return
    cases = resolve(run).cases
    if not cases or not all(case.built.certain for case in cases):
        return
    for misfit in (_of_another_size, _under_another_prefix, _beyond_the_last_layer):
        found = [misfit(weights, each) for each in cases]
        if found[0] is not None and all(found):
            yield resting("LL704", found[0], run.model.name, otherwise=run.span, doubt=cases[0].model.confidence)
            return


def _not_loaded(run: Run, weights: Weights, damage: Damage) -> Finding:
    """A file of weights that safetensors refuses."""
    if damage is Damage.POINTER:
        message = (
            "The weights next to this config are a pointer of Git LFS: PeftModel.from_pretrained raises a "
            "SafetensorError (header too large). Fetch the file with `git lfs pull`"
        )
    else:
        message = (
            "The weights next to this config are cut off: PeftModel.from_pretrained raises a SafetensorError. The disk "
            "was full, or a save or a download was interrupted; copy the file again, or take an earlier checkpoint"
        )
    related = (Related(Span(weights.path, 0, 0), "the weights"),)
    # A checkout without LFS, as CI has it, is no mistake.
    return Finding("LL704", message, run.span, "certain", "advice" if damage is Damage.POINTER else None, related)


def _of_another_size(weights: Weights, case: Case) -> str | None:
    """What is wrong where matrices do not fit the layers of a model."""
    wrong = list(_other_sizes(weights, case.modules))
    if not wrong:
        return None
    module, size, other = wrong[0]
    return (
        f"The weights next to this config do not fit {case.name.value}: `{module}` takes {size[0]:,} and gives "
        f"{size[1]:,} there, and the adapter's matrices are for {other[0]:,} and {other[1]:,} "
        f"({plural(len(wrong), 'layer')} differ). "
        "PeftModel.from_pretrained fails with a size mismatch; set the base model that the adapter was trained on"
    )


def _under_another_prefix(weights: Weights, case: Case) -> str | None:
    """What is wrong where every layer has the name of one of the model's, with more or less before it."""
    paths, there = _adapted(weights), [module.path for module in case.modules]
    if not paths or not set(paths).isdisjoint(there) or any(part in path for path in there for part in _OF_A_PART):
        return None
    alike = [next((each for each in there if _ends_alike(path, each)), None) for path in paths]
    if None in alike:
        return None
    path, here = paths[0], alike[0]
    return (
        f"PEFT loads none of the {len(paths)} layers next to this config: `{_PREFIX}{path}` is not in "
        f"{case.name.value}, where the layer is `{_PREFIX}{here}`. It only warns of missing keys, and the model "
        "answers as without the adapter. Rename the tensors, or save the adapter from the model that `get_peft_model` "
        "returned"
    )


def _beyond_the_last_layer(weights: Weights, case: Case) -> str | None:
    """What is wrong where there are layers with numbers that the model does not have."""
    there = {module.path for module in case.modules}
    beyond = [
        (int(number[2]), path)
        for path in _adapted(weights)
        if path not in there
        and (number := re.match(_NUMBER, path)) is not None
        and f"{number[1]}.0.{number[3]}" in there
    ]
    if not beyond:
        return None
    above, below = max(beyond)[0], min(beyond)[0]
    which = f"layer {above}" if above == below else f"layers {below} to {above}"
    return (
        f"The weights next to this config are for more layers than {case.name.value} has: PEFT drops those of {which} "
        "without a warning, and a part of what was trained is missing. Set the base model that the adapter was trained "
        "on"
    )


def _adapted(weights: Weights) -> list[str]:
    """The paths of the layers that an adapter's file has matrices for."""
    return [name.removeprefix(_PREFIX).removesuffix(_MATRIX_A) for name in weights.shapes if name.endswith(_MATRIX_A)]


def _ends_alike(path: str, other: str) -> bool:
    """Whether one path is the end of another."""
    return path.endswith(f".{other}") or other.endswith(f".{path}")


def _other_sizes(weights: Weights, modules: Iterable[Module]) -> Iterator[tuple[str, tuple[int, int], tuple[int, int]]]:
    """The linear layers of a model whose sizes differ from an adapter's matrices: path, sizes, the adapter's sizes."""
    linears = {module.path: module for module in modules if module.kind == "Linear" and module.own >= 0}
    for name, first in weights.shapes.items():
        second = weights.shapes.get(name.replace(_MATRIX_A, _MATRIX_B))
        module = linears.get(name.removeprefix(_PREFIX).removesuffix(_MATRIX_A))
        if not name.endswith(_MATRIX_A) or module is None or second is None or len(first) != 2 or len(second) != 2:
            continue
        here, there = (module.inputs, module.outputs), (first[1], second[0])
        if 0 not in (*first, *second) and here != there:
            yield module.path, here, there


def adapter_base_differs(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL707"""
    name, own = known(run.model.name), known(run.trained_on)
    if name is None or own is None or same_model(name, own):
        return
    trained = isinstance(run.trained_on, Known) and run.trained_on.origin == "derived"
    if run.serving is not None and run.serving.server.own_library and "/" not in name:
        if not tag_differs(name, own):
            return
    elif not (_on_hub(name) and (_on_hub(own) or is_tuned_folder(own, name))) and (
        trained or same_but_for_tuning(name, own)
    ):
        return  # a folder may hold any model, or any variant of what it is named after, unless its name says which
    source = f"it is trained on `{own}`" if trained else f"its config names `{own}`"
    message = (
        f"`{name}` is not the base model of this adapter: {source}. Where the shapes match, its weights are added to "
        "the wrong model without an error. Name the model that it was trained on"
    )
    written = run.trained_on.written if isinstance(run.trained_on, Known) else None
    related = (Related(written, source.replace("`", "")),) if written is not None else ()
    yield resting("LL707", message, run.model.name, otherwise=run.span, doubt="likely", related=related)


def _on_hub(name: str) -> bool:
    """Whether a name is that of a repository on the Hub, not a folder's."""
    return re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", name) is not None and not name.startswith(_FOLDERS)


_FOLDERS = ("models/", "model/", "checkpoints/", "output/", "outputs/", "out/", "weights/", "pretrained/", "data/")
"""How relative paths of a project begin."""


def adapter_scale_edited(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL705"""
    if run.weights is None:
        return
    rank, alpha, rslora = (known(value) for value in (run.adapter.rank, run.adapter.alpha, run.adapter.use_rslora))
    if rank is None or rank < 1 or alpha is None or rslora is None:
        return
    scale = alpha / (sqrt(rank) if rslora else rank)
    path, before = next((each for each in run.weights.other_scales if each[1] not in (scale, 0)), ("", 0.0))
    if before:
        message = (
            f"The scale was changed after training: it is {number(scale)} here and {number(before)} in the config of a "
            "checkpoint from the same run. The weights were trained at that scale: the adapter is now "
            f"{number(scale / before)} times as strong"
        )
        related = (Related(Span(path, 0, 0), f"the scale is {number(before)} here"),)
        adapter = run.adapter
        yield resting("LL705", message, adapter.alpha, otherwise=adapter.span, doubt="likely", related=related)


def base_weights_saved(run: Run, options: Mapping[str, Any]) -> Iterable[Finding]:  # noqa: ARG001
    """LL706"""
    if run.weights is None:
        return
    saved = known(run.adapter.modules_to_save) or ()
    foreign = {
        name: size
        for name, size in run.weights.sizes.items()
        # PEFT takes every module whose path ends in such a name: `classifier` is `pre_classifier` too.
        if not any(part in name for part in _OWN) and not any(f"{module}." in name for module in saved)
    }
    total = sum(foreign.values())
    if not foreign or not total:
        return
    shown = list(foreign)[:3]
    more = "" if len(foreign) <= len(shown) else f" and {len(foreign) - len(shown)} more"
    message = (
        f"{plural(len(foreign), 'tensor')} of the base model {'is' if len(foreign) == 1 else 'are'} saved with the "
        f"adapter ({names(shown)}{more}; {total / 1e6:,.0f} MB of {sum(run.weights.sizes.values()) / 1e6:,.0f}): PEFT "
        "does so if embeddings are targets or the vocabulary was resized. If they were not trained, save with "
        "`save_embedding_layers=False`"
    )
    yield Finding("LL706", message, run.span, "likely")
