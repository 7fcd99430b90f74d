"""Event files, as TensorBoard reads them: scalars by step.

A file is a row of records (length, its checksum, content, its checksum), and each record an
`Event` of TensorFlow's event.proto in the wire format of protocol buffers. Only what scalars
need is written here, so that no further package is. Sources: TensorFlow's documentation of
TFRecord, and the field numbers of event.proto and summary.proto.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from fairtrial.files.folders import whole_file

NAME = "events.out.tfevents.0.fairtrial"
POLYNOMIAL = 0x82F63B78  # of CRC-32C (Castagnoli), reflected


def write(folder: Path, rows: Iterable[tuple[int, Mapping[str, float]]]) -> None:
    """One event file in `folder`: (step, tag → value) a row.

    A step's time is its number: in seconds, since there is no clock in a result.
    """
    with whole_file(folder / NAME, "wb") as file:
        file.write(_record(_double(1, 0.0) + _bytes(3, b"brain.Event:2")))
        for step, values in rows:
            summary = b"".join(_bytes(1, _scalar(tag, value)) for tag, value in values.items())
            event = _double(1, float(step)) + _number(2, step) + _bytes(5, summary)
            file.write(_record(event))


def _scalar(tag: str, value: float) -> bytes:
    """`Summary.Value`: tag and simple_value."""
    return _bytes(1, tag.encode()) + _key(2, 5) + struct.pack("<f", value)


def _record(content: bytes) -> bytes:
    length = struct.pack("<Q", len(content))
    return length + _checksum(length) + content + _checksum(content)


def _checksum(content: bytes) -> bytes:
    """CRC-32C, rotated and shifted as TFRecord wants it."""
    crc = crc32c(content)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def crc32c(content: bytes) -> int:
    """The CRC-32C of some bytes."""
    crc, table = 0xFFFFFFFF, _table()
    for byte in content:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


@cache
def _table() -> tuple[int, ...]:
    found = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ POLYNOMIAL * (crc & 1)
        found.append(crc)
    return tuple(found)


# --------------------------------------------------------------------------- protocol buffers


def _key(field: int, kind: int) -> bytes:
    return _varint(field << 3 | kind)


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def _number(field: int, value: int) -> bytes:
    return _key(field, 0) + _varint(value)


def _double(field: int, value: float) -> bytes:
    return _key(field, 1) + struct.pack("<d", value)


def _bytes(field: int, content: bytes) -> bytes:
    return _key(field, 2) + _varint(len(content)) + content
