"""The only door to huggingface_hub: names of worlds on a hub, and its errors in plain words."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

SCHEME = "hf://"
_PART = r"[A-Za-z0-9][\w.-]{0,95}"
_NAME = re.compile(rf"hf://({_PART}/{_PART})(?:@(\w[\w./-]{{0,199}}))?", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_BUSY = (408, 429)


class HubUnreachableError(OSError):
    """The hub cannot be reached, or is too busy to answer."""


@dataclass(frozen=True, kw_only=True)
class HubName:
    """A world's name on a hub, `hf://user/name` or `hf://user/name@revision`."""

    repo: str
    revision: str | None = None  # a branch, a tag or a commit; None: the newest

    @classmethod
    def parse(cls, name: str) -> HubName:
        """Read a name; ValueError where it is none."""
        found = _NAME.fullmatch(name)
        if found is None or ".." in name or "--" in found[1]:
            raise ValueError(
                f"{name!r} names no world on a hub: write hf://user/name, or "
                "hf://user/name@revision for a branch, a tag or a commit"
            )
        return cls(repo=found[1], revision=found[2])

    @property
    def pinned(self) -> bool:
        """Whether the revision is a commit, which never changes."""
        return self.revision is not None and is_commit(self.revision)

    def at(self, revision: str) -> HubName:
        """Return the name of another revision."""
        return replace(self, revision=revision)

    def __str__(self) -> str:
        """Return it as it is written on the command line."""
        return f"{SCHEME}{self.repo}" + (f"@{self.revision}" if self.revision else "")


def is_commit(revision: str) -> bool:
    """Whether a revision is the whole hash of a commit."""
    return _COMMIT.fullmatch(revision) is not None


def endpoint() -> str:
    """Return the address of the hub; huggingface_hub reads HF_ENDPOINT only when it is imported."""
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


@contextmanager
def open_hub(name: HubName) -> Iterator[Any]:
    """Yield a `huggingface_hub.HfApi`; its errors within the body are raised in plain words.

    Raises:
        ModuleNotFoundError: without the package.
        HubUnreachableError: if there is no network, or the hub is down.
        OSError: if the world is not there, or may not be read or written.
    """
    try:
        from huggingface_hub import HfApi, errors
        from huggingface_hub.utils import (
            are_progress_bars_disabled,
            disable_progress_bars,
            enable_progress_bars,
        )
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{name} is on a hub, and huggingface_hub is not installed: pip install "
            '"genie-worlds[hub]"',
            name="huggingface_hub",
        ) from error
    quiet = are_progress_bars_disabled()
    disable_progress_bars()  # one for every small file
    try:
        yield HfApi(endpoint=endpoint(), library_name="genie-worlds")
    except errors.RevisionNotFoundError:
        raise FileNotFoundError(f"hf://{name.repo} has no revision {name.revision!r}") from None
    except errors.HfHubHTTPError as error:
        raise _refusal(name, error.response.status_code) from None
    except (errors.HTTPError, errors.LocalEntryNotFoundError, ConnectionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise HubUnreachableError(f"the hub {endpoint()} cannot be reached ({reason})") from None
    finally:
        if not quiet:
            enable_progress_bars()


def is_logged_in() -> bool:
    """Whether there is a token that says to the hub who the user is."""
    from huggingface_hub import get_token

    return get_token() is not None


def _refusal(name: HubName, status: int) -> OSError:
    """Return the error for an answer of the hub."""
    if status in (401, 404):
        return FileNotFoundError(
            f"the hub shows you no world at {name}: check the name, and if it is private, log in "
            "with hf auth login, or set HF_TOKEN to a token that is valid"
        )
    if status == 403:
        return PermissionError(
            f"you have no right to do this with hf://{name.repo}: take a name of your own, a token "
            "that may write, or ask its owner for access"
        )
    if status in _BUSY or status >= 500:
        return HubUnreachableError(f"the hub {endpoint()} cannot be reached (it answers {status})")
    return OSError(f"the hub {endpoint()} refuses {name} (it answers {status})")
