import pytest

from tokenizer import Tokenizer, TokenizerConfig

SIZES = {"height": 16, "width": 24, "patch": 8, "dim": 16, "heads": 2}


@pytest.mark.parametrize("wrong", [{"height": 17}, {"width": 20}, {"patch": 5}, {"patch": 0}])
def test_a_patch_that_does_not_divide_the_frame_is_refused(wrong):
    with pytest.raises(ValueError, match="multiples of the patch"):
        TokenizerConfig(**SIZES | wrong)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"dim": 18, "heads": 4}, "do not fit together"),
        ({"dim": 12, "heads": 4}, "do not fit together"),
        ({"heads": 0}, "do not fit together"),
        ({"band": 0}, "do not fit together"),
        ({"encoder_layers": 0}, "do not fit together"),
        ({"decoder_layers": 0}, "do not fit together"),
        ({"levels": (8, 1)}, "levels must be"),
        ({"levels": ()}, "levels must be"),
    ],
)
def test_sizes_that_do_not_fit_together_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Tokenizer(TokenizerConfig(**SIZES | wrong))


def test_levels_read_from_json_are_those_written():
    assert TokenizerConfig(**SIZES, levels=[8, 5]) == TokenizerConfig(**SIZES, levels=(8, 5))
