"""Writes objectives.json: losses and their gradients that src/objectives/tests.rs expects, computed
by PyTorch in double precision from the formulas.

    python tests/reference/generate_objectives.py

Inputs are made by formula on both sides, in f64 and rounded to f32. For row i and column j, counted
from 0:

    x[i][j] = sin(0.37 (i+1) (j+1) + 0.11 i) + 0.5 cos(0.73 j - 0.29 i)      first views
    y[i][j] = x[i][j] + 0.6 cos(1.7 i + 2.3 j)                               second views

IMAGES images of CELLS locations each; row i belongs to image i // CELLS. Row i of the first view
matches row i + (1 if i is even else -1) of the second, but rows of the last image match nothing.
Pooled vectors are the first IMAGES rows of each view.
"""

import json
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

IMAGES, CELLS, DIM = 5, 4, 6
ROWS = IMAGES * CELLS
OWNER = torch.arange(ROWS) // CELLS


def inputs():
    i, j = np.arange(ROWS)[:, None].astype(float), np.arange(DIM)[None, :].astype(float)
    x = np.sin(0.37 * (i + 1) * (j + 1) + 0.11 * i) + 0.5 * np.cos(0.73 * j - 0.29 * i)
    y = x + 0.6 * np.cos(1.7 * i + 2.3 * j)
    def tensor(rows):
        return torch.tensor(rows.astype(np.float32).astype(np.float64), requires_grad=True)
    return tensor(x), tensor(y)


def pairs():
    first = [i for i in range(ROWS - CELLS)]
    return torch.tensor(first), torch.tensor([i + 1 if i % 2 == 0 else i - 1 for i in first])


def dense_align(x, y, alpha):
    a, b = pairs()
    return (F.normalize(x[a]) - F.normalize(y[b])).norm(dim=1).pow(alpha).mean()


def dense_uniform(x, t, allowed):
    z = F.normalize(x)
    squares = (z[:, None] - z[None]).pow(2).sum(-1)
    return torch.log(torch.exp(-t * squares)[allowed].mean())


def pair_set(name):
    same = OWNER[:, None] == OWNER[None]
    self_pair = torch.eye(ROWS, dtype=torch.bool)
    return {"all": ~self_pair, "between-images": ~same, "within-image": same & ~self_pair}[name]


def nt_xent(x, y, tau):
    z = F.normalize(torch.cat([x, y]))
    n = len(x)
    logits = z @ z.T / tau
    logits = logits.masked_fill(torch.eye(2 * n, dtype=torch.bool), -math.inf)
    target = torch.cat([torch.arange(n, 2 * n), torch.arange(n)])
    return F.cross_entropy(logits, target)


def info_nce(query, key, queue, tau):
    q, k, queue = F.normalize(query), F.normalize(key), F.normalize(queue)
    logits = torch.cat([(q * k).sum(1, keepdim=True), q @ queue.T], 1) / tau
    return F.cross_entropy(logits, torch.zeros(len(q), dtype=torch.long))


def densecl(x, y):
    a, b = pairs()
    pooled = info_nce(x[:IMAGES], y[:IMAGES], x[-CELLS:], 0.2)
    return 0.3 * pooled + 0.7 * info_nce(x[a], y[b], y[-CELLS:], 0.2)


def one_way(query, key, a, b, tau, negatives, cross):
    """Location by location, as the formula reads."""
    q, k = F.normalize(query), F.normalize(key)
    terms = []
    for i, m in zip(a.tolist(), b.tolist()):
        others = []
        for pool in [k, q] if cross else [k]:
            for image in range(IMAGES):
                if image == i // CELLS:
                    continue
                cells = pool[image * CELLS : (image + 1) * CELLS]
                if negatives == "pooled":
                    cells = F.normalize(cells.mean(0, keepdim=True))
                similar = cells @ q[i] / tau
                if negatives.startswith("hardest"):
                    similar = similar.topk(int(negatives.split()[1])).values
                others.append(similar)
        positive = (q[i] @ k[m] / tau)[None]
        logits = torch.cat([positive] + others)[None]
        terms.append(F.cross_entropy(logits, torch.tensor([0])))
    return torch.stack(terms).mean()


def prototypes(y):
    """The last rows of the second view as constants; row i belongs to the (i mod 4)th."""
    return F.normalize(y[-CELLS:].detach()), torch.arange(ROWS) % CELLS


def proto_nce(x, y):
    centroids, own = prototypes(y)
    phi = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float32).double()
    return F.cross_entropy(F.normalize(x) @ centroids.T / phi, own)


def pauc(x, y):
    centroids, own = prototypes(y)
    v = F.normalize(x)
    align = (v - centroids[own]).pow(2).sum(1).mean()
    means = F.normalize(torch.stack([v[own == k].mean(0) for k in range(CELLS)]))
    uniform = torch.pdist(means).pow(2).mul(-2).exp().mean().log()
    correlations = torch.corrcoef(means.T)
    off_diagonal = ~torch.eye(DIM, dtype=torch.bool)
    return 1.1 * align + 0.6 * uniform + 2.0 * correlations[off_diagonal].pow(2).mean()


def pauc_terms(v, centroids, own, t):
    """Alignment, uniformity and correlation of prototypes that have members in the batch."""
    align = (v - centroids[own]).pow(2).sum(1).mean()
    met = sorted(set(own.tolist()))
    means = F.normalize(torch.stack([v[own == k].mean(0) for k in met]))
    uniform = torch.pdist(means).pow(2).mul(-t).exp().mean().log()
    correlations = torch.corrcoef(means.T)
    off_diagonal = ~torch.eye(DIM, dtype=torch.bool)
    return align, uniform, correlations[off_diagonal].pow(2).mean()


