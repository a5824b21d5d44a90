"""Libraries that load a model in a class of their own: sentence-transformers, SetFit, Flair and timm."""

from __future__ import annotations

import pytest

from lora_lint.linting import engine
from lora_lint.run.values import Unknown
from lora_lint.settings import Settings
from tests.support.reading import only, plain, read_python

IMPORTS = """\
import timm
from flair.embeddings import TransformerWordEmbeddings
from peft import LoraConfig, get_peft_model
from sentence_transformers import CrossEncoder, SentenceTransformer, SentenceTransformerTrainer, models
from setfit import SetFitModel, Trainer, TrainingArguments

config = LoraConfig(r=8, lora_alpha=16, target_modules=["query", "value"])
"""
MINI = "sentence-transformers/all-MiniLM-L6-v2"
BGE = "BAAI/bge-small-en-v1.5"


def findings(program: str) -> dict[str, str]:
    """The messages by code."""
    found = engine.lint_text((IMPORTS + program).encode(), "train.py", Settings()).findings
    return {finding.code: finding.message for finding in found}


@pytest.mark.parametrize(
    ("program", "name", "loader"),
    [
        (f'model = SentenceTransformer("{BGE}")\nmodel.add_adapter(config)', BGE, "AutoModel"),
        ('model = SentenceTransformer("all-MiniLM-L6-v2")\nmodel.add_adapter(config)', MINI, "AutoModel"),
        (
            f'm = SentenceTransformer("{BGE}")\nm[0].auto_model = get_peft_model(m[0].auto_model, config)',
            BGE,
            "AutoModel",
        ),
        (f'm = SentenceTransformer("{BGE}")\nm._first_module().auto_model.add_adapter(config)', BGE, "AutoModel"),
        (f'm = SentenceTransformer("{BGE}")\nget_peft_model(m.transformers_model, config)', BGE, "AutoModel"),
        (
            'w = models.Transformer("roberta-base")\n'
            "m = SentenceTransformer(modules=[w, models.Pooling(w.get_word_embedding_dimension())])\n"
            "m.add_adapter(config)",
            "roberta-base",
            "AutoModel",
        ),
        (
            f'm = CrossEncoder("{BGE}", num_labels=1)\nm.model = get_peft_model(m.model, config)',
            BGE,
            "AutoModelForSequenceClassification",
        ),
        (f'm = SetFitModel.from_pretrained("{MINI}")\nm.model_body.add_adapter(config)', MINI, "AutoModel"),
        (
            f'm = SetFitModel.from_pretrained("{MINI}")\n'
            "m.model_body[0].auto_model = get_peft_model(m.model_body[0].auto_model, config)",
            MINI,
            "AutoModel",
        ),
        (f'TransformerWordEmbeddings("{BGE}", fine_tune=True, peft_config=config)', BGE, "AutoModel"),
        (
            'm = timm.create_model("vit_base_patch16_224", pretrained=True, num_classes=10)\nget_peft_model(m, config)',
            "vit_base_patch16_224",
            "timm.create_model",
        ),
    ],
)
def test_the_model_is_known_to_the_run(program: str, name: str, loader: str) -> None:
    run = only(read_python(IMPORTS + program))
    assert (plain(run.model.name), run.model.loader) == (name, loader)
    assert run.model.edited is False


@pytest.mark.parametrize(
    "program",
    [
        f'm = SentenceTransformer("{BGE}")\nm.add_adapter(LoraConfig(r=8, target_modules=["query", "valeu"]))',
        f'm = CrossEncoder("{BGE}")\nget_peft_model(m.model, LoraConfig(r=8, target_modules=["query", "valeu"]))',
        f'TransformerWordEmbeddings("{BGE}", peft_config=LoraConfig(r=8, target_modules=["query", "valeu"]))',
        'm = timm.create_model("vit_base_patch16_224.augreg_in21k")\n'
        'get_peft_model(m, LoraConfig(r=8, target_modules=["qkv", "valeu"]))',
    ],
)
def test_a_wrong_target(program: str) -> None:
    assert findings(program)["LL202"].startswith("`valeu` ")


def test_the_names_of_timm_are_its_own() -> None:
    program = 'm = timm.create_model("{}")\nget_peft_model(m, LoraConfig(r=8, target_modules=["{}"]))'
    assert (
        "The model has `qkv`, `proj`, `fc1`, `fc2`"
        in findings(program.format("vit_base_patch16_224", "query"))["LL201"]
    )
    for model, target in (
        ("vit_base_patch16_224", "qkv"),
        ("swin_base_patch4_window7_224", "reduction"),
        ("convnext_base", "conv_dw"),
        ("vit_base_patch16_siglip_224", "kv"),
        ("resnet50", "conv2"),
    ):
        assert findings(program.format(model, target)) == {}, model


def test_only_the_encoder_of_a_t5_is_loaded() -> None:
    run = only(read_python(f'{IMPORTS}m = SentenceTransformer("google/t5-v1_1-base")\nm.add_adapter(config)'))
    assert plain(run.model.name) is Unknown


def test_the_arguments_of_setfit_are_its_own() -> None:
    program = (
        f'm = SetFitModel.from_pretrained("{MINI}")\nm.model_body.add_adapter(config)\n'
        "args = TrainingArguments(batch_size=16, num_epochs=1, body_learning_rate=2e-4)\n"
        "Trainer(model=m, args=args, train_dataset=data).train()\n"
    )
    run = only(read_python(IMPORTS + program))
    assert plain(run.training.learning_rate) is Unknown
    assert findings(program) == {}


def test_the_trainer_of_an_encoder() -> None:
    program = (
        f'model = SentenceTransformer("{BGE}", model_kwargs={{"load_in_8bit": True}})\nmodel.add_adapter(config)\n'
        "SentenceTransformerTrainer(model=model, train_dataset=data).train()\n"
    )
    run = only(read_python(IMPORTS + program))
    assert (run.training.trainer, run.trained) == ("SentenceTransformerTrainer", True)
    assert plain(run.model.quantization) == "8bit"
