"""What a wheel leaves to the data package: types, and names of models, that hardly anyone adapts.

A wheel has the names of the layers of most of the types (`leaf_names.json`), and lacks this module.
"""

from __future__ import annotations

import json
import os

from lora_lint.knowledge import edition

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

LEFT_OUT = os.path.join(edition.BUNDLED, "rare_names.txt")
RARE = frozenset(
    "AceStepTransformer1DModel AnyFlowFARTransformer3DModel AnyFlowTransformer3DModel AutoencoderKLFlux2 "
    "ConsisIDTransformer3DModel DreamLiteUNetModel Kandinsky6SRTransformer3DModel Kandinsky6Transformer3DModel "
    "NucleusMoEImageTransformer2DModel PriorTransformer QwenImageControlNetModel RFD4ProteinaTransformer "
    "SD3ControlNetModel SanaControlNetModel SanaWMLTX2RefinerTransformer3DModel UNetMotionModel UVit2DModel "
    "ZImageControlNetModel aimv2 aimv2_vision_model align altclip autoformer bark bert-generation bigbird_pegasus "
    "bit blenderbot-small blt bridgetower bros canine chameleon chmv2 clipseg clvp conditional_detr convbert "
    "convnextv2 cpmant cvt d_fine dab-detr dac data2vec-audio data2vec-text data2vec-vision decision_transformer "
    "deformable_detr deimv2 depth_anything depth_pro diffllama dinat dinov3_convnext doge donut-swin dpt "
    "edgetam_video edgetam_vision_model efficientloftr efficientnet emu3 eomt eomt_dinov3 evolla "
    "fastspeech2_conformer fastspeech2_conformer_with_hifigan flaubert flava fnet focalnet fsmt funnel glpn "
    "gpt_neox_japanese gradium_phonon_tts granite_speech5_encoder grounding-dino groupvit hgnet_v2 hiera "
    "higgs_audio_v2_tokenizer ibert ijepa imagegpt informer instructblipvideo janus jetmoe kosmos-2 kosmos-2.5 "
    "kyutai_speech_to_text lasr_ctc lasr_encoder levit lightglue lilt luke lw_detr lxmert markuplm mask2former "
    "maskformer maskformer-swin megatron-bert metaclip_2 mgp-str mimi_decoder mimi_encoder mlcd mlcd_vision_model "
    "mm-grounding-dino mobilenet_v1 mobilenet_v2 mobilevit mobilevitv2 moonshine_streaming moshi mra musicgen "
    "musicgen_melody mvp neucodec nllb-moe nystromformer omdet-turbo oneformer owlv2 owlvit patchtsmixer patchtst "
    "pe_audio pe_audio_encoder pe_audio_video_encoder pe_video pe_video_encoder pegasus_x perceiver perception_lm "
    "phi4_multimodal pix2struct pixio plbart pocket_tts pocket_tts_audio_tokenizer "
    "pocket_tts_audio_tokenizer_decoder pocket_tts_audio_tokenizer_encoder poolformer pop2piano pp_chart2table "
    "pp_doclayout_v2 pp_doclayout_v3 pp_lcnet pp_ocrv5_mobile_det pp_ocrv5_mobile_rec pp_ocrv5_server_det "
    "pp_ocrv5_server_rec pp_ocrv6_medium_det pp_ocrv6_small_det pp_ocrv6_small_rec pp_ocrv6_tiny_rec "
    "prompt_depth_anything prophetnet pvt pvt_v2 radio reformer regnet rembert rf_detr roberta-prelayernorm roc_bert "
    "roformer rt_detr rt_detr_v2 sam2_video sam3_lite_text sam3_lite_text_text_model sam3_tracker sam3_tracker_video "
    "sam3_video sam_hq sam_hq_vision_model sapiens2 seamless_m4t seamless_m4t_v2 seggpt sew sew-d "
    "speech-encoder-decoder splinter squeezebert swiftformer swin2sr swinv2 switch_transformers table-transformer "
    "textnet time_series_transformer timesfm timesfm2_5 timesformer tipsv2 tipsv2_dpt tipsv2_text_model "
    "tipsv2_vision_model tvp udop unispeech unispeech-sat univnet unlimited_ocr upernet uvdoc "
    "vibevoice_acoustic_tokenizer_decoder videomt videoprism videoprism_vision_model vipllava "
    "vision-text-dual-encoder visual_bert vit_msn vitdet vits vivit vjepa2 wav2vec2-conformer xclip xcodec xcodec2 "
    "xglm xlm xlm-roberta-xl xlstm xmod yolos yoso zamba zoedepth".split()
)


def common(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The architectures without the rare ones, which are no parts of others."""
    gaps: dict[str, Any] = json.loads(files["_index"])
    gaps["gaps"] = {kind: entry for kind, entry in gaps["gaps"].items() if kind not in RARE}
    classes: dict[str, str] = json.loads(files["_classes"])
    kept = {kind: names for kind, names in classes.items() if kind not in RARE}
    rest = {name: content for name, content in files.items() if name not in RARE}
    return rest | {"_index": _json_of(gaps), "_classes": _json_of(kept)}


def named(table: str) -> str:
    """A table of models or data sets without those that long lists alone name, as leaderboards do (`rare_names.txt`).
    Their names alone must not say more of them, or something else."""
    with open(LEFT_OUT, encoding="utf-8") as file:
        rare = frozenset(file.read().split("\n"))
    return "".join(line for line in table.splitlines(keepends=True) if line.partition("\t")[0] not in rare)


def sized(shapes: str, models: str, families: str) -> str:
    """The shapes that a table of models, or a family of names, refers to."""
    wanted = {line.rstrip("\n").split("\t")[2] for line in models.splitlines() if line[0] != "#"}
    lines = ((line, line.partition("\t")[0]) for line in shapes.splitlines(keepends=True))
    return "".join(line for line, name in lines if name in wanted or f'"{name}"' in families)


def shortened(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The architectures without what is the same in many nodes, which `architectures` adds when it reads a pack: zeros
    and empty lists, and for the weight and the bias of a linear layer their number is there."""
    documents = {name: json.loads(content) for name, content in files.items()}
    for document in documents.values():
        if "nodes" in document:
            document["nodes"] = [_short(*node) for node in document["nodes"]]
    return {name: _json_of(document) for name, document in documents.items()}


def _short(kind: str, *rest: Any) -> list[Any]:
    if kind == "@":
        return [kind, *rest]
    inputs, outputs, own, children = rest
    if (inputs, outputs, own) == (0, 0, []):
        return [kind, children] if children else [kind]
    usual = [["weight", [outputs, inputs]], ["bias", [outputs]]]
    if own and own == usual[: len(own)]:
        own = len(own)
    return [kind, inputs, outputs, own, children] if children else [kind, inputs, outputs, own]


def _json_of(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"
