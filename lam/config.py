"""Sizes of the latent action model."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class LatentActionConfig:
    """Sizes of the latent action model.

    Attributes:
        height: H, frame height in pixels, even.
        width: W, frame width in pixels, even.
        num_actions: A, codes; between 2 and 64, 4 to 16 for a keyboard.
        latent: numbers in a code.
        channels: channels of the first convolutions; deeper ones have twice as many.
        noise: std of the noise on latents while they are continuous; it bounds what they carry.
        avatar: top, left, height and width in pixels of the box that the encoder looks at, beside
            the shift of the camera; None: it looks at whole frames.
        states: looks of an avatar that the encoder tells apart, before those that lead alike are
            joined to `num_actions` codes; None: as many as codes.
    """

    height: int
    width: int
    num_actions: int = 6
    latent: int = 8
    channels: int = 64
    noise: float = 0.1
    avatar: tuple[int, int, int, int] | None = None
    states: int | None = None

    def __post_init__(self) -> None:
        """Refuse sizes that do not fit together."""
        if not 2 <= self.num_actions <= 64:
            raise ValueError(f"num_actions must be between 2 and 64, got {self.num_actions}")
        if self.height < 16 or self.width < 16 or self.height % 2 or self.width % 2:
            raise ValueError(
                f"the latent action model needs frames of even height and width, 16 pixels or "
                f"more, got {self.height}x{self.width}: build the corpus with another --size"
            )
        if self.avatar is not None:
            object.__setattr__(self, "avatar", tuple(self.avatar))
            top, left, height, width = self.avatar
            fits = 0 <= top <= self.height - height and 0 <= left <= self.width - width
            if not fits or height < 1 or width < 1:
                raise ValueError(
                    f"the avatar's box {self.avatar} does not lie in frames of "
                    f"{self.height}x{self.width}: give top, left, height and width in pixels"
                )

        if self.states is not None and (self.avatar is None or self.states < self.num_actions):
            raise ValueError(
                f"states are looks of an avatar, at least as many as actions, got {self.states} "
                f"for {self.num_actions} actions"
            )

    @property
    def code_size(self) -> int:
        """Numbers in a code: one for each code where the encoder gives codes by itself."""
        return self.latent if self.avatar is None else self.num_actions
