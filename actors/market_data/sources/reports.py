"""Where what happens to the sources is reported."""

from typing import Protocol

from actors.market_data.sources.own_clock import Judged
from actors.market_data.sources.port import Refusal, SourceName
from actors.market_data.sources.selection import SourceSwitch
from signals.market import Asset


class Reports(Protocol):
    def switched(self, switch: SourceSwitch) -> None:
        """Another source serves an asset: keep it for good."""

    def source_odd(self, source: SourceName, asset: Asset | None, cause: str) -> None:
        """A source froze, disagrees, or has another clock."""

    def source_refused(self, refusal: Refusal) -> None:
        """A source said no for long: asking on would make it worse."""

    def none_serves(self, asset: Asset, reason: str) -> None:
        """No source can serve an asset."""

    def own_clock(self, judged: Judged) -> None:
        """The exchanges' clocks say whether ours is right."""

    def serves_again(self, asset: Asset) -> None:
        """A source serves the asset: ends what `none_serves` told, also in an earlier life."""
