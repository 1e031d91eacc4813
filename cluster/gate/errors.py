"""What the gate raises.

GateError                   the operator: the message names the plan, key or approval to correct
+- GateRefusedError         nothing was changed; every reason is in the message
"""

from cluster.errors import ClusterError


class GateError(ClusterError):
    """Correct what the message names."""


class GateRefusedError(GateError):
    """The gate is closed for this plan; the fleet was not touched."""

    def __init__(self, reasons: tuple[str, ...]) -> None:
        super().__init__("the gate refuses: " + "; ".join(reasons))
        self.reasons = reasons
