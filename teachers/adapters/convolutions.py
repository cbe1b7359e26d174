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

    def __init__(self, channels, side, stride, units):
        super().__init__()
        self.side, self.stride = side, stride
        self.kernels = nn.ModuleList(nn.Conv2d(channels, count, side, stride) for count in units)
        known = [sum(units[:number]) for number in range(1, len(units))]
        self.mixing = nn.ModuleList(nn.Conv2d(*sizes, 1, bias=False) for sizes in zip(known, units[1:], strict=True))
        self.gain = nn.Parameter(torch.ones(units[-1], 1, 1))
        self.shift = nn.Parameter(torch.zeros(units[-1], 1, 1))

    def forward(self, x):
        """Windows (B, C, H, W) to answers (B, out, rows, columns)."""
        known = []
        for number, kernel in enumerate(self.kernels):
            summed = kernel(x)
            if known:
                summed = summed + self.mixing[number - 1](torch.cat(known, 1) if number > 1 else known[0])
            known.append(torch.tanh(summed))
        return known[-1] * self.gain + self.shift


class PatchModule(nn.Module):
    """Maps over a whole picture or latent, with what lies around it, in one go or in tiles."""

    def around(self, size, device):
        """Which rows or columns are read, outside and padding included."""
        raise NotImplementedError

    def answers(self, x, tile=None):
        """All sites; windows are finite, so that tiles of `tile` sites, cut with what is around them, leave no seam."""
        maps, dtype = self.maps, self.maps.gain.dtype
        x = x.to(dtype).index_select(2, self.around(x.shape[2], x.device))
        x = x.index_select(3, self.around(x.shape[3], x.device))
        rows, columns = ((size - maps.side) // maps.stride + 1 for size in x.shape[2:])
        if tile is None or max(rows, columns) <= tile:
            return maps(x)
        cuts = [
            [slice(first * maps.stride, (first + tile - 1) * maps.stride + maps.side) for first in range(0, count, tile)]
            for count in (rows, columns)
        ]
        return torch.cat([torch.cat([maps(x[:, :, row, column]) for column in cuts[1]], 3) for row in cuts[0]], 2)


class PatchDecoder(PatchModule):
    """Scaled latents (B, C, h, w) to pictures (B, 3, factor h, factor w) in [-1, 1]; edges are repeated."""

    def __init__(self, channels, window, hidden, factor=8):
        super().__init__()
        self.factor = factor
        self.maps = Maps(channels, window, 1, (*hidden, 3 * factor**2))

    def around(self, size, device):
        """Sites outside are the nearest inside."""
        pad = self.maps.side // 2
        return torch.arange(-pad, size + pad, device=device).clamp(0, size - 1)

    def forward(self, latents, tile=None):
        """Decode, in tiles of so many sites along a side."""
        return nn.functional.pixel_shuffle(self.answers(latents, tile), self.factor).clamp(-1, 1)


class PatchEncoder(PatchModule):
    """Pictures (B, 3, H, W) in [-1, 1] to scaled latents (B, C, H / factor, W / factor), sides rounded up.

    Sides are filled up to whole patches by repeating the last pixels, and then reflected outside.
    """

    def __init__(self, channels, border, hidden, factor=8):
        super().__init__()
        self.factor, self.border = factor, border
        self.maps = Maps(3, factor + 2 * border, factor, (*hidden, channels))

    def around(self, size, device):
        """Pixels outside are mirrored at the edge, as often as it takes."""
        full = -(-size // self.factor) * self.factor
        period = max(2 * (full - 1), 1)
        place = torch.arange(-self.border, full + self.border, device=device) % period
        return torch.minimum(place, period - place).clamp(0, size - 1)

    def forward(self, pictures, tile=None):
        """Encode, in tiles of so many sites along a side."""
        return self.answers(pictures, tile)
