"""Does every process run what the plan says? Digests against digests, exact. Pure.

Knight Capital 2012: one of eight servers ran old code. What a process says of itself, what its
files are now and what the gateway recorded must be one release, and a release of the plan. Slots
run what the gateway's table or the roll under way names; the actors that they share may stay on
any release that was archived. Latency: one look of the supervisor; before an order, because the
gateway grants such a process no fence.
"""

from collections.abc import Iterable, Iterator
from typing import Final, assert_never

import msgspec

from actors.detectors.finding import Finding
from actors.messages import FenceRecord
from actors.slot.status import AnySlotStatus, SlotNotRunning, SlotStatus

RELEASES_MAX: Final = 2
"""Of slots at one time: the old and the new one of a roll."""
MIXED_GRACE_MS: Final = 300_000
"""Wire after a roll that stopped half way: it raised an alarm of its own, a person is at it."""
PROCESSES_NAMED: Final = 20
REFUSED_MARKS: Final = ("problems under", "no approval covers", "issued for release")
"""What the attestation and the gateway say of code that is not what it should be."""


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """One process as it was seen."""

    subject: str
    """``btc-5m/7``, ``gateway``, ..."""
    attested: str | None
    """Release that it says it runs; None where it could not say."""
    on_disk: str | None = None
    """Release of the files under its root now, hashed by the watcher; None: not looked at."""
    fenced: str | None = None
    """Release in the gateway's fence record of its slot, if it owns it."""
    trouble: str = ""
    """Why it does not run, in its own words."""
    root: str = ""
    """Folder whose files were hashed."""
    life: str = ""
    """``<pid>-<start>``: which process a person should look at."""
    shared: bool = False  # a kind of process, not a switch
    """Gateway, market data or supervisor."""


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What may run now."""

    releases: frozenset[str]
    """Live ones and, while a roll is under way, its target."""
    may_mix: bool = False  # a state of the fleet, not a switch
    """A roll is under way, or the last one was of a part of the slots."""
    archived: frozenset[str] = frozenset()
    """What shared actors may run besides; empty: there is no archive, and they are not judged."""


def running_of(
    incarnation: int, status: AnySlotStatus, owner: FenceRecord | None, on_disk: str | None = None
) -> Running:
    """Put together what a slot's process says, what the gateway recorded and what lies on disk.

    A life that was not granted is not fenced, though an earlier one of its incarnation was.
    """
    subject = f"{status.slot}/{incarnation}"
    fenced = owner.release if owner is not None and owner.incarnation == incarnation else None
    match status:
        case SlotStatus(release=release, life=life):
            mine = fenced if owner is not None and owner.life == life else None
            return Running(
                subject=subject, attested=release, fenced=mine, on_disk=on_disk, life=life
            )
        case SlotNotRunning(reason=reason):
            return Running(
                subject=subject, attested=None, fenced=fenced, on_disk=on_disk, trouble=reason
            )
        case _ as never:
            assert_never(never)


def judge(running: Iterable[Running], expected: Expected) -> tuple[Finding, ...]:
    """Compare every process with the plan, and the fleet with itself."""
    seen = tuple(running)
    found = [finding for process in seen for finding in _judge_one(process, expected)]
    return (*found, *_judge_roots(seen), _judge_fleet(seen, expected))


def _judge_one(process: Running, expected: Expected) -> tuple[Finding, ...]:
    evidence = {
        "runs": _short(process.attested),
        "on_disk": _short(process.on_disk),
        "fenced": _short(process.fenced),
        "planned": ", ".join(sorted(_short(release) for release in expected.releases)),
    }
    runs = process.attested
    allowed = expected.releases | (expected.archived if process.shared else frozenset())
    judged = not process.shared or bool(expected.archived)
    refused = any(mark in process.trouble for mark in REFUSED_MARKS)
    return (
        Finding(
            kind="wrong_code",
            subject=process.subject,
            holds=(judged and runs is not None and runs not in allowed) or refused,
            evidence={**evidence, "trouble": process.trouble[:500], "life": process.life},
        ),
        Finding(
            kind="fence_of_another_release",
            subject=process.subject,
            holds=None not in (runs, process.fenced) and runs != process.fenced,
            evidence=evidence,
        ),
    )


def _judge_roots(seen: tuple[Running, ...]) -> Iterator[Finding]:
    """Look at each folder once: many processes run from one, and one edit changes it for all."""
    roots: dict[str, list[Running]] = {}
    for process in seen:
        if process.root and process.on_disk is not None and process.attested is not None:
            roots.setdefault(process.root, []).append(process)
    for root, processes in sorted(roots.items()):
        changed = [p.subject for p in processes if p.attested != p.on_disk]
        yield Finding(
            kind="code_changed_on_disk",
            subject=root.rstrip("/").rpartition("/")[2],
            holds=bool(changed),
            evidence={
                "root": root,
                "on_disk": _short(processes[0].on_disk),
                "run": ", ".join(sorted({_short(p.attested) for p in processes})),
                "processes": ", ".join(changed[:PROCESSES_NAMED]),
            },
        )


def _judge_fleet(seen: tuple[Running, ...], expected: Expected) -> Finding:
    fenced = sorted({process.fenced for process in seen if process.fenced is not None})
    limit = RELEASES_MAX if expected.may_mix else 1
    return Finding(
        kind="mixed_releases",
        subject="fleet",
        holds=len(fenced) > limit,
        grace_ms=MIXED_GRACE_MS,
        evidence={"releases": ", ".join(_short(release) for release in fenced)},
    )


def _short(release: str | None) -> str:
    return "-" if release is None else release[:12]
