"""From a name to a model: the facts of the table, names that mislead, local folders, hostile files."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lora_lint.knowledge import architectures, models, tables
from lora_lint.knowledge.models import Clue, Model, identify
from lora_lint.knowledge.rare import RARE
from lora_lint.run.run import OwnModels

DATA = Path(models.__file__).parent / "data"


@pytest.fixture(autouse=True)
def _no_hub_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the cache or the files of the machine it runs on."""
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "no-cache"))
    monkeypatch.setenv("HOME", str(tmp_path / "no-home"))
    empty = tmp_path / "cwd"
    empty.mkdir()
    monkeypatch.chdir(empty)


def found(name: str, **options: Any) -> Model:
    model = identify(name, **options)
    assert model is not None, name
    return model


def type_of(name: str) -> str | None:
    model = identify(name)
    return model.model_type if model else None


# --- facts ------------------------------------------------------------------------------------------------------------

LLAMA_3_8B = {"hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_key_value_heads": 8}

GEMMA_3_4B = {
    "hidden_size": 2560,
    "intermediate_size": 10240,
    "num_hidden_layers": 34,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "vocab_size": 262208,
    "head_dim": 256,
}


@pytest.mark.parametrize(
    ("name", "model_type", "fields"),
    [
        ("meta-llama/Llama-2-7b-hf", "llama", {"hidden_size": 4096, "intermediate_size": 11008, "vocab_size": 32000}),
        ("meta-llama/Meta-Llama-3-8B", "llama", LLAMA_3_8B),
        ("meta-llama/Llama-3.1-8B-Instruct", "llama", LLAMA_3_8B),
        (
            "meta-llama/Llama-3.2-1B",
            "llama",
            {"hidden_size": 2048, "num_hidden_layers": 16, "tie_word_embeddings": True},
        ),
        ("mistralai/Mistral-7B-v0.1", "mistral", {"intermediate_size": 14336, "vocab_size": 32000}),
        ("mistralai/Mixtral-8x7B-v0.1", "mixtral", {"num_local_experts": 8}),
        ("mistralai/Mistral-Nemo-Instruct-2407", "mistral", {"hidden_size": 5120, "head_dim": 128}),
        (
            "Qwen/Qwen2.5-7B-Instruct",
            "qwen2",
            {"hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28},
        ),
        ("Qwen/Qwen2.5-0.5B", "qwen2", {"hidden_size": 896, "tie_word_embeddings": True}),
        ("Qwen/Qwen3-8B", "qwen3", {"hidden_size": 4096, "head_dim": 128, "num_hidden_layers": 36}),
        ("Qwen/Qwen3-30B-A3B", "qwen3_moe", {"num_experts": 128, "moe_intermediate_size": 768}),
        ("google/gemma-2-9b", "gemma2", {"hidden_size": 3584, "head_dim": 256}),
        ("google/gemma-3-1b-it", "gemma3_text", {"hidden_size": 1152}),
        ("microsoft/phi-2", "phi", {"hidden_size": 2560, "vocab_size": 51200}),
        ("microsoft/phi-4", "phi3", {"num_key_value_heads": 10}),
        ("openai/gpt-oss-20b", "gpt_oss", {"num_local_experts": 32, "num_hidden_layers": 24}),
        ("google/gemma-3-4b-it", "gemma3", {"text_config": GEMMA_3_4B}),
        ("tiiuae/falcon-7b", "falcon", {"hidden_size": 4544, "multi_query": True}),
        ("EleutherAI/pythia-6.9b", "gpt_neox", {"vocab_size": 50432}),
        ("gpt2", "gpt2", {"n_embd": 768, "n_layer": 12}),
        ("bert-base-uncased", "bert", {"hidden_size": 768, "vocab_size": 30522}),
        ("FacebookAI/roberta-large", "roberta", {"hidden_size": 1024, "max_position_embeddings": 514}),
        ("microsoft/deberta-v3-base", "deberta-v2", {"vocab_size": 128100, "position_biased_input": False}),
        ("google/flan-t5-large", "t5", {"d_model": 1024, "d_ff": 2816, "feed_forward_proj": "gated-gelu"}),
        ("openai/whisper-small", "whisper", {"d_model": 768, "encoder_layers": 12}),
        ("deepseek-ai/DeepSeek-V2-Lite", "deepseek_v2", {"kv_lora_rank": 512, "q_lora_rank": None}),
    ],
)
def test_dimensions(name: str, model_type: str, fields: dict[str, Any]) -> None:
    model = found(name)
    assert model.model_type == model_type
    assert model.how is Clue.TABLE
    assert model.confidence == "certain"
    assert model.complete
    assert model.source
    assert {key: model.config[key] for key in fields} == fields


def test_ids_in_any_case() -> None:
    assert found("META-LLAMA/llama-2-7B-hf").config == found("meta-llama/Llama-2-7b-hf").config


def test_parameters_of_llama_2_7b_follow_from_its_fields() -> None:
    c = found("meta-llama/Llama-2-7b-hf").config
    layer = 4 * c["hidden_size"] ** 2 + 3 * c["hidden_size"] * c["intermediate_size"] + 2 * c["hidden_size"]
    total = c["num_hidden_layers"] * layer + 2 * c["vocab_size"] * c["hidden_size"] + c["hidden_size"]
    assert total == 6_738_415_616


def test_type_is_known_where_sizes_are_not() -> None:
    model = found("mosaicml/mpt-30b")
    assert (model.model_type, model.complete) == ("mpt", False)


# --- names that mislead -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "model_type"),
    [
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "qwen2"),
        ("someone/DeepSeek-R1-Distill-Qwen-7B-medical", "qwen2"),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-8B", "llama"),
        ("deepseek-ai/DeepSeek-R1-0528-Qwen3-8B", "qwen3"),
        ("deepseek-ai/deepseek-coder-6.7b-base", "llama"),
        ("deepseek-ai/deepseek-llm-7b-base", "llama"),
        ("deepseek-ai/DeepSeek-V2-Lite", "deepseek_v2"),
        ("01-ai/Yi-6B", "llama"),
        ("bigcode/starcoder", "gpt_bigcode"),
        ("bigcode/starcoder2-3b", "starcoder2"),
        ("tiiuae/falcon-7b-instruct", "falcon"),
        ("tiiuae/Falcon3-7B-Base", "llama"),
        ("tiiuae/falcon-mamba-7b", "falcon_mamba"),
        ("mosaicml/mpt-7b", "mpt"),
        ("mistralai/Ministral-8B-Instruct-2410", "mistral"),
        ("google/gemma-3-4b-it", "gemma3"),
        ("google/gemma-3-270m", "gemma3_text"),
        ("google/gemma-2-2b-it", "gemma2"),
        ("google/codegemma-7b", "gemma"),
        ("google/paligemma-3b-pt-224", "paligemma"),
        ("Qwen/Qwen1.5-7B-Chat", "qwen2"),
        ("Qwen/Qwen2-VL-7B-Instruct", "qwen2_vl"),
        ("Qwen/Qwen2.5-VL-7B-Instruct", "qwen2_5_vl"),
        ("Qwen/Qwen3-VL-8B-Instruct", "qwen3_vl"),
        ("Qwen/Qwen1.5-MoE-A2.7B", "qwen2_moe"),
        ("meta-llama/Llama-3.2-11B-Vision-Instruct", "mllama"),
        ("meta-llama/Llama-4-Scout-17B-16E-Instruct", "llama4"),
        ("mistral-community/pixtral-12b", "llava"),
        ("HuggingFaceTB/SmolLM2-135M", "llama"),
        ("HuggingFaceTB/SmolLM3-3B", "smollm3"),
        ("allenai/OLMo-7B-hf", "olmo"),
        ("allenai/OLMo-2-1124-7B", "olmo2"),
        ("ibm-granite/granite-3.1-8b-instruct", "granite"),
        ("THUDM/GLM-4-9B-0414", "glm4"),
        ("microsoft/phi-1_5", "phi"),
        ("microsoft/Phi-4-mini-instruct", "phi3"),
        ("NousResearch/Hermes-3-Llama-3.1-8B", "llama"),
        ("TheBloke/Llama-2-7B-GPTQ", "llama"),
        ("TheBloke/Mistral-7B-Instruct-v0.2-AWQ", "mistral"),
        ("llava-hf/llava-1.5-7b-hf", "llava"),
        ("facebook/nllb-200-distilled-600M", "m2m_100"),
        ("HuggingFaceM4/idefics2-8b", "idefics2"),
        ("someone/qwen-2.5-3b-countdown", "qwen2"),
        ("trl-internal-testing/tiny-Qwen2ForCausalLM-2.5", "qwen2"),
        ("hf-internal-testing/tiny-random-LlamaForCausalLM", "llama"),
        ("Salesforce/blip2-opt-2.7b", "blip-2"),
        ("facebook/deit-base-distilled-patch16-224", "deit"),
        ("facebook/deit-base-patch16-224", "vit"),  # without the distillation token it is a plain ViT
        ("google/siglip2-base-patch16-224", "siglip"),
        ("google/siglip2-base-patch16-naflex", "siglip2"),
        ("sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2", "bert"),
        ("sentence-transformers/paraphrase-multilingual-mpnet-base-v2", "xlm-roberta"),
        ("intfloat/multilingual-e5-small", "bert"),
        ("intfloat/multilingual-e5-large-instruct", "xlm-roberta"),
        ("hfl/chinese-roberta-wwm-ext", "bert"),
        ("cl-tohoku/bert-base-japanese-whole-word-masking", "bert"),
        ("vinai/phobert-base-v2", "roberta"),
        ("vinai/bertweet-base", "roberta"),
        ("Helsinki-NLP/opus-mt-tc-big-en-ar", "marian"),
        ("Salesforce/codet5p-770m-py", "t5"),
        ("google/byt5-large", "t5"),
        ("LGAI-EXAONE/EXAONE-4.0-32B", "exaone4"),
        ("LGAI-EXAONE/EXAONE-3.5-2.4B-Instruct", "exaone"),
        ("LiquidAI/LFM2-VL-450M", "lfm2_vl"),
        ("LiquidAI/LFM2-8B-A1B", "lfm2_moe"),
        ("ibm-granite/granite-4.0-h-tiny", "granitemoehybrid"),
        ("mistralai/Magistral-Small-2507", "mistral"),
        ("unsloth/Magistral-Small-2509", "mistral3"),
        ("google/t5gemma-2b-2b-ul2-it", "t5gemma"),
        ("liuhaotian/llava-v1.5-13b", "llava_llama"),
        ("Alibaba-NLP/gte-large-en-v1.5", "new"),
        ("thenlper/gte-base", "bert"),
        ("Alibaba-NLP/gte-Qwen2-1.5B-instruct", "qwen2"),
        ("ByteDance-Seed/UI-TARS-1.5-7B", "qwen2_5_vl"),
        ("ByteDance-Seed/UI-TARS-7B-DPO", "qwen2_vl"),
        ("Snowflake/snowflake-arctic-embed-l-v2.0", "xlm-roberta"),
        ("Snowflake/snowflake-arctic-embed-m-v1.5", "bert"),
        ("Zyphra/Zamba2-7B-Instruct", "zamba2"),
        ("swiss-ai/Apertus-70B-Instruct-2509", "apertus"),
        ("arcee-ai/AFM-4.5B-Base", "arcee"),
        ("nvidia/NVIDIA-Nemotron-Nano-12B-v2", "nemotron_h"),
        ("ibm-granite/granite-embedding-278m-multilingual", "xlm-roberta"),
        ("ibm-granite/granite-vision-3.2-2b", "llava_next"),
        ("mistralai/Voxtral-Small-24B-2507", "voxtral"),
        ("mistralai/Devstral-Small-2507", "mistral"),
        ("facebook/mask2former-swin-large-coco-instance", "mask2former"),
        ("jhu-clsp/mmBERT-base", "modernbert"),
        ("google/muril-base-cased", "bert"),
        ("ai4bharat/indic-bert", "albert"),
        ("cyberagent/open-calm-7b", "gpt_neox"),
        ("apple/OpenELM-1_1B-Instruct", "openelm"),
        ("rhymes-ai/Aria", "aria"),
        ("google/t5gemma-2-1b-1b", "t5gemma2"),
        ("facebook/vjepa2-vitl-fpc64-256", "vjepa2"),  # by the checkpoint of a config class
        ("someone/medical-llama-13b-qa", "llama"),
        ("someone/arabic-qwen2-simpo", "qwen2"),
        ("someone/Qwen3-30B-legal", "qwen3_moe"),  # there is no dense one of 30B
        ("someone/my-gemma3-4b-it", "gemma3"),
        ("someone/gemma3-1b-sql", "gemma3_text"),
        ("someone/ce-mpnet-base-nli", "mpnet"),
        ("someone/clinical-biobert-v2", "bert"),
        ("openai/gpt-oss-safeguard-20b", "gpt_oss"),
        ("microsoft/dit-base-finetuned-rvlcdip", "beit"),
        ("tencent/HY-MT1.5-7B", "hunyuan_v1_dense"),
        ("facebook/MobileLLM-R1-360M", "llama4_text"),
        ("AIDC-AI/Ovis1.6-Llama3.2-3B", "ovis"),
        ("mlabonne/Beyonder-4x7B-v2", "mixtral"),  # experts merged from several Mistrals
        ("someone/Qwen-14B-Llamafied", "llama"),
        ("someone/internlm2-20b-llama", "llama"),
        ("someone/Yi-34Bx2-MoE-60B", "mixtral"),
        ("someone/german-gpt2-larger", "gpt2"),
        ("someone/DialoGPT-medium-joker", "gpt2"),
        ("someone/openchat-3.5-0106-gemma", "gemma"),
        ("someone/zephyr-7b-gemma-hinge", "gemma"),
        ("someone/Einstein-v4-phi2", "phi"),
        ("someone/quora-roberta-base", "roberta"),
        ("inclusionAI/Ling-mini-2.0", "bailing_moe"),
        ("lmms-lab/llava-next-72b", "llava_qwen"),
        ("QuantTrio/GLM-4.6-GPTQ-Int4-Int8Mix", "glm4_moe"),
        ("zai-org/glm-4-9b-chat-1m-hf", "glm"),  # the class of transformers, unlike the one without -hf
        ("someone/sudoku-grpo-qwen3", "qwen3"),
        ("teknium/OpenHermes-7B", "llama"),  # by the class in its config
    ],
)
def test_types(name: str, model_type: str) -> None:
    assert type_of(name) == model_type


