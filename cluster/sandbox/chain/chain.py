"""The chain: takes transactions, executes what redeems, replaces a block where a fault says so."""

import hashlib
from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from cluster.sandbox.accounts import Account
from cluster.sandbox.behaviours import Behaviour
from cluster.sandbox.chain.contracts import COLLATERAL_ADAPTER, CONDITIONAL_TOKENS
from cluster.sandbox.chain.transactions import (
    Course,
    Redeemed,
    RedemptionUndone,
    Submission,
    TransactionMoved,
    TransactionState,
    TransactionSubmitted,
)
from cluster.sandbox.floor import Floor
from cluster.sandbox.model import Market, Now, Outcome

EXECUTED_AFTER_MS: Final = 200
STUCK_MS: Final = 600_000
SLOW_MS_MIN: Final = 10_000
SLOW_MS_SPREAD: Final = 40_000
NOT_RESOLVED: Final = "execution reverted: result for condition not received yet"
NOT_APPROVED: Final = "execution reverted: ERC1155: need operator approval for 3rd party transfers"
PRECHECK: Final = "PRECHECK_SKIPPED: zero position balance"
USED: Final = "execution reverted: nonce already used"
ENDS_EARLY: Final = {
    Course.FAILS: (TransactionState.FAILED, "execution reverted"),
    Course.INVALID: (TransactionState.INVALID, "transaction rejected by the relayer"),
    Course.PRECHECK: (TransactionState.FAILED, PRECHECK),
    Course.UNAPPROVED: (TransactionState.FAILED, NOT_APPROVED),
}


