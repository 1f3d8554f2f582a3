"""What is evaluated and how: what every measure reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, partial

from corpus.progress import Progress
from genie.evaluate.clips import CLIPS_WANTED, ClipChoice, EncodedClips, choose_clips, encode_clips
from genie.frames import CorpusLike
from genie.library.bundle import Bundle
from genie.rollouts.batched_rollouts import MakeRollout
from genie.rollouts.rollout import Rollout
from genie.speed import EARLY_FRAMES, LATE_FRAMES

FRAMES = 1000
LONG_FRAMES = 10_000
STRETCH = 100  # frames; long play is summed up in such stretches
FULL_CLIPS = 32  # with fewer, everything that does not count clips is shortened as well


@dataclass(frozen=True, kw_only=True)
class EvalConfig:
    """How an evaluation is run.

    Attributes:
        clips: how many clips, 256 for a card; fewer than 32 shorten every part.
        seed: of every choice.
        long_frames: frames of each long rollout, a multiple of 100; None: 1,000, or fewer with few
            clips.
        speed_frames: frames that are timed; None: 2,050, or fewer with few clips.
        action_groups: name of each group of true actions and its members, or None.
    """

    clips: int = CLIPS_WANTED
    seed: int = 0
    long_frames: int | None = None
    speed_frames: int | None = None
    action_groups: dict[str, list[int]] | None = None

    def shorten(self, full: int, step: int = 1) -> int:
        """Scale a number of prompts or frames to the clips, rounded up to a multiple of `step`."""
        return min(full, -(-full * self.clips // (FULL_CLIPS * step)) * step)

    @property
    def played_frames(self) -> int:
        """Frames of each long rollout."""
        return self.shorten(FRAMES, STRETCH) if self.long_frames is None else self.long_frames

    @property
    def timed_frames(self) -> int:
        """Frames that are timed; never too few to show the speed at frame 100 unless set so."""
        short = max(EARLY_FRAMES, self.shorten(LATE_FRAMES))
        return short if self.speed_frames is None else self.speed_frames


@dataclass(frozen=True, kw_only=True)
class EvalContext:
    """What an evaluation reads.

    Attributes:
        bundle: the world.
        make_rollout: builds its batched engine from a seed for each rollout.
        corpus: true frames that the world never saw.
        config: how the evaluation is run.
        progress: shows how far each part is.
    """

    bundle: Bundle
    make_rollout: MakeRollout
    corpus: CorpusLike
    config: EvalConfig = EvalConfig()
    progress: Progress = field(default_factory=Progress)

    @classmethod
    def of_bundle(
        cls,
        bundle: Bundle,
        corpus: CorpusLike,
        config: EvalConfig | None = None,
        progress: Progress | None = None,
    ) -> EvalContext:
        """Evaluate a bundle with the engine that plays it."""
        return cls(
            bundle=bundle,
            make_rollout=partial(Rollout, bundle),
            corpus=corpus,
            config=config or EvalConfig(),
            progress=progress or Progress(),
        )

    @cached_property
    def choice(self) -> ClipChoice:
        """The clips.

        Raises:
            ValueError: the corpus holds none, or has frames of another size than the world.
        """
        choice = choose_clips(self.corpus.episode_ends, self.config.clips, self.config.seed)
        first = int(choice.starts[0])
        got = self.corpus.read(first, first + 1).shape[1:3]
        size = self.bundle.height, self.bundle.width
        if got != size:
            raise ValueError(
                f"the corpus has frames of {got[0]}x{got[1]}, the world of {size[0]}x{size[1]}; "
                f"build the corpus with --size {size[0]}x{size[1]}"
            )
        return choice

    @cached_property
    def encoded(self) -> EncodedClips:
        """Tokens and inferred actions of the clips, read at the first use."""
        with self.progress.part("read clips", len(self.choice), "clips") as tick:
            return encode_clips(self.bundle, self.corpus, self.choice, tick)
