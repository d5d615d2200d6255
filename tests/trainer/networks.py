"""Small networks of the families that people train today, written as their libraries write them, with random weights.

What matters is how their exports look: permutations, windows, tokens, shapes computed at run time. All take pictures of
32 × 32 pixels and give 5 logits.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as f

SIDE, CLASSES, WIDTH = 32, 5, 8


class LayerNorm2d(nn.LayerNorm):
    """Normalizes the channels of ``[batch, channels, height, width]``."""

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return out


class Mlp(nn.Sequential):
    def __init__(self, width: int) -> None:
        super().__init__(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))


class Attention(nn.Module):
    """Attention of tokens; the scores may get a bias and a mask of windows."""

    def __init__(self, width: int, heads: int = 2) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor, bias: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        batch, count, width = x.shape
        qkv = self.qkv(x).reshape(batch, count, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        scores = (q * (width // self.heads) ** -0.5) @ k.transpose(-2, -1)
        if bias is not None:
            scores = scores + bias.unsqueeze(0)
        if mask is not None:
            windows = mask.shape[0]
            scores = scores.view(batch // windows, windows, self.heads, count, count) + mask[:, None].unsqueeze(0)
            scores = scores.view(-1, self.heads, count, count)
        x = (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, count, width)
        out: Tensor = self.proj(x)
        return out


class ConvNextBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.dw, self.norm, self.mlp = nn.Conv2d(width, width, 7, 1, 3, groups=width), nn.LayerNorm(width), Mlp(width)
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        y = self.mlp(self.norm(self.dw(x).permute(0, 2, 3, 1)))
        out: Tensor = x + (self.gamma * y).permute(0, 3, 1, 2)
        return out


class ConvNext(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(3, WIDTH, 4, 4),
            LayerNorm2d(WIDTH),
            ConvNextBlock(WIDTH),
            ConvNextBlock(WIDTH),
            LayerNorm2d(WIDTH),
            nn.Conv2d(WIDTH, 2 * WIDTH, 2, 2),
            ConvNextBlock(2 * WIDTH),
            nn.AdaptiveAvgPool2d(1),
            LayerNorm2d(2 * WIDTH),
            nn.Flatten(1),
            nn.Linear(2 * WIDTH, CLASSES),
        )


class TransformerBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(width), Attention(width)
        self.norm2, self.mlp = nn.LayerNorm(width), Mlp(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        out: Tensor = x + self.mlp(self.norm2(x))
        return out


class Vit(nn.Module):
    """A vision transformer that answers by its class token, or, with ``mean``, by the mean of the others."""

    def __init__(self, *, mean: bool = False) -> None:
        super().__init__()
        self.mean = mean
        self.patches = nn.Conv2d(3, WIDTH, 8, 8)
        self.token = nn.Parameter(torch.randn(1, 1, WIDTH))
        self.places = nn.Parameter(torch.randn(1, 17, WIDTH))
        self.blocks = nn.Sequential(TransformerBlock(WIDTH), TransformerBlock(WIDTH))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.places
        x = self.norm(self.blocks(x))
        out: Tensor = self.head(x[:, 1:].mean(1) if self.mean else x[:, 0])
        return out


class SwinBlock(nn.Module):
    """Attention within windows of 4 × 4 cells of ``[batch, height, width, channels]``, shifted by 2 in every other."""

    index: Tensor
    mask: Tensor | None

    def __init__(self, width: int, side: int, shift: int) -> None:
        super().__init__()
        self.shift = shift
        self.norm1, self.attention = nn.LayerNorm(width), Attention(width)
        self.norm2, self.mlp = nn.LayerNorm(width), Mlp(width)
        self.table = nn.Parameter(torch.randn(49, 2))
        place = torch.stack(torch.meshgrid(torch.arange(4), torch.arange(4), indexing="ij")).flatten(1)
        apart = (place[:, :, None] - place[:, None, :] + 3).permute(1, 2, 0)
        self.register_buffer("index", apart[..., 0] * 7 + apart[..., 1])
        mask = None
        if shift:
            region = torch.zeros(1, side, side, 1)
            for i, rows in enumerate((slice(0, -4), slice(-4, -2), slice(-2, None))):
                for j, columns in enumerate((slice(0, -4), slice(-4, -2), slice(-2, None))):
                    region[:, rows, columns] = 3 * i + j
            flat = _windows(region).flatten(1)
            mask = (flat[:, None] != flat[:, :, None]).float() * -100
        self.register_buffer("mask", mask)

    def forward(self, x: Tensor) -> Tensor:
        batch, height, width, channels = x.shape
        y = self.norm1(x)
        if self.shift:
            y = torch.roll(y, (-self.shift, -self.shift), (1, 2))
        bias = self.table[self.index.view(-1)].view(16, 16, -1).permute(2, 0, 1).contiguous()
        y = self.attention(_windows(y).view(-1, 16, channels), bias, self.mask).view(-1, 4, 4, channels)
        y = y.view(-1, height // 4, width // 4, 4, 4, channels).permute(0, 1, 3, 2, 4, 5)
        y = y.reshape(-1, height, width, channels)
        if self.shift:
            y = torch.roll(y, (self.shift, self.shift), (1, 2))
        x = x + y
        x = x.reshape(batch, -1, channels)
        x = x + self.mlp(self.norm2(x))
        return x.reshape(batch, height, width, channels)


def _windows(x: Tensor) -> Tensor:
    batch, height, width, channels = x.shape
    x = x.view(batch, height // 4, 4, width // 4, 4, channels)
    return x.permute(0, 1, 3, 2, 4, 5).contiguous().view(-1, 4, 4, channels)


class PatchMerging(nn.Module):
    def __init__(self, width: int, *, sliced: bool) -> None:
        super().__init__()
        self.sliced = sliced
        self.norm, self.reduction = nn.LayerNorm(4 * width), nn.Linear(4 * width, 2 * width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        batch, height, width, channels = x.shape
        if self.sliced:
            x = torch.cat([x[:, i::2, j::2] for j in (0, 1) for i in (0, 1)], -1)
        else:
            x = x.reshape(batch, height // 2, 2, width // 2, 2, channels).permute(0, 1, 3, 4, 2, 5).flatten(3)
        out: Tensor = self.reduction(self.norm(x))
        return out


class Swin(nn.Module):
    def __init__(self, *, sliced: bool = True) -> None:
        super().__init__()
        self.patches, self.norm = nn.Conv2d(3, WIDTH, 2, 2), nn.LayerNorm(WIDTH)
        self.stages = nn.Sequential(
            SwinBlock(WIDTH, 16, 0),
            SwinBlock(WIDTH, 16, 2),
            PatchMerging(WIDTH, sliced=sliced),
            SwinBlock(2 * WIDTH, 8, 0),
            SwinBlock(2 * WIDTH, 8, 2),
            nn.LayerNorm(2 * WIDTH),
        )
        self.head = nn.Linear(2 * WIDTH, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.patches(x).permute(0, 2, 3, 1))
        out: Tensor = self.head(self.stages(x).mean((1, 2)))
        return out


class PoolBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(1, width), nn.GroupNorm(2, width)
        self.pool = nn.AvgPool2d(3, 1, 1, count_include_pad=False)
        self.mlp = nn.Sequential(nn.Conv2d(width, 2 * width, 1), nn.GELU(), nn.Conv2d(2 * width, width, 1))
        self.scale = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm1(x)
        x = x + self.scale[:, None, None] * (self.pool(y) - y)
        out: Tensor = x + self.mlp(self.norm2(x))
        return out


class Averaged(nn.Module):
    """A network that ends in the mean over height and width and one linear layer."""

    def __init__(self, width: int, *body: nn.Module) -> None:
        super().__init__()
        self.body, self.head = nn.Sequential(*body), nn.Linear(width, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.body(x).mean([-2, -1]))
        return out


class PoolFormer(Averaged):
    def __init__(self) -> None:
        super().__init__(
            2 * WIDTH,
            *(nn.Conv2d(3, WIDTH, 7, 4, 2), PoolBlock(WIDTH)),
            *(nn.Conv2d(WIDTH, 2 * WIDTH, 3, 2, 1), PoolBlock(2 * WIDTH), nn.GroupNorm(1, 2 * WIDTH)),
        )


class ShuffleUnit(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        half = width // 2
        self.branch = nn.Sequential(
            *(nn.Conv2d(half, half, 1), nn.BatchNorm2d(half), nn.ReLU()),
            *(nn.Conv2d(half, half, 3, 1, 1, groups=half), nn.BatchNorm2d(half), nn.Conv2d(half, half, 1), nn.ReLU()),
        )

    def forward(self, x: Tensor) -> Tensor:
        a, b = x.chunk(2, 1)
        x = torch.cat([a, self.branch(b)], 1)
        batch, channels, height, width = x.size()
        x = x.view(batch, 2, channels // 2, height, width).transpose(1, 2).contiguous()
        return x.view(batch, channels, height, width)


class ShuffleNet(Averaged):
    def __init__(self) -> None:
        super().__init__(
            16,
            *(nn.Conv2d(3, WIDTH, 3, 2, 1), nn.BatchNorm2d(WIDTH), nn.ReLU(), nn.MaxPool2d(3, 2, 1)),
            *(ShuffleUnit(WIDTH), ShuffleUnit(WIDTH), nn.Conv2d(WIDTH, 16, 1), nn.ReLU()),
        )


class MobileVitBlock(nn.Module):
    """Attention among the cells that lie at the same place within patches of 2 × 2."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.local = nn.Sequential(nn.Conv2d(width, width, 3, 1, 1), nn.SiLU(), nn.Conv2d(width, width, 1, bias=False))
        self.block, self.norm = TransformerBlock(width), nn.LayerNorm(width)
        self.project = nn.Sequential(nn.Conv2d(width, width, 1), nn.SiLU())
        self.fuse = nn.Sequential(nn.Conv2d(2 * width, width, 3, 1, 1), nn.SiLU())

    def forward(self, x: Tensor) -> Tensor:
        shortcut, x = x, self.local(x)
        batch, channels, height, width = x.shape
        rows, columns = height // 2, width // 2
        x = x.reshape(batch * channels * rows, 2, columns, 2).transpose(1, 2)
        x = x.reshape(batch, channels, rows * columns, 4).transpose(1, 3).reshape(batch * 4, rows * columns, channels)
        x = self.norm(self.block(x))
        x = x.contiguous().view(batch, 4, rows * columns, channels).transpose(1, 3)
        x = x.reshape(batch * channels * rows, columns, 2, 2).transpose(1, 2).reshape(batch, channels, height, width)
        out: Tensor = self.fuse(torch.cat([shortcut, self.project(x)], 1))
        return out


