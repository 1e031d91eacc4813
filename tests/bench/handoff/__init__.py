"""Handoffs side by side. Ray reads these settings at its import, before any fleet is there.

A program that a bench starts on a fleet of its own is told where that fleet's token is.
"""

import os
import secrets

from cluster.local.head import LOOPBACK

os.environ[LOOPBACK] = "0"
os.environ["RAY_AUTH_MODE"] = "token"
if "RAY_AUTH_TOKEN_PATH" not in os.environ:
    os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
