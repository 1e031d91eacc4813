"""The exception tree of the operator's tools.

ClusterError                the message is for the operator: what is wrong and what to do; exit 1
+- ConfigError              correct the key named (cluster.config.errors)
+- HeadError                the local Ray head: a port is taken, or it did not start
+- SandboxError             the sandbox exchange did not start
+- JobError                 a submitted job failed; its own message was printed
+- FleetError               the fleet did not answer or refused
"""


class ClusterError(Exception):
    """Of a folder, a file or the fleet: the message is shown as it is."""


class HeadError(ClusterError):
    """The local Ray head; free the port named or read the log named."""


class SandboxError(ClusterError):
    """The sandbox exchange; read the log named."""


class JobError(ClusterError):
    """A job failed; its output says why."""


class FleetError(ClusterError):
    """An actor did not answer in time or refused; `midstride doctor` says more."""
