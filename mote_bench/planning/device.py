"""The option ``--device``: the names that there are, and the device that a run gets on this machine."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable

from mote_bench.contracts import InputError
from mote_bench.toolkit import CPU

_NAMED = re.compile(r"cpu|mps|cuda(:(0|[1-9][0-9]{0,3}))?")
_BUILDS = "https://pytorch.org/get-started/locally"


def check_device(device: str) -> None:
    """Check the option ``--device``.

    Raises
    ------
    InputError
        On a name that no device has. Whether the device is there isn't looked at.
    """
    if not _NAMED.fullmatch(device):
        raise InputError(f"--device {device}: expected cpu, cuda, cuda:N (such as cuda:0) or mps")


def kind_of(device: str) -> str:
    """``cuda`` for ``cuda:1``: which of several equal devices it was says nothing about a figure."""
    return device.partition(":")[0]


def device_here(device: str, say: Callable[[str], None]) -> str:
    """The device if this machine has it, otherwise the CPU, of which ``say`` is told in one line.

    Raises
    ------
    InputError
        As :func:`check_device`.
    """
    check_device(device)
    if device == CPU:
        return CPU
    devices = found()
    if device in devices:
        return device
    say(f"note: --device {device} isn't here: {_instead(devices)}. Until then the CPU computes")
    return CPU


def found() -> list[str]:
    """The devices that torch can use; the first of several bears the bare name too."""
    import torch

    with warnings.catch_warnings():  # such as of a driver that is too old: the line that is said is enough
        warnings.simplefilter("ignore")
        numbered = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
        apple = ["mps"] if torch.backends.mps.is_available() else []
    return [*(["cuda"] if numbered else []), *numbered, *apple]


def _instead(devices: list[str]) -> str:
    """What was found, and what to type."""
    import torch

    if devices:
        return f"torch finds {', '.join(devices)}; type --device {devices[0]}"
    if torch.version.cuda is None:
        return f"torch {torch.__version__} is built for the CPU; install a build for the device ({_BUILDS})"
    return f"torch {torch.__version__} finds no device; check the driver: nvidia-smi"
