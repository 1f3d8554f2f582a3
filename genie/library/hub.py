"""Worlds on a hub, fetched to be played: only json, safetensors and png, checked like a zip.

A commit of a world lies in a folder of its own below the user's data, beside a list of its files'
digests. It is fetched once, and played without a network from then on.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from corpus.progress import progress_bar
from genie.library.card import read_card, read_object
from genie.library.contents import check_names, check_size, waiting_lock
from genie.library.hub_client import HubName, HubUnreachableError, endpoint, is_commit, open_hub
from genie.library.user_paths import hub_folder, safe_name
from spacetime.partial import partial_path, remove, write_atomic

_LOCK_SECONDS = 600.0  # another process may be fetching the same world over a slow line
_PARTS = re.compile(
    r"(world|keymap|statistics)\.json|(tokenizer|lam|dynamics)\.safetensors"
    r"|prompts/[^./\\:][^/\\:]*\.png"
)


def find_hub_world(text: str) -> Path:
    """Return the folder of a world on a hub, which is fetched unless it is here.

    A commit that is here is not asked for. Of a branch, a tag, or no revision, the newest is asked
    for; if the hub cannot be reached, the one of the last time is played, and stderr says so.

    Args:
        text: hf://user/name, or hf://user/name@revision.

    Raises:
        ValueError: if the name is none, or what comes is damaged or no world.
        OSError: if the hub has no such world, or cannot be reached and none is here.
        ModuleNotFoundError: without huggingface_hub, unless a commit is here.
    """
    name = HubName.parse(text)
    folder = hub_folder() / safe_name(urlsplit(endpoint()).netloc) / name.repo
    newest = folder / "refs" / quote(name.revision or "main", safe="")
    if name.pinned and _is_whole(folder / str(name.revision)):
        return folder / str(name.revision)
    try:
        with open_hub(name) as hub:
            info = hub.model_info(name.repo, revision=name.revision, files_metadata=True)
            if not is_commit(str(info.sha)):
                raise ValueError(f"the hub names no commit of {name}: {str(info.sha)[:80]!r}")
            found = folder / info.sha
            found.parent.mkdir(parents=True, exist_ok=True)
            with waiting_lock(found, _LOCK_SECONDS):
                if not _is_whole(found):  # another process may have fetched it meanwhile
                    _fetch(hub, name.at(info.sha), parts_of(info), found)
    except HubUnreachableError as error:
        return _last_time(name, folder, newest, error)
    newest.parent.mkdir(exist_ok=True)
    write_atomic(newest, info.sha.encode())
    return found


def parts_of(info: Any) -> dict[str, Any]:
    """Return what a hub says of each file of a world, by name; other files are left where they are.

    Args:
        info: a `huggingface_hub.ModelInfo`.
    """
    listed = {str(file.rfilename): file for file in info.siblings or ()}
    return {name: file for name, file in listed.items() if _PARTS.fullmatch(name)}


def _last_time(name: HubName, folder: Path, newest: Path, error: HubUnreachableError) -> Path:
    """Return the copy of a world that is here, or say why there is none."""
    commit = name.revision if name.pinned else None
    if not name.pinned and newest.is_file():
        commit = newest.read_text(errors="replace").strip()
    if commit is None or not is_commit(commit) or not (folder / commit).is_dir():
        raise HubUnreachableError(f"{error}, and {name} is not here from an earlier play") from None
    _check_copy(folder / commit)
    print(f"{error}: playing {name} as it came before, {commit[:12]}", file=sys.stderr)
    return folder / commit


def _fetch(hub: Any, name: HubName, parts: dict[str, Any], found: Path) -> None:
    """Fetch the files of a commit, check them, and put them into a folder at once."""
    if "world.json" not in parts:
        raise ValueError(f"{name} holds no world.json at its top: it is no world of genie push")
    if any(type(file.size) is not int for file in parts.values()):
        raise ValueError(f"the hub does not say how large the files of {name} are")
    check_size(name, [file.size for file in parts.values()])
    check_names(name, list(parts))
    partial = partial_path(found)
    remove(partial)
    digests = {}
    try:
        kilobytes = {part: -(-file.size // 1000) for part, file in parts.items()}
        with progress_bar("fetching", sum(kilobytes.values()), unit="kB") as tick:
            for part, listed in parts.items():
                hub.hf_hub_download(name.repo, part, revision=name.revision, local_dir=partial)
                digests[part] = _checked(partial / part, listed, f"{part} of {name}")
                tick(kilobytes[part])
        remove(partial / ".cache")  # where huggingface_hub notes what it fetched
        try:
            read_card(partial)
        except (ValueError, FileNotFoundError) as error:
            raise ValueError(str(error).replace(str(partial), str(name))) from None
        remove(found)
        os.replace(partial, found)
        write_atomic(_digests_of(found), json.dumps({"sha256": digests}, indent=1).encode())
    finally:
        remove(partial)


def _checked(file: Path, listed: Any, what: str) -> str:
    """Return the digest of a fetched file; refuse one that is not what the hub lists."""
    whole = file.is_file() and not file.is_symlink() and file.stat().st_size == listed.size
    data = file.read_bytes() if whole else b""
    digest = hashlib.sha256(data).hexdigest()
    if listed.lfs is not None:
        whole = whole and digest == listed.lfs.sha256
    elif listed.blob_id is not None:  # the name that git gives to the file
        git = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
        whole = whole and git == listed.blob_id
    if not whole:
        raise ValueError(f"{what} is not the file that the hub lists: fetch it again")
    return digest


def _digests_of(found: Path) -> Path:
    return found.with_name(f"{found.name}.json")


def _is_whole(found: Path) -> bool:
    try:
        _check_copy(found)
    except (ValueError, OSError):
        return False
    return True


def _check_copy(found: Path) -> None:
    """Refuse a world that is no longer as it came, by the name of the file."""
    digests = read_object(_digests_of(found)).get("sha256")
    if not isinstance(digests, dict):
        raise ValueError(f"{_digests_of(found)} is damaged: remove {found}, to fetch it again")
    for part, digest in digests.items():
        file = found / part
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            raise ValueError(f"{file} is damaged: it is fetched again once the hub is reached")
    extra = {file.relative_to(found).as_posix() for file in found.rglob("*") if file.is_file()}
    if extra - set(digests):
        raise ValueError(f"{found / min(extra - set(digests))} did not come from the hub")
