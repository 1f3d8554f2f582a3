"""Worlds as Gymnasium environments.

Importing this registers every world that ships, such as `genie_worlds/CoinRun-v0`, and
`genie_worlds/World-v0` for any other: `gymnasium.make("genie_worlds/World-v0", world="my-run")`.
"""

import gymnasium

from genie.env.single import WorldEnv
from genie.env.vector import WorldVectorEnv
from genie.library.catalog import list_worlds

__all__ = ["WorldEnv", "WorldVectorEnv"]
MOST_STEPS = 1000
"""Frames of an episode, unless `max_episode_steps` says otherwise."""


def _register(name: str, **options: str) -> None:
    gymnasium.register(
        f"genie_worlds/{name}-v0",
        entry_point="genie.env:WorldEnv",
        vector_entry_point="genie.env:WorldVectorEnv",
        max_episode_steps=MOST_STEPS,
        kwargs=options,
    )


_register("World")
for _card in list_worlds():
    _register(_card.title, world=_card.alias)
