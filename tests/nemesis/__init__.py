"""Nemesis: a blow at one step of a handoff, on a real fleet; the ledger and the judge decide."""
