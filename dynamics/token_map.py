"""A map of what was seen: what comes back into the picture looks as it did when it left.

Where actions move the picture by whole tokens, each token stands at a known position of the world.
The map keeps the last token seen at each. When an action moves the picture, it says for the tokens
that come into it what stood there before, if anything did.
"""

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from operator import eq, itemgetter

import torch
from torch import Tensor

from spacetime.cache import JoinedCache, TimeCache

# A frame has some hundred tokens: lists of numbers are faster than tensors.
Tokens = list[int]

_ROW = 1 << 20  # between the keys of two rows of the world
_SAME_SCENE = 0.5  # fraction of tokens that two frames of one scene have in common, at least
_UNSURE = 0.04  # fraction that a thing of its own motion changes, and no reason to doubt an action


class MapLayout:
    """What all maps of a world share: how actions move the picture, and which tokens go with it.

    Attributes:
        grid: rows and columns of tokens.
        unknown: K, stands for a token that was not seen.
        keys: the position of each token in the picture, as one number.
        follows: numbers of the tokens that move with the picture.
        shifts: for each action, and for none, how far the picture moves, in units of `keys`.
        entering: likewise, the numbers of the tokens that come into the picture.
    """

    def __init__(
        self,
        grid: tuple[int, int],
        moves: Sequence[tuple[int, int]],
        fixed: Sequence[int],
        unknown: int,
    ) -> None:
        """Lay out the tokens.

        Args:
            grid: rows and columns of tokens.
            moves: for each action, by how many rows and columns the picture moves.
            fixed: numbers of the tokens that do not move with it, such as the player's own.
            unknown: K.

        Raises:
            ValueError: if an action leaves fewer than two tokens in the picture.
        """
        rows, columns = grid
        places = [(row, column) for row in range(rows) for column in range(columns)]
        still = set(fixed)
        self.grid, self.unknown = (rows, columns), unknown
        self.keys = [row * _ROW + column for row, column in places]
        self.follows = [number for number in range(len(places)) if number not in still]
        self.shifts, self.entering, self._staying = [], [], []
        for down, right in (*moves, (0, 0)):  # the last: none given
            before = {
                number: (places[number][0] + down) * columns + places[number][1] + right
                for number in self.follows
                if 0 <= places[number][0] + down < rows and 0 <= places[number][1] + right < columns
            }
            stays = [number for number, old in before.items() if old not in still]
            if len(stays) < 2:
                raise ValueError(
                    f"a move by {down} rows and {right} columns takes all tokens out of the picture"
                )
            self.shifts.append(self.between(down, right))
            self.entering.append(sorted(set(self.follows) - set(stays)))
            then = [before[number] for number in stays]
            self._staying.append((itemgetter(*then), itemgetter(*stays), len(stays)))

    @staticmethod
    def between(down: int, right: int) -> int:
        """Return how far a place is that lies so many rows and columns away, in those units."""
        return down * _ROW + right

    @staticmethod
    def apart(here: int, there: int) -> tuple[int, int]:
        """Return by how many rows and columns two places differ."""
        down = round((there - here) / _ROW)
        return down, there - here - down * _ROW

    def fits(self, before: Tokens, now: Tokens) -> list[float]:
        """Return how well each action, and none, explains one frame after another.

        Returns:
            The fraction of tokens that come from where the action says.
        """
        return [
            sum(map(eq, pick_before(before), pick_now(now))) / size
            for pick_before, pick_now, size in self._staying
        ]


