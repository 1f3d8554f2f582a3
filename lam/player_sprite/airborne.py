"""What the state of flying means as a key: a jump where it begins, and steering after that.

Codes of what persists are keys as long as the avatar stands on something. In the air they are a
state: whoever jumped flies until he lands, whatever is pressed. Taken for a key, that state makes a
world in which nobody who lets go of all keys ever comes down.
"""

import torch
from torch import Tensor

LEFT, STILL, RIGHT = 0, 1, 2
"""Columns of a landing table: what is pressed, by the way that the picture goes sideways."""
TAKE_OFF = 3
"""Transitions of a jump that are read as the jump, wherever it leads."""
OFF_HEADING = 2
"""Transitions of a flight that may look like another one before its key counts as let go: keys of
one frame are told from held ones by it, and pictures that tremble are not taken for keys."""
LATE = 6
"""Transitions after which a flight has passed its top."""
LEAST_RISE = 0.5
"""Pixels that the camera rises by at first, and falls by later, in each transition of a flight."""
ASIDE = 0.5
"""A code leads sideways from this share of the fastest one's speed on."""


def find_airborne_codes(codes: Tensor, shift: Tensor, spans: Tensor, num_codes: int) -> Tensor:
    """Find the codes that are flights, and what is pressed in one once it has begun.

    A flight is a code under which the camera rises at first and falls later. What it means later
    is, for each side, the code of the ground that leads to that side; where several do, the one
    into which this flight turns most often.

    Args:
        codes: int64 (S,), of consecutive transitions.
        shift: (S, 2), the camera's shift in pixels, as `location.camera_shift` gives it.
        spans: int64 (E, 2), first and one past the last transition of each episode.
        num_codes: A.

    Returns:
        The landing table, int64 (A, 3): for each flight its codes at LEFT, STILL and RIGHT; −1 in
        the row of a code that is none. Without a flight, or a code for each way, all are −1.

    Source: our choice; docs/architecture.md says why.
    """
    landing = torch.full((num_codes, 3), -1, dtype=torch.long)
    age = _ages(codes, spans)
    rise = -shift[:, 0].double()
    young, old = (age >= 0) & (age < TAKE_OFF), age >= LATE
    early = _means(rise, codes, young, num_codes)
    late = _means(rise, codes, old, num_codes)
    airborne = (early > LEAST_RISE) & (late < -LEAST_RISE)
    aside = _means(shift[:, 1].double(), codes, age >= 0, num_codes)
    aside[airborne] = 0
    least = ASIDE * aside.abs().max()
    ground = {
        LEFT: aside < -least,
        STILL: (aside.abs() <= least) & ~airborne,
        RIGHT: aside > least,
    }
    if not all(directions.any() for directions in ground.values()):
        return landing
    inside = (age[1:] >= 0) & (age[:-1] >= 0)
    follows = torch.zeros(num_codes, num_codes)
    pair = (codes[:-1][inside], codes[1:][inside])
    follows.index_put_(pair, torch.ones(len(pair[0])), accumulate=True)
    for code in airborne.nonzero().flatten().tolist():
        for direction, able in ground.items():
            landing[code, direction] = torch.where(able, follows[code], -1.0).argmax()
    return landing


def join_alike(states: Tensor, shift: Tensor, among: Tensor, sizes: tuple[int, int]) -> Tensor:
    """Join states under which the picture goes alike, until as many are left as codes are wanted.

    An avatar that stands looks to one side or the other, and that lasts; no key is pressed.

    Args:
        states: int64 (S,), of transitions.
        shift: (S, 2), the camera's shift in pixels.
        among: bool (S,), the transitions to go by.
        sizes: how many states there are, and how many codes are wanted, no more.

    Returns:
        int64 (states,): the code of each state. The pair whose mean shifts and mean speeds lie
        nearest is joined first: who jumps comes back to where he was, but not at rest.

    Source: our choice (agglomerative clustering).
    """
    count, wanted = sizes
    code_of = torch.arange(count)
    directions = torch.cat((shift, shift.abs()), dim=1).double().unbind(1)
    while len(code_of.unique()) > wanted:
        codes = code_of[states]
        means = torch.stack([_means(direction, codes, among, count) for direction in directions])
        left = code_of.unique()
        apart = torch.cdist(means.T[left], means.T[left]).fill_diagonal_(torch.inf)
        one, other = divmod(int(apart.argmin()), len(left))
        code_of[code_of == left[max(one, other)]] = left[min(one, other)]
    return code_of.unique(return_inverse=True)[1]


