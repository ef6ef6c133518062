"""One measurement of a network library: network_peer.py LIBRARY JOB PRECISION BATCH THREADS SECONDS

LIBRARY is torch-eager, torch-channels-last, onnxruntime or openvino; JOB is training or inference;
PRECISION is float32, bfloat16 or int8, where the library has it: PyTorch trains in bfloat16 by its
autocast, int8 is made by the tools of OpenVINO (NNCF) and ONNX Runtime, calibrated on 512 slices.
Prints samples a second by the wall clock: the median of as many batches as fit into SECONDS.
The network is that of crates/network/reference, random weights, random slices.
"""

import pathlib
import statistics
import sys
import tempfile
import time

import torch
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "crates/network/reference"))
from make_reference import CLASSES, LENGTH, Network  # noqa: E402


class Flat(nn.Module):
    """The network with its convolutions as images of height 1, in channels-last order.

    PyTorch's fast kernels are written for images; whoever wants speed of it does this.
    """

    def __init__(self, network):
        super().__init__()
        self.network = network
        for module in list(network.modules()):
            for name, child in list(module.named_children()):
                if isinstance(child, nn.Conv1d):
                    image = nn.Conv2d(child.in_channels, child.out_channels,
                                      (1, child.kernel_size[0]), (1, child.stride[0]),
                                      (0, child.padding[0]), bias=False)
                    setattr(module, name, image)
                elif isinstance(child, nn.BatchNorm1d):
                    setattr(module, name, nn.BatchNorm2d(child.num_features))
        self.to(memory_format=torch.channels_last)

    def forward(self, x):
        network = self.network
        image = x.reshape(-1, 1, 1, LENGTH).contiguous(memory_format=torch.channels_last)
        y = network.stage4(network.stage3(network.stage2(network.stage1(network.stem(image)))))
        output, _ = network.gru(network.dropout(x.unsqueeze(1)))
        return network.head(torch.cat([y.mean((2, 3)), output[:, 0]], 1))


def exported(network, folder, batch):
    path = str(pathlib.Path(folder) / "network.onnx")
    torch.onnx.export(network, (torch.rand(batch, LENGTH),), path, input_names=["x"],
                      dynamo=False)
    return path


def training_step(network, batch, precision):
    lower = torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16")
    optimiser = torch.optim.Adam(network.parameters())
    slices, labels = torch.rand(batch, LENGTH), torch.randint(0, CLASSES, (batch,))
    network.train()

    def step():
        optimiser.zero_grad()
        with lower:
            loss = nn.functional.cross_entropy(network(slices), labels)
        loss.backward()
        optimiser.step()

    return step


def torch_answer(network, batch):
    slices = torch.rand(batch, LENGTH)

    def answer():
        with torch.inference_mode():
            network(slices)

    return answer


def onnxruntime_int8(path):
    """The path of the same network in int8."""
    from onnxruntime import quantization
    from onnxruntime.quantization import shape_inference

    batch = onnx_batch(path)

    class Slices(quantization.CalibrationDataReader):
        def __init__(self):
            self.left = iter([torch.rand(batch, LENGTH).numpy() for _ in range(-(-512 // batch))])

        def get_next(self):
            slices = next(self.left, None)
            return None if slices is None else {"x": slices}

    shape_inference.quant_pre_process(path, path + ".shaped", skip_symbolic_shape=True)
    quantization.quantize_static(
        path + ".shaped", path + ".int8", Slices(), quant_format=quantization.QuantFormat.QDQ,
        activation_type=quantization.QuantType.QUInt8, weight_type=quantization.QuantType.QInt8,
        per_channel=True)
    return path + ".int8"


def onnx_batch(path):
    import onnx

    return onnx.load(path).graph.input[0].type.tensor_type.shape.dim[0].dim_value


def onnxruntime_answer(path, precision, batch, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    path = onnxruntime_int8(path) if precision == "int8" else path
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    slices = torch.rand(batch, LENGTH).numpy()
    return lambda: session.run(None, {"x": slices})


def openvino_answer(path, precision, batch, threads):
    import openvino

    core = openvino.Core()
    model = core.read_model(path)
    settings = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1,
                "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    if precision == "int8":
        import nncf

        several = [torch.rand(batch, LENGTH).numpy() for _ in range(-(-512 // batch))]
        model = nncf.quantize(model, nncf.Dataset(several), subset_size=len(several))
    elif precision == "bfloat16":
        settings["INFERENCE_PRECISION_HINT"] = "bf16"
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    slices = torch.rand(batch, LENGTH).numpy()
    return lambda: request.infer({0: slices})


def work_of(library, job, precision, batch, threads):
    network = Network("resnet-gru", CLASSES, 0.5)
    if library == "torch-channels-last":
        network = Flat(network)
    if job == "training":
        return training_step(network, batch, precision)
    network.eval()
    if library.startswith("torch"):
        return torch_answer(network, batch)
    with tempfile.TemporaryDirectory() as folder:
        path = exported(network, folder, batch)
        of = {"onnxruntime": onnxruntime_answer, "openvino": openvino_answer}[library]
        return of(path, precision, batch, threads)


def main():
    library, job, precision = sys.argv[1:4]
    batch, threads, seconds = int(sys.argv[4]), int(sys.argv[5]), float(sys.argv[6])
    torch.set_num_threads(threads)
    work = work_of(library, job, precision, batch, threads)
    work()
    times, end = [], time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    print(f"{batch / statistics.median(times):.1f}")


if __name__ == "__main__":
    main()
