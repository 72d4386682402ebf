"""SEAL, reached through TenSEAL: encryption parameters, keys and ciphertexts as bytes."""

from __future__ import annotations

import os
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import InputError
from mote_bench.toolkit import stream

LEAST_DEGREE, _LARGEST_DEGREE = 2048, 32768
"""The degrees of polynomials whose modulus has room for scores at 128 bits of security, as far as SEAL has them."""
_HEADER, _SIZE_AT = 16, slice(8, 16)
_SEED_WORDS = 8


def library() -> Any:
    """The module ``tenseal.sealapi``.

    Raises
    ------
    InputError
        Where TenSEAL isn't installed.
    """
    try:
        import tenseal.sealapi as seal
    except ImportError:
        raise InputError(
            "TenSEAL isn't installed, and encrypted templates need it. Install it: pip install 'mote-bench[he]'"
        ) from None
    return seal


def parameters_of(kind: str, degree: int) -> Any:
    """Encryption parameters of ``BFV`` or ``CKKS``, with SEAL's modulus of this degree for 128 bits of security."""
    seal = library()
    made = seal.EncryptionParameters(getattr(seal.SCHEME_TYPE, kind))
    made.set_poly_modulus_degree(degree)
    made.set_coeff_modulus(seal.CoeffModulus.BFVDefault(degree, seal.SEC_LEVEL_TYPE.TC128))
    return made


def context(parameters: Any, *, seed: int, purpose: str) -> Any:
    """A SEAL context whose random numbers depend on the seed and the purpose alone.

    A generator made from a context starts anew for each thing that is drawn, so no two things may share a purpose.

    Raises
    ------
    ValueError
        On parameters that SEAL refuses or that offer less than 128 bits of security.
    """
    seal = library()
    words = stream(seed, "seal", purpose).integers(0, 2**64, _SEED_WORDS, dtype="u8").tolist()
    own = seal.EncryptionParameters(parameters)
    own.set_random_generator(seal.Blake2xbPRNGFactory(words))
    made = seal.SEALContext(own, True, seal.SEC_LEVEL_TYPE.TC128)
    if not made.parameters_set():
        raise ValueError(f"SEAL refuses these parameters: {made.parameters_error_message()}")
    return made


def modulus_bits(degree: int) -> int:
    """Bits of SEAL's coefficient modulus for 128 bits of security, without its special prime.

    Raises
    ------
    ValueError
        On a degree that isn't a power of two from 2,048 to 32,768.
    """
    seal = library()
    if not LEAST_DEGREE <= degree <= _LARGEST_DEGREE or degree & (degree - 1):
        raise ValueError(f"degree={degree}; expected a power of two from {LEAST_DEGREE:,} to {_LARGEST_DEGREE:,}")
    primes = seal.CoeffModulus.BFVDefault(degree, seal.SEC_LEVEL_TYPE.TC128)
    bits = [prime.bit_count() for prime in primes]
    return sum(bits[:-1] if len(bits) > 1 else bits)


def secret_key(parameters: Any, seed: int) -> Any:
    """The system's secret key, the same for the same seed."""
    return library().KeyGenerator(context(parameters, seed=seed, purpose="secret key")).secret_key()


def public_key(parameters: Any, secret: Any, seed: int) -> bytes:
    """The public key of ``secret``."""
    seal = library()
    key = seal.PublicKey()
    seal.KeyGenerator(context(parameters, seed=seed, purpose="public key"), secret).create_public_key(key)
    with passage() as path:
        return saved(key, path)


def loaded(kind: Any, seal_context: Any, stored: bytes, path: Path) -> Any:
    """A ciphertext or key from the bytes of :func:`saved`.

    Raises
    ------
    ValueError
        On bytes that aren't one under this context.
    """
    if len(stored) < _HEADER or int.from_bytes(stored[_SIZE_AT], "little") != len(stored):
        raise ValueError(f"{len(stored)} bytes that aren't in SEAL's format, or are truncated or padded")
    path.write_bytes(stored)
    made = kind()
    try:
        made.load(seal_context, str(path))
    except (RuntimeError, ValueError, IndexError, MemoryError, OverflowError) as error:
        raise ValueError(f"bytes that SEAL can't read: {error}") from None
    return made


def saved(thing: Any, path: Path) -> bytes:
    """The bytes of a ciphertext or key, compressed by SEAL."""
    thing.save(str(path))
    return path.read_bytes()


def plaintext(seal_context: Any, coefficients: npt.NDArray[np.uint64], path: Path) -> Any:
    """A plaintext of whole coefficients (N,) below the plaintext modulus, in little-endian order of bytes.

    They are passed in SEAL's own format without compression: read five times as fast as a polynomial written as text.
    """
    path.write_bytes(_head(len(coefficients)) + coefficients.tobytes())
    made = library().Plaintext()
    made.load(seal_context, str(path))
    return made


@lru_cache(maxsize=8)
def _head(coefficients: int) -> bytes:
    """What SEAL writes before the coefficients of a plaintext that is not transformed.

    A header (magic number, sizes, version, compression), the identifier of no parameters, how many coefficients there
    are and the scale 1; then the list of coefficients, which has a header and a length of its own.
    """
    with passage() as path:
        version = saved(library().Plaintext(), path)[: _SIZE_AT.start - 3]
    size = 8 * coefficients
    outer, inner = (version + struct.pack("<BHQ", 0, 0, length) for length in (88 + size, 24 + size))
    return outer + struct.pack("<4QQd", 0, 0, 0, 0, coefficients, 1.0) + inner + struct.pack("<Q", coefficients)


@contextmanager
def passage() -> Iterator[Path]:
    """A file to pass bytes through for :func:`loaded` and :func:`saved`: SEAL in Python uses files only.

    It is in memory where the system offers that (Linux).
    """
    if hasattr(os, "memfd_create") and Path("/proc/self/fd").is_dir():
        descriptor = os.memfd_create("mote-bench-seal")
        try:
            yield Path(f"/proc/self/fd/{descriptor}")
        finally:
            os.close(descriptor)
    else:
        with tempfile.TemporaryDirectory(prefix="mote-bench-seal-") as folder:
            yield Path(folder) / "object"
