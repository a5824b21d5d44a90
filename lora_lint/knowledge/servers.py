"""What servers and converters of adapters accept, read in their sources on 2026-11-29."""

from __future__ import annotations

from lora_lint.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from lora_lint.run.versions import Version


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
    foreign: str = ""
    """Why no other one loads the adapters that its framework trains, and what to do instead."""
    takes_adapters: bool = False
    adapter_option: str = ""
    only_lists: bool = False
    only_folders: bool = False
    own_library: bool = False
    bases: frozenset[str] = frozenset()
    keeps: frozenset[str] = frozenset()
    towers_option: str = ""
    """The option without which it leaves out what is adapted in vision towers."""
    targets_option: str = ""
    """The option that limits the modules which are adapted, and whether it refuses an adapter with others."""
    refuses_targets: bool = False
    package: str = ""
    """Its name on PyPI, whose version a project may pin."""
    lacks: Mapping[str, Version | None] = field(default_factory=dict)
    """The types of base models that it takes no adapters for: all versions, or up to one."""
    experts_since: Version | None = None
    """The first version that takes adapters of the experts in a mixture."""
    paths_since: Version | None = None
    """The first version that takes targets with the names of modules around them."""
    instead: str = "Merge it into the base model, or train it without that"
    """What to do with an adapter that it refuses or loads only in part."""


_WHOLE = "contains full modules, which it does not load"
_MAGNITUDES = "is on, and it loads no magnitudes"
_BIASES = "adds biases, which it does not load"
_UNROOTED = "is on, and it scales by alpha/r: the adapter acts sqrt(r) times too weakly"

