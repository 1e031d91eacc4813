"""How looking at a tape fails."""

from cluster.errors import ClusterError


class TapeFolderError(ClusterError):
    """There is no tape to look at."""
