"""Crashes between any two effects of a redemption, against a chain at its worst: paid once."""

import dataclasses
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from actors.machine.rows import Row, Table
from actors.redemption import acts
from actors.redemption.claim import Claim, Payment, Step
from actors.redemption.events import (
    ChainRead,
    ClaimEffect,
    Polled,
    Unclear,
    Woken,
)
from actors.redemption.table import TABLE
from signals.units import MicroUsd
from tests.actors.redemption.chain_world import KINDS, ViolatedError
from tests.actors.redemption.lives import play

SEEDS = 25
MUTATION_SEEDS = 60


@pytest.mark.parametrize("auto", [False, True], ids=["alone", "beside auto-redeem"])
@pytest.mark.parametrize("kind", KINDS)
def test_wherever_it_dies_each_market_is_paid_and_booked_once(kind: str, *, auto: bool) -> None:
    crashes = submitted = 0
    for seed in range(SEEDS):
        world = play(seed, kind, auto=auto)
        crashes += world.crashes
        submitted += len(world.chain.sent)
    print(f"{kind}: {SEEDS} worlds, {crashes} crashes, {submitted} transactions, all paid once")
    assert crashes > SEEDS
    assert submitted >= SEEDS


def test_in_peace_one_transaction_is_sent_for_each_market() -> None:
    for kind in KINDS:
        world = play(1, kind, crash=0.0)
        calm = [one for one in world.chain.sent if one.course == "plain"]
        assert len(calm) >= 3


def without(
    table: Table[Claim, ClaimEffect], row: Row[Claim, ClaimEffect], **changes: object
) -> Table[Claim, ClaimEffect]:
    return table.changed((row, dataclasses.replace(row, **changes)))


def found(source: Step, event: type, target: Step | None) -> Row[Claim, ClaimEffect]:
    (row,) = [
        row for row in TABLE if (row.source, row.event, row.target) == (source, event, target)
    ]
    return row


def in_vain(claim: Claim, event: object) -> tuple[Claim, tuple[ClaimEffect, ...]]:
    return replace(acts._clean(claim), due_wire_ms=event.wire_ms), ()


def retry_without_looking_up() -> Table[Claim, ClaimEffect]:
    row = found(Step.SUBMITTING, Unclear, Step.IN_DOUBT)
    return without(TABLE, row, target=Step.WAITING, act=in_vain)


def forget_what_may_have_left() -> Table[Claim, ClaimEffect]:
    row = found(Step.SUBMITTING, Woken, Step.IN_DOUBT)
    return without(TABLE, row, target=Step.WAITING, act=in_vain)


def mined_is_enough() -> Table[Claim, ClaimEffect]:
    row = found(Step.POLLING, Polled, Step.MINED)
    return without(TABLE, row, target=Step.CHECKING, act=acts.check)


def confirmed_is_enough() -> Table[Claim, ClaimEffect]:
    """Book what it was worth as soon as the relayer says that it is final."""

    def book(claim: Claim, event: Polled) -> tuple[Claim, tuple[ClaimEffect, ...]]:
        name = event.transaction_hash or str(claim.transaction_id)
        paid = Payment(transaction_hash=name, micro_usd=MicroUsd(claim.worth_micro_usd))
        return replace(claim, payments=(*claim.payments, paid), due_wire_ms=event.wire_ms), ()

    table = TABLE
    for source in (Step.POLLING, Step.MINED):
        row = found(source, Polled, Step.CHECKING)
        table = without(table, row, target=Step.PAID, act=book)
    return table


def book_without_comparing() -> Table[Claim, ClaimEffect]:
    """Book each payment that is seen, the ones that are booked too; go on when there are shares."""

    def book(claim: Claim, event: ChainRead) -> tuple[Claim, tuple[ClaimEffect, ...]]:
        return replace(claim, payments=(*claim.payments, *(event.payments or ()))), ()

    row = found(Step.CHECKING, ChainRead, Step.PAID)
    return without(TABLE, row, target=Step.CHECKING, act=book)


MUTATIONS: dict[str, Callable[[], Table[Claim, ClaimEffect]]] = {
    "an unclear answer is tried again without looking it up": retry_without_looking_up,
    "a new life forgets what may have left": forget_what_may_have_left,
    "a block that may be replaced counts as final": mined_is_enough,
    "confirmed counts without money that came": confirmed_is_enough,
    "a payment is booked as often as it is seen": book_without_comparing,
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_each_mutation_of_the_machine_is_noticed(name: str) -> None:
    table = MUTATIONS[name]()
    noticed = 0
    for seed in range(MUTATION_SEEDS):
        for kind in KINDS:
            try:
                play(seed, kind, table=table, auto=seed % 3 == 0)
            except (ViolatedError, AssertionError):
                noticed += 1
        if noticed:
            break
    assert noticed, f"{name}: not noticed in {MUTATION_SEEDS} seeds"


def test_two_redeemers_over_one_log_are_noticed() -> None:
    """What the kernel lock prevents: with it, this world cannot come to be."""
    noticed = 0
    for seed in range(MUTATION_SEEDS):
        try:
            play(seed, "SAFE", lives=2)
        except (ViolatedError, AssertionError):
            noticed += 1
    assert noticed
