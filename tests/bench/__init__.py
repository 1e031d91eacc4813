"""Measurements: printed with machine, commit and load, never asserted."""

import os

from cluster.local_head import LOOPBACK

os.environ.setdefault(LOOPBACK, "0")  # Ray reads it when it is imported, see cluster.local_head
