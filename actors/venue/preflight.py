"""What is wrong with an account before the first order: each problem with its remedy. Pure.

A report of what the venue said (`actors.venue.account_report`), what the slots may use, and what
the fleet knows as its own come in; problems come out. `refusing` ones forbid the start.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from actors.venue.account_report import (
    AccountReport,
    Approval,
    Chain,
    Clock,
    Credentials,
    HeldPosition,
    Region,
    WalletType,
)
from actors.venue.port import Unknown, VenueOrder
from actors.venue.problem import Code, Needs, Ours, Problem, counted, in_one_line, some, usd
from signals.units import MICRO

DUST_MICRO_SHARES: Final = 10_000
"""One size step: the venue's rounding of fills."""
FAR_TOO_MUCH_MS: Final = 5_000
"""A look that took longer than this says nothing of the clock."""


def problems(report: AccountReport, needs: Needs, ours: Ours) -> tuple[Problem, ...]:
    """Return what is wrong with the account, in the order in which a person mends it."""
    return tuple(_problems(report, needs, ours))


def _problems(report: AccountReport, needs: Needs, ours: Ours) -> Iterator[Problem]:
    yield from _library(report)
    if report.key_problem:
        yield Problem(
            code=Code.KEY,
            says=f"The trading key cannot be used: {report.key_problem}.",
            remedy="Mend what the message names; the venue was not asked.",
        )
        return
    about_venue = list(_venue(report, needs))
    clock_off = any(problem.code is Code.CLOCK for problem in about_venue)
    yield from about_venue
    yield from _not_read(report, clock_off=clock_off)
    yield from _wallet(report)
    yield from _account(report)
    yield from _money(report, needs)
    yield from _others(report, ours)


def _library(report: AccountReport) -> Iterator[Problem]:
    if report.library != report.library_known:
        yield Problem(
            code=Code.LIBRARY,
            says=f"The venue's library is version {report.library}; this release was checked with "
            f"{report.library_known}.",
            remedy="Install what requirements.lock names: `make install`.",
        )


WHAT: Final[Mapping[str, str]] = {
    "version": "its protocol's version",
    "clock": "its time",
    "region": "whether this country is served",
    "deployed": "whether the wallet exists",
    "credentials": "whether the key has credentials",
    "closed_only": "whether the account may buy",
    "cash_micro_usd": "the balance",
    "allowance_micro_usd": "what it believes it may spend",
    "approvals": "the wallet's approvals",
    "open_orders": "the open orders",
    "positions": "the positions",
    "heartbeats": "whether somebody sends heartbeats",
}


def _not_read(report: AccountReport, *, clock_off: bool) -> Iterator[Problem]:
    """Say what could not be read: half a picture is no reason to start.

    With a clock that is off no signed request is let in: that is said already.
    """
    for field, what in WHAT.items():
        found = getattr(report, field)
        if isinstance(found, Unknown) and not (clock_off and field == "credentials"):
            yield Problem(
                code=Code.NOT_READ,
                says=f"The venue did not tell {what}: {in_one_line(found.reason)}.",
                remedy="Check network and the venue's status page, then try again.",
                refusing=field != "region",  # the account and the first order tell it too
            )


def _venue(report: AccountReport, needs: Needs) -> Iterator[Problem]:
    if isinstance(report.version, str) and report.version != report.version_known:
        yield Problem(
            code=Code.VERSION,
            says=f"The venue speaks protocol version {report.version}; orders are made for "
            f"{report.version_known}.",
            remedy="Look for a release of midstride that knows it; nothing can be traded before.",
        )
    if isinstance(report.clock, Clock):
        yield from _clock(report.clock, needs.clock_skew_limit_ms)
    if isinstance(report.region, Region) and report.region.blocked:
        yield Problem(
            code=Code.REGION,
            says=f"The venue takes no orders from here ({in_one_line(report.region.country)}).",
            remedy="It is not to be got round: trade where it is allowed, or use paper mode.",
        )


def _clock(clock: Clock, limit_ms: int) -> Iterator[Problem]:
    least_ms = abs(clock.ahead_ms) - clock.round_trip_ms // 2
    if clock.round_trip_ms > FAR_TOO_MUCH_MS:
        yield Problem(
            code=Code.NOT_READ,
            says=f"The venue's time took {clock.round_trip_ms} ms: too long to compare clocks.",
            remedy="Check the network, then try again.",
        )
    elif least_ms > limit_ms:
        word = "behind" if clock.ahead_ms > 0 else "ahead of"
        yield Problem(
            code=Code.CLOCK,
            says=f"This machine's clock is {abs(clock.ahead_ms)} ms {word} the venue's; the limit "
            f"is {limit_ms} ms.",
            remedy="Set the machine's clock: `timedatectl set-ntp true`.",
        )


def _wallet(report: AccountReport) -> Iterator[Problem]:
    if report.wallet_problem:
        yield Problem(
            code=Code.WALLET_ADDRESS,
            says=f"venue.wallet is no address: {report.wallet_problem}.",
            remedy="Copy the wallet's address from the venue's page: 0x and 40 hex digits.",
        )
        return
    if report.wallet_type is WalletType.FOREIGN:
        yield Problem(
            code=Code.WALLET_OF_ANOTHER_KEY,
            says=f"Wallet {report.wallet} does not belong to the key of {report.signer}.",
            remedy="Give the key of that wallet, or leave venue.wallet out: the key's own deposit "
            "wallet is used then.",
        )
        return
    if report.deployed is False:
        yield Problem(
            code=Code.WALLET_NOT_DEPLOYED,
            says=f"Wallet {report.wallet} ({report.wallet_type}) does not exist on the chain yet.",
            remedy="Log in at the venue's page with this key and deposit there once: that makes "
            "the wallet. If it has another address, name that as venue.wallet.",
        )
    if report.wallet_type in (WalletType.BARE_KEY, WalletType.PROXY, WalletType.SAFE):
        yield Problem(
            code=Code.WALLET_OLDER_TYPE,
            says=f"The wallet is a {report.wallet_type}: the venue takes its orders only from "
            "accounts that were made before May 2026.",
            remedy="The first order will tell; if it is refused, use the key's deposit wallet.",
            refusing=False,
        )