class TokenMap:
    """The last token seen at each position of one rollout's world.

    Attributes:
        at: where the picture is, in units of `MapLayout.keys`; 0 at first.
    """

    def __init__(self, layout: MapLayout) -> None:
        """Begin without having seen anything."""
        self._layout = layout
        self._cells: dict[int, int] = {}
        self._painted: set[int] = set()  # positions that an edit changed
        self.at = 0
        self._last: Tokens | None = None

    def fork(self) -> "TokenMap":
        """Return a copy, which goes on from here by itself."""
        forked = copy(self)
        forked._cells, forked._painted = dict(self._cells), set(self._painted)
        return forked

    def recall(self, action: int) -> Tokens:
        """Return what is known of the tokens that an action brings into the picture.

        Args:
            action: id; A: none given.

        Returns:
            N tokens; K where nothing is known, and for all that are in the picture already.
        """
        layout = self._layout
        return self.known(self.at + layout.shifts[action], layout.entering[action])

    def known(self, at: int, numbers: Iterable[int]) -> Tokens:
        """Return what is known of tokens of the picture, were it elsewhere.

        Args:
            at: where, as the attribute.
            numbers: of the tokens.

        Returns:
            N tokens; K where nothing is known, and for all others.
        """
        layout = self._layout
        tokens = [layout.unknown] * len(layout.keys)
        for number in numbers:
            tokens[number] = self._cells.get(layout.keys[number] + at, layout.unknown)
        return tokens

    def around(self, margin: int) -> list[Tokens]:
        """Return what is known of the picture and of all that lies up to `margin` tokens from it.

        Returns:
            Rows from top to bottom, K where nothing is known.
        """
        layout = self._layout
        rows, columns = layout.grid
        return [
            [
                self._cells.get(self.at + layout.between(row, column), layout.unknown)
                for column in range(-margin, columns + margin)
            ]
            for row in range(-margin, rows + margin)
        ]

    def learn(self, ids: Tokens, at: int) -> None:
        """Enter what a picture shows elsewhere in the world, where nothing was seen yet.

        Args:
            ids: its N tokens.
            at: where it was taken, as the attribute.
        """
        for number in self._layout.follows:
            self._cells.setdefault(self._layout.keys[number] + at, ids[number])

    def observe(self, ids: Tokens, action: int, edited: bool = False) -> None:
        """Enter a frame.

        Args:
            ids: its N tokens.
            action: id of the action that led to it; A: none given.
            edited: whether it was changed by hand. A frame of which more than half was changed, in
                one edit or in several, is a new scene, and the map begins anew.
        """
        layout = self._layout
        if self._last is not None:
            self._move(ids, action)
        self._last = ids
        seen = {layout.keys[number] + self.at: ids[number] for number in layout.follows}
        if edited:
            known = self._cells
            self._painted.update(key for key in seen if known.get(key, seen[key]) != seen[key])
            if 2 * len(self._painted & seen.keys()) > len(seen):
                self._forget()
        self._cells.update(seen)

    def _move(self, ids: Tokens, action: int) -> None:
        """Move on as the frame shows: a key may be blocked, or its action misread in a video."""
        shifts, fits = self._layout.shifts, self._layout.fits(self._last, ids)
        # On open ground all fit: then the action did what it does.
        chosen = action if fits[action] >= fits[-1] else len(shifts) - 1
        best = fits.index(max(fits))
        if fits[best] > fits[chosen] + _UNSURE:
            chosen = best
        self.at += shifts[chosen]
        if fits[chosen] < _SAME_SCENE:
            self._forget()

    def _forget(self) -> None:
        self._cells.clear()
        self._painted.clear()


def recall_line(layout: MapLayout, ids: Sequence[Tokens], actions: Sequence[int]) -> list[Tokens]:
    """Return what a map knew of each frame of a line before it was seen.

    Args:
        layout: of the map, which begins with the line.
        ids: T frames of N tokens.
        actions: T−1; entry t leads from frame t to frame t+1.

    Returns:
        T frames of N tokens, K where nothing was known.
    """
    token_map, recalled = TokenMap(layout), []
    none = len(layout.shifts) - 1
    for frame, action in zip(ids, (none, *actions), strict=True):
        recalled.append(token_map.recall(action))
        token_map.observe(frame, action)
    return recalled


@dataclass(kw_only=True)
class MappedCache(TimeCache):
    """The cache of time attention, and the map of each of its rollouts.

    Attributes:
        maps: B of them.
    """

    maps: list[TokenMap]

    def recall(self, actions: Tensor) -> Tensor:
        """Return what the maps know of the next frame under actions int64 (B,): int64 (B, N)."""
        pairs = zip(self.maps, actions.tolist(), strict=True)
        recalled = [token_map.recall(action) for token_map, action in pairs]
        return torch.tensor(recalled, device=actions.device)

    def observe(self, ids: Tensor, actions: Tensor, edited: bool = False) -> None:
        """Enter a frame, int64 (B, N), and the actions (B,) that led to it, into the maps."""
        for token_map, row, action in zip(self.maps, ids.tolist(), actions.tolist(), strict=True):
            token_map.observe(row, action, edited)

    def fork(self) -> "MappedCache":
        """Return a copy, which goes on from here by itself."""
        forked = super().fork()
        forked.maps = [token_map.fork() for token_map in self.maps]
        return forked

    def take_rows(self, rows: Tensor, other: "MappedCache") -> None:
        """Give some rollouts the histories and the maps of another cache."""
        super().take_rows(rows, other)
        for row, token_map in zip(rows.tolist(), other.maps, strict=True):
            self.maps[row] = token_map

    @classmethod
    def join(cls, caches: Sequence["MappedCache"]) -> "JoinedMappedCache":
        """Return the caches of B single rollouts as one of B, as `TimeCache.join` does."""
        joined = TimeCache.join(caches)
        maps = [token_map for cache in caches for token_map in cache.maps]
        return JoinedMappedCache(**vars(joined), maps=maps)


@dataclass(kw_only=True)
class JoinedMappedCache(MappedCache, JoinedCache):
    """What `MappedCache.join` returns; its maps are those of the parts."""
