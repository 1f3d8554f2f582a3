"""Products in bfloat16 against the same sums written out."""

import pytest
import torch
from torch import nn

from spacetime.blocks import SpaceTimeStack
from spacetime.step.products import Product, RoundedProduct, Scratch

ROWS, NARROW, WIDE = 6, 16, 32


def rounded(x):
    return x.to(torch.bfloat16).float()


@pytest.fixture
def layer():
    torch.manual_seed(0)
    return nn.Linear(NARROW, WIDE, bias=False).requires_grad_(False)


def test_a_product_is_that_of_the_layer(layer):
    x, out = torch.randn(ROWS, NARROW), torch.randn(ROWS, WIDE)
    added = out + layer(x)
    Product(layer).onto(out, x)
    torch.testing.assert_close(out, added)
    Product(layer).into(out, x)
    torch.testing.assert_close(out, layer(x))


def test_a_rounded_product_rounds_rows_weights_and_sums_and_nothing_else(layer):
    x, out = torch.randn(ROWS, NARROW), torch.randn(ROWS, WIDE)
    product = RoundedProduct(layer, Scratch(ROWS))
    expected = rounded(rounded(x) @ rounded(layer.weight).T)
    added = out + expected
    # Sums in another order may round to the neighbour.
    product.onto(out, x)
    torch.testing.assert_close(out, added, rtol=2**-7, atol=2**-7)
    product.into(out, x)
    torch.testing.assert_close(out, expected, rtol=2**-7, atol=2**-7)
    assert not torch.equal(out, layer(x)) and torch.equal(out, rounded(out))


def test_products_share_what_they_need_for_a_moment(layer):
    scratch = Scratch(ROWS)
    assert scratch.of("x", NARROW) is scratch.of("x", NARROW)
    x, first, second = torch.randn(ROWS, NARROW), *torch.empty(2, ROWS, WIDE)
    one, other = RoundedProduct(layer, scratch), RoundedProduct(layer, scratch)
    one.into(first, x)
    kept = first.clone()
    other.into(second, -x)
    assert torch.equal(first, kept) and torch.equal(second, -kept)


class RoundedLinear(nn.Module):
    """A linear layer that rounds as play in bfloat16 does."""

    def __init__(self, linear):
        super().__init__()
        self.weight, self.in_features = linear.weight, linear.in_features

    def forward(self, x):
        return rounded(rounded(x) @ rounded(self.weight).T)


@pytest.mark.parametrize("band", [1, 3])
@torch.inference_mode()
def test_a_stack_in_bfloat16_computes_what_blocks_of_rounded_products_do(band):
    torch.manual_seed(3)
    model = SpaceTimeStack(NARROW, 2, 2, band, (2, 3))
    for weight in model.parameters():
        nn.init.normal_(weight, std=0.3)
    frames = torch.randn(7, 2, 6, NARROW)
    exact, fast = model.new_cache(2, 6), model.new_cache(2, 6)
    in_float32 = []
    for x in frames:
        drafted, new = model.step(x, exact)
        exact.write(new)
        in_float32.append(drafted)
    model.product_dtype, in_bfloat16 = torch.bfloat16, []
    for x in frames:
        drafted, new = model.step(x, fast)
        fast.write(new)
        in_bfloat16.append(drafted)
    model.buffered, slow, expected = False, model.new_cache(2, 6), []
    for part in list(model.modules()):
        for name, child in list(part.named_children()):
            if isinstance(child, nn.Linear):
                setattr(part, name, RoundedLinear(child))
    for x in frames:
        drafted, new = model.step(x, slow)
        slow.write(new)
        expected.append(drafted)
    found, plain, expected = (torch.stack(x) for x in (in_bfloat16, in_float32, expected))
    far, near = (plain - expected).std(), (found - expected).std()
    assert 5 * near < far < 0.2 * expected.std()
    torch.testing.assert_close(fast.keys, slow.keys, rtol=0.1, atol=0.1)
