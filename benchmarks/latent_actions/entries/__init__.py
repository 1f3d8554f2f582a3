"""The methods that the yardstick compares. A new one is a file here, and a line below."""

from benchmarks.latent_actions.entries import beta_vae, genie_vq, jepa, laom, lapo, ours
from benchmarks.latent_actions.entries.entry import Entry

ENTRIES: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        genie_vq.ENTRY,
        lapo.ENTRY,
        laom.ENTRY,
        beta_vae.ENTRY,
        jepa.ENTRY,
        ours.WHOLE_FRAME,
        ours.PLAYER_SPRITE,
        ours.AUTO,
    )
}


def find_entry(name: str) -> Entry:
    """Return an entry by its name; raises ValueError for an unknown one."""
    if name not in ENTRIES:
        raise ValueError(f"no entry {name!r}: choose one of {', '.join(ENTRIES)}")
    return ENTRIES[name]
