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
    "AceStepTransformer1DModel AnimaTextConditioner AnyFlowFARTransformer3DModel AnyFlowTransformer3DModel "
    "AutoencoderKL AutoencoderKLFlux2 ConsisIDTransformer3DModel Cosmos3OmniTransformer DreamLiteUNetModel "
    "Kandinsky6SRTransformer3DModel Kandinsky6Transformer3DModel MiniMaxH3Transformer3DModel "
    "NucleusMoEImageTransformer2DModel PriorTransformer QwenImageControlNetModel RFD4ProteinaTransformer "
    "SD3ControlNetModel SanaControlNetModel SanaWMLTX2RefinerTransformer3DModel UNetMotionModel UVit2DModel "
    "WanAnimate2Transformer3DModel ZImageControlNetModel aimv2 align altclip audioflamingo3 autoformer axk1 axk2 "
    "bailing_hybrid beam bert-generation bigbird_pegasus bit blenderbot-small blt bridgetower bros canary canine "
    "chmv2 clvp cohere2_moe cohere_asr cohere_compass colmodernvbert conditional_detr convbert convnextv2 "
    "cosmos3_edge cosmos3_omni cpmant cvt d_fine dab-detr dac data2vec-audio data2vec-text decision_transformer "
    "deepseek_vl_hybrid deformable_detr deimv2 depth_pro diffllama dinat dinov3_convnext doge donut-swin "
    "dots3_note dpt edgetam_video edgetam_vision_model efficientloftr efficientnet emu3 eomt eomt_dinov3 "
    "exaone_moe fast_vlm fastspeech2_conformer fastspeech2_conformer_with_hifigan flaubert flava flint fnet "
    "focalnet fsmt fun_asr_nano funnel glm_image glmasr glmga glpn gpt-sw3 gpt_neox_japanese gradium_phonon_tts "
    "granite4_vision granite_speech5_encoder granite_speech_plus granite_swa granitemoe_swa grounding-dino "
    "groupvit hgnet_v2 hiera higgs_audio_v2 higgs_audio_v2_tokenizer hrm_text hy_v4 hyperclovax_vision_v2 ibert "
    "ijepa imagegpt informer inkling2 inkling_mm_model instructblipvideo iquestcoder jetmoe kolibri1 kosmos-2.5 "
    "laguna lasr_ctc levit lfm3_vl lightglue lilt longt5 luke lw_detr lxmert markuplm mask2former maskformer "
    "maskformer-swin megatron-bert mgp-str mimi_decoder mimi_encoder minicpm_ocr mistral_large4 mlcd "
    "mlcd_vision_model mm-grounding-dino mobilenet_v1 mobilenet_v2 mobilevit mobilevitv2 moonshine_streaming moshi "
    "moss_transcribe_diarize mra muse_glimmer_assistant muse_spark musicflamingo mvp nemo_speechlm nemotron3_5_asr "
    "nemotron_asr_streaming nemotron_h_omni neomme neucodec nllb-moe nystromformer omdet-turbo oneformer "
    "openai_privacy_filter owlvit parakeet_rnnt patchtsmixer patchtst pe_audio pe_audio_video_encoder pe_video "
    "perceiver perception_lm pixio plbart pocket_tts pocket_tts_audio_tokenizer pocket_tts_audio_tokenizer_decoder "
    "pocket_tts_audio_tokenizer_encoder poolformer pop2piano pp_chart2table pp_doclayout_v2 pp_doclayout_v3 "
    "pp_lcnet pp_ocrv5_mobile_det pp_ocrv5_mobile_rec pp_ocrv5_server_det pp_ocrv5_server_rec pp_ocrv6_medium_det "
    "pp_ocrv6_small_det pp_ocrv6_small_rec pp_ocrv6_tiny_rec prompt_depth_anything prophetnet pvt pvt_v2 "
    "qianfan_ocr radio reformer regnet rembert rf_detr roberta-prelayernorm roc_bert roformer rt_detr rt_detr_v2 "
    "sam2_video sam3_lite_text sam3_tracker sam3_tracker_video sam3_video sam_hq sam_hq_vision_model sapiens2 "
    "seggpt sew sew-d speech-encoder-decoder speech_to_text splinter squeezebert swiftformer swin2sr "
    "table-transformer textnet time_series_transformer timesfm timesfm2_5 timesformer tipsv2 tipsv2_dpt tvp udop "
    "ultravbert unispeech unispeech-sat univnet unlimited_ocr upernet uvdoc vibevoice "
    "vibevoice_acoustic_tokenizer_decoder vibevoice_asr videomt videoprism vilt vision-text-dual-encoder "
    "visual_bert vit_msn vitdet vits xclip xcodec xcodec2 xlm xlstm xmod yolos yoso zamba zoedepth".split()
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
