"""State of one slot's handoff: its steps, and the limits of each with their reasons."""

from enum import StrEnum
from typing import Final

import msgspec

from actors.messages import FenceRecord
from actors.rollout.handoff_messages import Adopted, BasePinned, Quiesced, ShadowReport, Warmed

CREATE_DEADLINE_MS: Final = 90_000
"""Wire. A process start measured 1-14 s on two busy cores; beyond this the release is bad."""
WARM_DEADLINE_MS: Final = 30_000
"""Wire. Reading and upgrading a checkpoint is milliseconds; the first imports dominate."""
SHADOW_ANSWER_MS: Final = 10_000
"""Wire. A standby that cannot say in ten seconds how it compares is late itself."""
QUIESCE_DEADLINE_MS: Final = 2_500
"""Wire. Measured 3-15 ms when quiet; more than 1 s was seen on two cores at load 10."""
LEASE_MS: Final = 6_000
"""Monotonic, at the old incarnation: more than quiesce and fence deadlines together."""
FENCE_DEADLINE_MS: Final = 1_500
"""Wire. After it the answer counts as lost, not as a refusal: the gateway is asked who owns."""
FENCE_ASKS_MAX: Final = 20
"""Then the old one resumes by its lease and the late fence fails at the gateway."""
ADOPT_DEADLINE_MS: Final = 3_000
"""Wire. Measured 2-20 ms when quiet, 1.9 s at load 10."""
TAKE_BACK_DEADLINE_MS: Final = 3_000
"""Wire, each try."""
TAKE_BACK_TRIES_MAX: Final = 8
"""Longer than a gateway that hangs takes to be replaced, 20 s: nobody is given up before."""
QUIESCE_TRIES_MAX: Final = 20
"""An owner may be busy with a decision or a page of events; it says so and is asked again."""
UNPROVED_MAX: Final = 3
"""Decisions that a release may make without a snapshot before it counts as not to be proved."""
CONFIRM_SHARE: Final = 0.5
"""Of the time from a decision's due point to its deadline: without a row in the journal by then
the slot is taken back, and the rest is left for the old one to make that same decision."""
UNREAD_SHARE: Final = 0.75
"""The same where the journal could not be read: what nobody can see proves nothing either."""
LEAVE_DEADLINE_MS: Final = 20_000
BACK_ANSWER_MS: Final = 2_500
"""Wire: how long a way back waits for the owner that it replaces, as for a quiesce. Who does not
answer by then is passed over: the gateway's vacancy needs nothing of it."""
VACATE_DEADLINE_MS: Final = 3_000
"""Wire, each try, for the gateway's answer to a vacancy; it takes milliseconds."""
VACATE_TRIES_MAX: Final = 20
"""A fence that moves meanwhile is read anew; a gateway that hangs is replaced within 20 s."""
FILL_DEADLINE_MS: Final = CREATE_DEADLINE_MS + 5_000
"""Wire. The creation has its own limit and names the reason; this one is for a lost answer."""
SWITCH_QUIET_MS: Final = 3_000
"""Wire: no decision may be due within this time of a switch: quiesce, fence, adopt, and spare."""


class Step(StrEnum):
    PLANNED = "planned"
    PINNING = "pinning"
    OPENING = "opening"
    CREATING = "creating"
    WARMING = "warming"
    SHADOWING = "shadowing"
    READY = "ready"
    QUIESCING = "quiescing"
    FENCING = "fencing"
    ADOPTING = "adopting"
    CONFIRMING = "confirming"
    RETIRING = "retiring"
    DONE = "done"
    RESUMING = "resuming"
    TAKING_BACK = "taking_back"
    DISCARDING = "discarding"
    VACATING = "vacating"
    """Whom a handoff would need does not act: a vacancy is declared for the good release."""
    FILLING = "filling"
    """The owner's process is ended, the good release's starts and takes the slot by its claim."""
    FAILED = "failed"
    """The old release owns the slot as before; it never was fenced out, or has it back."""
    STUCK = "stuck"
    """No owner could be proved: an alarm says so, a person decides."""


class Handoff(msgspec.Struct, frozen=True, kw_only=True):
    slot: str
    handoff: str
    """Id: ``<rollout>-<slot>``; part of a file name."""
    old_incarnation: int
    old_fence: int
    old_release: str
    new_release: str
    shadow: int
    """Decisions to compare before the switch; 0 skips the step."""
    identical: bool
    """A differing decision stops the roll."""
    recorded: bool
    """Compare on recorded decisions instead of waiting for live ones."""
    confirmations: int
    """Good live decisions needed before the old one retires: 1, and the bake on top."""
    step: Step = Step.PLANNED
    entered_wire_ms: float = 0.0
    tries: int = 0
    base: BasePinned | None = None
    incarnation: int | None = None
    warmed: Warmed | None = None
    shadow_report: ShadowReport | None = None
    quiesced: Quiesced | None = None
    record: FenceRecord | None = None
    adopted: Adopted | None = None
    confirm_due_ms: int | None = None
    confirm_deadline_ms: int | None = None
    confirmed: int = 0
    unproved: int = 0
    """Decisions in a row for which there was no snapshot: they say nothing of the code."""
    seen_sequence: int = 0
    """Journal sequence of the latest decision row looked at."""
    failure: str | None = None
    switch_started_wire_ms: float | None = None
    dark_ms: float | None = None
    """Quiesce asked to Adopt answered, as the driver saw it."""
    confirmed_wire_ms: float | None = None
    kept_sequence: int = 0
    """Journal sequence up to which a take-back keeps the rows: the switch, then good decisions."""
    back: bool = False
    """A way back: where the owner does not answer the slot goes by vacancy."""
    sick: str | None = None
    """Why the owner is not asked at all, as it was seen before the way back began."""
    vacated: str | None = None
    """Why the slot went by vacancy; None: it did not."""

    @property
    def good_release(self) -> str:
        """That a vacancy is declared for: of a way back the new one, of a roll the old one."""
        return self.new_release if self.back else self.old_release


def validate(handoff: Handoff) -> None:
    """Assert what holds in every state; on in production, cheap."""
    after_fence = handoff.step in {Step.ADOPTING, Step.CONFIRMING, Step.RETIRING, Step.TAKING_BACK}
    assert not after_fence or handoff.record is not None, handoff
    assert handoff.step is not Step.FENCING or handoff.quiesced is not None, handoff
    failing = {Step.RESUMING, Step.DISCARDING, Step.TAKING_BACK, Step.FAILED, Step.STUCK}
    assert handoff.step not in failing or handoff.failure is not None, handoff
    by_vacancy = handoff.step in {Step.VACATING, Step.FILLING}
    assert not by_vacancy or handoff.vacated is not None, handoff
    not_back = {Step.RESUMING, Step.TAKING_BACK, Step.CONFIRMING}
    assert not (handoff.back and handoff.step in not_back), handoff
