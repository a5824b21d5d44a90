"""Services and smaller trainers, each a table of keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lora_lint.discovery import Walk
from lora_lint.linting import engine
from lora_lint.run.launch import Quantizer
from lora_lint.run.values import Known, Unknown
from lora_lint.settings import Settings
from tests.support.reading import config, edited, only, plain, read_python, realistic, shell

if TYPE_CHECKING:
    from pathlib import Path

TOGETHER = """\
together fine-tuning create --training-file file-1 --model Qwen/Qwen2.5-7B-Instruct --lora \\
  --lora-r 16 --lora-alpha 32 --lora-trainable-modules q_proj,v_proj --n-epochs 3 --learning-rate 1e-4
together fine-tuning list
"""
FIREWORKS = """\
firectl create sftj --base-model llama-v3-8b-instruct --dataset mine --output-model tuned \\
  --epochs 2 --lora-rank 16 --learning-rate 0.0001
"""
COOKBOOK = """\
torchrun --nnodes 1 --nproc_per_node 4 -m llama_cookbook.finetuning --enable_fsdp --use_peft --peft_method lora \\
  --model_name meta-llama/Llama-3.1-8B --lora_config.r 16 --lora_config.lora_alpha 32 \\
  --lora_config.target_modules '[q_proj,k_proj,v_proj]' --lr 2e-4 --num_epochs 1 --output_dir out
"""
LEROBOT = """\
uv run lerobot-train --policy.path=lerobot/smolvla_base --policy.optimizer_lr=1e-3 --steps=20000 --batch_size=32 \\
  --peft.method_type=LORA --peft.r=64 --peft.lora_alpha=64
"""
INTERNVL = """\
torchrun --nproc_per_node=2 internvl/train/internvl_chat_finetune.py --model_name_or_path OpenGVLab/InternVL2-8B \\
  --freeze_llm True --use_llm_lora 16 --learning_rate 4e-5 --num_train_epochs 1
"""
MINICPM = """\
torchrun finetune.py --model_name_or_path openbmb/MiniCPM-V-2_6 --llm_type qwen --use_lora true --lora_r 16 \\
  --lora_alpha 32 --learning_rate 1e-5
"""
QWEN_VL = """\
torchrun qwenvl/train/train_qwen.py --model_name_or_path Qwen/Qwen3-VL-8B-Instruct --lora_enable True --lora_r 16 \\
  --lora_alpha 32 --learning_rate 1e-4
"""
QWEN_SERIES = """\
deepspeed src/train/train_sft.py --model_id Qwen/Qwen2.5-VL-7B-Instruct --lora_enable True --freeze_llm True \\
  --lora_rank 16 --lora_alpha 32 --learning_rate 1e-4
"""
MLX_VLM = """\
python -m mlx_vlm.lora --model-path mlx-community/Qwen2-VL-2B-Instruct-bf16 --dataset d --lora-rank 16 \\
  --lora-alpha 32 --learning-rate 1e-4 --iters 500
