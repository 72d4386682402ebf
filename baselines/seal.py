"""Microsoft SEAL as TenSEAL ships it: contexts that draw from a seed; keys and ciphertexts as bytes."""

from __future__ import annotations

import hashlib
import importlib
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mote_bench.contracts import InputError

_HEADER = 16
_LARGEST_PRIME = 60


def require() -> None:
    """Raise InputError with the command that installs TenSEAL where it is missing."""
    if find_spec("tenseal") is None:
        raise InputError(
            "TenSEAL isn't installed, and homomorphic encryption needs it: pip install 'mote-bench[he]' "
            "(from a checkout: pip install -e '.[he]')."
        )


def api() -> Any:
    """SEAL's own functions. TenSEAL's vectors draw randomness that can't be seeded; SEAL's parameters take a seed."""
    require()
    return importlib.import_module("tenseal.sealapi")


def words(*names: object) -> list[int]:
    """SEAL's seed of eight 64-bit words, a hash of all the names; other names give an independent seed."""
    digest = hashlib.sha512("\x1f".join(map(str, names)).encode()).digest()
    return [int.from_bytes(digest[start : start + 8], "little") for start in range(0, 64, 8)]


def context(kind: str, *, degree: int, plain_modulus: int | None = None, seed: Sequence[int]) -> Any:
    """A context at 128-bit security whose every generator starts from ``seed``.

    Parameters
    ----------
    kind : str
        ``"BFV"`` or ``"CKKS"``.
    degree : int
        N, of the polynomials. One prime is their modulus: nothing is ever rotated or relinearised, so no second one
        is needed.
    plain_modulus : int, optional
        For BFV.
    seed : sequence of 8 int
        Of everything that is drawn in this context, from the start each time: keys or one encryption, never two.

    Raises
    ------
    ValueError
        Where SEAL refuses the parameters.
    """
    seal = api()
    strength = seal.SEC_LEVEL_TYPE.TC128
    bits = min(_LARGEST_PRIME, seal.CoeffModulus.MaxBitCount(degree, strength))
    parameters = seal.EncryptionParameters(getattr(seal.SCHEME_TYPE, kind))
    parameters.set_poly_modulus_degree(degree)
    parameters.set_coeff_modulus(seal.CoeffModulus.Create(degree, [bits]))
    if plain_modulus is not None:
        parameters.set_plain_modulus(plain_modulus)
    parameters.set_random_generator(seal.Blake2xbPRNGFactory(list(seed)))
    made = seal.SEALContext(parameters, True, strength)
    if not made.parameters_set():
        raise ValueError(f"SEAL refuses {kind} with degree {degree}: {made.parameters_error_message()}")
    return made


def save(things: Sequence[Any]) -> list[bytes]:
    """Each key or ciphertext in SEAL's own format, compressed."""
    # SEAL's Python binding writes to and reads from named files only.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "seal"
        return [_saved(thing, path) for thing in things]


def load(kind: str, stored: Sequence[bytes], *, context: Any) -> list[Any]:
    """The keys or ciphertexts (``kind`` is SEAL's class name) of this context.

    Raises
    ------
    ValueError
        Where bytes are cut, lengthened or broken, or belong to other parameters.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "seal"
        return [_loaded(kind, row, data, path, context) for row, data in enumerate(stored)]


def _saved(thing: Any, path: Path) -> bytes:
    thing.save(str(path))
    return path.read_bytes()


def _loaded(kind: str, row: int, data: bytes, path: Path, context: Any) -> Any:
    # SEAL reads as far as its header says, and would never notice what comes after.
    if len(data) <= _HEADER or int.from_bytes(data[8:_HEADER], "little") != len(data):
        raise ValueError(f"template {row} has {len(data)} bytes; expected a SEAL {kind} whose header says its length")
    path.write_bytes(data)
    thing = getattr(api(), kind)()
    try:
        thing.load(context, str(path))
    except Exception as error:
        raise ValueError(f"template {row} is no SEAL {kind} of these parameters: {error}") from error
    return thing
