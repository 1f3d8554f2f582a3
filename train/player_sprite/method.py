"""How actions are read off a player sprite: the numbers of the method."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SpriteMethod:
    """How the sprite's actions are found.

    Attributes:
        change_weight: in the decoder's loss, a pixel that changes counts 1 + this.
        quantize_at: fraction of the fit after which codes are made: what persists is learnt in
            minutes, and the decoder takes the rest.
        map_pairs: transitions that show where the sprite is.
        least_residual: a pixel belongs to the sprite from this fraction of the highest motion
            residual on: a head that seldom changes belongs to the legs that do.
        edge_residual: the rows and columns at the edges of the box have this fraction of the
            fullest one's residual: what lies beside the sprite would be taken for a held key.
        largest_box: a box of more than this fraction of the frame is no sprite.
        episodes: episodes that a step draws pairs from.
        pairs: pairs a step draws from each.
        soon: frames for which latents persist: shorter than most keys are held.
        temperature: of the softmax over the pairs of an episode.
        later: least and most frames over which codes persist: longer than one phase of a jump.
        shortest_episode: transitions that an episode must have, so that pairs of it differ.
        recolour: spread of the random brightness and contrast of pairs: ground and sky must not
            tell them apart.
        code_starts: fits of the codes, of which the one that persists most is kept: most starts
            end in codes that mix two keys, and those that mix least persist most.
        code_steps: steps of each of these fits.
        code_pairs: pairs a step of these.
        code_pairs_each: how many of them are drawn from one episode.
        code_lr: their learning rate.
        code_weight_decay: their weight decay.
        late: transitions after which an airborne code falls.
        least_rise: pixels that the camera rises by at first, and falls by later, in each
            transition of an airborne code.
        sideways: a code moves sideways from this fraction of the fastest one's speed on.
    """

    change_weight: float = 10.0
    quantize_at: float = 0.15
    map_pairs: int = 4096
    least_residual: float = 0.1
    edge_residual: float = 0.08
    largest_box: float = 0.1
    episodes: int = 12
    pairs: int = 32
    soon: int = 3
    temperature: float = 0.2
    later: tuple[int, int] = (3, 8)
    shortest_episode: int = 80
    recolour: float = 1.0
    code_starts: int = 24
    code_steps: int = 500
    code_pairs: int = 4096
    code_pairs_each: int = 16
    code_lr: float = 1e-2
    code_weight_decay: float = 1e-3
    late: int = 6
    least_rise: float = 0.5
    sideways: float = 0.5

    def __post_init__(self) -> None:
        """Yaml knows no tuples."""
        object.__setattr__(self, "later", tuple(self.later))
