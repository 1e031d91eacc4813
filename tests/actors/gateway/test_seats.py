"""Who owns a slot: claims, vacancies, the compare-and-set of a handoff."""

import msgspec
import pytest
from msgspec.structs import replace

from actors.gateway.events import Answer, Append, ClaimAsked, FenceAsked, OpenAsked
from actors.messages import (
    Claim,
    ClaimRefused,
    FenceRefused,
    FenceRequest,
    Granted,
    IntentFenced,
    Opened,
    OpenIncarnation,
    OpenRefused,
    Retired,
    Standby,
)
from tests.actors.gateway.builders import (
    RELEASE,
    RULES,
    Machine,
    attestation,
    claim,
    intent,
    vacancy,
)


def answer(machine: Machine) -> msgspec.Struct:
    (found,) = [effect for effect in machine.effects if isinstance(effect, Answer)]
    return found.message


def ask_claim(machine: Machine, a_claim: Claim) -> msgspec.Struct:
    machine.apply(ClaimAsked(reply_to=1, claim=a_claim, **machine.at))
    return answer(machine)


def ask_open(machine: Machine, request: OpenIncarnation) -> msgspec.Struct:
    machine.apply(OpenAsked(reply_to=1, request=request, **machine.at))
    return answer(machine)


def fence_request(**changes: object) -> FenceRequest:
    base = FenceRequest(
        slot="btc-5m",
        expected_fence=1,
        handoff="h1",
        incarnation=2,
        life="20-2",
        attestation=attestation(),
        params="p1",
        checkpoint="c" * 64,
        logical_hash="d" * 64,
        journal_sequence=7,
        outbox_sequence=3,
    )
    return replace(base, **changes)


def ask_fence(machine: Machine, request: FenceRequest) -> msgspec.Struct:
    machine.apply(FenceAsked(reply_to=1, request=request, **machine.at))
    return answer(machine)


def fence(machine: Machine) -> int:
    return machine.state.ledger.seats["btc-5m"].fence


def with_standby() -> Machine:
    machine = Machine().start()
    assert ask_open(machine, vacancy(fence=1, vacant=False)) == Opened(incarnation=2)
    return machine


def test_a_grant_is_durable_before_it_is_answered() -> None:
    machine = Machine().start()
    machine.apply(ClaimAsked(reply_to=1, claim=claim(life="11-1"), **machine.at))
    assert isinstance(machine.effects[0], Append)
    assert isinstance(machine.effects[1], Answer)


def test_the_same_life_gets_the_same_grant_and_a_new_life_a_higher_fence() -> None:
    machine = Machine().start()
    first = ask_claim(machine, claim())
    assert isinstance(first, Granted)
    assert first.record.fence == 1
    again = ask_claim(machine, claim(life="11-1"))
    assert isinstance(again, Granted)
    assert again.record.fence == 2


def test_resuming_is_a_claim_of_the_next_fence_so_that_a_late_fence_fails() -> None:
    machine = with_standby()
    resumed = ask_claim(machine, claim(resume=1))
    assert isinstance(resumed, Granted)
    assert resumed.record.fence == 2
    assert ask_claim(machine, claim(resume=1)) == resumed, "the answer was lost, asked again"
    late = ask_fence(machine, fence_request())
    assert isinstance(late, FenceRefused)
    assert late.owner == resumed.record


def test_a_number_that_was_never_issued_is_refused() -> None:
    assert isinstance(ask_claim(Machine().start(), claim(incarnation=2)), ClaimRefused)


def test_a_standby_waits_and_adopts_from_the_record_that_names_it() -> None:
    machine = with_standby()
    waiting = claim(incarnation=2, life="20-2")
    assert isinstance(ask_claim(machine, waiting), Standby)
    granted = ask_fence(machine, fence_request())
    assert isinstance(granted, Granted)
    assert ask_claim(machine, waiting) == granted
    assert granted.record.handoff == "h1"
    assert granted.record.checkpoint == "c" * 64
    assert granted.record.outbox_sequence == 3


def test_a_fence_asked_twice_moves_once() -> None:
    machine = with_standby()
    first = ask_fence(machine, fence_request())
    assert ask_fence(machine, fence_request()) == first
    assert fence(machine) == 2


