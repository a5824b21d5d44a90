"""What servers and converters of adapters accept, read in their sources on 2026-11-29."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lora_lint.records import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Server:
    """A program that loads adapters, with the version that was read and where.

    `refuses` says what it raises for and `loses` what it silently leaves out, by setting. `ranks` is the highest rank
    that it can be configured for and `usual_rank` its default, None if it accepts any. `own_format`: it reads no
    adapter of PEFT's, only those of `framework`. `takes_adapters`: it takes an adapter's folder as the model;
    `adapter_option` says where it takes one. `only_lists`: it takes no regular expression as the targets.
    `only_folders`: it takes an adapter's folder, not the file of its weights. `own_library`: it has names of its own
    for models. `bases` are the only types of base models whose adapters it converts, if not empty. `keeps` are full
    modules that it does load.
    """

    title: str
    version: str
    source: str
    refuses: Mapping[str, str] = field(default_factory=dict)
    loses: Mapping[str, str] = field(default_factory=dict)
    ranks: int | None = None
    usual_rank: int | None = None
    rank_option: str = ""
    own_format: str = ""
    framework: str = ""
    takes_adapters: bool = False
    adapter_option: str = ""
    only_lists: bool = False
    only_folders: bool = False
    own_library: bool = False
    bases: frozenset[str] = frozenset()
    keeps: frozenset[str] = frozenset()
    towers_option: str = ""
    """The option without which it leaves out what is adapted in vision towers."""


_WHOLE = "contains full modules, which it does not load"
_MAGNITUDES = "is on, and it loads no magnitudes"
_BIASES = "adds biases, which it does not load"
_UNROOTED = "is on, and it scales by alpha/r: the adapter acts sqrt(r) times too weakly"

VLLM = Server(
    "vLLM",
    "0.11 to 0.33",
    "vllm/lora/peft_helper.py (validate_legal, _validate_features), vllm/lora/lora_model.py, vllm/lora/utils.py "
    "(parse_fine_tuned_lora_name), vllm/lora/model_manager.py (_maybe_init_mm, _filter_unsupported_mm_module in older "
    "ones), vllm/config/lora.py",
    {
        "use_dora": "is on, which it does not have",
        "modules_to_save": _WHOLE,
        "bias": _BIASES,
        "target_parameters": "adapts parameters that are not modules, which it does not support",
        "trainable_token_indices": "trains single tokens, whose weights it does not know",
    },
    ranks=512,
    usual_rank=16,
    rank_option="--max-lora-rank",
    towers_option="--enable-tower-connector-lora",
    adapter_option="--enable-lora --lora-modules name=folder",
    keeps=frozenset({"classifier", "score"}),
)
SGLANG = Server(
    "SGLang",
    "0.5.23",
    "sglang/srt/lora/lora_manager.py (validate_new_adapter, init_lora_shapes), lora.py (scaling, _process_weight)",
    {"use_dora": "is on, which it does not have"},
    {"use_rslora": _UNROOTED, "modules_to_save": _WHOLE},
    rank_option="--max-lora-rank",
    only_lists=True,
)
TGI = Server(
    "text-generation-inference",
    "3.3.6",
    "server/text_generation_server/adapters/lora.py (map_weights_for_model, prepare_weights)",
    loses={
        "use_dora": _MAGNITUDES,
        "modules_to_save": _WHOLE,
        "bias": _BIASES,
        "layers_to_transform": "leaves out layers, and it drops a module that is not adapted in each",
    },
    takes_adapters=True,
)
LORAX = Server(
    "LoRAX",
    "a7394ba3",
    "server/lorax_server/adapters/lora.py (map_weights_for_model, prepare_weights)",
    loses=TGI.loses,
)
TENSORRT_LLM = Server(
    "TensorRT-LLM",
    "007e181b",
    "tensorrt_llm/lora_manager.py (HF_LORA_PATTERN, LoraConfig, load_from_hf)",
    {"bias": "adds biases, and it raises a KeyError (unsupported key) at the first"},
    {"alpha_pattern": "gives layers another alpha, and it scales all by `lora_alpha`"},
    usual_rank=64,
    rank_option="--max_lora_rank",
)
LLAMA_CPP = Server(
    "convert_lora_to_gguf.py",
    "0b03adaa",
    "convert_lora_to_gguf.py (get_tensors, set_gguf_parameters); its issue 11554",
    {
        "use_dora": "is on, whose magnitudes its format cannot hold",
        "modules_to_save": "contains full modules, and it exits at the first tensor that is not a lora_A or lora_B",
    },
    {"use_rslora": _UNROOTED, "alpha_pattern": "gives layers another alpha, and its format holds one"},
)
OLLAMA = Server(
    "Ollama",
    "0.33.0",
    "convert/convert.go (ConvertAdapter: llama and gemma2), convert/convert_llama_adapter.go, parser/parser.go "
    "(fileDigestMap)",
    loses={"use_rslora": _UNROOTED, "use_dora": _MAGNITUDES, "alpha_pattern": LLAMA_CPP.loses["alpha_pattern"]},
    only_folders=True,
    own_library=True,
    bases=frozenset({"llama", "mistral", "mixtral", "gemma2"}),
)
MLX = Server(
    "mlx-lm",
    "0.32.2",
    "mlx_lm/tuner/utils.py (load_adapters)",
    framework="mlx_lm",
    own_format="it reads `adapters.safetensors` and `num_layers`, which only its own training writes",
)
SWIFT = Server(
    "ms-swift",
    "4.6.0",
    "swift/arguments/base_args/base_args.py (_init_ckpt_dir), swift/model/utils.py (get_ckpt_dir)",
    adapter_option="--adapters folder",
)
VLLM_OPTIONS = (
    "enable_lora",
    "lora_modules",
    "max_loras",
    "max_lora_rank",
    "max_cpu_loras",
    "lora_dtype",
    "lora_target_modules",
    "default_mm_loras",
    "fully_sharded_loras",
    "enable_tower_connector_lora",
    "specialize_active_lora",
    "enable_mixed_moe_lora_format",
    "enable_moe_shared_loras",
    "max_lora_cls_labels",
    "lora_extra_vocab_size",
    "enable_lora_bias",
    "long_lora_scaling_factors",
    "qlora_adapter_name_or_path",
)
"""Its options for LoRA (vllm/engine/arg_utils.py, vllm/entrypoints/common/cli_args.py), with the last four of older
versions."""
BY_VLLM = frozenset({"swift infer", "swift deploy"})
"""Commands of ms-swift that hand their adapters to vLLM (swift/arguments/deploy_args.py: at most rank 16)."""
MLX_COMMANDS = frozenset(
    f"mlx_lm{between}{name}"
    for name in ("generate", "server", "fuse", "chat", "evaluate", "cache_prompt")
    for between in (".", " ")
)
"""Its commands that load an adapter."""
_OTHERS = ("vllm serve", "sglang serve", "swift export", "text-generation-launcher", "lorax-launcher", "trtllm-build")
COMMANDS = frozenset(each.partition(" ")[::2] for each in (*MLX_COMMANDS, *BY_VLLM, *_OTHERS))
"""The commands that serve, merge or convert adapters, each with its task; "" for one without tasks."""
SERVERS = (VLLM, SGLANG, TGI, LORAX, TENSORRT_LLM, LLAMA_CPP, OLLAMA, MLX, SWIFT)
