"""The chain behind the venue, as far as redemptions need it: wallets, nonces, transactions."""
