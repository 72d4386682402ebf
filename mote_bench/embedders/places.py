"""Where a recogniser computes: on the run's device, as precisely as on the CPU."""

from __future__ import annotations

import os

from mote_bench.toolkit import CPU, device

CUDA = "cuda"


def place() -> str:
    """The run's device for networks of torch.

    NVIDIA's libraries compute convolutions with ten bits of each number (TF32) unless they are told not to before they
    are loaded; embeddings would then differ from the CPU's in the third digit.
    """
    name = device()
    if is_cuda(name):
        os.environ["NVIDIA_TF32_OVERRIDE"] = "0"
    return name


def detectors_place(of_network: str) -> str:
    """The device for MTCNN beside a network: CUDA or the CPU, as its pooling fails on Apple's devices."""
    return of_network if is_cuda(of_network) else CPU


def is_cuda(name: str) -> bool:
    """Whether it is a device of NVIDIA's, of any number."""
    return name.partition(":")[0] == CUDA


def stated(name: str) -> dict[str, str]:
    """What a recogniser's ``about`` says of the device: nothing of the CPU."""
    return {} if name == CPU else {"device": name.partition(":")[0]}