def _account(report: AccountReport) -> Iterator[Problem]:
    match report.credentials:
        case Credentials.ABSENT:
            yield Problem(
                code=Code.NO_CREDENTIALS,
                says=f"The venue has no API credentials for the key of {report.signer}.",
                remedy="If this is the right key, make them once: `midstride live keys`. A start "
                "never makes them.",
            )
        case Credentials.REFUSED:
            yield Problem(
                code=Code.CREDENTIALS_REFUSED,
                says="The venue does not accept the credentials that it gave for this key.",
                remedy="New ones need some minutes: try again. Were they revoked, make others: "
                "`midstride live keys`.",
            )
        case _:
            pass
    if report.closed_only is True:
        yield Problem(
            code=Code.CLOSED_ONLY,
            says="The account is in closed-only mode: it may sell what it has and buy nothing.",
            remedy="Ask the venue's support why; nothing here can change it.",
        )


def _money(report: AccountReport, needs: Needs) -> Iterator[Problem]:
    cash = report.cash_micro_usd
    if isinstance(cash, int):
        yield from _cash(cash, needs.cash_micro_usd)
    chain = () if isinstance(report.approvals, Unknown | None) else report.approvals
    lacking = [one for one in chain if _too_small(one, needs.cash_micro_usd)]
    missing = [one for one in lacking if one.required]
    if lacking:
        yield Problem(
            code=Code.APPROVAL_MISSING,
            says=f"The wallet has not approved what trading needs: {some(_approvals(lacking))}.",
            remedy="Approve trading on the venue's page (it asks at the first trade there).",
            refusing=bool(missing),
        )
    allowed = report.allowance_micro_usd
    if isinstance(allowed, int) and allowed < needs.cash_micro_usd and not missing:
        yield Problem(
            code=Code.ALLOWANCE_STALE,
            says=f"The wallet's approvals are there, but the exchange still believes that it may "
            f"spend {usd(allowed)} only; the slots may use {usd(needs.cash_micro_usd)}.",
            remedy="Have it look again: `midstride live refresh`.",
        )


def _cash(cash: int, needed: int) -> Iterator[Problem]:
    if cash <= 0:
        yield Problem(
            code=Code.WALLET_EMPTY,
            says=f"The wallet holds no pUSD; the slots may use {usd(needed)}.",
            remedy="Deposit on the venue's page; check that venue.wallet is the wallet with the "
            "money.",
        )
    elif cash < needed:
        yield Problem(
            code=Code.BALANCE_LOW,
            says=f"The wallet holds {usd(cash)}; the slots may use {usd(needed)}.",
            remedy="Deposit the rest, or lower risk.fleet_exposure_micro_usd in the configuration.",
        )


def _too_small(approval: Approval, needed: int) -> bool:
    if not approval.granted:
        return True
    return approval.micro_usd is not None and approval.micro_usd < needed


def _approvals(missing: list[Approval]) -> list[str]:
    return [f"{one.token} to {one.spender} for {one.needed_for}" for one in missing]


def _others(report: AccountReport, ours: Ours) -> Iterator[Problem]:
    if isinstance(report.open_orders, tuple):
        yield from _orders([o for o in report.open_orders if o.order_id not in ours.order_ids])
    if isinstance(report.positions, tuple):
        yield from _positions(
            [
                held
                for held in report.positions
                if held.shares > ours.shares.get(held.token_id, 0) + DUST_MICRO_SHARES
            ]
        )
    if report.heartbeats is Chain.FRESH and not ours.beats:
        yield Problem(
            code=Code.FOREIGN_HEARTBEATS,
            says="Somebody sends heartbeats for this account now: another midstride or another "
            "program trades with this wallet, on this machine or another one.",
            remedy="Stop it first: two programs on one wallet cancel each other's orders.",
        )


def _orders(foreign: list[VenueOrder]) -> Iterator[Problem]:
    if foreign:
        named = [f"{o.side} {o.shares / MICRO:g} at {o.price / MICRO:g}" for o in foreign]
        yield Problem(
            code=Code.FOREIGN_ORDERS,
            says=f"{counted(foreign, 'open order')} not of this fleet ({some(named)}): of another "
            "program with this wallet, of another state folder, or placed by hand.",
            remedy="Stop that program and cancel them on the venue's page, or start with the state "
            "folder that they are of.",
        )


def _positions(foreign: list[HeldPosition]) -> Iterator[Problem]:
    if foreign:
        named = [f"{p.shares / MICRO:g} in {p.market or p.condition_id}" for p in foreign]
        yield Problem(
            code=Code.FOREIGN_POSITIONS,
            says=f"{counted(foreign, 'position')} not of this fleet ({some(named)}): of another "
            "program with this wallet, of another state folder, or bought by hand.",
            remedy="Sell them or wait until they settle, or start with the state folder that they "
            "are of.",
        )