@pytest.mark.parametrize(
    "name",
    [
        "someone/blip2-flan-t5-xl-vqa",  # a vision model of its own around T5
        "someone/minigpt4-vicuna-13b",
        "someone/instructblip-vicuna-7b-charts",
        "someone/blip2-opt-2.7b-captions",
        "someone/vit-gpt2-captioner",
        "someone/TinyLlama-1.1B-x2-MoE",  # a mixture, of which class its name does not say
        "someone/Qwen3-4x8B-MoE",
        "someone/Mistral-3-from-Mixtral-8x7B",  # one of its experts
        "someone/Qwen1.5-4B-Chat_mistral",  # Qwen in the form of Mistral
        "someone/gemma-scope-2b-pt-res",  # no model, an analysis of one
        "someone/gemma-mistral-7b-merge",
        "someone/qwen3-moe-merge",
        "someone/Phi-4-Math",  # of 46 such models 36 are in Llama's form
        "someone/Qwen-7B-deep-thinker",  # of Qwen 2.5, as most whose names say no version
        "someone/Video-LLaMA-2-7B",
        "someone/llama-omni-8b",
        "someone/llama-embed-nemotron-8b",  # with attention in both directions
        "someone/mt5-t5-small-chinese",
        "someone/results",
        "someone/Llama-3-8B-LLaVA",
        "someone/llama-3-vision-8b",
        "yuhuili/EAGLE-LLaMA3-Instruct-8B",  # a draft head
        "someone/Mistral-7B-Llama-3-8B-merge",  # two families
        "nvidia/Llama-3_1-Nemotron-51B-Instruct",  # layers of unequal form
        "someone/Qwen2.5-7B-Mamba",
        "fixie-ai/ultravox-v0_5-llama-3_2-1b-audio",
        "mistralai/Pixtral-12B-2409",  # no transformers config there
        "hf-internal-testing/tiny-random-chatglm3-6b",  # nothing of that size
        "someone/Llama-4-Scout-17B-16E-Linearized-bnb-nf4",  # experts taken apart
        "ibm-granite/granite-4.1-3b",  # granite, or 4.0's hybrid class without its mixers
        "Salesforce/codet5p-2b",  # code of its own, unlike the small ones
        "InstaDeepAI/nucleotide-transformer-v2-500m-multi-species",  # an ESM with a gated MLP of its own
        "microsoft/BiomedNLP-BiomedELECTRA-base-uncased-abstract",
        "moonshotai/Kimi-Audio-7B-Instruct",
        "someone/minigpt4-llama-7b",  # a vision model of its own around Llama
        "facebook/DiT-XL-2-256",  # a diffusion transformer, no document image transformer
        "someone/distil-biobert-cased",
        "someone/qwen2-prm-math",  # a reward model with code of its own
        "someone/finetuned-model",
        "01-ai/Yi-VL-6B",
        "llama",
        "my-model",
        "model",
        "{model_name}",
        "",
        "   ",
        "a\nb",
        "x" * 5000,
    ],
)
def test_silent_where_the_name_is_not_enough(name: str) -> None:
    assert identify(name) is None


