"""Why an audit cannot answer.

AuditError                  the operator: the message names what does not exist and what is near it
"""

from cluster.errors import ClusterError


class AuditError(ClusterError):
    """The record does not hold what was asked for."""
