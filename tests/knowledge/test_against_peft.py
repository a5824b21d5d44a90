"""Every answer of `match` against PEFT itself: the same modules, the same number of trainable parameters, the same
refusals, on many architectures and settings. Needs torch, transformers and peft."""

from __future__ import annotations

import copy
import random
import re
import warnings
from functools import lru_cache
from typing import Any

import peft
import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from peft.tuners.tuners_utils import _find_minimal_target_modules, check_target_module_exists
from peft.utils.error import NoMatchingPeftModuleError

from lora_lint.knowledge.adaptable import adaptable
from lora_lint.knowledge.architectures import architecture, class_of, heads, model_types
from lora_lint.knowledge.matching import Match, Targets, match
from lora_lint.knowledge.models import identify
from lora_lint.knowledge.modules import Beside, Module
from lora_lint.knowledge.peft_facts import facts
from tests.support.peft_models import ARCHITECTURES, Described, build, describe

LLAMA = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
PREFERRED = ("causal-lm", "image-text-to-text", "seq2seq-lm", "speech-seq2seq", "masked-lm")
NAMES = {
    "rank": "r",
    "alpha": "lora_alpha",
    "dropout": "lora_dropout",
    "trainable_tokens": "trainable_token_indices",
}

transformers.logging.set_verbosity_error()


