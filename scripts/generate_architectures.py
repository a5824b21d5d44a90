"""Writes lora_lint/knowledge/data/architectures: every model type's modules, as terms over its config.

Run `collect` once with each major version of transformers and once with diffusers (it builds models on the meta device,
no weights), then `merge` with any Python; types that were not collected stay as they are:

    python scripts/generate_architectures.py collect [--library diffusers] --out build/architectures [TYPE …]
    python scripts/generate_architectures.py merge --out build/architectures

A model type's models are built from its default config (with fewer layers) and from configs that differ from it in one
field each, then in several. What changed with which field gives the terms; every term holds in all the models built,
the unchanged default config among them. Then random configs are tried, and those that the terms do not explain become
observations, until all are explained. What no term explains is kept as the default's value and marked with "?".
"""

from __future__ import annotations

import argparse
import ast
import inspect
import itertools
import json
import logging
import random
import re
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from architecture_terms import WIDE, Fitter, Observation, Sample  # noqa: E402

from lora_lint.knowledge import architectures  # noqa: E402
from lora_lint.knowledge.expressions import fields_of  # noqa: E402
from lora_lint.knowledge.modules import Module  # noqa: E402

DATA = ROOT / "lora_lint/knowledge/data/architectures"
SUPPLEMENT = Path(__file__).parent / "architectures_supplement.json"
"""What no fitting finds: read from the models' code, and written into the data by `merge`."""

HEADS = {  # ours -> the mapping of transformers.models.auto.modeling_auto
    "base": "MODEL_MAPPING_NAMES",
    "causal-lm": "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES",
    "masked-lm": "MODEL_FOR_MASKED_LM_MAPPING_NAMES",
    "seq-cls": "MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES",
    "token-cls": "MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES",
    "qa": "MODEL_FOR_QUESTION_ANSWERING_MAPPING_NAMES",
    "multiple-choice": "MODEL_FOR_MULTIPLE_CHOICE_MAPPING_NAMES",
    "seq2seq-lm": "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES",
    "image-text-to-text": "MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES",
    "vision2seq": "MODEL_FOR_VISION_2_SEQ_MAPPING_NAMES",
    "multimodal-lm": "MODEL_FOR_MULTIMODAL_LM_MAPPING_NAMES",
    "speech-seq2seq": "MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING_NAMES",
    "ctc": "MODEL_FOR_CTC_MAPPING_NAMES",
    "audio-cls": "MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING_NAMES",
    "image-cls": "MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES",
    "semantic-segmentation": "MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING_NAMES",
    "object-detection": "MODEL_FOR_OBJECT_DETECTION_MAPPING_NAMES",
    "zero-shot-object-detection": "MODEL_FOR_ZERO_SHOT_OBJECT_DETECTION_MAPPING_NAMES",
    "universal-segmentation": "MODEL_FOR_UNIVERSAL_SEGMENTATION_MAPPING_NAMES",
    "mask-generation": "MODEL_FOR_MASK_GENERATION_MAPPING_NAMES",
    "depth-estimation": "MODEL_FOR_DEPTH_ESTIMATION_MAPPING_NAMES",
    "zero-shot-image-cls": "MODEL_FOR_ZERO_SHOT_IMAGE_CLASSIFICATION_MAPPING_NAMES",
    "video-cls": "MODEL_FOR_VIDEO_CLASSIFICATION_MAPPING_NAMES",
    "text-to-waveform": "MODEL_FOR_TEXT_TO_WAVEFORM_MAPPING_NAMES",
    "text-to-spectrogram": "MODEL_FOR_TEXT_TO_SPECTROGRAM_MAPPING_NAMES",
    "visual-qa": "MODEL_FOR_VISUAL_QUESTION_ANSWERING_MAPPING_NAMES",
    "pretraining": "MODEL_FOR_PRETRAINING_MAPPING_NAMES",
}
# pretraining heads matter where a type has no other: they are kept only for those
IRRELEVANT = re.compile(
    r"(_token_id|token_index|_token|tokens?_ids?|dropout|_pdrop|drop_rate|drop_path_rate|_eps|epsilon|_epsilon|std|"
    r"_range|_prob|layerdrop|loss_coef|coef|_theta|_scale|_scaling|softcapping|temperature|momentum|alpha|loss|"
    r"loss_weight|cost|_factor|thresh|threshold|per_tok|top_?k|topk_group|id2label|label2id|window|window_size|"
    r"limit|(?<!dim_)multiplier|base|_freq|gamma|tau)$"
    r"|^(initializer|allow_|output_(?!channels|dim|size)|return_|use_cache|mask_(?!feature_)|rope_|_name_or_path|"
    r"transformers_version|torch_dtype|dtype|"
    r"chunk_size_feed|problem_type|architectures|is_encoder_decoder|pretraining_tp|cross_attention_hidden|"
    r"begin_suppress|suppress|model_type|max_length|min_length|num_beams|do_sample|early_stop|no_repeat|bad_words|"
    r"num_return|finetuning|task_specific|prefix|pruned|tf_legacy|torchscript|use_bfloat|length_pen|repetition|"
    r"diversity|typical|forced|exponential|remove_inv|sep_token|tokenizer_class|decoder_start|_attn_imp|encoder_no|"
    r"attn_implementation|_experts_impl|num_assistant|scale_attn|norm_topk|routed_scaling|mamba_chunk|chunk_size$)"
)
LAYERS = re.compile(
    r"(^|_)(num_hidden_layers|n_layers?|num_layers|depth|encoder_layers|decoder_layers|layers|num_blocks|"
    r"num_encoder_layers|num_decoder_layers|num_hidden_groups|speech_encoder_layers|"
    r"num_attention_layers|.*_layers|.*_depth|n_layer)$"
)
EXPERTS = re.compile(r"(num_experts|n_routed_experts|num_local_experts|moe_num_experts|moe_num_primary_experts)$")
WIDTHS = re.compile(r"hidden|embed|dim|vocab|image|patch|size|channels|d_model|n_embd|width|heads|layers|num_|n_")
MAY_BE_NONE = re.compile(r"lora_rank|head_dim|key_value|kv_heads|shared|inner|intermediate|ffn|proj|embed|num_buckets")
CORE = re.compile(
    r"(?<!kernel)(?<!window)_size$|_dims?$|^(dim|d_\w+|n_embd|hidden_sizes|num_labels)$|heads?$|layers?$|"
    r"depths?$|channels$|bias$|num_queries$|experts$|max_position_embeddings$|^tie_word|dense_replace$"
)
"""Fields in which the checkpoints of one type differ most."""
TOWERS = re.compile(r"^(audio|vision|speech|image|video)_config$")
TEXTS = {
    "position_embedding_type": ["relative_key", "rotary", "absolute", "alibi"],
    "feat_extract_norm": ["layer", "group"],
    "conformer_conv_type": ["depthwise"],
    "position_embeddings_type": ["relative", "rotary", "relative_key"],
    "feed_forward_proj": ["relu", "gated-gelu"],
    "norm_type": ["layer_norm", "batch_norm", "post_norm", "pre_norm"],
    "hidden_act_for_shape": [],
    "qk_norm": ["rms_norm", "rms_norm_across_heads"],
}
VARIED = {
    "all": re.compile(""),
    "sizes": CORE,
    "labels": re.compile("^num_labels$"),
    "nothing": re.compile("^num_labels$"),
}
"""By what `collect --vary` says, the fields that vary. The others are held: with another value nothing is certain.
Under "nothing" all sizes are those of the default config: no terms over its fields are looked for."""
UNRELATED = re.compile(r"(^|\.)(is_decoder|add_cross_attention|tie_\w+|apply_spec_augment|ctc_zero_infinity)$")
"""Switches that add modules or share tensors: a size that they decide fits by coincidence."""
DIVISORS = re.compile(
    r"heads?$|head_dim$|ratio$|downsample_rate$|groups?$|patch_size$|interval$|multiple_of$|num_hash_functions$|"
    r"merger_times$"
)
"""Fields that a width is divided by."""
REAL = (
    ["+", "is_decoder", 2],  # T5's layers have cross attention in the decoder
    ["+", ["*", 3, "n_embd"], ["*", -2, "n_embd", "multi_query"], ["*", 2, "multi_query", ["//", "n_embd", "n_head"]]],
)
"""Terms that look like a coincidence and are none: the second is GPTBigCode's `c_attn`."""
USUAL = {
    "5": "",
    "4": "bert big_bird camembert canine data2vec-text deberta deberta-v2 doge electra ernie funnel hubert lfm2 "
    "megatron-bert reformer rembert roberta roberta-prelayernorm roformer umt5 vit_mae wav2vec2-bert "
    "xlm-roberta xlm-roberta-xl xmod",
}
"""By version of transformers, the types of which random configs (scripts/check_architectures.py) refute terms that no
round of fitting mends: they hold where only widths and counts differ from the defaults."""
FIXED = {"swinv2": 512}
"""By type, the one width that no field decides. Any other is a field's that all models happened to have alike."""
OF_TIMM = frozenset({"timm_backbone", "timm_wrapper"})
"""Types of which a name in the config decides all modules, so that nothing is known of them apart from a whole."""
HEADISH = re.compile(r"label|class|pool|proj|head|tie|vocab|embed|summary|use_|add_|final|hidden_size$|d_model")


PUBLISHERS = ("5", "4", architectures.DIFFUSERS)
"""Whose classes a type's modules are recorded for: those of a major version of transformers, or those of diffusers."""
TRIALS = 48
"""Random configs of a class that its terms are tried on."""
ENOUGH = 6
"""Of those that show a term to be wrong, as many as are added to the observations at once."""
ROUNDS = 8
FEW = 3
"""As many trials and rounds where only the number of labels varies."""


class TooSlow(Exception):
    pass


@dataclass(eq=False)
class Raw:
    """A module as built."""

    kind: str
    ins: int = 0
    outs: int = 0
    parameters: dict[str, tuple[tuple[int, ...], bool]] = field(default_factory=dict)
    children: dict[str, Raw] = field(default_factory=dict)
    many: bool = False
    include: tuple[str, str, str] | None = None


