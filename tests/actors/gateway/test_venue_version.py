"""The venue's protocol: a version that this code does not know brings no new risk."""

import asyncio
from typing import Any

import pytest

from actors.gateway.events import AskTime, TimeSeen
from actors.venue.polymarket.public import PublicReads
from actors.venue.port import Unknown
from tests.actors.gateway.builders import Machine
from tests.actors.gateway.test_timers import alarms
from tests.actors.venue.loopback import Answer, loopback


def told(machine: Machine, version: str | Unknown) -> str:
    """Hear it, and return the foreign version that holds then."""
    machine.apply(TimeSeen(server_ms=machine.wire_ms, version=version, **machine.at))
    return machine.state.flight.foreign_version


def test_another_version_is_an_alarm_once_and_the_known_one_ends_it() -> None:
    machine = Machine().start()
    machine.tick()
    assert machine.asked(AskTime)
    timeout = Unknown(reason="timeout")
    raised = []
    for said, foreign in (
        ("2", ""),
        ("3", "3"),
        ("3", "3"),
        (timeout, "3"),  # what was known holds
        ("2", ""),
        (timeout, ""),
    ):
        assert told(machine, said) == foreign
        raised += alarms(machine)
    assert raised == ["venue_version"]


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (Answer({"version": 2}), "2"),
        (Answer({"version": "2"}), "2"),
        (Answer({"version": 3, "more": []}), "3"),
        (Answer({}), "b'{}'"),
        (Answer([]), "b'[]'"),
        (Answer({"error": "gone"}, 404), "HTTP 404"),
        (Answer({"error": "gone"}, 410), "HTTP 410"),
        (Answer({}, 503), None),
        (Answer({}, 429), None),
        (Answer({}, hang_up=True), None),
    ],
    ids=repr,
)
def test_an_answer_that_says_no_known_version_is_foreign_and_a_fault_in_passing_is_not(
    answer: Answer, wanted: str | None
) -> None:
    async def ask() -> Any:
        with loopback() as served:
            served.answer("GET", "/version", answer)
            reads = PublicReads(served.venue(), 5.0)
            try:
                return await reads.version()
            finally:
                await reads.close()

    found = asyncio.run(ask())
    assert isinstance(found, Unknown) if wanted is None else found == wanted
