"""The checks: pure functions from a run (or a sweep) and the rule's options to findings.

A rule may check runs and sweeps. The engine reports LL900 and LL910.
"""

from __future__ import annotations

from functools import partial

from lora_lint.rules import (
    adapters,
    beside,
    bits,
    capacity,
    conversations,
    coverage,
    devices,
    experts,
    files,
    filters,
    heads,
    imports,
    labels,
    life,
    optimisation,
    precision,
    refusals,
    refused,
    reloading,
    scaling,
    targets,
    tied,
    tokens,
    trainability,
    wrapping,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from lora_lint.finding import Finding
    from lora_lint.run.given import Given
    from lora_lint.run.run import Run, Sweep

    Options = Mapping[str, Any]

RUN_CHECKS: dict[str, Callable[[Run, Options], Iterable[Finding]]] = {
    "LL102": scaling.rslora_off_high_rank,
    "LL103": scaling.rslora_scale_jump,
    "LL104": scaling.scale_out_of_range,
    "LL105": scaling.zero_scale,
    "LL106": scaling.rank_pattern_without_alpha,
    "LL109": filters.pattern_matches_nothing,
    "LL201": targets.no_target_match,
    "LL202": targets.unmatched_target_module,
    "LL203": targets.regex_in_target_list,
    "LL204": targets.all_linear_in_list,
    "LL205": filters.no_default_targets,
    "LL206": experts.moe_experts_not_adapted,
    "LL207": experts.moe_lora_dropout,
    "LL208": coverage.vision_tower_adapted,
    "LL209": coverage.embedding_or_head_targeted,
    "LL210": filters.layers_out_of_range,
    "LL211": filters.modules_to_save_unmatched,
    "LL212": filters.target_and_save_overlap,
    "LL213": coverage.attention_only_targets,
    "LL214": coverage.uneven_layer_coverage,
    "LL215": experts.router_adapted,
    "LL216": refused.unsupported_target,
    "LL301": capacity.rank_too_high_for_data,
    "LL302": capacity.rank_exceeds_dimension,
    "LL303": capacity.rank_too_low_for_task,
    "LL304": capacity.does_not_fit,
    "LL401": trainability.base_params_trainable,
    "LL402": trainability.adapter_loaded_frozen,
    "LL403": trainability.inference_mode_training,
    "LL404": trainability.kbit_prepare_after_wrap,
    "LL405": wrapping.kbit_prepare_missing,
    "LL406": heads.classifier_head_frozen,
    "LL407": tokens.new_tokens_untrained,
    "LL408": trainability.sweep_reuses_base_model,
    "LL409": wrapping.wrap_then_load,
    "LL410": trainability.unfrozen_not_saved,
    "LL411": wrapping.input_grads_missing,
    "LL412": wrapping.adapter_config_twice,
    "LL413": wrapping.identity_init_off,
    "LL414": life.wrap_over_adapter,
    "LL415": life.adapter_not_active,
    "LL416": life.adapter_frozen_after_wrap,
    "LL417": life.optimizer_before_wrap,
    "LL418": heads.wrong_task_type,
    "LL419": life.resume_of_add_adapter,
    "LL420": labels.all_labels_masked,
    "LL421": conversations.no_chat_template,
    "LL422": imports.imported_early,
    "LL423": labels.end_token_masked,
    "LL424": labels.padding_trained,
    "LL425": conversations.start_token_twice,
    "LL501": optimisation.full_finetune_learning_rate,
    "LL502": optimisation.learning_rate_too_high,
    "LL503": optimisation.loraplus_not_supported,
    "LL504": optimisation.dora_cost,
    "LL505": optimisation.reference_is_base,
    "LL506": optimisation.warmup_outlasts_run,
    "LL601": adapters.merge_into_quantized,
    "LL602": adapters.serve_incompatible,
    "LL603": tied.tied_embeddings_adapted,
    "LL604": life.merge_result_dropped,
    "LL605": life.compiled_before_wrap,
    "LL606": beside.init_changes_base,
    "LL607": reloading.load_shape_mismatch,
    "LL608": life.untrained_adapter_evaluated,
    "LL609": beside.weighted_merge_loses_scale,
    "LL701": adapters.adapter_rank_mismatch,
    "LL702": adapters.adapter_untrained,
    "LL703": adapters.adapter_empty_tensors,
    "LL704": adapters.adapter_base_mismatch,
    "LL705": adapters.adapter_scale_edited,
    "LL706": adapters.base_weights_saved,
    "LL707": adapters.adapter_base_differs,
    "LL801": devices.quantized_base_sharded,
    "LL802": devices.device_map_in_distributed,
    "LL803": heads.fp16_copies_trained,
    "LL804": bits.saved_module_quantized,
    "LL805": bits.init_needs_full_weights,
    "LL806": precision.adapter_in_half_precision,
    "LL901": files.unknown_config_key,
    "LL902": files.invalid_value,
    "LL903": files.mutating_call_result,
    "LL904": refusals.refused_combination,
    "LL905": refusals.setting_without_effect,
}

GIVEN_CHECKS: dict[str, Callable[[Given, Options], Iterable[Finding]]] = {
    "LL904": refusals.refused_settings,
    "LL905": refusals.ignored_settings,
}
"""Checks of a framework's settings that train no LoRA."""


def _of_sweep(code: str, sweep: Sweep, options: Options) -> Iterable[Finding]:
    from lora_lint.rules.sweeps import CHECKS  # few files have sweeps

    return CHECKS[code](sweep, options)


SWEEP_CHECKS: dict[str, Callable[[Sweep, Options], Iterable[Finding]]] = {
    code: partial(_of_sweep, code) for code in ("LL101", "LL103", "LL104", "LL107")
}
