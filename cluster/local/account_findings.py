"""`doctor`'s rows about a live fleet's account: what the venue says, what is wrong. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from actors.venue.account_report import AccountReport, Chain, Credentials, WalletType
from actors.venue.problem import Code, Problem, usd
from cluster.local.findings import Finding, fault, ok, warning

ROWS: Final[Mapping[str, frozenset[Code]]] = {
    "venue library": frozenset({Code.LIBRARY}),
    "wallet": frozenset(
        {
            Code.WALLET_ADDRESS,
            Code.WALLET_OF_ANOTHER_KEY,
            Code.WALLET_NOT_DEPLOYED,
            Code.WALLET_OLDER_TYPE,
        }
    ),
    "account region": frozenset({Code.REGION}),
    "credentials": frozenset({Code.NO_CREDENTIALS, Code.CREDENTIALS_REFUSED}),
    "account": frozenset({Code.CLOSED_ONLY}),
    "balance": frozenset({Code.WALLET_EMPTY, Code.BALANCE_LOW}),
    "approvals": frozenset({Code.APPROVAL_MISSING, Code.ALLOWANCE_STALE}),
    "open orders": frozenset({Code.FOREIGN_ORDERS}),
    "positions": frozenset({Code.FOREIGN_POSITIONS}),
    "heartbeats": frozenset({Code.FOREIGN_HEARTBEATS}),
    "not read": frozenset({Code.NOT_READ}),
}
"""By row, the problems that it tells. Key, clock and protocol have rows of their own already."""


def account_findings(report: AccountReport, found: Sequence[Problem]) -> list[Finding]:
    """Return a row for each problem, and one for each thing that is well."""
    well = dict(_well(report))
    rows: list[Finding] = []
    for what, codes in ROWS.items():
        problems = [problem for problem in found if problem.code in codes]
        rows += [_row(what, problem) for problem in problems]
        if not problems and what in well:
            rows.append(ok(what, well[what]))
    return rows


def _row(what: str, problem: Problem) -> Finding:
    make = fault if problem.refusing else warning
    return make(what, f"{problem.says} {problem.remedy}")


def _well(report: AccountReport) -> Iterator[tuple[str, str]]:
    """Yield what is said of each thing that was read and is as it should be."""
    yield "venue library", f"version {report.library}"
    if report.wallet_type not in (None, WalletType.FOREIGN):
        yield "wallet", f"{report.wallet}, {report.wallet_type} of {report.signer}"
    if report.credentials is Credentials.DERIVED:
        yield "credentials", "derived from the key; none were made"
    yield from _well_of_account(report)


def _well_of_account(report: AccountReport) -> Iterator[tuple[str, str]]:
    if report.closed_only is False:
        yield "account", "may buy and sell"
    if isinstance(report.cash_micro_usd, int):
        yield "balance", f"{usd(report.cash_micro_usd)} of pUSD"
    if isinstance(report.approvals, tuple):
        yield "approvals", "the chain has them, and the exchange knows it"
    if isinstance(report.open_orders, tuple):
        yield "open orders", f"{len(report.open_orders)}, all of this fleet"
    if isinstance(report.positions, tuple):
        yield "positions", f"{len(report.positions)}, all of this fleet"
    if isinstance(report.heartbeats, Chain):
        said = "this fleet's own" if report.heartbeats is Chain.FRESH else "nobody sends any"
        yield "heartbeats", said
