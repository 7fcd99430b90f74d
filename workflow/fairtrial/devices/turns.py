"""Which cards a job may take now: those that fit it best, if no job has waited longer for them.

A card that an older job waits for is not given to a younger one, so none waits for ever: one that
wants several cards, or a shared card for itself, gets them as they become free.
"""

from __future__ import annotations

from collections.abc import Sequence

from fairtrial.devices.claims import Claim
from fairtrial.files.nvml import Card

MIB = 2**20

Users = dict[str, list[Claim]]  # by UUID of the card


def turn_of(own: Claim, others: Sequence[Claim], cards: Sequence[Card]) -> list[Card]:
    """The cards that a job may take, in the order of their numbers; none where it has to wait.

    others: the claims of all other jobs, by age; cards: all cards of the machine.
    """
    users: Users = {card.uuid: [c for c in others if card.uuid in c.taken] for card in cards}
    for claim in (claim for claim in others if not claim.taken and _age(claim) < _age(own)):
        wanted = _fitting(claim, cards, users)[: claim.cards]
        if len(wanted) < claim.cards:
            wanted += _awaited(claim, cards, users)[: claim.cards - len(wanted)]
        for card in wanted:
            users[card.uuid].append(claim)
    chosen = _fitting(own, cards, users)[: own.cards]
    return sorted(chosen, key=lambda card: card.index) if len(chosen) == own.cards else []


def _age(claim: Claim) -> tuple[float, int]:
    return claim.since, claim.holder.process


def _fitting(claim: Claim, cards: Sequence[Card], users: Users) -> list[Card]:
    """The cards that have room for a job, those with the fewest users and the most memory first."""
    fitting = [card for card in cards if not obstacle(claim, card, users[card.uuid])]
    return sorted(fitting, key=lambda card: (len(users[card.uuid]), -card.free, card.index))


def _awaited(claim: Claim, cards: Sequence[Card], users: Users) -> list[Card]:
    """Cards that have no room because several share them, those with the fewest users first."""
    shared = [
        card
        for card in cards
        if card.uuid in claim.visible
        and users[card.uuid]
        and not any(user.is_alone for user in users[card.uuid])
    ]
    return sorted(shared, key=lambda card: (len(users[card.uuid]), card.index))


def obstacle(claim: Claim, card: Card, users: Sequence[Claim]) -> str:
    """Why a job cannot have a card now; "" where it can."""
    if card.uuid not in claim.visible:
        return "is not visible"
    if len(users) >= claim.share or any(user.is_alone for user in users):
        return f"is used by {', '.join(map(str, users))}"
    if 100 * claim.share * card.free < claim.free * card.total:
        return memory(card)
    return ""


def memory(card: Card) -> str:
    """How little of a card's memory is free, and who uses it."""
    noun = "processes" if len(card.processes) > 1 else "process"
    by = f", used by {noun} {', '.join(map(str, card.processes))}" if card.processes else ""
    return f"has {card.free // MIB} of {card.total // MIB} MiB free{by}"
