"""Which button of the game each latent action stands for, from a few labelled transitions."""

import numpy as np

UNKNOWN = -1


def map_codes(
    codes: np.ndarray, buttons: np.ndarray, num_actions: int, num_buttons: int
) -> np.ndarray:
    """Give each latent action the button that was pressed most often where it was read.

    Of buttons that were pressed equally often, it is the one that is labelled more often
    altogether: the labels that are left tell no difference, and what was pressed more often is
    more probably meant. A latent action that no label goes with gets the most frequent button of
    all, for the same reason.

    Args:
        codes: integers (n,), latent actions read off the labelled transitions; −1: none was read.
        buttons: integers (n,), what was pressed there, 0 … num_buttons − 1.
        num_actions: A.
        num_buttons: of the game.

    Returns:
        int64 (A,), a button for each latent action.

    Raises:
        ValueError: there is no label, the arrays differ in length, or a number is out of range.

    Source: Bruce et al. 2024, Genie: Generative Interactive Environments, section 3.3.
    """
    codes, buttons = np.asarray(codes, np.int64), np.asarray(buttons, np.int64)
    if codes.shape != buttons.shape or codes.ndim != 1 or not len(codes):
        raise ValueError(
            f"the map from codes to buttons needs one label or more, and a code for each: got "
            f"{codes.shape} codes and {buttons.shape} buttons"
        )
    if not (codes.min() >= UNKNOWN and codes.max() < num_actions):
        raise ValueError(
            f"codes {codes.min()} to {codes.max()}: allowed are -1 to {num_actions - 1}"
        )
    if not (buttons.min() >= 0 and buttons.max() < num_buttons):
        raise ValueError(
            f"buttons {buttons.min()} to {buttons.max()}: allowed are 0 to {num_buttons - 1}"
        )
    counts = np.zeros((num_actions, num_buttons))
    read = codes != UNKNOWN
    np.add.at(counts, (codes[read], buttons[read]), 1)
    overall = np.bincount(buttons, minlength=num_buttons)
    # Below one label in weight, so that it only decides between equal counts.
    return (counts + overall / (len(buttons) + 1)).argmax(axis=1)