@pytest.mark.parametrize(
    ("name", "model_type", "module"),
    [
        ("microsoft/Phi-3-small-8k-instruct", "phi3small", "query_key_value"),
        ("openvla/openvla-7b", "openvla", "q_proj"),
        ("vikhyatk/moondream2", "moondream1", "Wqkv"),  # as in its earlier revisions
        ("vikhyatk/moondream2", "moondream1", "qkv"),
        ("togethercomputer/evo-1-131k-base", "stripedhyena", "out_filter_dense"),
        ("LongSafari/hyenadna-small-32k-seqlen-hf", "hyenadna", "in_proj"),
        ("zhihan1996/DNABERT-2-117M", "dnabert2", "gated_layers"),
        ("Dream-org/Dream-v0-Instruct-7B", "Dream", "q_proj"),
        ("ByteDance/Ouro-1.4B-Thinking", "ouro", "early_exit_gate"),
        ("IEITYuan/Yuan2-M32-hf", "yuan", "v_proj"),
        ("AIDC-AI/Ovis2.5-9B", "ovis", "o_proj"),
        ("openbmb/MiniCPM-o-2_6", "minicpmo", "kv_proj"),
        ("fla-hub/rwkv7-1.5B-world", "rwkv7", "r_proj"),
        ("amazon/chronos-bolt-base", "chronos_bolt", "residual_layer"),
        ("lerobot/pi0", "lerobot_pi0", "action_in_proj"),
        ("vidore/colqwen2.5-v0.2", "colqwen2_5", "custom_text_proj"),
        ("vidore/colqwen2-v1.0", "ColQwen2", "custom_text_proj"),
        ("vidore/colpali-v1.3", "ColPali", "custom_text_proj"),
        ("deepseek-ai/DeepSeek-OCR", "deepseek_vl_v2", "gate_proj"),
        ("deepseek-ai/Janus-Pro-7B", "multi_modality", "q_proj"),
        ("Alibaba-NLP/gte-base-en-v1.5", "new", "up_gate_proj"),
        ("jinaai/jina-embeddings-v3", "jina_xlm_roberta", "Wqkv"),
        ("moonshotai/Kimi-VL-A3B-Instruct", "kimi_vl", "wqkv"),
    ],
)
def test_code_from_the_models_own_repository(name: str, model_type: str, module: str) -> None:
    model = found(name)
    assert model.model_type == model_type
    assert not model.stock
    assert not model.complete
    assert model.module_names is not None and module in model.module_names


