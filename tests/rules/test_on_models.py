"""Rules that compare a run with its model, on models of many kinds: text, speech, pictures."""

from __future__ import annotations

import pytest

from lora_lint import lint_text

PROGRAM = """\
from peft import LoraConfig, get_peft_model
from {library} import {loader}

model = {loader}.from_pretrained("{name}"{folder})
model = get_peft_model(model, LoraConfig(r={rank}, lora_alpha={rank}, target_modules={targets}))
"""
MODELS = {
    "gpt2": ("AutoModelForCausalLM", "gpt2", "c_attn"),
    "BERT": ("AutoModelForSequenceClassification", "bert-base-uncased", "query"),
    "Whisper": ("WhisperForConditionalGeneration", "openai/whisper-small", "q_proj"),
    "ViT": ("AutoModelForImageClassification", "google/vit-base-patch16-224", "q_proj"),
    "Qwen-VL": ("Qwen2_5_VLForConditionalGeneration", "Qwen/Qwen2.5-VL-7B-Instruct", "q_proj"),
    "SDXL": ("UNet2DConditionModel", "stabilityai/stable-diffusion-xl-base-1.0", "to_q"),
    "FLUX": ("FluxTransformer2DModel", "black-forest-labs/FLUX.1-dev", "to_q"),
    "SkyReels": ("SkyReelsV2Transformer3DModel", "Skywork/SkyReels-V2-DF-14B-720P-Diffusers", "to_q"),
    "Granite 4": ("AutoModelForCausalLM", "ibm-granite/granite-4.0-h-micro", "q_proj"),
    "LFM2-MoE": ("AutoModelForCausalLM", "LiquidAI/LFM2-8B-A1B", "q_proj"),
    "AST": ("AutoModelForAudioClassification", "MIT/ast-finetuned-audioset-10-10-0.4593", "q_proj"),
    "VideoMAE": ("VideoMAEForVideoClassification", "MCG-NJU/videomae-base", "query"),
    "SmolVLM": ("AutoModelForImageTextToText", "HuggingFaceTB/SmolVLM-Instruct", "q_proj"),
    "PaliGemma 2": ("PaliGemmaForConditionalGeneration", "google/paligemma2-3b-pt-224", "q_proj"),
}
UNSIZED = {
    "Gemma 3n": ("AutoModelForImageTextToText", "google/gemma-3n-E4B-it", "per_layer_input_gate"),
    "SAM": ("AutoModelForMaskGeneration", "facebook/sam-vit-base", "qkv"),
    "CSM": ("CsmForConditionalGeneration", "sesame/csm-1b", "inputs_embeds_projector"),
    "Qwen2.5-Omni": ("Qwen2_5OmniForConditionalGeneration", "Qwen/Qwen2.5-Omni-7B", "q_proj"),
    "SeamlessM4T": ("SeamlessM4Tv2ForSpeechToText", "facebook/seamless-m4t-v2-large", "q_proj"),
    "Florence-2": ("AutoModelForImageTextToText", "microsoft/Florence-2-base", "q_proj"),
    "SeamlessM4T v1": ("SeamlessM4TForSpeechToText", "facebook/hf-seamless-m4t-medium", "q_proj"),
    "MusicGen": ("MusicgenForConditionalGeneration", "facebook/musicgen-small", "q_proj"),
    "Parakeet": ("ParakeetForTDT", "nvidia/parakeet-tdt-0.6b-v3", "q_proj"),
    "Dia": ("DiaForConditionalGeneration", "nari-labs/Dia-1.6B", "q_proj"),
    "OWLv2": ("AutoModelForZeroShotObjectDetection", "google/owlv2-base-patch16-ensemble", "q_proj"),
}
"""Models of which the modules are known, and not how wide they are."""


def codes(kind: str, targets: list[str], rank: int = 8) -> set[str]:
    """The codes of what is found in a program that adapts a model."""
    loader, name, _ = (MODELS | UNSIZED)[kind]
    library = "diffusers" if loader.endswith("Model") else "transformers"
    folder = (
        ', subfolder="unet"' if kind == "SDXL" else ', subfolder="transformer"' if kind in ("FLUX", "SkyReels") else ""
    )
    text = PROGRAM.format(library=library, loader=loader, name=name, folder=folder, rank=rank, targets=targets)
    return {finding.code for finding in lint_text(text).findings}


@pytest.mark.parametrize("kind", MODELS)
def test_a_name_of_no_module_and_a_rank_above_the_width_are_found(kind: str) -> None:
    target = MODELS[kind][2]
    assert not {"LL201", "LL202", "LL302"} & codes(kind, [target])
    assert "LL202" in codes(kind, [target, "no_such_layer"])
    assert "LL302" in codes(kind, [target], rank=16_384)


@pytest.mark.parametrize("kind", UNSIZED)
def test_a_name_of_no_module_is_found_whatever_the_widths(kind: str) -> None:
    target = UNSIZED[kind][2]
    assert not {"LL201", "LL202"} & codes(kind, [target])
    assert "LL202" in codes(kind, [target, "no_such_layer"])


@pytest.mark.parametrize("kind", ["Qwen-VL", "SmolVLM", "PaliGemma 2"])
def test_names_that_reach_the_vision_tower_are_found(kind: str) -> None:
    targets = ["qkv"] if kind == "Qwen-VL" else []
    assert "LL208" in codes(kind, ["q_proj", "v_proj", *targets])


@pytest.mark.parametrize("kind", ["gpt2", "BERT", "Whisper", "ViT", "SDXL", "FLUX"])
def test_a_model_without_a_vision_tower_beside_its_own_layers_has_none_adapted(kind: str) -> None:
    """A ViT is no tower of another model, and Whisper's encoder is none for pictures."""
    assert "LL208" not in codes(kind, [MODELS[kind][2]])


def test_names_of_layers_under_another_transformers_are_not_wrong() -> None:
    """transformers 5 calls AST's layers q_proj and v_proj, transformers 4 query and value."""
    assert not {"LL201", "LL202"} & codes("AST", ["query", "value"])
