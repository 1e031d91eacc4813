"""`try`: run a strategy over a tape in seconds, without Ray."""

from cluster.try_signal.command import command

__all__ = ["command"]