@pytest.mark.parametrize(
    ("name", "model_type", "module"),
    [
        ("Qwen/Qwen-7B", "qwen", "c_attn"),
        ("Qwen/Qwen-7B-Chat", "qwen", "w1"),
        ("THUDM/chatglm3-6b", "chatglm", "query_key_value"),
        ("THUDM/chatglm2-6b", "chatglm", "dense_h_to_4h"),
        ("baichuan-inc/Baichuan2-7B-Chat", "baichuan", "W_pack"),
        ("internlm/internlm2-7b", "internlm2", "wqkv"),
        ("internlm/internlm2_5-7b-chat", "internlm2", "w2"),
        ("someone/chatglm3-6b-finetuned", "chatglm", "dense"),
        ("LGAI-EXAONE/EXAONE-3.5-7.8B-Instruct", "exaone", "c_fc_0"),
    ],
)
def test_code_of_which_all_modules_are_written_down(name: str, model_type: str, module: str) -> None:
    model = found(name)
    assert (model.model_type, model.module_names, model.stock) == (model_type, None, True)
    architecture = architectures.architecture(model_type, "causal-lm")
    assert architecture is not None and architectures.names_module(architecture, module)


def test_stock_models_have_no_module_names() -> None:
    model = found("meta-llama/Llama-2-7b-hf")
    assert model.stock and model.module_names is None


def test_family_pattern_is_only_likely_and_takes_the_sizes_of_its_sibling() -> None:
    model = found("someone/Llama-2-13B-chat-GPTQ")
    assert (model.how, model.confidence) == (Clue.FAMILY, "likely")
    assert model.config["hidden_size"] == 5120


