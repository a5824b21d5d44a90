"""Five faults that a training does not show, found before its first step."""

from __future__ import annotations

import copy
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from peft import LoraConfig, get_peft_model, inject_adapter_in_model
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    Qwen3NextConfig,
    Qwen3NextForCausalLM,
    Trainer,
    TrainingArguments,
)

import lora_lint
from tests.guarding.models import SIZES

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def base(places: dict[str, Path]) -> Any:
    return AutoModelForCausalLM.from_pretrained(places["llama"])


def lora(**settings: Any) -> LoraConfig:
    return LoraConfig(**{"r": 8, "lora_alpha": 16, "target_modules": "all-linear", **settings})


def codes(report: Any) -> list[str]:
    return [each.code for each in report.findings]


def optimizer_of(parameters: Any) -> torch.optim.Optimizer:
    return torch.optim.AdamW(parameters, lr=2e-4)


def raised(target: Any, **options: Any) -> Any:
    """The report of the error that a check raises."""
    with pytest.raises(lora_lint.LoraLintError) as caught:
        lora_lint.check(target, **options)
    return caught.value.report


def test_partial_targets(base: Any) -> None:
    report = raised(get_peft_model(base, lora(target_modules=["q_proj", "query_key_value"])))
    [finding] = report.findings
    assert (finding.code, finding.name, finding.level) == ("LL202", "unmatched-target-module", "error")
    assert "`query_key_value` is not in" in finding.message
    targets = report.facts["adapters"]["default"]["targets"]
    assert targets["query_key_value"] == []
    assert targets["q_proj"] == [f"model.layers.{layer}.self_attn.q_proj" for layer in (0, 1)]


def test_new_tokens_untrained(base: Any, places: dict[str, Path]) -> None:
    tokenizer = AutoTokenizer.from_pretrained(places["llama"])
    tokenizer.add_tokens(["<tool>"])
    base.resize_token_embeddings(len(tokenizer))
    arguments = TrainingArguments("out", learning_rate=2e-4, report_to="none")
    trainer = Trainer(model=get_peft_model(base, lora()), args=arguments, processing_class=tokenizer)
    [finding] = raised(trainer).findings
    assert finding.code == "LL407"
    assert "The token `<tool>` is added" in finding.message


def test_rows_that_only_pad_are_no_tokens(base: Any, places: dict[str, Path]) -> None:
    tokenizer = AutoTokenizer.from_pretrained(places["llama"])
    base.resize_token_embeddings(len(tokenizer), pad_to_multiple_of=64)
    model = get_peft_model(base, lora())
    assert lora_lint.check(model).findings == ()
    assert lora_lint.check(model, tokenizer=tokenizer).findings == ()


def test_the_adapter_is_not_in_the_optimizer(base: Any) -> None:
    optimizer = optimizer_of(base.parameters())
    model = get_peft_model(base, lora())
    [finding] = raised((model, optimizer)).findings
    assert (finding.code, finding.level) == ("LL417", "error")
    assert raised(model, optimizer=optimizer).findings == (finding,)


def test_a_part_of_the_adapter_is_not_in_the_optimizer(base: Any) -> None:
    model = get_peft_model(base, lora())
    trainable = [each for each in model.parameters() if each.requires_grad]
    report = raised((model, optimizer_of(trainable[:20])))
    [finding] = report.findings
    assert finding.code == "LL417"
    assert "8 of the adapter's 28 trainable parameters are not in the optimizer" in finding.message
    assert len(report.facts["optimizer"]["missing"]) == 8


@pytest.mark.filterwarnings("ignore:optimizer contains a parameter group with duplicate")
def test_a_part_of_the_adapter_is_in_the_optimizer_twice(base: Any) -> None:
    model = get_peft_model(base, lora())
    trainable = [each for each in model.parameters() if each.requires_grad]
    [finding] = raised((model, optimizer_of([*trainable, trainable[0]]))).findings
    assert finding.code == "LL417"
    assert "1 parameter of the adapter more than once" in finding.message


def test_a_second_adapter_is_inactive(base: Any) -> None:
    model = get_peft_model(base, lora())
    model.add_adapter("second", lora())
    [finding] = raised(model).findings
    assert (finding.code, finding.level) == ("LL415", "error")
    assert "`second` is saved untrained" in finding.message
    model.set_adapter("second")
    assert lora_lint.check(model).findings == ()


@pytest.mark.parametrize("name", ["ref", "reference"])
def test_a_reference_is_meant_to_be_inactive(base: Any, name: str) -> None:
    model = get_peft_model(base, lora())
    model.add_adapter(name, lora())
    assert lora_lint.check(model).findings == ()


def test_a_wrong_scale_in_the_config(base: Any) -> None:
    report = lora_lint.check(get_peft_model(base, lora(r=32, lora_alpha=1)))
    assert [each.code for each in report.findings] == ["LL104"]
    assert raised(get_peft_model(base.base_model, lora(lora_alpha=0))).findings[0].code == "LL105"


def test_a_wrong_scale_in_the_layers(base: Any) -> None:
    model = get_peft_model(base, lora())
    model.base_model.model.model.layers[1].self_attn.q_proj.set_scale("default", 4)
    report = lora_lint.check(model)
    assert [each.code for each in report.findings] == ["LL705"]
    assert "8 in `model.layers.1.self_attn.q_proj`, and 2 by the config" in report.findings[0].message
    assert report.facts["adapters"]["default"]["scales"] == {"2": 13, "8": 1}


