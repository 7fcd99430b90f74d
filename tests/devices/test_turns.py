"""Which job gets which card: one at a time, the longest waiting first, somebody else's never."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fairtrial.devices.claims import Claim
from fairtrial.devices.turns import turn_of
from fairtrial.files.nvml import Card
from fairtrial.store import locks

CARDS = [Card(uuid=f"GPU-{n}", index=n, total=1000, free=1000) for n in range(4)]


def claim(
    since: float, taken: str = "", share: int = 1, cards: int = 1, sees: str = "0123"
) -> Claim:
    return Claim(
        holder=locks.holder().model_copy(update={"process": int(since)}),
        user="anna",
        folder="/home/anna",
        job=f"train {since}",
        since=since,
        visible=[f"GPU-{n}" for n in sees],
        cards=cards,
        share=share,
        free=75,
        taken=[f"GPU-{n}" for n in taken],
    )


def turn(own: Claim, *others: Claim, cards: list[Card] = CARDS) -> str:
    """The numbers of the cards that it gets."""
    return "".join(str(card.index) for card in turn_of(own, others, cards))


def with_free(free: dict[int, int]) -> list[Card]:
    return [replace(card, free=free.get(card.index, 1000)) for card in CARDS]


def test_a_job_alone_gets_a_card_that_nobody_uses() -> None:
    assert turn(claim(9), claim(1, "0"), claim(2, "2", share=3)) == "1"
    assert turn(claim(9), *(claim(n, str(n)) for n in range(4))) == ""


def test_shared_cards_are_filled_evenly_and_up_to_their_share() -> None:
    one, two = claim(1, "0", share=2), claim(2, "1", share=2)
    assert turn(claim(9, share=2, sees="01"), one, sees_all := claim(3, "0", share=2)) == "1"
    assert turn(claim(9, share=2, sees="01"), one, two) == "0"
    assert turn(claim(9, share=2, sees="0"), one, sees_all) == ""
    assert turn(claim(9, share=2, sees="0"), claim(1, "0")) == "", "its user is to be alone"
    assert turn(claim(9, sees="0"), one) == "", "a timed job on a shared card"


def test_a_card_that_somebody_else_fills_is_left_alone() -> None:
    assert turn(claim(9), cards=with_free({0: 749, 1: 750})) == "2", "the most memory first"
    assert turn(claim(9, sees="01"), cards=with_free({0: 749, 1: 750})) == "1"
    assert turn(claim(9, sees="0"), cards=with_free({0: 749})) == ""
    assert turn(claim(9, share=2, sees="0"), cards=with_free({0: 376})) == "0", "half of it"


def test_where_memory_is_unknown_it_does_not_count() -> None:
    assert turn(claim(9), cards=[Card(uuid="GPU-3", index=3)]) == "3"


@pytest.mark.parametrize(("age", "got"), [(1, ""), (10, "0")], ids=["older", "younger"])
def test_the_longest_waiting_is_first(age: float, got: str) -> None:
    used = [claim(n, str(n)) for n in (1, 2, 3)]
    assert turn(claim(9), *used, claim(age)) == got


def test_of_two_that_came_at_once_one_is_first() -> None:
    first, second = claim(7), claim(8).model_copy(update={"since": 7.0})
    used = [claim(n, str(n)) for n in (1, 2, 3)]
    assert (turn(first, *used, second), turn(second, *used, first)) == ("0", "")


def test_an_older_job_that_cannot_use_the_card_holds_nobody_up() -> None:
    used = [claim(n, str(n)) for n in (1, 2, 3)]
    assert turn(claim(9), *used, claim(1, sees="12")) == "0"


def test_a_job_that_wants_several_cards_gets_them_as_they_become_free() -> None:
    many = claim(4, cards=3)
    used = [claim(1, "0"), claim(2, "1")]
    assert turn(many, *used) == ""
    assert turn(claim(9), *used, many) == "", "younger ones took its cards for ever"
    assert turn(claim(9), claim(1, "0"), many) == "", "it gets the last three"
    assert turn(many, claim(1, "0"), claim(9)) == "123"


def test_a_shared_card_empties_for_a_job_that_wants_it_alone() -> None:
    alone = claim(4, sees="0")
    assert turn(claim(9, share=2, sees="0"), claim(1, "0", share=2), alone) == ""
    assert turn(claim(9, share=2, sees="01"), claim(1, "0", share=2), alone) == "1"
