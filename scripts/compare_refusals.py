"""Gives the same generated settings to the libraries' own classes and to lora-lint, and lists where they disagree.

    python scripts/compare_refusals.py [COUNT [SEED]] [CLASS…]

The classes are PEFT's configs, transformers' `TrainingArguments` and TRL's configs. What one refuses has to be reported
as LL902 or LL904, and what it takes must not be. COUNT is the number of settings of all of PEFT's configs (5000), a
tenth of it that of each other class; they are those of the SEED (0). The exit status is 1 if there is a disagreement.
What the machine decides, or the number of processes, is counted apart.
"""

from __future__ import annotations

import random
import sys
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from lora_lint.discovery import Found  # noqa: E402
from lora_lint.linting.checker import Checker  # noqa: E402
from lora_lint.settings import Settings  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from lora_lint.finding import Finding

Pool = dict[str, tuple[str, ...]]

_FLAG = ("True", "False")
_RANK = ("8", "4", "0", "-1")
_TARGETS = ("['q_proj', 'v_proj']", "'.*q_proj'", "'all-linear'", "None", "['q_proj', 'down_proj']")
_LAYERS: Pool = {
    "target_modules": _TARGETS,
    "layers_to_transform": ("None", "[0, 1]", "3", "[]"),
    "layers_pattern": ("None", "'layers'", "['layers']", "[]", "''"),
}
ADAPTERS: dict[str, Pool] = {
    "LoraConfig": {
        **_LAYERS,
        "r": ("8", "16", "7"),
        "lora_alpha": ("16", "0.5"),
        "use_dora": _FLAG,
        "use_rslora": _FLAG,
        "megatron_config": ("None", "{}", "{'tensor_model_parallel_size': 2}"),
        "init_lora_weights": ("True", "False", "'gaussian'", "'loftq'", "'eva'", "'corda'", "'pissa'", "'olora'"),
        "loftq_config": ("None", "{}", "{'loftq_bits': 4}", "LoftQConfig(loftq_bits=4)"),
        "eva_config": ("None", "EvaConfig(rho=2.0)"),
        "corda_config": ("None", "CordaConfig()"),
        "lora_bias": _FLAG,
        "bias": ("'none'", "'all'"),
        "target_parameters": ("None", "['mlp.experts.gate_up_proj']", "'mlp.experts.gate_up_proj'"),
        "task_type": ("None", "'CAUSAL_LM'", "'SEQ_CLS'", "TaskType.CAUSAL_LM"),
        "rank_pattern": ("{}", "{'q_proj': 4}"),
    },
    "AdaLoraConfig": {
        **_LAYERS,
        "r": ("8", "16"),
        "init_r": ("12", "16", "-1"),
        "total_step": ("None", "1000", "100", "0", "-5"),
        "tinit": ("0", "50", "100", "900"),
        "tfinal": ("0", "50", "100"),
        "use_dora": _FLAG,
        "loftq_config": ("None", "{}", "{'loftq_bits': 4}"),
    },
    "IA3Config": {
        "target_modules": _TARGETS,
        "feedforward_modules": ("None", "['down_proj']", "['q_proj']", "'.*down_proj'", "[]"),
        "task_type": ("None", "'CAUSAL_LM'"),
    },
    "AdamssConfig": {
        "use_asa": _FLAG,
        "init_warmup": ("5", "50", "5000"),
        "final_warmup": ("10", "50", "1000"),
        "asa_target_subspaces": ("50", "0"),
    },
    "BOFTConfig": {**_LAYERS, "boft_block_size": ("0", "4", "8"), "boft_block_num": ("0", "4")},
    "GraloraConfig": {**_LAYERS, "r": ("32", "16", "7", "9"), "gralora_k": ("2", "3", "4", "0"), "hybrid_r": _RANK},
    "OFTConfig": {
        **_LAYERS,
        "r": ("0", "8"),
        "oft_block_size": ("0", "32"),
        "module_dropout": ("0.0", "0.1"),
        "init_weights": ("True", "False", "'pissa'"),
    },
    "PromptTuningConfig": {
        "num_virtual_tokens": ("8",),
        "prompt_tuning_init": ("'TEXT'", "'RANDOM'"),
        "prompt_tuning_init_text": ("None", "'Classify:'"),
        "tokenizer_name_or_path": ("None", "'gpt2'"),
        "tokenizer_kwargs": ("None", "{'use_fast': True}"),
    },
    "PsoftConfig": {
        **_LAYERS,
        "r": _RANK,
        "psoft_svd": ("'full'", "'lowrank'", "'fast'"),
        "psoft_svd_lowrank_niter": ("10", "20"),
        "ab_svd_init": ("'psoft_init'", "'pissa_init'", "'pissa'"),
    },
    "ShadowConfig": {
        **_LAYERS,
        "shadow_model": ("'mirror'", "'gpt2'"),
        "shadow_hidden_size": ("None", "64"),
        "shadow_num_attention_heads": ("None", "4"),
    },
    "SupertuningConfig": {
        "r": ("None", "8", "0"),
        "lora_alpha": ("None", "16"),
        "lora_dropout": ("0.0", "0.5", "1.0"),
        "target_modules": _TARGETS,
    },
    "DeftConfig": {**_LAYERS, "r": _RANK, "decomposition_method": ("'qr'", "'relu'", "'svd'")},
    "HiraConfig": {**_LAYERS, "r": _RANK, "init_weights": ("True", "False", "'gaussian'", "'pissa'")},
    "RandLoraConfig": {"target_modules": _TARGETS, "r": _RANK},
    "RoadConfig": {
        "target_modules": _TARGETS,
        "group_size": ("64", "7", "0"),
        "variant": ("'road_1'", "'road_2'", "'road_3'"),
    },
    "ShiraConfig": {"target_modules": _TARGETS, "r": _RANK},
    "TinyLoraConfig": {**_LAYERS, "r": _RANK, "u": _RANK},
    "UniLoraConfig": {
        **_LAYERS,
        "r": _RANK,
        "theta_d_length": ("256", "0"),
        "unilora_dropout": ("0.0", "1.0", "1.5"),
        "init_theta_d_bound": ("0.02", "0.0"),
    },
    "VBLoRAConfig": {**_LAYERS, "r": _RANK, "topk": ("2", "0"), "vector_length": ("16",), "num_vectors": ("16",)},
    **{
        kind: {**_LAYERS, "r": _RANK}
        for kind in (
            *("DeloraConfig", "HRAConfig", "LilyConfig", "LoHaConfig", "LoKrConfig", "MissConfig", "PeanutConfig"),
            *("PveraConfig", "VeraConfig"),
        )
    },
    **dict.fromkeys(("C3AConfig", "FourierFTConfig", "FrodConfig", "WaveFTConfig"), _LAYERS),
}
"""PEFT's config classes: keywords, and what they are given. Most values are fine by themselves in some combination."""
_ARGUMENTS: Pool = {
    "fp16": _FLAG,
    "bf16": _FLAG,
    "fp16_full_eval": _FLAG,
    "bf16_full_eval": _FLAG,
    "load_best_model_at_end": _FLAG,
    "eval_strategy": ("'no'", "'steps'", "'epoch'"),
    "save_strategy": ("'no'", "'steps'", "'epoch'", "'best'"),
    "logging_strategy": ("'no'", "'steps'", "'epoch'"),
    "eval_steps": ("None", "10", "15", "500"),
    "save_steps": ("10", "30", "500"),
    "logging_steps": ("0", "1", "20"),
    "lr_scheduler_type": ("'linear'", "'cosine'", "'reduce_lr_on_plateau'", "'greedy'"),
    "dataloader_num_workers": ("0", "2"),
    "dataloader_prefetch_factor": ("None", "2"),
    "gradient_checkpointing": _FLAG,
    "metric_for_best_model": ("'loss'",),
}
_GENERATING: Pool = {
    **_ARGUMENTS,
    "num_generations": ("1", "2", "4", "8", "16"),
    "generation_batch_size": ("None", "8", "16", "24"),
    "steps_per_generation": ("None", "1", "2"),
    "auto_find_batch_size": _FLAG,
    "sync_ref_model": _FLAG,
}
ARGUMENTS: dict[str, tuple[str, Pool]] = {
    "TrainingArguments": ("Trainer", _ARGUMENTS),
    "SFTConfig": ("SFTTrainer", {**_ARGUMENTS, "packing": _FLAG, "padding_free": _FLAG, "max_length": ("None", "512")}),
    "DPOConfig": (
        "DPOTrainer",
        {
            **_ARGUMENTS,
            "loss_type": ("'sigmoid'", "['sigmoid']", "['sigmoid', 'sft']", "['hinge', 'ipo']"),
            "loss_weights": ("None", "[1.0]", "[0.5, 0.5]"),
            "beta": ("0.1", "0.0"),
        },
    ),
    "KTOConfig": ("KTOTrainer", {**_ARGUMENTS, "loss_type": ("'kto'", "'apo_zero_unpaired'")}),
    "RewardConfig": ("RewardTrainer", {**_ARGUMENTS, "max_length": ("None", "512")}),
    "RLOOConfig": ("RLOOTrainer", _GENERATING),
    "GRPOConfig": (
        "GRPOTrainer",
        {
            **_GENERATING,
            "log_completions": _FLAG,
            "log_completions_hub_repo": ("None", "'a/b'"),
            "vllm_importance_sampling_mode": ("'token_truncate'", "'sequence_mask'"),
            "vllm_importance_sampling_clip_min": ("None", "0.5", "5.0"),
            "vllm_importance_sampling_clip_max": ("None", "3.0"),
        },
    ),
}
"""Classes of arguments: the trainer that takes them, and what they are given."""
KINDS: Mapping[str, Pool] = {**ADAPTERS, **{kind: pool for kind, (_, pool) in ARGUMENTS.items()}}
IMPORTS = (
    f"from peft import {', '.join(ADAPTERS)}, EvaConfig, LoftQConfig, TaskType, get_peft_model\n"
    "from peft.tuners.lora.config import CordaConfig\n"
)
_TRAINED = """\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, {imported}
model = AutoModelForCausalLM.from_pretrained("facebook/opt-125m")
model = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", target_modules=["q_proj"]))
trainer = {trainer}(model, args={call}, train_dataset=data)
trainer.train()
"""
_OF_THE_MACHINE = ("Your setup", "global batch size", "global eval batch size")
"""What errors say that depend on the machine, or on how many processes there are."""


