"""Keys while the player sprite is airborne: a jump at the take-off, then steering.

On the ground, a code that persists is a key. In the air it is a state: after a jump the sprite is
airborne until it lands, whatever is pressed. If that state counted as a key, a player who lets go
of all keys would never come down.
"""

import torch
from torch import Tensor

LEFT, STILL, RIGHT = 0, 1, 2
"""Columns of a landing table: what is pressed, by the camera's direction sideways."""


def find_airborne_codes(
    codes: Tensor,
    shift: Tensor,
    spans: Tensor,
    num_codes: int,
    *,
    take_off: int = 3,
    late: int = 6,
    least_rise: float = 0.5,
    sideways: float = 0.5,
) -> Tensor:
    """Find the airborne codes, and what is pressed under each one after the take-off.

    Under an airborne code the camera rises at first and falls later. For each side, the code then
    stands for the ground code that moves to that side; of several, the one that most often follows.

    Args:
        codes: int64 (S,), of consecutive transitions.
        shift: (S, 2), from `location.camera_shift`, in pixels.
        spans: int64 (E, 2), first and one past the last transition of each episode.
        num_codes: A.
        take_off: transitions in which the camera rises.
        late: transitions after which it falls.
        least_rise: mean rise at first and fall later, in pixels per transition.
        sideways: a code moves sideways from this fraction of the fastest one's speed on.

    Returns:
        The landing table, int64 (A, 3): for each airborne code those for LEFT, STILL and RIGHT; −1
        for ground codes. All −1 if there is no airborne code, or a side without a ground code.
    """
    landing = torch.full((num_codes, 3), -1, dtype=torch.long)
    age = _ages(codes, spans)
    rise = -shift[:, 0].double()
    rises = _means(rise, codes, (age >= 0) & (age < take_off), num_codes) > least_rise
    falls = _means(rise, codes, age >= late, num_codes) < -least_rise
    airborne = rises & falls
    speed = _means(shift[:, 1].double(), codes, age >= 0, num_codes)
    speed[airborne] = 0
    least = sideways * speed.abs().max()
    ground = {
        LEFT: speed < -least,
        STILL: (speed.abs() <= least) & ~airborne,
        RIGHT: speed > least,
    }
    if not all(members.any() for members in ground.values()):
        return landing
    inside = (age[1:] >= 0) & (age[:-1] >= 0)
    follows = torch.zeros(num_codes, num_codes)
    pair = (codes[:-1][inside], codes[1:][inside])
    follows.index_put_(pair, torch.ones(len(pair[0])), accumulate=True)
    for code in airborne.nonzero().flatten().tolist():
        for side, members in ground.items():
            landing[code, side] = torch.where(members, follows[code], -1.0).argmax()
    return landing


def join_alike(states: Tensor, shift: Tensor, among: Tensor, sizes: tuple[int, int]) -> Tensor:
    """Join states with similar camera motion until the wanted number of codes is left.

    A sprite that stands faces one side or the other, which persists although no key is pressed.

    Args:
        states: int64 (S,), of transitions.
        shift: (S, 2), the camera's shift in pixels.
        among: bool (S,), the transitions that count.
        sizes: number of states, and of codes wanted, no more.

    Returns:
        int64 (states,): the code of each state.
    """
    count, wanted = sizes
    code_of = torch.arange(count)
    # Speeds too: a jump ends where it began, so its mean shift is that of standing still.
    values = torch.cat((shift, shift.abs()), dim=1).double().unbind(1)
    while len(code_of.unique()) > wanted:
        codes = code_of[states]
        means = torch.stack([_means(value, codes, among, count) for value in values])
        left = code_of.unique()
        distance = torch.cdist(means.T[left], means.T[left]).fill_diagonal_(torch.inf)
        one, other = divmod(int(distance.argmin()), len(left))
        code_of[code_of == left[max(one, other)]] = left[min(one, other)]
    return code_of.unique(return_inverse=True)[1]


def read_keys(
    codes: Tensor,
    shift: Tensor,
    landing: Tensor,
    held: Tensor | bool = True,
    *,
    take_off: int = 3,
    off_heading: int = 2,
) -> Tensor:
    """Read the keys behind codes, some of which may be airborne.

    A jump begins where the camera rises: in the first two airborne transitions, or again after a
    fall. While code and direction stay those of the take-off, the jump may still be held, or
    another key steers the same way: `held` decides. After more than `off_heading` transitions with
    another code or direction the jump has been let go, and the sprite is steered until it lands.

    Args:
        codes: int64 (B, S), of consecutive transitions.
        shift: (B, S, 2), the camera's shift in pixels.
        landing: int64 (A, 3), from `find_airborne_codes`.
        held: whether such a jump counts as held to its end, or as let go after the take-off; of
            each row, bool (B,), or of all.
        take_off: transitions of a jump that are read as the jump in any case.
        off_heading: above 0, keys of one frame still count as held, and a trembling camera is not
            read as keys.

    Returns:
        int64 (B, S). Entry t depends on no later entry.
    """
    table = landing[codes]  # (B, S, 3)
    airborne = table[..., STILL] >= 0
    direction = shift[..., 1].sign().long() + 1
    steered = table.gather(-1, direction[..., None])[..., 0]
    rises, falls = shift[..., 0] < 0, shift[..., 0] > 0
    keys = codes.clone()
    in_air = torch.zeros_like(codes[:, 0])  # transitions since the sprite left the ground
    age = torch.full_like(in_air, -1)  # of the last jump; −1: none
    fallen = torch.zeros_like(airborne[:, 0])
    first_direction, first_code, others = (torch.zeros_like(in_air) for _ in range(3))
    for t in range(codes.shape[1]):
        begins = airborne[:, t] & rises[:, t] & (((in_air < 2) & (age < 0)) | fallen)
        age = torch.where(begins, 0, torch.where(age >= 0, age + 1, age))
        age = torch.where(airborne[:, t], age, -1)
        early = age < take_off
        first_direction = torch.where(early, direction[:, t], first_direction)
        first_code = torch.where(early, codes[:, t], first_code)
        other = (direction[:, t] != first_direction) | (codes[:, t] != first_code)
        others = torch.where(early, 0, others + other)
        goes_on = ~early & ~other & (others <= off_heading) & held
        jump = ((age >= 0) & early) | goes_on
        keys[:, t] = torch.where(airborne[:, t] & ~jump, steered[:, t], codes[:, t])
        fallen = (fallen | falls[:, t]) & airborne[:, t] & ~begins
        in_air = torch.where(airborne[:, t], in_air + 1, 0)
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
