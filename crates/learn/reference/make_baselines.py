"""Makes baselines.json: what scikit-learn's classifiers say of some samples, to hold ours against.

    pip install scikit-learn==1.9.1 && python make_baselines.py

The tests read baselines.json only; nobody needs Python to run them. Where a method leaves nothing
to chance, the probabilities of each test sample are written; elsewhere the accuracy, the mean of
ten seeds.
"""

import json
import pathlib

import numpy
import sklearn
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

CLASSES = 4
COLUMNS = 6
TRAIN, VALIDATION, TEST = 700, 200, 400
SEEDS = 10


def samples(random, count):
    """Two blobs a class that overlap, columns of very different width, one label in ten wrong."""
    centres = numpy.random.default_rng(5).normal(0, 1.6, (CLASSES, 2, COLUMNS))
    labels = random.choice(CLASSES, count, p=[0.4, 0.3, 0.2, 0.1])
    values = centres[labels, random.integers(0, 2, count)] + random.normal(0, 1, (count, COLUMNS))
    values *= 10.0 ** numpy.arange(-1, COLUMNS - 1)
    wrong = random.random(count) < 0.1
    labels[wrong] = random.choice(CLASSES, wrong.sum())
    # Ours are float32, and five digits are written: what is computed with must be just that.
    values = numpy.vectorize(lambda value: float(f"{value:.5g}"))(values)
    return values.astype(numpy.float32).astype(float), labels


def as_bytes(values):
    """The same in whole numbers from 0 to 255, so that many are equal."""
    return numpy.clip(values / 10.0 ** numpy.arange(-1, COLUMNS - 1) * 20 + 128, 0, 255).round()


def tree(seed):
    return DecisionTreeClassifier(max_depth=4, min_samples_leaf=20, random_state=seed)


def certain(make, train, test):
    """The probabilities, which no seed changes: else a tie between splits decided something."""
    found = [make(seed).fit(*train).predict_proba(test[0]) for seed in range(SEEDS)]
    assert all((other == found[0]).all() for other in found)
    return [[float(f"{share:.6g}") for share in sample] for sample in found[0].tolist()]


def accuracy(make, train, test):
    return float(numpy.mean([make(seed).fit(*train).score(*test) for seed in range(SEEDS)]))


random = numpy.random.default_rng(1)
train, validation, test = (samples(random, count) for count in (TRAIN, VALIDATION, TEST))
byte_train, byte_test = (as_bytes(train[0]), train[1]), (as_bytes(test[0]), test[1])


def scaled(make):
    return lambda seed: make_pipeline(StandardScaler(), make(seed))


svm = scaled(lambda seed: LinearSVC(tol=1e-8, max_iter=100_000, random_state=seed))(0).fit(*train)
reference = {
    "made_by": f"scikit-learn {sklearn.__version__}, NumPy {numpy.__version__}",
    "classes": CLASSES,
    "columns": COLUMNS,
    **{
        name: {
            "values": [float(f"{value:.5g}") for value in values.flatten()],
            "labels": labels.tolist(),
        }
        for name, (values, labels) in
        {"train": train, "validation": validation, "test": test,
         "byte_train": byte_train, "byte_test": byte_test}.items()
    },
    "probabilities": {
        "majority": certain(lambda seed: DummyClassifier(), train, test),
        "tree": certain(tree, train, test),
        "byte_tree": certain(tree, byte_train, byte_test),
        "1nn": certain(scaled(lambda seed: KNeighborsClassifier(1)), train, test),
        "5nn": certain(scaled(lambda seed: KNeighborsClassifier(5)), train, test),
        "bayes": certain(lambda seed: GaussianNB(), train, test),
    },
    "svm_distances": svm.decision_function(test[0]).round(5).tolist(),
    "accuracy": {
        "c45": accuracy(
            lambda seed: DecisionTreeClassifier(
                criterion="entropy", min_samples_leaf=2, random_state=seed
            ),
            train, test,
        ),
        "forest": accuracy(lambda seed: RandomForestClassifier(random_state=seed), train, test),
        "boosting": accuracy(
            lambda seed: HistGradientBoostingClassifier(random_state=seed), train, test
        ),
        "mlp": accuracy(
            scaled(lambda seed: MLPClassifier(max_iter=200, random_state=seed)), train, test
        ),
    },
}
print(reference["accuracy"])
path = pathlib.Path(__file__).with_name("baselines.json")
path.write_text(json.dumps(reference) + "\n")
