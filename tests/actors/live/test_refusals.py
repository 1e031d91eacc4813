"""Every way around the two askings of a live start that could be thought of, each refused."""

import msgspec
import pytest

from actors.config import GateConfig, GateMode, Mode, RiskLimits
from actors.live.climb_state import VALID_MS, Line, Phase
from actors.live.refusals import Start, exact_refusal, limits_as_text, refusal
from actors.live.risked import Risked
from checkpoints.approved_releases import Coverage
from signals.units import MicroUsd
from tests.actors.live.starts import (
    LIMITS,
    RELEASE,
    STORE,
    WALLET,
    climbed,
    limits,
    live_config,
    risked,
    start,
)

OTHER = "b" * 64


def now(**others: object) -> Start:
    """Return a start of which something is other than it was confirmed."""
    return start(risked=risked(**others))


def with_limits(changed: RiskLimits, *, approved: bool) -> Start:
    covered = limits_as_text(changed if approved else LIMITS)
    return start(
        config=live_config(risk=changed),
        risked=risked(limits=changed),
        covered=Coverage(releases=frozenset({RELEASE}), limits=covered),
    )


def test_what_was_let_in_and_confirmed_may_start() -> None:
    assert refusal(start()) is None
    assert exact_refusal(start()) is None


@pytest.mark.parametrize(
    ("around", "says"),
    [
        (start(confirmed=None), "nobody has confirmed"),
        (start(confirmed="altered: not the bytes that were written"), "cannot be read (altered"),
        (now(wallet="0x" + "cd" * 20), "for wallet 0xAbAb"),
        (now(venue="rehearsal"), "for venue.example, this is rehearsal"),
        (now(store=msgspec.structs.replace(STORE, path="/copy")), "another storage"),
        (now(store=msgspec.structs.replace(STORE, id="2" * 32)), "another storage"),
        (now(store=msgspec.structs.replace(STORE, machine="n")), "another storage"),
        (start(climbed=None), "no order and no round trip"),
        (start(climbed="live/climb.json cannot be read: `midstride"), "cannot be read"),
        (start(climbed=climbed(phase=Phase.FAILED)), "were not finished for this wallet"),
        (start(climbed=climbed(phase=Phase.SELLING)), "were not finished for this wallet"),
        (start(climbed=climbed(done_wire_ms=-VALID_MS)), "in the day before"),
        (
            start(
                climbed=climbed(
                    line=Line(venue="rehearsal", wallet=WALLET, store=STORE.id, code="any")
                )
            ),
            "were not finished for this wallet",
        ),
        (
            start(
                climbed=climbed(
                    line=Line(venue="venue.example", wallet=WALLET, store="2" * 32, code="any")
                )
            ),
            "were not finished for this wallet",
        ),
        (start(covered=Coverage()), "no plan that was applied covers release"),
        (
            start(covered=Coverage(releases=frozenset({OTHER}), limits=limits_as_text(LIMITS))),
            "covers release aaaaaaaaaaaa",
        ),
        (
            start(covered=Coverage(releases=frozenset({RELEASE}))),
            "no operator has approved these limits",
        ),
        (
            start(config=live_config(gate=GateConfig(mode=GateMode.OPEN))),
            "a live fleet has a closed gate",
        ),
    ],
)
def test_each_way_around_is_refused_with_what_to_do(around: Start, says: str) -> None:
    said = refusal(around)
    assert said is not None
    assert says in said
    assert "`midstride" in said or "remove" in said
    assert exact_refusal(around) == said


@pytest.mark.parametrize("field", RiskLimits.__struct_fields__)
@pytest.mark.parametrize("factor", [2, 0])
def test_no_limit_is_other_than_confirmed_and_approved(field: str, factor: int) -> None:
    """Neither an edited file nor an approval alone is enough."""
    changed = limits(**{field: factor * getattr(LIMITS, field)})
    unapproved = refusal(with_limits(changed, approved=False))
    assert unapproved is not None
    assert f"risk.{field} {getattr(LIMITS, field)} -> {getattr(changed, field)}" in unapproved
    approved = refusal(with_limits(changed, approved=True))
    assert approved is not None
    assert f"risk.{field}" in approved
    assert "others than those confirmed" in approved


def test_a_release_that_the_gate_let_in_may_serve_but_a_launch_of_it_asks_again() -> None:
    rolled = start(
        risked=risked(release=OTHER),
        covered=Coverage(releases=frozenset({RELEASE, OTHER}), limits=limits_as_text(LIMITS)),
    )
    assert refusal(rolled) is None, "a gateway that a roll brought, or a way back"
    assert "was confirmed, this start brings" in str(exact_refusal(rolled))


@pytest.mark.parametrize("mode", [Mode.SANDBOX, Mode.PAPER])
def test_other_modes_ask_for_nothing(mode: Mode) -> None:
    other = start(config=live_config(mode=mode), confirmed=None, covered=Coverage())
    assert refusal(other) is None
    assert exact_refusal(other) is None


def test_the_words_are_of_one_wallet_one_set_of_limits_one_release_and_one_storage() -> None:
    changes: dict[str, Risked] = {
        "wallet": risked(wallet="0x" + "cd" * 17 + "ababab"),
        "venue": risked(venue="rehearsal"),
        "release": risked(release=OTHER),
        "path": risked(store=msgspec.structs.replace(STORE, path="/copy")),
        **{
            field: risked(limits=limits(**{field: getattr(LIMITS, field) + 1}))
            for field in RiskLimits.__struct_fields__
        },
    }
    texts = {name: one.full_text for name, one in changes.items()}
    assert len({*texts.values(), risked().full_text}) == len(texts) + 1
    assert risked().short_text.casefold() == "ababab 50"


def test_the_default_limit_of_one_order_changes_nothing_elsewhere() -> None:
    assert RiskLimits().order_micro_usd >= MicroUsd(1_000_000_000_000)