@pytest.mark.parametrize(
    ("norms", "frozen", "code"),
    [(torch.bfloat16, False, "LL405"), (torch.float32, False, None), (torch.float32, True, "LL404")],
)
def test_k_bit_preparation(base: Any, norms: torch.dtype, frozen: bool, code: str | None) -> None:
    """bitsandbytes needs a GPU, so the model is only marked as quantized."""
    model = get_peft_model(base.to(torch.bfloat16), lora())
    base.is_loaded_in_4bit = True
    for name, each in model.named_parameters():
        if "norm" in name:
            each.data = each.data.to(norms)
        each.requires_grad = each.requires_grad and not frozen
    report = lora_lint.check(model, fail_on="never")
    assert [each.code for each in report.findings] == ([code] if code else [])


@pytest.mark.parametrize(
    ("code", "fault", "repair"),
    [
        ("LL804", {"modules_to_save": ["up_proj"]}, {"modules_to_save": ["norm"]}),
        ("LL805", {"init_lora_weights": "pissa"}, {"init_lora_weights": True}),
    ],
)
def test_settings_for_a_quantized_base(base: Any, code: str, fault: Any, repair: Any) -> None:
    base.is_loaded_in_4bit = True

    def found(settings: Any) -> list[str]:
        model = get_peft_model(copy.deepcopy(base), lora(target_modules=["q_proj"], **settings))
        return codes(lora_lint.check(model, fail_on="never"))

    assert (code in found(fault), code in found(repair)) == (True, False)


@pytest.mark.parametrize("quantized", [True, False])
def test_a_quantized_base_in_flat_shards(base: Any, quantized: bool) -> None:
    """FSDP 1 needs processes, so its marks are put on the parameters."""
    model = get_peft_model(base, lora())
    base.is_loaded_in_8bit = quantized
    for each in model.parameters():
        each._fsdp_flattened = True
    assert ("LL801" in codes(lora_lint.check(model, fail_on="never"))) == quantized


@pytest.mark.parametrize("devices", [2, 1])
def test_a_model_is_spread_in_each_of_two_processes(base: Any, devices: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model = get_peft_model(base, lora())
    trainer = Trainer(model=model, args=TrainingArguments("out", learning_rate=2e-4, report_to="none"))
    base.hf_device_map = {f"model.layers.{layer}": layer % devices for layer in (0, 1)}
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    assert ("LL802" in codes(lora_lint.check(trainer, fail_on="never"))) == (devices > 1)


@pytest.mark.parametrize(
    ("targets", "uneven"), [(["q_proj", "v_proj"], True), (["q_proj", "v_proj", "in_proj_qkvz", "out_proj"], False)]
)
def test_layers_whose_modules_have_other_names(targets: list[str], uneven: bool) -> None:
    sizes = {**SIZES, "num_hidden_layers": 4, "num_key_value_heads": 2, "head_dim": 16}
    experts = {"num_experts": 2, "moe_intermediate_size": 32, "shared_expert_intermediate_size": 32}
    linear = {f"linear_{name}": 4 for name in ("num_value_heads", "num_key_heads", "key_head_dim", "value_head_dim")}
    model = Qwen3NextForCausalLM(Qwen3NextConfig(**sizes, **experts, **linear))
    report = lora_lint.check(get_peft_model(model, lora(target_modules=targets)), fail_on="never")
    assert ("LL214" in codes(report)) == uneven


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpointing_without_an_input_gradient(base: Any, reentrant: bool) -> None:
    """transformers 5.23 makes the inputs require gradients itself; older versions leave it to the program."""
    model = get_peft_model(base, lora())
    base.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": reentrant})
    base.disable_input_require_grads()
    found = lora_lint.check(model, fail_on="never").findings
    assert [each.code for each in found] == (["LL411"] if reentrant else [])
    base.enable_input_require_grads()
    assert lora_lint.check(model).findings == ()


def test_adapters_that_are_injected(base: Any) -> None:
    """transformers' own method and PEFT's injection give no PeftModel."""
    base.add_adapter(lora(target_modules=["q_proj", "query"]))
    assert [each.code for each in raised(base).findings] == ["LL202"]


def test_a_model_of_the_users_own() -> None:
    own = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    model = inject_adapter_in_model(lora(r=2, lora_alpha=4, target_modules=["0", "7"]), own)
    [finding] = raised(model).findings
    assert finding.code == "LL202"
    assert "`7` is not in Sequential" in finding.message


def test_a_model_inside_another_module(base: Any) -> None:
    """As a LightningModule has it: the parts beside the adapted model may train."""
    module = torch.nn.ModuleDict({"model": get_peft_model(base, lora()), "head": torch.nn.Linear(4, 4)})
    assert lora_lint.check(module).findings == ()


def test_lightning(base: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lightning is not installed here; its callbacks are called as its trainer does."""
    monkeypatch.setitem(sys.modules, "lightning.pytorch", SimpleNamespace(Callback=object))
    module = torch.nn.ModuleDict({"model": get_peft_model(base, lora(target_modules=["q_proj", "query"]))})
    optimizer = optimizer_of([each for each in module.parameters() if each.requires_grad])
    trainer = SimpleNamespace(lightning_module=module, optimizers=[optimizer])
    callback = lora_lint.lightning_guard()
    with pytest.raises(lora_lint.LoraLintError, match="LL202"):
        callback.on_train_start(trainer, module)
    callback = lora_lint.lightning_guard(ignore=["LL202"])
    callback.on_train_start(trainer, module)
    with pytest.raises(lora_lint.LoraLintError, match="no `lora_B` of 2 has a gradient"):
        callback.on_before_optimizer_step(trainer, module, optimizer)