def clusterings(y):
    """The one of prototypes(), and one of three prototypes with other members."""
    rows = F.normalize(y[2:5].detach())
    phi = torch.tensor([0.25, 0.15, 0.35], dtype=torch.float32).double()
    first, own = prototypes(y)
    first_phi = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float32).double()
    return [(first, first_phi, own), (rows, phi, (torch.arange(ROWS) // 2) % 3)]


def proto_nce_whole(x, y, tau, proto_weight):
    """InfoNCE with a queue and the mean over two clusterings; the query is every row."""
    keyed = info_nce(x, y, y[:CELLS].detach(), tau)
    nce = [
        F.cross_entropy(F.normalize(x) @ c.T / phi, own) for c, phi, own in clusterings(y)
    ]
    return keyed + proto_weight * sum(nce) / len(nce)


def pauc_whole(x, y):
    terms = [
        torch.stack(pauc_terms(F.normalize(x), c, own, 3.0)) for c, _, own in clusterings(y)
    ]
    align, uniform, correlation = sum(terms) / len(terms)
    rest = 0.5 * align + 0.4 * uniform + 0.3 * correlation
    return proto_nce_whole(x, y, 0.3, 0.7) + rest


def dense_contrast(x, y, tau, weight, negatives, cross):
    a, b = pairs()
    forth = one_way(x, y, a, b, tau, negatives, cross)
    back = one_way(y, x, b, a, tau, negatives, cross)
    return (1 - weight) * nt_xent(x[:IMAGES], y[:IMAGES], tau) + weight * (forth + back) / 2


def case(loss):
    x, y = inputs()
    value = loss(x, y)
    value.backward()
    zeros = torch.zeros_like(x)
    return {
        "value": value.item(),
        "gradient_x": (zeros if x.grad is None else x.grad).flatten().tolist(),
        "gradient_y": (zeros if y.grad is None else y.grad).flatten().tolist(),
    }


def main():
    cases = {
        "nt-xent": case(lambda x, y: nt_xent(x, y, 0.3)),
        "info-nce": case(lambda x, y: info_nce(x[:8], y[:8], y[8:], 0.2)),
        "densecl": case(densecl),
        "proto-nce": case(proto_nce),
        "pauc": case(pauc),
        "cross-entropy": case(
            lambda x, y: F.cross_entropy(3 * x, torch.arange(ROWS) ** 2 % DIM)
        ),
        "align-uniform": case(
            lambda x, y: 0.5 * (F.normalize(x) - F.normalize(y)).norm(dim=1).pow(1).mean()
            + 2.0
            * (
                torch.pdist(F.normalize(x)).pow(2).mul(-3).exp().mean().log()
                + torch.pdist(F.normalize(y)).pow(2).mul(-3).exp().mean().log()
            )
            / 2
        ),
    }
    # Every term by itself, where the cases above hold a weighted sum.
    v = lambda x: F.normalize(x)
    pool = lambda y: prototypes(y)
    cases["align-uniform alignment"] = case(
        lambda x, y: (v(x) - v(y)).norm(dim=1).pow(3).mean()
    )
    cases["align-uniform uniformity"] = case(
        lambda x, y: (
            torch.pdist(v(x)).pow(2).mul(-2).exp().mean().log()
            + torch.pdist(v(y)).pow(2).mul(-2).exp().mean().log()
        )
        / 2
    )
    for place, name in enumerate(["alignment", "uniformity", "correlation"]):
        cases[f"pauc prototype {name}"] = case(
            lambda x, y: pauc_terms(v(x), *pool(y), 2.0)[place]
        )
    cases["densecl InfoNCE"] = case(
        lambda x, y: info_nce(x[:IMAGES], y[:IMAGES], x[-CELLS:], 0.2)
    )
    cases["densecl dense InfoNCE"] = case(
        lambda x, y: info_nce(x[pairs()[0]], y[pairs()[1]], y[-CELLS:], 0.2)
    )
    cases["proto-nce with a queue"] = case(lambda x, y: proto_nce_whole(x, y, 0.2, 1.5))
    cases["pauc with a queue"] = case(pauc_whole)
    cases["dense-contrast reconstruction"] = case(
        lambda x, y: dense_contrast(x, y, 0.25, 0.4, "pooled", False)
        + 0.8 * F.mse_loss(x, y)
    )
    cases["dense-align-uniform alignment"] = case(lambda x, y: dense_align(x, y, 1.5))
    for name in ["all", "between-images", "within-image"]:
        allowed = pair_set(name)
        cases[f"dense-align-uniform {name}"] = case(
            lambda x, y: 1.5 * dense_align(x, y, 1.5)
            + 0.7 * (dense_uniform(x, 2.0, allowed) + dense_uniform(y, 2.0, allowed)) / 2
        )
    for negatives in ["pooled", "all", "hardest 2"]:
        for cross in [False, True]:
            cases[f"dense-contrast {negatives}{' cross-view' if cross else ''}"] = case(
                lambda x, y: dense_contrast(x, y, 0.25, 0.4, negatives, cross)
            )
    path = pathlib.Path(__file__).with_name("objectives.json")
    path.write_text(json.dumps(cases, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
