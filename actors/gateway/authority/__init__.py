"""The gateway's authority: one lock, one generation, one heir. A pure machine and its shell."""
