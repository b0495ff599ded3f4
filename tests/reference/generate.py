"""Writes encoders.npz: outputs of PyTorch encoders on formula weights, for tests/models.rs.

No weight is stored: tensors and images follow from a formula over integers that the Rust test
computes too (see `formula`). Only outputs are kept.

    python -m venv v && v/bin/pip install -r tests/reference/requirements.txt
    v/bin/python tests/reference/generate.py
"""

from pathlib import Path

import numpy as np
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

MASK = 0xFFFF_FFFF_FFFF_FFFF


def uniform(name: str, count: int) -> np.ndarray:
    """`count` values in [0, 1): SplitMix64 of (FNV-1a of the name) + index, its upper 24 bits."""
    state = 0xCBF2_9CE4_8422_2325
    for byte in name.encode():
        state = ((state ^ byte) * 0x0100_0000_01B3) & MASK
    with np.errstate(over="ignore"):
        z = np.uint64(state) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E37_79B9_7F4A_7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float32) / np.float32(1 << 24)


def formula(name: str, shape) -> torch.Tensor:
    """The tensor called `name`; scales keep the variance of activations about constant."""
    shape = tuple(shape)
    unit = uniform(name, int(np.prod(shape)))
    centred = np.float32(2) * unit - np.float32(1)
    if len(shape) > 1:
        fan_in = np.float32(np.prod(shape[1:]))
        values = centred * np.sqrt(np.float32(6) / fan_in)
    elif name.endswith("running_var"):
        values = np.float32(0.5) + unit
    elif name.endswith("weight"):
        values = np.float32(0.25) + np.float32(0.5) * unit
    else:
        values = np.float32(0.25) * centred
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


def fill(model: nn.Module) -> nn.Module:
    state = {
        name: tensor if name.endswith("num_batches_tracked") else formula(name, tensor.shape)
        for name, tensor in model.state_dict().items()
    }
    model.load_state_dict(state)
    return model.eval()


def images(name: str, shape) -> torch.Tensor:
    return 2 * torch.from_numpy(uniform(name, int(np.prod(shape))).reshape(shape)) - 1


class CifarBlock(nn.Module):
    def __init__(self, inputs, outputs, option):
        super().__init__()
        stride = 1 if inputs == outputs else 2
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.pad = (outputs - inputs) // 2 if stride == 2 and option == "A" else 0
        self.shortcut = nn.Sequential()
        if stride == 2 and option == "B":
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        x = self.shortcut(x)
        if self.pad:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.pad, self.pad))
        return F.relu(y + x)


class CifarResNet(nn.Module):
    def __init__(self, depth, option):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        inputs = 16
        for index, outputs in enumerate((16, 32, 64), 1):
            blocks = []
            for _ in range((depth - 2) // 6):
                blocks.append(CifarBlock(inputs, outputs, option))
                inputs = outputs
            setattr(self, f"layer{index}", nn.Sequential(*blocks))

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        return self.layer3(self.layer2(self.layer1(x)))


class LightningBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.downsample = nn.Conv2d(inputs, outputs, 1, stride) if stride == 2 else None

    def forward(self, x):
        return F.relu(self.net(x) + (x if self.downsample is None else self.downsample(x)))


class LightningResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.input_net = nn.Sequential(
            nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()
        )
        widths = [(16, 16, 1)] * 3 + [(16, 32, 2)] + [(32, 32, 1)] * 2 + [(32, 64, 2)] + [(64, 64, 1)] * 2
        self.blocks = nn.Sequential(*(LightningBlock(*width) for width in widths))

    def forward(self, x):
        return self.blocks(self.input_net(x))


class SmallAlexNet(nn.Module):
    """Wang & Isola's STL-10 encoder up to its last linear layer (no L2 normalisation)."""

    def __init__(self, feat_dim=128):
        super().__init__()

        def conv(inputs, outputs, has_pool):
            layers = [nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
            return nn.Sequential(*layers, *([nn.MaxPool2d(3, 2)] if has_pool else []))

        self.blocks = nn.ModuleList([
            conv(3, 96, True), conv(96, 192, True), conv(192, 384, False), conv(384, 384, False),
            conv(384, 192, True),
            nn.Sequential(nn.Flatten(), nn.Linear(192 * 49, 4096, bias=False), nn.BatchNorm1d(4096), nn.ReLU()),
            nn.Sequential(nn.Linear(4096, 4096, bias=False), nn.BatchNorm1d(4096), nn.ReLU()),
            nn.Sequential(nn.Linear(4096, feat_dim)),
        ])


def torchvision_stages(model, x):
    x = model.maxpool(model.relu(model.bn1(model.conv1(x))))
    yield "stem", x
    for name in ("layer1", "layer2", "layer3", "layer4"):
        x = getattr(model, name)(x)
        yield name, x


def alexnet_stages(model, x):
    names = [f"conv{i}" for i in range(1, 6)] + ["fc6", "fc7", "fc8"]
    for name, block in zip(names, model.blocks):
        x = block(x)
        yield name, x


@torch.no_grad()
def main():
    torch.set_num_threads(2)
    outputs = {}
    keep = lambda key, value: outputs.__setitem__(key, value.numpy().astype(np.float32))

    for depth in (18, 34, 50):
        model = fill(getattr(torchvision.models, f"resnet{depth}")())
        for height, width in ((64, 64), (75, 97)):
            x = images("images", (2, 3, height, width))
            for name, value in torchvision_stages(model, x):
                if name == "layer4":
                    keep(f"resnet{depth}.{height}x{width}.{name}", value)
                    keep(f"resnet{depth}.{height}x{width}.pooled", value.mean((2, 3)))

    model = fill(torchvision.models.resnet18())
    model.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
    model.conv1.weight.data = formula("conv1.weight", (64, 3, 3, 3))
    model.maxpool = nn.Identity()
    for name, value in torchvision_stages(model, images("images", (1, 3, 32, 32))):
        if name == "layer4":
            keep("resnet18-cifar.32x32.layer4", value)

    for depth, option in ((20, "A"), (20, "B"), (56, "A"), (110, "A")):
        value = fill(CifarResNet(depth, option))(images("images", (2, 3, 32, 32)))
        keep(f"cifar{depth}{option}.layer3", value)

    keep("lightning.group3", fill(LightningResNet())(images("images", (2, 3, 32, 32))))

    for name, value in alexnet_stages(fill(SmallAlexNet()), images("images", (2, 3, 64, 64))):
        if name in ("conv5", "fc7", "fc8"):
            keep(f"alexnet.{name}", value)

    path = Path(__file__).with_name("encoders.npz")
    np.savez(path, **outputs)
    for key, value in outputs.items():
        print(f"{key:28} {str(value.shape):18} mean {value.mean():+.4f} max {np.abs(value).max():.4f}")
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
