"""Writes the small checkpoints and key layouts that the checkpoint tests read.

    python tests/reference/generate_checkpoints.py

Needs torch and torchvision. Two kinds of output, both in tests/reference/checkpoints:

layouts.txt   the keys, types and shapes that the programs of many training methods leave, from
              modules built as those programs build them, at full size and without values;
tiny-*        real files of a tiny network in every container and type, and some that a reader
              has to refuse. Their values follow `value` below, so that tests can compute them.
"""

import copy
import io
import pickle
import struct
import tarfile
from collections import OrderedDict
from pathlib import Path

import torch
import torchvision
from torch import nn

OUT = Path(__file__).parent / "checkpoints"


# ---------------------------------------------------------------- layouts

def resnet(depth=18, cifar=False, fc=None):
    net = getattr(torchvision.models, f"resnet{depth}")(weights=None)
    if cifar:
        net.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        net.maxpool = nn.Identity()
    if fc is not None:
        net.fc = fc
    return net


def mlp(*widths, bias=True, norm=False, last_norm=None, last_bias=True):
    """Linear layers with ReLU between; `last_norm` is the affine flag of a norm at the end."""
    layers = []
    for index, (inputs, outputs) in enumerate(zip(widths, widths[1:])):
        is_last = index == len(widths) - 2
        layers.append(nn.Linear(inputs, outputs, bias=last_bias if is_last else bias))
        if not is_last:
            if norm:
                layers.append(nn.BatchNorm1d(outputs))
            layers.append(nn.ReLU())
    if last_norm is not None:
        layers.append(nn.BatchNorm1d(widths[-1], affine=last_norm))
    return nn.Sequential(*layers)


class Bag(nn.Module):
    """A module whose children and buffers are given by name."""

    def __init__(self, **parts):
        super().__init__()
        for name, part in parts.items():
            if isinstance(part, torch.Tensor):
                self.register_buffer(name, part)
            else:
                setattr(self, name, part)


def wrapped(module):
    """As DataParallel saves it."""
    return OrderedDict((f"module.{key}", value) for key, value in module.state_dict().items())


def children(net, keep=-1):
    return nn.Sequential(*list(net.children())[:keep])


class Block(nn.Module):
    """The CIFAR-stem ResNet block that says `shortcut` for `downsample`."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


def shortcut_resnet18(classes=None):
    net = nn.Module()
    net.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
    net.bn1 = nn.BatchNorm2d(64)
    inputs = 64
    for layer, outputs in enumerate([64, 128, 256, 512]):
        blocks = nn.Sequential(
            Block(inputs, outputs, 1 if layer == 0 else 2), Block(outputs, outputs, 1))
        setattr(net, f"layer{layer + 1}", blocks)
        inputs = outputs
    if classes:
        net.linear = nn.Linear(512, classes)
    return net


def small_alexnet(features=128):
    def conv(inputs, outputs, pool):
        layers = [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
                  nn.BatchNorm2d(outputs), nn.ReLU()]
        return nn.Sequential(*layers, *([nn.MaxPool2d(3, 2)] if pool else []))

    return Bag(blocks=nn.ModuleList([
        conv(3, 96, True), conv(96, 192, True), conv(192, 384, False), conv(384, 384, False),
        conv(384, 192, True),
        nn.Sequential(nn.Flatten(), nn.Linear(192 * 49, 4096, bias=False),
                      nn.BatchNorm1d(4096), nn.ReLU()),
        nn.Sequential(nn.Linear(4096, 4096, bias=False), nn.BatchNorm1d(4096), nn.ReLU()),
        nn.Sequential(nn.Linear(4096, features)),
    ]))


class MmNeck(nn.Module):
    """mmselfsup's NonLinearNeck of two layers."""

    def __init__(self):
        super().__init__()
        self.fc0 = nn.Linear(512, 512, bias=False)
        self.bn0 = nn.BatchNorm1d(512)
        self.fc1 = nn.Linear(512, 128, bias=False)
        self.bn1 = nn.BatchNorm1d(128)


class DenseNeck(nn.Module):
    """DenseCL's neck."""

    def __init__(self):
        super().__init__()
        self.mlp = mlp(512, 512, 128)
        self.mlp2 = nn.Sequential(nn.Conv2d(512, 512, 1), nn.ReLU(), nn.Conv2d(512, 128, 1))


class DinoHead(nn.Module):
    def __init__(self):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(512, 2048), nn.GELU(), nn.Linear(2048, 2048), nn.GELU(),
                                 nn.Linear(2048, 256))
        self.last_layer = nn.Module()
        self.last_layer.weight_g = nn.Parameter(torch.empty(1000, 1))
        self.last_layer.weight_v = nn.Parameter(torch.empty(1000, 256))


