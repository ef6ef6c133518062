"""Samples a second of PyTorch on the paper's network: python speed.py [THREADS]

The other half of `cargo run --release --example speed -- 128 THREADS 4`: the same network, batch
and optimiser; the best of four steps. Needs torch.
"""

import sys
import time

import torch
from make_reference import Network

BATCH, STEPS = 128, 4


def best(work):
    """Samples a second of the fastest of STEPS calls, after one to warm up."""
    work()
    seconds = []
    for _ in range(STEPS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return BATCH / min(seconds)


def main():
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    torch.set_num_threads(threads)
    network = Network("resnet-gru", 12, 0.5)
    optimiser = torch.optim.Adam(network.parameters())
    slices = torch.rand(BATCH, 784)
    labels = torch.randint(0, 12, (BATCH,))

    def step():
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(network(slices), labels).backward()
        optimiser.step()

    network.train()
    training = best(step)
    network.eval()
    with torch.no_grad():
        inference = best(lambda: network(slices))
    print(f"torch {torch.__version__}, {threads} threads: "
          f"training {training:.0f}/s, inference {inference:.0f}/s")


if __name__ == "__main__":
    main()
