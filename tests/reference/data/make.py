"""Makes the reference pictures of this folder with Pillow and torchvision.

The tests of room `data` compare against them; nothing runs this script but a person.
Made with Pillow 13.0.0, torch 2.15.0, torchvision 0.29.2.
"""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F

HERE = Path(__file__).parent
BILINEAR = InterpolationMode.BILINEAR


def source() -> Image.Image:
    """61×47 pixels of slopes, edges and noise."""
    rng = np.random.default_rng(11)
    y, x = np.mgrid[0:47, 0:61]
    planes = [x * 255 / 60, y * 255 / 46, 255 * ((x // 6 + y // 5) % 2)]
    image = np.stack(planes, axis=-1)
    image[10:37, 15:40] = rng.uniform(0, 255, (27, 25, 3))
    return Image.fromarray(image.round().astype(np.uint8))


def save(name: str, image: Image.Image) -> None:
    image.save(HERE / f"{name}.png", optimize=True)


def save_tensor(name: str, image: torch.Tensor) -> None:
    bytes_ = (image.clamp(0, 1) * 255).round().to(torch.uint8)
    save(name, Image.fromarray(bytes_.permute(1, 2, 0).numpy()))


def main() -> None:
    image = source()
    save("source", image)
    save("square32", F.resize(image, [32, 32], BILINEAR, antialias=True))
    save("square96", F.resize(image, [96, 96], BILINEAR, antialias=True))
    save("shorter24crop20", F.center_crop(F.resize(image, 24, BILINEAR, antialias=True), 20))
    save("window32", F.resized_crop(image, 10, 15, 27, 25, [32, 32], BILINEAR, antialias=True))

    tensor = F.to_tensor(image)
    save_tensor("brightness", F.adjust_brightness(tensor, 1.3))
    save_tensor("contrast", F.adjust_contrast(tensor, 0.6))
    save_tensor("saturation", F.adjust_saturation(tensor, 1.4))
    save_tensor("hue", F.adjust_hue(tensor, 0.15))
    save_tensor("greyscale", F.rgb_to_grayscale(tensor, 3))


if __name__ == "__main__":
    main()
