"""How often percentile bootstrap intervals hold the planted value, simulated in NumPy alone.

    python -m venv venv && venv/bin/pip install -r requirements.txt
    venv/bin/python generate_coverage.py        # prints the tables of tests/correlation_coverage.rs

The statistics are written here a second time, over whole arrays of resamples.
"""

import numpy as np
from scipy.stats import rankdata

rng = np.random.default_rng(0)
POPULATION = 200_000


def planted(n, slopes=(0.5, 0.5), link=0.0, noise=0.7, tie=None, outliers=0.0):
    a = rng.standard_normal(n)
    u = link * a + np.sqrt(1 - link**2) * rng.standard_normal(n)
    size = np.where(rng.random(n) < outliers, 5, 1)
    p = -slopes[0] * a - slopes[1] * u + noise * size * rng.standard_normal(n)
    if tie:
        a, u, p = (np.round(v / tie) * tie for v in (a, u, p))
    return a, u, p


def corr(x, y):
    x = x - x.mean(-1, keepdims=True)
    y = y - y.mean(-1, keepdims=True)
    return (x * y).sum(-1) / np.sqrt((x * x).sum(-1) * (y * y).sum(-1))


def statistics(a, u, p):
    ap, up, au = corr(a, p), corr(u, p), corr(a, u)
    rest = 1 - au**2
    beta_a, beta_u = (ap - au * up) / rest, (up - au * ap) / rest
    sd = lambda v: v.std(-1, ddof=1)
    return np.stack(
        [
            np.sqrt(np.clip(beta_a * ap + beta_u * up, 0, 1)),
            -(ap + up) / np.sqrt(2 + 2 * au),
            beta_a * sd(p) / sd(a),
            beta_u * sd(p) / sd(u),
            (ap - au * up) / np.sqrt(rest * (1 - up**2)),
            (up - au * ap) / np.sqrt(rest * (1 - ap**2)),
            corr(rankdata(u, axis=-1), rankdata(p, axis=-1)),
        ]
    )


def coverage(kind, n, trials, draws):
    truth = statistics(*[v[None] for v in planted(POPULATION, **kind)])[:, 0]
    held = np.zeros(len(truth))
    for _ in range(trials):
        a, u, p = planted(n, **kind)
        i = rng.integers(0, n, (draws, n))
        with np.errstate(all="ignore"):
            drawn = statistics(a[i], u[i], p[i])
            low, high = np.nanquantile(drawn, [0.025, 0.975], axis=1)
        held += (low <= truth) & (truth <= high)
    print(kind, n, (held / trials).round(3), flush=True)


KINDS = [{}, {"slopes": (-0.6, 0.4)}, {"link": 0.9}, {"tie": 0.5}, {"outliers": 0.05}]
if __name__ == "__main__":
    for kind in KINDS:
        coverage(kind, 40, 1000, 300)
    for n in (5, 8, 16, 100):
        coverage({}, n, 1000, 300)
    coverage({}, 500, 300, 200)
