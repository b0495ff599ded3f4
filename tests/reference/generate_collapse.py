"""Writes collapse.json: numbers that tests/collapse_reference.rs expects of measure::collapse, computed
by NumPy and SciPy in double precision from singular values, matrix square roots and loops over pairs.

    python tests/reference/generate_collapse.py

Inputs are made by formula on both sides. For row i and column j, counted from 0:

    x[i][j] = sin(0.37 (i+1) (j+1) + 0.11 i) / (1 + 0.15 j) + (0.5 if j == 0 else 0)

evaluated in f64 and rounded to f32; each row is then divided by its f64 norm and rounded to f32
again. Three shapes: more rows than columns, fewer, and two columns. Images are i // 4, labels i*i % 3.
"""

import json
import pathlib

import numpy as np
import scipy
import scipy.linalg
import scipy.special

SHAPES = [(90, 24), (30, 70), (40, 2)]


def rows(n, dim):
    i, j = np.arange(n)[:, None].astype(float), np.arange(dim)[None, :].astype(float)
    x = np.sin(0.37 * (i + 1) * (j + 1) + 0.11 * i) / (1 + 0.15 * j) + 0.5 * (j == 0)
    x = x.astype(np.float32).astype(np.float64)
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32).astype(np.float64)


def isoscore(values, d):
    # Rudman et al. 2022, algorithm 1, from the variances along principal axes.
    diagonal = np.zeros(d)
    diagonal[: len(values)] = values
    normalised = np.sqrt(d) * diagonal / np.linalg.norm(diagonal)
    defect = np.linalg.norm(normalised - np.ones(d)) / np.sqrt(2 * (d - np.sqrt(d)))
    phi = (d - defect**2 * (d - np.sqrt(d))) ** 2 / d**2
    return (d * phi - 1) / (d - 1)


def alpha(values):
    values = values[values > 1e-13 * values[0]]
    low, high = (1, len(values)) if len(values) < 44 else (11, min(len(values) // 2, 500))
    if high < low + 2:
        return None
    ranks = np.arange(low, high + 1)
    return -np.polyfit(np.log(ranks), np.log(values[ranks - 1]), 1)[0]


def one(n, d):
    x = rows(n, d)
    mean = x.mean(0)
    singular = np.linalg.svd(x, compute_uv=False)
    share = singular / singular.sum() + 1e-7
    centred = np.linalg.svd(x - mean, compute_uv=False) ** 2 / n
    sigma = np.cov(x.T, bias=True).reshape(d, d)
    root = scipy.linalg.sqrtm(sigma + 1e-30 * np.eye(d)).real
    gram = x @ x.T
    pairs = np.triu_indices(n, k=1)
    cosines = gram[pairs]
    images, labels = np.arange(n) // 4, np.arange(n) ** 2 % 3
    within = images[pairs[0]] == images[pairs[1]]
    same = labels[pairs[0]] == labels[pairs[1]]
    scatter = x.T @ x / n
    return {
        "n": n,
        "dim": d,
        "row_0": x[0].tolist(),
        "covariance": centred.tolist(),
        "singular": singular.tolist(),
        "mean_norm": np.linalg.norm(mean),
        "mean_cosine": cosines.mean(),
        "mean_square_cosine": (cosines**2).mean(),
        "rayleigh": n * d * mean @ mean,
        "bingham": d * (d + 2) / 2 * n * (np.trace(scatter @ scatter) - 1 / d),
        "bingham_effect": ((cosines**2).mean() - 1 / d) / (1 - 1 / d),
        "rankme": np.exp(-(share * np.log(share)).sum()),
        "participation_ratio": np.trace(sigma) ** 2 / np.trace(sigma @ sigma),
        "w2": np.sqrt(mean @ mean + 1 + np.trace(sigma) - 2 / np.sqrt(d) * np.trace(root)),
        "isoscore": isoscore(centred, d),
        "alpha": alpha(centred),
        "tolerance": cosines[same].mean(),
        "within_cosine": cosines[within].mean(),
        "between_cosine": cosines[~within].mean(),
        "within_uniformity": np.log(np.exp(-2 * (2 - 2 * cosines[within])).mean()),
        # A hair inside the edges of the last bins, which include their ends.
        "cosine_counts": np.histogram(np.clip(cosines, -1, 1), bins=120, range=(-1, 1))[0].tolist(),
    }


def density():
    return [
        [
            d,
            c,
            float(
                np.exp(
                    scipy.special.gammaln(d / 2)
                    - scipy.special.gammaln((d - 1) / 2)
                    - 0.5 * np.log(np.pi)
                    + (d - 3) / 2 * np.log1p(-c * c)
                )
            ),
        ]
        for d in (2, 3, 4, 16, 128, 2048)
        for c in (-0.9, -0.1, 0.0, 0.05, 0.5)
    ]


def marchenko_pastur():
    """Quantiles by root finding on the integrated density."""
    from scipy.integrate import quad
    from scipy.optimize import brentq

    table = []
    for freedom, dim in [(400, 100), (100, 400), (50, 40), (64, 64)]:
        rank = min(freedom, dim)
        c = rank / max(freedom, dim)
        low, high = (1 - np.sqrt(c)) ** 2, (1 + np.sqrt(c)) ** 2

        def mass(x, low=low, high=high, c=c):
            return np.sqrt(max((x - low) * (high - x), 0)) / (2 * np.pi * c * x)

        def below(x, low=low, mass=mass):
            return quad(mass, low, x, limit=400, points=[low + 1e-6])[0]

        for rank_from_top in (1, rank // 4, rank // 2, rank - 1):
            wanted = 1 - (rank_from_top - 0.5) / rank
            value = brentq(lambda x: below(x) - wanted, low + 1e-9, high - 1e-9, xtol=1e-10)
            table.append([freedom, dim, rank_from_top, value])
    return table


def main():
    numbers = {
        "made_with": {"numpy": np.__version__, "scipy": scipy.__version__},
        "sets": [one(n, d) for n, d in SHAPES],
        "density": density(),
        "marchenko_pastur": marchenko_pastur(),
    }
    path = pathlib.Path(__file__).with_name("collapse.json")
    path.write_text(json.dumps(numbers) + "\n")


if __name__ == "__main__":
    main()