def test_the_old_owner_may_not_send_after_the_fence_but_stays_as_the_way_back() -> None:
    machine = with_standby()
    ask_fence(machine, fence_request())
    machine.send(intent())
    assert isinstance(answer(machine), IntentFenced)
    assert isinstance(ask_claim(machine, claim(resume=1)), Standby)
    assert isinstance(ask_claim(machine, claim(life="99-9")), Retired), "its process is gone"
    back = fence_request(expected_fence=2, incarnation=1, life="10-1", handoff="h1-back")
    granted = ask_fence(machine, back)
    assert isinstance(granted, Granted)
    assert granted.record.fence == 3
    assert isinstance(ask_claim(machine, claim(incarnation=2, life="20-2")), Standby)


@pytest.mark.parametrize(
    "changes",
    [
        {"expected_fence": 0},
        {"incarnation": 3},
        {"attestation": attestation("b2" * 32)},
        {"attestation": attestation(message_version=99)},
    ],
)
def test_a_fence_that_does_not_fit_moves_nothing(changes: dict[str, object]) -> None:
    machine = with_standby()
    assert isinstance(ask_fence(machine, fence_request(**changes)), FenceRefused)
    assert fence(machine) == 1


def test_a_vacancy_names_the_fence_it_expects_and_numbers_are_never_used_again() -> None:
    machine = Machine().start()
    refused = ask_open(machine, vacancy(fence=0))
    assert refused == OpenRefused(reason="the fence is 1, not 0", fence=1)
    assert ask_open(machine, vacancy(fence=1)) == Opened(incarnation=2)
    assert ask_open(machine, vacancy(fence=1)) == Opened(incarnation=3)
    assert isinstance(ask_claim(machine, claim(incarnation=2)), Retired)
    granted = ask_claim(machine, claim(incarnation=3, life="30-3"))
    assert isinstance(granted, Granted)
    assert granted.record.fence == 2
    assert isinstance(ask_claim(machine, claim()), Retired), "a vacancy leaves no way back"


def test_an_unknown_slot_gets_no_incarnation() -> None:
    known = msgspec.structs.replace(RULES, slots=frozenset({"btc-5m", "avax-4h"}))
    refused = ask_open(Machine(known).start(), vacancy("avax-5m"))
    assert refused == OpenRefused(reason="'avax-5m' is no slot of this fleet", fence=0)
    assert isinstance(ask_open(Machine(known).start(), vacancy("avax-4h")), Opened)
    for name in ("avax-5n", "avax", "avax-5m-5m", "", "AVAX-5m"):
        assert isinstance(ask_open(Machine().start(), vacancy(name)), OpenRefused)


def test_a_claim_by_another_release_than_the_number_was_issued_for_is_refused() -> None:
    machine = Machine().start()
    wrong = claim(life="11-1", release="b2" * 32)
    assert isinstance(ask_claim(machine, wrong), ClaimRefused)
    assert fence(machine) == 1


def test_a_closed_gate_gives_no_fence_to_an_unapproved_release() -> None:
    rules = replace(RULES, attested=frozenset({"b2" * 32}))
    machine = Machine(rules=rules)
    assert isinstance(ask_open(machine, vacancy()), OpenRefused)
    machine.rules = replace(RULES, attested=frozenset({RELEASE}))
    assert ask_open(machine, vacancy()) == Opened(incarnation=1)
    machine.rules = rules
    assert isinstance(ask_claim(machine, claim()), ClaimRefused)


def test_every_fence_record_is_kept_for_the_readers_of_the_journal() -> None:
    machine = Machine().start()
    for life in range(2, 5):
        ask_claim(machine, claim(life=f"{life}-1"))
    history = machine.state.ledger.seats["btc-5m"].history
    assert [record.fence for record in history] == [1, 2, 3, 4]


def test_a_vacancy_asked_for_again_by_the_same_request_gets_the_same_number() -> None:
    machine = Machine()
    first = replace(vacancy(), request="btc-5m/0/0")
    assert ask_open(machine, first) == Opened(incarnation=1)
    assert ask_open(machine, first) == Opened(incarnation=1)
    assert isinstance(ask_claim(machine, claim(incarnation=1)), Granted)
    later = replace(vacancy(fence=1), request="btc-5m/1/1")
    assert ask_open(machine, later) == Opened(incarnation=2)


def test_a_handoff_asks_for_its_number_again_and_gets_the_same_one() -> None:
    machine = Machine().start()
    first = replace(vacancy(fence=1, vacant=False), handoff="h1")
    assert ask_open(machine, first) == Opened(incarnation=2)
    assert ask_open(machine, first) == Opened(incarnation=2)
    assert ask_open(machine, replace(first, handoff="h2")) == Opened(incarnation=3)