@pytest.mark.parametrize("name", ["THUDM/CogVideoX-2b", "AIDC-AI/Marco-o1"])
def test_a_copy_under_another_owner_is_known_by_its_name(name: str) -> None:
    copy, base = found(f"someone/{name.partition('/')[2]}"), found(name)
    assert (copy.model_type, copy.config, copy.confidence) == (base.model_type, base.config, "likely")


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("someone/whisper-small-hi", "openai/whisper-small"),
        ("someone/whisper-large-v3-turbo-german", "openai/whisper-large-v3-turbo"),
        ("someone/flan-t5-xl-samsum", "google/flan-t5-xl"),
        ("someone/deberta-v3-large-mnli", "microsoft/deberta-v3-large"),
        ("someone/bloom-7b1-chat", "bigscience/bloom-7b1"),
        ("someone/Qwen2.5-VL-7B-Instruct-4bit-DWQ", "Qwen/Qwen2.5-VL-7B-Instruct"),
        ("mlx-community/gemma-3-12b-it-qat-3bit", "google/gemma-3-12b-it"),
        ("someone/ce-mpnet-base-nli", "microsoft/mpnet-base"),
        ("someone/videomae-large-finetuned-diving", "MCG-NJU/videomae-large"),
        ("someone/MythoMax-L2-13b-GPTQ", "huggyllama/llama-13b"),
        ("someone/medical-vicuna-7b-v1.5", "huggyllama/llama-7b"),
        ("someone/guanaco-33b", "huggyllama/llama-30b"),
        ("someone/speechless-codellama-34b", "codellama/CodeLlama-34b-hf"),
        ("someone/L3-8B-Stheno", "meta-llama/Meta-Llama-3-8B"),
        ("someone/firefly-qwen1.5-en-7b", "Qwen/Qwen1.5-7B"),
        ("someone/eleuther-pythia-6.9b-hh-sft", "EleutherAI/pythia-6.9b"),
        ("someone/Nous-Hermes-2-SOLAR-10.7B", "upstage/SOLAR-10.7B-v1.0"),
        ("someone/SteamSHP-flan-t5-large", "google/flan-t5-large"),
        ("Helsinki-NLP/opus-mt-fi-en", "Helsinki-NLP/opus-mt-en-de"),
        ("google/siglip-base-patch16-384", "google/siglip-base-patch16-256"),
        ("BAAI/bge-large-en", "BAAI/bge-large-en-v1.5"),
        ("someone/sft_llama13b", "huggyllama/llama-13b"),  # without a dash
        ("someone/opt125m-20ep", "facebook/opt-125m"),
        ("someone/t5-base-finetuned-emotion", "google-t5/t5-base"),
    ],
)
def test_a_word_or_a_number_says_which_size_of_a_family(name: str, like: str) -> None:
    model, base = found(name), found(like)
    assert (model.model_type, model.config) == (base.model_type, base.config)
    assert model.complete


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("someone/markuplm-base-finetuned-websrc", "microsoft/markuplm-base"),
        ("someone/Qwen2.5-VL-7B-Instruct_finetuned_charts", "Qwen/Qwen2.5-VL-7B-Instruct"),
        ("someone/donut-base-fine-tuned", "naver-clova-ix/donut-base"),
        ("mlx-community/Trinity-Mini-4bit", "arcee-ai/Trinity-Mini"),
        ("someone/granite-3.1-1b-a400m-base-GPTQ-8-Bit", "ibm-granite/granite-3.0-1b-a400m-instruct"),
        ("someone/gpt-oss-20b-dequantized", "openai/gpt-oss-20b"),
    ],
)
def test_a_fine_tune_or_a_repack_is_the_model_that_its_name_begins_with(name: str, like: str) -> None:
    assert type_of(name) == type_of(like)


def test_a_name_says_the_sizes_of_an_id_of_which_the_table_has_the_type_alone() -> None:
    model = found("Qwen/Qwen3-Reranker-8B")
    assert (model.how, model.confidence, model.complete) == (Clue.TABLE, "likely", True)
    assert model.config == found("Qwen/Qwen3-8B").config


def test_a_name_without_a_version_has_the_sizes_that_all_versions_share() -> None:
    """Mistral 7B 0.3 has more tokens than 0.1 and the same layers."""
    model, base = found("someone/Mistral-7B-sft"), found("mistralai/Mistral-7B-v0.1")
    assert model.complete and "vocab_size" not in model.config
    assert model.config == {key: value for key, value in base.config.items() if key != "vocab_size"}


def test_active_parameters_and_other_sizes_are_not_taken_for_the_family_s() -> None:
    assert found("someone/Qwen3-30B-A3B-lora").config == found("Qwen/Qwen3-30B-A3B").config
    assert found("Helsinki-NLP/opus-mt-tc-big-fi-en").config == {}


def test_two_sizes_in_a_name_are_no_size() -> None:
    assert found("someone/whisper-small-base").config == {}


def test_a_name_that_says_base_has_the_sizes_of_bert_base_and_a_vocabulary_of_its_own() -> None:
    model = found("GroNLP/bert-base-dutch-cased")
    assert (model.config["hidden_size"], model.config["num_hidden_layers"], model.complete) == (768, 12, True)
    assert "vocab_size" not in model.config