@pytest.fixture(autouse=True)
def quiet() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(autouse=True)
def without_values() -> Any:
    """Values do not matter on the meta device, and initialising them is a third of the time. Only here: other tests in
    this process need theirs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.nn.Linear, "reset_parameters", lambda _: None)
        yield


@lru_cache(maxsize=4)
def prepared(model_type: str, head: str) -> tuple[Any, Described]:
    model = build(model_type, head)
    return model, describe(model)


def leaves(described: Described, *kinds: str) -> list[str]:
    """The last parts of the paths of all modules of some kinds, in order, each once."""
    return list(dict.fromkeys(m.path.rpartition(".")[2] for m in described.modules if m.kind in kinds and m.path))


def cases(described: Described) -> dict[str, Targets]:
    """Settings that make sense for a model, by name."""
    linear = leaves(described, "Linear", "Conv1D")
    paths = [m.path for m in described.modules if m.kind in ("Linear", "Conv1D")]
    inner = [path for path in paths if re.search(r"\.\d+\.", path)]
    some = tuple(linear[:3])
    embedding = leaves(described, "Embedding")
    norms = [m.path.rpartition(".")[2] for m in described.modules if "Norm" in m.kind]
    containers = leaves(described, "ModuleList")
    fused = sorted({p.name for p in described.parameters if len(p.shape) == 3})
    flat = sorted({f"{p.owner.rpartition('.')[2]}.{p.name}" for p in described.parameters if len(p.shape) == 2})
    pattern = re.search(r"([^.]+)\.\d+\.", inner[0])[1] if inner else "layers"  # type: ignore[index]
    found: dict[str, Targets] = {
        "defaults": Targets(),
        "all-linear": Targets("all-linear", rank=4),
        "ALL-linear for classification": Targets("ALL-linear", task_type="SEQ_CLS"),
        "all-linear for tokens": Targets("all-linear", task_type="TOKEN_CLS", rank=3),
        "all-linear for questions": Targets("all-linear", task_type="QUESTION_ANS"),
        "llama seven": Targets(LLAMA, rank=16),
        "partly": Targets((*some, "no_such_layer", "all-linear", r".*_proj")),
        "nothing": Targets(("no_such_layer",)),
        "empty": Targets(()),
        "regex": Targets(rf".*\.({'|'.join(linear[:2])})", rank=5),
        "regex that misses": Targets(linear[0]),
        "regex for everything below": Targets(r".*layers?\.1\..*(proj|dense|fc\d|query)"),
        "invalid regex": Targets("*_proj"),
        "excluded by name": Targets(tuple(linear), exclude_modules=tuple(linear[1:2])),
        "excluded by regex": Targets("all-linear", exclude_modules=rf".*\.0\..*|{re.escape(paths[-1])}"),
        "all excluded": Targets(some, exclude_modules=".*"),
        "one layer": Targets(some, layers_to_transform=1),
        "layers": Targets(some, layers_to_transform=(0, 7), layers_pattern=pattern),
        "layers with patterns": Targets(some, layers_to_transform=(1,), layers_pattern=("nothing", pattern)),
        "layers out of range": Targets(some, layers_to_transform=(40,)),
        "no layers": Targets(some, layers_to_transform=()),
        "pattern alone": Targets(some, layers_pattern=pattern),
        "regex with layers": Targets(".*", layers_to_transform=(1,)),
        "full paths": Targets((paths[0], paths[-1])),
        "full path past layers": Targets((inner[0] if inner else paths[0], linear[-1]), layers_to_transform=(1,)),
        "many full paths": Targets(tuple(paths), layers_to_transform=(1,)),
        "many full paths and strangers": Targets((*paths, *(f"x.y.{n}" for n in range(20)))),
        "saved": Targets(some, modules_to_save=(linear[-1], "no_such_layer")),
        "saved embedding": Targets(some, modules_to_save=tuple(embedding[:1]) or None),
        "saved and targeted": Targets(tuple(linear), modules_to_save=(linear[-1],)),
        "saved by half a word": Targets(some, modules_to_save=(linear[0][1:],)),
        "saved list": Targets(some, modules_to_save=tuple(containers[:1]) or None),
        "saved, biases": Targets(some, modules_to_save=(linear[-1],), bias="all"),
        "dora": Targets("all-linear", use_dora=True, rank=2),
        "lora bias": Targets(tuple(linear), lora_bias=True, rank=6),
        "all biases": Targets(some, bias="all"),
        "lora biases": Targets(some, bias="lora_only", task_type="SEQ_CLS"),
        "wrong bias": Targets(some, bias="some"),
        "ranks": Targets(tuple(linear), rank_pattern={linear[0]: 32, rf".*\.1\..*{linear[-1]}": 3, "gone": 1}),
        "rank zero": Targets(some, rank=0),
        "rank zero somewhere": Targets(some, rank_pattern={some[0]: 0}),
        "norms": Targets((*some, *norms[:1])),
        "parameters that miss": Targets(some, target_parameters=("no_such.weight",)),
        "weights as parameters": Targets((), target_parameters=(f"{linear[0]}.weight",)),
        "weights as parameters twice": Targets(some, target_parameters=(f"{linear[0]}.weight",)),
    }
    if embedding:
        found["embeddings"] = Targets(tuple(embedding), rank=4)
        found["embeddings with dora"] = Targets((*embedding, *some), rank=4, use_dora=True)
        found["embeddings with lora bias"] = Targets(tuple(embedding), lora_bias=True)
    convolutions = leaves(described, "Conv1d", "Conv2d", "Conv3d")
    if convolutions and described.model_type not in ("wav2vec2", "hubert"):
        found["convolutions"] = Targets(tuple(convolutions), rank=8)
        found["convolutions with dora"] = Targets(tuple(convolutions), rank=8, use_dora=True, bias="lora_only")
        found["convolutions, odd rank"] = Targets(tuple(convolutions), rank=7)
    attention = leaves(described, "MultiheadAttention")
    if attention:
        found["multi-head attention"] = Targets(tuple(attention), rank=3)
        found["multi-head attention, biases"] = Targets(tuple(attention), rank=3, bias="lora_only", lora_bias=True)
        found["multi-head attention with dora"] = Targets(tuple(attention), use_dora=True)
    if fused:
        found["fused"] = Targets((), target_parameters=tuple(fused), rank=4)
        found["fused beside modules"] = Targets(some, target_parameters=tuple(fused[:1]), bias="lora_only")
        found["fused with dropout"] = Targets(some, target_parameters=tuple(fused), dropout=0.1)
        found["fused with dora"] = Targets(some, target_parameters=tuple(fused), use_dora=True)
        found["fused alone"] = Targets(None, target_parameters=tuple(fused))
        found["experts by name"] = Targets(LLAMA, rank=8, rank_pattern={"gate_up_proj": 2})
        found["experts by name with dropout"] = Targets(LLAMA, dropout=0.05)
        found["half of the experts"] = Targets(("q_proj", "gate_proj"))
        found["mixtral names"] = Targets(("w1", "w2", "w3", "q_proj", "gate"), rank=2)
        found["experts by full path"] = Targets(("model.layers.1.mlp.experts.3.down_proj", "o_proj"))
        found["experts by regex"] = Targets(r".*\.(gate_proj|up_proj|down_proj|w1|w2|w3)")
        found["experts by regex, excluded"] = Targets(r".*(mlp|self_attn).*", exclude_modules=("mlp", "gate"))
        found["regex that misses the experts"] = Targets("q_proj|gate_proj")
        found["all-linear, experts saved"] = Targets("all-linear", modules_to_save=("gate",))
    if flat:
        found["flat parameters"] = Targets(some, target_parameters=tuple(flat))
    if norms:
        found["flat norm"] = Targets(some, target_parameters=(f"{norms[0]}.weight",))
    if described.input_embedding and described.input_embedding.rpartition(".")[2] in embedding:
        found["tokens"] = Targets(some, trainable_tokens=(0, 1, 2))
        found["tokens by name"] = Targets(some, trainable_tokens={embedding[0]: (5, 7)})
        found["tokens of a saved layer"] = Targets(
            some, trainable_tokens={embedding[0]: (5, 7)}, modules_to_save=(embedding[0],)
        )
        head = (described.output_embedding or "").rpartition(".")[2]
        if head and head in linear:
            found["tokens of both ends"] = Targets(some, trainable_tokens={embedding[0]: (1, 2), head: (1, 2)})
            found["other tokens of the head"] = Targets(some, trainable_tokens={embedding[0]: (1, 2), head: (1, 3, 4)})
            found["tokens of the head alone"] = Targets(some, trainable_tokens={head: (1,)})
        found["tokens nowhere"] = Targets(some, trainable_tokens={"nowhere": (1, 2)})
    return found


def config_of(targets: Targets) -> peft.LoraConfig:
    """PEFT's own configuration for the same settings."""
    arguments: dict[str, Any] = {}
    assert targets.method is None, "these are settings of LoRA"
    for name in set(Targets.__dataclass_fields__) - {"method"}:
        value = getattr(targets, name)
        if name == "trainable_tokens" and value is not None:
            value = {k: list(n) for k, n in value.items()} if isinstance(value, dict) else list(value)
        if isinstance(value, tuple):
            value = list(value)
        elif isinstance(value, dict):
            value = dict(value)
        arguments[NAMES.get(name, name)] = value
    return peft.LoraConfig(**arguments)


