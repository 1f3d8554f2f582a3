"""Products of a frame's rows with a matrix of weights, as play on a CPU computes them."""

import torch
from torch import Tensor, nn


class Product:
    """Rows times the weights of a linear layer, in float32."""

    def __init__(self, layer: nn.Linear) -> None:
        """Take the layer's weights, as they lie in memory."""
        self._weight = layer.weight.t()

    def into(self, out: Tensor, x: Tensor) -> None:
        """Write the product of x, (rows, in), to `out`, (rows, out)."""
        torch.mm(x, self._weight, out=out)

    def onto(self, out: Tensor, x: Tensor) -> None:
        """Add the product of x, (rows, in), to `out`, (rows, out)."""
        out.addmm_(x, self._weight)


class RoundedProduct(Product):
    """The same with weights, rows and results rounded to bfloat16.

    A processor that multiplies bfloat16 does so four times as fast (lab notes, 2026-11-30). Worlds
    hold their dynamics in bfloat16, so its weights stay as they are.
    """

    def __init__(self, layer: nn.Linear, scratch: "Scratch") -> None:
        """Round the layer's weights; products of one frame may share `scratch`."""
        self._weight = layer.weight.t().to(torch.bfloat16).contiguous()
        self._x = scratch.of("x", layer.in_features)
        self._product = scratch.of("product", layer.out_features)

    def into(self, out: Tensor, x: Tensor) -> None:
        """Write the product of x, (rows, in), to `out`, (rows, out)."""
        out.copy_(self._multiply(x))

    def onto(self, out: Tensor, x: Tensor) -> None:
        """Add the product of x, (rows, in), to `out`, (rows, out)."""
        out.add_(self._multiply(x))

    def _multiply(self, x: Tensor) -> Tensor:
        self._x.copy_(x)
        return torch.mm(self._x, self._weight, out=self._product)


class Scratch:
    """Rows of bfloat16 that live no longer than one product."""

    def __init__(self, rows: int) -> None:
        """Begin with no buffer."""
        self._rows = rows
        self._buffers: dict[tuple[str, int], Tensor] = {}

    def of(self, name: str, width: int) -> Tensor:
        """Return the buffer of a name and a width, the same one each time: (rows, width)."""
        if (name, width) not in self._buffers:
            empty = torch.empty(self._rows, width, dtype=torch.bfloat16)
            self._buffers[name, width] = empty
        return self._buffers[name, width]
