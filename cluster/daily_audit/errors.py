"""Why an audit of a day is not made.

AuditRunsError              the operator: another audit of the fleet is at work, wait for it
"""

from cluster.errors import ClusterError


class AuditRunsError(ClusterError):
    """Another audit of this fleet is at work."""