class MobileVit(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(
            *(nn.Conv2d(3, WIDTH, 3, 4, 1), nn.SiLU(), MobileVitBlock(WIDTH)),
            *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(WIDTH, CLASSES)),
        )


class EdgeBlock(nn.Module):
    """A stack of depthwise convolutions over split channels, then attention of channels (XCA)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(width // 2, width // 2, 3, 1, 1, groups=width // 2) for _ in range(1))
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.temperature = nn.Parameter(torch.ones(2, 1, 1))
        self.mlp = Mlp(width)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x
        first, rest = x.chunk(2, 1)
        x = torch.cat([self.convs[0](first), rest], 1)
        batch, channels, height, width = x.shape
        x = x.reshape(batch, channels, height * width).permute(0, 2, 1)
        x = x + self._attended(self.norm1(x))
        x = x.reshape(batch, height, width, channels)
        x = self.mlp(self.norm2(x)).permute(0, 3, 1, 2)
        return shortcut + x

    def _attended(self, x: Tensor) -> Tensor:
        batch, count, channels = x.shape
        q, k, v = self.qkv(x).reshape(batch, count, 3, 2, -1).permute(2, 0, 3, 4, 1).unbind(0)
        scores = f.normalize(q, dim=-1) @ f.normalize(k, dim=-1).transpose(-2, -1) * self.temperature
        x = (scores.softmax(-1) @ v).permute(0, 3, 1, 2).reshape(batch, count, channels)
        out: Tensor = self.proj(x)
        return out


class EdgeNext(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(
            *(nn.Conv2d(3, WIDTH, 4, 4), LayerNorm2d(WIDTH), EdgeBlock(WIDTH)),
            *(LayerNorm2d(WIDTH), nn.Conv2d(WIDTH, 2 * WIDTH, 2, 2), EdgeBlock(2 * WIDTH)),
            *(nn.AdaptiveAvgPool2d(1), LayerNorm2d(2 * WIDTH), nn.Flatten(), nn.Linear(2 * WIDTH, CLASSES)),
        )


class CoAtBlock(nn.Module):
    """Attention of all cells, ``[batch, channels, height, width]`` at both ends, with a pooled skip."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = LayerNorm2d(width), LayerNorm2d(width)
        self.qkv, self.proj = nn.Conv2d(width, 3 * width, 1), nn.Conv2d(width, width, 1)
        self.mlp = nn.Sequential(nn.Conv2d(width, 2 * width, 1), nn.GELU(), nn.Conv2d(2 * width, width, 1))
        self.bias = nn.Parameter(torch.randn(2, 16, 16))

    def forward(self, x: Tensor) -> Tensor:
        x = f.avg_pool2d(x, 2)
        y = self.qkv(self.norm1(x))
        batch, _, height, width = y.shape
        q, k, v = y.view(batch, 2, -1, height * width).chunk(3, 2)
        scores = torch.einsum("bhdi,bhdj->bhij", q * 0.5, k) + self.bias
        y = (v @ scores.softmax(-1).transpose(-2, -1)).reshape(batch, -1, height, width)
        x = x + self.proj(y)
        out: Tensor = x + self.mlp(self.norm2(x))
        return out