def layouts():
    pointer = torch.zeros(1, dtype=torch.long)
    queue = torch.empty(128, 65536)
    momentum = {"state": {0: {"momentum_buffer": torch.empty(64, 3, 7, 7)}}, "param_groups": []}

    yield "torchvision-18", resnet(18).state_dict()
    yield "torchvision-50", resnet(50).state_dict()
    yield "compiled", {f"_orig_mod.{key}": value for key, value in resnet(18).state_dict().items()}
    yield "timm-ema", {"state_dict": resnet(18).state_dict(),
                       "state_dict_ema": resnet(18).state_dict(), "optimizer": momentum}

    pair = Bag(encoder_q=resnet(fc=nn.Linear(512, 128)), encoder_k=resnet(fc=nn.Linear(512, 128)),
               queue=queue, queue_ptr=pointer)
    yield "moco-v1", {"epoch": 200, "arch": "resnet18", "state_dict": wrapped(pair),
                      "optimizer": momentum}
    pair = Bag(encoder_q=resnet(fc=mlp(512, 512, 128)), encoder_k=resnet(fc=mlp(512, 512, 128)),
               queue=queue, queue_ptr=pointer)
    yield "moco-v2", {"state_dict": wrapped(pair), "optimizer": momentum}

    def v3():
        return resnet(fc=mlp(512, 4096, 256, bias=False, norm=True, last_norm=False,
                             last_bias=False))
    pair = Bag(base_encoder=v3(), momentum_encoder=v3(),
               predictor=mlp(256, 4096, 256, bias=False, norm=True, last_bias=False))
    yield "moco-v3", {"state_dict": wrapped(pair)}

    neck = DenseNeck()
    backbone = resnet(fc=nn.Identity())
    dense = Bag(encoder_q=nn.Sequential(backbone, neck),
                encoder_k=nn.Sequential(copy.deepcopy(backbone), DenseNeck()),
                queue=queue, queue_ptr=pointer, queue2=queue, queue2_ptr=pointer)
    dense.backbone = backbone
    yield "densecl", {"meta": {}, "state_dict": dense.state_dict()}
    yield "densecl-released", {"state_dict": backbone.state_dict(), "author": "DenseCL"}

    simsiam = Bag(encoder=resnet(fc=mlp(512, 512, 512, 2048, bias=False, norm=True,
                                        last_norm=False)),
                  predictor=mlp(2048, 512, 2048, bias=False, norm=True))
    yield "simsiam", {"state_dict": wrapped(simsiam)}

    swav = resnet(fc=nn.Identity())
    swav.projection_head = mlp(512, 2048, 128, norm=True)
    swav.prototypes = nn.Linear(128, 3000, bias=False)
    yield "swav", wrapped(swav)

    barlow = Bag(backbone=resnet(fc=nn.Identity()),
                 projector=mlp(512, 8192, 8192, 8192, bias=False, norm=True, last_bias=False),
                 bn=nn.BatchNorm1d(8192, affine=False))
    yield "barlow-twins", {"epoch": 1, "model": wrapped(barlow), "optimizer": momentum}
    vicreg = Bag(backbone=resnet(fc=nn.Identity()),
                 projector=mlp(512, 8192, 8192, 8192, norm=True, last_bias=False))
    yield "vicreg", {"epoch": 1, "model": wrapped(vicreg)}

    dino = Bag(backbone=resnet(fc=nn.Identity()), head=DinoHead())
    yield "dino", {"student": wrapped(dino), "teacher": dino.state_dict(),
                   "dino_loss": {"center": torch.empty(1, 1000)}}

    byol = Bag(encoder=children(resnet()), projetion=Bag(net=mlp(512, 512, 128, norm=True)))
    yield "byol-sthalles", {"online_network_state_dict": byol.state_dict(),
                            "target_network_state_dict": byol.state_dict(),
                            "optimizer_state_dict": momentum}
    net = resnet()
    online = Bag(net=net, projector=mlp(512, 4096, 256, norm=True))
    byol = Bag(net=net, online_encoder=online, target_encoder=copy.deepcopy(online),
               online_predictor=mlp(256, 4096, 256, norm=True))
    yield "byol-lucidrains", byol.state_dict()

    simclr = Bag(backbone=resnet(fc=mlp(512, 512, 128)))
    yield "simclr-sthalles", {"epoch": 100, "arch": "resnet18", "state_dict": simclr.state_dict()}
    simclr = Bag(encoder=resnet(fc=nn.Identity()), projector=mlp(512, 512, 64, bias=False,
                                                                last_bias=False))
    yield "simclr-spijkervet", simclr.state_dict()

    solo = Bag(backbone=resnet(cifar=True, fc=nn.Identity()), classifier=nn.Linear(512, 100),
               projector=mlp(512, 2048, 256))
    yield "solo-learn", {"state_dict": solo.state_dict(), "epoch": 1}
    moco = Bag(backbone=resnet(cifar=True, fc=nn.Identity()), classifier=nn.Linear(512, 10),
               projector=mlp(512, 2048, 256), momentum_projector=mlp(512, 2048, 256),
               momentum_backbone=resnet(cifar=True, fc=nn.Identity()))
    yield "solo-learn-moco", {"state_dict": moco.state_dict()}

    def lightly_head():
        return Bag(layers=mlp(512, 512, 128, bias=False, norm=True))
    lightly = Bag(backbone=children(resnet()), projection_head=lightly_head())
    yield "lightly", {"state_dict": lightly.state_dict()}
    lightly = Bag(backbone=children(resnet()), projection_head=lightly_head(),
                  backbone_momentum=children(resnet()), projection_head_momentum=lightly_head())
    yield "lightly-moco", {"state_dict": lightly.state_dict()}
    own = nn.Sequential(*list(shortcut_resnet18().children()))
    yield "lightly-generator", {"state_dict": Bag(backbone=own,
                                                  projection_head=lightly_head()).state_dict()}

    mm = Bag(backbone=resnet(fc=nn.Identity()), neck=MmNeck())
    yield "mmselfsup", {"meta": {}, "state_dict": mm.state_dict()}
    contrast = Bag(encoder=resnet(fc=nn.Identity()), head=mlp(512, 512, 128))
    yield "pycontrast", {"opt": {}, "model": wrapped(contrast), "model_ema": contrast.state_dict(),
                         "contrast": {"memory": queue}}
    supcon = Bag(encoder=shortcut_resnet18(), head=mlp(512, 512, 128))
    yield "supcontrast", {"model": wrapped(supcon)}
    yield "kuangliu", {"net": wrapped(shortcut_resnet18(10)), "acc": 95.0}
    yield "small-alexnet", small_alexnet().state_dict()
    yield "vit", torchvision.models.vit_b_16(weights=None).state_dict()