# --- unsloth ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "model_type"),
    [
        ("unsloth/llama-3-8b-bnb-4bit", "llama"),
        ("unsloth/Meta-Llama-3.1-8B-Instruct-unsloth-bnb-4bit", "llama"),
        ("unsloth/mistral-7b-instruct-v0.3-bnb-4bit", "mistral"),
        ("unsloth/Qwen2.5-7B-Instruct-GGUF", "qwen2"),
        ("unsloth/gemma-3-4b-it-unsloth-bnb-4bit", "gemma3"),
        ("unsloth/phi-4", "llama"),  # republished in Llama's form
        ("unsloth/phi-4-unsloth-bnb-4bit", "llama"),
        ("unsloth/Phi-4-mini-instruct", "phi3"),
        ("unsloth/tinyllama-bnb-4bit", "llama"),
    ],
)
def test_unsloth(name: str, model_type: str) -> None:
    assert type_of(name) == model_type


@pytest.mark.parametrize("name", ["unsloth/Phi-3-mini-4k-instruct", "unsloth/Phi-3.5-mini-instruct-bnb-4bit"])
def test_unsloth_phi_3_is_never_taken_for_phi3(name: str) -> None:
    """Republished with split projections; in which class is stated nowhere that could be read."""
    assert type_of(name) != "phi3"


def test_unsloth_rewrites_experts_in_4_bit_copies() -> None:
    assert found("unsloth/gpt-oss-20b").stock
    quantized = found("unsloth/gpt-oss-20b-unsloth-bnb-4bit")
    assert quantized.model_type == "gpt_oss"
    assert not quantized.stock and not quantized.complete


# --- paths ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "model_type", "confidence"),
    [
        ("/models/Meta-Llama-3-8B-Instruct", "llama", "likely"),
        ("/root/autodl-tmp/LLM-Research/Meta-Llama-3-8B-Instruct", "llama", "likely"),
        ("/data/qwen/Qwen2___5-7B-Instruct/", "qwen2", "likely"),
        ("C:\\models\\Mistral-7B-v0.1", "mistral", "likely"),
        ("~/models/gpt2", "gpt2", "likely"),
        ("/hub/models--Qwen--Qwen3-8B/snapshots/0123abcd", "qwen3", "likely"),
        ("./outputs/llama3-tuned", "llama", "possible"),
        ("/models/phi-4", "phi3", "possible"),  # microsoft's, or unsloth's in Llama's form
    ],
)
def test_paths_that_are_not_here(name: str, model_type: str, confidence: str) -> None:
    model = found(name)
    assert (model.model_type, model.how, model.confidence) == (model_type, Clue.BASENAME, confidence)


def test_a_path_that_says_nothing() -> None:
    assert identify("./outputs/final") is None
    assert identify("/") is None


def write(folder: Path, document: object, name: str = "config.json") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(document), encoding="utf-8")
    return folder


