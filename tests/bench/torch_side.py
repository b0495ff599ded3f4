"""The PyTorch half of the benchmarks: one case a process, one line of JSON as the answer.

    torch_side.py prepare FOLDER   writes the inputs that both halves read
    torch_side.py CASE FOLDER [DEVICE]   measures one case, on "cpu" unless said otherwise

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
    rows = torch.nn.functional.normalize(torch.randn(100_000, 512))
    rows.numpy().astype("<f4").tofile(folder / "rows-100000x512.f32")


def read(folder, name, *shape):
    values = torch.from_numpy(numpy.fromfile(folder / name, dtype="<f4").reshape(shape))
    return values.to(torch.get_default_device())


def features(folder, name, count, side):
    """The last feature map, one vector a location, of a batch of images."""
    model = getattr(torchvision.models, name)(weights=None)
    model.load_state_dict(torch.load(folder / f"{name}.pth", weights_only=True, map_location=torch.get_default_device()))
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


def similarity(folder, count):
    """One row against all, and the twelve nearest."""
    rows = read(folder, f"rows-{count}x512.f32", count, 512)

    def run():
        with torch.inference_mode():
            cosines = rows @ rows[0]
            cosines[1:].topk(12)
            return cosines.square().mean(dtype=torch.float64).item()

    return run, count, "rows"


def opening(folder):
    """A ResNet-50 file to a model that is ready for images."""

    def run():
        model = torchvision.models.resnet50(weights=None)
        model.load_state_dict(torch.load(folder / "resnet50.pth", weights_only=True, map_location=torch.get_default_device()))
        return model.conv1.weight.square().mean(dtype=torch.float64).item()

    return run, 1, "files"


def reading(folder):
    """A ResNet-50 file to named tensors alone."""

    def run():
        tensors = torch.load(folder / "resnet50.pth", weights_only=True, map_location=torch.get_default_device())
        return tensors["conv1.weight"].square().mean(dtype=torch.float64).item()

    return run, 1, "files"


class TinyNet(torch.nn.Module):
    """Spherescope's tiny conv net: four 3×3 convolutions with batch normalisation and ReLU."""

    def __init__(self, width=16):
        super().__init__()
        layers, inputs = [], 3
        for widths, stride in ((1, 2), (2, 1), (4, 2), (4, 1)):
            outputs = widths * width
            layers += [
                torch.nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
                torch.nn.BatchNorm2d(outputs),
                torch.nn.ReLU(inplace=True),
            ]
            inputs = outputs
        self.trunk, self.channels = torch.nn.Sequential(*layers), inputs

    def forward(self, images):
        return self.trunk(images)


class ResNet18(torch.nn.Module):
    def __init__(self):
        super().__init__()
        model = torchvision.models.resnet18(weights=None)
        self.trunk, self.channels = torch.nn.Sequential(*list(model.children())[:-2]), 512

    def forward(self, images):
        return self.trunk(images)


def uniform_loss(x):
    return torch.pdist(x).pow(2).mul(-T).exp().mean().log()


def training(encoder, outputs, side):
    """One step of align + uniform on two views of 64 images: forward, backward, SGD."""
    torch.manual_seed(1)
    net = encoder()
    head = torch.nn.Linear(net.channels, outputs)
    weights = [*net.parameters(), *head.parameters()]
    optimiser = torch.optim.SGD(weights, 1e-3, momentum=0.9, weight_decay=1e-4)
    images = torch.rand(128, 3, side, side) * 2 - 1

    def run():
        rows = torch.nn.functional.normalize(head(net(images).mean((2, 3))))
        x, y = rows[:64], rows[64:]
        loss = (x - y).norm(dim=1).pow(2).mean() + (uniform_loss(x) + uniform_loss(y)) / 2
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss.item()

    return run, 1, "steps"


def info_nce(query, key, queue):
    logits = torch.cat([(query * key).sum(1, keepdim=True), query @ queue.T], 1) / 0.2
    return torch.nn.functional.cross_entropy(logits, torch.zeros(len(query), dtype=torch.long))


