"""The rollout: a slot's handoff, the fleet's roll, and the succession of the shared actors."""
