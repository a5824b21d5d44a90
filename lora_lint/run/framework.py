"""The record of a framework: all that rules, fixes, recommendations and reports ask about it.

It contains only facts and stands below everything that uses it. Reading is done in the framework's module.
"""

from __future__ import annotations

from lora_lint.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Literal

    from lora_lint.run.run import Method
    from lora_lint.run.versions import Version
    from lora_lint.source import FileKind

    Avoided = Literal["mamba-module", "expert-dropout", "vision-tower"]
    Spelling = Literal["flags", "dotted"]
    """`--lora_r 8`, or `model.lora_rank=8`."""


TRAINER_KEYS: Mapping[str, str] = {
    "optimizer": "optim",
    "learning_rate": "learning_rate",
    "epochs": "num_train_epochs",
    "max_steps": "max_steps",
    "batch_size": "per_device_train_batch_size",
    "accumulation": "gradient_accumulation_steps",
    "warmup": "warmup_steps",
    "schedule": "lr_scheduler_type",
}
"""What transformers' training arguments call the settings of a training (5.23, training_args.py). The frameworks that
pass their own on to them use the same names."""

TRAINER_DEFAULTS: Mapping[str, Any] = {
    "optimizer": "adamw_torch",
    "learning_rate": 5e-5,
    "epochs": 3,
    "batch_size": 8,
    "accumulation": 1,
}
"""What they are where nothing is given, in frameworks whose transformers does not fuse the optimizer yet."""

DIFFUSERS_KEYS: Mapping[str, str] = {
    "model": "pretrained_model_name_or_path",
    "optimizer": "optimizer",
    "learning_rate": "learning_rate",
    "epochs": "num_train_epochs",
    "max_steps": "max_train_steps",
    "batch_size": "train_batch_size",
    "accumulation": "gradient_accumulation_steps",
}
"""What diffusers' training scripts (0.42, examples) call the model and the settings of a training; programs that began
as one of them kept the names."""


@dataclass(frozen=True)
class CommandLine:
    """One way to start a framework's training from a command line. `name` is the complete name of a command; for a
    module an expression for its complete dotted name, for a script one for the end of its path.

    `config` says where the command names its configuration file, and `beside` how settings next to one are spelt;
    `alone` how all settings are given without a file, None where it needs one.
    """

    kind: Literal["command", "module", "script"]
    name: str
    tasks: tuple[str, ...] = ()
    """The first arguments with which it trains; none where every call trains. A script has its task in a group of the
    expression."""
    methods: Mapping[str, Method] = field(default_factory=dict)
    """What is trained, by task, where the settings do not say."""
    config: Literal["first", "option"] | None = None
    option: str = "config"
    """The option that names it."""
    suffix: str = ""
    """The end of its name, if a command may leave it out."""
    beside: Spelling = "flags"
    shipped: tuple[str, ...] = ()
    """The folders of bundled configuration files, which are named without their suffix."""
    component: str | None = None
    """The key that is meant where a whole section is given a name."""
    alone: Spelling | None = "flags"
    implied: Mapping[str, Any] = field(default_factory=dict)
    """Settings that the command itself adds."""
    says: Mapping[str, Any] = field(default_factory=dict)
    """What is known of a training by the command alone, under names that no file has."""
    usual: bool = True
    """Its defaults are those of the files; scripts derived from it may have others."""
    checked: bool = True
    """It refuses what the framework's table says; others have their own arguments."""
    takes: str = ""
    """The part of the framework's schema with the keys that it takes, where those are not all that files may have."""
    instead: str = "Leave it out"
    """What to do about a key that it does not take."""
    lenient: str = ""
    """The environment variable that makes it ignore such a key."""
    idle: tuple[str, str] | None = None
    """A key that has no effect in this command, and what does what it asks for; only in files that ask this command for
    nothing else: none of `busy`."""
    busy: tuple[str, ...] = ()
    needs: str = ""
    """The option without which a script of this name is another program's."""
    followed: bool = False
    """A script that users copy and change: where the project has it, it is followed, and the record does not count."""