"""
TINKER = """\
python -m tinker_cookbook.recipes.math_rl.train model_name=Qwen/Qwen3-8B env=gsm8k lora_rank=64 learning_rate=1e-4
"""
SCRIPTS = [TOGETHER, FIREWORKS, COOKBOOK, LEROBOT, INTERNVL, MINICPM, QWEN_VL, QWEN_SERIES, MLX_VLM, TINKER]
MNTP, SUPERVISED = realistic("llm2vec", "mntp.json"), realistic("llm2vec", "supervised.json")
NOVA, NOVA_DPO = realistic("nova", "lite.yaml"), realistic("nova", "micro_dpo.yaml")
FMS = realistic("fms_hf_tuning", "granite.json")
PIPE = realistic("qlora_pipe", "mistral.toml")
LITE = realistic("qlora_pipe_lite", "qwen.toml")
FILES = {
    MNTP: "a.json",
    SUPERVISED: "a.json",
    NOVA: "a.yaml",
    NOVA_DPO: "a.yaml",
    FMS: "a.json",
    PIPE: "a.toml",
    LITE: "a.toml",
}
EVERY_LAYER = ("q_proj", "v_proj", "k_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
MINICPMS = r"llm\..*layers\.\d+\.self_attn\.(q_proj|k_proj|v_proj)"
NONE = Unknown


def codes(text: str, name: str = "run.sh") -> list[str]:
    return [finding.code for finding in engine.lint_text(text.encode(), name, Settings()).findings]


@pytest.mark.parametrize(("text", "name"), [*((text, "run.sh") for text in SCRIPTS), *FILES.items()])
def test_healthy_ones_lint_clean(text: str, name: str) -> None:
    assert codes(text, name) == []


@pytest.mark.parametrize(
    ("text", "dialect", "rank", "alpha", "targets", "rate", "model"),
    [
        (TOGETHER, "together_ai", 16, 32, ("q_proj", "v_proj"), 1e-4, "Qwen/Qwen2.5-7B-Instruct"),
        (FIREWORKS, "fireworks", 16, NONE, NONE, 1e-4, "llama-v3-8b-instruct"),
        (COOKBOOK, "llama_cookbook", 16, 32, ("q_proj", "k_proj", "v_proj"), 2e-4, "meta-llama/Llama-3.1-8B"),
        (LEROBOT, "lerobot", 64, 64, NONE, 1e-3, "lerobot/smolvla_base"),
        (INTERNVL, "internvl_chat", 16, 32, NONE, 4e-5, "OpenGVLab/InternVL2-8B"),
        (MINICPM, "minicpm_v_finetune", 16, 32, MINICPMS, 1e-5, "openbmb/MiniCPM-V-2_6"),
        (QWEN_VL, "qwen_vl_finetune", 16, 32, ATTENTION, 1e-4, "Qwen/Qwen3-VL-8B-Instruct"),
        (QWEN_SERIES, "qwen_vl_series", 16, 32, NONE, 1e-4, "Qwen/Qwen2.5-VL-7B-Instruct"),
        (MLX_VLM, "mlx_vlm", 16, 32, NONE, 1e-4, "mlx-community/Qwen2-VL-2B-Instruct-bf16"),
        (TINKER, "tinker", 64, NONE, NONE, 1e-4, "Qwen/Qwen3-8B"),
    ],
)
def test_commands(
    text: str, dialect: str, rank: object, alpha: object, targets: object, rate: float, model: str
) -> None:
    run = only(shell(text))
    assert (run.dialect, plain(run.model.name), plain(run.training.learning_rate)) == (dialect, model, rate)
    found = tuple(plain(value) for value in (run.adapter.rank, run.adapter.alpha, run.adapter.target_modules))
    assert found == (rank, alpha, targets)


@pytest.mark.parametrize(
    ("text", "rank", "alpha", "targets", "rate", "method"),
    [
        (MNTP, 16, 32, EVERY_LAYER, 5e-5, "unknown"),
        (SUPERVISED, 32, 64, EVERY_LAYER, 2e-4, "unknown"),
        (NOVA, NONE, 64, NONE, 1e-5, "supervised"),
        (NOVA_DPO, NONE, 64, NONE, 1e-5, "preference"),
        (FMS, 8, 16, "all-linear", 1e-4, "supervised"),
    ],
)
def test_files(text: str, rank: object, alpha: float, targets: object, rate: float, method: str) -> None:
    run = only(config(text, FILES[text]))
    found = tuple(plain(value) for value in (run.adapter.rank, run.adapter.alpha, run.adapter.target_modules))
    assert found == (rank, alpha, targets)
    assert (plain(run.training.learning_rate), run.training.method) == (rate, method)


@pytest.mark.parametrize(
    ("text", "part", "rank", "alpha"),
    [
        (TOGETHER, "--lora-r 16 --lora-alpha 32 ", 8, 16),
        (COOKBOOK, "--lora_config.r 16 --lora_config.lora_alpha 32 ", 8, 32),
        (LEROBOT, " --peft.r=64 --peft.lora_alpha=64", 16, 8),
        (MLX_VLM, "--lora-rank 16 \\\n  --lora-alpha 32 ", 8, 16),
    ],
)
def test_defaults(text: str, part: str, rank: int, alpha: float) -> None:
    adapter = only(shell(edited(text, (part, "")))).adapter
    assert (adapter.rank, adapter.alpha) == tuple(Known(each, None, "framework-default") for each in (rank, alpha))


@pytest.mark.parametrize(
    ("text", "change"),
    [
        (TOGETHER, ("--lora ", "--no-lora ")),
        (COOKBOOK, ("--use_peft ", "")),
        (COOKBOOK, ("--peft_method lora", "--peft_method llama_adapter")),
        (LEROBOT, ("=LORA", "=MISS")),
        (LEROBOT, ("  --peft.method_type=LORA --peft.r=64 --peft.lora_alpha=64", "")),
        (INTERNVL, ("--use_llm_lora 16", "--use_llm_lora 0")),
        (MLX_VLM, ("--iters 500", "--full-finetune")),
        (TINKER, ("lora_rank=64", "lora_rank=0")),
    ],
)
def test_no_lora_run(text: str, change: tuple[str, str]) -> None:
    assert shell(edited(text, change)).runs == ()


@pytest.mark.parametrize(
    ("text", "change"),
    [(NOVA, ('"lora"', "null")), (FMS, ('"lora"', '"pt"')), (NOVA, ("amazon.nova-2-lite-v1:0:256k", "llama"))],
)
def test_no_lora_file(text: str, change: tuple[str, str]) -> None:
    assert config(edited(text, change), FILES[text]).runs == ()


@pytest.mark.parametrize(
    ("text", "change", "code"),
    [
        (TOGETHER, ("--lora-alpha 32", "--lora-alpha 1"), "LL104"),
        (TOGETHER, ("q_proj,v_proj", "q_proj,v_porj"), "LL202"),
        (FIREWORKS, ("--lora-rank 16", "--lora-rank 0"), "LL902"),
        (COOKBOOK, ("lora_alpha 32", "lora_alpha 0"), "LL105"),
        (COOKBOOK, ("k_proj", "key"), "LL202"),
        (LEROBOT, (" --peft.lora_alpha=64", ""), "LL104"),
        (MLX_VLM, ("--lora-alpha 32", "--lora-alpha 1"), "LL104"),
        (TINKER, ("lora_rank=64", "lora_rank=-1"), "LL902"),
        (INTERNVL, ("--use_llm_lora 16", "--use_llm_lora -1"), "LL902"),
    ],
)
def test_a_broken_command(text: str, change: tuple[str, str], code: str) -> None:
    assert codes(edited(text, change)) == [code]


@pytest.mark.parametrize(
    ("text", "change", "code"),
    [
        (MNTP, ('"lora_r": 16', '"lora_r": 0'), "LL902"),
        (FMS, ('"lora_alpha": 16', '"lora_alpha": 1'), "LL104"),
        (FMS, ('["all-linear"]', '["q_proj", "v_porj"]'), "LL202"),
        (NOVA, ("alpha: 64", "alpha: 0"), "LL105"),
    ],
)
def test_a_broken_file(text: str, change: tuple[str, str], code: str) -> None:
    assert codes(edited(text, change), FILES[text]) == [code]


def test_messages_have_their_own_names() -> None:
    text = edited(LEROBOT, (" --peft.lora_alpha=64", ""))
    (finding,) = engine.lint_text(text.encode(), "run.sh", Settings()).findings
    assert finding.message.startswith("`peft.lora_alpha` is not set, so the default 8 applies and with `peft.r=64`")


def test_a_policy_may_be_named_by_its_weights() -> None:
    text = edited(
        LEROBOT, ("policy.path=lerobot/smolvla_base", "policy.type=pi05 --policy.pretrained_path=lerobot/pi05")
    )
    assert plain(only(shell(text)).model.name) == "lerobot/pi05"


CLIENT = """\
import tinker

