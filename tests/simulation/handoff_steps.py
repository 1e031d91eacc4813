"""Steps of a handoff at which faults are aimed, in their order."""

from typing import Final

from actors.rollout.handoff_state import Step

STEPS: Final = (
    Step.PINNING,
    Step.OPENING,
    Step.CREATING,
    Step.WARMING,
    Step.SHADOWING,
    Step.READY,
    Step.QUIESCING,
    Step.FENCING,
    Step.ADOPTING,
    Step.CONFIRMING,
    Step.RETIRING,
    Step.RESUMING,
    Step.TAKING_BACK,
    Step.DISCARDING,
    Step.VACATING,
    Step.FILLING,
)
