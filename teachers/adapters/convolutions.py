"""Organic encoders and decoders under torch: tanh-affine maps of patches as convolutions. It needs torch alone."""

import torch
from torch import nn


class Maps(nn.Module):
    """Maps `tanh(W x + b)` of the window around each site; each reads what all before it answered, the last answers.

    Parameters
    ----------
    channels, side, stride : of the windows
    units : outputs of each map
    """

    def __init__(self, channels: int, side: int, stride: int, units: tuple[int, ...]):
        super().__init__()
        self.side, self.stride = side, stride
        self.kernels = nn.ModuleList(nn.Conv2d(channels, count, side, stride) for count in units)
        known = [sum(units[:number]) for number in range(1, len(units))]
        self.mixing = nn.ModuleList(nn.Conv2d(*sizes, 1, bias=False) for sizes in zip(known, units[1:], strict=True))
        self.gain = nn.Parameter(torch.ones(units[-1], 1, 1))
        self.shift = nn.Parameter(torch.zeros(units[-1], 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Windows (B, C, H, W) to answers (B, out, rows, columns)."""
        known: list[torch.Tensor] = []
        for number, kernel in enumerate(self.kernels):
            summed = kernel(x)
            if known:
                summed = summed + self.mixing[number - 1](torch.cat(known, 1) if number > 1 else known[0])
            known.append(torch.tanh(summed))
        return known[-1] * self.gain + self.shift


class PatchModule(nn.Module):
    """Maps over a whole picture or latent, with what lies around it, at once or in tiles."""

    maps: Maps

    def around(self, size: int, device: torch.device) -> torch.Tensor:
        """Which rows or columns of so many are read, those outside included."""
        raise NotImplementedError

    def answers(self, x: torch.Tensor, tile: int | None) -> torch.Tensor:
        """All sites; windows are finite, so that tiles of `tile` sites, cut with what is around them, leave no seam."""
        side, stride = self.maps.side, self.maps.stride
        x = x.to(self.maps.gain.dtype).index_select(2, self.around(x.shape[2], x.device))
        x = x.index_select(3, self.around(x.shape[3], x.device))
        rows, columns = ((size - side) // stride + 1 for size in x.shape[2:])
        step = tile or max(rows, columns)
        across, down = (
            [slice(first * stride, (first + step - 1) * stride + side) for first in range(0, count, step)]
            for count in (columns, rows)
        )
        found = [torch.cat([self.maps(x[:, :, row, column]) for column in across], 3) for row in down]
        return torch.cat(found, 2)


class PatchDecoder(PatchModule):
    """Scaled latents (B, C, h, w) to pictures (B, 3, factor h, factor w) in [-1, 1]; edges are repeated."""

    def __init__(self, channels: int, window: int, hidden: tuple[int, ...], factor: int = 8):
        super().__init__()
        self.factor = factor
        self.maps = Maps(channels, window, 1, (*hidden, 3 * factor**2))

    def around(self, size: int, device: torch.device) -> torch.Tensor:
        """Sites outside are the nearest inside."""
        pad = self.maps.side // 2
        return torch.arange(-pad, size + pad, device=device).clamp(0, size - 1)

    def forward(self, latents: torch.Tensor, tile: int | None = None) -> torch.Tensor:
        """Decode, in tiles of so many sites along a side."""
        return nn.functional.pixel_shuffle(self.answers(latents, tile), self.factor).clamp(-1, 1)


class PatchEncoder(PatchModule):
    """Pictures (B, 3, H, W) in [-1, 1] to scaled latents (B, C, H / factor, W / factor), sides rounded up.

    Sides are filled up to whole patches by repeating the last pixels, and then reflected outside.
    """

    def __init__(self, channels: int, border: int, hidden: tuple[int, ...], factor: int = 8):
        super().__init__()
        self.factor, self.border = factor, border
        self.maps = Maps(3, factor + 2 * border, factor, (*hidden, channels))

    def around(self, size: int, device: torch.device) -> torch.Tensor:
        """Pixels outside are mirrored at the edge, as often as it takes."""
        full = -(-size // self.factor) * self.factor
        period = max(2 * (full - 1), 1)
        place = torch.arange(-self.border, full + self.border, device=device) % period
        return torch.minimum(place, period - place).clamp(0, size - 1)

    def forward(self, pictures: torch.Tensor, tile: int | None = None) -> torch.Tensor:
        """Encode, in tiles of so many sites along a side."""
        return self.answers(pictures, tile)