MODEL = "Qwen/Qwen3-8B"

service_client = tinker.ServiceClient()
training_client = service_client.create_lora_training_client(base_model=MODEL, rank=64)
training_client.optim_step(tinker.AdamParams(learning_rate=1e-4))
"""


def test_the_client_of_tinker() -> None:
    run = only(read_python(CLIENT))
    assert (run.dialect, plain(run.adapter.rank), plain(run.model.name)) == ("tinker", 64, "Qwen/Qwen3-8B")
    assert (plain(run.adapter.alpha), plain(run.adapter.target_modules)) == (Unknown, Unknown)
    assert codes(CLIENT, "train.py") == []


def test_the_client_awaited() -> None:
    program = """
        from tinker import ServiceClient

        async def main():
            return await ServiceClient().create_lora_training_client_async("Qwen/Qwen3-8B")
    """
    assert plain(only(read_python(program)).adapter.rank) == 32


def test_a_rank_that_the_client_refuses() -> None:
    (finding,) = engine.lint_text(CLIENT.replace("rank=64", "rank=0").encode(), "train.py", Settings()).findings
    assert (finding.code, finding.message.partition(":")[0]) == ("LL902", "`rank=0`")


def test_a_server_that_imitates_the_service_trains_the_whole_model_at_rank_0() -> None:
    own = edited(CLIENT, ("ServiceClient()", "ServiceClient(base_url=URL)"), ("rank=64", "rank=0"))
    assert read_python(own).runs == ()
    assert codes(own, "train.py") == []


COOKBOOK_OF_TINKER = """\
import asyncio
import sys

