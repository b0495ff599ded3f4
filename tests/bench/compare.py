"""Runs each benchmark case in Spherescope and in PyTorch, turn by turn, and prints one table.

    compare.py SPHERESCOPE FOLDER [--rounds N] [--only WORD] [--device D] [--json FILE]

Ours are the cases of `spherescope bench`. Every measurement is a process of its own, so that its
peak memory is its own; a figure is the median over the rounds.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

# Our case, the counterpart in PyTorch if there is one, and what it is in words.
CASES = [
    ("features-resnet18-224", "features-resnet18-224", "ResNet-18 dense features, 224 px, batch 16"),
    ("features-resnet50-224", "features-resnet50-224", "ResNet-50 dense features, 224 px, batch 16"),
    ("features-resnet18-64", "features-resnet18-64", "ResNet-18 dense features, 64 px, batch 128"),
    ("uniformity-20k", "uniformity-20k", "uniformity, N 20,000, d 128 (torch.pdist)"),
    ("uniformity-20k", "uniformity-20k-tiled", "the same (torch.cdist in tiles)"),
    ("uniformity-100k", "uniformity-100k", "uniformity, N 100,000, d 128 (torch.cdist in tiles)"),
    ("similarity-100k", "similarity-100k", "one row against 100,000, d 512, and its 12 nearest"),
    ("train-tiny-32", "train-tiny-32", "step of the tiny net, 64 images of 32 px, align + uniform"),
    ("train-resnet18-64", "train-resnet18-64", "step of ResNet-18, 64 images of 64 px, align + uniform"),
    ("train-densecl-64", "train-densecl-64", "step of ResNet-18, 64 images of 64 px, DenseCL"),
    ("landscape-tiny-32", "landscape-tiny-32", "weight slice of the tiny net, two views of 256 images"),
    ("open-resnet50", "open-resnet50", "ResNet-50 file to a ready model"),
    ("read-resnet50", "read-resnet50", "ResNet-50 file to named tensors"),
    ("sphere-20k", None, "sphere, 20,000 points, 1000×1000"),
    ("sphere-100k", None, "sphere, 100,000 points, 1000×1000"),
    ("sphere-1m", None, "sphere, 1,000,000 points, 1000×1000"),
]


TORCH_SIDE = Path(__file__).with_name("torch_side.py")


def measure(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}")
    return json.loads(done.stdout)


def measure_ours(options, case):
    command = [options.spherescope, "--device", options.device, "bench", "--case", case]
    outcome = measure([*command, "--inputs", options.folder, "--rounds", "5", "--json", "-"])
    [measurement] = outcome["measurements"]
    return measurement


def measure_torch(options, case):
    device = "cuda" if options.device == "gpu" else "cpu"
    return measure([sys.executable, TORCH_SIDE, case, options.folder, device])


def middle(runs):
    """The median of each figure over the rounds."""
    merged = dict(runs[-1])
    for key in ("seconds", "peak_mib", "growth_mib"):
        merged[key] = statistics.median(run[key] for run in runs)
    return merged


def rate(run):
    per_second = run["items"] / run["seconds"]
    if run["unit"] == "files":
        return f"{run['seconds'] * 1000:.0f} ms"
    if run["unit"] == "pairs":
        return f"{run['seconds']:.2f} s"
    return f"{per_second:.1f} {run['unit']}/s"


def memory(run):
    return f"{run['peak_mib']:,.0f} (+{run['growth_mib']:,.0f})"


def row(words, ours, theirs):
    cells = [words, rate(ours), memory(ours)]
    if theirs is None:
        return cells[:2] + ["–", "–"] + cells[2:] + ["–", "–"]
    ratio = theirs["seconds"] / ours["seconds"]
    scale = max(abs(theirs["check"]), 1e-30)
    difference = f"{abs(ours['check'] - theirs['check']) / scale:.0e}"
    # Both train from random weights of their own, or move along directions of their own.
    if ours["unit"] in ("steps", "points"):
        difference = "–"
    return [words, rate(ours), rate(theirs), f"{ratio:.2f}×", memory(ours), memory(theirs), difference]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("spherescope", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cpu", help="where both compute: cpu or gpu (CUDA for PyTorch)")
    parser.add_argument("--only", default="", help="cases whose name has this word")
    parser.add_argument("--json", type=Path, help="write all measurements there as well")
    options = parser.parse_args()

    if not (options.folder / "rows-100000x512.f32").exists():
        subprocess.run([sys.executable, TORCH_SIDE, "prepare", options.folder], check=True)

    cases = [case for case in CASES if options.only in case[0]]
    runs = {}
    for number in range(options.rounds):
        for ours, theirs, _ in cases:
            # A case of ours with two counterparts is measured beside each of them.
            print(f"round {number + 1} of {options.rounds}: {theirs or ours}", file=sys.stderr)
            mine = measure_ours(options, ours)
            other = theirs and measure_torch(options, theirs)
            runs.setdefault((ours, theirs), []).append((mine, other))

    table = [["case", "Spherescope", "PyTorch", "speed", "peak MiB", "PyTorch", "differ by"]]
    for ours, theirs, words in cases:
        pairs = runs[ours, theirs]
        other = middle([pair[1] for pair in pairs]) if theirs else None
        table.append(row(words, middle([pair[0] for pair in pairs]), other))
    table.insert(1, ["-" * len(cell) for cell in table[0]])
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    for line in table:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |")
    print(
        f"\n{platform.machine()}, {os.cpu_count()} processors; medians of {options.rounds} rounds, "
        "turn by turn, each a process of its own. Speed: PyTorch's time over ours. Peak memory of "
        "the process, in brackets what came after libraries and input were loaded."
    )
    if options.json:
        flat = {f"{ours} | {theirs}": pairs for (ours, theirs), pairs in runs.items()}
        options.json.write_text(json.dumps(flat, indent=1))


if __name__ == "__main__":
    main()
