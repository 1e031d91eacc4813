"""What the rows of a claim's machine ask and do. Pure."""

from collections.abc import Callable, Iterable
from typing import Final

from msgspec.structs import replace

from actors.machine.backoff import Backoff
from actors.redemption.claim import Claim, Payment
from actors.redemption.events import (
    Accepted,
    AskFailed,
    ChainRead,
    Check,
    ClaimEffect,
    ClaimEvent,
    Due,
    Found,
    Poll,
    Polled,
    ReadChain,
    Refused,
    Sign,
    Signed,
    Submit,
    TransactionState,
    Turn,
    Unclear,
    Woken,
)

RETRIES: Final = Backoff(first_ms=30_000, most_ms=3_600_000, factor=4)
"""After tries that came to nothing: what the venue refuses five times it may refuse all day."""
ASKS: Final = Backoff(first_ms=3_000, most_ms=120_000)
"""After questions without the answer that counts."""
POLL_MS: Final = 2_000
"""The relayer's own advice."""
READS_MIN: Final = 2
"""That must show alike that nothing moved: one node may be a block behind another."""
READS_BEHIND_MIN: Final = 5
"""That must show a nonce below ours before it is believed: the transaction before is under way."""
POLLING_MS_MAX: Final = 900_000
"""A signature of a deposit wallet is good for ten minutes; later it is looked up."""
GIVE_UP_MS: Final = 7 * 86_400_000
"""After the first sight of a claim: the venue's list of activity is hours behind at most."""
REOPEN_MS: Final = 600_000
"""After a payment, listing and nodes may show the old shares for a while."""
DUST_MICRO_SHARES: Final = 10
"""The chain burns all or nothing: less than this is rounding of the listing."""

Done = tuple[Claim, tuple[ClaimEffect, ...]]
ENDED_IN_VAIN: Final = frozenset({TransactionState.FAILED, TransactionState.INVALID})


# ---- conditions -------------------------------------------------------------------------------


def _fresh(claim: Claim, payments: Iterable[Payment] | None) -> tuple[Payment, ...]:
    """Return the payments that are not booked yet."""
    booked = {payment.transaction_hash for payment in claim.payments}
    return tuple(p for p in payments or () if p.micro_usd and p.transaction_hash not in booked)


def paid(claim: Claim, event: ChainRead) -> bool:
    return bool(_fresh(claim, event.payments))


def gone(_claim: Claim, event: ChainRead) -> bool:
    return event.shares <= DUST_MICRO_SHARES


def gone_and_known_unpaid(claim: Claim, event: ChainRead) -> bool:
    return gone(claim, event) and event.payments is not None


def first_read(claim: Claim, _event: ChainRead) -> bool:
    return claim.asks + 1 < READS_MIN


def gone_for_good(claim: Claim, event: ChainRead) -> bool:
    known = event.payments is not None and claim.signed is None
    return known and gone(claim, event) and event.wire_ms - claim.seen_wire_ms >= GIVE_UP_MS


def nothing_left_it(claim: Claim, _event: ChainRead) -> bool:
    """Tell whether there are no signed bytes of it that could be executed."""
    return claim.signed is None


def dead(claim: Claim, event: ChainRead) -> bool:
    """Tell whether the chain does not execute the signed bytes any more.

    Their nonce is used, or their time is over, or the chain waits for the nonce before: the block
    that had it was replaced.
    """
    signed = claim.signed
    if signed is None:
        return False
    used = event.nonce is not None and event.nonce > signed.nonce
    taken_back = (
        event.nonce is not None
        and event.nonce < signed.nonce
        and claim.asks + 1 >= READS_BEHIND_MIN
    )
    late = signed.deadline_s is not None and (event.chain_s or 0) > signed.deadline_s
    return used or late or taken_back


def alive(claim: Claim, event: ChainRead) -> bool:
    """Tell whether the same bytes can still be executed, so that sending them again is right."""
    signed = claim.signed
    return signed is not None and event.nonce == signed.nonce


def moved_nothing(claim: Claim, event: ChainRead) -> bool:
    return event.payments is not None and not first_read(claim, event)


def in_state(*states: TransactionState) -> Callable[[Claim, Polled], bool]:
    return lambda _claim, event: event.state in states


def too_long(claim: Claim, event: Polled) -> bool:
    return event.wire_ms - claim.submitted_wire_ms >= POLLING_MS_MAX


def reopens(claim: Claim, event: Found) -> bool:
    return event.wire_ms - claim.due_wire_ms >= REOPEN_MS


# ---- acts -------------------------------------------------------------------------------------


def see(claim: Claim, event: Found) -> Done:
    found = replace(claim, slug=event.slug, held=event.held, worth_micro_usd=event.worth_micro_usd)
    return found, ()


def reopen(claim: Claim, event: Found) -> Done:
    """Begin another round: shares came after the payment (a fill that was mined late)."""
    fresh = replace(
        see(claim, event)[0],
        seen_wire_ms=event.wire_ms,
        due_wire_ms=event.wire_ms,
        tries=0,
        repeats=0,
        paid_before_micro_usd=claim.paid_micro_usd,
        trouble="",
    )
    return _clean(fresh), ()


