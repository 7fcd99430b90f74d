"""Canonical JSON, and keys made of it: equal content has one text and one key."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical(content: Any) -> str:
    """JSON text that depends on values alone: not on key order, comments or 1e-4 for 0.0001."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def key(content: Any) -> str:
    """A name for `content` (anything JSON can hold): 32 hexadecimal digits."""
    return hashlib.sha256(canonical(content).encode()).hexdigest()[:32]
