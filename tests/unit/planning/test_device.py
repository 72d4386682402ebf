"""The device of a run: a name that there is, a device that is there, or the CPU and one line that says why."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from mote_bench.contracts import InputError
from mote_bench.planning.device import check_device, device_here, kind_of


def machine(patch: pytest.MonkeyPatch, *, cuda: int = 0, mps: bool = False, built: str | None = "12.8") -> None:
    patch.setattr(torch.cuda, "device_count", lambda: cuda)
    patch.setattr(torch.backends, "mps", SimpleNamespace(is_available=lambda: mps))
    patch.setattr(torch.version, "cuda", built)


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:-1", "cuda:01", "cuda:1 ", "CPU", "meta", "mps:0", ""])
def test_unknown_names_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=rf"^--device {name}: expected cpu, cuda, cuda:N \(such as cuda:0\) or mps$"):
        check_device(name)


@pytest.mark.parametrize(
    ("asked", "cuda", "mps"), [("cpu", 0, False), ("cuda", 1, False), ("cuda:1", 2, False), ("mps", 0, True)]
)
def test_what_is_there_is_used_without_a_word(
    monkeypatch: pytest.MonkeyPatch, asked: str, cuda: int, mps: bool
) -> None:
    said: list[str] = []
    machine(monkeypatch, cuda=cuda, mps=mps)
    assert (device_here(asked, said.append), said) == (asked, [])


@pytest.mark.parametrize(
    ("asked", "there", "told"),
    [
        ("cuda:2", {"cuda": 2}, "torch finds cuda, cuda:0, cuda:1; type --device cuda"),
        ("cuda", {"mps": True}, "torch finds mps; type --device mps"),
        ("mps", {}, "finds no device; check the driver: nvidia-smi"),
        ("cuda", {"built": None}, "is built for the CPU; install a build for the device (https://pytorch.org"),
    ],
)
def test_what_is_not_there_falls_back_with_one_line(
    monkeypatch: pytest.MonkeyPatch, asked: str, there: dict[str, object], told: str
) -> None:
    said: list[str] = []
    machine(monkeypatch, **there)  # type: ignore[arg-type]
    assert device_here(asked, said.append) == "cpu"
    (line,) = said
    assert line.startswith(f"note: --device {asked} isn't here: ")
    assert told in line
    assert line.endswith("the CPU computes")


def test_devices_of_one_kind_are_one() -> None:
    assert [kind_of(name) for name in ("cpu", "cuda", "cuda:3", "mps")] == ["cpu", "cuda", "cuda", "mps"]