TYPES = {torch.float32: "f32", torch.int64: "int"}


def flatten(value, path=""):
    """Dotted keys of all tensors, as the reader names them."""
    if isinstance(value, torch.Tensor):
        shape = ",".join(str(extent) for extent in value.shape)
        yield path, f"{TYPES[value.dtype]} {shape}"
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from flatten(item, f"{path}.{key}" if path else str(key))


def compress(lines, blocks):
    """Replaces each complete copy of a block below a prefix by one line."""
    lines = dict(lines)
    out = []
    for name, block in blocks.items():
        anchor = next(iter(block))
        prefixes = [key[: -len(anchor)] for key in lines
                    if key == anchor or key.endswith("." + anchor)]
        for prefix in prefixes:
            if all(lines.get(prefix + key) == kind for key, kind in block.items()):
                for key in block:
                    del lines[prefix + key]
                out.append(f"+{name} {prefix}".rstrip())
    return out + [f"{key} {kind}".rstrip() for key, kind in lines.items()]


def write_layouts():
    trunk = resnet(fc=nn.Identity())
    blocks = {
        "resnet18": dict(flatten(trunk.state_dict())),
        "resnet18-cifar": dict(flatten(resnet(cifar=True, fc=nn.Identity()).state_dict())),
        "resnet18-shortcut": dict(flatten(shortcut_resnet18().state_dict())),
        "resnet18-children": dict(flatten(children(trunk).state_dict())),
    }
    with open(OUT / "layouts.txt", "w") as out:
        out.write("# Written by generate_checkpoints.py. `+block prefix` stands for a block.\n")
        for name, block in blocks.items():
            out.write(f"\n[block {name}]\n")
            out.writelines(f"{key} {kind}\n".replace(" \n", "\n") for key, kind in block.items())
        for name, checkpoint in layouts():
            out.write(f"\n[{name}]\n")
            out.writelines(line + "\n" for line in compress(flatten(checkpoint), blocks))


# ---------------------------------------------------------------- tiny files

def value(name, index):
    """The value of element `index` of a tensor; exact in every float type written here."""
    if name.endswith("running_var"):
        return (index % 7 + 1) / 8
    return ((index * 37 + sum(name.encode())) % 101 - 50) / 64


class TinyBlock(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        stride = 1 if inputs == outputs else 2
        self.net = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs),
            nn.ReLU(), nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs))
        self.downsample = None if stride == 1 else nn.Conv2d(inputs, outputs, 1, 2)


