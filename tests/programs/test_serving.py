"""Adapters that are served: what the servers refuse, and where the project trains them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lora_lint.knowledge.servers import COMMANDS, SERVERS
from lora_lint.linting import engine
from lora_lint.programs import serving
from lora_lint.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from lora_lint.finding import Finding

BASE = "Qwen/Qwen2.5-7B"
PROGRAM = f"""\
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

model = AutoModelForCausalLM.from_pretrained("{BASE}")
model = get_peft_model(model, LoraConfig(r=64, lora_alpha=64, target_modules=["q_proj", "v_proj"]%s))
Trainer(model=model, args=TrainingArguments("out/run", learning_rate=2e-4)).train()
model.save_pretrained("out/adapter")
"""
SERVE = f"vllm serve {BASE} --enable-lora --lora-modules a=out/adapter"


def findings(folder: Path, *codes: str) -> list[Finding]:
    return list(engine.lint([folder.as_posix()], Settings(select=codes or ("LL602", "LL707")), jobs=1).findings)


def saved(folder: Path, **config: Any) -> None:
    """An adapter in `out/adapter`."""
    adapter = folder / "out" / "adapter"
    adapter.mkdir(parents=True)
    usual = {
        "peft_type": "LORA",
        "r": 8,
        "lora_alpha": 16,
        "target_modules": ["q_proj"],
        "base_model_name_or_path": BASE,
    }
    (adapter / "adapter_config.json").write_text(json.dumps(usual | config))


SERVING = {
    "serve.sh": SERVE + "\n",
    "Makefile": f"serve:\n\t{SERVE}\n",
    "Dockerfile": f"FROM vllm/vllm-openai\nCMD {json.dumps(SERVE.split())}\n",
    "serve.yaml": f"num_nodes: 1\nrun: |\n  {SERVE}\n",
    "serve.ipynb": json.dumps({"cells": [{"cell_type": "code", "source": f"!{SERVE}"}], "metadata": {}, "nbformat": 4}),
    "serve.py": f"from vllm import LLM\nfrom vllm.lora.request import LoRARequest\n\nllm = LLM(model='{BASE}', "
    "enable_lora=True)\nllm.generate('x', lora_request=LoRARequest('a', 1, 'out/adapter'))\n",
}


@pytest.mark.parametrize("name", SERVING)
def test_what_a_program_trains_is_served_elsewhere(tmp_path: Path, name: str) -> None:
    (tmp_path / "train.py").write_text(PROGRAM % "")
    (tmp_path / name).write_text(SERVING[name])
    (found,) = findings(tmp_path)
    assert (found.code, found.span.path.rpartition("/")[2]) == ("LL602", name)
    assert "`r=64` is above `--max-lora-rank`, 16" in found.message
    assert [each.span.path.rpartition("/")[2] for each in found.related] == ["train.py"]


@pytest.mark.parametrize("name", SERVING)
def test_a_rank_that_is_accepted(tmp_path: Path, name: str) -> None:
    (tmp_path / "train.py").write_text((PROGRAM % "").replace("r=64", "r=16"))
    (tmp_path / name).write_text(SERVING[name])
    assert not findings(tmp_path)
    (tmp_path / "train.py").write_text(PROGRAM % "")
    higher = SERVING[name].replace("--enable-lora", "--enable-lora --max-lora-rank 64")
    (tmp_path / name).write_text(higher.replace("enable_lora=True", "enable_lora=True, max_lora_rank=64"))
    if name != "Dockerfile":
        assert not findings(tmp_path)


@pytest.mark.parametrize(
    ("trains", "text"),
    [
        ("train.sh", "python train.py --r 64\n"),
        ("Makefile", "train:\n\tpython train.py --r 64\n"),
        ("train.yaml", f"finetuning_type: lora\nstage: sft\ndo_train: true\ndataset: x\ntemplate: qwen\nlora_rank: 64\n"
         f"lora_target: all\nmodel_name_or_path: {BASE}\noutput_dir: out/adapter\n"),
        ("train.sh", f"llamafactory-cli train --stage sft --do_train true --finetuning_type lora --lora_rank 64 "
         f"--model_name_or_path {BASE} --dataset x --template qwen --output_dir ./out/adapter\n"),
    ],
)  # fmt: skip
def test_what_commands_and_configs_train(tmp_path: Path, trains: str, text: str) -> None:
    asks = "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('--r', type=int, default=8)\n"
    (tmp_path / "train.py").write_text(asks + (PROGRAM % "").replace("r=64", "r=parser.parse_args().r"))
    (tmp_path / trains).write_text(text)
    (tmp_path / "serve.sh").write_text(SERVE + "\n")
    assert [(each.code, each.span.path.rpartition("/")[2]) for each in findings(tmp_path)] == [("LL602", "serve.sh")]


@pytest.mark.parametrize(
    ("command", "config", "expected"),
    [
        (SERVE, {"use_dora": True}, "refuses"),
        (SERVE, {"modules_to_save": ["lm_head"]}, "refuses"),
        (SERVE, {"modules_to_save": ["score"]}, None),
        (SERVE, {"trainable_token_indices": [7, 8]}, "refuses"),
        (SERVE, {"trainable_token_indices": None}, None),
        (SERVE, {"use_rslora": True}, None),
        (
            f'vllm serve {BASE} --enable-lora --lora-modules \'{{"name": "a", "path": "out/adapter"}}\'',
            {"r": 32},
            "refuses",
        ),
        ("vllm serve out/adapter", {}, "takes the base model"),
        ("python -m vllm.entrypoints.openai.api_server --model out/adapter", {}, "takes the base model"),
        (
            f"python -m sglang.launch_server --model-path {BASE} --lora-paths a=out/adapter",
            {"use_dora": True},
            "refuses",
        ),
        (
            f"python -m sglang.launch_server --model-path {BASE} --lora-paths out/adapter",
            {"use_rslora": True},
            "without",
        ),
        (f"sglang serve --model-path {BASE} --max-lora-rank 8 --lora-paths out/adapter", {"r": 16}, "refuses"),
        (f"python -m sglang.launch_server --model-path {BASE} --lora-paths a=out/adapter", {"r": 64}, None),
        (f"text-generation-launcher --model-id {BASE} --lora-adapters a=out/adapter", {"use_dora": True}, "without"),
        (f"text-generation-launcher --model-id {BASE} --lora-adapters b=x/y,out/adapter", {"bias": "all"}, "without"),
        (
            f"text-generation-launcher --model-id {BASE} --lora-adapters out/adapter",
            {"r": 64, "use_rslora": True},
            None,
        ),
        ("text-generation-launcher --model-id out/adapter", {"use_dora": True}, None),
        (f"lorax-launcher --model-id {BASE} --adapter-id out/adapter", {"modules_to_save": ["score"]}, "without"),
        (f"lorax-launcher --model-id {BASE} --adapter-id out/adapter", {"r": 64}, None),
        (f"swift infer --model {BASE} --adapters out/adapter --infer_backend vllm", {"r": 32}, "refuses"),
        (f"swift deploy --model {BASE} --adapters a=out/adapter --infer_backend vllm", {"use_dora": True}, "refuses"),
        (f"swift infer --model {BASE} --adapters out/adapter", {"r": 32}, None),
        (f"swift infer --model {BASE} --adapters out/adapter --infer_backend vllm --merge_lora true", {"r": 32}, None),
        (
            f"swift infer --model {BASE} --adapters out/adapter --infer_backend vllm --vllm_max_lora_rank 32",
            {"r": 32},
            None,
        ),
        ("python convert_lora_to_gguf.py out/adapter", {"use_dora": True}, "refuses"),
        ("python convert_lora_to_gguf.py --outtype f16 out/adapter", {"use_rslora": True}, "without"),
        ("python convert_lora_to_gguf.py out/adapter --outfile a.gguf", {"use_dora": True}, "refuses"),
        ("python convert_lora_to_gguf.py --no-lazy out/adapter --base m", {"modules_to_save": ["lm_head"]}, "refuses"),
        ("trtllm-build --checkpoint_dir c --lora_plugin auto --lora_dir out/adapter", {"r": 128}, "refuses"),
        ("trtllm-build --lora_dir out/adapter --max_lora_rank 128", {"r": 128, "use_dora": True}, None),
        ("trtllm-build --lora_dir out/adapter", {"r": 8, "alpha_pattern": {"q_proj": 4}}, "without"),
        ("python convert_lora_to_gguf.py out/adapter", {"r": 64, "rank_pattern": {"q_proj": 8}}, None),
        ("mlx_lm.generate --model m --adapter-path out/adapter", {}, "does not load"),
        ("python -m mlx_lm.fuse --model m --adapter-path out/adapter", {}, "does not load"),
        ("mlx_lm.lora --train --model m --adapter-path out/adapter --data d", {}, None),
    ],
)
def test_servers(tmp_path: Path, command: str, config: dict[str, Any], expected: str | None) -> None:
    saved(tmp_path, **config)
    (tmp_path / "serve.sh").write_text(command + "\n")
    found = [each for each in findings(tmp_path, "LL602") if each.span.path.endswith("serve.sh")]
    assert [expected in each.message for each in found if expected] == [True] * (expected is not None)
    assert bool(found) is (expected is not None)


LLAMA = "meta-llama/Llama-3.1-8B"
GEMMA = "google/gemma-2-9b-it"


@pytest.mark.parametrize(
    ("modelfile", "config", "codes"),
    [
        (f"FROM {LLAMA}\nADAPTER ./out/adapter\n", {}, []),
        ("FROM llama3.1:8b\nADAPTER out/adapter\n", {}, []),
        (f"FROM hf.co/{LLAMA}-GGUF:Q4_K_M\nADAPTER out/adapter\n", {}, []),
        ("FROM ./base.gguf\nADAPTER out/adapter\n", {}, []),
        ("FROM gemma2:9b\nADAPTER out/adapter\n", {"base_model_name_or_path": GEMMA}, []),
        ("FROM mistral\nADAPTER out/adapter\n", {"base_model_name_or_path": "mistralai/Mistral-7B-v0.1"}, []),
        ("FROM ./base.gguf\nADAPTER out/adapter\n", {"base_model_name_or_path": "./mine"}, []),
        ("FROM ./base.gguf\nADAPTER out/adapter.gguf\n", {"base_model_name_or_path": BASE}, []),
        ("FROM meta-llama/Llama-3.2-1B\nADAPTER out/adapter\n", {}, ["LL707"]),
        ("# mine\nFROM llama3.1\nadapter out/adapter\nPARAMETER temperature 1\n", {"use_rslora": True}, ["LL602"]),
        ("FROM llama3.1\nADAPTER out/adapter\n", {"use_dora": True}, ["LL602"]),
        ("FROM llama3.1\nADAPTER elsewhere/adapter\n", {"use_dora": True}, []),
        ("FROM qwen2.5:7b\nADAPTER out/adapter\n", {"base_model_name_or_path": BASE}, ["LL602"]),
        ("FROM granite3.2\nADAPTER /home/me/out/frame.safetensors\n", {}, ["LL602"]),
        ("FROM llama3.1\nADAPTER C:\\me\\out\\adapter_model.safetensors\n", {}, ["LL602"]),
        ("FROM llama3.1\nADAPTER out/adapter/adapter_model.safetensors\n", {}, ["LL602"]),
    ],
)
@pytest.mark.parametrize("name", ["Modelfile", "modelfile", "support.modelfile"])
def test_modelfiles(tmp_path: Path, name: str, modelfile: str, config: dict[str, Any], codes: list[str]) -> None:
    saved(tmp_path, **{"base_model_name_or_path": LLAMA, **config})
    (tmp_path / name).write_text(modelfile)
    assert [each.code for each in findings(tmp_path) if each.span.path.endswith(name)] == codes


REGEX = r"model\.layers\.\d+\.self_attn\.[qkv]_proj"


@pytest.mark.parametrize(
    ("targets", "command", "refused"),
    [
        (REGEX, "python -m sglang.launch_server --model-path x --lora-paths a=out/adapter", True),
        (REGEX, f"sglang serve --model-path {BASE} --lora-paths out/adapter --lora-target-modules all", True),
        (["q_proj"], "python -m sglang.launch_server --model-path x --lora-paths a=out/adapter", False),
        ("all-linear", "python -m sglang.launch_server --model-path x --lora-paths a=out/adapter", False),
        (REGEX, SERVE, False),
    ],
)
def test_targets_of_served_adapters(tmp_path: Path, targets: Any, command: str, refused: bool) -> None:
    saved(tmp_path, target_modules=targets)
    (tmp_path / "serve.sh").write_text(command + "\n")
    found = [each.message for each in findings(tmp_path, "LL602") if each.span.path.endswith("serve.sh")]
    assert ["is a regular expression" in message for message in found] == [True] * refused


@pytest.mark.parametrize(
    ("served", "trained", "codes"),
    [
        ("Qwen/Qwen2.5-7B", "Qwen/Qwen2.5-7B", []),
        ("Qwen/Qwen2.5-7B", "unsloth/Qwen2.5-7B-unsloth-bnb-4bit", []),
        ("Qwen/Qwen2.5-7B-AWQ", "Qwen/Qwen2.5-7B", []),
        ("/models/Qwen2.5-7B", "Qwen/Qwen2.5-7B", []),
        ("models/base", "Qwen/Qwen2.5-7B", []),
        ("Qwen/Qwen2.5-7B-Instruct", "Qwen/Qwen2.5-7B", ["LL707"]),
        ("Qwen/Qwen2.5-7B-Instruct", "/ckpt/Qwen2.5-7B-sft-v3", ["LL707"]),
        ("Qwen/Qwen2.5-7B-Instruct", "/ckpt/Qwen2.5-7B", []),
        ("mine/Qwen2.5-7B-sft", "/ckpt/Qwen2.5-7B-sft-v3", []),
    ],
)
def test_the_base_below_a_served_adapter(tmp_path: Path, served: str, trained: str, codes: list[str]) -> None:
    (tmp_path / "train.py").write_text((PROGRAM % "").replace("r=64", "r=8").replace(BASE, trained))
    (tmp_path / "serve.sh").write_text(SERVE.replace(BASE, served) + "\n")
    assert [each.code for each in findings(tmp_path)] == codes


@pytest.mark.parametrize(
    ("own", "codes"),
    [
        ("/home/me/qwen2.5-7b-base", []),
        ("/home/me/Qwen2.5-7B-Instruct", []),
        ("/home/me/qwen2.5-3b-base", ["LL707"]),
        ("Qwen/Qwen2.5-7B", ["LL707"]),
        ("Qwen/Qwen2.5-7B-Instruct", []),
    ],
)
def test_a_folder_may_hold_any_variant_of_the_model(tmp_path: Path, own: str, codes: list[str]) -> None:
    """People name the folder that they download a model to."""
    saved(tmp_path, base_model_name_or_path=own)
    (tmp_path / "chat.py").write_text(
        "from peft import PeftModel\nfrom transformers import AutoModelForCausalLM\n"
        "model = AutoModelForCausalLM.from_pretrained('Qwen/Qwen2.5-7B-Instruct')\n"
        "model = PeftModel.from_pretrained(model, 'out/adapter')\nmodel.merge_and_unload().save_pretrained('m')\n"
    )
    assert [each.code for each in findings(tmp_path, "LL707")] == codes


@pytest.mark.parametrize(("base", "codes"), [(BASE, []), ("Qwen/Qwen2.5-7B-Instruct", ["LL707"])])
def test_an_export_of_what_another_config_trains(tmp_path: Path, base: str, codes: list[str]) -> None:
    train = (
        f"finetuning_type: lora\nstage: sft\ndo_train: true\ndataset: x\ntemplate: qwen\nmodel_name_or_path: {BASE}\n"
    )
    (tmp_path / "train.yaml").write_text(train + "lora_rank: 8\noutput_dir: out/adapter\n")
    merge = (
        f"model_name_or_path: {base}\nadapter_name_or_path: out/adapter\nfinetuning_type: lora\nexport_dir: merged\n"
    )
    (tmp_path / "merge.yaml").write_text(merge)
    assert [each.code for each in findings(tmp_path)] == codes
    (tmp_path / "train.yaml").unlink()
    assert not findings(tmp_path)


@pytest.mark.parametrize(("base", "codes"), [(BASE, []), ("Qwen/Qwen2.5-7B-Instruct", ["LL707"])])
@pytest.mark.parametrize("uses", ["merge.yaml", "chat.yaml", "merge.py"])
def test_a_saved_adapter_on_another_base(tmp_path: Path, uses: str, base: str, codes: list[str]) -> None:
    saved(tmp_path)
    files = f"model_name_or_path: {base}\nadapter_name_or_path: out/adapter\ntemplate: qwen\n"
    programs = {
        "merge.yaml": files + "export_dir: merged\n",
        "chat.yaml": files + "infer_backend: huggingface\n",
        "merge.py": "from peft import PeftModel\nfrom transformers import AutoModelForCausalLM\n"
        f"model = AutoModelForCausalLM.from_pretrained('{base}')\n"
        "model = PeftModel.from_pretrained(model, 'out/adapter')\n"
        "model.merge_and_unload().save_pretrained('merged')\n",
    }
    (tmp_path / uses).write_text(programs[uses])
    assert [each.code for each in findings(tmp_path)] == codes


def test_each_server_says_where_its_limits_are_from() -> None:
    for server in SERVERS:
        assert server.version and server.source, server.title
        assert server.refuses or server.loses or server.own_format or server.adapter_option, server.title


TRAINED = (
    "swift sft --model Qwen/Qwen2.5-7B --tuner_type lora --lora_rank 32 --lora_alpha 32 --dataset d --output_dir runs\n"
)


@pytest.mark.parametrize(
    ("command", "codes"),
    [
        ("swift infer --model Qwen/Qwen2.5-7B --adapters runs/v0-20260312-190115/checkpoint-90 {}", ["LL602"]),
        ("swift infer --model Qwen/Qwen2.5-7B --adapters runs/checkpoint-90 {}", ["LL602"]),
        ("swift infer --model Qwen/Qwen2.5-7B --adapters others/checkpoint-90 {}", []),
        ("swift infer --model Qwen/Qwen2.5-7B --adapters runs/v0-20260312-190115/checkpoint-90", []),
        ("swift export --model runs/v0-20260312-190115/checkpoint-90 --merge_lora true", ["LL602"]),
        ("swift infer --model runs/v0-20260312-190115/checkpoint-90-merged {}", []),
    ],
)
@pytest.mark.parametrize("apart", [False, True])
def test_checkpoints_of_a_training(tmp_path: Path, command: str, codes: list[str], apart: bool) -> None:
    uses = command.format("--infer_backend vllm") + "\n"
    (tmp_path / "train.sh").write_text(TRAINED + ("" if apart else uses))
    if apart:
        (tmp_path / "use.sh").write_text(uses)
    assert [each.code for each in findings(tmp_path)] == codes


@pytest.mark.parametrize(
    ("model", "codes"),
    [
        ("Qwen/Qwen2.5-7B-Instruct-AWQ --merge_lora true", ["LL601"]),
        ("Qwen/Qwen2.5-7B-Instruct-GPTQ-Int4 --merge_lora true", ["LL601"]),
        ("Qwen/Qwen2.5-7B-Instruct --merge_lora true --quant_method awq --quant_bits 4", []),
        ("Qwen/Qwen2.5-7B-Instruct-AWQ --push_to_hub true", []),
    ],
)
def test_an_export_of_ms_swift(tmp_path: Path, model: str, codes: list[str]) -> None:
    (tmp_path / "merge.sh").write_text(f"swift export --adapters out/checkpoint-9 --model {model}\n")
    assert [each.code for each in findings(tmp_path, "LL601")] == codes


@pytest.mark.parametrize(
    ("tag", "base", "codes"),
    [
        ("llama3.2:1b", "meta-llama/Llama-3.1-8B-Instruct", ["LL707"]),
        ("llama3.2", "meta-llama/Llama-3.1-8B-Instruct", ["LL707"]),
        ("llama3.1:70b", "unsloth/Meta-Llama-3.1-8B-bnb-4bit", ["LL707"]),
        ("mistral", "meta-llama/Llama-2-7b-hf", ["LL707"]),
        ("llama3.1", "unsloth/Meta-Llama-3.1-8B-bnb-4bit", []),
        ("llama3.2:1b-instruct-q4_0", "meta-llama/Llama-3.2-1B", []),
        ("mistral:7b", "mistralai/Mistral-7B-Instruct-v0.3", []),
        ("gemma2:9b", "google/gemma-2-9b-it", []),
        ("mixtral:8x7b", "mistralai/Mixtral-8x7B-v0.1", []),
        ("mine", "meta-llama/Llama-3.2-1B", []),
        ("./llama.gguf", "meta-llama/Llama-3.2-1B", []),
    ],
)
def test_a_tag_of_a_library(tmp_path: Path, tag: str, base: str, codes: list[str]) -> None:
    saved(tmp_path, base_model_name_or_path=base)
    (tmp_path / "Modelfile").write_text(f"FROM {tag}\nADAPTER ./out/adapter\n")
    assert [each.code for each in findings(tmp_path)] == codes


@pytest.mark.parametrize(
    ("options", "codes"),
    [
        ("", ["LL602"]),
        ("--vllm_config '{\"max_lora_rank\": 64}'", []),
        ("--vllm_config '{\"max_model_len\": 4096}'", ["LL602"]),
        ("--vllm_config $CONFIG", []),
    ],
)
def test_inference_by_a_script(tmp_path: Path, options: str, codes: list[str]) -> None:
    """LLaMA-Factory 0.9.5, scripts/vllm_infer.py."""
    saved(tmp_path, r=32)
    command = f"python scripts/vllm_infer.py --model_name_or_path {BASE} --adapter_name_or_path out/adapter --dataset d"
    (tmp_path / "infer.sh").write_text(f"{command} {options}\n")
    assert [each.code for each in findings(tmp_path)] == codes


@pytest.mark.parametrize(
    ("targets", "option", "base", "found"),
    [
        (["q_proj", "qkv"], "", "Qwen/Qwen2.5-VL-3B-Instruct", True),
        ("all-linear", "", "Qwen/Qwen2.5-VL-3B-Instruct", True),
        ("all-linear", "--enable-tower-connector-lora", "Qwen/Qwen2.5-VL-3B-Instruct", False),
        ("all-linear", "$MORE", "Qwen/Qwen2.5-VL-3B-Instruct", True),
        (["q_proj", "v_proj"], "", "Qwen/Qwen2.5-VL-3B-Instruct", False),
        ("all-linear", "", "Qwen/Qwen2.5-3B-Instruct", False),
        ("all-linear", "", "me/own-vlm", False),
    ],
)
def test_vision_towers_that_vllm_does_not_adapt(
    tmp_path: Path, targets: Any, option: str, base: str, found: bool
) -> None:
    (tmp_path / "train.py").write_text(
        "from peft import LoraConfig\nfrom trl import SFTConfig, SFTTrainer\n"
        f"lora = LoraConfig(r=8, lora_alpha=16, target_modules={targets!r})\n"
        "args = SFTConfig('outputs/vlm', learning_rate=2e-4)\n"
        f"SFTTrainer(model='{base}', args=args, train_dataset=data, peft_config=lora).train()\n"
    )
    (tmp_path / "serve.sh").write_text(f"vllm serve {base} --enable-lora --lora-modules vlm=outputs/vlm {option}\n")
    assert bool(findings(tmp_path, "LL602")) is found


@pytest.mark.parametrize(("keyword", "found"), [("", True), (", enable_tower_connector_lora=True", False)])
def test_vision_towers_in_a_program(tmp_path: Path, keyword: str, found: bool) -> None:
    saved(tmp_path, base_model_name_or_path="Qwen/Qwen2.5-VL-3B-Instruct", target_modules=["q_proj", "qkv"])
    (tmp_path / "ask.py").write_text(
        "from vllm import LLM\nfrom vllm.lora.request import LoRARequest\n"
        f"llm = LLM(model='Qwen/Qwen2.5-VL-3B-Instruct', enable_lora=True{keyword})\n"
        "llm.generate('a', lora_request=LoRARequest('a', 1, 'out/adapter'))\n"
    )
    assert any(each.span.path.endswith("ask.py") for each in findings(tmp_path, "LL602")) is found


@pytest.mark.parametrize(
    ("options", "unknown"),
    [
        ("--lora-path out/adapter", ["--lora-path"]),
        ("--lora-modules a=out/adapter --max-lora-ranks 32", ["--max-lora-ranks"]),
        ("--lora-modules a=out/adapter --max_lora_rank 32 --fully-sharded-loras", []),
        ("--lora-mod a=out/adapter --no-enable-lora --default-mm-loras.image out/adapter", []),
        ("--lora-modules a=out/adapter --lora-extra-vocab-size 256", ["--lora-extra-vocab-size"]),
        ("--served-model-name lora-a", []),
    ],
)
def test_options_that_vllm_lacks(tmp_path: Path, options: str, unknown: list[str]) -> None:
    (tmp_path / "serve.sh").write_text(f"vllm serve {BASE} --enable-lora {options}\n")
    found = findings(tmp_path, "LL901")
    assert [each.message.split("`")[1] for each in found] == unknown


@pytest.mark.parametrize(
    ("adapters", "wrong"),
    [
        ("""'["a='$OUT'/adapter"]'""", True),
        ("""'[{"name": "a", "path": "out/adapter"}]'""", True),
        ("""'{"name": "a", "path": "out/adapter"}'""", False),
        ("a=$OUT/adapter b=$OUT/other", False),
    ],
)
def test_adapters_in_brackets(tmp_path: Path, adapters: str, wrong: bool) -> None:
    (tmp_path / "serve.sh").write_text(f"OUT=out\nvllm serve {BASE} --enable-lora --lora-modules {adapters} --port 1\n")
    assert len(findings(tmp_path, "LL902")) == wrong


_OLD_SERVICE = (
    "services:\n  llm:\n    image: vllm/vllm-openai:{}\n"
    f"    command: --model {BASE} --qlora-adapter-name-or-path /adapters/a\n"
)
_OLD_OPTION = f"vllm serve {BASE} --qlora-adapter-name-or-path out/adapter\n"


@pytest.mark.parametrize(
    ("name", "text", "beside", "levels"),
    [
        ("serve.sh", _OLD_OPTION, "", ["advice"]),
        ("serve.sh", _OLD_OPTION, "vllm==0.9.2", []),
        ("serve.sh", _OLD_OPTION, "vllm>=0.8", ["advice"]),
        ("serve.sh", _OLD_OPTION, "vllm==0.10.0", ["warning"]),
        ("serve.sh", f"pip install vllm==0.8.5\n{_OLD_OPTION}", "", []),
        ("serve.sh", f"docker run vllm/vllm-openai:v0.8.5 --model {BASE} --qlora-adapter-name-or-path a\n", "", []),
        ("compose.yaml", _OLD_SERVICE.format("latest"), "", ["advice"]),
        ("compose.yaml", _OLD_SERVICE.format("v0.9.2"), "", []),
        ("ask.py", f"from vllm import LLM\nLLM('{BASE}', enable_lora=True, enable_lora_bias=True)\n", "", ["advice"]),
        ("ask.py", f"from vllm import LLM\nLLM('{BASE}', enable_lora=True, enable_lora_bias=True)\n", "vllm<0.11", []),
    ],
)
def test_options_that_newer_releases_of_vllm_lack(
    tmp_path: Path, name: str, text: str, beside: str, levels: list[str]
) -> None:
    (tmp_path / name).write_text(text)
    (tmp_path / "requirements.txt").write_text(f"{beside}\n")
    assert [each.level for each in findings(tmp_path, "LL901")] == levels


def test_every_command_of_a_server_is_known_to_the_commands_that_run_others() -> None:
    assert {name.partition(" ")[::2] for kind, name in serving._READERS if kind == "command"} == COMMANDS


@pytest.mark.parametrize(
    ("before", "seen"),
    [
        ("nohup ", True),
        ("env CUDA_VISIBLE_DEVICES=0 ", True),
        ("docker run --gpus all mine/server ", True),
        ("docker exec vllm echo ", False),
    ],
)
def test_a_server_behind_another_command(tmp_path: Path, before: str, seen: bool) -> None:
    saved(tmp_path, use_dora=True)
    (tmp_path / "serve.sh").write_text(before + (SERVE if seen else SERVE.replace("vllm serve", "")) + "\n")
    assert bool(findings(tmp_path, "LL602")) is seen
    program = f"import subprocess\nsubprocess.Popen('{before}{SERVE} > log.txt 2>&1 &', shell=True)\n"
    (tmp_path / "serve.sh").unlink()
    (tmp_path / "serve.py").write_text(program if seen else "")
    assert bool(findings(tmp_path, "LL602")) is seen


SERVICE = "services:\n  llm:\n    image: {image}\n{volumes}    {words}\n"
POD = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - name: llm\n      image: vllm/vllm-openai\n      {words}\n"
WORDS = f"--model {BASE} --enable-lora --lora-modules a=out/adapter"


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("serve.sh", f"docker run --gpus all -p 80:80 vllm/vllm-openai:v0.11.0 {WORDS}\n", True),
        ("serve.sh", f"docker run vllm/vllm-openai {WORDS} --max-lora-rank 64\n", False),
        ("serve.sh", f"podman run --entrypoint vllm docker.io/vllm/vllm-openai serve {WORDS}\n", True),
        ("serve.sh", f"docker run -v $PWD/out:/a vllm/vllm-openai {WORDS.replace('out/', '/a/')}\n", True),
        ("serve.sh", f"docker run -v ./out:/a:ro vllm/vllm-openai {WORDS.replace('out/', '/a/')}\n", True),
        ("serve.sh", f"docker run -v out:/a vllm/vllm-openai {WORDS.replace('out/', '/a/')}\n", False),
        ("serve.sh", f"docker run -v /srv:/a vllm/vllm-openai {WORDS.replace('out/', '/a/')}\n", False),
        ("serve.sh", f"docker run mine/vllm-openai {WORDS}\n", False),
        ("compose.yaml", SERVICE.format(image="vllm/vllm-openai", volumes="", words=f"command: {WORDS}"), True),
        ("compose.yaml", SERVICE.format(image="ghcr.io/vllm/vllm-openai:v1", volumes="    volumes: ['./out:/a']\n",
                                        words=f"command: {json.dumps(WORDS.replace('out/', '/a/').split())}"), True),
        ("compose.yaml", SERVICE.format(image="vllm/vllm-openai", volumes="    volumes: ['out:/a']\n",
                                        words=f"command: {WORDS.replace('out/', '/a/')}"), False),
        ("compose.yaml", SERVICE.format(image="mine", volumes="", words=f"entrypoint: {SERVE}"), True),
        ("compose.yaml", SERVICE.format(image="mine", volumes="", words=f'command: bash -c "cd /x && {SERVE}"'), True),
        ("compose.yaml", SERVICE.format(image="mine", volumes="", words=f"labels: {WORDS}"), False),
        ("pod.yaml", POD.format(words=f"args: {json.dumps(WORDS.split())}"), True),
        ("pod.yaml", POD.format(words=f"args: {json.dumps([*WORDS.split(), '--max-lora-rank=64'])}"), False),
        ("pod.yaml", POD.format(words=f"command: {json.dumps(SERVE.split())}"), True),
        ("pod.yaml", POD.format(words=f"command: [sh, -c]\n      args:\n        - |\n          {SERVE}"), True),
        ("pod.yaml", POD.format(words=f"env: [{{name: M, value: {BASE}}}]\n      command: [bash, -ec, "
                                f"{json.dumps(SERVE.replace(BASE, '$M'))}]"), True),
        ("pod.yaml", POD.format(words=f"command: [sh, -c, 'echo {WORDS}']"), False),
    ],
)  # fmt: skip
def test_servers_in_containers(tmp_path: Path, name: str, text: str, found: bool) -> None:
    (tmp_path / "train.py").write_text(PROGRAM % "")
    (tmp_path / name).write_text(text)
    assert [each.span.path.rpartition("/")[2] for each in findings(tmp_path)] == [name] * found


def test_where_the_words_of_a_container_are_written(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(PROGRAM % "")
    (tmp_path / "pod.yaml").write_text(POD.format(words=f"args: {json.dumps(WORDS.split())}"))
    ((span, text),) = [(each.span, (tmp_path / "pod.yaml").read_text()) for each in findings(tmp_path)]
    assert text[span.start : span.end].strip('"') == "a=out/adapter"


UNSLOTH = """\
from trl import SFTTrainer
from unsloth import FastLanguageModel
model, tokenizer = FastLanguageModel.from_pretrained("unsloth/Llama-3.2-1B", fast_inference=True, max_lora_rank=8)
{wrap}
{then}
"""
WRAP = "model = FastLanguageModel.get_peft_model(model, r=8, lora_alpha=16)"
TRAIN = "SFTTrainer(model=model, train_dataset=rows).train()"
LMDEPLOY = "lmdeploy serve api_server {} --adapters a=x b=y --server-port 23333"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("serve.sh", LMDEPLOY.format(BASE), "TurboMind"),
        ("serve.sh", LMDEPLOY.format(BASE) + " --backend turbomind", "TurboMind"),
        ("serve.sh", LMDEPLOY.format(BASE) + " --backend pytorch", None),
        ("serve.sh", LMDEPLOY.format(BASE) + " --device ascend", None),
        ("serve.sh", LMDEPLOY.format("google/gemma-2-9b-it"), None),  # an engine in PyTorch serves it
        ("serve.sh", LMDEPLOY.format("$MODEL"), None),
        ("serve.sh", f"vllm serve {BASE} --lora-modules a=x b=y", "not enabled"),
        ("serve.sh", f"vllm serve {BASE} --enable-lora --lora-modules a=x", None),
        ("serve.sh", "vllm serve openai-community/gpt2 --enable-lora --lora-modules a=x", "takes no adapters in vLLM"),
        ("serve.py", f"from vllm import LLM\nfrom vllm.lora.request import LoRARequest\nllm = LLM('{BASE}')\n"
         "llm.generate('x', lora_request=LoRARequest('a', 1, folder))\n", "not enabled"),
        ("serve.py", f"from vllm import LLM\nfrom vllm.lora.request import LoRARequest\nllm = LLM('{BASE}', **more)\n"
         "llm.generate('x', lora_request=LoRARequest('a', 1, folder))\n", None),
        ("serve.py", "from vllm import LLM\nfrom vllm.lora.request import LoRARequest\n"
         "llm = LLM('stabilityai/stablelm-2-1_6b', enable_lora=True)\n"
         "llm.generate('x', lora_request=LoRARequest('a', 1, folder))\n", "takes no adapters in vLLM"),
        ("serve.sh", "swift deploy --adapters out/v0-1/checkpoint-9-merged --infer_backend vllm", "Give it as `--model`"),
        ("serve.sh", "swift infer --adapters out/v0-1/checkpoint-9-merged", "Give it as `--model`"),
        ("serve.sh", "swift infer --model out/v0-1/checkpoint-9-merged", None),
        ("serve.sh", "swift infer --adapters out/merged-adapters", None),
        ("ask.py", UNSLOTH.format(wrap="", then="") + "model.fast_generate('a', lora_request=model.load_lora('b'))",
         "AttributeError"),
        ("ask.py", UNSLOTH.format(wrap=WRAP, then="") + "model.fast_generate('a', lora_request=model.load_lora('b'))",
         None),
        ("ask.py", UNSLOTH.format(wrap=WRAP, then=TRAIN) + "model.fast_generate('a')", "the base model answers"),
        ("ask.py", UNSLOTH.format(wrap=WRAP, then=TRAIN) + "model.fast_generate('a', lora_request=None)", None),
        ("ask.py", UNSLOTH.format(wrap=WRAP, then=TRAIN) + "model.fast_generate('a', **more)", None),
        ("ask.py", UNSLOTH.format(wrap=WRAP, then="") + "model.fast_generate('a')", None),
        ("fuse.sh", "mlx_lm.fuse --model Qwen/Qwen3-8B --adapter-path x --export-gguf", "converts only those of"),
        ("fuse.sh", f"mlx_lm.fuse --model {LLAMA} --adapter-path x --export-gguf", None),
        ("fuse.sh", "mlx_lm.fuse --model Qwen/Qwen3-8B --adapter-path x", None),
        ("fuse.sh", "mlx_lm.fuse --model m --adapter-path x/adapters.safetensors", "NotADirectoryError"),
        ("fuse.sh", "mlx_lm.fuse --model m --adapter-path adapters.npz", "NotADirectoryError"),
        ("ask.py", "from mlx_lm import load\nload('m', adapter_path='a/adapters.npz')", "NotADirectoryError"),
        ("ask.py", "import mlx_lm\nmlx_lm.utils.load('m', adapter_path='adapters.safetensors')", "NotADirectoryError"),
        ("ask.py", "import mlx_lm\nmlx_lm.load('m', adapter_path='adapters')", None),
        ("ask.py", "from own import load\nload('mlx_lm', adapter_path='adapters.npz')", None),
    ],
)  # fmt: skip
def test_servers_that_load_no_adapter_whatever_it_is(tmp_path: Path, name: str, text: str, message: str | None) -> None:
    (tmp_path / name).write_text(text + "\n")
    found = findings(tmp_path, "LL602")
    assert len(found) == (message is not None)
    assert all(message in each.message for each in found if message)


@pytest.mark.parametrize(
    ("base", "targets", "pin", "refused"),
    [
        ("deepseek-ai/DeepSeek-V3", ["o_proj"], "vllm==0.9.2", True),
        ("deepseek-ai/DeepSeek-V3", ["o_proj"], "vllm==0.10.2", False),
        ("deepseek-ai/DeepSeek-V3", ["o_proj"], "vllm>=0.8", False),
        ("Qwen/Qwen3-30B-A3B", ["q_proj", "gate_proj", "up_proj", "down_proj"], "vllm==0.11.0", True),
        ("Qwen/Qwen3-30B-A3B", ["q_proj", "gate_proj", "up_proj", "down_proj"], "vllm==0.11.1", False),
        ("Qwen/Qwen3-30B-A3B", ["q_proj", "v_proj"], "vllm==0.11.0", False),
        (BASE, ["q_proj", "down_proj"], "vllm==0.6.6", False),
    ],
)
def test_what_older_versions_take(tmp_path: Path, base: str, targets: list[str], pin: str, refused: bool) -> None:
    saved(tmp_path, base_model_name_or_path=base, target_modules=targets)
    (tmp_path / "requirements.txt").write_text(pin + "\n")
    (tmp_path / "serve.sh").write_text(SERVE.replace(BASE, base) + "\n")
    assert bool(findings(tmp_path, "LL602")) is refused


SGLANG = f"python -m sglang.launch_server --model-path {BASE} --lora-paths a=out/adapter --lora-target-modules"


@pytest.mark.parametrize(
    ("command", "targets", "expected"),
    [
        (f"{SGLANG} q_proj", ["q_proj", "o_proj"], "refuses this adapter: `--lora-target-modules` leaves out `o_proj`"),
        (f"{SGLANG} q_proj", ["q_proj", "k_proj", "v_proj"], None),
        (f"{SGLANG} all", ["q_proj", "o_proj"], None),
        (f"{SERVE} --lora-target-modules qkv_proj", ["down_proj"], "without a part of it"),
        (f"{SERVE} --lora-target-modules qkv_proj down_proj", ["q_proj", "down_proj"], None),
        (f"{SERVE} --lora-target-modules qkv_proj", "all-linear", None),
        (SERVE, ["q_proj", "down_proj"], None),
    ],
)
def test_modules_that_a_server_keeps_adapters_for(
    tmp_path: Path, command: str, targets: Any, expected: str | None
) -> None:
    saved(tmp_path, target_modules=targets)
    (tmp_path / "serve.sh").write_text(command + "\n")
    found = findings(tmp_path, "LL602")
    assert [expected in each.message for each in found if expected] == [True] * (expected is not None)
    assert len(found) == (expected is not None)


@pytest.mark.parametrize(
    ("name", "text", "codes"),
    [
        ("serve.sh", "vllm serve x --enable-lora --max-lora-rank 24", ["LL902"]),
        ("serve.sh", "vllm serve x --enable-lora --max-lora-rank 32", []),
        ("serve.sh", "vllm serve x --enable-lora --max-lora-rank $R", []),
        ("serve.py", "from vllm import LLM\nllm = LLM('x', enable_lora=True, max_lora_rank=48)", ["LL902"]),
        ("serve.py", "from vllm import LLM\nllm = LLM('x', enable_lora=True, max_lora_rank=64)", []),
        ("serve.py", "from vllm.lora.request import LoRARequest\nLoRARequest('a', 0, 'x')", ["LL902"]),
        ("serve.py", "from vllm.lora.request import LoRARequest\nLoRARequest('a', i, 'x')", []),
    ],
)
def test_values_that_vllm_rejects(tmp_path: Path, name: str, text: str, codes: list[str]) -> None:
    (tmp_path / name).write_text(text + "\n")
    assert [each.code for each in findings(tmp_path, "LL902")] == codes


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("serve.sh", "vllm serve --config vllm.yaml", True),
        ("serve.sh", "vllm serve --config vllm.yaml --max-lora-rank 64", False),
        ("eval.sh", "lm_eval --model vllm --model_args pretrained=x,lora_local_path=out/adapter --tasks a", True),
        ("eval.sh", "lm_eval --model vllm --model_args lora_local_path=out/adapter,max_lora_rank=64", False),
        ("eval.sh", "lm_eval --model hf --model_args pretrained=x,lora_local_path=out/adapter", False),
        ("gen.py", "from vllm import LLM\nllm = LLM('out/adapter', enable_lora=True)", True),
        ("convert.sh", "python llama.cpp/convert_hf_to_gguf.py out/adapter --outfile a.gguf", True),
        ("convert.sh", "python llama.cpp/convert_hf_to_gguf.py out/merged --outfile a.gguf", False),
    ],
)
def test_more_ways_to_a_server(tmp_path: Path, name: str, text: str, found: bool) -> None:
    (tmp_path / "train.py").write_text(PROGRAM % "")
    config = f"model: {BASE}\nenable-lora: true\nlora-modules: [a=out/adapter]\n"
    (tmp_path / "vllm.yaml").write_text(config)
    (tmp_path / name).write_text(text + "\n")
    assert bool(findings(tmp_path, "LL602")) is found


MLX = "mlx_lm.lora --train --model ./base --data d"


@pytest.mark.parametrize(
    ("commands", "codes"),
    [
        (f"{MLX}\npython convert_lora_to_gguf.py adapters --base m", ["LL602"]),
        (f"{MLX} --adapter-path mine\nvllm serve x --enable-lora --lora-modules a=mine", ["LL602"]),
        (f"{MLX}\nmlx_lm.fuse --model ./base", []),
        (f"mlx_lm.convert --hf-path h --mlx-path base -q\n{MLX}\nmlx_lm.fuse --model ./base --adapter-path adapters",
         ["LL601"]),
        (f"mlx_lm.convert --hf-path h --mlx-path base -q\n{MLX}\nmlx_lm.fuse --model base --adapter-path adapters "
         "--dequantize", []),
        (f"mlx_lm.convert --hf-path h --mlx-path base\n{MLX}\nmlx_lm.fuse --model base --adapter-path adapters", []),
    ],
)  # fmt: skip
def test_adapters_of_mlx(tmp_path: Path, commands: str, codes: list[str]) -> None:
    (tmp_path / "run.sh").write_text(commands + "\n")
    assert [each.code for each in findings(tmp_path, "LL601", "LL602")] == codes


def test_what_unsloth_saves_alone_is_an_adapter(tmp_path: Path) -> None:
    saves = "model.save_pretrained_merged('out/adapter', tokenizer, save_method='lora')\n"
    (tmp_path / "train.py").write_text(UNSLOTH.format(wrap=WRAP, then=TRAIN) + saves)
    (tmp_path / "serve.py").write_text("from vllm import LLM\nllm = LLM('out/adapter', enable_lora=True)\n")
    assert [each.span.path.rpartition("/")[2] for each in findings(tmp_path, "LL602")] == ["serve.py"]
    (tmp_path / "train.py").write_text(
        UNSLOTH.format(wrap=WRAP, then=TRAIN) + saves.replace("'lora'", "'merged_16bit'")
    )
    assert not findings(tmp_path, "LL602")


def test_a_folder_of_a_merge_may_hold_an_adapter(tmp_path: Path) -> None:
    folder = tmp_path / "out/checkpoint-9-merged"
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 8, "lora_alpha": 16}))
    (tmp_path / "serve.sh").write_text("swift infer --adapters out/checkpoint-9-merged\n")
    assert not findings(tmp_path, "LL602")


FULL = "swift sft --model Qwen/Qwen2.5-7B --dataset d --train_type full --output_dir output\n"


@pytest.mark.parametrize(
    ("training", "adapters", "found"),
    [
        (FULL, "output/v31-20250527-181405/checkpoint-9900", True),
        (FULL, "output/checkpoint-9900", True),
        (FULL.replace("train_type", "tuner_type"), "output/checkpoint-9900", True),
        (FULL, "output/lora/checkpoint-9900", False),
        (FULL.replace("full", "lora"), "output/checkpoint-9900", False),
        (FULL.replace("full", "$TYPE"), "output/checkpoint-9900", False),
        (FULL.replace("full", "adalora"), "output/checkpoint-9900", False),
        (FULL.replace("output\n", "$OUT\n"), "output/checkpoint-9900", False),
        (FULL + FULL.replace("full", "lora"), "output/checkpoint-9900", False),
        (FULL + FULL.replace("full", "ia3"), "output/checkpoint-9900", False),
        (FULL + FULL.replace("full", "ia3").replace("output\n", "$OUT\n"), "output/checkpoint-9900", False),
        (FULL + "swift sft config.yaml\n", "output/checkpoint-9900", False),
    ],
)
def test_what_a_training_of_all_weights_saves_is_no_adapter(
    tmp_path: Path, training: str, adapters: str, found: bool
) -> None:
    (tmp_path / "train.sh").write_text(training)
    (tmp_path / "infer.sh").write_text(f"swift infer --adapters {adapters} --infer_backend pt\n")
    messages = [each.message for each in findings(tmp_path, "LL602")]
    assert ["trains all weights" in each for each in messages] == [True] * found


def test_an_adapter_that_is_there_was_not_trained_as_a_whole(tmp_path: Path) -> None:
    saved(tmp_path)
    (tmp_path / "run.sh").write_text(FULL.replace("output\n", "out/adapter\n") + "swift infer --adapters out/adapter\n")
    assert not findings(tmp_path, "LL602")


SWAP = "import requests\n\n\ndef load(url):\n    requests.post(f'{url}/v1/load_lora_adapter', json={})\n"
LIVE = "vllm serve Qwen/Qwen2.5-7B --enable-lora\n"


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"serve.sh": LIVE, "swap.py": SWAP}, True),
        ({"scripts/serve.sh": LIVE, "eval/swap.py": SWAP}, True),
        ({"serve.sh": "source venv/bin/activate\n" + LIVE, "swap.py": SWAP}, True),
        ({"serve.sh": LIVE}, False),
        ({"serve.sh": LIVE.replace(" --enable-lora", ""), "swap.py": SWAP}, False),
        ({"serve.sh": LIVE, "test_swap.py": SWAP}, False),
        ({"serve.sh": LIVE, "swap.py": "# /v1/load_lora_adapter\nROUTE = '/v1/load_lora_adapter'\n"}, False),
        ({"serve.sh": "source env.sh\n" + LIVE, "swap.py": SWAP}, False),
        ({"serve.sh": "VLLM_ALLOW_RUNTIME_LORA_UPDATING=True " + LIVE, "swap.py": SWAP}, False),
        ({"serve.sh": LIVE, "swap.py": SWAP, ".env": "VLLM_ALLOW_RUNTIME_LORA_UPDATING=1"}, False),
        ({"serve.sh": LIVE, "swap.py": SWAP, "deploy/pod.yaml": "VLLM_ALLOW_RUNTIME_LORA_UPDATING: 1"}, False),
        ({"serve.sh": LIVE, "swap.py": SWAP + "import os\nos.environ['VLLM_ALLOW_RUNTIME_LORA_UPDATING'] = '1'\n"},
         False),
    ],
)  # fmt: skip
def test_adapters_for_a_running_server(tmp_path: Path, files: dict[str, str], found: bool) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.lora-lint]\n")
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert ["VLLM_ALLOW" in each.message for each in findings(tmp_path, "LL602")] == [True] * found


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("FROM ./a.gguf\nPARAMETER stop <|eot_id|>\nPARAMETER <|eot_id|>\n", ["<|eot_id|>"]),
        ('FROM ./a.gguf\r\nparameter "</s>"\r\n', ["</s>"]),
        ("FROM ./a.gguf\nADAPTER ./a\nPARAMETER <|im_end|>", ["<|im_end|>"]),
        ("FROM ./a.gguf\nPARAMETER stop <|eot_id|>\n# PARAMETER <|eot_id|>\n", []),
        ('FROM ./a.gguf\nTEMPLATE """\nPARAMETER <|eot_id|>\n"""\n', []),
        ("FROM ./a.gguf\nPARAMETER <name> <value>\nPARAMETER {{ name }} 1\n", []),
    ],
)
def test_parameters_without_a_name(tmp_path: Path, text: str, values: list[str]) -> None:
    (tmp_path / "Modelfile").write_text(text, newline="")
    found = findings(tmp_path, "LL902")
    assert [text.encode()[each.span.start : each.span.end].decode().strip('"') for each in found] == values
    assert all("unexpected EOF" in each.message for each in found)


class TestOptionsOfServers:
    """What vLLM 0.33.0 and SGLang 0.5.23 make of options and keywords for adapters."""

    SERVE = "vllm serve meta-llama/Llama-3.1-8B-Instruct"

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            (f"{SERVE} --enable-lora --max-loras 4 --max-cpu-loras 2", "LL904"),
            (f"{SERVE} --enable-lora --max-loras 4 --max-cpu-loras 4", ""),
            (f"{SERVE} --max-lora-rank 64", "LL905"),
            (f"{SERVE} --max-lora-rank 64 $MORE", ""),
            (f"{SERVE} --enable-lora --lora-modules out/sql", "LL902"),
            (f"{SERVE} --enable-lora --lora-modules sql=out/sql", ""),
            (f"{SERVE} --enable-lora --lora-modules $ADAPTERS", ""),
            (f"{SERVE} --enable-lora --lora-modules a=out/a --lora-modules b=out/b", "LL905"),
            ("python -m sglang.launch_server --model-path m --enable-lora --max-lora-rank 64", "LL904"),
            ("python -m sglang.launch_server --model-path m --enable-lora --lora-paths a=out/a", ""),
            (
                "python -m sglang.launch_server --model-path m --enable-lora --max-lora-rank 64 "
                "--lora-target-modules q_proj v_proj",
                "",
            ),
            ("python -m sglang.launch_server --model-path m --lora-paths a=b --max-loaded-loras 4", "LL904"),
            ("python -m sglang.launch_server --model-path m --lora-paths a=b --max-lora-chunk-size 24", "LL904"),
        ],
    )
    def test_commands(self, tmp_path: Path, text: str, code: str) -> None:
        (tmp_path / "serve.sh").write_text(f"{text}\n")
        select = frozenset({"LL901", "LL902", "LL904", "LL905"})
        outcome = engine.lint([str(tmp_path / "serve.sh")], Settings(root=str(tmp_path), select=select), jobs=1)
        assert [finding.code for finding in outcome.findings] == ([code] if code else [])

    @pytest.mark.parametrize(
        ("more", "call", "codes"),
        [
            ("", "lora_request=LoRARequest('a', 1, 'out/a')", []),
            (", max_loras=4, max_cpu_loras=2", "lora_request=LoRARequest('a', 1, 'out/a')", ["LL904"]),
            (", lora_modules={'a': 'out/a'}", "lora_request=LoRARequest('a', 1, 'out/a')", ["LL901"]),
            ("", "lora_request=[LoRARequest('a', 1, 'out/a'), LoRARequest('b', 1, 'out/b')]", ["LL902"]),
            ("", "lora_request=[LoRARequest('a', 1, 'out/a'), LoRARequest('b', 2, 'out/b')]", []),
        ],
    )
    def test_engines(self, tmp_path: Path, more: str, call: str, codes: list[str]) -> None:
        (tmp_path / "serve.py").write_text(
            "from vllm import LLM\nfrom vllm.lora.request import LoRARequest\n"
            f"llm = LLM('meta-llama/Llama-3.1-8B', enable_lora=True{more})\nprint(llm.generate(['a'], {call}))\n"
        )
        select = frozenset({"LL901", "LL902", "LL904", "LL905"})
        outcome = engine.lint([str(tmp_path / "serve.py")], Settings(root=str(tmp_path), select=select), jobs=1)
        assert [finding.code for finding in outcome.findings] == codes

    def test_a_request_that_no_call_gets(self, tmp_path: Path) -> None:
        text = (
            "from vllm import LLM\nfrom vllm.lora.request import LoRARequest\n"
            "llm = LLM('meta-llama/Llama-3.1-8B', enable_lora=True)\nadapter = LoRARequest('a', 1, 'out/a')\n"
            "print(llm.generate(['a']{}))\n"
        )
        program = tmp_path / "serve.py"
        for call, codes in (("", ["LL602"]), (", lora_request=adapter", [])):
            program.write_text(text.format(call))
            settings = Settings(root=str(tmp_path), select=frozenset({"LL602"}))
            assert [each.code for each in engine.lint([str(program)], settings, jobs=1).findings] == codes
