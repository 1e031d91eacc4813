"""The gateway: fences, risk, signing, posting, the outbox, its own succession."""
