"""A random forest on the slices of datasets, for comparison: python forest.py DATASET...

Needs numpy, pyarrow and scikit-learn. Prints accuracy and macro-F1 (over the classes that
have test samples) on the test samples.
"""

import sys

import numpy
import pyarrow.parquet
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, f1_score

for dataset in sys.argv[1:]:
    table = pyarrow.parquet.read_table(
        f"{dataset}/samples.parquet", columns=["label", "split", "slice"]
    )
    labels = table["label"].to_numpy()
    splits = numpy.array(table["split"].cast("string").to_pylist())
    slices = numpy.frombuffer(b"".join(table["slice"].to_pylist()), numpy.uint8)
    slices = slices.reshape(len(labels), -1)
    train, test = splits == "train", splits == "test"
    forest = RandomForestClassifier(40, random_state=0).fit(slices[train], labels[train])
    answers, truth = forest.predict(slices[test]), labels[test]
    macro_f1 = f1_score(truth, answers, average="macro", labels=numpy.unique(truth))
    print(f"{dataset}: accuracy {accuracy_score(truth, answers):.4f}, macro-F1 {macro_f1:.4f}")
