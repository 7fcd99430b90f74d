"""What tests say of an error: its type and its facts (file, key, remedy), not its sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def refused(kind: type[Exception], *facts: str) -> Iterator[pytest.ExceptionInfo[Exception]]:
    """Expect an error of this type whose message names every one of `facts`."""
    with pytest.raises(kind) as caught:
        yield caught
    missing = missing_facts(str(caught.value), *facts)
    assert not missing, f"the message lacks {missing}: {caught.value}"


def missing_facts(text: str, *facts: str) -> list[str]:
    """Those of `facts` that the printed text does not name: of an error that a command reports."""
    return [fact for fact in facts if fact not in text]
