"""What a handoff asks the gateway to fence: the successor in, or the old incarnation in again."""

from actors.messages import FenceRequest
from actors.rollout.handoff_messages import Quiesced
from actors.rollout.handoff_state import Handoff


def forward_request(handoff: Handoff, incarnation: int, quiesced: Quiesced) -> FenceRequest:
    """Name the successor, with what the owner left it."""
    assert handoff.warmed is not None
    return FenceRequest(
        slot=handoff.slot,
        expected_fence=quiesced.fence,
        handoff=handoff.handoff,
        incarnation=incarnation,
        life=handoff.warmed.life,
        attestation=handoff.warmed.attestation,
        params=handoff.warmed.params,
        checkpoint=quiesced.checkpoint,
        logical_hash=quiesced.logical_hash,
        journal_sequence=quiesced.journal_sequence,
        outbox_sequence=quiesced.outbox_sequence,
    )


def back_name(handoff: Handoff) -> str:
    """Name the handoff back, as the gateway's table and the old incarnation know it."""
    return f"{handoff.handoff}-back"


def take_back_request(
    handoff: Handoff, expected_fence: int, kept_sequence: int
) -> FenceRequest | None:
    """Name the old incarnation again, with the rows up to the switch or the last good one.

    None: the handoff did not come so far that anything is known of it.
    """
    base, quiesced = handoff.base, handoff.quiesced
    if base is None or quiesced is None:
        return None
    return FenceRequest(
        slot=handoff.slot,
        expected_fence=expected_fence,
        handoff=back_name(handoff),
        incarnation=handoff.old_incarnation,
        life=base.life,
        attestation=base.attestation,
        params=base.params,
        checkpoint=quiesced.checkpoint,
        logical_hash="",
        journal_sequence=kept_sequence,
        outbox_sequence=quiesced.outbox_sequence,
    )