def wrapped(model: Any, targets: Targets) -> tuple[set[str], int] | Exception:
    """What PEFT adapts and how many parameters it trains, or what it raises."""
    with torch.device("meta"):
        try:
            result = peft.get_peft_model(copy.deepcopy(model), config_of(targets), autocast_adapter_dtype=False)
        except Exception as error:
            return error
    tuner = result.base_model
    return (
        {*tuner.targeted_module_names, *tuner.targeted_parameter_names},
        sum(parameter.numel() for parameter in result.parameters() if parameter.requires_grad),
    )


def ours(described: Described, targets: Targets) -> Match:
    return match(
        described.modules,
        targets,
        model_type=described.model_type,
        beside=Beside(
            parameters=described.parameters,
            output_embedding=described.output_embedding,
            input_embedding=described.input_embedding,
            tied=described.tied,
        ),
    )


def difference(model: Any, described: Described, targets: Targets) -> str | None:
    """What differs between PEFT and us, None where nothing does."""
    theirs, found = wrapped(model, targets), ours(described, targets)
    if isinstance(theirs, Exception):
        if not found.errors:
            return f"PEFT raises {type(theirs).__name__}: {str(theirs)[:200]}"
        expected = found.errors[0].exception.rpartition(".")[2]
        names = {cls.__name__ for cls in type(theirs).__mro__} | ({"error"} if isinstance(theirs, re.error) else set())
        if expected not in names or isinstance(theirs, NoMatchingPeftModuleError) != (
            found.errors[0].kind == "no-match"
        ):
            return f"PEFT raises {type(theirs).__name__}: {str(theirs)[:200]}, we say {found.errors[0]}"
        return None
    if found.errors:
        return f"we say {found.errors}"
    adapted = {f"{m.path}.{m.parameter}" if m.parameter else m.path for m in found.modules}
    if adapted != theirs[0]:
        return f"missing {sorted(theirs[0] - adapted)[:5]}, too many {sorted(adapted - theirs[0])[:5]}"
    if found.parameters != theirs[1]:
        return f"PEFT trains {theirs[1]}, we count {found.parameters}"
    return None


