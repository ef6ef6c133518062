#!/usr/bin/env python3
"""Reference values for the networks, made by PyTorch: writes reference.json beside itself.

Needs torch (2.15 was used) and numpy. The weights and the slices come from a formula that the
test has too, so only results are kept: all of float64, and how far float32 is from it. Of each
network it also keeps the seed of its samples, which is searched for (`clear_seed`).

The module also loads what Undertone saves: the names and shapes of the tensors are the same.

    model = Network("resnet-gru", classes=12)
    model.load_state_dict(safetensors.torch.load_file("model.safetensors"), strict=False)
"""

import json
import math
import pathlib

import numpy
import torch
from torch import nn

LENGTH, CLASSES, SAMPLES, STEPS, KEPT = 784, 12, 4, 3, 48
# Where the search for seeds starts; parts of samples have seeds of their own, one behind another.
FIRST_SEED, SEED_STEP = 1000, 10
# Of 32 packets of each sample.
SEEN = [32, 5, 1, 17]
CLASS_WEIGHTS = [1.0, 2.0, 0.5, 1.0, 1.5, 1.0, 3.0, 1.0, 0.25, 1.0, 1.0, 2.0]


class Stem(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(1, 32, 9, padding=4, bias=False)
        self.bn = nn.BatchNorm1d(32)

    def forward(self, x):
        return torch.relu(self.bn(self.conv(x)))


class Shortcut(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, 1, stride, bias=False)
        self.bn = nn.BatchNorm1d(outputs)

    def forward(self, x):
        return self.bn(self.conv(x))


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv1d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm1d(outputs)
        self.conv2 = nn.Conv1d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm1d(outputs)
        self.shortcut = nn.Identity() if inputs == outputs else Shortcut(inputs, outputs, stride)

    def forward(self, x):
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


def stage(inputs, outputs, stride):
    return nn.Sequential(Block(inputs, outputs, stride), Block(outputs, outputs, 1))


class MaskedNorm(nn.Module):
    """BatchNorm of `[batch, packets, channels]` over the packets seen."""

    def __init__(self, channels):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x, mask):
        mean, variance = self.running_mean, self.running_var
        if self.training:
            count = mask.sum()
            mean = (x * mask).sum((0, 1)) / count
            variance = ((x - mean) ** 2 * mask).sum((0, 1)) / count
            with torch.no_grad():
                self.running_mean.mul_(0.9).add_(0.1 * mean)
                self.running_var.mul_(0.9).add_(0.1 * variance * count / (count - 1))
        return (x - mean) / torch.sqrt(variance + 1e-5) * self.weight + self.bias


class Sequence(nn.Module):
    """Means and maxima over the packets seen, `[batch, 192]`."""

    def __init__(self):
        super().__init__()
        for layer in range(1, 5):
            setattr(self, f"conv{layer}", nn.Conv1d(20 if layer == 1 else 96, 96, 3, padding=1, bias=False))
            setattr(self, f"norm{layer}", MaskedNorm(96))

    def forward(self, packets, seen):
        mask = (torch.arange(packets.shape[1]) < seen[:, None]).unsqueeze(2).to(packets.dtype)
        x = packets
        for layer in range(1, 5):
            y = getattr(self, f"conv{layer}")(x.transpose(1, 2)).transpose(1, 2)
            y = torch.relu(getattr(self, f"norm{layer}")(y, mask)) * mask
            x = y if layer == 1 else x + y
        return torch.cat([x.sum(1) / seen.clamp(min=1).unsqueeze(1), x.max(1)[0]], 1)


class Standard(nn.Module):
    """Statistics less the training samples' means, divided by their deviations."""

    def __init__(self):
        super().__init__()
        self.register_buffer("running_mean", torch.zeros(26))
        self.register_buffer("running_var", torch.ones(26))

    def forward(self, x):
        return (x - self.running_mean) / torch.sqrt(self.running_var)


