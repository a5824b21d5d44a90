"""The architectures that a wheel leaves to the data package: of types that hardly anyone adapts.

A wheel has the names of their layers (`leaf_names.json`). Only a build imports this.
"""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

RARE = frozenset(
    "align autoformer bit chmv2 clvp cvt d_fine dab-detr dac deimv2 depth_pro dinat donut-swin dpt edgetam_video "
    "edgetam_vision_model efficientloftr efficientnet eomt eomt_dinov3 fastspeech2_conformer "
    "fastspeech2_conformer_with_hifigan flava focalnet glpn groupvit hgnet_v2 informer levit lightglue lw_detr "
    "lxmert maskformer maskformer-swin mgp-str mobilenet_v1 mobilenet_v2 mobilevit mobilevitv2 mra neucodec "
    "omdet-turbo oneformer patchtsmixer pocket_tts pocket_tts_audio_tokenizer poolformer pp_chart2table "
    "pp_doclayout_v2 pp_doclayout_v3 pp_lcnet pp_ocrv5_mobile_det pp_ocrv5_mobile_rec pp_ocrv5_server_det "
    "pp_ocrv5_server_rec pp_ocrv6_medium_det pp_ocrv6_small_det pp_ocrv6_small_rec pp_ocrv6_tiny_rec "
    "prompt_depth_anything pvt pvt_v2 regnet rf_detr sam2_video sam3_tracker_video sam3_video sapiens2 seggpt "
    "swiftformer swin2sr table-transformer textnet time_series_transformer timesformer tipsv2_dpt tvp univnet "
    "upernet uvdoc videomt vitdet xclip xcodec xcodec2 yoso zoedepth".split()
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