def test_config_json_beside_the_file(tmp_path: Path) -> None:
    write(tmp_path / "base", {"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2})
    model = found("base", near=str(tmp_path))
    assert (model.how, model.confidence, model.complete) == (Clue.CONFIG, "certain", True)
    assert model.config["hidden_size"] == 64
    assert model.source == os.path.join(str(tmp_path), "base", "config.json")


def test_config_json_wins_over_the_table(tmp_path: Path) -> None:
    write(tmp_path / "gpt2", {"model_type": "llama"})
    assert found("gpt2", near=str(tmp_path)).model_type == "llama"


def test_config_json_at_an_absolute_path_and_in_the_current_folder(tmp_path: Path) -> None:
    write(tmp_path / "cwd" / "m", {"model_type": "qwen2"})
    assert found(str(tmp_path / "cwd" / "m")).model_type == "qwen2"
    assert found("./m", near=str(tmp_path / "elsewhere")).model_type == "qwen2"


def test_adapter_folder_leads_to_its_base(tmp_path: Path) -> None:
    write(tmp_path / "adapter", {"base_model_name_or_path": "Qwen/Qwen3-8B"}, "adapter_config.json")
    model = found("adapter", near=str(tmp_path))
    assert (model.model_type, model.name) == ("qwen3", "adapter")


def test_adapters_in_a_circle(tmp_path: Path) -> None:
    write(tmp_path / "a", {"base_model_name_or_path": str(tmp_path / "b")}, "adapter_config.json")
    write(tmp_path / "b", {"base_model_name_or_path": str(tmp_path / "a")}, "adapter_config.json")
    assert identify("a", near=str(tmp_path)) is None


HOSTILE = {
    "not json": b"{",
    "empty": b"",
    "a list": b"[1, 2]",
    "null": b"null",
    "not utf-8": b"\xff\xfe\x00{",
    "deep": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "no type": b'{"hidden_size": 64}',
    "type is a number": b'{"model_type": 7}',
    "type is empty": b'{"model_type": ""}',
    "huge type": b'{"model_type": "' + b"x" * 10_000 + b'"}',
    "huge integer": b'{"model_type": ' + b"9" * 10_000 + b"}",
    "too large": b'{"model_type": "llama", "x": "' + b"x" * 5_000_000 + b'"}',
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_config_json(kind: str, tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "config.json").write_bytes(HOSTILE[kind])
    assert identify("m", near=str(tmp_path)) is None


def test_config_json_that_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "m" / "config.json").mkdir(parents=True)
    assert identify("m", near=str(tmp_path)) is None


if hasattr(os, "mkfifo"):  # systems with named pipes

    def test_config_json_that_would_block(tmp_path: Path) -> None:
        (tmp_path / "m").mkdir()
        os.mkfifo(tmp_path / "m" / "config.json")
        assert identify("m", near=str(tmp_path)) is None


def test_sizes_that_no_model_has_are_left_out(tmp_path: Path) -> None:
    fields = {"num_hidden_layers": 10**12, "hidden_size": "big", "vocab_size": -(10**15), "head_dim": 64}
    write(tmp_path / "m", {"model_type": "llama", **fields, "text_config": {"num_hidden_layers": -1}})
    model = found("m", near=str(tmp_path))
    assert not model.complete
    assert dict(model.config) == {"model_type": "llama", "head_dim": 64, "text_config": {}}


def test_a_network_share_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> None:
        raise AssertionError(path)

    monkeypatch.setattr(models, "_load_json", refuse)
    identify("\\\\server\\share\\model")
    identify("//server/share/model")


def test_hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    folder = tmp_path / "models--me--mine"
    write(folder / "snapshots" / "aaa", {"model_type": "gpt2"})
    write(folder / "snapshots" / "bbb", {"model_type": "llama", "hidden_size": 64})
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("bbb", encoding="ascii")
    model = found("me/mine")
    assert (model.model_type, model.how, model.confidence) == ("llama", Clue.CACHE, "certain")


def test_hub_cache_with_nothing_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    (tmp_path / "models--me--mine" / "snapshots" / "aaa").mkdir(parents=True)
    assert identify("me/mine") is None


# --- the user's own entries -------------------------------------------------------------------------------------------


def test_settings_come_first() -> None:
    own = {"gpt2": "llama", "me/*": "Qwen/Qwen3-8B", "acme/one": {"model_type": "mistral", "hidden_size": 128}}
    assert found("gpt2", own=OwnModels(own)).model_type == "llama"
    alias = found("me/tuned", own=OwnModels(own))
    assert (alias.model_type, alias.how, alias.confidence, alias.complete) == ("qwen3", Clue.SETTINGS, "certain", True)
    acme = found("ACME/One", own=OwnModels(own))
    assert (acme.model_type, acme.config["hidden_size"], acme.complete) == ("mistral", 128, True)


def test_settings_like_another_model() -> None:
    own = {"acme/big-vocab": {"like": "meta-llama/Llama-2-7b-hf", "vocab_size": 40_000}}
    model = found("acme/big-vocab", own=OwnModels(own))
    assert (model.model_type, model.config["vocab_size"], model.config["hidden_size"]) == ("llama", 40_000, 4096)
    assert model.complete


def test_settings_that_lead_nowhere_or_in_a_circle() -> None:
    assert identify("a/b", own=OwnModels({"a/b": {"hidden_size": 4}})) is None
    assert found("a/b", own=OwnModels({"a/b": "c/d", "c/d": "a/b"})).how is Clue.SETTINGS
    assert identify("a/b", own=OwnModels({"a/b": {"like": "a/b"}})) is None


CONFIG_OF_OWN_TYPE = {"model_type": "acme", "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2}


@pytest.fixture
def acme(tmp_path: Path) -> str:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG_OF_OWN_TYPE), encoding="utf-8")
    return str(tmp_path)


def test_a_type_that_is_another_has_its_modules_and_keeps_its_sizes(acme: str) -> None:
    model = found(acme, own=OwnModels(types={"acme": "llama"}))
    assert (model.model_type, model.config["hidden_size"], model.complete, model.stock) == ("llama", 64, True, True)
    remote = found(acme, own=OwnModels(types={"acme": "molmo"}))
    assert "att_proj" in (remote.module_names or ())
    assert not remote.stock


def test_a_type_with_names_of_modules_is_never_exact(acme: str) -> None:
    model = found(acme, own=OwnModels(types={"acme": ("qkv", "out")}))
    assert (model.model_type, model.module_names, model.complete, model.stock) == ("acme", ("qkv", "out"), False, False)


def test_a_type_in_a_folder_that_learn_wrote(acme: str, tmp_path: Path) -> None:
    facts = tmp_path / "facts"
    facts.mkdir()
    (facts / "modules.json").write_text('{"type": "acme", "nodes": []}', encoding="utf-8")
    model = found(acme, own=OwnModels(types={"acme": str(facts)}))
    assert model.learned == {"type": "acme", "nodes": []}
    assert model.model_type == "acme"


def test_types_hold_for_models_by_name_and_in_the_hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = OwnModels({"our/*": "acme"}, {"acme": "llama"})
    assert found("our/model", own=own).model_type == "llama"
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    snapshot = tmp_path / "models--their--model" / "snapshots" / "aaa"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text(json.dumps(CONFIG_OF_OWN_TYPE), encoding="utf-8")
    assert identify("their/model") is None
    assert found("their/model", own=own).model_type == "llama"


def test_names_are_known_where_no_architecture_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "_leaf_names", lambda: {"acme": ["q_proj"]})
    (tmp_path / "config.json").write_text('{"model_type": "acme", "hidden_size": 64}', encoding="utf-8")
    model = found(str(tmp_path))
    assert (model.module_names, model.complete, model.stock) == (("q_proj",), True, False)
    lists = json.loads((DATA / "leaf_names.json").read_text(encoding="utf-8"))
    assert not [name for name in lists if architectures.is_type(name) and name not in RARE], "an architecture says more"


def test_a_class_of_transformers_is_not_the_one_of_colpali_engine() -> None:
    for name, model_type in (("vidore/colpali-v1.3-hf", "colpali"), ("vidore/colqwen2-v1.0-hf", "colqwen2")):
        model = found(name)
        assert (model.model_type, model.module_names, model.stock) == (model_type, None, True)