class GatedUnit(nn.Module):
    """An inverted bottleneck with squeeze and excitation."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.expand = nn.Sequential(nn.Conv2d(width, 2 * width, 1), nn.BatchNorm2d(2 * width), nn.SiLU())
        self.depth = nn.Sequential(nn.Conv2d(2 * width, 2 * width, 3, 1, 1, groups=2 * width), nn.SiLU())
        self.gate = nn.Sequential(nn.Conv2d(2 * width, 4, 1), nn.SiLU(), nn.Conv2d(4, 2 * width, 1), nn.Sigmoid())
        self.project = nn.Conv2d(2 * width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.depth(self.expand(x))
        out: Tensor = x + self.project(y * self.gate(y.mean((2, 3), keepdim=True)))
        return out


class CoAtNet(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(
            *(nn.Conv2d(3, WIDTH, 3, 4, 1), GatedUnit(WIDTH), CoAtBlock(WIDTH), LayerNorm2d(WIDTH)),
            *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(WIDTH, CLASSES)),
        )


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "convnext": ConvNext,
    "vit": Vit,
    "vit-mean": lambda: Vit(mean=True),
    "swin": Swin,
    "swin-reshaped": lambda: Swin(sliced=False),
    "poolformer": PoolFormer,
    "shufflenet": ShuffleNet,
    "mobilevit": MobileVit,
    "edgenext": EdgeNext,
    "coatnet": CoAtNet,
}


def network(name: str) -> nn.Module:
    """A network with random weights, norms and scales among them, ready for inference."""
    torch.manual_seed(3)
    model = NETWORKS[name]()
    for parameter in model.parameters():
        if parameter.ndim == 1:
            nn.init.normal_(parameter, 0.8, 0.3)
    return model.eval()