class Session:
    """transformers, prepared to build models that hold nothing."""

    def __init__(self) -> None:
        import torch
        import transformers
        from torch import nn
        from transformers.models.auto import modeling_auto
        from transformers.models.auto.configuration_auto import CONFIG_MAPPING

        logging.disable(logging.CRITICAL)
        transformers.logging.set_verbosity_error()
        self.torch, self.nn, self.transformers = torch, nn, transformers
        self.major = int(transformers.__version__.split(".")[0])
        self.library, self.version, self.name = transformers, transformers.__version__, str(self.major)
        self.configs = CONFIG_MAPPING
        shapeless: Any = lambda _module: None  # noqa: E731
        for owner in (
            nn.Linear,
            nn.Embedding,
            nn.LayerNorm,
            nn.GroupNorm,
            nn.modules.conv._ConvNd,
            nn.modules.batchnorm._NormBase,
            nn.MultiheadAttention,
        ):
            setattr(owner, "_reset_parameters" if owner is nn.MultiheadAttention else "reset_parameters", shapeless)
        for name in dir(nn.init):
            if name.endswith("_") and not name.startswith("_"):
                setattr(nn.init, name, lambda tensor, *_, **__: tensor)
        for name in ("_init_weights", "_initialize_weights", "initialize_weights"):
            setattr(transformers.PreTrainedModel, name, lambda *_, **__: None)
        self.classes: dict[str, dict[str, str]] = {}  # head -> type -> class name
        for head, mapping in HEADS.items():
            found = getattr(modeling_auto, mapping, {})
            self.classes[head] = {
                kind: (name if isinstance(name, str) else name[0]) for kind, name in dict(found).items()
            }
        from transformers.pytorch_utils import Conv1D

        self.kinds: tuple[tuple[Any, str], ...] = (
            (nn.Linear, "Linear"), (Conv1D, "Conv1D"), (nn.Conv1d, "Conv1d"), (nn.Conv2d, "Conv2d"),
            (nn.Conv3d, "Conv3d"), (nn.Embedding, "Embedding"), (nn.MultiheadAttention, "MultiheadAttention"),
            (nn.ModuleList, "ModuleList"), (nn.ModuleDict, "ModuleDict"), (nn.ParameterList, "ParameterList"),
            (nn.ParameterDict, "ParameterDict"),
        )  # fmt: skip
        self.heads_by_class = {
            name: (kind, head) for head in reversed(HEADS) for kind, name in self.classes[head].items()
        }
        self.same: dict[tuple[str, str], bool] = {}

    def model_class(self, name: str) -> Any:
        return getattr(self.library, name)

    def build(self, name: str, config: Any, seconds: int = 20) -> Any:
        def stop(*_: Any) -> None:
            raise TooSlow(name)

        signal.signal(signal.SIGVTALRM, stop)  # its own time: what runs beside it decides nothing
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
        try:
            with self.torch.device("meta"):
                return self.model_class(name)(config)
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)

    def raw(self, model: Any, config: Any, includes: bool = True) -> Raw:
        subs = {}
        if includes:
            for key in vars(config):
                value = getattr(config, key, None)
                if isinstance(value, self.transformers.PretrainedConfig):
                    subs[id(value)] = key
        return self._raw(model, set(), set(), subs)

    def _raw(self, module: Any, modules: set[int], parameters: set[int], subs: dict[int, str]) -> Raw:
        nn = self.nn
        modules.add(id(module))
        kind = self.kind_of(module)
        result = Raw(kind, many=isinstance(module, nn.ModuleList))
        scope = subs.get(id(getattr(module, "config", None)))
        if scope is not None and isinstance(module, self.transformers.PreTrainedModel):
            known = self.heads_by_class.get(type(module).__name__)
            same = known is not None and known[0] == module.config.model_type and known[0] not in OF_TIMM
            if known is not None and same and self._same(module):
                for inner in module.modules():
                    modules.add(id(inner))
                result.include = (scope, known[0], known[1])
                result.kind = type(module).__name__
                return result
        for name, parameter in module._parameters.items():
            if parameter is not None:
                result.parameters[name] = (tuple(parameter.shape), id(parameter) in parameters)
                parameters.add(id(parameter))
        result.ins, result.outs = sizes_of(module, kind)
        for name, child in module._modules.items():
            if child is not None and id(child) not in modules:
                result.children[name] = self._raw(child, modules, parameters, subs)
        return result

    def kind_of(self, module: Any) -> str:
        """The class that PEFT takes a module for, or the module's own."""
        return next((name for owner, name in self.kinds if isinstance(module, owner)), type(module).__name__)

    def _same(self, module: Any) -> bool:
        """Whether the class on its own, built from the same config, has the modules that this part has."""
        key = (type(module).__name__, ",".join(sorted(name for name, _ in module.named_parameters()))[:100_000])
        if key not in self.same:
            try:
                alone = self.build(type(module).__name__, module.config)
            except Exception:
                self.same[key] = False
            else:
                shape = [(n, type(m).__name__) for n, m in alone.named_modules()]
                sizes = [(n, tuple(p.shape)) for n, p in alone.named_parameters()]
                self.same[key] = shape == [(n, type(m).__name__) for n, m in module.named_modules()] and sizes == [
                    (n, tuple(p.shape)) for n, p in module.named_parameters()
                ]
        return self.same[key]


def sizes_of(module: Any, kind: str) -> tuple[int, int]:
    """The input and output size of a module of this kind; those of its weight where it is no layer of torch."""
    if kind == "Linear":
        if not isinstance(module.in_features, int):  # Inkling's are worked out in tensors, which are empty here
            return module.weight.shape[1], module.weight.shape[0]
        return module.in_features, module.out_features
    if kind in ("Conv1d", "Conv2d", "Conv3d"):
        return module.in_channels, module.out_channels
    if kind == "Embedding":
        return module.num_embeddings, module.embedding_dim
    if kind == "MultiheadAttention":
        return module.embed_dim, module.embed_dim
    weight = module._parameters.get("weight")
    if weight is None or len(weight.shape) != 2:
        return 0, 0
    return tuple(weight.shape) if kind == "Conv1D" else tuple(reversed(weight.shape))


# configs