@pytest.mark.parametrize(("model_type", "head"), ARCHITECTURES, ids=lambda value: value or "base")
def test_every_setting_as_peft_does(model_type: str, head: str) -> None:
    model, described = prepared(model_type, head)
    differences = {
        name: text
        for name, targets in cases(described).items()
        if (text := difference(model, described, targets)) is not None
    }
    assert differences == {}


def outcome(found: Match) -> tuple[Any, ...]:
    """What of a match must not depend on where the modules come from."""
    adapted = tuple((m.path, m.parameter, m.kind, m.rank, m.entry) for m in found.modules)
    return adapted, found.saved, found.left_out, tuple(error.kind for error in found.errors)


def agreeing(found: Match, expected: Match) -> bool:
    """Whether two matches are one; the data may leave a count open, if the size of a module is not certain."""
    counts = [(found.parameters, expected.parameters)]
    counts += [
        (mine.trainable, theirs.trainable) for mine, theirs in zip(found.modules, expected.modules, strict=False)
    ]
    return outcome(found) == outcome(expected) and all(mine in (None, theirs) for mine, theirs in counts)


@pytest.mark.parametrize(
    ("model_type", "head"),
    [each for each in ARCHITECTURES if each[0] in model_types()],
    ids=lambda value: value or "base",
)
def test_the_architecture_data_leads_to_the_same(model_type: str, head: str) -> None:
    model, described = prepared(model_type, head)
    known = class_of(type(model).__name__)
    assert known is not None
    found = architecture(*known)
    assert found is not None
    modules, beside = adaptable(found, model.config.to_dict())
    differences = [
        name
        for name, targets in cases(described).items()
        if not agreeing(match(modules, targets, model_type=model_type, beside=beside), ours(described, targets))
    ]
    assert differences == []


@pytest.mark.parametrize(
    "name",
    random.Random(7).sample(
        [
            *("BAAI/bge-small-zh-v1.5", "google/electra-small-discriminator", "facebook/deit-small-patch16-224"),
            *("intfloat/multilingual-e5-base", "cl-tohoku/bert-base-japanese-v3", "vinai/phobert-base"),
            *("google/byt5-small", "google/umt5-small", "Salesforce/codet5p-220m", "facebook/m2m100_418M"),
            *("facebook/hubert-base-ls960", "microsoft/wavlm-base-plus", "facebook/wav2vec2-base-960h"),
            *("answerdotai/ModernBERT-base", "EuroBERT/EuroBERT-210m", "facebook/dinov3-vits16-pretrain-lvd1689m"),
            *("microsoft/swin-tiny-patch4-window7-224", "facebook/opt-350m", "Salesforce/codegen-350M-mono"),
            *("google/gemma-3-270m", "RWKV/rwkv-4-169m-pile", "openai/clip-vit-large-patch14"),
        ],
        6,
    ),
)
def test_counts_of_the_table_are_those_of_peft(name: str) -> None:
    model = identify(name)
    assert model is not None and model.complete
    head = next(each for each in (*PREFERRED, "base") if each in heads(model.model_type))
    found = architecture(model.model_type, head)
    assert found is not None
    modules, beside = adaptable(found, model.config)
    counted = match(
        modules, Targets(target_modules="all-linear", rank=8), model_type=model.model_type, beside=beside
    ).parameters
    with torch.device("meta"):
        config = transformers.CONFIG_MAPPING[model.model_type](**model.config)
        wrapped = peft.get_peft_model(
            getattr(transformers, found.class_name)(config),
            peft.LoraConfig(r=8, target_modules="all-linear"),
            autocast_adapter_dtype=False,
        )
    assert counted == sum(each.numel() for each in wrapped.parameters() if each.requires_grad)


