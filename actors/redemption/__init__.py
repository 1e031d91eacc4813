"""Winnings become cash: one pure machine per market, its log, and the process that runs them."""
