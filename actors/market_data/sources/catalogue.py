"""Which adapters there are."""

from typing import Final

from actors.market_data.sources.binance import BinanceSpot
from actors.market_data.sources.binance_usdm import BinanceUsdm
from actors.market_data.sources.bybit import Bybit
from actors.market_data.sources.coinbase import Coinbase
from actors.market_data.sources.exchange import Exchange
from actors.market_data.sources.hyperliquid import Hyperliquid
from actors.market_data.sources.okx import Okx
from actors.market_data.sources.port import SourceName

ADAPTERS: Final[dict[SourceName, type[Exchange]]] = {
    SourceName.BINANCE_USDM: BinanceUsdm,
    SourceName.OKX: Okx,
    SourceName.BYBIT: Bybit,
    SourceName.HYPERLIQUID: Hyperliquid,
    SourceName.BINANCE_SPOT: BinanceSpot,
    SourceName.COINBASE: Coinbase,
}


def exchange_of(name: SourceName) -> Exchange:
    return ADAPTERS[name]()
