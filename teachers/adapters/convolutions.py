"""Organic encoders and decoders under torch: tanh-affine maps of patches as convolutions. It needs torch alone."""

import torch
from torch import nn


class Maps(nn.Module):
    """Maps `tanh(W x + b)` of the window around each site; each reads what all before it answered, the last answers.

    Parameters
    ----------
    channels, side, stride : of the windows
    units : outputs of each map
    beside : channels and side of windows of latents that are read beside them; None for none
    """

    def __init__(
        self,
        channels: int,
        side: int,
        stride: int,
        units: tuple[int, ...],
        beside: tuple[int, int] | None = None,
    ):
        super().__init__()
        self.side, self.stride = side, stride
        self.around = 0 if beside is None else beside[1] - 1
        self.kernels = nn.ModuleList(nn.Conv2d(channels, count, side, stride) for count in units)
        known = [sum(units[:number]) for number in range(1, len(units))]
        self.mixing = nn.ModuleList(nn.Conv2d(*sizes, 1, bias=False) for sizes in zip(known, units[1:], strict=True))
        of_latents = [] if beside is None else [nn.Conv2d(beside[0], count, beside[1], bias=False) for count in units]
        self.beside = nn.ModuleList(of_latents)
        self.gain = nn.Parameter(torch.ones(units[-1], 1, 1))
        self.shift = nn.Parameter(torch.zeros(units[-1], 1, 1))

    def forward(self, x: torch.Tensor, latents: torch.Tensor | None = None) -> torch.Tensor:
        """Windows (B, C, H, W), and those of latents where they are read, to answers (B, out, rows, columns)."""
        known: list[torch.Tensor] = []
        for number, kernel in enumerate(self.kernels):
            summed = kernel(x)
            if latents is not None:
                summed = summed + self.beside[number](latents)
            if known:
                summed = summed + self.mixing[number - 1](torch.cat(known, 1) if number > 1 else known[0])
            known.append(torch.tanh(summed))
        return known[-1] * self.gain + self.shift


def repeated(pad: int, size: int, device: torch.device) -> torch.Tensor:
    """Places in a line of so many, those outside being the nearest inside."""
    return torch.arange(-pad, size + pad, device=device).clamp(0, size - 1)


def reflected(pad: int, size: int, device: torch.device) -> torch.Tensor:
    """Places in a line of so many, those outside mirrored at the edge, as often as it takes."""
    period = max(2 * (size - 1), 1)
    place = torch.arange(-pad, size + pad, device=device) % period
    return torch.minimum(place, period - place)


def read_at(x: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """Numbers (B, C, H, W) at the places of rows and columns."""
    return x.index_select(2, rows).index_select(3, columns)


class PatchModule(nn.Module):
    """Maps over a whole picture or latent, with what lies around it, at once or in tiles."""

    maps: Maps

    def around(self, size: int, device: torch.device) -> torch.Tensor:
        """Which rows or columns of so many are read, those outside included."""
        raise NotImplementedError

    def answers(self, x: torch.Tensor, tile: int | None, latents: torch.Tensor | None = None) -> torch.Tensor:
        """All sites; windows are finite, so that tiles of `tile` sites, cut with what is around them, leave no seam.

        `latents` are those that are read beside, with what is around them.
        """
        side, stride = self.maps.side, self.maps.stride
        x = x.to(self.maps.gain.dtype)
        x = read_at(x, *(self.around(size, x.device) for size in x.shape[2:]))
        rows, columns = ((size - side) // stride + 1 for size in x.shape[2:])
        step = tile or max(rows, columns)
        found = []
        for y in range(0, rows, step):
            line = []
            for x0 in range(0, columns, step):
                down, across = (slice(at * stride, (at + step - 1) * stride + side) for at in (y, x0))
                beside = None
                if latents is not None:
                    more = step + self.maps.around
                    beside = latents[:, :, y : y + more, x0 : x0 + more]
                line.append(self.maps(x[:, :, down, across], beside))
            found.append(torch.cat(line, 3))
        return torch.cat(found, 2)


class PatchRefiner(PatchModule):
    """Pictures (B, 3, H, W) in [-1, 1] of a decoder, whole levels, with its errors taken out; edges are reflected.

    Parameters
    ----------
    channels : of the latents
    factor, border : pixels along a side of a block, which is refined at once, and pixels around it that are read
    hidden : units of the hidden maps
    context : sites around a block's own whose latents are read too, edges repeated; None for none
    """

    def __init__(self, channels: int, factor: int, border: int, hidden: tuple[int, ...], context: int | None = None):
        super().__init__()
        self.factor, self.border, self.context = factor, border, context
        beside = None if context is None else (channels, 2 * context + 1)
        self.maps = Maps(3, factor + 2 * border, factor, (*hidden, 3 * factor**2), beside)

    def around(self, size: int, device: torch.device) -> torch.Tensor:
        """Pixels outside are mirrored at the edge."""
        return reflected(self.border, size, device)

    def forward(self, pictures: torch.Tensor, latents: torch.Tensor, tile: int | None = None) -> torch.Tensor:
        """Refine, in tiles of so many blocks along a side."""
        beside = None
        if self.context is not None:
            beside = read_at(latents, *(repeated(self.context, size, latents.device) for size in latents.shape[2:]))
        errors = nn.functional.pixel_shuffle(self.answers(pictures, tile, beside), self.factor)
        return (pictures + errors).clamp(-1, 1)


class PatchDecoder(PatchModule):
    """Scaled latents (B, C, h, w) to pictures (B, 3, factor h, factor w) in [-1, 1]; edges are repeated.

    Parameters
    ----------
    refiner : settings of the `PatchRefiner` behind it; None for none
    """

    def __init__(
        self, channels: int, window: int, hidden: tuple[int, ...], factor: int = 8, refiner: dict | None = None
    ):
        super().__init__()
        self.factor = factor
        self.maps = Maps(channels, window, 1, (*hidden, 3 * factor**2))
        self.refiner = None if refiner is None else PatchRefiner(channels, **refiner)

    def around(self, size: int, device: torch.device) -> torch.Tensor:
        """Sites outside are the nearest inside."""
        return repeated(self.maps.side // 2, size, device)

    def forward(self, latents: torch.Tensor, tile: int | None = None) -> torch.Tensor:
        """Decode, in tiles of so many sites along a side."""
        if self.refiner is None:
            return self._decoded(latents, tile)
        # It was trained on whole levels, and on latents as the numbers of 16 bits that data sets hold.
        latents = latents.half().to(self.maps.gain.dtype)
        levels = ((self._decoded(latents, tile) + 1) * 127.5).round()
        return self.refiner(levels / 127.5 - 1, latents, tile and tile * self.factor // self.refiner.factor)

    def _decoded(self, latents: torch.Tensor, tile: int | None) -> torch.Tensor:
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
        return reflected(self.border, full, device).clamp(0, size - 1)

    def forward(self, pictures: torch.Tensor, tile: int | None = None) -> torch.Tensor:
        """Encode, in tiles of so many sites along a side."""
        return self.answers(pictures, tile)