class Chain:
    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    # ---- questions

    def nonce(self, kind: str, wallet: str) -> int:
        return self._floor.state.nonces.get(f"{kind}/{wallet}", 0)

    def transaction(self, transaction_id: str) -> Submission | None:
        return self._floor.state.transactions.get(transaction_id)

    def all_transactions(self) -> tuple[Submission, ...]:
        return tuple(self._floor.state.transactions.values())

    def by_hash(self, transaction_hash: str) -> Submission | None:
        found = self._floor.state.transactions.values()
        return next((one for one in found if one.transaction_hash == transaction_hash), None)

    def under_way(self, kind: str, wallet: str) -> bool:
        """Tell whether a transaction of this wallet is not in a block yet."""
        waiting = (TransactionState.NEW, TransactionState.EXECUTED)
        return any(
            one.wallet == wallet and one.kind == kind and one.state in waiting
            for one in self._floor.state.moving.values()
        )

    def payouts(self, transaction_hash: str) -> tuple[Redeemed, ...]:
        """Return what a transaction redeemed, undone ones left out."""
        redeemed = self._floor.state.redeemed
        return tuple(one for one in redeemed if one.transaction_hash == transaction_hash)

    def redeemed_by(self, api_key: str) -> tuple[Redeemed, ...]:
        """Return the account's payouts, newest first."""
        redeemed = reversed(self._floor.state.redeemed)
        return tuple(one for one in redeemed if one.api_key == api_key and one.paid_micro_usd)

    def claimed_markets(self) -> tuple[Market, ...]:
        """Return the settled markets of which an account still holds shares."""
        accounts = self._floor.state.accounts.values()
        return tuple(
            record.market
            for record in self._floor.state.settled.values()
            if any(_holds(account, record.market) for account in accounts)
        )

    # ---- moves

    def submit(self, submission: Submission, now: Now) -> Submission:
        """Take a transaction whose signature and nonce were checked; never the same one twice."""
        if submission.transaction_id in self._floor.state.transactions:
            return self._floor.state.transactions[submission.transaction_id]
        name = submission.transaction_id
        slow = self._floor.behaviours.strikes(Behaviour.SLOW_CHAIN, name)
        drawn = self._floor.behaviours.draw(Behaviour.SLOW_CHAIN, f"{name}/ms", SLOW_MS_SPREAD)
        known = replace(submission, slow_ms=SLOW_MS_MIN + drawn if slow else 0)
        self._floor.record(TransactionSubmitted(submission=known), now)
        self._floor.ledger.write()
        return known

    def progress(self, now: Now) -> None:
        for submission in list(self._floor.state.moving.values()):
            self._progress_one(submission, now)

    def redeem_for(self, market: Market, now: Now) -> None:
        """Redeem a market for all accounts, as the venue's own operator does."""
        for account in self._floor.state.accounts.values():
            if _holds(account, market):
                name = f"auto/{market.condition_id}/{account.api_key}"
                transaction_hash = "0x" + hashlib.sha256(name.encode()).hexdigest()
                wallet = self._wallet_of(account, market)
                self._pay(account, market, ("", transaction_hash, wallet), now)

    # ---- inside

    def _progress_one(self, one: Submission, now: Now) -> None:
        age_ms = now.wire_ms - one.submitted_wire_ms - one.slow_ms
        config = self._floor.config
        match one.state:
            case TransactionState.NEW:
                self._begin(one, age_ms, now)
            case TransactionState.EXECUTED if age_ms >= config.mined_after_wire_ms:
                self._execute(one, now)
            case TransactionState.MINED if age_ms >= config.confirmed_after_wire_ms:
                if one.course is Course.REVERTS:
                    self._undo(one, now)
                else:
                    self._move(one, TransactionState.CONFIRMED, now)
            case _:
                pass

    def _begin(self, one: Submission, age_ms: int, now: Now) -> None:
        if one.course is Course.STUCK:
            if age_ms >= STUCK_MS:
                self._move(one, TransactionState.INVALID, now, "never sent")
        elif age_ms >= EXECUTED_AFTER_MS:
            self._move(one, TransactionState.EXECUTED, now)

    def _execute(self, one: Submission, now: Now) -> None:
        """Put it into a block, or say why it cannot be: then its nonce is not used."""
        if one.course in ENDS_EARLY:
            self._move(one, *_state_first(ENDS_EARLY[one.course], now))
            return
        problem = self._problem(one, now)
        if problem is not None:
            self._move(one, TransactionState.FAILED, now, problem)
            return
        self._move(one, TransactionState.MINED, now)
        for redemption in one.redemptions:
            market = self._floor.state.settled[redemption.condition_id].market
            for account in self._accounts_of(one):
                name = (one.transaction_id, one.transaction_hash, one.wallet)
                direct = redemption.target == CONDITIONAL_TOKENS
                if direct and _holds(account, market):
                    self._pay_nothing(account, market, name, now)
                elif redemption.target == COLLATERAL_ADAPTER:
                    self._pay(account, market, name, now)

    def _problem(self, one: Submission, now: Now) -> str | None:
        if one.nonce != self.nonce(one.kind, one.wallet):
            return USED
        if one.deadline_s is not None and now.wire_ms > one.deadline_s * 1_000:
            return "execution reverted: deadline passed"
        settled = self._floor.state.settled
        if any(each.condition_id not in settled for each in one.redemptions):
            return NOT_RESOLVED
        return None

    def _pay(self, account: Account, market: Market, name: tuple[str, str, str], now: Now) -> None:
        up = account.tokens.get(market.up_token_id, 0)
        down = account.tokens.get(market.down_token_id, 0)
        paid = up if market.winner is Outcome.UP else down
        self._record(account, market, name, (up, down, paid), now)

    def _pay_nothing(
        self, account: Account, market: Market, name: tuple[str, str, str], now: Now
    ) -> None:
        """At the conditional tokens, pUSD is the wrong collateral: nothing burns, nothing pays."""
        self._record(account, market, name, (0, 0, 0), now)

    def _record(
        self,
        account: Account,
        market: Market,
        name: tuple[str, str, str],
        moved: tuple[int, int, int],
        now: Now,
    ) -> None:
        redeemed = Redeemed(
            transaction_id=name[0],
            transaction_hash=name[1],
            wallet=name[2],
            api_key=account.api_key,
            condition_id=market.condition_id,
            up_shares=moved[0],
            down_shares=moved[1],
            paid_micro_usd=moved[2],
        )
        self._floor.record(redeemed, now)
        if moved[2]:
            cause = f"redemption {market.condition_id}"
            self._floor.record_cash(account.api_key, moved[2], cause, now)

    def _undo(self, one: Submission, now: Now) -> None:
        for redeemed in self.payouts(one.transaction_hash):
            self._floor.record(RedemptionUndone(redeemed=redeemed), now)
            self._floor.record_cash(
                redeemed.api_key,
                -redeemed.paid_micro_usd,
                f"redemption undone {redeemed.condition_id}",
                now,
            )
        self._move(one, TransactionState.FAILED, now, "the block was replaced")

    def _move(self, one: Submission, state: TransactionState, now: Now, error: str = "") -> None:
        self._floor.record(
            TransactionMoved(transaction_id=one.transaction_id, state=state, error=error), now
        )

    def _accounts_of(self, one: Submission) -> Iterator[Account]:
        accounts = list(self._floor.state.accounts.values())
        return (account for account in accounts if account.address == one.owner)

    def _wallet_of(self, account: Account, market: Market) -> str:
        orders = self._floor.state.orders.values()
        makers = (
            order.maker_address
            for order in orders
            if order.api_key == account.api_key and order.condition_id == market.condition_id
        )
        return next(makers, account.address).lower()


def _holds(account: Account, market: Market) -> bool:
    return any(account.tokens.get(token) for token in (market.up_token_id, market.down_token_id))


def _state_first(end: tuple[TransactionState, str], now: Now) -> tuple[TransactionState, Now, str]:
    return end[0], now, end[1]
