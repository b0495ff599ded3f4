"""Bootstrap intervals and permutation p values by SciPy, for the correlation tests.

    python -m venv venv && venv/bin/pip install -r requirements.txt
    venv/bin/python generate_intervals.py        # writes intervals.json beside this file

Both sides draw at random: the test allows for what that many draws leave open.
"""

import json
import pathlib

import numpy as np
import scipy.stats

DRAWS = 5_000


def multiple_r(a, u, p):
    c = np.corrcoef([a, u, p])
    r2 = np.linalg.solve(c[:2, :2], c[:2, 2]) @ c[:2, 2]
    return np.sqrt(np.clip(r2, 0.0, 1.0))


def partial(x, y, held):
    c = np.corrcoef([x, y, held])
    return (c[0, 1] - c[0, 2] * c[1, 2]) / np.sqrt((1 - c[0, 2] ** 2) * (1 - c[1, 2] ** 2))


def slope(a, u, p):
    x = np.column_stack([np.ones_like(a), a, u])
    return np.linalg.lstsq(x, p, rcond=None)[0][1]


STATISTICS = {
    "multiple-r": multiple_r,
    "slope-alignment": slope,
    "pearson-uniformity": lambda a, u, p: np.corrcoef(u, p)[0, 1],
    "partial-pearson-alignment": lambda a, u, p: partial(a, p, u),
    "spearman-alignment": lambda a, u, p: scipy.stats.spearmanr(a, p).statistic,
    "kendall-uniformity": lambda a, u, p: scipy.stats.kendalltau(u, p, variant="b").statistic,
}
PERMUTED = ["multiple-r", "pearson-uniformity", "spearman-alignment", "kendall-uniformity"]


def main():
    rng = np.random.default_rng(31)
    out = []
    for name, n, slopes, noise, tie in [
        ("a relation", 30, (0.4, 0.3), 0.3, None),
        ("hardly one, with ties", 24, (0.1, 0.15), 0.5, 0.25),
        ("ten", 10, (0.3, 0.3), 0.3, None),
    ]:
        a = rng.gamma(2.0, 0.5, n)
        u = -3.9 + rng.gamma(2.0, 0.5, n)
        p = 0.8 - slopes[0] * a - slopes[1] * u + noise * rng.standard_normal(n)
        if tie:
            a, u, p = (np.round(v / tie) * tie for v in (a, u, p))
        a, u, p = (np.round(v, 6) for v in (a, u, p))
        entry = {
            "name": name,
            "alignment": a.tolist(),
            "uniformity": u.tolist(),
            "performance": p.tolist(),
            "intervals": {},
            "p": {},
        }
        for statistic, function in STATISTICS.items():
            found = scipy.stats.bootstrap(
                (a, u, p), function, paired=True, vectorized=False, n_resamples=DRAWS,
                method="percentile", rng=np.random.default_rng(7),
            )
            ci = found.confidence_interval
            # Standard error of each end: how far the quantile moves by one standard error of the
            # share of draws below it.
            drawn = found.bootstrap_distribution
            step = np.sqrt(0.025 * 0.975 / DRAWS)
            ends = [np.ptp(np.quantile(drawn, [q - step, q + step])) / 2 for q in (0.025, 0.975)]
            entry["intervals"][statistic] = [float(v) for v in (ci.low, ci.high, *ends)]
        for statistic in PERMUTED:
            function = STATISTICS[statistic]
            tested = scipy.stats.permutation_test(
                (p,), lambda q: abs(function(a, u, q)), permutation_type="pairings",
                alternative="greater", vectorized=False, n_resamples=DRAWS,
                rng=np.random.default_rng(8),
            )
            entry["p"][statistic] = float(tested.pvalue)
        out.append(entry)
    path = pathlib.Path(__file__).with_name("intervals.json")
    path.write_text(json.dumps({"draws": DRAWS, "series": out}, ensure_ascii=False) + "\n")
    print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