def test_names_are_known_of_a_type_that_detectron2_makes_a_part_of() -> None:
    names = found("microsoft/layoutlmv2-base-uncased").module_names
    assert names is not None and {"query", "visual_proj", "fpn_lateral2"} <= set(names)


def test_code_of_a_repository_beside_a_class_of_transformers_shows_no_names_to_be_wrong() -> None:
    model = found("nomic-ai/nomic-embed-text-v1.5")
    assert (model.model_type, model.stock, model.complete) == ("nomic_bert", False, False)


# --- the data ---------------------------------------------------------------------------------------------------------


def rows(name: str) -> list[list[str]]:
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


def test_tables_are_well_formed() -> None:
    marks = set(re.findall(r"^#(\w+)\t", (DATA / "models.tsv").read_text(encoding="utf-8"), re.MULTILINE))
    keys = [row[0] for row in rows("shapes.tsv")]
    assert len(keys) == len(set(keys))
    for key, config, source in rows("shapes.tsv"):
        assert source, key
        assert all(
            value is None or isinstance(value, (int, float, str, list, dict)) for value in json.loads(config).values()
        )
    ids = [row[0] for row in rows("models.tsv")]
    assert len(ids) >= 500
    assert len({name.lower() for name in ids}) == len(ids)
    for name, model_type, shape, mark in rows("models.tsv"):
        assert name.isascii() and model_type
        assert not shape or shape in keys, name
        assert mark.rstrip("!") in marks, name


def test_every_sibling_of_a_family_is_in_the_table() -> None:
    families = json.loads((DATA / "families.json").read_text(encoding="utf-8"))
    ids = {row[0]: row for row in rows("models.tsv")}
    for family in families["first"] + families["then"]:
        assert family["has"] == family["has"].lower()
        for part in ("pattern", "not"):
            re.compile(family.get(part, ""))
        for sibling in [*family.get("sizes", {}).values(), *([family["like"]] if "like" in family else [])]:
            assert ids[sibling][1] == family["type"]
            assert ids[sibling][2], sibling


KNOWN_BY_THEIR_IDS = {
    "Delcos/Mistral-Pygmalion-7b", "TrustSafeAI/RADAR-Vicuna-7B", "Weyaxi/Stellaris-internlm2-20b-r512",
    "Bllossom/llama-3.2-Korean-Bllossom-AICA-5B", "mncai/Mistral-7B-OpenOrca-1k", "mrm8488/mT5-small-finetuned-tydiqa-for-xqa",
    "AI-ModelScope/llava-v1.6-34b", "AI-ModelScope/llava-v1.6-mistral-7b", "MAGAer13/mplug-owl2-llama2-7b",
    "PekingU/rtdetr_r18vd", "alibaba-nlp-community/gte-multilingual-base", "deepseek-ai/deepseek-vl2",
    "deepseek-ai/deepseek-vl2-small", "deepseek-ai/deepseek-vl2-tiny", "deepseek-community/Janus-Pro-1B",
    "facebook/nougat-base", "google/embeddinggemma-2", "jinaai/jina-embeddings-v3-hf", "liuhaotian/llava-v1.6-34b",
    "liuhaotian/llava-v1.6-mistral-7b", "microsoft/layoutxlm-base",
    "xc2450/distilbert-portuguese-cased-finetuned-bec_classification",
}  # fmt: skip
"""Ids of which the table has another type than their names say, or none; unsloth's are known by their ids as well."""


def test_no_family_contradicts_the_table() -> None:
    """A pattern that takes a published model for another type takes its fine-tunes for that type too."""
    for name, model_type, _, _ in rows("models.tsv"):
        family = models._family(name)
        if family is not None and family["type"] not in ("?", model_type):
            assert name in KNOWN_BY_THEIR_IDS or name.startswith("unsloth/"), (name, family)


def test_every_id_of_the_table_is_found_by_name() -> None:
    for name, model_type, _, _ in rows("models.tsv"):
        assert (type_of(name) or "?") == model_type


def test_data_stays_small() -> None:
    names = ("models.tsv", "shapes.tsv", "families.json", "datasets.tsv")  # the wheel has them deflated
    assert sum((DATA / name).stat().st_size for name in names) < 750_000


def test_one_lookup_is_fast() -> None:
    best = float("inf")
    for _ in range(5):
        for cached in (tables.part, tables._parts, models._lower, models._row, models._families):
            cached.cache_clear()
        start = time.process_time()
        identify("meta-llama/Llama-2-7b-hf")
        best = min(best, time.process_time() - start)
    assert best < 0.02  # 1 ms on the machine it was written on


# --- anything at all --------------------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=120))
@example("#L")  # how the lines of the table start that say where it is from
@example("models/#L")
@example("unsloth/#L")
def test_never_raises(name: str) -> None:
    identify(name)


PARTS = st.sampled_from(
    [
        "llama",
        "-3",
        ".1",
        "-8b",
        "qwen",
        "2.5",
        "-vl",
        "mistral",
        "-7b",
        "/",
        "\\",
        "..",
        "unsloth/",
        "gemma",
        "~",
        "-bnb-4bit",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PARTS, max_size=8).map("".join))
def test_never_raises_for_what_looks_like_a_name(name: str) -> None:
    model = identify(name)
    assert model is None or model.model_type not in ("", "?")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(["model_type", "hidden_size", "num_hidden_layers", "text_config", "x"]), JSON))
def test_never_raises_for_any_settings(entry: dict[str, Any]) -> None:
    model = identify("acme/model", own=OwnModels({"acme/model": entry}))
    assert model is None or isinstance(model.model_type, str)
