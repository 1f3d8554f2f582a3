"""Putting a world on a hub, with its card."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genie.library.card import WorldCard, read_card, read_object
from genie.library.contents import CARD, files_to_send
from genie.library.hub import parts_of
from genie.library.hub_client import HubName, endpoint, is_logged_in, open_hub

LICENSES = (
    *("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "gpl-3.0", "agpl-3.0", "lgpl-3.0"),
    *("mpl-2.0", "unlicense", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0"),
    *("cc-by-nc-sa-4.0", "cc-by-nd-4.0", "cc-by-nc-nd-4.0", "openrail", "other"),
)
"""Those that a hub knows, as it writes them."""
TAGS = ("world-model", "playable", "video-generation")


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """Where a world was put."""

    address: str  # for a browser
    name: HubName  # with the commit


def push_world(
    world: Path, text: str, *, private: bool = False, revision: str | None = None
) -> Pushed:
    """Put the files of a world on a hub, in one commit.

    Args:
        world: its folder.
        text: hf://user/name; made if it is not there.
        private: whether only its owner may see it.
        revision: branch, made if it is not there; None: the main one.

    Raises:
        ValueError: if the name is none, or the world damaged or too large.
        OSError: if the hub cannot be reached, or refuses.
        ModuleNotFoundError: without huggingface_hub.
    """
    name = HubName.parse(text)
    if name.revision is not None:
        raise ValueError(f"{text} names a revision: give a branch with --revision")
    if revision is not None:
        name = HubName.parse(f"{name}@{revision}")
    card, files = read_card(world), files_to_send(world)
    with open_hub(name) as hub:
        if not is_logged_in():
            raise PermissionError(
                "you are not logged in to the hub: run hf auth login, or set HF_TOKEN to a token "
                "that may write"
            )
        hub.create_repo(name.repo, private=private or None, exist_ok=True)
        if name.revision is not None:
            hub.create_branch(name.repo, branch=name.revision, exist_ok=True)
        info = hub.model_info(name.repo, revision=name.revision, files_metadata=True)
        if private and info.private is False:
            raise ValueError(f"{name} exists and is public: nothing was sent")
        sent = {file.relative_to(world).as_posix(): file for file in files}
        changes = _changes(sent, hub_card(world, card, name), set(parts_of(info)))
        commit = hub.create_commit(
            name.repo, changes, commit_message=f"Put {card.name} here", revision=name.revision
        )
    return Pushed(address=f"{endpoint()}/{name.repo}", name=name.at(commit.oid))


def _changes(sent: dict[str, Path], card: str, there: set[str]) -> list[Any]:
    """Return what a commit does: add files by name and the card, delete what was there before."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    added = [CommitOperationAdd(part, str(file)) for part, file in sent.items()]
    # A prompt that the world no longer has would else be played with it.
    stale = [CommitOperationDelete(part, is_folder=False) for part in sorted(there - set(sent))]
    return [*added, CommitOperationAdd(CARD, card.encode()), *stale]


def hub_card(world: Path, card: WorldCard, name: HubName) -> str:
    """Return a world's card with the header that a hub reads, and the line that plays it there."""
    file = world / CARD
    play = f"`genie play {name}`"
    if file.is_file():
        body = file.read_text(encoding="utf-8").replace(f"`genie play {card.name}`", play)
    else:
        body = (
            f"# {card.title}\n\nA world of {card.width}×{card.height} pixels at {card.fps:g} "
            f"frames/s. Play it: {play}.\n"
        )
    if body.startswith("---\n"):  # its owner has written one
        return body
    license = str(read_object(world / "world.json").get("license", "")).lower()
    known = [f"license: {license}"] if license in LICENSES else []
    tags = [f"- {tag}" for tag in TAGS]
    header = ["---", *known, "library_name: genie-worlds", "tags:", *tags, "---", ""]
    return "\n".join([*header, body])
