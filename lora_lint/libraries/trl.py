"""TRL: its trainers, their arguments, and functions that return their arguments."""

from __future__ import annotations

import re

from lora_lint.interpreter.values import Arguments, Const, ListVal, Object, Opaque, Val
from lora_lint.knowledge.training_arguments import INTO_CONFIG, MOVED
from lora_lint.libraries import marks, transformers
from lora_lint.libraries.context import view_of
from lora_lint.libraries.convert import is_none, text_of
from lora_lint.run.events import Resize
from lora_lint.run.run import EarlyImport
from lora_lint.run.versions import Pin
from lora_lint.source import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lora_lint.libraries.context import Context, Handler
    from lora_lint.run.run import Method
    from lora_lint.run.versions import Version


METHODS: dict[str, Method] = {
    "SFTTrainer": "supervised",
    **dict.fromkeys(
        ("DPOTrainer", "KTOTrainer", "ORPOTrainer", "CPOTrainer", "IPOTrainer", "BCOTrainer"), "preference"
    ),
    **dict.fromkeys(("RewardTrainer", "PRMTrainer", "XPOTrainer", "NashMDTrainer", "OnlineDPOTrainer"), "preference"),
    **dict.fromkeys(
        ("PPOTrainer", "PPOv2Trainer", "GRPOTrainer", "RLOOTrainer", "DDPOTrainer", "AlignPropTrainer"), "rl"
    ),
}
"""The kind of training that each trainer does."""

LOADERS = {"RewardTrainer": "AutoModelForSequenceClassification"}
"""The class that loads a model which a trainer gets by name, if it has another head (TRL 1.16, reward_trainer.py)."""


_LOST = {"SFTTrainer": ("infinite",)}
"""Arguments that left a trainer with those that moved into its config, which does not have them."""
_OF_CHATS = r"(?i)instruct|chat|-it\b"
"""In the names of models whose tokenizers have a chat template."""
_TOKENIZER_GONE: Version = (0, 16, 0)
"""Every trainer took `tokenizer`, at the end through a decorator that renamed it."""


def pin_of_call(trainer: str, arguments: Arguments) -> Pin | None:
    """The TRL version that a call of a trainer was written for, if it has arguments that later versions do not take."""
    gone = dict.fromkeys((*INTO_CONFIG.get(trainer, ()), *_LOST.get(trainer, ())), MOVED)
    if trainer in METHODS and trainer != "PPOTrainer":
        gone["tokenizer"] = _TOKENIZER_GONE
    given = [(gone[keyword], keyword) for keyword in arguments.keywords if keyword in gone]
    return Pin(min(given)[0], f"{min(given)[1]}=", f"the call of {trainer}") if given else None


def is_replaced(context: Context) -> bool:
    """Whether a program has unsloth, which replaces TRL's trainers and configs by its own, which take old keywords too
    (unsloth 2026.10.9, trainer.py)."""
    main = context.machine.main
    return main is not None and b"unsloth" in main.source.utf8


_IMPORTS = rb"(?m)^[ \t]*(?:from|import)[ \t]+([\w.]+)"
_OF_TRAINER = rb"(?m)^from[ \t]+trl[\w.]*[ \t]+import[ \t]*(?:\([^)]*?\b%s\b|[^\n(]*?\b%s\b)"


def imported_early(context: Context, trainer: str) -> EarlyImport | None:
    """Where a program imports a trainer of TRL by its name before unsloth, which then replaces it in TRL alone (unsloth
    2026.10.9, _gpu_init.py and models/rl.py). Not where a module of the project may import unsloth before that."""
    main = context.machine.main
    if main is None or trainer not in METHODS or not is_replaced(context):
        return None
    text, name = main.source.utf8, trainer.encode()
    found = re.search(_OF_TRAINER % (name, name), text)
    if found is None:
        return None
    tops = [(each.start(), each[1].partition(b".")[0].decode()) for each in re.finditer(_IMPORTS, text)]
    before = [top for start, top in tops if start < found.start()]
    after = [top for start, top in tops if start > found.start()]
    if "unsloth" in before or "unsloth" not in after or not all(map(marks.is_library, before)):
        return None
    return EarlyImport("TRL", "unsloth", Span(main.source.path, *found.span()))


def has_no_reference(trainer: str, arguments: Arguments, settings: Val | None) -> bool:
    """Whether DPO has to find its reference itself: neither a model nor an adapter is given as one."""
    if trainer != "DPOTrainer" or arguments.open or not is_none(arguments.get("ref_model", 1) or Const(None)):
        return False
    options = settings.arguments if isinstance(settings, Object) else None
    return "ref_adapter_name" not in arguments.keywords and (
        options is not None and not options.open and "ref_adapter_name" not in options.keywords
    )


def refused_reference(trainer: str, arguments: Arguments, settings: Val | None) -> Span | None:
    """Where DPO is given a reference model, without a word that it shall be used: not where that is not known."""
    options = settings.arguments if isinstance(settings, Object) else None
    given = arguments.get("ref_model", 1)
    if trainer != "DPOTrainer" or arguments.open or options is None or options.open:
        return None
    told = "force_use_ref_model" in arguments.keywords or "force_use_ref_model" in options.keywords
    is_model = view_of(given) is not None or (isinstance(given, Const) and isinstance(given.value, str))
    return arguments.span("ref_model", 1) if is_model and not told else None


def with_tokenizer(context: Context, name: str, arguments: Arguments, span: Span) -> Val:
    """`setup_chat_format(model, tokenizer)` adds the tokens of ChatML, resizes the embeddings, and returns both (TRL,
    models/utils.py, until it was removed). From 0.12 on it refuses a tokenizer that has a template, as those of chat
    models have."""
    view = view_of(arguments.get("model", 0))
    if view is not None:
        emptied = b".chat_template =" in context.records.text
        if emptied or not re.search(_OF_CHATS, text_of(view.record.name) or ""):
            context.happen(view.record, Resize(span, tokens=("<|im_start|>", "<|im_end|>")))
    model = arguments.get("model", 0) or Opaque("the model is not given", span)
    return ListVal([model, arguments.get("tokenizer", 1) or Object("tokenizer", arguments, span)], span, "tuple")


ARGUMENTS = frozenset(
    "SFTConfig DPOConfig KTOConfig ORPOConfig CPOConfig BCOConfig RewardConfig PPOConfig PPOv2Config GRPOConfig "
    "RLOOConfig OnlineDPOConfig NashMDConfig XPOConfig PRMConfig DDPOConfig AlignPropConfig GKDConfig "
    "IterativeSFTConfig".split()
)
"""Classes of training arguments."""

CALLS: dict[str, Handler] = {
    "TrlParser": transformers.options_parser,
    "setup_chat_format": with_tokenizer,
    "get_peft_config": lambda context, name, arguments, span: Opaque("TRL's command line sets it", span),
}