def generated(random_: random.Random, kinds: Collection[str] = tuple(ADAPTERS)) -> str:
    """A call of one of the classes."""
    kind = random_.choice(list(kinds))
    pool = KINDS[kind]
    keywords = random_.sample(list(pool), random_.randint(1, min(6, len(pool))))
    if kind == "AdaLoraConfig" and "total_step" not in keywords:
        keywords.append("total_step")  # nearly all is refused without it
    own = [f"{keyword}={random_.choice(pool[keyword])}" for keyword in keywords]
    first = ["output_dir='o'", "use_cpu=True"] if kind in ARGUMENTS else []
    return f"{kind}({', '.join((*first, *own))})"


def refused_by_library(call: str) -> str | None:
    """What a class says when it refuses a call; None if it takes it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            eval(call, _names(call.partition("(")[0]))
    except (ValueError, TypeError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def _names(kind: str) -> dict[str, Any]:
    if kind in ARGUMENTS:
        import transformers
        import trl

        library = transformers if kind in ("TrainingArguments", "Seq2SeqTrainingArguments") else trl
        return {kind: getattr(library, kind)}
    import peft
    from peft.tuners.lora.config import CordaConfig

    return {**vars(peft), "CordaConfig": CordaConfig}


def is_undecided(call: str, refused: str) -> bool:
    """Whether the machine, or the number of processes, decides on a refusal."""
    by_processes = "divisible by num_generations" in refused and "generation_batch_size=" not in call
    open_batch = "divisible by num_generations" in refused and "generation_batch_size=None" in call
    return by_processes or open_batch or any(words in refused for words in _OF_THE_MACHINE)


def program(call: str) -> str:
    """A program that makes a call, in which the arguments of a trainer train an adapter."""
    kind = call.partition("(")[0]
    if kind not in ARGUMENTS:
        return f"{IMPORTS}config = {call}\nget_peft_model(model, config)\n"
    trainer = ARGUMENTS[kind][0]
    names = f"{trainer}, {kind}"
    ours = trainer == "Trainer"
    text = _TRAINED.format(imported=names if ours else "Trainer", trainer=trainer, call=call)
    return text if ours else f"from trl import {names}\n{text}"


def found(call: str, checker: Checker | None = None) -> list[Finding]:
    """What lora-lint says of a call before a model is loaded, as far as it is an error."""
    kind: Any = "python"
    source = Found("train.py", kind, program(call).encode(), True)
    result = (checker or Checker(Settings())).check(source)
    errors = [each for each in result.findings if each.code in ("LL902", "LL904") and each.confidence == "certain"]
    return [each for each in errors if "once the model is loaded" not in each.message]


def disagreement(call: str, checker: Checker | None = None) -> str | None:
    """Where a library and lora-lint disagree on a call; None if they do not."""
    refused, findings = refused_by_library(call), found(call, checker)
    if refused and not findings and not is_undecided(call, refused):
        return f"{call}: it is refused ({refused}), and lora-lint says nothing"
    if findings and not refused:
        return f"{call}: it is taken, and lora-lint says {findings[0].code}: {findings[0].message}"
    return None


def main(arguments: list[str]) -> int:
    numbers = [int(each) for each in arguments[:2] if each.isdigit()]
    count, seed = (*numbers, *(5000, 0)[len(numbers) :])
    kinds = arguments[len(numbers) :]
    random_, checker = random.Random(seed), Checker(Settings())
    calls = [generated(random_) for _ in range(count)]
    calls += [generated(random_, (kind,)) for kind in ARGUMENTS for _ in range(count // 10)]
    if kinds:
        calls = [call for call in calls if call.partition("(")[0] in kinds]
    refused = {call: why for call in dict.fromkeys(calls) if (why := refused_by_library(call)) is not None}
    made = Counter(call.partition("(")[0] for call in calls)
    told = [each for call in calls if (each := disagreement(call, checker)) is not None]
    for kind, number in made.items():
        ours = [call for call in calls if call.partition("(")[0] == kind and call in refused]
        left = sum(is_undecided(call, refused[call]) and not found(call, checker) for call in ours)
        print(f"{kind}: {number} settings, {len(ours)} refused, {left} of them by the machine")
    print("\n".join([*told, f"{len(calls)} settings, {len(told)} disagreements"]))
    return int(bool(told))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