@dataclass(frozen=True, eq=False)
class Framework:
    """One framework: how its configurations spell a run, and what it makes of them.

    `name` is that of its module and `Run.dialect`, `title` what people call it, `source` what was read to know all
    this: a release of a package, a commit or a page. `keys` maps each setting that it has, in PEFT's vocabulary
    (`run.Adapter`), to its own spelling; a setting that is not there cannot be given. `defaults` holds its values for
    those that a file leaves out.
    """

    name: str
    title: str
    source: str
    keys: Mapping[str, str]
    version: Version = ()
    """The release that was read, if it was one."""
    requires: bool = False
    """It loads models with transformers, and a module `NAME_requires` beside its own has the releases of the libraries
    below it that its own releases ask for."""
    other_keys: Mapping[str, str] = field(default_factory=dict)
    """The same for settings of the model and the training: `model`, `learning_rate`, `epochs` …"""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    kinds: tuple[FileKind, ...] = ()
    """The kinds of its configuration files; none where its runs are written in programs alone."""
    marks: tuple[tuple[bytes, ...], ...] = ()
    """Words that each of these files contains: all words of one of the groups, whatever it trains."""
    last_resort: bool = False
    """It reads a file only if no other framework recognises it."""
    tells: tuple[bytes, ...] = ()
    """Words that make a file worth reading although nothing in it mentions lora: it trains LoRA by default, or is
    refused as if it did."""
    commands: tuple[CommandLine, ...] = ()
    packages: tuple[str, ...] = ()
    """What requirements call it: its package and its repository, in lower case with dashes."""
    script: tuple[str, str, bytes] | None = None
    """What its repository is known by if it is no package: a script, a folder beside it, and a text in the script."""
    tells_in_commands: tuple[bytes, ...] = ()
    """Expressions for commands that train LoRA unless they, or a configuration file, say otherwise."""
    method: Method = "unknown"
    """What its files train, where they do not say."""
    own_names: bool = False
    """Its targets are names of modules that it builds itself."""
    adapts: str = "PEFT"
    """Who puts the adapter on the model: facts about PEFT apply only where PEFT does."""
    direct: bool = False
    """The user's program calls PEFT, transformers and TRL itself: their versions and calls are the user's."""
    every_layer: str | None = "all-linear"
    """The targets that stand for all linear layers; None where each layer has to be named."""
    shorthand_in_list: bool = False
    """A list with "all-linear" alone stands for all linear layers as well."""
    passes_on: bool = False
    """It passes "all-linear" on to PEFT; the others find the linear layers themselves."""
    usual_scale: float = 1.0
    """The default of a setting that is the scale itself; 1 where there is no such setting."""
    whole_alpha: bool = False
    """Alpha has to be a whole number."""
    regex_targets: bool = False
    """A string as the targets is one regex for whole paths."""
    avoids: frozenset[Avoided] = frozenset()
    """What it leaves out by itself: modules that PEFT would refuse, or that are seldom meant."""
    names_tokens: bool = False
    """A run shows which tokens are added."""
    on_new_tokens: str = ""
    """What the framework itself does about tokens whose embeddings stay frozen."""
    refuses_second_adapter: bool = False
    """It puts no adapter on a model that already has one."""
    merges: str = ""
    """How a program has it add an adapter to weights that are not quantized."""
    refuses_loftq: bool = False
    """It refuses to initialise an adapter on a quantized model with LoftQ."""
    refuses_sharded: bool = False
    """It refuses to shard a base that is quantized in any way other than by bitsandbytes in 4 bits."""
    reader_unknown: bool = False
    """Any program may read its files, in its own way."""
    searches: bool = False
    """A run is one of many that a file tries: no value in it is the final one."""
    parts: frozenset[str] = frozenset()
    """Target names that stand for parts of a model, whose modules it finds itself."""
    signature: str | None = None
    """The function whose defaults take precedence over those of PEFT's config."""
    every_layer_switch: str | None = None
    """The key that adapts all linear layers where no target is named."""
    commas: bool = False
    """Several targets are one comma-separated string."""
    one_is_regex: bool = False
    """A list with one target is passed on as a string, which PEFT takes for a regex for whole paths."""
    says_lora: Mapping[str, Any] = field(default_factory=dict)
    """The key that shows, in a file, that LoRA is trained."""
    says_other: Mapping[str, Any] = field(default_factory=dict)
    """The key that shows that something else is trained, for one that trains LoRA by default."""
    alpha_of_rank: int = 0
    """Where alpha is left out, it is so many times the rank."""
    recommended: tuple[str, ...] = ()
    """The settings that a recommendation gives, in the order of the file; none if recommendations are not written for
    it."""
    unknown_keys: str = "is ignored"
    """How it treats an unknown key."""
    refuses_unknown: bool = False
    """All its versions have refused every unknown key, so its files have no keys of the users' own."""
    sections: Mapping[str, str] | None = field(default_factory=dict)
    """The sections of its files with keys of their own, by dotted path, and the definition of each in its schema; all
    other keys are at the top. None: where its keys belong is not described."""
    synonyms: Mapping[str, str] = field(default_factory=dict)
    """Spellings of other frameworks, and their names here."""
    casts_by: str = ""
    """Its option for mixed precision, by which alone it keeps the adapter in float32: not by what a launcher sets."""
    lists: tuple[str, ...] = ()
    """Options of its commands that take several values at once: given twice, the last one counts."""

    def __repr__(self) -> str:
        return f"Framework({self.name!r})"

    def can(self, setting: str) -> bool:
        """Whether a user can set a setting of `run.Adapter` at all."""
        return setting in self.keys

    def spelling(self, setting: str) -> str | None:
        """The name of a setting here; None if it has none."""
        return self.keys.get(setting)

    @property
    def default_scale(self) -> float:
        """alpha/r of its own defaults, which its users and its presets build on; 1 where they are not numbers."""
        rank, alpha = self.defaults.get("rank"), self.defaults.get("alpha")
        return alpha / rank if isinstance(rank, int) and isinstance(alpha, (int, float)) and rank > 0 else 1.0

    def takes_alpha(self, alpha: float) -> bool:
        """Whether this number is accepted as alpha."""
        return float(alpha).is_integer() or not self.whole_alpha
