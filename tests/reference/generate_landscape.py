"""Writes landscape.json: filter-normalised directions and the surfaces of L_align and L_uniform over a
5×5 slice of a small network's weights, which src/landscape/slice_tests.rs expects, computed by PyTorch
in double precision.

    python tests/reference/generate_landscape.py

The network is the tiny conv net of width 2 (four 3×3 convolutions of 2, 4, 8 and 8 channels, the first
and third of stride 2, each with batch norm and ReLU), the mean over locations, and a linear layer to
three values. Weights, directions and views are made by formula on both sides, in f64 and rounded to
f32. For tensor k in the order of TENSORS and its value i, counted from 0:

    weight of a layer      0.3 sin(1.9 (i+1)^1.3 + 1.3 (k+1)) + 0.05 cos(2.1 i)
    scale                  1 + 0.2 sin(i + k)
    shift                  0.1 cos(1.1 i + k)
    bias of the last layer 0.23, 0.21, -0.7
    running mean           0.05 sin(0.5 i + k)
    running variance       0.6 + 0.3 cos(0.4 i + k)²
    raw direction a        sin(0.9 (a+1) (i+1) + 0.37 k²)          (weights of layers alone)

and for image n and its value j:

    first view             (0.4 + 0.3 (n mod 4)) sin(0.05 (n+1) (j mod 97) + 0.3 (j mod 7) + n)
                           + 0.8 sin(1.3 n + 2 floor(j / 1024))
    second view            first + 0.4 cos(0.11 j + n)

A direction's filters are brought to the norms of the weights' filters as in Li et al. 2018 (a filter is
a first index; biases and batch norms do not move). Re-estimated statistics are those of all views
together, as a training step normalises.
"""

import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

IMAGES, SIDE, POINTS, HALF, T, ALPHA = 8, 32, 5, 0.8, 2.0, 2.0
CHANNELS, STRIDES = [3, 2, 4, 8, 8], [2, 1, 2, 1]

TENSORS = []
for block in range(4):
    name = f"blocks.{block}"
    out = CHANNELS[block + 1]
    TENSORS.append((f"{name}.conv.weight", [out, CHANNELS[block], 3, 3]))
    TENSORS += [(f"{name}.bn.{part}", [out]) for part in ("weight", "bias", "running_mean", "running_var")]
TENSORS += [("head.0.weight", [3, 8]), ("head.0.bias", [3])]


def rounded(values, shape):
    return torch.tensor(values.astype(np.float32).astype(np.float64)).reshape(shape)


def weight(k, name, shape):
    i = np.arange(int(np.prod(shape)), dtype=float)
    if len(shape) > 1:
        values = 0.3 * np.sin(1.9 * (i + 1) ** 1.3 + 1.3 * (k + 1)) + 0.05 * np.cos(2.1 * i)
    elif name.endswith("bn.weight"):
        values = 1 + 0.2 * np.sin(i + k)
    elif name.endswith("running_mean"):
        values = 0.05 * np.sin(0.5 * i + k)
    elif name.endswith("running_var"):
        values = 0.6 + 0.3 * np.cos(0.4 * i + k) ** 2
    elif name == "head.0.bias":
        values = np.array([0.23, 0.21, -0.7])
    else:
        values = 0.1 * np.cos(1.1 * i + k)
    return rounded(values, shape)


def direction(axis, k, shape, own):
    if len(shape) == 1:
        return torch.zeros(shape, dtype=torch.float64)
    i = np.arange(int(np.prod(shape)), dtype=float)
    d = rounded(np.sin(0.9 * (axis + 1) * (i + 1) + 0.37 * k * k), shape)
    for filter_, own_filter in zip(d, own):
        filter_.mul_(own_filter.norm() / (filter_.norm() + 1e-10))
    return d


def views():
    j = np.arange(3 * SIDE * SIDE, dtype=float)
    first = [
        (0.4 + 0.3 * (n % 4)) * np.sin(0.05 * (n + 1) * (j % 97) + 0.3 * (j % 7) + n)
        + 0.8 * np.sin(1.3 * n + 2 * (j // 1024))
        for n in range(IMAGES)
    ]
    second = [x + 0.4 * np.cos(0.11 * j + n) for n, x in enumerate(first)]
    return [rounded(np.stack(v), (IMAGES, 3, SIDE, SIDE)) for v in (first, second)]


def encode(x, weights, is_reestimated):
    for block, stride in enumerate(STRIDES):
        name = f"blocks.{block}"
        x = F.conv2d(x, weights[f"{name}.conv.weight"], stride=stride, padding=1)
        scale, shift = weights[f"{name}.bn.weight"], weights[f"{name}.bn.bias"]
        mean, var = weights[f"{name}.bn.running_mean"], weights[f"{name}.bn.running_var"]
        if is_reestimated:
            x = F.batch_norm(x, None, None, scale, shift, training=True, eps=1e-5)
        else:
            x = F.batch_norm(x, mean, var, scale, shift, training=False, eps=1e-5)
        x = F.relu(x)
    return F.normalize(x.mean((2, 3)) @ weights["head.0.weight"].T + weights["head.0.bias"])


def uniformity(z):
    return torch.pdist(z).pow(2).mul(-T).exp().mean().log()


def main():
    own = {name: weight(k, name, shape) for k, (name, shape) in enumerate(TENSORS)}
    axes = [
        {name: direction(axis, k, shape, own[name]) for k, (name, shape) in enumerate(TENSORS)}
        for axis in range(2)
    ]
    first, second = views()
    offsets = [HALF * (2 * i / (POINTS - 1) - 1) for i in range(POINTS)]
    result = {
        "torch": torch.__version__,
        "directions": {
            name: [axis[name].flatten()[:12].tolist() for axis in axes]
            for name in ("blocks.0.conv.weight", "blocks.3.conv.weight", "head.0.weight")
        },
    }
    for kind, is_reestimated in (("frozen", False), ("re-estimated", True)):
        align, uniform = [], []
        for y in offsets:
            for x in offsets:
                moved = {name: own[name] + x * axes[0][name] + y * axes[1][name] for name in own}
                z = encode(torch.cat([first, second]), moved, is_reestimated)
                a, b = z[:IMAGES], z[IMAGES:]
                align.append((a - b).norm(dim=1).pow(ALPHA).mean().item())
                uniform.append(((uniformity(a) + uniformity(b)) / 2).item())
        result[kind] = {"alignment": align, "uniformity": uniform}
    path = pathlib.Path(__file__).with_name("landscape.json")
    path.write_text(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
