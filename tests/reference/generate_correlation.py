"""Scores of planted series by SciPy and statsmodels, for the correlation tests.

    python -m venv venv && venv/bin/pip install -r requirements.txt
    venv/bin/python generate_correlation.py        # writes correlation.json beside this file

Partial correlations are computed from residuals (Pearson, and Spearman on ranks), leave-one-out R²
by n separate fits: other ways than the program's, so that a shared mistake is unlikely.
"""

import json
import pathlib

import numpy as np
import scipy.stats
import statsmodels.api as sm


def planted(rng, n, slope_a, slope_u, noise, tie=None, link=0.0, outliers=0):
    a = rng.gamma(2.0, 0.2, n)
    u = -3.9 + rng.gamma(2.0, 0.4, n) + link * 8.0 * a
    p = 0.8 - slope_a * a - slope_u * (u + 4.0) + noise * rng.standard_normal(n)
    if outliers:
        p[:outliers] -= 3.0
    if tie:
        a, u, p = (np.round(v / tie) * tie for v in (a, u, p))
    return np.round(a, 6), np.round(u, 6), np.round(p, 6)


def residuals(y, x):
    return y - sm.OLS(y, sm.add_constant(x)).fit().fittedvalues


def partial(x, y, held):
    # What the held variable explains entirely has residuals of rounding only.
    if max(abs(np.corrcoef(v, held)[0, 1]) for v in (x, y)) > 1 - 1e-9:
        return np.nan
    return scipy.stats.pearsonr(residuals(x, held), residuals(y, held)).statistic


def partial_tau(x, y, held):
    tau = lambda s, t: scipy.stats.kendalltau(s, t, variant="b").statistic
    xy, xh, yh = tau(x, y), tau(x, held), tau(y, held)
    rest = (1 - xh**2) * (1 - yh**2)
    return (xy - xh * yh) / np.sqrt(rest) if rest > 0 else np.nan


def leave_one_out(a, u, p):
    press = 0.0
    for i in range(len(p)):
        rest = np.arange(len(p)) != i
        fit = sm.OLS(p[rest], np.column_stack([np.ones(rest.sum()), a[rest], u[rest]])).fit()
        press += (p[i] - fit.params @ [1.0, a[i], u[i]]) ** 2
    return 1.0 - press / np.sum((p - p.mean()) ** 2)


def scores(a, u, p):
    z = lambda v: (v - v.mean()) / v.std(ddof=1)
    fit = sm.OLS(p, sm.add_constant(np.column_stack([a, u]))).fit()
    beta = sm.OLS(z(p), np.column_stack([z(a), z(u)])).fit().params
    scale = lambda v: (v - v.min()) / (v.max() - v.min())
    corner = -np.hypot(scale(a), scale(u))
    rank = scipy.stats.rankdata
    gradient = -beta / np.linalg.norm(beta)
    pearson = lambda x, y: scipy.stats.pearsonr(x, y).statistic
    spearman = lambda x, y: scipy.stats.spearmanr(x, y).statistic
    kendall = lambda x, y: scipy.stats.kendalltau(x, y, variant="b").statistic
    found = {
        "multiple-r": np.sqrt(fit.rsquared),
        "sum-correlation": pearson(-(z(a) + z(u)), p),
        "corner-correlation": pearson(corner, p),
        "gradient-cosine": gradient @ np.array([1.0, 1.0]) / np.sqrt(2.0),
        "beta-alignment": beta[0],
        "beta-uniformity": beta[1],
        "slope-alignment": fit.params[1],
        "slope-uniformity": fit.params[2],
        "pearson-alignment": pearson(a, p),
        "pearson-uniformity": pearson(u, p),
        "spearman-alignment": spearman(a, p),
        "spearman-uniformity": spearman(u, p),
        "kendall-alignment": kendall(a, p),
        "kendall-uniformity": kendall(u, p),
    }
    if len(p) > 3:
        found |= {
            "partial-pearson-alignment": partial(a, p, u),
            "partial-pearson-uniformity": partial(u, p, a),
            "partial-spearman-alignment": partial(rank(a), rank(p), rank(u)),
            "partial-spearman-uniformity": partial(rank(u), rank(p), rank(a)),
            "partial-kendall-alignment": partial_tau(a, p, u),
            "partial-kendall-uniformity": partial_tau(u, p, a),
            "adjusted-r2": fit.rsquared_adj,
            "leave-one-out-r2": leave_one_out(a, u, p),
        }
    # What does not exist for a series (a partial τ beside a τ of 1) is left out.
    return {name: float(value) for name, value in found.items() if np.isfinite(value)}


def main():
    rng = np.random.default_rng(20221024)
    series = {
        "both matter": planted(rng, 40, 0.4, 0.2, 0.1),
        "only uniformity": planted(rng, 24, 0.0, 0.3, 0.1),
        "alignment turned round": planted(rng, 30, -0.5, 0.2, 0.05),
        "nearly collinear": planted(rng, 60, 0.3, 0.1, 0.1, link=2.0),
        "ties": planted(rng, 50, 0.4, 0.2, 0.1, tie=0.25),
        "outliers": planted(rng, 40, 0.4, 0.2, 0.1, outliers=3),
        "no relation": planted(rng, 100, 0.0, 0.0, 1.0),
        "four": planted(rng, 4, 0.4, 0.2, 0.1),
        "three": planted(rng, 3, 0.4, 0.2, 0.1),
        "five hundred": planted(rng, 500, 0.4, 0.2, 0.2),
    }
    out = [
        {
            "name": name,
            "alignment": a.tolist(),
            "uniformity": u.tolist(),
            "performance": p.tolist(),
            "scores": scores(a, u, p),
        }
        for name, (a, u, p) in series.items()
    ]
    path = pathlib.Path(__file__).with_name("correlation.json")
    path.write_text(json.dumps(out, ensure_ascii=False) + "\n")
    print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
