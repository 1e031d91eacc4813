"""How each release did, from the journal alone; a table of a year is a matter of seconds.

A trade belongs to the release that decided it. A slot's window in which more than one release
decided says nothing about either: its trades count in the money and are cut from every series.
"""

from typing import Any, Final

import msgspec
import numpy as np

from checkpoints.archive import commit_of
from cluster.audit.journal_view import JournalView
from cluster.audit.statistics import (
    Drawdown,
    Interval,
    annual,
    brier,
    confidence_sequence,
    drawdown,
    log_loss,
    pooled,
    sharpe,
    wilson,
)
from cluster.audit.trades import make_trades

MICRO: Final = 1_000_000
EDGE_LOW: Final = -1.0
EDGE_HIGH: Final = 1.0
"""Outcome minus price paid, fees included: a share costs at most 1 USD and pays at most 1 USD."""
_MIXED: Final = """
create temp table if not exists mixed as
with ruled as (
  select slot, fence, release, min(window_open_ms) as first, max(window_open_ms) as last
  from valid where kind = 'decision' group by all),
shared as (
  select distinct a.slot,
    unnest(range(greatest(a.first, b.first), least(a.last, b.last) + 1, 300000)) as window_open_ms
  from ruled a join ruled b on a.slot = b.slot and a.release < b.release
    and a.first <= b.last and b.first <= a.last)
select slot, window_open_ms from valid join shared using (slot, window_open_ms)
where kind = 'decision' group by all having count(distinct release) > 1
"""
"""Only where the times of two releases overlap can a window be mixed: mostly its edge."""
_DECISIONS: Final = """
select release, max(commit) filter (commit <> 'unknown'), count(*),
  count(*) filter (action = 'trade'), count(*) filter (complete), min(market_ms), max(market_ms),
  list_sort(list(distinct params))
from valid where kind = 'decision' group by release
"""
_LIVE: Final = """
select release, slot, sum(last - first)::bigint from (
  select release, slot, fence, min(market_ms) as first, max(market_ms) as last
  from valid group by all) group by all
"""
_TRADES: Final = """
select close_ms, pnl_micro_usd, shares_micro, value_micro_usd, price_micro_usd, fills,
  failed_fills, unconfirmed_fills, side = 'BUY' as bought, status = 'won' as won,
  winner is not null as settled, mixed.slot is not null as cut
from trade left join mixed using (slot, window_open_ms)
where release = ? and fills > 0 order by close_ms
"""
_ORDERS: Final = """
select release, count(*), max(commit) filter (commit <> 'unknown') from trade group by release
"""
_SCORED: Final = """
create temp table if not exists scored as
with won as (select distinct slot, window_open_ms, winner = 'Up' as up
             from trade where winner is not null)
select release, window_open_ms, probability_up, market_mid_up, up
from valid join won using (slot, window_open_ms)
anti join mixed using (slot, window_open_ms)
where kind = 'decision' and probability_up is not null and market_mid_up is not null
"""
_SCORES: Final = "select probability_up, market_mid_up, up from scored where release = ?"


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """Our probability and the market's mid on the same decisions."""

    decisions: int
    """Of windows whose winner the journal knows: those in which the slot had an order."""
    log_loss: float | None
    market_log_loss: float | None
    brier: float | None
    market_brier: float | None


class ReleaseReport(msgspec.Struct, frozen=True, kw_only=True):
    release: str
    commit: str
    params: tuple[str, ...]
    first_ms: int | None
    """Market time of its first decision."""
    last_ms: int | None
    live_ms: dict[str, int]
    """Slot -> market time between the first and last row of each of its ownerships."""
    decisions: int
    complete: int
    """From complete snapshots."""
    decided_trades: int
    orders: int
    trades: int
    """Orders with a fill that stands."""
    settled: int
    cut: int
    """Settled trades of mixed windows: in the money, in no series."""
    pnl_micro_usd: int
    """Of all settled trades that it decided."""
    pnl_cut_micro_usd: int
    """Of these, in mixed windows."""
    edge: Interval | None
    """Outcome minus price paid per share, one observation per settlement time, as a confidence
    sequence: its bounds hold however often they are looked at."""
    win_rate: Interval | None
    """Trades that settle together are counted one by one: the interval is too narrow for them."""
    sharpe: Interval | None
    """P&L per settlement time."""
    sharpe_annual: Interval | None
    drawdown: Drawdown
    scores: Scores
    slippage_micro_usd: float | None
    """Per share, share-weighted; positive: worse than the decided price."""
    fills: int
    failed_fills: int
    unconfirmed_share: float | None
    """Of fills, neither confirmed nor failed (yet)."""

    @property
    def live_total_ms(self) -> int:
        return sum(self.live_ms.values())


def release_reports(view: JournalView) -> tuple[ReleaseReport, ...]:
    """Return one report for each release that decided or opened anything, oldest first."""
    prepare(view)
    decided = {row[0]: row[1:] for row in view.fetch(_DECISIONS)}
    ordered = {release: (count, commit) for release, count, commit in view.fetch(_ORDERS)}
    live: dict[str, dict[str, int]] = {}
    for release, slot, lived_ms in view.fetch(_LIVE):
        live.setdefault(release, {})[slot] = lived_ms
    reports = [
        _report(view, release, decided.get(release), ordered.get(release), live.get(release, {}))
        for release in decided.keys() | ordered.keys()
    ]
    return tuple(sorted(reports, key=lambda one: (one.first_ms or 0, one.release)))


