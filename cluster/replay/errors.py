"""Why a recorded decision cannot be made again.

ReplayError                 the operator: the message names what is missing and what stays possible
+- GuestError               the release's own process did not start, did not answer, or is another
"""

from cluster.errors import ClusterError


class ReplayError(ClusterError):
    """Nothing of what was asked can be replayed."""


class GuestError(ReplayError):
    """A release's process failed; the rest of the replay goes on without that release."""
