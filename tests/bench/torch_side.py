"""The PyTorch half of the benchmarks: one case a process, one line of JSON as the answer.

    torch_side.py prepare FOLDER   writes the inputs that both halves read
    torch_side.py CASE FOLDER      measures one case

Seconds are the median of several repeats after one that is not counted. Memory is the process's
peak, and how much of it came after the libraries and the input were there.
"""

import json
import resource
import statistics
import sys
import time
from pathlib import Path

import numpy
import torch
import torchvision

T = 2.0  # of the uniformity loss
TILE = 2000  # rows of a tile, where all pairs at once would not fit


def prepare(folder):
    """Weights with batch-norm statistics that are not the trivial ones, images, and unit rows."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    for name in ("resnet18", "resnet50"):
        model = getattr(torchvision.models, name)(weights=None)
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                torch.nn.init.uniform_(module.running_mean, -0.1, 0.1)
                torch.nn.init.uniform_(module.running_var, 0.8, 1.2)
        torch.save(model.state_dict(), folder / f"{name}.pth")
    for count, side in ((16, 224), (128, 64)):
        images = torch.randn(count, 3, side, side)
        images.numpy().astype("<f4").tofile(folder / f"images-{count}x3x{side}x{side}.f32")
    for count in (20_000, 100_000):
        rows = torch.nn.functional.normalize(torch.randn(count, 128))
        rows.numpy().astype("<f4").tofile(folder / f"rows-{count}x128.f32")


def read(folder, name, *shape):
    return torch.from_numpy(numpy.fromfile(folder / name, dtype="<f4").reshape(shape))


def features(folder, name, count, side):
    """The last feature map, one vector a location, of a batch of images."""
    model = getattr(torchvision.models, name)(weights=None)
    model.load_state_dict(torch.load(folder / f"{name}.pth", weights_only=True))
    model.eval()
    trunk = torch.nn.Sequential(*list(model.children())[:-2])
    images = read(folder, f"images-{count}x3x{side}x{side}.f32", count, 3, side, side)

    def run():
        with torch.inference_mode():
            return trunk(images).square().mean(dtype=torch.float64).item()

    return run, count, "images"


def uniformity_at_once(folder, count):
    """As in the paper's code, in place wherever it can be."""
    rows = read(folder, f"rows-{count}x128.f32", count, 128)

    def run():
        with torch.inference_mode():
            return torch.pdist(rows).square_().mul_(-T).exp_().mean().log().item()

    return run, count * (count - 1) // 2, "pairs"


def uniformity_in_tiles(folder, count):
    """What one writes when the pairs do not fit: tiles on and above the diagonal."""
    rows = read(folder, f"rows-{count}x128.f32", count, 128)

    def run():
        total = 0.0
        with torch.inference_mode():
            for first in range(0, count, TILE):
                for second in range(first, count, TILE):
                    distances = torch.cdist(rows[first : first + TILE], rows[second : second + TILE])
                    kernel = distances.square_().mul_(-T).exp_()
                    if first == second:
                        kernel = kernel.triu_(1)
                    total += kernel.sum(dtype=torch.float64).item()
        return float(numpy.log(total / (count * (count - 1) / 2)))

    return run, count * (count - 1) // 2, "pairs"


def opening(folder):
    """A ResNet-50 file to a model that is ready for images."""

    def run():
        model = torchvision.models.resnet50(weights=None)
        model.load_state_dict(torch.load(folder / "resnet50.pth", weights_only=True))
        return model.conv1.weight.square().mean(dtype=torch.float64).item()

    return run, 1, "files"


def reading(folder):
    """A ResNet-50 file to named tensors alone."""

    def run():
        tensors = torch.load(folder / "resnet50.pth", weights_only=True)
        return tensors["conv1.weight"].square().mean(dtype=torch.float64).item()

    return run, 1, "files"


# Name: what sets it up, and how often it is repeated.
CASES = {
    "features-resnet18-224": (lambda f: features(f, "resnet18", 16, 224), 5),
    "features-resnet50-224": (lambda f: features(f, "resnet50", 16, 224), 3),
    "features-resnet18-64": (lambda f: features(f, "resnet18", 128, 64), 5),
    "uniformity-20k": (lambda f: uniformity_at_once(f, 20_000), 3),
    "uniformity-20k-tiled": (lambda f: uniformity_in_tiles(f, 20_000), 3),
    "uniformity-100k": (lambda f: uniformity_in_tiles(f, 100_000), 1),
    "open-resnet50": (opening, 5),
    "read-resnet50": (reading, 5),
}


def peak_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    case, folder = sys.argv[1], Path(sys.argv[2])
    if case == "prepare":
        prepare(folder)
        return
    set_up, repeats = CASES[case]
    run, items, unit = set_up(folder)
    before = peak_mib()
    check = run()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    print(
        json.dumps(
            {
                "seconds": statistics.median(seconds),
                "items": items,
                "unit": unit,
                "check": check,
                "peak_mib": peak_mib(),
                "growth_mib": peak_mib() - before,
                "threads": torch.get_num_threads(),
            }
        )
    )


if __name__ == "__main__":
    main()