def read_keys(codes: Tensor, shift: Tensor, landing: Tensor, held: Tensor | bool = True) -> Tensor:
    """Read the keys behind codes that may be flights.

    A jump begins where the camera rises: at once in the flight's first two transitions, or again
    after it has fallen. Later the avatar looks and the picture goes as when it took off, as long as
    the jump's key is held; and where it has been let go and another one steers that way, the same
    is seen. Both readings are right. Once a flight has looked or gone another way in more than
    `OFF_HEADING` transitions, its key has been let go, and it is steered to its end.

    Args:
        codes: int64 (B, S), of consecutive transitions.
        shift: (B, S, 2), the camera's shift in pixels.
        landing: int64 (A, 3), from `find_airborne_codes`.
        held: whether a jump that keeps its way counts as held to its end, or as let go after the
            take-off; of each row, bool (B,), or of all.

    Returns:
        int64 (B, S). Entry t depends on no later entry.
    """
    table = landing[codes]  # (B, S, 3)
    airborne = table[..., STILL] >= 0
    direction = shift[..., 1].sign().long() + 1
    steered = table.gather(-1, direction[..., None])[..., 0]
    rises, falls = shift[..., 0] < 0, shift[..., 0] > 0
    keys = codes.clone()
    flown = torch.zeros_like(codes[:, 0])  # transitions since this flight began
    age = torch.full_like(flown, -1)  # of its last jump; −1: none
    fallen = torch.zeros_like(airborne[:, 0])
    heading, look, off_heading = (torch.zeros_like(flown) for _ in range(3))
    for t in range(codes.shape[1]):
        begins = airborne[:, t] & rises[:, t] & (((flown < 2) & (age < 0)) | fallen)
        age = torch.where(begins, 0, torch.where(age >= 0, age + 1, age))
        age = torch.where(airborne[:, t], age, -1)
        early = age < TAKE_OFF
        heading = torch.where(early, direction[:, t], heading)
        look = torch.where(early, codes[:, t], look)
        other = (direction[:, t] != heading) | (codes[:, t] != look)
        off_heading = torch.where(early, 0, off_heading + other)
        goes_on = ~early & ~other & (off_heading <= OFF_HEADING) & held
        jump = ((age >= 0) & early) | goes_on
        keys[:, t] = torch.where(airborne[:, t] & ~jump, steered[:, t], codes[:, t])
        fallen = (fallen | falls[:, t]) & airborne[:, t] & ~begins
        flown = torch.where(airborne[:, t], flown + 1, 0)
    return keys


def _ages(codes: Tensor, spans: Tensor) -> Tensor:
    """Return for how many transitions each code has lasted, int64 (S,); −1 outside of `spans`."""
    index = torch.arange(len(codes))
    begins = torch.ones(len(codes), dtype=torch.bool)
    begins[1:] = codes[1:] != codes[:-1]
    begins[spans[:, 0]] = True
    age = index - torch.where(begins, index, 0).cummax(0).values
    border = torch.zeros(len(codes) + 1, dtype=torch.long)
    border[spans[:, 0]] += 1
    border[spans[:, 1]] -= 1
    return torch.where(border.cumsum(0)[:-1] > 0, age, -1)


def _means(values: Tensor, codes: Tensor, among: Tensor, num_codes: int) -> Tensor:
    """Return the mean of `values` over the chosen transitions of each code; 0 where none is."""
    weights = among.double()
    count = torch.zeros(num_codes, dtype=torch.double).index_add_(0, codes, weights)
    total = torch.zeros(num_codes, dtype=torch.double).index_add_(0, codes, weights * values)
    return total / count.clamp_min(1)