def flatten(document: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in document.items():
        if isinstance(value, dict):
            if "model_type" in value or key.endswith("_config"):
                flat.update(flatten(value, f"{prefix}{key}."))
            elif key == "id2label":
                flat[f"{prefix}num_labels"] = len(value)
        elif isinstance(value, list | tuple):
            if not any(isinstance(item, dict) for item in value):
                flat[f"{prefix}{key}"] = list(value)
        elif value is None or isinstance(value, int | float | str):
            flat[f"{prefix}{key}"] = value
    return flat


@lru_cache(maxsize=1)
def starts() -> dict[str, dict[str, Any]]:
    """By model type, the fields without which no model can be made of the default config, with values that make one."""
    found: dict[str, dict[str, Any]] = json.loads(SUPPLEMENT.read_text(encoding="utf-8"))["starts"]
    return found


class Space:
    """The configs of one model type."""

    def __init__(self, session: Session, kind: str, seed: int = 7, vary: str = "all") -> None:
        self.session, self.kind = session, kind
        self.cls = session.configs[kind]
        self.random = random.Random(seed)
        self.start = starts().get(kind, {})
        self.sub_given: dict[str, dict[str, Any]] = {}
        plain = self.cls(**self._nested(self.start))
        # A tower that some models of the type have and others have not: without it no model would show its modules.
        self.towers = [key for key in declared(self.cls) if TOWERS.search(key) and getattr(plain, key, ...) is None]
        self.default = readable(self.cls(**self._nested(self.start), **{key: {} for key in self.towers}))
        self.defaults = flatten(self.default.to_dict())
        self.defaults.setdefault("num_labels", 2)
        self.undeclared = undeclared(self.default)
        self.defaults = self.undeclared | self.defaults
        self.subs = {
            key: value for key, value in vars(self.default).items()
            if isinstance(value, session.transformers.PretrainedConfig)
        }  # fmt: skip
        for key, sub in self.subs.items():
            try:
                plain = flatten(type(sub)().to_dict())
            except Exception:
                plain = {}
            own = flatten(sub.to_dict())
            self.sub_given[key] = {
                name: value
                for name, value in own.items()
                if "." not in name
                and plain.get(name, ...) != value
                and name not in ("num_labels",)
                and not name.startswith("_")
            }
            self.sub_given[key]["model_type"] = sub.model_type
        self.hints = annotations(self.cls)
        self.fixed = {name for name in self.defaults if not VARIED[vary].search(name.rsplit(".", 1)[-1])}
        self.fixed |= set(getattr(self.cls, "fixed", ()))
        self.reduced = self._reduced() if vary not in ("labels", "nothing") else {}
        self.told = VARIED[vary] if vary == "nothing" else re.compile("")
        """The fields that terms may be over."""
        self.open: dict[str, int] = {}  # what the default config leaves open, and no model can be made without

    @cached_property
    def pinned(self) -> dict[str, Any]:
        """Whole numbers that follow from other fields unless they are given: given, each field can change alone."""
        return self._explored[0]

    @cached_property
    def free(self) -> list[Observation]:
        """The configs that showed which numbers follow from others."""
        return self._explored[1]

    @cached_property
    def _explored(self) -> tuple[dict[str, Any], list[Observation]]:
        free: list[Observation] = []
        base: dict[str, Any] = {}
        pinned: dict[str, Any] = {}
        for variation in ({}, *self.variations()):
            for name, options in variation.items() or [("", [None])]:
                for value in options:
                    given = {**self.reduced, **({name: value} if name else {})}
                    try:
                        values = self.values(self.config(given))
                    except Exception:
                        continue
                    changed = frozenset(key for key in {*values, *base} if values.get(key) != base.get(key))
                    if not base:
                        base, changed = values, frozenset()
                    free.append(Observation(values, frozenset(given), changed, bool(name)))
                    for key in changed - {name}:
                        number = base.get(key)
                        if type(number) is int and not (LAYERS.search(key.rsplit(".", 1)[-1]) and number < 7):
                            pinned[key] = number
                    break
        for given in self.combinations([*self.reduced, *(n for v in self.variations() for n in v)], 12):
            try:
                values = self.values(self.config({**self.reduced, **given}))
            except Exception:
                continue
            changed = frozenset(key for key in {*values, *base} if values.get(key) != base.get(key))
            free.append(Observation(values, frozenset({**self.reduced, **given}), changed))
        plain = self._told(self.defaults)
        changed = frozenset(key for key in plain if plain[key] != base.get(key))
        free.append(Observation(plain, frozenset(), changed))
        self.fixed -= {name for observation in free for name in observation.changed}
        whole = {
            key: value
            for key, value in pinned.items()
            if key in self.defaults and key not in self.reduced and key.count(".") < 2 and key != "num_labels"
        }
        return whole, free

    def _reduced(self) -> dict[str, Any]:
        """Fields that make the models smaller: few layers, few experts."""
        given: dict[str, Any] = {}
        for name, value in self.defaults.items():
            last = name.rsplit(".", 1)[-1]
            if name.count(".") > 1 or not isinstance(value, int) or isinstance(value, bool):
                continue
            if LAYERS.search(last) and 6 < value < 300 and not re.search("label|skip|freq|every|window|ids?$", last):
                given[name] = 6
            elif EXPERTS.search(last) and value > 8:
                given[name] = 8
        return given

    def config(self, given: dict[str, Any]) -> Any:
        top = self._nested({**self.start, **given})
        for key in self.towers:
            top.setdefault(key, {})
        config = readable(self.cls(**top))
        config.asked = {name: value for name, value in top.items() if name in self.undeclared}
        return config

    def _nested(self, given: dict[str, Any]) -> dict[str, Any]:
        """What the config class is given for some fields, with those of its parts in those."""
        top: dict[str, Any] = {}
        nested: dict[str, dict[str, Any]] = {}
        for name, value in given.items():
            if "." in name:
                scope, rest = name.split(".", 1)
                nested.setdefault(scope, {})[rest] = value
            else:
                top[name] = value
        for scope, values in nested.items():
            top[scope] = {**self.sub_given.get(scope, {}), **top.get(scope, {}), **deepened(values)}
        return top

    def value_held(self, name: str) -> Any:
        """The value of a field that is held; where the class has another, a config has to give it."""
        value = self.defaults[name]
        return {"given": value} if name in flatten(self.start) else value

    def stand_ins(self) -> dict[str, int]:
        """Values for the numbers that the default config leaves open."""
        numbers = {name: value for name, value in self.defaults.items() if value and type(value) is int}
        heads = next((numbers[n] for n in ("num_attention_heads", "n_head") if n in numbers), 8)
        size = next((numbers[n] for n in ("hidden_size", "n_embd", "d_model") if n in numbers), 512)
        usual = {"head_dim": size // heads, "num_key_value_heads": heads, "moe_intermediate_size": size // 2}
        usual |= {"vocab_size": 1_024, "n_shared_experts": 2}  # ESM takes its tokenizer's, dots.llm1 gives none
        experts = {name: 8 for name in self.defaults if EXPERTS.search(name)}
        return {name: value for name, value in (usual | experts).items() if self.defaults.get(name, 0) is None}

    def values(self, config: Any) -> dict[str, Any]:
        """All fields of a config, dotted, and those that it takes without having them."""
        return self._told(self.undeclared | config.asked | flatten(config.to_dict()))

    def _told(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if self.told.search(name)}

    def variations(self) -> Iterator[dict[str, list[Any]]]:  # noqa: C901
        """Each field with the values to try, the first that builds counts.

        A table by the kind of the field's value, written as one chain because the kinds share what is known of a field.
        """
        for name, value in self.defaults.items():
            last = name.rsplit(".", 1)[-1]
            if name.count(".") > 1 or IRRELEVANT.search(last) or name in self.fixed:
                continue
            if name.count(".") == 1 and not WIDTHS.search(last) and not isinstance(value, bool):
                continue
            base = self.reduced.get(name, value)
            small = name in self.reduced or bool(LAYERS.search(last))
            if isinstance(base, bool):
                yield {name: [not base]}
            elif isinstance(base, int):
                if small:
                    yield {name: [base + 1, base - 1]}
                elif base <= 1:
                    yield {name: [base + 1, base + 2, 4]}
                    yield {name: [base + 2, base + 3, 8]}
                    yield {name: [base + 7, base + 4]}
                else:
                    yield {name: [base * 2, base // 2, base * 3, base + 1]}
                    yield {name: [base * 3, max(base // 4, 1), base * 4]}
                    if base < 10 and base > 2:
                        yield {name: [base - 1, base + 1]}
                if re.search("expert|shared|dense|sparse|moe|step", last) and base:
                    yield {name: [0]}
                if "int | None" in self.hints.get(name, "") or MAY_BE_NONE.search(last):
                    yield {name: [None]}
            elif isinstance(base, float):
                yield {name: [base * 2, base / 2]}
            elif value is None:
                hint = self.hints.get(name, "")
                if last in TEXTS:
                    yield {name: TEXTS[last]}
                elif "bool" in hint and "int" not in hint:
                    yield {name: [True]}
                elif "list" in hint and "int" not in hint:
                    continue
                elif "_use_" in last:
                    yield {name: [True]}
                    yield {name: [False]}
                else:
                    size = next(
                        (
                            v
                            for k, v in self.defaults.items()
                            if k.rsplit(".", 1)[-1] in ("hidden_size", "d_model", "n_embd", "dim")
                            and isinstance(v, int)
                        ),
                        64,
                    )
                    odd = 96 if re.search("dim|rank", last) else 2 if "num" in last else size * 2
                    yield {name: [odd, size, True]}
                    yield {name: [2, 4, 32]}
                    if re.search("size|dim", last):
                        yield {name: [size]}
            elif isinstance(base, str):
                options = TEXTS.get(last, []) + re.findall(r"'([\w-]+)'", self.hints.get(name, ""))
                for option in dict.fromkeys(options):
                    if option != base:
                        yield {name: [option]}
            elif isinstance(base, list):
                yield from self._lists(name, base)

    def _lists(self, name: str, base: list[Any]) -> Iterator[dict[str, list[Any]]]:
        if not base:
            yield {name: [[1], [1, 2]]}
            yield {name: [[0, 2, 3]]}
        elif all(isinstance(item, str) for item in base):
            length = 6 if len(base) > 6 else len(base)
            values = sorted(set(base) | {"full_attention"} if "layer_types" in name else set(base))
            for shift in range(min(3, max(2, len(values)))):
                yield {name: [[values[(i // 2 + shift) % len(values)] for i in range(length)]]}
            if len(values) > 1:
                yield {name: [[self.random.choice(values) for _ in range(length)]]}
        elif all(isinstance(item, int) and not isinstance(item, bool) for item in base):
            yield {name: [[item * 2 for item in base], [item + 1 for item in base]]}
            yield {
                name: [
                    [item * (3 if i % 2 else 2) for i, item in enumerate(base)],
                    [item + i % 2 for i, item in enumerate(base)],
                ]
            }
            yield {name: [[item + 1 for item in base]]}
            if len(base) > 2:
                yield {name: [base[:-1], base[::2]]}
            if len(base) > 1:
                for i in range(min(len(base), 4)):
                    yield {name: [[item * (2 if i == j else 1) for j, item in enumerate(base)]]}
        elif all(isinstance(item, bool) for item in base):
            yield {name: [[not item for item in base]]}

    def combinations(self, useful: list[str], count: int) -> Iterator[dict[str, Any]]:
        """Several fields at once, widths times 2, 3 or 4."""
        for _ in range(count):
            given: dict[str, Any] = {}
            for name in useful:
                value = self.reduced.get(name, self.defaults.get(name))
                if isinstance(value, bool):
                    if self.random.random() < 0.3:
                        given[name] = not value
                elif value == -1:
                    given[name] = self.random.choice([value, 8, 24, 96])
                elif isinstance(value, int) and value > 0:
                    if name in self.reduced or LAYERS.search(name.rsplit(".", 1)[-1]):
                        given[name] = self.random.choice([max(1, value - 2), value, value + 1])
                    elif value > 1:
                        given[name] = value * self.random.choice([1, 2, 3, 4])
            yield given

    def random_configs(self, known: Collection[str], chance: random.Random) -> Iterator[dict[str, Any]]:
        """Fields to set, endlessly and several at once: those that are known to decide something, and all that may."""
        variations: dict[str, list[Any]] = {}
        for variation in self.variations():
            for name, options in variation.items():
                variations.setdefault(name, []).extend(options)
        self.random = chance
        widths = [name for name in self.defaults if name in known or name in variations]
        nullable = [name for name in variations if None in variations[name]]
        yield {}
        while True:
            given = dict(*self.combinations([name for name in widths if chance.random() < 0.5], 1))
            for name in chance.sample(sorted(variations), min(len(variations), chance.randrange(4))):
                given[name] = chance.choice(variations[name])
            for name in nullable:
                if chance.random() < 0.3:
                    given[name] = None
            yield {**self.reduced, **given}


def deepened(values: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a config, with those of its own parts, which have dots in their names, in those."""
    deep: dict[str, Any] = {name: value for name, value in values.items() if "." not in name}
    for name, value in values.items():
        scope, _, rest = name.partition(".")
        if rest:
            deep[scope] = {**deep.get(scope, {}), rest: value}
    return {name: deepened(value) if isinstance(value, dict) else value for name, value in deep.items()}


def readable(config: Any) -> Any:
    """The config, ready to be asked for fields that differ by layer (transformers 5's heterogeneous configs), and
    without the defaults by which no model can be made: in transformers 4.57 a padding token beyond the vocabulary
    (Idefics3, SmolVLM) and positions that are not given (Qwen3-VL, Mllama), and a vocabulary that is not given
    (Chameleon, Emu3). None decides a module."""
    for part in (config, *vars(config).values()):
        padding, words = getattr(part, "pad_token_id", None), getattr(part, "vocab_size", None)
        if isinstance(padding, int) and isinstance(words, int) and padding >= words:
            part.pad_token_id = None
        open_rope = getattr(part, "model_type", "").startswith(("qwen3_vl", "mllama"))
        if open_rope and getattr(part, "rope_scaling", 0) is None:
            part.rope_scaling = {"rope_type": "default"}
        if getattr(part, "vocabulary_map", 0) is None:
            part.vocabulary_map = {"<image>": 3}
        if hasattr(type(part), "allow_global_per_layer_attribute_access"):
            part.allow_global_per_layer_attribute_access = True
    return config


ASKED = re.compile(r'(?:getattr|hasattr(?=\(\s*(?:self\.)?config,\s*"\w*use_))\(\s*(?:self\.)?config,\s*"(\w+)"')


def undeclared(config: Any) -> dict[str, int | None]:
    """Fields that a type's config does not have, with what stands in for them.

    Its models ask for them (`getattr(config, "head_dim", …)`), or its config takes and spends them
    (`kwargs.pop("global_head_dim", 512)`). Of what models ask with `hasattr`, only switches count
    (`vision_use_head`): the other names are those of related types (`embedding_size` in copies of BERT).
    """
    found: dict[str, int | None] = {}
    if is_closed(type(config)):
        return found
    folder = Path(inspect.getfile(type(config))).parent
    for path in sorted(folder.glob("modeling_*.py")):
        found |= dict.fromkeys(ASKED.findall(path.read_text(encoding="utf-8")))
    found |= spent(type(config))
    return {
        name: value
        for name, value in found.items()
        if not hasattr(config, name) and (WIDTHS.search(name) or value is not None) and not IRRELEVANT.search(name)
    }


SPENT = re.compile(r'kwargs\.(?:pop|get)\("(\w+)"(?:, (\d+|True|False)\))?')
DROPPED = re.compile(r"^\s*(?:_ = )?kwargs\.pop\([^()]*\)\s*(?:#.*)?$", re.MULTILINE)
RENAMED = (
    re.compile(r'\b(\w+) = kwargs\.(?:pop|get)\("(\w+)", (?:self\.)?\1\)'),
    re.compile(r"self\.(\w+) = (?:self\.)?\1 if (\w+) is None else \2\b"),
    re.compile(r'self\.(\w+) = \(?\s*kwargs\.pop\("(\w+)"\) if "\2" in kwargs else self\.\1\b'),
    re.compile(r'if "(?P<old>\w+)" in kwargs:\s+self\.(\w+) = kwargs\.pop\("((?P=old))"\)'),
)
NEUTRAL = re.compile(
    r"rope|rotary|theta|dtype|attn_impl|initializer|force_|_dt_|_token_id|loss|num_labels|id2label|_ls_|revision|"
    r"model_type|frame_rate|vision_feature_layer|hidden_act|activation|global_attn|(^|\.)(use_timm_backbone|"
    r"is_causal|out_indices|out_features|"
    r"segmentation_indices|tie_word_embeddings)$"
)
"""Names of settings that decide no module, and of a switch that is dropped where it is no field."""


def is_closed(cls: Any) -> bool:
    """Whether a config class takes its own fields alone, under their names."""
    return getattr(cls, "closed", False)


def spent(cls: Any) -> dict[str, int | None]:
    """The names that a config class takes and makes other fields of, with the numbers that stand in for them."""
    found: dict[str, int | None] = {}
    if is_closed(cls):
        return found
    for name, default in SPENT.findall(DROPPED.sub("", inspect.getsource(cls))):
        found[name] = json.loads(default.lower()) if default else found.get(name)
    return {name: value for name, value in found.items() if not NEUTRAL.search(name)}


def renamed(cls: Any) -> dict[str, str]:
    """The names that a config class takes for a field's: `attribute_map`, `kwargs.pop("block_ff_dim", …)`."""
    if is_closed(cls):
        return {}
    source = inspect.getsource(cls)
    found = {old: name for pattern in RENAMED[:-1] for name, old in pattern.findall(source)}
    found |= {old: name for old, name, _ in RENAMED[-1].findall(source)}
    return {**found, **(getattr(cls, "attribute_map", None) or {})}


def declared(cls: Any) -> dict[str, Any]:
    """The parts that a config class declares, with their classes; in transformers 4 some of them are known to a config
    alone."""
    parts = getattr(cls, "sub_configs", None)
    return parts if isinstance(parts, dict) else {}


def taken(cls: Any) -> dict[str, Any]:
    """What a type's config takes beside its fields, and beside those of the parts of which it is made."""
    if is_closed(cls):
        given = {name: {"given": value} for name, value in starts().get(cls.model_type, {}).items()}
        return {"aliases": {}, "spent": {**{name: cls.defaults[name] for name in sorted(cls.fixed)}, **given}}
    names = spent(cls)
    for scope, part in declared(cls).items():
        if hasattr(part, "model_type"):
            names |= {f"{scope}.{name}": value for name, value in spent(part).items()}
    return {"aliases": renamed(cls), "spent": names}


def annotations(cls: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for owner in reversed(cls.__mro__):
        for name, hint in inspect.get_annotations(owner).items():
            found[name] = hint if isinstance(hint, str) else str(hint)
    return found


# the union of all trees


@dataclass(eq=False)
class Union:
    kind: str
    many: bool = False
    children: dict[tuple[str, str], Union] = field(default_factory=dict)
    order: list[tuple[str, str]] = field(default_factory=list)
    seen: list[tuple[Observation, tuple[int, ...], Raw]] = field(default_factory=list)
    template: bool = False

    @property
    def include(self) -> tuple[str, str, str] | None:
        return self.seen[0][2].include


def signature(raw: Raw, deep: int = 8) -> Any:
    """What makes two members of a list alike in structure (sizes left out)."""
    return (raw.kind, tuple((name, signature(child, deep - 1)) for name, child in raw.children.items()) if deep else ())


def unite(members: list[tuple[Observation, tuple[int, ...], Raw]]) -> Union:
    union = Union(members[0][2].kind, members[0][2].many, seen=members)
    lists = [raw for _, _, raw in members if raw.children]
    digits = bool(lists) and all(name.isdigit() for raw in lists for name in raw.children)
    if digits and (union.many or union.kind in ("Sequential", "ModuleDict")):
        lengths = {len(raw.children) for raw in lists}
        classes = {child.kind for raw in lists for child in raw.children.values()}
        consecutive = all(list(raw.children) == [str(i) for i in range(len(raw.children))] for raw in lists)
        alike = len({signature(child) for child in lists[0].children.values()}) == 1
        union.template = consecutive and (
            len(lengths) > 1 or (alike and len(classes) == 1 and union.many and max(lengths) > 2)
        )
    groups: dict[tuple[str, str], list[tuple[Observation, tuple[int, ...], Raw]]] = {}
    classes_of: dict[str, set[str]] = {}
    for _, _, raw in members:
        for name, child in raw.children.items():
            classes_of.setdefault("*" if union.template else name, set()).add(child.kind)
    for observation, index, raw in members:
        previous: tuple[str, str] | None = None
        for position, (name, child) in enumerate(raw.children.items()):
            plain = not child.children and not child.parameters and child.include is None
            alone = len(classes_of["*" if union.template else name]) == 1
            what = "" if plain and not child.ins and not alone else child.kind
            if child.include:
                what = f"{what}:{'/'.join(child.include)}"
            key = ("*", what) if union.template else (name, what)
            if key not in groups:
                groups[key] = []
                union.order.insert(union.order.index(previous) + 1 if previous else 0, key)
            groups[key].append((observation, (*index, position) if union.template else index, child))
            previous = key
    # a module that now has parts and now has none is one module where its class is the same
    for key in union.order:
        union.children[key] = unite(groups[key])
        if not key[1]:
            kinds = [raw.kind for _, _, raw in groups[key]]
            union.children[key].kind = max(set(kinds), key=lambda kind: (kinds.count(kind), kind))
    return union


class Writer:
    """Turns a union into nodes: [kind, in, out, parameters, children]; equal nodes are written once.

    parameters: [name, shape, present, counted] (the last two may be left out when True).
    children: [name, node, present] or, in a list, ["*", count, [[node, present], …]].
    An include is ["@", scope, type, head].
    """

    def __init__(self, fitter: Fitter, default: Observation) -> None:
        self.fitter, self.default = fitter, default
        self.nodes: list[Any] = []
        self.index: dict[str, int] = {}
        self.unexplained: list[str] = []

    def node(self, union: Union, path: str = "", reuse: Mapping[int, int] | None = None) -> int:
        """Writes a subtree and gives its number; `reuse`: raw modules (by id) whose nodes are written already."""
        if reuse and id(union.seen[0][2]) in reuse:
            return reuse[id(union.seen[0][2])]
        if union.include is not None:
            return self._add(["@", *union.include, union.kind])
        ins = self._size([(o, i, raw.ins) for o, i, raw in union.seen], f"{path} in")
        outs = self._size([(o, i, raw.outs) for o, i, raw in union.seen], f"{path} out")
        parameters = []
        names = dict.fromkeys(name for _, _, raw in union.seen for name in raw.parameters)
        for name in names:
            have = [(o, i, raw.parameters[name]) for o, i, raw in union.seen if name in raw.parameters]
            rank = len(have[0][2][0])
            present = self._condition([(o, i, name in raw.parameters) for o, i, raw in union.seen], f"{path}.{name} ?")
            if {len(shape) for _, _, (shape, _) in have} != {rank}:
                have = [sample for sample in have if len(sample[2][0]) == rank]
                self.unexplained.append(f"{path}.{name} rank")
            sizes = [
                self._size([(o, i, shape[d]) for o, i, (shape, _) in have], f"{path}.{name}[{d}]") for d in range(rank)
            ]
            counted = self._condition([(o, i, not shared) for o, i, (_, shared) in have], f"{path}.{name} counted")
            entry: list[Any] = [name, sizes, present, counted]
            while entry[-1] is True:
                entry.pop()
            parameters.append(entry)
        children: list[Any] = []
        if union.template:
            counts: list[Sample] = [(o, i, len(raw.children)) for o, i, raw in union.seen]
            count = self._size(counts, f"{path} count")
            members = []
            for key in union.order:
                child = union.children[key]
                held = {(id(o), i) for o, i, _ in child.seen}
                domain = [
                    (o, (*i, n), (id(o), (*i, n)) in held) for o, i, raw in union.seen for n in range(len(raw.children))
                ]
                members.append([self.node(child, f"{path}.*"), self._condition(domain, f"{path}.*:{key[1]} ?")])
            children.append(["*", count, members])
        else:
            for key in union.order:
                child = union.children[key]
                held = {(id(o), i) for o, i, _ in child.seen}
                present = self._condition(
                    [(o, i, (id(o), i) in held) for o, i, _ in union.seen], f"{path}.{key[0]}:{key[1]} ?"
                )
                entry = [key[0], self.node(child, f"{path}.{key[0]}", reuse)]
                children.append(entry if present is True else [*entry, present])
        return self._add([union.kind, ins, outs, parameters, children])

    def _add(self, node: list[Any]) -> int:
        text = json.dumps(node)
        if text not in self.index:
            self.index[text] = len(self.nodes)
            self.nodes.append(node)
        return self.index[text]

    def _size(self, samples: list[Sample], what: str) -> Any:
        term = self.fitter.size(samples)
        if term is None:
            self.unexplained.append(what)
            return ["?", self._seen_by_default(samples)]
        return term

    def _condition(self, samples: list[Sample], what: str) -> Any:
        term = self.fitter.condition(samples)
        if term is None:
            self.unexplained.append(what)
            return ["?", bool(self._seen_by_default(samples))]
        return term

    def _seen_by_default(self, samples: list[Sample]) -> Any:
        here = [value for observation, _, value in samples if observation is self.default]
        values = here or [value for _, _, value in samples]
        return max(set(values), key=values.count)


# one model type


class Plan:
    """The configs that a model type's classes are built from: the same for all, so that equal parts are fitted once."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.configs: list[tuple[dict[str, Any], Observation]] = []
        self.idle: list[tuple[dict[str, Any], Observation]] = []  # showed nothing in the first class
        self.made = False
        self.bodies: list[tuple[Observation, Raw]] = []

    def observe(
        self, build: Any, deadline: float, written: Mapping[str, int]
    ) -> tuple[list[tuple[Observation, Raw]], dict[int, int]]:
        """What the class shows, and the numbers of the nodes that a class before has written, by the id of the module.

        A class that only puts another head on a body that is known needs few configs.
        """
        if not self.made:
            found = self._first(build, deadline)
            self.bodies = found
            return found, {}
        few = self.configs[:2] + [e for e in self.configs[2:] if self._about_heads(e[1])] + self.configs[-5:]
        found = self._rest(build, deadline, few)
        reuse = self._reuse(found, written)
        if reuse:
            return found, reuse
        return self._rest(build, deadline, self.configs + self.idle), {}

    def _about_heads(self, observation: Observation) -> bool:
        return observation.alone and any(HEADISH.search(name) for name in observation.changed)

    def _reuse(self, found: list[tuple[Observation, Raw]], written: Mapping[str, int]) -> dict[int, int]:
        bodies = {id(observation): raw for observation, raw in self.bodies}
        known = [(bodies[id(observation)], raw) for observation, raw in found]
        first, mine = known[0]
        for old_name in ("", *first.children):
            for new_name in ("", *mine.children):
                pairs = [
                    (old.children.get(old_name) if old_name else old, new.children.get(new_name) if new_name else new)
                    for old, new in known
                ]
                if (
                    old_name in written
                    and all(
                        old is not None and new is not None and (old.children or old.include) and same_tree(old, new)
                        for old, new in pairs
                    )
                    and sum(1 for _ in walk(pairs[0][0])) > 20
                ):
                    return {id(pairs[0][1]): written[old_name]}
        return {}

    def _rest(
        self, build: Any, deadline: float, configs: list[tuple[dict[str, Any], Observation]]
    ) -> list[tuple[Observation, Raw]]:
        found = []
        for number, (given, observation) in enumerate(configs):
            if number > 1 and time.process_time() > deadline:
                print(f"  {self.space.kind}: out of time", flush=True)
                break
            try:
                found.append((observation, build(self.space.config(given))))
            except (TooSlow, Exception) as error:
                if number == 0:
                    raise error
        return found

    def counterexamples(
        self, build: Any, nodes: list[Any], root: int, used: Collection[str], seed: str
    ) -> list[tuple[Observation, Raw]]:
        """Models of random configs that the nodes do not explain; the classes that follow are built from them too."""
        space, base = self.space, self.configs[0][1].values
        found: list[tuple[Observation, Raw]] = []
        made, tried = 0, set[str]()
        for given in itertools.islice(space.random_configs(used, random.Random(seed)), 8 * TRIALS):
            text = json.dumps(given, sort_keys=True)
            if text in tried:  # where few fields vary
                continue
            tried.add(text)
            try:
                config = space.config(given)
                values = space.values(config)
                values.setdefault("num_labels", getattr(config, "num_labels", 2))
                raw = build(config)
            except (TooSlow, Exception):
                continue
            made += 1
            changed = frozenset(n for n in {*values, *base} if values.get(n) != base.get(n))
            observation = Observation(values, frozenset(given), changed)
            if not explains(nodes, root, observation, raw):
                found.append((observation, raw))
                self.idle.append((given, observation))
            if made == (FEW if space.told.pattern else TRIALS) or len(found) == ENOUGH:
                break
        return found

    # The order of the attempts is the method: each stage tries what the ones before found to have an effect, or none,
    # and all of them keep those findings here.
    def _first(self, build: Any, deadline: float) -> list[tuple[Observation, Raw]]:  # noqa: C901
        space = self.space
        found: list[tuple[Observation, Raw]] = []
        base: dict[str, Any] = {}

        def attempt(given: dict[str, Any], alone: bool, default: bool = False, free: bool = False) -> Raw | None:
            whole = {} if default else {**space.reduced, **({} if free else space.pinned), **given}
            try:
                config = space.config(whole)
                values = space.values(config)
                values.setdefault("num_labels", getattr(config, "num_labels", 2))
                raw = build(config)
            except (TooSlow, Exception):
                return None
            changed = frozenset(n for n in {*values, *base} if values.get(n) != base.get(n)) if base else frozenset()
            observation = Observation(values, frozenset(whole), changed, alone)
            found.append((observation, raw))
            self.configs.append((whole, observation))
            return raw

        root = attempt({}, False)
        if root is None and space.reduced:
            for name in list(space.reduced):  # a list that must be as long as there are layers
                for other, value in space.defaults.items():
                    if (
                        isinstance(value, list)
                        and len(value) == space.defaults[name]
                        and (other.rpartition(".")[0] == name.rpartition(".")[0])
                    ):
                        space.reduced[other] = value[: space.reduced[name]]
            root = attempt({}, False)
        if root is None:
            space.pinned = {}
            root = attempt({}, False)
        if root is None:
            space.reduced = {}
            root = attempt({}, False)
        if root is None:  # the default config lacks what every real one gives
            space.pinned = space.open = space.stand_ins()
            root = attempt({}, False)
        if root is None:
            build(space.config({}))  # to tell why
            raise ValueError("no base")
        base.update(found[0][0].values)
        attempt({}, False, default=True)
        useful: list[str] = list(space.reduced)
        modes: list[tuple[dict[str, Any], Raw]] = []
        without_effect: set[str] = set()
        quiet: list[dict[str, Any]] = []  # switches that do nothing alone
        silent: dict[str, int] = {}  # numbers that do nothing alone
        idle: list[tuple[dict[str, Any], Observation]] = []
        for variation in space.variations():
            if time.process_time() > deadline:
                print(f"  {space.kind}: out of time", flush=True)
                break
            ((name, options),) = variation.items()
            if name in without_effect:
                continue
            for value, free in itertools.product(options, (False, True)):
                if free and not space.pinned:
                    continue
                raw = attempt({name: value}, True, free=free)
                if raw is None:
                    if isinstance(value, bool) and {name: value} not in quiet:  # impossible without another switch
                        quiet.append({name: value})
                    continue
                if same_tree(raw, root):
                    if type(base.get(name)) is int:
                        if base[name] > 10:
                            without_effect.add(name)
                        silent[name] = value
                    if isinstance(base.get(name), bool) or base.get(name) is None:
                        quiet.append({name: value})
                    if not HEADISH.search(name):
                        idle.append(self.configs[-1])
                    elif "." not in name and name not in useful:
                        useful.append(name)
                else:
                    useful += [name] if name not in useful else []
                    before, now = base.get(name), found[-1][0].values.get(name)
                    absent = before in (0, 1) or now in (0, 1)
                    if type(before) is not type(now) or isinstance(now, bool | str) or not now or absent:
                        modes.append(({name: now}, raw))
                break
        for first, second in itertools.combinations(quiet[:12], 2):  # a decoder, and one with cross attention
            if first.keys() == second.keys() or time.process_time() > deadline:
                continue
            raw = attempt({**first, **second}, False)
            if raw is not None and not same_tree(raw, root):
                modes.insert(0, ({**first, **second}, raw))
            elif raw is not None:
                idle.append(self.configs[-1])
        for mode, shown in modes[:10]:  # what has an effect only when something else is on
            for switch in quiet[:12]:
                if switch.keys() & mode.keys() or time.process_time() > deadline:
                    continue
                raw = attempt({**mode, **switch}, False)
                if raw is not None and same_tree(raw, shown):
                    idle.append(self.configs[-1])
            for name, value in silent.items():
                if name in mode or name in useful or time.process_time() > deadline:
                    continue
                raw = attempt({**mode, name: value}, False)
                if raw is not None and not same_tree(raw, shown):
                    useful.append(name)
                elif raw is not None:
                    idle.append(self.configs[-1])
        for given in space.combinations(useful, 14 if len(useful) > 1 else 0):
            for switch in quiet:
                if space.random.random() < 0.15:
                    given.update(switch)
            attempt(given, False)
        for mode, _ in modes[:10]:
            for given in space.combinations([name for name in useful if name not in mode], 4):
                if time.process_time() > deadline:
                    break
                for switch in quiet:
                    if space.random.random() < 0.3:
                        given.update(switch)
                attempt({**given, **mode}, False)
        self.configs = [entry for entry in self.configs if entry not in idle]
        self.idle = idle
        left = {id(observation) for _, observation in self.configs}
        self.made = True
        return [entry for entry in found if id(entry[0]) in left]


class _Told:
    """The fields of an observed config, all of them certain, as `architectures` looks them up."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values
        self.doubt = self.deciding = False

    def __call__(self, name: str) -> Any:
        return self.values.get(name)


class _Own(architectures._Expansion):
    """The modules of a class without what is inside the parts that are models of their own."""

    def _include(self, node: list[Any]) -> architectures._Part:
        return architectures._Part(Module("", node[4], own=0))


def explains(nodes: list[Any], root: int, observation: Observation, raw: Raw) -> bool:
    """Whether the nodes give the modules and parameters that a config showed."""
    told: Any = _Told(observation.values)
    holder: Any = SimpleNamespace(_nodes=nodes)
    try:
        flat = architectures.laid_out(_Own(holder, told).node(root, ()))
    except (ValueError, RecursionError):
        return False
    modules, parameters = listed(raw)
    whole = [("", *module[2:4]) if plain else module[1:4] for module, plain in zip(modules, plains(raw), strict=True)]
    ours = [tuple(module[1:4]) for module in flat.modules]
    if [module.path for module in flat.modules] != [module[0] for module in modules]:
        return False
    guessed = {module.path for module in flat.modules if module.own < 0}  # sizes that no term explains are no claim
    for module, mine, theirs in zip(flat.modules, ours, whole, strict=True):
        if module.path not in guessed and mine[not theirs[0] :] != theirs[not theirs[0] :]:
            return False
    return claimed(flat.parameters, guessed) == claimed(parameters, guessed)


def claimed(parameters: Iterable[tuple[Any, ...]], guessed: Collection[str]) -> list[tuple[Any, ...]]:
    """The parameters without those of modules whose sizes are guesses."""
    return [tuple(each) for each in parameters if each[0].rpartition(".")[0] not in guessed]


def walk(raw: Raw | None) -> Iterator[Raw]:
    if raw is not None:
        yield raw
        for child in raw.children.values():
            yield from walk(child)


def same_tree(left: Raw, right: Raw) -> bool:
    return (
        left.kind == right.kind and left.include == right.include and left.ins == right.ins and left.outs == right.outs
        and left.parameters == right.parameters and list(left.children) == list(right.children)
        and all(same_tree(a, b) for a, b in zip(left.children.values(), right.children.values(), strict=True))
    )  # fmt: skip


def matches(session: Session, space: Space, kind: str, head: str, name: str) -> bool:
    """Whether the terms taken from another version of transformers (in `architectures.DATA`) hold for this class."""
    known = next((a for v in (5, 4) if (a := architectures.architecture(kind, head, v)) is not None), None)
    if known is None or known.class_name != name:
        return False
    alike = 0
    for given in ({}, *itertools.islice(space.random_configs(known.defaults, random.Random(name)), 8 * TRIALS)):
        if alike == TRIALS:
            break
        try:
            config = space.config(given)
            model = session.build(name, config)
        except (TooSlow, Exception):
            continue
        raw = session.raw(model, config, includes=False)
        try:
            expanded = architectures.modules(known, {**config.to_dict(), **config.asked})
            shapes = architectures.parameter_shapes(known, {**config.to_dict(), **config.asked})
        except architectures.UnusableConfig:
            return False
        mine, own = listed(raw)
        if [tuple(m[:4]) for m in expanded] != mine and [
            (m[0], "", *m[2:4]) if plain else tuple(m[:4]) for m, plain in zip(expanded, plains(raw), strict=False)
        ] != [(m[0], "", *m[2:4]) if plain else m for m, plain in zip(mine, plains(raw), strict=True)]:
            return False
        if [tuple(p) for p in shapes] != own:
            return False
        alike += 1
    return alike >= 3


def listed(raw: Raw, path: str = "") -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """A model's modules and parameters as `architectures` lists them."""
    modules: list[tuple[Any, ...]] = [(path, raw.kind, raw.ins, raw.outs)]
    start = f"{path}." if path else ""
    parameters = [(f"{start}{name}", shape, not shared) for name, (shape, shared) in raw.parameters.items()]
    for name, child in raw.children.items():
        below = listed(child, f"{start}{name}")
        modules += below[0]
        parameters += below[1]
    return modules, parameters


def plains(raw: Raw) -> list[bool]:
    """Of each module in order, whether its class does not matter: no parts and no parameters."""
    return [not child.children and not child.parameters for child in walk(raw)]


def describe(  # noqa: C901
    session: Session, kind: str, budget: float, like: bool = False, vary: str = "all"
) -> dict[str, Any]:
    """All that is recorded of one model type under this version of transformers.

    One pass over the heads of the type, which share the writer and the fitter and fail one by one.
    """
    # the first decides which fields matter: where there is an encoder, a causal model shows half of them
    order = ["seq2seq-lm", "speech-seq2seq", "causal-lm", "image-text-to-text", *HEADS]
    heads = {head: session.classes[head][kind] for head in dict.fromkeys(order) if kind in session.classes[head]}
    if len(heads) > 1 and "pretraining" in heads and set(heads) - {"pretraining", "base"}:
        del heads["pretraining"]
    for head in list(heads):
        if not hasattr(session.library, heads[head]):
            del heads[head]
    if "vision2seq" in heads:
        heads.setdefault("image-text-to-text", heads.pop("vision2seq"))
    result: dict[str, Any] = {"heads": {}, "failed": {}, "unexplained": {}}
    fitter = Fitter()
    writer: Writer | None = None
    used: set[str] = set()
    space = Space(session, kind, vary=vary)
    plan = Plan(space)
    nodes_of: dict[str, int] = {}
    done: dict[str, list[Any]] = {}
    if like:
        result["same"] = [head for head, name in heads.items() if matches(session, space, kind, head, name)]
        heads = {head: name for head, name in heads.items() if head not in result["same"]}
        if result["same"]:
            result["fields"] = fields(
                space, space.free, set(architectures._document(kind)["versions"]["5"]["fields"]), fitter
            )
            result["aliases"] = renamed(space.cls)
            result["subs"] = subs(space)
    for head, name in heads.items():
        text = text_of(session, space, name)
        if text is not None:
            writer = writer or Writer(fitter, Observation({}))
            found = embeddings_of(session.build(name, space.subs["text_config"]))
            number = writer._add(["@", *text, head, name])
            result["heads"][head] = [name, number, found["prefix"], found["in"], found["out"]]
            continue
        if name in done:
            result["heads"][head] = done[name]
            continue
        try:
            embeddings: dict[str, str | None] = {}

            def build(config: Any, name: str = name, embeddings: dict[str, Any] = embeddings) -> Raw:
                model = session.build(name, config)
                if not embeddings:
                    refuse_without_embeddings(model)
                    embeddings.update(embeddings_of(model))
                return session.raw(model, config)

            observations, reuse = plan.observe(build, time.process_time() + budget, nodes_of)
            union = unite([(observation, (), raw) for observation, raw in observations])
            default = observations[min(1, len(observations) - 1)][0]
            if writer is None:
                writer = Writer(fitter, default)
            writer.default = default
            writer.unexplained = []
            fitter.deferring = True
            root = writer.node(union, "", reuse)
            if writer.unexplained:
                root = refit(writer, fitter, union, reuse)
            for attempt in range(FEW if space.told.pattern else ROUNDS):
                known = set().union(*map(fields_in, writer.nodes))
                failing = plan.counterexamples(build, writer.nodes, root, known, f"{name} {attempt}")
                if not failing:
                    break
                print(f"  {name}: {len(failing)} random configs show otherwise", flush=True)
                observations = [*observations, *failing]
                union = unite([(observation, (), raw) for observation, raw in observations])
                fitter.deferring = True
                writer.node(union, "", reuse)
                root = refit(writer, fitter, union, reuse)
            if not nodes_of:  # the body, under the name it has in this class
                top = writer.nodes[root]
                nodes_of = {"": root, **{child[0]: child[1] for child in top[4] if child[0] != "*"}}
            done[name] = [name, root, embeddings.get("prefix"), embeddings.get("in"), embeddings.get("out")]
            result["heads"][head] = done[name]
            if writer.unexplained:
                result["unexplained"][head] = writer.unexplained
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            result["failed"][head] = f"{type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})"[:300]
    if writer is None:
        return result
    result["nodes"] = reached(writer.nodes, result["heads"])
    for node in result["nodes"]:
        used |= fields_in(node)
    result["fields"] = {**result.get("fields", {}), **fields(space, space.free, used, fitter)}
    result["aliases"] = renamed(space.cls)
    result["subs"] = subs(space)
    if vary != "all":
        result["held"] = {name: space.value_held(name) for name in sorted(held(space, result["nodes"], used))}
        result["unseen"] = sorted(assigned(space.cls) - names_in(result["nodes"]))
    return result


def held(space: Space, nodes: list[Any], used: Collection[str]) -> Iterator[str]:
    """The fields that did not vary and may decide something, and the types of the parts that may be of any type.

    Of the parts that are models of their own, their types know; but where no size varied, what is around them may
    follow from theirs.
    """
    apart = set() if space.told.pattern else {node[1] for node in nodes if node[0] == "@"}
    free = {f"{scope}.model_type" for scope, part in declared(space.cls).items() if part.__name__ == "AutoConfig"}
    for name in space.fixed - set(used):
        last = name.rsplit(".", 1)[-1]
        neutral = IRRELEVANT.search(last) or (NEUTRAL.search(last) and not last.startswith(("tie_", "use_")))
        if (not neutral or name in free) and name.partition(".")[0] not in apart:
            yield name


def assigned(cls: Any) -> set[str]:
    """The attributes to which the models of a config class assign an object of a class."""
    found = set()
    for path in Path(inspect.getfile(cls)).parent.glob("modeling_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
                calls = (ast.unparse(each.func) for each in ast.walk(node.value) if isinstance(each, ast.Call))
                if any(name.rpartition(".")[2][:1].isupper() for name in calls):
                    found.add(node.targets[0].attr)
    return found


def names_in(nodes: list[Any]) -> set[str]:
    """The names of the modules that the nodes hold."""
    return {child[0] for node in nodes if node[0] != "@" for child in node[4]}


def refit(writer: Writer, fitter: Fitter, union: Union, reuse: Mapping[int, int]) -> int:
    """Writes a tree once more, with the sizes that are known since."""
    fitter.forget_failures()
    fitter.deferring = False
    writer.unexplained = []
    return writer.node(union, "", reuse)


def reached(nodes: list[Any], heads: dict[str, list[Any]]) -> list[Any]:
    """The nodes that the heads hold, children first; changes the numbers of the heads' roots."""
    kept: list[Any] = []
    moved: dict[int, int] = {}

    def keep(number: int) -> int:
        if number not in moved:
            node = nodes[number]
            if node[0] != "@":
                children = [
                    ["*", child[1], [[keep(member), condition] for member, condition in child[2]]]
                    if child[0] == "*"
                    else [child[0], keep(child[1]), *child[2:]]
                    for child in node[4]
                ]
                node = [*node[:4], children]
            moved[number] = len(kept)
            kept.append(node)
        return moved[number]

    roots = {id(entry): keep(entry[1]) for entry in heads.values()}
    for entry in {id(entry): entry for entry in heads.values()}.values():
        entry[1] = roots[id(entry)]
    return kept


def embeddings_of(model: Any) -> dict[str, str | None]:
    """Where a model's base and its embeddings are."""
    found = {"prefix": getattr(model, "base_model_prefix", "")}
    paths = {id(module): path for path, module in model.named_modules()}
    for key, getter in (("in", "get_input_embeddings"), ("out", "get_output_embeddings")):
        try:
            found[key] = paths.get(id(getattr(model, getter)()))
        except Exception:
            found[key] = None
    return found


def refuse_without_embeddings(model: Any) -> None:
    """Raises NotImplementedError for a model that PEFT 0.21.2 cannot wrap: of a class that names tied weights, it asks
    for the input embeddings (utils/other.py, `_get_module_names_tied_with_embedding`), which image models may lack."""
    untied = getattr(getattr(model, "config", None), "tie_word_embeddings", None) is False
    if not untied and isinstance(getattr(model, "_tied_weights_keys", None), dict):
        model.get_input_embeddings()


def text_of(session: Session, space: Space, name: str) -> tuple[str, str] | None:
    """The field and type of the part of the config that a class takes instead of the whole.

    transformers 5.23.0, models/auto/auto_factory.py: an Auto class hands over the text config where the class is made
    for that.
    """
    taken = getattr(session.model_class(name), "config_class", None)
    part = space.subs.get("text_config")
    if part is not None and taken is type(part) and taken is not space.cls:
        return "text_config", part.model_type
    return None


def subs(space: Space) -> dict[str, Any]:
    return {
        key: {name: value for name, value in given.items() if not IRRELEVANT.search(name) or name == "model_type"}
        for key, given in space.sub_given.items()
    }


def fields_in(node: list[Any]) -> set[str]:
    if node[0] == "@":
        return set()
    _, ins, outs, parameters, children = node
    found = fields_of(ins) | fields_of(outs)
    for _, sizes, *conditions in parameters:
        for term in (*sizes, *conditions):
            found |= fields_of(term)
    for child in children:
        if child[0] == "*":
            found |= fields_of(child[1]).union(*(fields_of(condition) for _, condition in child[2]))
        elif len(child) > 2:
            found |= fields_of(child[2])
    return found


def fields(space: Space, observations: list[Observation], used: set[str], fitter: Fitter) -> dict[str, Any]:
    """Of each field used: {"=": default} or {"term": how it follows from others when it is not given}."""
    result: dict[str, Any] = {}
    queue = sorted(used)
    while queue:
        name = queue.pop()
        if name in result:
            continue
        free = [o for o in observations if name not in o.given]
        values = [o.values.get(name) for o in free]
        default = space.defaults.get(name)
        if default is None:
            default = space.open.get(name)
        if not values or all(value == values[0] for value in values):
            result[name] = {"=": default}
            continue
        term = _derived(name, free, fitter)
        if term is None:
            result[name] = {"=": default, "?": True}
            continue
        result[name] = {"=": default, "term": term}
        queue += sorted(fields_of(term) - {name})
    return result


def _derived(name: str, free: list[Observation], fitter: Fitter) -> Any | None:
    samples: list[Sample] = [(o, (), o.values.get(name)) for o in free]
    stripped: dict[int, Observation] = {}
    for o in free:  # the field itself must not explain itself, nor may another derived one
        values = {k: v for k, v in o.values.items() if k != name}
        own = frozenset(k for k in o.changed if k != name)
        given = frozenset(k for k in own if k in o.given)
        stripped[id(o)] = Observation(values, o.given, given or own, o.alone)
    samples = [(stripped[id(o)], i, value) for o, i, value in samples]
    first = next(value for _, _, value in samples if value is not None)
    if isinstance(first, list):
        if not all(isinstance(value, list) for _, _, value in samples):
            return None
        length = fitter.size([(o, i, len(value)) for o, i, value in samples])
        items: list[Sample] = [(o, (n,), item) for o, _, value in samples for n, item in enumerate(value)]
        if length is None or not items:
            return None
        whole = all(isinstance(item, int) and not isinstance(item, bool) for _, _, item in items)
        term = fitter.size(items) if whole else fitter.text(items)
        return None if term is None else ["list", length, term]
    if isinstance(first, int) and not isinstance(first, bool):
        return fitter.size(samples) if all(isinstance(v, int) for _, _, v in samples) else None
    return fitter.text(samples)


# commands


def session_of(library: str) -> Session:
    """The session that builds the models of "transformers" or "diffusers"."""
    if library == "transformers":
        return Session()
    from diffusers_session import DiffusersSession

    return DiffusersSession()


def collect(arguments: argparse.Namespace) -> None:
    session = session_of(arguments.library)
    if arguments.like:
        architectures.DATA = arguments.like
    out = Path(arguments.out) / session.name
    out.mkdir(parents=True, exist_ok=True)
    wanted: list[str] = arguments.types
    if not wanted:
        wanted = []
        for head in ("causal-lm", "image-text-to-text", "seq-cls", "seq2seq-lm", "multimodal-lm", *HEADS):
            wanted += [kind for kind in session.classes[head] if kind not in wanted]
    (out / "_version.json").write_text(json.dumps(session.version))
    every = {kind: [head for head in HEADS if kind in session.classes[head]] for kind in session.configs}
    (out / "_types.json").write_text(json.dumps(every))
    (out / "_taken.json").write_text(json.dumps({kind: taken(session.configs[kind]) for kind in session.configs}))
    for number, kind in enumerate(wanted):
        target = out / f"{kind}.json"
        if kind not in session.configs or (target.exists() and not arguments.again):
            continue
        if arguments.part and number % arguments.part[1] != arguments.part[0]:
            continue
        start = time.time()
        signal.signal(signal.SIGPROF, give_up)
        signal.setitimer(signal.ITIMER_PROF, arguments.patience)
        try:
            found = describe(session, kind, arguments.budget, bool(arguments.like), arguments.vary)
        except (Exception, GivenUp) as error:
            found = {"heads": {}, "failed": {"*": f"{type(error).__name__}: {error}"[:300]}, "unexplained": {}}
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        target.write_text(json.dumps(found))
        marks = {head: len(what) for head, what in found["unexplained"].items()}
        print(
            f"{kind}: {list(found['heads'])} same {found.get('same')} {time.time() - start:.1f} s",
            marks or "",
            found["failed"] or "",
            flush=True,
        )


class GivenUp(BaseException):
    """A type takes too long. Not an Exception: those are what a model's own code raises."""


def give_up(*_: object) -> None:
    raise GivenUp("no terms found in time")


def merge(arguments: argparse.Namespace) -> None:  # noqa: C901
    """Joins what was collected under each version into the data: read, completed, written, in this order."""
    source = Path(arguments.out)
    data = Path(arguments.data)
    present = {path.stem: json.loads(path.read_text()) for path in data.glob("*.json")}
    before = present.pop("_index", {"transformers": {}, "gaps": {}})
    present.pop("_classes", None)
    supplement = json.loads(SUPPLEMENT.read_text(encoding="utf-8"))
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    classes: dict[str, list[str]] = {}
    versions: dict[str, str] = before["transformers"]
    documents: dict[str, dict[str, Any]] = {}
    apart = {kind: found for kind, found in supplement["remote"].items() if kind != "about"}
    for major in PUBLISHERS:
        if (source / major).is_dir():
            versions[major] = json.loads((source / major / "_version.json").read_text())
        collected = {path.stem: json.loads(path.read_text()) for path in (source / major).glob("[!_]*.json")}
        whole = {kind: found for kind, found in collected.items() if found["heads"] or found.get("same")}
        noted = supplement["written"].get(major, {}) | (apart if major != architectures.DIFFUSERS else {})
        whole = {kind: written(found) for kind, found in noted.items()} | whole
        for kind in sorted({*whole, *present}):
            found = whole.get(kind) or as_collected(present[kind], major)
            if found is None:
                continue
            if major != architectures.DIFFUSERS:  # there, what no model was built with is fixed
                fixed = None if "held" in found else FIXED.get(kind, 0)
                found = {**found, "nodes": [doubted(node, fixed) for node in found.get("nodes", ())]}
            document = documents.setdefault(kind, {"nodes": [], "versions": {}})
            add(document, kind, major, found)
            for head, (name, *_) in document["versions"][major]["heads"].items():
                if name not in classes or likeness(name, kind) > likeness(name, classes[name][0]):
                    classes[name] = [kind, head]
    drop_incomplete(documents)
    for major in versions:
        aside = source / major / "_taken.json"
        known = json.loads(aside.read_text()) if aside.exists() else {}
        for kind in documents.keys() & known.keys():
            take(documents[kind], major, **known[kind])
    gaps: dict[str, dict[str, list[str]]] = {}
    for major in versions:
        types = source / major / "_types.json"
        if not types.exists():
            for kind, known in before["gaps"].items():
                gaps.setdefault(kind, {}).update({major: known[major]} if major in known else {})
            continue
        for kind, its_heads in json.loads(types.read_text()).items():
            document = documents.get(kind)
            have = document["versions"].get(major, {"heads": ()})["heads"] if document else ()
            if document and (lacking := [head for head in its_heads if head not in have]):
                gaps.setdefault(kind, {})[major] = lacking
    classes = {name: where for name, where in classes.items() if where[1] in heads_of(documents.get(where[0]))}
    for kind, document in documents.items():
        for place, known in supplement.get(kind, {}).items():
            complete(document, place, known["rows"], known["fields"])
        for place, known in supplement["code"].get(kind, {}).items():
            settle(document, place, known)
        for major, entry in document["versions"].items():
            restrict(entry, supplement["holds"].get(major, {}).get(kind, {}))
            if kind in supplement["elsewhere"]:
                entry["unseen"] = sorted({*entry.get("unseen", ()), *supplement["elsewhere"][kind]})
        text = json.dumps(document, separators=(",", ":"))
        (data / f"{kind}.json").write_text(text + "\n", encoding="utf-8")
    index = {"transformers": versions, "gaps": dict(sorted(gaps.items()))}
    named: dict[str, list[str]] = {}
    for name, (kind, _) in sorted(classes.items()):
        named.setdefault(kind, []).append(name)
    of_types = {kind: " ".join(names) for kind, names in sorted(named.items())}
    for name, document in (("_index", index), ("_classes", of_types)):
        (data / f"{name}.json").write_text(json.dumps(document, separators=(",", ":")) + "\n", encoding="utf-8")
    size = sum(path.stat().st_size for path in data.glob("*.json"))
    print(f"{len(documents)} types, {len(classes)} classes, {size / 1e6:.2f} MB")


def written(found: dict[str, Any]) -> dict[str, Any]:
    """What the supplement has of a type under a version, in the form of what `collect` writes."""
    nodes: list[Any] = []
    heads = {head: [name, nested(nodes, root), *rest] for head, (name, root, *rest) in found["heads"].items()}
    return {**found, "heads": heads, "nodes": nodes}


def as_collected(document: dict[str, Any], major: str) -> dict[str, Any] | None:
    """What the data has of a type under a version, in the form of what `collect` writes."""
    entry = document["versions"].get(major)
    if entry is None:
        return None
    heads = {head: list(root) for head, root in entry["heads"].items()}
    return {**entry, "heads": heads, "nodes": reached(document["nodes"], heads)}


def likeness(class_name: str, kind: str) -> int:
    """How much of a class's name is its type's: several types may share a class (`LlamaForCausalLM`)."""
    plain = re.sub(r"[-_.]", "", kind.lower())
    return len(plain) if class_name.lower().startswith(plain) else 0


def heads_of(document: dict[str, Any] | None) -> set[str]:
    """The heads of a type under any version."""
    return {head for entry in document["versions"].values() for head in entry["heads"]} if document else set()


def drop_incomplete(documents: dict[str, dict[str, Any]]) -> None:
    """Leaves out the models with a part whose type is not known under the same version, and what holds those."""
    while True:
        known = {
            (kind, major, head)
            for kind, document in documents.items()
            for major, entry in document["versions"].items()
            for head in entry["heads"]
        }
        complete = True
        for kind, major, head in sorted(known):
            entry = documents[kind]["versions"][major]
            unknown = {
                part
                for part, its_head in parts(documents[kind]["nodes"], entry["heads"][head][1])
                if (part, major, its_head) not in known
            }
            if unknown:
                complete = False
                print(f"{kind} {major}: {head} has parts that are not known: {', '.join(sorted(unknown))}")
                del entry["heads"][head]
        if complete:
            break
    for kind in list(documents):
        versions = documents[kind]["versions"]
        for major in [major for major, entry in versions.items() if not entry["heads"]]:
            del versions[major]
        if not versions:
            del documents[kind]


def parts(nodes: list[Any], root: int) -> set[tuple[str, str]]:
    """The types and heads of the models that a model has as its parts."""
    found: set[tuple[str, str]] = set()
    seen: set[int] = set()
    todo = [root]
    while todo:
        number = todo.pop()
        if number in seen:
            continue
        seen.add(number)
        node = nodes[number]
        if node[0] == "@":
            found.add((node[2], node[3]))
            continue
        for child in node[4]:
            todo += [member for member, _ in child[2]] if child[0] == "*" else [child[1]]
    return found


def add(document: dict[str, Any], kind: str, major: str, found: dict[str, Any]) -> None:
    """Adds one version's nodes to those of the type, each distinct node once."""
    guesses: dict[int, bool] = {}

    def guessed(number: int) -> bool:
        if number not in guesses:
            node = document["nodes"][number]
            below = (
                []
                if node[0] == "@"
                else [
                    c
                    for child in node[4]
                    for c in ([member for member, _ in child[2]] if child[0] == "*" else [child[1]])
                ]
            )
            own = [
                node[:4],
                *(
                    [child[2:] if child[0] != "*" else [child[1], [c for _, c in child[2]]] for child in node[4]]
                    if node[0] != "@"
                    else []
                ),
            ]
            guesses[number] = '["?", ' in json.dumps(own) or any(map(guessed, below))
        return guesses[number]

    known = {json.dumps(node): number for number, node in enumerate(document["nodes"])}
    moved: list[int] = []
    same = {head: document["versions"]["5"]["heads"][head] for head in found.get("same", ())}
    shared = document["versions"]["5"]["fields"] if same else {}
    for node in found.get("nodes", ()):  # children come before their parents
        if node[0] != "@":
            children = [
                ["*", child[1], [[moved[number], condition] for number, condition in child[2]]]
                if child[0] == "*"
                else [child[0], moved[child[1]], *child[2:]]
                for child in node[4]
            ]
            node = [*node[:4], children]
        text = json.dumps(node)
        if text not in known:
            known[text] = len(document["nodes"])
            document["nodes"].append(node)
        moved.append(known[text])
    document["versions"][major] = {
        "heads": {**same, **{head: [name, moved[root], *rest] for head, (name, root, *rest) in found["heads"].items()}},
        "fields": found["fields"] | {name: known for name, known in shared.items() if not told(found, name)},
        "aliases": found["aliases"],
        "subs": found["subs"],
    }
    entry = document["versions"][major]
    if kind in USUAL.get(major, "").split():
        entry["usual"] = True
    entry |= {key: found[key] for key in ("spent", "held", "unseen") if found.get(key)}
    entry["unexplained"] = [head for head, (_, root, *_) in entry["heads"].items() if guessed(root)]


def take(document: dict[str, Any], major: str, aliases: dict[str, str], spent: dict[str, Any]) -> None:
    """Adds what a type's config takes beside its fields to what the data has of the type under a version."""
    entry = document["versions"].get(major)
    if entry is None:
        return
    entry["aliases"] = aliases
    entry.pop("spent", None)
    apart = {node[1] for node in document["nodes"] if node[0] == "@"}  # the parts' own types know of theirs
    known = {*entry["fields"], *entry["subs"], *aliases}
    left = {name: value for name, value in spent.items() if name not in known and name.partition(".")[0] not in apart}
    restrict(entry, left)


def restrict(entry: dict[str, Any], values: dict[str, Any]) -> None:
    """Writes that what the data has of a type under a version is certain with these values alone."""
    if values:
        entry["spent"] = entry.get("spent", {}) | values
        entry["unexplained"] = entry.pop("unexplained")  # last, whether anything is merged or not


def complete(document: dict[str, Any], place: str, rows: Any, defaults: dict[str, Any]) -> None:
    """Writes the number of rows of the embedding at `place` ("DebertaEncoder.rel_embeddings") into a type's data."""
    owner, _, name = place.rpartition(".")
    nodes = document["nodes"]
    numbers = {child[1] for node in nodes if node[0] == owner for child in node[4] if child[0] == name}
    others = {child[1] for node in nodes if node[0] != "@" for child in node[4] if child[0] != "*" and child[0] != name}
    if not numbers or numbers & others:
        raise SystemExit(f"{place} of {SUPPLEMENT.name} is not, or not alone, in the data")
    for number in numbers:
        kind, _, width, (weight, *_), children = nodes[number]
        nodes[number] = [kind, rows, width, [[weight[0], [rows, width], *weight[2:]]], children]
    for entry in document["versions"].values():
        for field_name, value in defaults.items():
            entry["fields"].setdefault(field_name, {"=": value})


def settle(document: dict[str, Any], place: str, known: dict[str, Any]) -> None:
    """Writes what the code says of the module at `place` ("Gemma4TextAttention.k_proj") into a type's data: whether it
    is there ("present"), its sizes ("in", "out"; "guess" for one of which nothing is known yet), the length of a list
    ("count"), or all of it ("node": as in the data, with the nodes of its children in place of their numbers)."""
    owner, _, name = place.rpartition(".")
    nodes = document["nodes"]
    if "node" in known:
        replace_child(nodes, owner, name, known["node"], known.get("present"))
    children = [child for node in nodes if node[0] == owner for child in node[4] if child[0] == name]
    if not children:
        raise SystemExit(f"{place} of {SUPPLEMENT.name} is not in the data")
    for child in children:
        if "present" in known:
            child[2:] = [known["present"]]
        if nodes[child[1]][0] == "@":
            continue
        kind, ins, outs, parameters, below = nodes[child[1]]
        if "count" in known:
            below = [["*", known["count"], members] for _, _, members in below]
        if "guess" in known and not any('["?"' in json.dumps(size) for size in (ins, outs)):
            continue
        ins, outs = known.get("in", ins), known.get("out", outs)
        shapes = {"weight": [outs, ins], "bias": [outs]}
        own = [[parameter, shapes.get(parameter, shape), *rest] for parameter, shape, *rest in parameters]
        if kind in ("Linear", "ModuleList"):
            nodes[child[1]] = [kind, ins, outs, own, below]
    for entry in document["versions"].values():
        for field_name, value in known["fields"].items():
            entry["fields"].setdefault(field_name, {"=": value})
            entry.get("spent", {}).pop(field_name, None)


def replace_child(nodes: list[Any], owner: str, name: str, node: list[Any], present: Any) -> None:
    """Makes `node` the child of that name of all nodes of the class `owner`, the last child where it is new."""
    number = nested(nodes, node)
    for parent in [each for each in nodes if each[0] == owner]:
        place = next((at for at, child in enumerate(parent[4]) if child[0] == name), len(parent[4]))
        child = [name, number] if present is None else [name, number, present]
        parent[4] = [*parent[4][:place], child, *(each for each in parent[4][place:] if each[0] != name)]


def nested(nodes: list[Any], node: list[Any]) -> int:
    """The number of a node that is appended with those inside it."""
    kind, ins, outs, parameters, children = node
    below: list[Any] = []
    for name, *rest in children:
        if name == "*":
            count, members = rest
            below.append([name, count, [[nested(nodes, member), condition] for member, condition in members]])
        else:
            below.append([name, nested(nodes, rest[0]), *rest[1:]])
    nodes.append([kind, ins, outs, parameters, below])
    return len(nodes) - 1


def doubted(node: list[Any], fixed: int | None) -> list[Any]:
    """A node with its coincidental sizes and counts marked as not certain; `fixed`: a size that models of the type
    have under every config, None where each constant is one: of a type with fields that are held."""
    if node[0] == "@":
        return node

    def doubt(term: Any) -> Any:
        if type(term) is int:
            return ["?", term] if fixed is not None and WIDE <= term != fixed else term
        if not isinstance(term, list) or term[0] == "?":
            return term
        if term[0] == "if" and not coincidental(term[1]):
            return ["if", term[1], doubt(term[2]), doubt(term[3])]
        return ["?", term] if coincidental(term) else term

    kind, ins, outs, parameters, children = node
    return [
        kind,
        doubt(ins),
        doubt(outs),
        [[name, [doubt(size) for size in shape], *conditions] for name, shape, *conditions in parameters],
        [["*", doubt(child[1]), child[2]] if child[0] == "*" else child for child in children],
    ]


def coincidental(term: Any) -> bool:
    """Whether a term is one that no model computes: of unrelated switches, with factors like 311 and -601, a width that
    is divided by another, or taken off several times."""
    if isinstance(term, str):
        return bool(UNRELATED.search(term))
    if not isinstance(term, list) or term[0] in ("str", "?") or term in REAL:
        return False
    numbers = [part for part in term[1:] if type(part) is int] if term[0] in ("+", "*", "//") else []
    return (
        any(abs(number) > WIDE and number & (number - 1) for number in numbers)
        or (term[0] == "*" and min(numbers, default=0) < -1)
        or (term[0] == "//" and isinstance(term[2], str) and not DIVISORS.search(term[2]))
        or any(map(coincidental, term[1:]))
    )


def told(found: dict[str, Any], name: str) -> bool:
    """Whether a version says what a field is when it is not given."""
    return found["fields"].get(name, {"=": None}) != {"=": None}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    collecting = commands.add_parser("collect")
    collecting.add_argument("types", nargs="*")
    collecting.add_argument("--out", required=True)
    collecting.add_argument("--library", choices=["transformers", "diffusers"], default="transformers")
    collecting.add_argument("--again", action="store_true", help="also the types that are there already")
    collecting.add_argument("--budget", type=float, default=20, help="CPU seconds for the models of one class")
    collecting.add_argument("--patience", type=float, default=90, help="CPU seconds for all classes of one type")
    collecting.add_argument("--part", type=int, nargs=2, metavar=("N", "OF"))
    collecting.add_argument("--vary", choices=list(VARIED), default="all", help="the fewer fields, the less time")
    collecting.add_argument("--like", help="merged data of another version: classes that it explains are not fitted")
    collecting.set_defaults(run=collect)
    merging = commands.add_parser("merge")
    merging.add_argument("--out", required=True)
    merging.add_argument("--data", default=str(DATA))
    merging.set_defaults(run=merge)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
