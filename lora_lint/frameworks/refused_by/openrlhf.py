"""OpenRLHF 0.11.0 at 3c3be62: what its trainers refuse once they have read their arguments. Until 0.10.1 these had no
sections."""

from __future__ import annotations

from lora_lint.frameworks.refusals import Refusal, Table, Undecided

_SFT, _RM, _PPO = "cli/train_sft.py", "cli/train_rm.py", "cli/train_ppo_ray.py"
_NEW = {
    "images": "data.max_images_per_prompt",
    "multiturn": "data.multiturn",
    "template": "data.apply_chat_template",
    "ring": "ds.ring_attn_size",
    "packing": "ds.packing_samples",
    "4bit": "ds.load_in_4bit",
    "dtype": "ds.param_dtype",
    "estimator": "algo.advantage.estimator",
    "samples": "rollout.n_samples_per_prompt",
    "filtering": "algo.dynamic_filtering_enable",
    "engines": "vllm.num_engines",
    "asynchronous": "train.async_enable",
    "partial": "train.partial_rollout_enable",
    "prompts": "data.prompt_dataset",
}
_OLD = {
    "images": "max_images_per_prompt",
    "multiturn": "multiturn",
    "template": "apply_chat_template",
    "ring": "ring_attn_size",
    "packing": "packing_samples",
    "4bit": "load_in_4bit",
    "dtype": "param_dtype",
    "estimator": "advantage_estimator",
    "samples": "n_samples_per_prompt",
    "filtering": "dynamic_filtering",
    "engines": "vllm_num_engines",
    "asynchronous": "async_train",
    "partial": "partial_rollout",
    "prompts": "prompt_data",
}


def _rows(keys: dict[str, str]) -> tuple[Refusal, ...]:
    packing, samples, asynchronous = keys["packing"], keys["samples"], keys["asynchronous"]
    return (
        Refusal(
            keys["multiturn"],
            f"{keys['multiturn']} and not {keys['template']}",
            "turns are joined by the chat template",
            f"Add `--{keys['template']}`",
            f"{_SFT}:309",
            (keys["template"],),
        ),
        Refusal(
            keys["ring"],
            f"{keys['ring']} > 1 and not {packing} and {keys['prompts']} is None",
            "ring attention needs packed samples",
            f"Add `--{packing}`",
            f"{_RM}:333",
            (packing,),
        ),
        Refusal(
            keys["4bit"],
            f"{keys['4bit']} and {keys['dtype']} == 'fp16'",
            "4-bit weights are computed with in bf16 alone",
            f"Set `--{keys['dtype']} bf16`",
            "models/actor.py:116",
            (keys["dtype"],),
            late=True,
        ),
        Refusal(
            keys["estimator"],
            f"{keys['estimator']} in ('rloo', 'reinforce_baseline', 'group_norm', 'dr_grpo') and {samples} == 1",
            "it compares several answers to a prompt, and there is 1",
            f"Raise `--{samples}`",
            f"{_PPO}:613",
            (samples,),
        ),
        Refusal(
            keys["filtering"],
            f"{keys['filtering']} and {samples} == 1",
            "it filters by several answers to a prompt, and there is 1",
            f"Raise `--{samples}`",
            f"{_PPO}:707",
            (samples,),
        ),
        Refusal(
            keys["images"],
            f"{keys['images']} > 0 and {packing}",
            "samples with images cannot be packed",
            f"Leave `--{packing}` out",
            f"{_PPO}:623",
            (packing,),
        ),
        Refusal(
            packing,
            f"{packing} and {keys['prompts']} is not None and {keys['engines']} == 0",
            "samples are packed only where vLLM generates",
            f"Raise `--{keys['engines']}`",
            f"{_PPO}:661",
            (keys["engines"],),
        ),
        Refusal(
            keys["partial"],
            f"{keys['partial']} and not {asynchronous}",
            "only asynchronous training continues rollouts",
            f"Add `--{asynchronous}`",
            f"{_PPO}:674",
            (asynchronous,),
        ),
    )


_NOT_SENT = Refusal(
    "ds.lora.rank",
    "ds.lora.rank > 0 and data.prompt_dataset is not None and vllm.num_engines is not None and vllm.num_engines > 0",
    "the weights go to vLLM under the names that PEFT gives them, and vLLM has none of these",
    "Train all weights (`--ds.lora.rank 0`), or use a framework that sends merged weights or the adapter",
    "trainer/ray/ppo_actor.py:477",
    ("vllm.num_engines",),
    late=True,
    likely=True,
)
"""Its issue 1349."""
TABLE = Table(
    "OpenRLHF",
    "0.11.0 of 2026-08-13",
    {"": (*_rows(_NEW), _NOT_SENT, *_rows(_OLD))},
    {key: value for keys in (_NEW, _OLD) for key, value in ((keys["estimator"], "gae"), (keys["samples"], 1))},
    (
        Undecided(
            "GPUs, nodes and engines", "how they are divided depends on the cluster", ("trainer/", "utils/", "models/")
        ),
        Undecided("rewards and agents", "other services and programs decide", ("cli/", "datasets/")),
    ),
)