def sign(claim: Claim, _event: Turn) -> Done:
    return claim, (Sign(claim=claim),)


def submit(claim: Claim, event: Signed) -> Done:
    after = replace(claim, signed=event.signed, submitted_wire_ms=event.wire_ms, asks=0)
    return after, (Submit(condition_id=claim.condition_id, signed=event.signed),)


def submit_again(claim: Claim, event: ChainRead) -> Done:
    assert claim.signed is not None, "a look found the bytes alive"
    after = replace(claim, repeats=claim.repeats + 1, submitted_wire_ms=event.wire_ms)
    return after, (Submit(condition_id=claim.condition_id, signed=claim.signed),)


def take_id(claim: Claim, event: Accepted) -> Done:
    after = replace(
        claim,
        transaction_id=event.transaction_id,
        transaction_hash=event.transaction_hash,
        due_wire_ms=event.wire_ms + POLL_MS,
        asks=0,
    )
    return after, ()


def try_later(claim: Claim, event: Refused | AskFailed) -> Done:
    wait_ms = event.wait_ms if isinstance(event, Refused) else 0
    return _in_vain(claim, event, event.reason, wait_ms), ()


def read_soon(claim: Claim, event: Unclear) -> Done:
    due_ms = event.wire_ms + ASKS.wait_ms(claim.repeats + 1)
    return replace(claim, trouble=event.reason, due_wire_ms=due_ms, asks=0), ()


def read_now(claim: Claim, event: ClaimEvent) -> Done:
    after = replace(claim, due_wire_ms=event.wire_ms, asks=0)
    return after, (ReadChain(claim=after),)


def read_chain(claim: Claim, _event: Due) -> Done:
    return claim, (ReadChain(claim=claim),)


def failed(claim: Claim, event: Polled) -> Done:
    """Its bytes are spent or useless; shares and payments are looked at before anything else."""
    after = replace(
        _clean(claim), tries=claim.tries + 1, trouble=event.reason or str(event.state), asks=0
    )
    return after, (ReadChain(claim=after),)


def forgotten(claim: Claim, event: Polled) -> Done:
    after = replace(claim, transaction_id=None, trouble=f"{event.state}: {event.reason}", asks=0)
    return after, (ReadChain(claim=after),)


def poll(claim: Claim, _event: Due) -> Done:
    return claim, (Poll(claim=claim),)


def poll_later(claim: Claim, event: Polled) -> Done:
    known = event.transaction_hash or claim.transaction_hash
    return replace(claim, transaction_hash=known, due_wire_ms=event.wire_ms + POLL_MS, asks=0), ()


def check(claim: Claim, event: Polled) -> Done:
    known = event.transaction_hash or claim.transaction_hash
    after = replace(claim, transaction_hash=known, asks=0)
    return after, (Check(claim=after),)


def check_again(claim: Claim, _event: Due) -> Done:
    return claim, (Check(claim=claim),)


def ask_later(claim: Claim, event: AskFailed | ChainRead) -> Done:
    asks = claim.asks + 1
    trouble = event.reason if isinstance(event, AskFailed) else claim.trouble
    due_ms = event.wire_ms + ASKS.wait_ms(asks)
    return replace(claim, asks=asks, due_wire_ms=due_ms, trouble=trouble), ()


def book(claim: Claim, event: ChainRead) -> Done:
    """Book what came; `due_wire_ms` of a paid claim is when that was."""
    payments = (*claim.payments, *_fresh(claim, event.payments))
    after = replace(claim, payments=payments, due_wire_ms=event.wire_ms, trouble="", held=())
    return _clean(after), ()


def give_up(claim: Claim, event: ChainRead) -> Done:
    return replace(claim, due_wire_ms=event.wire_ms, trouble="no payment was seen"), ()


def start_over(claim: Claim, event: ChainRead) -> Done:
    """Shares are there and nothing of ours can move them: a new transaction is right."""
    return _in_vain(claim, event, claim.trouble or "a transaction moved nothing", 0), ()


def start_over_unmoved(claim: Claim, event: ChainRead) -> Done:
    return _in_vain(claim, event, "confirmed, but it moved neither shares nor money", 0), ()


def find_payment(claim: Claim, event: ChainRead) -> Done:
    """The shares went by another transaction than ours: its payment is looked for."""
    after = replace(
        _clean(claim), trouble="redeemed by another transaction", due_wire_ms=event.wire_ms, asks=0
    )
    return after, ()


def wake(claim: Claim, event: Woken) -> Done:
    return replace(claim, due_wire_ms=event.wire_ms, asks=0), ()


def _clean(claim: Claim) -> Claim:
    return replace(claim, signed=None, transaction_id=None, transaction_hash=None)


def _in_vain(claim: Claim, event: ClaimEvent, reason: str, wait_ms: int) -> Claim:
    tries = claim.tries + 1
    due_ms = event.wire_ms + max(wait_ms, RETRIES.wait_ms(tries))
    return replace(_clean(claim), tries=tries, due_wire_ms=due_ms, trouble=reason, asks=0)
