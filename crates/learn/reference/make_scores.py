"""Makes scores.json: what scikit-learn and SciPy say of some answers, to hold ours against.

    pip install scikit-learn==1.9.1 && python make_scores.py

The tests read scores.json only; nobody needs Python to run them.
"""

import json
import pathlib

import numpy
import scipy
import sklearn
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    log_loss,
    precision_recall_fscore_support,
)

CLASSES = 5
SAMPLES = 300
BINS = 15


def expected_calibration_error(confidence, correct):
    """Guo et al. 2017, with bins ]low, high] of equal width."""
    edges = numpy.linspace(0, 1, BINS + 1)
    bins = numpy.clip(numpy.digitize(confidence, edges, right=True) - 1, 0, BINS - 1)
    error = 0.0
    for bin in range(BINS):
        inside = bins == bin
        if inside.any():
            gap = abs(confidence[inside].mean() - correct[inside].mean())
            error += inside.mean() * gap
    return error


def averages(labels, answers, testable, average):
    precision, recall, f1, _ = precision_recall_fscore_support(
        labels, answers, labels=testable, average=average, zero_division=0
    )
    return {"precision": precision, "recall": recall, "f1": f1}


def case(seed, missing):
    """Logits that are often right and too sure; classes in `missing` have no samples."""
    random = numpy.random.default_rng(seed)
    present = [c for c in range(CLASSES) if c not in missing]
    labels = random.choice(present, SAMPLES, p=random.dirichlet(numpy.ones(len(present)) * 2))
    logits = random.normal(0, 2, (SAMPLES, CLASSES))
    logits[numpy.arange(SAMPLES), labels] += 2.5
    # Ours are float32: what is written must be what was computed with.
    logits = logits.astype(numpy.float32).astype(numpy.float64)
    answers = logits.argmax(1)
    probabilities = softmax(logits, axis=1)
    confidence, correct = probabilities.max(1), answers == labels
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, answers, labels=range(CLASSES), zero_division=0
    )
    fitted = minimize_scalar(
        lambda t: log_loss(labels, softmax(logits / t, axis=1), labels=range(CLASSES)),
        bounds=(0.5, 20),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return {
        "labels": labels.tolist(),
        "logits": logits.flatten().tolist(),
        "confusion": confusion_matrix(labels, answers, labels=range(CLASSES)).tolist(),
        "accuracy": accuracy_score(labels, answers),
        "precision": precision.tolist(),
        "recall": recall.tolist(),
        "f1": f1.tolist(),
        "support": support.tolist(),
        "macro": averages(labels, answers, present, "macro"),
        "weighted": averages(labels, answers, present, "weighted"),
        "cross_entropy": log_loss(labels, probabilities, labels=range(CLASSES)),
        "calibration_error": expected_calibration_error(confidence, correct),
        "temperature": fitted.x,
    }


made_by = f"scikit-learn {sklearn.__version__}, SciPy {scipy.__version__}, NumPy {numpy.__version__}"
scores = {
    "made_by": made_by,
    "classes": CLASSES,
    "bins": BINS,
    "cases": [case(1, []), case(2, [3]), case(3, [0, 4])],
}
path = pathlib.Path(__file__).with_name("scores.json")
path.write_text(json.dumps(scores) + "\n")
