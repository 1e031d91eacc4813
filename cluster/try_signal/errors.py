"""The exceptions of a tape run, all for the operator.

TryError                    a `ClusterError`: shown as it is, exit 1
+- TapeError                give another tape folder, or none for a generated tape
+- SignalError              correct the strategy file, or the parameter, that it names
"""

from cluster.errors import ClusterError


class TryError(ClusterError):
    """A tape run that could not be made or finished."""


class TapeError(TryError):
    """The tape cannot be read or holds too little."""


class SignalError(TryError):
    """The strategy does not load, raised, or broke its contract."""