def test_the_default_targets_and_the_tables_are_those_of_the_installed_peft() -> None:
    mapping = peft.utils.TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING
    assert facts()["default_targets"] == mapping
    assert set(facts()["lora_config"]) == set(peft.LoraConfig.__dataclass_fields__)


WORDS = ("q_proj", "proj", "model", "layers", "layer", "0", "1", "12", "experts", "lm_head", "mlp", "h", "q_pro")
paths = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(".".join)
entries = st.one_of(paths, st.sampled_from((r".*\.q_proj", "", ".", "proj.", "all-linear")))
regexes = st.one_of(
    paths,
    st.sampled_from(
        (r".*\.q_proj", r"model\..*", "(", "*x", r"(?:.*\.)?(mlp|proj)", r".*\d+.*", "q_proj|lm_head", ".*")
    ),
)
filters = {
    "exclude_modules": st.one_of(st.none(), regexes, st.lists(entries, max_size=3).map(tuple)),
    "modules_to_save": st.one_of(st.none(), st.lists(st.one_of(entries, regexes), min_size=1, max_size=2).map(tuple)),
}
layered = {
    "layers_to_transform": st.one_of(
        st.none(), st.integers(0, 2), st.lists(st.sampled_from((0, 1, 12)), max_size=2).map(tuple)
    ),
    "layers_pattern": st.one_of(
        st.none(), regexes, st.lists(st.sampled_from(("layers", "layer", "h", "lay.*", "(")), max_size=2).map(tuple)
    ),
}


def asked(config: peft.LoraConfig, names: list[str]) -> set[str] | type[Exception]:
    """The names that PEFT itself matches, after it shortened a long list; or the exception."""
    try:
        wanted = config.target_modules
        if isinstance(wanted, set) and len(wanted) >= 20:
            others = [n for n in ["", *names] if n not in wanted and not n.endswith(tuple(f".{w}" for w in wanted))]
            shorter = _find_minimal_target_modules(wanted, others)
            if len(shorter) < len(wanted):
                config.target_modules = shorter
        return {name for name in names if check_target_module_exists(config, name)}
    except (re.error, ValueError) as error:
        return type(error)


def agree(names: list[str], targets: Targets) -> None:
    try:
        config = config_of(targets)
    except ValueError:
        assert match((), targets).errors
        return
    found = match([Module(name, "Linear", 4, 4, 16) for name in names], targets)
    expected = asked(config, names)
    refused = {refusal.kind for refusal in found.errors} & {"invalid-regex", "empty-entry"}
    if isinstance(expected, set):
        # PEFT compiles a pattern only once it needs it; we may refuse one that no path ever reached.
        assert refused or {matched.path for matched in found.modules} == expected
        assert not refused or "(" in repr(targets) or "*x" in repr(targets)
    else:
        assert refused


@settings(max_examples=400, deadline=None)
@given(
    names=st.lists(paths, min_size=1, max_size=25, unique=True),
    wanted=st.lists(entries, min_size=1, max_size=5).map(tuple),
    rest=st.fixed_dictionaries({**filters, **layered}),
)
def test_lists_match_as_peft_matches_names(names: list[str], wanted: tuple[str, ...], rest: dict[str, Any]) -> None:
    agree(names, Targets(wanted, **rest))


@settings(max_examples=200, deadline=None)
@given(names=st.lists(paths, min_size=1, max_size=25, unique=True), wanted=regexes, rest=st.fixed_dictionaries(filters))
def test_strings_match_as_peft_matches_names(names: list[str], wanted: str, rest: dict[str, Any]) -> None:
    agree(names, Targets(wanted, **rest))


@settings(max_examples=200, deadline=None)
@given(
    names=st.lists(paths, min_size=1, max_size=40, unique=True),
    wanted=st.lists(entries, min_size=18, max_size=40, unique=True).map(tuple),
    rest=st.fixed_dictionaries(layered),
)
def test_long_lists_match_as_peft_shortens_them(
    names: list[str], wanted: tuple[str, ...], rest: dict[str, Any]
) -> None:
    agree(names, Targets(wanted, **rest))
