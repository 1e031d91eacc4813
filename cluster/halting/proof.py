"""What the venue's answers prove after a halt. Pure: rounds of one cancel and one listing.

Nothing rests when two rounds, a second apart, both had their cancel acknowledged with nothing held
back, and both listings were readable and empty; and when no process of the fleet could post any
more as the first of them began. One look would not do: an order in its taker delay stands in no
listing, and a post that was under way may arrive behind a cancel.
"""

from typing import Final

import msgspec

SETTLE_MS: Final = 1_000
"""Wire, between the two looks: six times the venue's taker delay, after which a delayed order is
matched, killed or listed."""
AT_ONCE: Final = 40
"""Orders that one request cancels by id where the venue limits cancels: its smallest tier lets 120
through at once and 80 a second, and cancel-all of more than that is refused for ever."""
CANCELS_MAX: Final = 1_000
"""The venue's limit for one request."""
AGAIN_MS: Final = 500
"""Wire, after a round that brought nothing new."""
AGAIN_SOON_MS: Final = 100
"""Wire, after a round that cancelled something."""
AGAIN_MS_MAX: Final = 2_000
"""Wire: a venue that advises a longer pause is asked again all the same, for it may be open."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """An order that the venue did not cancel when it was asked."""

    order_id: str
    reason: str
    """In the venue's words, e.g. that it waits out its taker delay."""


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One cancel and the listing after it, as the venue answered them."""

    began_ms: int
    cancel_ms: int
    """When the cancel was answered."""
    ended_ms: int
    of_all: bool = True
    """Whether all orders were to be cancelled, not some by their ids."""
    cancelled: tuple[str, ...] = ()
    held: tuple[Held, ...] = ()
    cancel_problem: str | None = None
    """Why no cancel was acknowledged; None: it was."""
    rate_limited: bool = False
    retry_after_ms: int = 0
    listed: tuple[str, ...] = ()
    unreadable: int = 0
    """Rows of the listing that could not be read: each may be an order that rests."""
    list_problem: str | None = None

    @property
    def clean(self) -> bool:
        """Whether nothing was seen to rest, and nothing kept from seeing it."""
        problem = self.cancel_problem or self.list_problem
        seen = self.held or self.listed or self.unreadable
        return self.of_all and problem is None and not seen


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """All rounds so far, in what of them counts."""

    rounds: int = 0
    cancelled: frozenset[str] = frozenset()
    last_cancel_ms: int | None = None
    """When the venue last acknowledged a cancel of something."""
    held: dict[str, str] = {}
    """Everything that was ever held back, with the venue's reason."""
    clean_since_ms: int | None = None
    """Beginning of the first of the clean rounds in a row that count."""
    clean_rounds: int = 0
    limited: bool = False
    """The venue refused a cancel because there were too many."""
    newest: Round | None = None


class Cancel(msgspec.Struct, frozen=True, kw_only=True):
    order_ids: tuple[str, ...] | None
    """None: all of the account."""


def next_cancel(progress: Progress) -> Cancel:
    """Cancel all; by id where cancelling all is refused and the listing names what is open."""
    newest = progress.newest
    all_taken = newest is None or (newest.of_all and newest.cancel_problem is None)
    if newest is None or all_taken or not newest.listed:
        return Cancel(order_ids=None)
    most = AT_ONCE if progress.limited else CANCELS_MAX
    return Cancel(order_ids=newest.listed[:most])


def apply_round(progress: Progress, one: Round, quiet_ms: int | None) -> Progress:
    """Add a round; `quiet_ms`: since when no post can arrive any more, None: one still can."""
    counts = one.clean and quiet_ms is not None and one.began_ms >= quiet_ms
    since_ms = progress.clean_since_ms if progress.clean_rounds else one.began_ms
    return Progress(
        rounds=progress.rounds + 1,
        cancelled=progress.cancelled | frozenset(one.cancelled),
        last_cancel_ms=one.cancel_ms if one.cancelled else progress.last_cancel_ms,
        held={**progress.held, **_held_of(one)},
        clean_since_ms=since_ms if counts else None,
        clean_rounds=progress.clean_rounds + 1 if counts else 0,
        limited=progress.limited or one.rate_limited,
        newest=one,
    )