import chz
from tinker_cookbook.rl import train as rl_train
from tinker_cookbook.supervised import train


@chz.chz
class Options:
    model_name: str = "Qwen/Qwen3-8B"
    lora_rank: int = 16
    learning_rate: float = chz.field(default=1e-5, doc="the rate")


async def cli_main(options: Options):
    config = rl_train.Config(
        learning_rate=options.learning_rate,
        dataset_builder=problems,
        model_name=options.model_name,
        lora_rank=options.lora_rank,
        max_tokens=256,
        max_steps=None,
    )
    await rl_train.main(config)


def supervised():
    blueprint = chz.Blueprint(train.Config).apply(
        {"model_name": "meta-llama/Llama-3.1-8B", "learning_rate": 2e-4, "num_epochs": 3, "dataset_builder": rows}
    )
    asyncio.run(train.main(blueprint.make_from_argv(sys.argv[1:])))


if __name__ == "__main__":
    supervised()
    asyncio.run(chz.nested_entrypoint(cli_main))
"""


def test_the_cookbook_of_tinker() -> None:
    supervised, reinforced = sorted(read_python(COOKBOOK_OF_TINKER).runs, key=lambda run: run.training.method == "rl")
    assert (supervised.dialect, supervised.training.method) == ("tinker", "supervised")
    assert (plain(supervised.model.name), plain(supervised.training.epochs)) == ("meta-llama/Llama-3.1-8B", 3)
    assert isinstance(supervised.adapter.rank, Known)
    assert (supervised.adapter.rank.value, supervised.adapter.rank.origin) == (32, "framework-default")
    assert isinstance(supervised.training.learning_rate, Known)
    assert supervised.training.learning_rate.origin == "cli-default"
    assert (reinforced.dialect, reinforced.training.method) == ("tinker", "rl")
    assert (plain(reinforced.model.name), plain(reinforced.adapter.rank)) == ("Qwen/Qwen3-8B", 16)
    assert plain(reinforced.training.learning_rate) == 1e-5
    assert codes(COOKBOOK_OF_TINKER, "train.py") == []


TOGETHER_CLIENT = """\
from together import Together

client = Together()
job = client.fine_tuning.create(
    training_file="file-1",
    model="Qwen/Qwen3-8B",
    lora=True,
    lora_r=16,
    lora_trainable_modules="q_proj,v_proj",
    n_epochs=3,
    learning_rate=1e-4,
)
"""


def test_the_client_of_together_ai() -> None:
    run = only(read_python(TOGETHER_CLIENT))
    assert (run.dialect, run.training.method, plain(run.model.name)) == ("together_ai", "supervised", "Qwen/Qwen3-8B")
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (16, 32)
    assert plain(run.adapter.target_modules) == ("q_proj", "v_proj")
    assert (plain(run.training.learning_rate), plain(run.training.epochs)) == (1e-4, 3)
    assert codes(TOGETHER_CLIENT, "train.py") == []


def test_what_the_service_decides() -> None:
    bare = edited(TOGETHER_CLIENT, ('    lora_r=16,\n    lora_trainable_modules="q_proj,v_proj",\n', ""))
    adapter = only(read_python(bare)).adapter
    assert (plain(adapter.rank), plain(adapter.alpha)) == (Unknown, Unknown)
    assert isinstance(adapter.target_modules, Known)
    assert (adapter.target_modules.value, adapter.target_modules.origin) == ("all-linear", "framework-default")


@pytest.mark.parametrize("other", ["lora=False", "lora=WANTED"])
def test_a_job_without_an_adapter(other: str) -> None:
    assert read_python(edited(TOGETHER_CLIENT, ("lora=True", other))).runs == ()


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("v_proj", "v_porj", "LL202"),
        ("lora_r=16", "lora_r=16, lora_alpha=1", "LL104"),
        ("lora_r=16", "lora_r=0", "LL902"),
        ("learning_rate=1e-4", "learning_rate=1e-6", "LL501"),
    ],
)
def test_broken_jobs(old: str, new: str, code: str) -> None:
    assert code in codes(edited(TOGETHER_CLIENT, (old, new)), "train.py")


def test_preferences_of_together_ai() -> None:
    preferences = edited(TOGETHER_CLIENT, ("n_epochs=3", "training_method='dpo'"))
    assert only(read_python(preferences)).training.method == "preference"


def test_a_folder_is_searched_for_the_client(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(CLIENT, encoding="utf-8")
    assert [found.path.rpartition("/")[2] for found in Walk([str(tmp_path)])] == ["train.py"]


MLX_TUNE = """\
from mlx_tune import FastLanguageModel, SFTConfig, SFTTrainer

