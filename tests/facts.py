"""What tests say of an error: its type and its facts (file, key, remedy), not its sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def refused(kind: type[Exception], *facts: str) -> Iterator[pytest.ExceptionInfo[Exception]]:
    """Expect an error of this type whose message names every one of `facts`."""
    with pytest.raises(kind) as caught:
        yield caught
    missing = [fact for fact in facts if fact not in str(caught.value)]
    assert not missing, f"the message lacks {missing}: {caught.value}"
