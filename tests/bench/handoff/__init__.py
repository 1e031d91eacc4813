"""Handoffs side by side. Ray reads these settings at its import, before any fleet is there."""

import os
import secrets

from cluster.local_head import LOOPBACK

os.environ[LOOPBACK] = "0"
os.environ["RAY_AUTH_MODE"] = "token"
os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