model, tokenizer = FastLanguageModel.from_pretrained("mlx-community/Llama-3.2-1B-Instruct-4bit", load_in_4bit=True)
model = FastLanguageModel.get_peft_model(model, r=8, target_modules=["q_proj", "v_proj"], lora_alpha=16)
SFTTrainer(model=model, tokenizer=tokenizer, train_dataset=rows, args=SFTConfig(learning_rate=2e-4)).train()
"""
SPEECH = """\
from mlx_tune import FastSTTModel, STTSFTTrainer

model, processor = FastSTTModel.from_pretrained("mlx-community/whisper-tiny-asr-fp16")
model = FastSTTModel.get_peft_model(model, r=8, lora_alpha=16, target_modules=["query", "key", "value", "out"])
STTSFTTrainer(model=model, processor=processor, train_dataset=rows).train()
"""
TRAINING_HUB = """\
from training_hub import lora_sft

lora_sft(
    model_path="Qwen/Qwen2.5-1.5B-Instruct",
    data_path="train.jsonl",
    ckpt_output_dir="out",
    lora_r=8,
    lora_alpha=16,
    target_modules=["q_proj", "v_proj"],
    learning_rate=2e-4,
    num_epochs=1,
)
"""


@pytest.mark.parametrize(
    ("program", "dialect", "model"),
    [
        (MLX_TUNE, "mlx_tune", "mlx-community/Llama-3.2-1B-Instruct-4bit"),
        (TRAINING_HUB, "training_hub", "Qwen/Qwen2.5-1.5B-Instruct"),
    ],
)
def test_programs(program: str, dialect: str, model: str) -> None:
    run = only(read_python(program))
    assert (run.dialect, plain(run.model.name), plain(run.training.learning_rate)) == (dialect, model, 2e-4)
    found = tuple(plain(value) for value in (run.adapter.rank, run.adapter.alpha, run.adapter.target_modules))
    assert found == (8, 16, ("q_proj", "v_proj"))
    assert codes(program, "train.py") == []


def test_a_speech_model_of_mlx_has_layers_of_its_own_names() -> None:
    assert plain(only(read_python(SPEECH)).adapter.target_modules) == ("query", "key", "value", "out")
    assert codes(SPEECH, "train.py") == []


@pytest.mark.parametrize(
    ("program", "part", "rank", "alpha"),
    [
        (MLX_TUNE, 'r=8, target_modules=["q_proj", "v_proj"], lora_alpha=16', 16, 16),
        (TRAINING_HUB, "    lora_r=8,\n    lora_alpha=16,\n", 16, 32),
    ],
)
def test_defaults_of_programs(program: str, part: str, rank: int, alpha: int) -> None:
    adapter = only(read_python(edited(program, (part, "")))).adapter
    assert (plain(adapter.rank), plain(adapter.alpha)) == (rank, alpha)


@pytest.mark.parametrize(
    ("program", "change", "code"),
    [
        (MLX_TUNE, ("lora_alpha=16", "lora_alpha=1"), "LL104"),
        (MLX_TUNE, ("v_proj", "v_porj"), "LL202"),
        (MLX_TUNE, ("2e-4", "1e-6"), "LL501"),
        (TRAINING_HUB, ("lora_alpha=16", "lora_alpha=0"), "LL105"),
        (TRAINING_HUB, ("v_proj", "v_porj"), "LL202"),
        (TRAINING_HUB, ("2e-4", "1e-6"), "LL501"),
    ],
)
def test_a_broken_program(program: str, change: tuple[str, str], code: str) -> None:
    assert codes(edited(program, change), "train.py") == [code]


def test_a_program_has_its_own_names() -> None:
    text = edited(TRAINING_HUB, ("lora_alpha=16", "lora_alpha=1"))
    (finding,) = engine.lint_text(text.encode(), "train.py", Settings()).findings
    assert finding.message.startswith("`lora_alpha=1` with `lora_r=8`")


def test_qlora_pipe() -> None:
    run = only(config(PIPE, "a.toml"))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (16, 16)
    assert plain(run.adapter.target_modules) == "all-linear"
    assert (plain(run.model.name), plain(run.model.quantization)) == ("mistralai/Mistral-7B-v0.1", "4bit")
    assert (plain(run.training.learning_rate), plain(run.training.accumulation)) == (1e-4, 8)
    assert (plain(run.model.dtype), plain(run.adapter.dtype)) == ("bfloat16", "float32")
    assert config(f"full_fine_tune = true\n{PIPE}", "a.toml").runs == ()


def test_settings_of_qlora_pipe_that_replace_others() -> None:
    text = f'force_constant_lr = 5e-5\nbatch_size_tokens = 5000\nlayers_to_transform = "0:2,28:29"\n{PIPE}'
    run = only(config(text, "a.toml"))
    assert plain(run.training.learning_rate) == 5e-5
    assert run.training.batch_size == Unknown("batches are filled with tokens")
    assert plain(run.adapter.layers_to_transform) == (0, 1, 2, 28, 29)
    odd = only(config(edited(text, ("0:2,28:29", "last two")), "a.toml"))
    assert isinstance(odd.adapter.layers_to_transform, Unknown)


@pytest.mark.parametrize(
    ("packed", "bits", "quantizer"),
    [
        ("[quantization.bnb]\nload_in_8bit = true", "8bit", None),
        ("[quantization.hqq]\nnbits = 8", "8bit", Quantizer.HQQ),
        ("[quantization.hqq]\ngroup_size = 64", "4bit", Quantizer.HQQ),
        ("[quantization.hqq]\nnbits = 3", Unknown("its bits are of no usual number"), Quantizer.HQQ),
        ("", None, None),
    ],
)
def test_packed_bases_of_qlora_pipe(packed: str, bits: str | Unknown | None, quantizer: Quantizer | None) -> None:
    bnb = '[quantization.bnb]\nload_in_4bit = true\nbnb_4bit_compute_dtype = "bfloat16"'
    run = only(config(edited(PIPE, (bnb, packed)), "a.toml"))
    found = run.model.quantization
    assert (found.value if isinstance(found, Known) else found) == bits
    assert (plain(run.launch.quantizer) if isinstance(run.launch.quantizer, Known) else None) == quantizer


@pytest.mark.parametrize(("method", "expected"), [("dpo", "preference"), ("kto", "unknown")])
def test_qlora_pipe_by_preferences(method: str, expected: str) -> None:
    run = only(config(f'{PIPE}\n[rl]\nmethod = "{method}"\ndpo_beta = 0.1\n', "a.toml"))
    assert run.training.method == expected


def test_qlora_pipe_lite() -> None:
    run = only(config(LITE, "a.toml"))
    assert (plain(run.adapter.rank), plain(run.adapter.alpha)) == (32, 32)
    assert plain(run.adapter.target_modules) == ("q_proj", "k_proj", "v_proj", "o_proj")
    assert plain(run.adapter.layers_to_transform) == (*range(4, 24), 26)
    assert (plain(run.model.name), plain(run.model.quantization)) == ("Qwen/Qwen2.5-7B", "4bit")
    assert (plain(run.training.learning_rate), plain(run.training.accumulation)) == (1e-4, 16)
    for other in ("full_fine_tune", "use_control_adapters"):
        assert config(f"{other} = true\n{LITE}", "a.toml").runs == ()


@pytest.mark.parametrize(
    ("text", "old", "new", "code"),
    [
        (LITE, '"v_proj", ', '"v_porj", ', "LL202"),
        (LITE, "lr = 1e-4", "lr = 1e-6", "LL501"),
        (LITE, "lora_rank = 32", "lora_rank = 32\nlora_alpha = 64", "LL905"),
        (LITE, "sequence_len = 8192", "sequence_len = 5000", "LL904"),
        (LITE, '"float32"', '"bfloat16"', "LL904"),
        (LITE, 'target_modules = ["q_proj", "k_proj", "v_proj", "o_proj"]', "target_modules = []", "LL904"),
        (LITE, "lr = 1e-4\n", "", "LL904"),
        (LITE, "pipeline_stages = 2", 'pipeline_stages = 2\npartition_method = "memory"', "LL904"),
        (PIPE, "activation_checkpointing = true\n", "", "LL904"),
        (PIPE, "lora_alpha = 16\n", "", "LL904"),
        (PIPE, 'lr_scheduler = "cosine"', 'lr_scheduler = "linear"', "LL904"),
        (PIPE, '"adamw_kahan"', '"lion"', "LL904"),
        (PIPE, "activation_checkpointing = true", "activation_checkpointing = false\noffload_mlp_to_cpu = 4", "LL904"),
        (PIPE, "save_steps = 200", "save_steps = 200\nfocal_loss_gamma = 2", "LL904"),
        (PIPE, "save_steps = 200", "save_steps = 200\nload_in_4bit = true", "LL905"),
        (PIPE, "save_steps = 200", "save_steps = 200\nfull_fine_tune = true", "LL904"),
        (PIPE, "save_steps = 200", "save_steps = 200\nrejected_sampling = true", "LL904"),
        (PIPE, "save_steps = 200", "save_steps = 200\nlayers_to_transform = [0, 1]", "LL904"),
        (PIPE, "[quantization.bnb]\nload_in_4bit", "[quantization]\nload_in_4bit", "LL904"),
        (PIPE, '"textfile"', '"text"', "LL904"),
        (PIPE, "weight_decay = 0.01", "weight_decay = 0.01\nwarmup_steps = 20", "LL905"),
    ],
)
def test_what_the_pipes_refuse_or_ignore(text: str, old: str, new: str, code: str) -> None:
    assert codes(edited(text, (old, new)), "a.toml") == [code]


def test_a_key_below_the_wrong_header_is_not_missing_as_well() -> None:
    text = edited(PIPE, ("epochs = 2\n", ""), ("weight_decay = 0.01", "weight_decay = 0.01\nepochs = 2"))
    assert codes(text, "a.toml") == ["LL905"]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("lora_dropout = 0.05", 'target_modules = ["query_key_value"]', "LL201"),
        ("lora_alpha = 16", "lora_alpha = 0", "LL105"),
        ("lora_alpha = 16", "lora_alpha = 2048", "LL104"),
        ("lr = 1e-4", "lr = 1e-6", "LL501"),
    ],
)
def test_broken_files_of_qlora_pipe(old: str, new: str, code: str) -> None:
    assert code in codes(edited(PIPE, (old, new)), "a.toml")


@pytest.mark.parametrize(
    ("model", "type_", "found"),
    [
        ("openbmb/MiniCPM-V-2_6", "qwen", []),
        ("openbmb/MiniCPM-V-2_6", "minicpm", ["LL904"]),
        ("openbmb/MiniCPM-V-2_6", "qwen2", ["LL905"]),
        ("openbmb/MiniCPM-Llama3-V-2_5", "qwen", ["LL904"]),
        ("openbmb/MiniCPM-V-4", "llama3", []),
        ("openbmb/MiniCPM-V-2", "minicpm", []),
        ("$MODEL", "minicpm", []),
    ],
)
def test_types_of_minicpm(model: str, type_: str, found: list[str]) -> None:
    text = MINICPM.replace("openbmb/MiniCPM-V-2_6", model).replace("--llm_type qwen", f"--llm_type {type_}")
    assert codes(text) == found


def test_another_finetune_script_is_none_of_minicpms() -> None:
    (run,) = shell(MINICPM.replace("--llm_type qwen", "").replace("finetune.py", "own/finetune.py"))
    assert run.dialect != "minicpm_v_finetune"


@pytest.mark.parametrize(("liger", "told"), [("True", True), ("False", False)])
def test_liger_for_qwen3(liger: str, told: bool) -> None:
    text = QWEN_SERIES.replace("Qwen2.5-VL-7B", "Qwen3-VL-8B").replace(
        "--lora_enable", f"--use_liger {liger} --lora_enable"
    )
    assert ("LL904" in codes(text)) is told
