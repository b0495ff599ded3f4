"""Writes metrics.json: numbers that tests/metrics_reference.rs expects of the rooms geometry, measure
and projection, computed by PyTorch, SciPy, NumPy and mpmath in double precision.

    python tests/reference/generate_metrics.py

Inputs are made by formula on both sides. For row i and column j, counted from 0:

    x[i][j] = sin(0.37 (i+1) (j+1) + 0.11 i) + (0.8 if j == i % 3 else 0)     first view
    y[i][j] = x̂[i][j] + 0.3 cos(1.7 i + 2.3 j)                                second view

evaluated in f64 and rounded to f32; each row is then divided by its f64 norm and rounded to f32
again. x̂ is the finished first view. Labels are (i * i) % 4, images i % 7.
"""

import json
import pathlib

import mpmath
import numpy as np
import scipy
import scipy.stats
import torch

N, DIM = 60, 8
LABELS = (np.arange(N) ** 2) % 4
IMAGES = np.arange(N) % 7


def unit(rows):
    rows = rows.astype(np.float32).astype(np.float64)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32).astype(np.float64)


def views():
    i, j = np.arange(N)[:, None].astype(float), np.arange(DIM)[None, :].astype(float)
    x = unit(np.sin(0.37 * (i + 1) * (j + 1) + 0.11 * i) + 0.8 * (j == i % 3))
    return x, unit(x + 0.3 * np.cos(1.7 * i + 2.3 * j))


def align(x, y, alpha):
    # As in the paper's code.
    return (x - y).norm(p=2, dim=1).pow(alpha).mean().item()


def uniform(x, t, keeps=None):
    kernel = torch.pdist(x, p=2).pow(2).mul(-t).exp()
    if keeps is not None:
        kernel = kernel[keeps]
    return kernel.mean().log().item()


def losses(x, y):
    first, second = torch.from_numpy(x), torch.from_numpy(y)
    a, b = np.triu_indices(N, k=1)
    same_image = torch.from_numpy(IMAGES[a] == IMAGES[b])
    same_class = torch.from_numpy(LABELS[a] == LABELS[b])
    distances = torch.pdist(first, p=2)
    kernel = torch.cdist(first, first).pow(2).mul(-2).exp().fill_diagonal_(0)
    return {
        "alignment": [[alpha, align(first, second, alpha)] for alpha in (0.5, 1, 2, 3)],
        "same_class": [[alpha, distances[same_class].pow(alpha).mean().item()] for alpha in (0.5, 1, 2, 3)],
        "uniformity": [
            [t, uniform(first, t), uniform(first, t, ~same_image), uniform(first, t, same_image)]
            for t in (0.5, 2, 10, 40)
        ],
        "density": (kernel.sum(1) / (N - 1)).log().tolist(),
        "histogram": np.histogram(distances.numpy(), bins=10, range=(0, 2))[0].tolist(),
        "std_sqrt_d": DIM**0.5 * first.std(dim=0).mean().item(),
        "mean_norm": first.mean(0).norm().item(),
    }


def floors():
    mpmath.mp.dps = 60
    return [
        [dim, t, float(mpmath.log(mpmath.hyp0f1(mpmath.mpf(dim) / 2, mpmath.mpf(t) ** 2)) - 2 * t)]
        for dim in (1, 2, 3, 16, 128, 2048, 4096)
        for t in (0.1, 2, 25, 100)
    ]


def bessel():
    return [
        [order, x, float(mpmath.log(mpmath.besseli(order, x)))]
        for order in (0, 1, 2)
        for x in (0.01, 1, 30, 700, 5000)
    ]


def densities(x):
    angles = np.arctan2(x[:, 1], x[:, 0])
    points = x[:, :3] / np.linalg.norm(x[:, :3], axis=1, keepdims=True)
    directions = points[:5]
    plane = x[:, :2]
    grid = [(0.05 + 0.1 * k, -0.25) for k in range(-5, 5)]
    return {
        "circle_kappa": 12.5,
        "circle": [
            [theta, scipy.stats.vonmises.pdf(theta, 12.5, loc=angles).mean()]
            for theta in np.linspace(-3, 3, 9)
        ],
        "sphere_kappa": 20.0,
        "sphere": [
            float(np.mean([scipy.stats.vonmises_fisher.pdf(u, mu, 20.0) for mu in points])) for u in directions
        ],
        "plane_bandwidth": 0.15,
        # Cells of a 20 × 20 grid over [−1, 1]², row 7, columns 5 to 14.
        "plane": [
            float(np.mean([scipy.stats.multivariate_normal.pdf(c, p, 0.15**2) for p in plane])) for c in grid
        ],
    }


def fixed_sign(axes):
    largest = np.argmax(np.abs(axes), axis=1)
    return axes * np.sign(axes[np.arange(len(axes)), largest])[:, None]


def projection(x, y):
    _, singular, axes = np.linalg.svd(x, full_matrices=False)
    axes = fixed_sign(axes[:3])
    sphere = x @ axes.T
    kept = np.linalg.norm(sphere, axis=1)
    circle_kept = np.linalg.norm(sphere[:, :2], axis=1)
    placed = y @ axes.T
    turn, _ = scipy.linalg.orthogonal_procrustes(x[:, :3], y[:, :3])
    return {
        "axes": axes.tolist(),
        "energy": (singular[:3] ** 2 / np.sum(singular**2)).tolist(),
        "places": (sphere / kept[:, None]).tolist(),
        "kept_norm": kept.tolist(),
        "circle_mean_kept_norm": circle_kept.mean(),
        "placed": (placed / np.linalg.norm(placed, axis=1, keepdims=True)).tolist(),
        # Row vectors times R on their side, so that Q = Rᵀ here; rows of Q.
        "procrustes": turn.T.tolist(),
    }


def main():
    x, y = views()
    numbers = {
        "made_with": {
            "torch": torch.__version__,
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "mpmath": mpmath.__version__,
        },
        "n": N,
        "dim": DIM,
        "row_0": x[0].tolist(),
        **losses(x, y),
        "floor": floors(),
        "log_bessel_i": bessel(),
        **densities(x),
        **projection(x, y),
    }
    path = pathlib.Path(__file__).with_name("metrics.json")
    path.write_text(json.dumps(numbers, indent=1) + "\n")


if __name__ == "__main__":
    main()
