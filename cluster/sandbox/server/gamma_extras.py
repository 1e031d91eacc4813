"""The keys of a Gamma market that nobody here reads: clients must live with them."""

import msgspec


class GammaExtras(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Constants of a recorded row; figures of trading are zero."""

    approved: bool = True
    automatically_active: bool = True
    best_ask: float = 1
    clear_book_on_start: bool = False
    combo_status: str = "disabled"
    competitive: float = 0
    cyom: bool = False
    deploying: bool = False
    end_date_iso: str = ""
    featured: bool = False
    funded: bool = False
    group_item_threshold: str = "0"
    has_reviewed_dates: bool = True
    holding_rewards_enabled: bool = False
    icon: str = ""
    image: str = ""
    last_trade_price: float = 0
    liquidity: str = "0"
    liquidity_amm: float = 0
    liquidity_clob: float = 0
    liquidity_num: float = 0
    maker_rebates_fee_share_bps: int = 10_000
    manual_activation: bool = False
    market_maker_address: str = ""
    neg_risk_other: bool = False
    new: bool = False
    one_hour_price_change: float = 0
    pager_duty_notification_enabled: bool = False
    pending_deployment: bool = False
    ready: bool = False
    requires_translation: bool = False
    restricted: bool = True
    rewards_max_spread: float = 4.5
    rewards_min_size: float = 50
    rfq_enabled: bool = False
    show_gmp_outcome: bool = False
    show_gmp_series: bool = False
    spread: float = 0.01
    start_date_iso: str = ""
    uma_end_date: str | None = None
    uma_resolution_statuses: str = "[]"
    updated_at: str = ""
    volume: str = "0"
    volume1mo: float = 0
    volume1mo_clob: float = 0
    volume1wk: float = 0
    volume1wk_clob: float = 0
    volume1yr: float = 0
    volume1yr_clob: float = 0
    volume24hr: float = 0
    volume24hr_clob: float = 0
    volume_clob: float = 0
    volume_num: float = 0