def _held_of(one: Round) -> dict[str, str]:
    """An id that was cancelled by name may be gone already: only what all orders lack counts."""
    return {held.order_id: held.reason for held in one.held if one.of_all}


def proven(progress: Progress) -> bool:
    """Tell whether nothing rests."""
    newest, since_ms = progress.newest, progress.clean_since_ms
    if newest is None or since_ms is None:
        return False
    return newest.began_ms - since_ms >= SETTLE_MS


def pause_ms(progress: Progress) -> int:
    """Return how long to wait before the next round."""
    newest = progress.newest
    if newest is None:
        return AGAIN_MS
    if newest.cancel_problem is not None:
        return max(AGAIN_SOON_MS, min(newest.retry_after_ms or AGAIN_MS, AGAIN_MS_MAX))
    return AGAIN_SOON_MS if newest.cancelled or newest.held else AGAIN_MS


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue said of the account's open orders after the halt."""

    proven: bool
    """Nothing of the account rests at the venue, and nothing of this fleet can arrive any more."""
    said: str
    """The same in a sentence; where it is not proven, why, and what to do."""
    cancelled: int = 0
    """Orders whose cancel the venue acknowledged to this command."""
    last_cancel_ms: int | None = None
    """Wire, from the start of the halt to the last such acknowledgement; None: there was none."""
    rounds: int = 0
    """Times that cancelling was asked and the open orders were listed."""
    open_orders: tuple[str, ...] = ()
    """Ids that the venue still lists."""
    held: tuple[Held, ...] = ()
    """Orders that could not be cancelled when that was asked, e.g. in their taker delay."""
    took_ms: int = 0
    """Wire, from the start of the halt to this proof."""


def proof_of(progress: Progress, *, why_not: str, began_ms: int, now_ms: int) -> Proof:
    """Write down what was found; `why_not`: why it is not proven, where it is not."""
    done = proven(progress)
    last_ms, newest = progress.last_cancel_ms, progress.newest
    return Proof(
        proven=done,
        said=_proven_text(progress) if done else why_not,
        cancelled=len(progress.cancelled),
        last_cancel_ms=None if last_ms is None else last_ms - began_ms,
        rounds=progress.rounds,
        open_orders=() if newest is None else newest.listed,
        held=tuple(Held(order_id=name, reason=why) for name, why in progress.held.items()),
        took_ms=now_ms - began_ms,
    )


def _proven_text(progress: Progress) -> str:
    return (
        f"nothing rests at the venue: it listed no open order {progress.clean_rounds} times over "
        f"{SETTLE_MS / 1_000:.0f} s or more, each time after it had acknowledged a cancel of all"
    )


def what_is_left(progress: Progress, asked_s: float) -> str:
    """Say why nothing is proven after so long, and what the venue does by itself."""
    newest = progress.newest
    if newest is None:
        return f"the venue did not answer in {asked_s:.0f} s"
    found: list[str] = []
    if newest.list_problem is not None:
        found.append(f"the open orders cannot be listed ({newest.list_problem})")
    elif newest.listed:
        found.append(f"{len(newest.listed)} orders are still open")
    else:
        found.append("the venue lists no open order")
    if newest.unreadable:
        found.append(f"{newest.unreadable} rows of the listing cannot be read")
    if newest.cancel_problem is not None:
        found.append(f"it takes no cancel ({newest.cancel_problem})")
    elif newest.held:
        found.append(f"{len(newest.held)} orders cannot be cancelled ({newest.held[0].reason})")
    return f"not proven after {asked_s:.0f} s: {'; '.join(found)}"


class First(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue acknowledged before the adapter was there."""

    cancelled: tuple[str, ...]
    at_ms: int


def with_first(proof: Proof, first: First | None, began_ms: int) -> Proof:
    """Count the orders of the first cancel in; it proves nothing itself."""
    if first is None or not first.cancelled:
        return proof
    last_ms = first.at_ms - began_ms
    if proof.last_cancel_ms is not None:
        last_ms = max(last_ms, proof.last_cancel_ms)
    return msgspec.structs.replace(
        proof, cancelled=proof.cancelled + len(first.cancelled), last_cancel_ms=last_ms
    )
