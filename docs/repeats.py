"""What a forest knows that a network does not: accuracy on repeated and on new slices.

usage: repeats.py DATASET    (needs numpy, pyarrow, scikit-learn, torch)

A random forest, and a perceptron on the same bytes as standard deviations from their mean times
ten, are fitted to the training samples. Test samples are told apart by whether their slice is one
of training, and by their kind of background.
"""

import sys

import numpy
import pyarrow.parquet
import torch
from sklearn.ensemble import RandomForestClassifier
from torch import nn

EPOCHS, BATCH, RATE, GAIN = 15, 64, 0.001, 10.0


def perceptron(slices, labels, tested):
    """Answers on `tested` of a perceptron fitted to the rest; its share of right ones there."""
    torch.manual_seed(0)
    mean = slices.mean(0)
    prepare = lambda rows: torch.tensor((rows - mean) / 255.0 * GAIN, dtype=torch.float32)
    slices, labels, tested = prepare(slices), torch.tensor(labels), prepare(tested)
    network = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(),
                            nn.Linear(256, int(labels.max()) + 1))
    optimiser = torch.optim.Adam(network.parameters(), RATE)
    steps = -(-len(labels) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, EPOCHS * steps)
    for epoch in range(EPOCHS):
        for batch in torch.randperm(len(labels)).split(BATCH):
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(slices[batch]), labels[batch]).backward()
            optimiser.step()
            schedule.step()
    with torch.no_grad():
        fitted = (network(slices).argmax(1) == labels).float().mean().item()
        return network(tested).argmax(1).numpy(), fitted


def main():
    columns = ["label", "split", "slice", "background"]
    table = pyarrow.parquet.read_table(f"{sys.argv[1]}/samples.parquet", columns=columns)
    slices = numpy.frombuffer(b"".join(table["slice"].to_pylist()), numpy.uint8).reshape(-1, 784)
    labels = table["label"].to_numpy().astype(numpy.int64)
    split = numpy.array(table["split"].to_pylist())
    background = numpy.array([kind or "none" for kind in table["background"].to_pylist()])
    train, test = split == "train", split == "test"
    forest = RandomForestClassifier(60, n_jobs=-1, random_state=0)
    forest.fit(slices[train], labels[train])
    answers, fitted = perceptron(slices[train], labels[train], slices[test])
    of = {"forest": forest.predict(slices[test]), "perceptron": answers}
    known = {row.tobytes() for row in slices[train]}
    repeated = numpy.array([row.tobytes() in known for row in slices[test]])
    kinds = background[test]
    groups = {"all": repeated | True, "slices of training": repeated, "new slices": ~repeated}
    for kind in ("llmnr", "dns", "none"):
        groups[f"new, background {kind}"] = ~repeated & (kinds == kind)
    print(f"the perceptron is right about {fitted:.1%} of training")
    for name, chosen in groups.items():
        right = {who: (said == labels[test])[chosen].mean() for who, said in of.items()}
        told = ", ".join(f"{who} {share:.1%}" for who, share in right.items())
        print(f"{name}: {chosen.sum()} samples, {told}")


main()
