"""Cheap opponents on the samples of datasets, for comparison: python forest.py DATASET...

Needs numpy, pyarrow and scikit-learn. For each dataset and each input that it has, prints
accuracy and macro-F1 (over the classes that have test samples) on the test samples of

- a random forest of 40 trees (`--trees` sets another number),
- the nearest neighbour, on packet sequences and statistics: the answer of the training sample
  with the smallest Euclidean distance, each column scaled to variance 1.

Inputs:

- slices: the bytes that networks see, under the dataset's byte policy;
- packets: of the first 24 packets, direction times length, and the logarithm of the gap before
  each;
- start: of the first 24 packets, how many and how many bytes went each way; mean, deviation and
  largest of their lengths and gaps; and how long they took.

Neither of the last two knows a byte of the payload, an address or a port.

Where the dataset knows which sessions begin in plaintext (the laboratory's does), the score on
the other test samples is printed besides; training is the same.
"""

import argparse
import pathlib

import numpy
import pyarrow.parquet
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, f1_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

PACKETS = 24
LISTS = ["packet_direction", "packet_length", "packet_offset_nanoseconds"]


def slices_of(table):
    slices = numpy.frombuffer(b"".join(table["slice"].to_pylist()), numpy.uint8)
    return slices.reshape(table.num_rows, -1)


def first_packets(table):
    """Of each session's first packets: lengths in bytes, below 0 backward; gaps in seconds."""
    for lists in zip(*(table[name].to_pylist() for name in LISTS)):
        direction, length, offset = (numpy.array(list[:PACKETS], float) for list in lists)
        # A capture may have its packets out of order: no gap is below 0.
        gaps = numpy.diff(offset, prepend=offset[:1]).clip(0) / 1e9
        yield direction * length, gaps


def packets_of(table):
    rows = numpy.zeros((table.num_rows, 2 * PACKETS), numpy.float32)
    for row, (sizes, gaps) in zip(rows, first_packets(table)):
        row[: len(sizes)] = sizes
        row[PACKETS : PACKETS + len(gaps)] = numpy.log1p(gaps * 1e6)
    return rows


def start_of(table):
    rows = numpy.zeros((table.num_rows, 11), numpy.float32)
    for row, (sizes, gaps) in zip(rows, first_packets(table)):
        if len(sizes):
            forward, backward, lengths = sizes[sizes > 0], sizes[sizes < 0], abs(sizes)
            row[:4] = len(forward), len(backward), forward.sum(), -backward.sum()
            row[4:7] = lengths.mean(), lengths.std(), lengths.max()
            row[7:11] = gaps.mean(), gaps.std(), gaps.max(), gaps.sum()
    return rows


def compare(dataset, trees):
    path = pathlib.Path(dataset) / "samples.parquet"
    columns = ["label", "split", "slice", *LISTS]
    knows_plaintext = "plaintext" in pyarrow.parquet.read_schema(path).names
    table = pyarrow.parquet.read_table(path, columns=columns + ["plaintext"] * knows_plaintext)
    labels = table["label"].to_numpy()
    splits = numpy.array(table["split"].cast("string").to_pylist())
    train, test = splits == "train", splits == "test"
    parts = {"": test}
    if knows_plaintext:
        begins = numpy.array(table["plaintext"].cast("string").to_pylist()) == "preamble"
        parts[" without preambles"] = test & ~begins
    inputs = {"slices": slices_of(table)}
    # Datasets made of slices that others cut know nothing of packets.
    if any(len(lengths) for lengths in table["packet_length"].to_pylist()):
        inputs |= {"packets": packets_of(table), "start": start_of(table)}
    for name, values in inputs.items():
        models = {"forest": RandomForestClassifier(trees, random_state=0)}
        if name != "slices":
            models["1-nn"] = make_pipeline(StandardScaler(), KNeighborsClassifier(1))
        for kind, model in models.items():
            model.fit(values[train], labels[train])
            for part, chosen in parts.items():
                if not chosen.any():
                    continue
                answers, truth = model.predict(values[chosen]), labels[chosen]
                accuracy = accuracy_score(truth, answers)
                macro_f1 = f1_score(truth, answers, average="macro", labels=numpy.unique(truth))
                print(
                    f"{dataset}: {kind} on {name}{part}: accuracy {accuracy:.4f}, "
                    f"macro-F1 {macro_f1:.4f}, {chosen.sum()} samples"
                )


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("dataset", nargs="+")
    arguments.add_argument("--trees", type=int, default=40)
    arguments = arguments.parse_args()
    for dataset in arguments.dataset:
        compare(dataset, arguments.trees)
