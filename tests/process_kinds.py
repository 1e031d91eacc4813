"""What a process of a fleet is, by its command line."""

from typing import Final

KINDS: Final = (
    ("ray::Slot", "slots"),
    ("ray::Gateway", "gateway"),
    ("ray::Market", "market data"),
    ("ray::market-data", "market data"),
    ("ray::Supervisor", "supervisor"),
    ("ray::", "other actors and workers"),
    ("actors.redemption", "redeemer"),
    ("cluster.local.watcher", "watcher"),
    ("gcs_server", "gcs"),
    ("raylet/raylet", "raylet"),
    ("dashboard", "dashboard"),
    ("cluster.sandbox", "simulated exchange"),
)
"""Part of the command line -> kind; the first that fits. Others name the raylet's socket, too."""


def kind_of(command: bytes) -> str:
    """Name what a process is by the bytes of its `/proc/PID/cmdline`."""
    words = command.replace(b"\0", b" ").decode(errors="replace")
    return next((kind for part, kind in KINDS if part in words), "other processes")
