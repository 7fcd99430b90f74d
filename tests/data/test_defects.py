import pytest

from fairtrial.data.defects import KINDS as ALL
from fairtrial.data.defects import Defect

KINDS = sorted(Defect.__subclasses__(), key=lambda kind: kind.name)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_explains_itself(kind: type[Defect]) -> None:
    assert kind.name.isidentifier()
    assert kind.explanation.endswith(".")
    assert set(kind.actions) <= {"keep", "keep_first", "repair", "drop_box", "drop_image", "refuse"}
    assert "refuse" in kind.actions, "a user may always prefer to be asked"
    assert all(kind.actions.values())


def test_no_two_kinds_share_a_name() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS) == len(ALL)
