"""The architectures that a wheel leaves to the data package: of types that hardly anyone adapts.

A wheel has the names of their layers (`leaf_names.json`), of most of them. Only a build imports this.
"""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

RARE = frozenset(
    "AceStepTransformer1DModel AnyFlowFARTransformer3DModel AnyFlowTransformer3DModel ConsisIDTransformer3DModel "
    "DreamLiteUNetModel Kandinsky6SRTransformer3DModel NucleusMoEImageTransformer2DModel PriorTransformer "
    "QwenImageControlNetModel RFD4ProteinaTransformer SD3ControlNetModel SanaControlNetModel "
    "SanaWMLTX2RefinerTransformer3DModel UNetMotionModel UVit2DModel ZImageControlNetModel aimv2 align altclip "
    "autoformer bert-generation bigbird_pegasus bit blenderbot-small blt bridgetower bros canine chmv2 clvp "
    "conditional_detr convbert convnextv2 cpmant cvt d_fine dab-detr dac data2vec-audio data2vec-text "
    "decision_transformer deformable_detr deimv2 depth_pro diffllama dinat dinov3_convnext doge donut-swin dpt "
    "edgetam_video edgetam_vision_model efficientloftr efficientnet emu3 eomt eomt_dinov3 fastspeech2_conformer "
    "fastspeech2_conformer_with_hifigan flaubert flava fnet focalnet fsmt funnel glpn gpt_neox_japanese "
    "gradium_phonon_tts granite_speech5_encoder grounding-dino groupvit hgnet_v2 hiera higgs_audio_v2_tokenizer "
    "ibert ijepa imagegpt informer instructblipvideo jetmoe kosmos-2.5 lasr_ctc levit lightglue lilt luke lw_detr "
    "lxmert markuplm mask2former maskformer maskformer-swin megatron-bert mgp-str mimi_decoder mimi_encoder mlcd "
    "mlcd_vision_model mm-grounding-dino mobilenet_v1 mobilenet_v2 mobilevit mobilevitv2 moonshine_streaming mra "
    "mvp neucodec nllb-moe nystromformer omdet-turbo oneformer owlvit patchtsmixer patchtst pe_audio "
    "pe_audio_video_encoder pe_video perceiver perception_lm pixio plbart pocket_tts pocket_tts_audio_tokenizer "
    "pocket_tts_audio_tokenizer_decoder pocket_tts_audio_tokenizer_encoder poolformer pop2piano pp_chart2table "
    "pp_doclayout_v2 pp_doclayout_v3 pp_lcnet pp_ocrv5_mobile_det pp_ocrv5_mobile_rec pp_ocrv5_server_det "
    "pp_ocrv5_server_rec pp_ocrv6_medium_det pp_ocrv6_small_det pp_ocrv6_small_rec pp_ocrv6_tiny_rec "
    "prompt_depth_anything prophetnet pvt pvt_v2 radio reformer regnet rembert rf_detr roberta-prelayernorm "
    "roc_bert roformer rt_detr rt_detr_v2 sam2_video sam3_lite_text sam3_tracker_video sam3_video sam_hq "
    "sam_hq_vision_model sapiens2 seggpt sew sew-d speech-encoder-decoder splinter squeezebert swiftformer swin2sr "
    "table-transformer textnet time_series_transformer timesfm timesfm2_5 timesformer tipsv2 tipsv2_dpt tvp udop "
    "unispeech unispeech-sat univnet unlimited_ocr upernet uvdoc vibevoice_acoustic_tokenizer_decoder videomt "
    "videoprism vision-text-dual-encoder visual_bert vit_msn vitdet vits xclip xcodec xcodec2 xlm xlstm xmod yolos "
    "yoso zamba zoedepth".split()
)


def common(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The architectures without the rare ones, which are no parts of others."""
    index: dict[str, Any] = json.loads(files["_index"])
    classes: dict[str, list[str]] = json.loads(files["_classes"])
    for part in ("types", "gaps"):
        index[part] = {kind: entry for kind, entry in index[part].items() if kind not in RARE}
    kept = {name: place for name, place in classes.items() if place[0] not in RARE}
    rest = {name: content for name, content in files.items() if name not in RARE}
    return rest | {name: _json_of(document) for name, document in (("_index", index), ("_classes", kept))}


def _json_of(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"
