"""The bytes of TenSEAL's ``ckks_vector(...).serialize()``: a length, SEAL's ciphertext and the scale."""

from __future__ import annotations

import struct
from itertools import count

_SIZES, _CIPHERTEXTS, _SCALE = 0x0A, 0x12, 0x19
"""Fields of the message ``CKKSVectorProto`` (TenSEAL 0.3, tensors.proto) with their kinds, as protobuf writes them."""


def wrapped(ciphertext: bytes, length: int, scale: float) -> bytes:
    """The message that holds one ciphertext of a vector of this length."""
    size = _varint(length)
    return b"".join(
        [
            bytes([_SIZES]), _varint(len(size)), size,
            bytes([_CIPHERTEXTS]), _varint(len(ciphertext)), ciphertext,
            bytes([_SCALE]), struct.pack("<d", scale),
        ]
    )  # fmt: skip


def unwrapped(message: bytes) -> bytes:
    """The ciphertext of a message of one.

    Raises
    ------
    ValueError
        On other bytes.
    """
    try:
        _, at = _field(message, 0, _SIZES)
        ciphertext, at = _field(message, at, _CIPHERTEXTS)
    except IndexError:
        raise ValueError("bytes that end within TenSEAL's message") from None
    if len(message) != at + 9 or message[at] != _SCALE:
        raise ValueError("bytes that aren't TenSEAL's message of one ciphertext and its scale")
    return ciphertext


def _field(message: bytes, at: int, tag: int) -> tuple[bytes, int]:
    """The bytes of the field that begins at ``at``, and where the next begins."""
    if message[at] != tag:
        raise ValueError("bytes that aren't TenSEAL's message of one ciphertext and its scale")
    length, shift = 0, 0
    for place in count(at + 1):
        length |= (message[place] & 0x7F) << shift
        shift += 7
        if message[place] < 0x80:
            break
    start = place + 1
    if start + length > len(message):
        raise ValueError("bytes that end within TenSEAL's message")
    return message[start : start + length], start + length


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; all but the last have the highest bit set."""
    made = bytearray()
    while number >= 0x80:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*made, number])