class Tiny(nn.Module):
    """The Lightning tutorial's ResNet with two blocks, of 4 and 8 channels."""

    def __init__(self):
        super().__init__()
        self.input_net = nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU())
        self.blocks = nn.Sequential(TinyBlock(4, 4), TinyBlock(4, 8))
        self.output_net = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3))


def filled(net):
    with torch.no_grad():
        for name, tensor in net.state_dict().items():
            if tensor.is_floating_point():
                flat = [value(name, index) for index in range(tensor.numel())]
                tensor.copy_(torch.tensor(flat).reshape(tensor.shape))
    return net


class Recipe:
    """A class no reader knows, without tensors."""

    def __init__(self):
        self.steps = [1, 2, 3]


class Hidden:
    """A class no reader knows, around a tensor."""

    def __init__(self, tensor):
        self.tensor = tensor


def nested(state):
    return {"epoch": 3, "state_dict": OrderedDict((f"model.{k}", v) for k, v in state.items()),
            "hyper_parameters": {"model_name": "ResNet",
                                 "model_hparams": {"act_fn_name": "relu"}}}


def write_tiny():
    net = filled(Tiny())
    state = net.state_dict()

    def save(name, content, **options):
        torch.save(content, OUT / f"tiny-{name}.pt", **options)

    save("zip", nested(state))
    save("legacy", nested(state), _use_new_zipfile_serialization=False)
    for name, dtype in [("f16", torch.float16), ("bf16", torch.bfloat16), ("f64", torch.float64)]:
        save(name, {k: v.to(dtype) if v.is_floating_point() else v for k, v in state.items()})
    save("module", net)
    save("foreign", {"recipe": Recipe(), "state_dict": state})
    save("hidden", {"hidden": Hidden(state["input_net.0.weight"])})

    views = OrderedDict(state)
    first = state["input_net.0.weight"]
    views["input_net.0.weight"] = first.permute(1, 2, 3, 0).contiguous().permute(3, 0, 1, 2)
    shared = torch.cat([state["input_net.1.weight"], state["input_net.1.bias"]])
    views["input_net.1.weight"], views["input_net.1.bias"] = shared[:4], shared[4:]
    views["wide"] = torch.zeros(1).expand(1 << 30)
    save("views", views)
    views = OrderedDict(state)
    views["output_net.2.weight"] = torch.zeros(1).expand(1 << 24, 8)
    views["output_net.2.bias"] = torch.zeros(1).expand(1 << 24)
    save("expanded", views)

    diverged = OrderedDict((k, v.clone()) for k, v in state.items())
    diverged["blocks.0.net.0.weight"][1, 2, 0, 0] = float("nan")
    diverged["blocks.0.net.0.weight"][3, 3, 2, 2] = float("inf")
    save("nan", diverged)
    write_tar(state)


def write_tar(state):
    """The container of PyTorch before 0.1.10, which torch.load still reads."""

    def pickled(content):
        return pickle.dumps(content, protocol=2)

    storages, tensors = io.BytesIO(), io.BytesIO()
    floats = [(name, tensor) for name, tensor in state.items() if tensor.is_floating_point()]
    storages.write(pickled(len(floats)))
    tensors.write(pickled(len(floats)))
    for key, (_, tensor) in enumerate(floats):
        storages.write(pickled((key, "cpu", torch.FloatStorage)))
        storages.write(struct.pack("<q", tensor.numel()))
        storages.write(tensor.contiguous().numpy().tobytes())
        tensors.write(pickled((1000 + key, key, torch.FloatTensor)))
        tensors.write(struct.pack("<ii", tensor.dim(), 0))
        for extents in (tensor.shape, tensor.contiguous().stride()):
            tensors.write(struct.pack(f"<{len(extents)}q", *extents))
        tensors.write(struct.pack("<q", 0))
    storages.write(pickled([]))

    class Pickler(pickle.Pickler):
        def persistent_id(self, content):
            return content[1] if isinstance(content, tuple) and content[:1] == ("tensor",) else None

    main = io.BytesIO()
    Pickler(main, protocol=2).dump(
        OrderedDict((name, ("tensor", str(1000 + key))) for key, (name, _) in enumerate(floats)))
    system = pickled({"protocol_version": 1000, "little_endian": True, "type_sizes": {}})
    parts = {"sys_info": system, "pickle": main.getvalue(), "tensors": tensors.getvalue(),
             "storages": storages.getvalue()}
    with tarfile.open(OUT / "tiny-tar.pt", "w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in parts.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    assert torch.load(OUT / "tiny-tar.pt", weights_only=False).keys() == dict(floats).keys()


if __name__ == "__main__":
    torch.manual_seed(0)
    OUT.mkdir(exist_ok=True)
    write_layouts()
    write_tiny()