class Cnn1d(nn.Module):
    """Wang et al., ISI 2017, without its dropout."""

    def __init__(self, length, classes):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv1d(1, 32, 25, padding=12), nn.Conv1d(32, 64, 25, padding=12)
        self.pool = nn.MaxPool1d(3, 3, padding=1)
        self.fc1, self.fc2 = nn.Linear(64 * 88, 1024), nn.Linear(1024, classes)

    def forward(self, x):
        x = self.pool(torch.relu(self.conv1(x.unsqueeze(1))))
        x = self.pool(torch.relu(self.conv2(x)))
        return self.fc2(torch.relu(self.fc1(x.flatten(1))))


class DeepPacketCnn(nn.Module):
    """Lotfollahi et al. 2017, without its dropout."""

    def __init__(self, length, classes):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv1d(1, 200, 5, 3), nn.Conv1d(200, 200, 4, 3)
        width = 200 * ((((length - 5) // 3 + 1) - 4) // 3 + 1) // 2
        self.fc1, self.fc2 = nn.Linear(200 * (width // 200), 200), nn.Linear(200, 100)
        self.fc3, self.fc4 = nn.Linear(100, 50), nn.Linear(50, classes)

    def forward(self, x):
        x = torch.relu(self.conv2(torch.relu(self.conv1(x.unsqueeze(1)))))
        x = torch.max_pool1d(x, 2).flatten(1)
        for layer in [self.fc1, self.fc2, self.fc3]:
            x = torch.relu(layer(x))
        return self.fc4(x)


class DeepPacketSae(nn.Module):
    """Lotfollahi et al. 2017, without its dropout and its layer-wise start."""

    def __init__(self, length, classes):
        super().__init__()
        widths = [length, 400, 300, 200, 100, 50, classes]
        for number, (inputs, outputs) in enumerate(zip(widths, widths[1:]), 1):
            setattr(self, f"fc{number}", nn.Linear(inputs, outputs))

    def forward(self, x):
        for number in range(1, 6):
            x = torch.relu(getattr(self, f"fc{number}")(x))
        return self.fc6(x)


class CnnLstm(nn.Module):
    """Zou et al. 2018, reconstructed, on slices of three packets `[batch, 3, 784]`."""

    def __init__(self, length, classes):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 5, padding=2), nn.Conv2d(32, 64, 5, padding=2)
        self.fc1, self.fc2 = nn.Linear(3136, 1024), nn.Linear(256, classes)
        self.lstm = nn.LSTM(1024, 256, batch_first=True)

    def forward(self, x):
        y = torch.max_pool2d(torch.relu(self.conv1(x.reshape(-1, 1, 28, 28))), 2)
        y = torch.max_pool2d(torch.relu(self.conv2(y)), 2).flatten(1)
        output, _ = self.lstm(torch.relu(self.fc1(y)).reshape(len(x), 3, 1024))
        return self.fc2(output[:, -1])


STACKS = {"cnn-lstm": CnnLstm, "cnn1d": Cnn1d, "deep-packet-cnn": DeepPacketCnn, "deep-packet-sae": DeepPacketSae}
BRANCHES = ["resnet-gru", "resnet", "gru", "resnet-gru-sequence", "sequence", "centime"]


def network(architecture, classes):
    """A network that is called with slices `[batch, 784]` divided by 255, and the other inputs."""
    if architecture in STACKS:
        return STACKS[architecture](LENGTH, classes)
    return Network(architecture, classes)


class Network(nn.Module):
    """The networks that are branches side by side."""

    def __init__(self, architecture, classes, dropout=0.0):
        super().__init__()
        self.has_trunk = architecture in ["resnet-gru", "resnet", "resnet-gru-sequence", "centime"]
        self.has_gru = architecture in ["resnet-gru", "gru"]
        self.has_sequence = architecture in ["resnet-gru-sequence", "sequence"]
        self.has_encoder = architecture == "centime"
        if self.has_sequence:
            self.sequence = Sequence()
        if self.has_encoder:
            self.statistics = Standard()
            self.encoder = nn.Sequential(nn.Linear(26, 18), nn.ReLU(), nn.Linear(18, 9))
            self.decoder = nn.Sequential(nn.Linear(9, 18), nn.ReLU(), nn.Linear(18, 26))
        if self.has_trunk:
            self.stem = Stem()
            self.stage1 = stage(32, 32, 1)
            self.stage2 = stage(32, 64, 2)
            self.stage3 = stage(64, 128, 2)
            self.stage4 = stage(128, 256, 2)
        if self.has_gru:
            self.dropout = nn.Dropout(dropout)
            self.gru = nn.GRU(LENGTH, 64, batch_first=True)
        width = 256 * self.has_trunk + 64 * self.has_gru + 192 * self.has_sequence + 9 * self.has_encoder
        self.head = nn.Sequential(
            nn.Linear(width, 100), nn.ReLU(), nn.Linear(100, 30), nn.ReLU(), nn.Linear(30, classes)
        )

    def forward(self, x, packets=None, seen=None, statistics=None):
        features = []
        self.reconstruction = 0.0
        if self.has_trunk:
            y = self.stem(x.unsqueeze(1))
            y = self.stage4(self.stage3(self.stage2(self.stage1(y))))
            features.append(y.mean(2))
        if self.has_gru:
            output, _ = self.gru(self.dropout(x.unsqueeze(1)))
            features.append(output[:, 0])
        if self.has_sequence:
            features.append(self.sequence(packets, seen))
        if self.has_encoder:
            standard = self.statistics(statistics)
            code = self.encoder(standard)
            self.reconstruction = (self.decoder(code) - standard).abs().mean()
            features.append(code)
        return self.head(torch.cat(features, 1))


def uniform(seed, count):
    """`count` numbers from 0 to 1, of 24 bits: splitmix64 of seed * 2^32, + 1, + 2, ..."""
    z = numpy.arange(count, dtype=numpy.uint64) + numpy.uint64(seed << 32)
    z = (z + numpy.uint64(1)) * numpy.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    z = z ^ (z >> numpy.uint64(31))
    return (z >> numpy.uint64(40)).astype(numpy.float64) / 2.0**24


def values(seed, name, shape):
    u = uniform(seed, math.prod(shape))
    if len(shape) > 1:
        u = (2 * u - 1) / math.sqrt(math.prod(shape[1:]))
    elif name.endswith("running_var") or name.endswith("weight"):
        u = u + 0.5
    else:
        u = (u - 0.5) * 0.2
    return torch.tensor(u.astype(numpy.float32).reshape(shape))


def tensors(model):
    return {n: t for n, t in model.state_dict().items() if "num_batches" not in n}


def build(architecture, dtype):
    model = network(architecture, CLASSES)
    state = {n: values(i + 1, n, tuple(t.shape)) for i, (n, t) in enumerate(sorted(tensors(model).items()))}
    model.load_state_dict(state, strict=False)
    return model.to(dtype)


def kept(tensor):
    """Entries spread over a tensor; the test picks the same."""
    flat = tensor.detach().double().flatten()
    count = min(KEPT, flat.numel())
    places = [i * flat.numel() // count for i in range(count)]
    return flat[places].tolist()


def numbers(seed, shape):
    return numpy.floor(uniform(seed, math.prod(shape)) * 256).reshape(shape)


def inputs(architecture, seed, dtype):
    """What the network is called with: slices, packets, how many of them were seen, statistics."""
    if architecture == "cnn-lstm":
        data = numbers(seed + 3, (SAMPLES, 3, LENGTH))
    else:
        data = numbers(seed, (SAMPLES, LENGTH))
    x = torch.tensor(data, dtype=torch.float32).div(255).to(dtype)
    if architecture in STACKS:
        return [x]
    packets = (2 * uniform(seed + 1, SAMPLES * 32 * 20) - 1).astype(numpy.float32).reshape(SAMPLES, 32, 20)
    for sample, seen in enumerate(SEEN):
        packets[sample, seen:] = 0
    statistics = uniform(seed + 2, SAMPLES * 26).astype(numpy.float32).reshape(SAMPLES, 26)
    return [x, torch.tensor(packets).to(dtype), torch.tensor(SEEN), torch.tensor(statistics).to(dtype)]


def rectified(architecture, seed, dtype):
    """All that is rectified in a first step of training."""
    kept, relu = [], torch.relu

    def keep(x):
        kept.append(x.double())
        return relu(x)

    model = build(architecture, dtype)
    # `nn.ReLU` calls the same function.
    torch.relu = keep
    try:
        with torch.no_grad():
            model.train()(*inputs(architecture, seed, dtype))
    finally:
        torch.relu = relu
    return kept


def clearance(architecture, seed):
    """How far the least of all that is rectified is from zero, float32's largest error in its channel being 1.

    Below that it is chance on which side of zero float32 finds it: the gradient then differs by up
    to some 0.5 % from float64's, which says nothing of accuracy.
    """
    least = math.inf
    for exact, rounded in zip(*(rectified(architecture, seed, dtype) for dtype in [torch.float64, torch.float32])):
        # Channels of packets are innermost, those of slices are not.
        is_packets = exact.ndim == 3 and exact.shape[1] == 32 and exact.shape[2] == 96
        others = [axis for axis in range(exact.ndim) if axis != (2 if is_packets else 1)]
        error = (exact - rounded).abs().amax(others, keepdim=True).clamp(min=1e-12)
        least = min(least, (exact.abs() / error).min().item())
    return least


def clear_seed(architecture):
    """The first seed with whose samples rounding decides nothing."""
    seed = FIRST_SEED
    while clearance(architecture, seed) < 1:
        seed += SEED_STEP
    return seed


def run(architecture, seed, dtype):
    model = build(architecture, dtype)
    arguments = inputs(architecture, seed, dtype)
    labels = torch.tensor([i * 7 % CLASSES for i in range(SAMPLES)])
    cross_entropy = nn.CrossEntropyLoss(weight=torch.tensor(CLASS_WEIGHTS, dtype=dtype))

    def criterion(logits, labels):
        return cross_entropy(logits, labels) + getattr(model, "reconstruction", 0.0)

    result = {}
    model.eval()
    result["answers"] = {"logits": kept_all(model(*arguments))}
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = criterion(model(*arguments), labels)
        loss.backward()
        if step == 0:
            result["loss"] = {"loss": [loss.item()]}
            result["gradients"] = {n: kept(p.grad) for n, p in model.named_parameters()}
            result["gradient norms"] = {n: [p.grad.double().norm().item()] for n, p in model.named_parameters()}
        optimizer.step()
        if step == 0:
            result["running"] = {n: kept(t) for n, t in tensors(model).items() if "running" in n}
    result["trained"] = {n: kept(t) for n, t in tensors(model).items()}
    result["last loss"] = {"loss": [criterion(model(*arguments), labels).item()]}
    return result


def kept_all(tensor):
    return tensor.detach().double().flatten().tolist()


def compare(exact, rounded):
    """Per tensor: float64's entries, and the distance of float32's as a share of their length."""
    table = {}
    for name, entries in exact.items():
        a, b = numpy.array(entries), numpy.array(rounded[name])
        length = numpy.linalg.norm(a)
        error = numpy.linalg.norm(a - b) / length if length else 0.0
        table[name] = {"entries": [float(f"{v:.9g}") for v in entries], "float32_error": float(f"{error:.3g}")}
    return table


def main():
    torch.set_num_threads(1)
    reference = {}
    for architecture in [*BRANCHES, *STACKS]:
        seed = clear_seed(architecture)
        exact, rounded = (run(architecture, seed, dtype) for dtype in [torch.float64, torch.float32])
        parts = {part: compare(exact[part], rounded[part]) for part in exact}
        reference[architecture] = {"seed": seed, "parts": parts}
    path = pathlib.Path(__file__).with_name("reference.json")
    path.write_text(json.dumps(reference, indent=None, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
