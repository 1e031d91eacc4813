"""Every value of `Rejected.code` that a post can give, whatever the venue.

What each means and what a person does about it is in `actors.gateway.refusal_codes`.
"""

from typing import Final

REJECT_CODES: Final = frozenset(
    {
        "account_banned",
        "closed_only",
        "fak_not_filled",
        "fok_not_filled",
        "invalid_amounts",
        "invalid_expiration",
        "invalid_nonce",
        "market_closed",
        "market_not_ready",
        "not_enough_balance",
        "off_tick",
        "order_version",
        "post_only_would_cross",
        "refused",
        "region",
        "signer_not_key",
        "too_small",
        "unauthorized",
        "wallet_not_allowed",
    }
)
"""`refused` stands where the adapter knew no word of the venue's answer."""
