"""A trade: one taker order against resting orders of one price."""

import msgspec

from cluster.sandbox.kinds import Outcome, Side, TradeStatus


class MakerLeg(msgspec.Struct, frozen=True, kw_only=True):
    """The resting side of a trade. Its token may be the opposite one (mint or merge)."""

    order_id: str
    api_key: str
    """Empty: the sandbox's own makers."""
    maker_address: str
    token_id: str
    outcome: Outcome
    side: Side
    price: int
    """Micro-USD per share of this leg's own token."""
    shares: int


class Trade(msgspec.Struct, frozen=True, kw_only=True):
    """One taker order against resting orders of one price."""

    trade_id: str
    condition_id: str
    taker_order_id: str
    taker_api_key: str
    """Empty: the sandbox's own takers."""
    taker_address: str
    token_id: str
    """Of the taker."""
    outcome: Outcome
    side: Side
    price: int
    """Micro-USD per share of the taker's token."""
    shares: int
    fee_micro_usd: int
    """Paid by the taker: on top of a buy, out of the proceeds of a sale."""
    makers: tuple[MakerLeg, ...]
    status: TradeStatus
    matched_wire_ms: int
    matched_market_ms: int
    updated_wire_ms: int
    transaction_hash: str
    bucket_index: int = 0

    def concerns(self, api_key: str) -> bool:
        return api_key == self.taker_api_key or any(leg.api_key == api_key for leg in self.makers)

    def has_token(self, token_id: str, api_key: str) -> bool:
        """Say whether the account traded this token in it."""
        if api_key == self.taker_api_key and token_id == self.token_id:
            return True
        return any(leg.api_key == api_key and leg.token_id == token_id for leg in self.makers)
