"""What a rollout raises for the operator."""


class RolloutError(Exception):
    """The roll cannot begin or end now; the message names what stands in its way and what to do."""
