"""Writes lora_lint/knowledge/data/leaf_names.json: the names of the layers of types that have no architecture, or that
a wheel has none of.

    python scripts/generate_leaf_names.py --older transformers-4.57.1-py3-none-any.whl [TYPE …]

The classes of a type are built from its default config on the meta device, with transformers 5. The names that the
older release's source gives its layers are added: a name that one of them has is no mistake. Types that cannot be built
are left out, and so are those whose config chooses the types of their parts, on which the names depend.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import signal
import sys
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from generate_architectures import HEADS, GivenUp, Session, give_up  # noqa: E402

from lora_lint.knowledge.architectures import model_types  # noqa: E402
from lora_lint.knowledge.rare import RARE  # noqa: E402

DATA = ROOT / "lora_lint" / "knowledge" / "data"
OUTPUT = DATA / "leaf_names.json"
PATIENCE = 20
"""CPU seconds for a type."""
ONE_FORM = frozenset(
    "canary cohere_asr embedding_gemma2 fun_asr_nano glmasr got_ocr2 janus kyutai_speech_to_text lfm3_vl lw_detr "
    "pp_chart2table pp_doclayout_v4 qwen3_asr sam2 sam2_video sam3 sam3_tracker sam3_tracker_video sam3_video "
    "vibevoice vibevoice_asr voxtral_realtime".split()
)
"""Types around models of other types that are published with the same parts."""
LAYERS = re.compile(r"(?:nn\.)?(?:Linear|Embedding|Conv[123]d|Conv1D|ConvTranspose1d|MultiheadAttention)")


def has_own_parts(session: Session, kind: str) -> bool:
    """Whether the layers are those of the type's own code, whatever its config says."""
    parts = session.configs[kind].sub_configs.values()
    return kind in ONE_FORM or session.transformers.AutoConfig not in parts


def built(session: Session, kind: str) -> set[str]:
    """The names of the layers that LoRA can adapt, in all classes of a type; empty if one cannot be built."""
    found: set[str] = set()
    signal.signal(signal.SIGPROF, give_up)
    signal.setitimer(signal.ITIMER_PROF, PATIENCE)
    try:
        config = session.configs[kind]()
        for head in HEADS:
            name = session.classes[head].get(kind)
            if name is not None:
                found |= layers(session, getattr(session.transformers, name), config)
    except (Exception, GivenUp):  # of the model's own code
        return set()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return found


def layers(session: Session, model: Any, config: Any) -> set[str]:
    """The names of the layers of one class."""
    with session.torch.device("meta"):
        made = model(config)
    named = ((path.rpartition(".")[2], type(module)) for path, module in made.named_modules() if path)
    return {name for name, kind in named if any(LAYERS.fullmatch(each.__name__) for each in kind.__mro__)}


def written(release: zipfile.ZipFile, kind: str) -> set[str]:
    """The attributes that the source of a type in a release assigns layers to."""
    folder = kind.replace("-", "_")
    pattern = re.compile(rf"transformers/models/{folder}/modeling_{folder}\w*\.py")
    found = set()
    for path in filter(pattern.fullmatch, release.namelist()):
        for node in ast.walk(ast.parse(release.read(path))):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
                calls = (each.func for each in ast.walk(node.value) if isinstance(each, ast.Call))
                if any(LAYERS.fullmatch(ast.unparse(function)) for function in calls):
                    found.add(node.targets[0].attr)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--older", type=Path, required=True, help="a wheel of transformers 4")
    parser.add_argument("types", nargs="*", help="the types to read anew  [default: all, from nothing]")
    arguments = parser.parse_args()
    session = Session()
    described = json.loads((DATA / "families.json").read_text(encoding="utf-8"))["modules"]
    known = {*model_types(), *described} - RARE
    names: dict[str, list[str]] = json.loads(OUTPUT.read_text(encoding="utf-8")) if arguments.types else {}
    with zipfile.ZipFile(arguments.older) as release:
        for kind in dict.fromkeys(kind for head in HEADS for kind in session.classes[head]):
            wanted = kind not in known and (not arguments.types or kind in arguments.types)
            if wanted and has_own_parts(session, kind) and (found := built(session, kind)):
                names[kind] = sorted(found | written(release, kind))
                print(kind, len(names[kind]), flush=True)
    rows = [f"{json.dumps(kind)}: {json.dumps(each)}" for kind, each in sorted(names.items()) if kind not in known]
    OUTPUT.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
