from fairtrial import DataError
from fairtrial.data import defects
from fairtrial.data.defect_actions import Actions, listed
from tests.facts import refused


def test_the_default_and_what_is_chosen_instead() -> None:
    actions = Actions({"box_over_edge": "drop_box"})
    assert actions.of(defects.BoxOverEdge) == "drop_box"
    assert actions.of(defects.BoxOutside) == "drop_box"
    assert Actions().of(defects.BoxOverEdge) == "repair"


def test_what_is_to_be_refused_is_refused_with_the_way_out() -> None:
    cases = [defects.BoxOutside("b"), defects.UnknownClass("a", "x")]
    remedies = ["`defects: {unknown_class: …}`", "`drop_box`, `drop_image`"]
    with refused(DataError, "raw: ", "unknown_class, 1 times", *remedies) as error:
        Actions().refuse(cases, "raw")
    assert str(error.value).splitlines()[1:-1] == ["  a: x"], "the box outside is not refused"
    Actions({"unknown_class": "drop_box"}).refuse(cases, "raw")


def test_all_kinds_are_refused_at_once() -> None:
    cases = [defects.UnknownClass("a", "x"), defects.OrphanObject("b"), defects.UnknownClass("c")]
    facts = ["unknown_class, 2 times", "  a: x", "  c", "orphan_object, 1 times", "  b"]
    with refused(DataError, *facts, "{unknown_class: …}", "{orphan_object: …}"):
        Actions().refuse(cases, "raw")


def test_long_lists_are_cut() -> None:
    assert listed(map(str, range(25))).splitlines()[-1] == "  … and 5 more"
