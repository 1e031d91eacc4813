"""What an intent says of its market, beside what its slot's name and the venue say. Pure."""

from collections.abc import Iterator

from actors.messages import Intent
from actors.venue.answers import ListedMarket
from signals.market import Outcome, Timeframe, Window, market_slug


def slug_of(intent_id: str) -> str:
    """Name the market that an intent's slot and window have, whatever the intent says."""
    slot, window_open_ms, _ = intent_id.split("/", 2)
    return slug(slot, Window(int(window_open_ms), timeframe_of(slot)))


def slug(slot: str, window: Window) -> str:
    """Name the market of a slot's asset in a window."""
    asset, _, _ = slot.rpartition("-")
    return market_slug(asset, window)


def timeframe_of(slot: str) -> Timeframe:
    return Timeframe(slot.rpartition("-")[2])


def of_its_slot(intent: Intent) -> Iterator[str]:
    """Name what cannot be of the slot that sends it."""
    timeframe = timeframe_of(intent.slot)
    window = Window(intent.window_open_ms, timeframe)
    if intent.timeframe is not timeframe:
        yield _differs("timeframe", intent.timeframe, timeframe)
    if Window.at(intent.window_open_ms, timeframe) != window:
        yield f"window: {intent.window_open_ms} is no open of a window of {timeframe}"
    if intent.close_ms != window.close_ms:
        yield _differs("close_ms", intent.close_ms, window.close_ms)
    if not window.open_ms <= intent.due_ms < window.close_ms:
        yield f"due_ms: {intent.due_ms} is not inside its window"


def of_its_market(intent: Intent, market: ListedMarket) -> Iterator[str]:
    """Name what the venue says otherwise."""
    token_id = market.token(intent.outcome)
    if intent.condition_id != market.condition_id:
        yield _differs("condition_id", intent.condition_id, market.condition_id)
    if intent.token_id != token_id:
        real = market.outcome_of(intent.token_id)
        is_of = "another market's" if real is None else f"that of {real}"
        said = f"{intent.token_id} is {is_of}"
        yield f"token_id of {intent.outcome}: {said}, the venue has {token_id}"
    if intent.min_order_shares != market.min_order_shares:
        yield _differs("min_order_shares", intent.min_order_shares, market.min_order_shares)
    if market.open_ms is not None and intent.window_open_ms != market.open_ms:
        yield _differs("window_open_ms", intent.window_open_ms, market.open_ms)
    if market.close_ms is not None and intent.close_ms != market.close_ms:
        yield _differs("close_ms", intent.close_ms, market.close_ms)


def _differs(what: str, said: object, known: object) -> str:
    return f"{what}: the slot says {said}, it is {known}"


def outcome_of(market: ListedMarket | None, token_id: str, own: str, outcome: Outcome) -> Outcome:
    """Return which claim a fill's token is: by the market table, or by the order's own token."""
    known = None if market is None else market.outcome_of(token_id)
    if known is not None:
        return known
    return outcome if token_id == own else outcome.opposite