_VLLM_LACKS: Mapping[str, Version | None] = dict.fromkeys(
    (
        "aria beam bloom cohere2_moe cohere2_vision cohere_asr cosmos3_edge dbrx deepseek_v32 deepseek_v4 "
        "deepseek_vl_v2 diffusion_gemma dots3_note falcon falcon_mamba flint gemma3n gemma3n_text glm5_next "
        "glm_moe_dsa gpt2 gptj hrm_text hy_v4 inkling_mm_model inkling_text kimi_k25 kimi_linear kimi_vl "
        "llava_onevision mamba mamba2 mimo_v2_flash minimax_m3_vl moss_transcribe_diarize muse_spark ovis ovis2_5 "
        "paddleocr_vl phi3_v qwen2_audio qwen4_exp qwen4_exp_text stablelm step3p7 zamba2"
    ).split()
) | {
    "aya_vision": (0, 24, 0),
    "blip-2": (0, 13, 0),
    "deepseek": (0, 10, 1),
    "deepseek_v2": (0, 10, 1),
    "deepseek_v3": (0, 10, 1),
    "dots1": (0, 10, 0),
    "ernie4_5_moe": (0, 9, 2),
    "gemma4": (0, 19, 1),
    "glm4_moe": (0, 10, 0),
    "gpt_neox": (0, 31, 0),
    "gpt_oss": (0, 11, 0),
    "hunyuan_v1_moe": (0, 9, 2),
    "internvl_chat": (0, 9, 0),
    "llama4": (0, 11, 0),
    "llava": (0, 13, 0),
    "llava_next": (0, 28, 0),
    "llava_next_video": (0, 25, 1),
    "minicpmv4_6": (0, 24, 0),
    "minimax_m2": (0, 14, 1),
    "mistral3": (0, 8, 5),
    "mllama": (0, 10, 2),
    "molmo": (0, 6, 6),
    "nemotron_h_omni": (0, 30, 0),
    "olmo": (0, 10, 1),
    "olmo2": (0, 10, 1),
    "olmoe": (0, 11, 0),
    "opt": (0, 11, 0),
    "paligemma": (0, 13, 0),
    "phi3small": (0, 9, 2),
    "pixtral": (0, 13, 0),
    "qwen2_5_omni": (0, 10, 1),
    "qwen2_moe": (0, 9, 2),
    "qwen3_asr": (0, 19, 1),
    "qwen3_moe": (0, 9, 2),
    "qwen3_omni_moe": (0, 28, 0),
    "starcoder2": (0, 24, 0),
    "voxtral": (0, 10, 1),
    "whisper": (0, 17, 1),
}
"""The types of models whose classes in vLLM take no adapters (no SupportsLoRA in vllm/model_executor/models), up to the
newest version or, of those that have been read, to this one."""
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
    targets_option="--lora-target-modules",
    adapter_option="--enable-lora --lora-modules name=folder",
    keeps=frozenset({"classifier", "score"}),
    package="vllm",
    experts_since=(0, 11, 1),
    lacks=_VLLM_LACKS,
)
SGLANG = Server(
    "SGLang",
    "0.5.23",
    "sglang/srt/lora/lora_manager.py (validate_new_adapter, init_lora_shapes), lora.py (scaling, _process_weight); "
    "0.5.2 to 0.5.10, utils.py (get_normalized_target_modules)",
    {"use_dora": "is on, which it does not have"},
    {"use_rslora": _UNROOTED, "modules_to_save": _WHOLE},
    rank_option="--max-lora-rank",
    only_lists=True,
    targets_option="--lora-target-modules",
    refuses_targets=True,
    package="sglang",
    paths_since=(0, 5, 3),
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
    foreign="its tensors are called `lora_a` and `lora_b`, and are transposed. Fuse it with `mlx_lm.fuse`, and use the "
    "whole model",
)
MLX_GGUF = Server(
    "mlx_lm.fuse --export-gguf",
    "0.32.2",
    "mlx_lm/fuse.py (main)",
    framework=MLX.framework,
    own_format=MLX.own_format,
    bases=frozenset({"llama", "mistral", "mixtral"}),
    instead="Fuse without `--export-gguf`, and convert the fused model with llama.cpp's convert_hf_to_gguf.py",
)
WHOLE_MODELS = Server(
    "convert_hf_to_gguf.py",
    "0b03adaa",
    "convert_hf_to_gguf.py (ModelBase.load_hparams)",
    adapter_option="convert_lora_to_gguf.py folder",
)
LMDEPLOY = Server(
    "LMDeploy",
    "0.16.0",
    "lmdeploy/cli/serve.py (api_server), lmdeploy/archs.py (autoget_backend), lmdeploy/turbomind/supported_models.py",
    adapter_option="--adapters name=folder",
)
TURBOMIND = frozenset(
    "glm4_moe_lite gpt_oss internlm2 internlm3 internvl internvl_chat llama mixtral qwen2 qwen2_5_vl qwen2_moe "
    "qwen2_vl qwen3 qwen3_5 qwen3_5_moe qwen3_moe".split()
)
"""The types of models that LMDeploy serves with its engine TurboMind unless another is asked for."""
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
)
"""Its options for LoRA (vllm/engine/arg_utils.py, vllm/entrypoints/common/cli_args.py)."""
VLLM_GONE = {
    "long_lora_scaling_factors": ((0, 10, 0), "Leave it out"),
    "qlora_adapter_name_or_path": (
        (0, 10, 0),
        "Serve the adapter with `--enable-lora --lora-modules name=folder` beside a base model in 4 bits",
    ),
    "enable_lora_bias": ((0, 11, 1), "Leave it out, and merge adapters that have biases"),
    "lora_extra_vocab_size": ((0, 12, 0), "Leave it out, and merge adapters that have rows for added tokens"),
}
"""Those of older versions, with the first release that lacks each (read in 0.6.6 to 0.33.0, all minor ones to 0.15)."""
VLLM_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""What `--max-lora-rank` may be (vllm/config/lora.py, MaxLoRARanks); versions before 0.11.1 have no 1."""
BY_VLLM = frozenset({"swift infer", "swift deploy"})
"""Commands of ms-swift that hand their adapters to vLLM (swift/arguments/deploy_args.py: at most rank 16)."""
MLX_COMMANDS = frozenset(
    f"mlx_lm{between}{name}"
    for name in ("generate", "server", "fuse", "chat", "evaluate", "cache_prompt")
    for between in (".", " ")
)
"""Its commands that load an adapter."""
MLX_CONVERT = frozenset({"mlx_lm.convert", "mlx_lm convert"})
"""Its command that saves a quantized model, with `-q` (mlx_lm/convert.py)."""
_OTHERS = (
    "lmdeploy serve",
    "lm_eval",
    "lorax-launcher",
    "sglang serve",
    "swift export",
    "text-generation-launcher",
    "trtllm-build",
    "vllm serve",
)
COMMANDS = frozenset(each.partition(" ")[::2] for each in (*MLX_COMMANDS, *BY_VLLM, *_OTHERS))
"""The commands that serve, merge or convert adapters, each with its task; "" for one without tasks."""
IMAGES = {
    "vllm/vllm-openai": ("vllm", "serve"),
    "huggingface/text-generation-inference": ("text-generation-launcher",),
    "predibase/lorax": ("lorax-launcher",),
}
"""What the images of servers start: the entry points in their Dockerfiles."""
SERVERS = (
    VLLM,
    SGLANG,
    TGI,
    LORAX,
    TENSORRT_LLM,
    LLAMA_CPP,
    WHOLE_MODELS,
    OLLAMA,
    MLX,
    MLX_GGUF,
    LMDEPLOY,
    SWIFT,
)
