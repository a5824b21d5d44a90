"""What is fetched from the Hugging Face hub, with the user's consent (`--online`) and by huggingface_hub alone.

Nothing else in lora-lint asks the network. What is fetched lies in the hub's cache afterwards, where every later lint
finds it offline.
"""

from __future__ import annotations

import json
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEME = "hf://"
"""How the name of an adapter on the hub begins: `hf://user/adapter`, with a revision `hf://user/adapter@main`."""
CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
_PATIENCE = 10.0
"""Seconds to wait for an answer."""


class NotFetched(Exception):
    """Something that the hub does not give; the message says why, and what to do."""


def fetch_config(name: str) -> None:
    """Puts the config.json of a model into the hub's cache. Raises NotFetched."""
    with _explained(name, "config.json"):
        _download(name, "config.json")


def adapter(address: str) -> dict[str, bytes]:
    """The config of an adapter on the hub, and the header of its weights if it has any in safetensors, by their
    addresses. Raises NotFetched."""
    name, folder, revision = _parts(address)
    own, weights = f"{folder}{CONFIG}", f"{folder}{WEIGHTS}"
    place = address.removesuffix(f"@{revision}").rstrip("/")
    with _explained(name, own), open(_download(name, own, revision), "rb") as file:
        files = {f"{place}/{CONFIG}": file.read()}
    header = _header(name, weights, revision)
    return files if header is None else {**files, f"{place}/{WEIGHTS}": header}


def _parts(address: str) -> tuple[str, str, str | None]:
    """The id, the folder in the repository ("" or with a slash at its end) and the revision of an address."""
    path, _, revision = address.removeprefix(SCHEME).rstrip("/").partition("@")
    user, _, rest = path.partition("/")
    name, _, folder = rest.partition("/")
    if not user or not name:
        raise NotFetched(f"{address} names no adapter: write hf://user/adapter")
    return f"{user}/{name}", f"{folder}/" if folder else "", revision or None


def _download(name: str, file: str, revision: str | None = None) -> str:
    """The path of a file in the hub's cache."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils import disable_progress_bars, logging

    disable_progress_bars()
    logging.set_verbosity_error()  # it advises to log in, for one small file
    path: str = hf_hub_download(name, file, revision=revision, etag_timeout=_PATIENCE)
    return path


def _header(name: str, file: str, revision: str | None) -> bytes | None:
    """The header of a safetensors file, in the form that the file begins with; None if there is no such file."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import EntryNotFoundError, SafetensorsParsingError

    with _explained(name, file):
        try:
            found = HfApi().parse_safetensors_file_metadata(name, file, revision=revision)
        except EntryNotFoundError:
            return None
        except (SafetensorsParsingError, ValueError, LookupError, TypeError):
            raise NotFetched(f"{name} has a damaged {file} on the hub") from None
    tensors = {
        name: {"dtype": each.dtype, "shape": each.shape, "data_offsets": each.data_offsets}
        for name, each in found.tensors.items()
    }
    text = json.dumps(tensors).encode()
    return len(text).to_bytes(8, "little") + text


@contextmanager
def _explained(name: str, file: str) -> Iterator[None]:
    """Raises NotFetched for whatever keeps a file from being fetched."""
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError:
        terms = f"accept its terms on {_page(name)} and log in with `hf auth login`"
        raise NotFetched(f"{name} is gated: {terms}") from None
    except errors.RepositoryNotFoundError:
        advice = "check the name; for a private repository log in with `hf auth login`"
        raise NotFetched(f"the hub has no {name}: {advice}") from None
    except errors.RevisionNotFoundError:
        raise NotFetched(f"{name} has no such revision on the hub") from None
    except errors.HFValidationError:
        raise NotFetched(f"{name} is no id of the hub: write user/name") from None
    except errors.LocalEntryNotFoundError as error:
        raise NotFetched(f"{name} was not fetched: {_why_offline(error)}") from None
    except errors.EntryNotFoundError:
        raise NotFetched(f"{name} has no {file} on the hub") from None
    except NotFetched:
        raise
    except Exception as error:  # of the library for HTTP, which differs between versions of huggingface_hub
        raise NotFetched(f"{name} was not fetched: {_why_offline(error)}") from None


def _page(name: str) -> str:
    from huggingface_hub import constants

    return f"{constants.ENDPOINT}/{name}"


def _why_offline(error: BaseException) -> str:
    """Why the hub gave no answer."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status is not None:
        return f"{constants.ENDPOINT} answers with status {status}"
    return f"{constants.ENDPOINT} cannot be reached"