def densecl(side):
    """One step of DenseCL with ResNet-18 on two views of 64 images and queues of 1,024 keys."""
    torch.manual_seed(1)
    normalize = torch.nn.functional.normalize

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = ResNet18()
            self.head, self.dense = torch.nn.Linear(512, 128), torch.nn.Linear(512, 128)

        def forward(self, images):
            cells = self.encoder(images).flatten(2).transpose(1, 2)
            return cells, normalize(self.head(cells.mean(1))), self.dense(cells)

    net, keys = Net(), Net()
    keys.load_state_dict(net.state_dict())
    optimiser = torch.optim.SGD(net.parameters(), 1e-3, momentum=0.9, weight_decay=1e-4)
    views = torch.rand(2, 64, 3, side, side) * 2 - 1
    queue, dense_queue = (normalize(torch.randn(1024, 128)) for _ in range(2))

    def run():
        with torch.no_grad():
            for slow, fast in zip(keys.parameters(), net.parameters()):
                slow.mul_(0.99).add_(fast, alpha=0.01)
            key_map, key, dense_key = keys(views[1])
        query_map, query, dense = net(views[0])
        with torch.no_grad():
            similar = normalize(query_map, dim=2) @ normalize(key_map, dim=2).transpose(1, 2)
            match = similar.argmax(2)[:, :, None].expand(-1, -1, 128)
            matched = normalize(dense_key.gather(1, match), dim=2).flatten(0, 1)
        dense = normalize(dense, dim=2).flatten(0, 1)
        loss = 0.5 * info_nce(query, key, queue) + 0.5 * info_nce(dense, matched, dense_queue)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        queue[:64], dense_queue[:64] = key, normalize(dense_key.mean(1))
        return loss.item()

    return run, 1, "steps"


def landscape(points):
    """A slice of the tiny net's weights: at each point alignment and uniformity of two views of 256
    images, with frozen batch norms, along two filter-normalised random directions."""
    torch.manual_seed(1)
    net = TinyNet().eval()
    head = torch.nn.Linear(net.channels, 3)
    views = torch.rand(512, 3, 32, 32) * 2 - 1
    weights = [w for w in [*net.parameters(), *head.parameters()] if w.dim() > 1]
    origin = [w.detach().clone() for w in weights]

    def direction():
        parts = [torch.randn_like(w) for w in origin]
        for part, own in zip(parts, origin):
            for d, w in zip(part, own):
                d.mul_(w.norm() / (d.norm() + 1e-10))
        return parts

    first, second = direction(), direction()
    offsets = torch.linspace(-1, 1, points).tolist()

    def run():
        total = 0.0
        with torch.inference_mode():
            for b in offsets:
                for a in offsets:
                    for w, own, p, q in zip(weights, origin, first, second):
                        w.copy_(own + a * p + b * q)
                    rows = torch.nn.functional.normalize(head(net(views).mean((2, 3))))
                    x, y = rows[:256], rows[256:]
                    loss = (x - y).norm(dim=1).pow(2).mean()
                    total += (loss + (uniform_loss(x) + uniform_loss(y)) / 2).item()
        return total

    return run, points * points, "points"


# Name: what sets it up, and how often it is repeated.
CASES = {
    "features-resnet18-224": (lambda f: features(f, "resnet18", 16, 224), 5),
    "features-resnet50-224": (lambda f: features(f, "resnet50", 16, 224), 3),
    "features-resnet18-64": (lambda f: features(f, "resnet18", 128, 64), 5),
    "uniformity-20k": (lambda f: uniformity_at_once(f, 20_000), 3),
    "uniformity-20k-tiled": (lambda f: uniformity_in_tiles(f, 20_000), 3),
    "uniformity-100k": (lambda f: uniformity_in_tiles(f, 100_000), 1),
    "similarity-100k": (lambda f: similarity(f, 100_000), 20),
    "train-tiny-32": (lambda f: training(TinyNet, 3, 32), 30),
    "train-resnet18-64": (lambda f: training(ResNet18, 128, 64), 5),
    "train-densecl-64": (lambda f: densecl(64), 5),
    "landscape-tiny-32": (lambda f: landscape(5), 5),
    "open-resnet50": (opening, 5),
    "read-resnet50": (reading, 5),
}


def peak_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    case, folder = sys.argv[1], Path(sys.argv[2])
    device = sys.argv[3] if len(sys.argv) > 3 else "cpu"
    torch.set_default_device(device)
    # Float32 throughout, as ours: convolutions on NVIDIA's cards would take TF32 by default.
    torch.backends.cudnn.allow_tf32 = False
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
                "device": torch.cuda.get_device_name() if device == "cuda" else device,
            }
        )
    )


if __name__ == "__main__":
    main()