def _report(
    view: JournalView,
    release: str,
    decided: tuple[Any, ...] | None,
    ordered: tuple[int, str | None] | None,
    live: dict[str, int],
) -> ReleaseReport:
    commit, decisions, wished, complete, first_ms, last_ms, params = decided or (
        ordered[1] if ordered else None,
        *(0, 0, 0, None, None, ()),
    )
    found = traded(view, release)
    trades, pnl, stands, done, series = (
        found.trades,
        found.pnl,
        found.stands,
        found.done,
        found.kept,
    )
    settlements, edges, sums = found.settlements, found.edges, found.sums
    wins = int(trades["won"][series].sum())
    ratio = sharpe(sums.astype(np.float64))
    span_ms = int(settlements[-1] - settlements[0]) if len(settlements) else 0
    fills = int(trades["fills"].sum())
    return ReleaseReport(
        release=release,
        commit=commit or commit_of(view.storage, release),
        params=tuple(params),
        first_ms=first_ms,
        last_ms=last_ms,
        live_ms=dict(sorted(live.items())),
        decisions=decisions,
        complete=complete,
        decided_trades=wished,
        orders=ordered[0] if ordered else 0,
        trades=int(stands.sum()),
        settled=int(done.sum()),
        cut=int((done & trades["cut"]).sum()),
        pnl_micro_usd=int(pnl[done].sum()),
        pnl_cut_micro_usd=int(pnl[done & trades["cut"]].sum()),
        edge=confidence_sequence(edges, EDGE_LOW, EDGE_HIGH),
        win_rate=wilson(wins, int(series.sum())),
        sharpe=ratio,
        sharpe_annual=None if ratio is None else annual(ratio, span_ms),
        drawdown=drawdown(settlements, sums),
        scores=_scores(view, release),
        slippage_micro_usd=_slippage(trades, stands),
        fills=fills,
        failed_fills=int(trades["failed_fills"].sum()),
        unconfirmed_share=int(trades["unconfirmed_fills"].sum()) / fills if fills else None,
    )


class Traded(msgspec.Struct, frozen=True, kw_only=True):
    """The trades of one release as columns, and its results by settlement time."""

    trades: dict[str, Any]
    pnl: Any
    stands: Any
    """Trades with a fill that stands."""
    done: Any
    """Of these, the settled ones."""
    kept: Any
    """Of these, those outside of mixed windows."""
    settlements: Any
    edges: Any
    """Mean of outcome minus price paid at each settlement time."""
    sums: Any
    """P&L of each settlement time."""


def prepare(view: JournalView) -> None:
    """Make the tables that all of a release's figures are read from."""
    make_trades(view)
    view.run(_MIXED)
    view.run(_SCORED)


def traded(view: JournalView, release: str) -> Traded:
    """Return the trades that a release decided; `prepare` comes first."""
    trades = {name: column.to_numpy() for name, column in _columns(view, _TRADES, release)}
    stands = trades["shares_micro"] > 0
    done = stands & trades["settled"]
    kept = done & ~trades["cut"]
    pnl = np.nan_to_num(trades["pnl_micro_usd"]).astype(np.int64)
    settlements, edges = _edges(trades, pnl, kept)
    return Traded(
        trades=trades,
        pnl=pnl,
        stands=stands,
        done=done,
        kept=kept,
        settlements=settlements,
        edges=edges,
        sums=_sums(settlements, trades["close_ms"][kept], pnl[kept]),
    )


def _columns(view: JournalView, query: str, release: str) -> list[tuple[str, Any]]:
    table = view.arrow(query, release)
    return list(zip(table.column_names, table.columns, strict=True))


def _edges(trades: dict[str, Any], pnl: Any, series: Any) -> tuple[Any, Any]:
    """Return settlement times and the mean of outcome minus price paid at each."""
    shares = trades["shares_micro"][series].astype(np.float64)
    edge = pnl[series] / shares
    return pooled(trades["close_ms"][series], edge, np.ones(len(edge)))


def _sums(settlements: Any, close_ms: Any, pnl: Any) -> Any:
    """Return the P&L of each settlement time, exact."""
    sums = np.zeros(len(settlements), dtype=np.int64)
    np.add.at(sums, np.searchsorted(settlements, close_ms), pnl)
    return sums


def _scores(view: JournalView, release: str) -> Scores:
    columns = {name: column.to_numpy() for name, column in _columns(view, _SCORES, release)}
    ours, market, up = columns["probability_up"], columns["market_mid_up"], columns["up"]
    return Scores(
        decisions=len(up),
        log_loss=log_loss(ours, up),
        market_log_loss=log_loss(market, up),
        brier=brier(ours, up),
        market_brier=brier(market, up),
    )


def _slippage(trades: dict[str, Any], stands: Any) -> float | None:
    shares = trades["shares_micro"][stands].astype(np.float64)
    if not len(shares):
        return None
    paid = trades["value_micro_usd"][stands] * MICRO - trades["price_micro_usd"][stands] * shares
    signs = np.where(trades["bought"][stands], 1.0, -1.0)
    return float((paid * signs).sum() / shares.sum())
