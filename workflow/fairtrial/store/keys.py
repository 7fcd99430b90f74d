"""Canonical JSON, and keys made of it: equal content has one text and one key."""

from __future__ import annotations

import hashlib
import json


def canonical(content: object) -> str:
    """JSON text that depends on values alone: not on key order, or on how a number is written."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def key(content: object) -> str:
    """A name for `content` (anything JSON can hold): 32 hexadecimal digits."""
    return hashlib.sha256(canonical(content).encode()).hexdigest()[:32]
