"""What travels during the handoff of one slot, between the driver, the old and the new incarnation.

The gateway's part (`FenceRequest`, `FenceRecord`) is in `actors.messages`. The steps and their
order are in `actors.rollout.handoff_step`; here is only what each side sends.
"""

import msgspec

from actors.messages import Attestation, FenceRecord


class PinBase(msgspec.Struct, frozen=True, kw_only=True, tag="pin_base"):
    """Ask the owner for a full checkpoint now, and to remember what changes from it on."""

    handoff: str
    release: str = ""
    """Of the successor: an older one is handed over in its own words."""


class BasePinned(msgspec.Struct, frozen=True, kw_only=True, tag="base_pinned"):
    handoff: str
    digest: str
    """Of the full checkpoint, durable."""
    journal_sequence: int
    fence: int
    life: str
    attestation: Attestation
    params: str
    """Of the owner: what a take-back fences in again."""


class Warm(msgspec.Struct, frozen=True, kw_only=True, tag="warm"):
    """Tell the new incarnation its base: read it, upgrade it, round-trip it, keep the old one.

    The round trip proves downgrade(upgrade(base)) == base before anything is touched.
    """

    handoff: str
    base: str
    """Digest of the full checkpoint."""
    base_sequence: int


class Warmed(msgspec.Struct, frozen=True, kw_only=True, tag="warmed"):
    handoff: str
    attestation: Attestation
    life: str
    params: str
    logical_hash: str
    """Of the base, as the new release reads it back at the old schema."""
    proof: str
    """One line: what the decision on the latest recorded snapshot was, or why there was none."""


class HandoffFailed(msgspec.Struct, frozen=True, kw_only=True, tag="handoff_failed"):
    """The asked side could not do its step; `reason` starts with a stable code."""

    handoff: str
    reason: str


class ShadowAsk(msgspec.Struct, frozen=True, kw_only=True, tag="shadow_ask"):
    """Ask the standby how its shadow decisions compare with the owner's journal so far."""

    handoff: str
    recorded: int
    """With `--fast`: compare on this many recorded decisions at once instead of live ones."""


class ShadowDifference(msgspec.Struct, frozen=True, kw_only=True):
    due_ms: int
    field: str
    """First field that differs."""
    owner: str
    shadow: str


class ShadowReport(msgspec.Struct, frozen=True, kw_only=True, tag="shadow_report"):
    handoff: str
    compared: int
    differences: tuple[ShadowDifference, ...]
    """At most `SHADOW_DIFFERENCES_KEPT`, the first ones."""
    differing: int
    failure: str | None
    """An exception, NaN or lateness: always stops the roll."""


SHADOW_DIFFERENCES_KEPT = 20
"""A report stays readable and small; the count is complete."""


class Quiesce(msgspec.Struct, frozen=True, kw_only=True, tag="quiesce"):
    handoff: str
    expected_fence: int
    lease_ms: int
    """Monotonic: without a fence by then the owner claims fence + 1 and resumes."""


class Quiesced(msgspec.Struct, frozen=True, kw_only=True, tag="quiesced"):
    handoff: str
    fence: int
    journal_sequence: int
    outbox_sequence: int
    checkpoint: str
    """Digest of the durable delta."""
    logical_hash: str
    """Of the whole state, at the old schema."""
    delta: bytes
    """The delta itself, so that the successor need not read it back."""


class Resume(msgspec.Struct, frozen=True, kw_only=True, tag="resume"):
    """Before the fence: go on deciding. Resuming is a claim, so that a late fence fails."""

    handoff: str


class Resumed(msgspec.Struct, frozen=True, kw_only=True, tag="resumed"):
    handoff: str
    fence: int


class Adopt(msgspec.Struct, frozen=True, kw_only=True, tag="adopt"):
    handoff: str
    record: FenceRecord
    delta: bytes


class Adopted(msgspec.Struct, frozen=True, kw_only=True, tag="adopted"):
    """Hash equal and one decision on the latest recorded snapshot made (Verify)."""

    handoff: str
    fence: int
    logical_hash: str
    verified: str
    """What the verifying decision was."""


class Retire(msgspec.Struct, frozen=True, kw_only=True, tag="retire"):
    """The successor is confirmed, or this standby is not wanted: leave, for good."""

    handoff: str


WarmAnswer = Warmed | HandoffFailed
PinAnswer = BasePinned | HandoffFailed
ShadowAnswer = ShadowReport | HandoffFailed
QuiesceAnswer = Quiesced | HandoffFailed
ResumeAnswer = Resumed | HandoffFailed
AdoptAnswer = Adopted | HandoffFailed

HandoffAsk = PinBase | Warm | ShadowAsk | Quiesce | Resume | Adopt
