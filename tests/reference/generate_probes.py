"""Accuracies of probes by scikit-learn on the same features and split, for the probe tests.

    python -m venv venv && venv/bin/pip install -r requirements.txt
    venv/bin/python generate_probes.py        # writes probes.json beside this file

Features are noisy class means with a heavy overlap, so that accuracies lie far from 0 and 1.
Held-out rows are the last ones: the split is part of the file.
"""

import json
import pathlib

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, jaccard_score, log_loss
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

K, TAU = 20, 0.07


def features(rng, labels, dim, spread):
    means = rng.standard_normal((labels.max() + 1, dim))
    scale = np.exp(rng.standard_normal(dim))
    raw = (means[labels] + spread * rng.standard_normal((len(labels), dim))) * scale + 3.0 * scale
    return np.round(raw, 3)


def linear(x, y, train, c):
    scaler = StandardScaler().fit(x[train])
    model = LogisticRegression(C=c, tol=1e-9, max_iter=100_000)
    model.fit(scaler.transform(x[train]), y[train])
    return model, scaler


def single(rng, name, n, dim, classes, spread, c):
    y = rng.integers(0, classes, n)
    x = features(rng, y, dim, spread)
    split = 2 * n // 3
    train, test = np.arange(split), np.arange(split, n)
    model, scaler = linear(x, y, train, c)
    loss = log_loss(y[train], model.predict_proba(scaler.transform(x[train])))
    objective = loss + (model.coef_**2).sum() / (2.0 * c * len(train))
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    knn = KNeighborsClassifier(
        K, weights=lambda d: np.exp((1.0 - d) / TAU), metric="cosine", algorithm="brute"
    ).fit(unit[train], y[train])
    return {
        "name": name,
        "features": x.ravel().tolist(),
        "dim": dim,
        "labels": y.tolist(),
        "learned": split,
        "c": c,
        "objective": objective,
        "linear": model.score(scaler.transform(x[test]), y[test]),
        "knn": knn.score(unit[test], y[test]),
        "ious": jaccard_score(
            y[test], model.predict(scaler.transform(x[test])), average=None
        ).tolist(),
    }


def several(rng, n, dim, things, c):
    hidden = rng.standard_normal((n, things))
    present = hidden > 0.4
    mix = rng.standard_normal((things, dim))
    x = np.round(hidden @ mix + 1.5 * rng.standard_normal((n, dim)), 3)
    split = 2 * n // 3
    train, test = np.arange(split), np.arange(split, n)
    precisions = []
    for thing in range(things):
        model, scaler = linear(x, present[:, thing], train, c)
        scores = model.decision_function(scaler.transform(x[test]))
        precisions.append(average_precision_score(present[test, thing], scores))
    return {
        "features": x.ravel().tolist(),
        "dim": dim,
        "present": present.ravel().tolist(),
        "things": things,
        "learned": split,
        "c": c,
        "precisions": precisions,
    }


def main():
    rng = np.random.default_rng(20)
    cases = {
        "single": [
            single(rng, "eight classes", 600, 12, 8, 1.6, 1.0),
            single(rng, "three classes, weak penalty", 300, 20, 3, 2.5, 100.0),
            single(rng, "five classes, strong penalty", 400, 10, 5, 2.0, 0.01),
        ],
        "several": several(rng, 450, 16, 5, 1.0),
    }
    path = pathlib.Path(__file__).with_name("probes.json")
    path.write_text(json.dumps(cases) + "\n")


if __name__ == "__main__":
    main()
