"""What the services' answers mean for a fleet, and what to do about it. Pure."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Final

from actors.market_data.sources.port import Cause, Instruments, Refusal
from cluster.local.findings import Finding, fault, note, ok, warning
from cluster.terminal.counting import counted
from signals.market import Asset

CLOCK_WARNING_MS: Final = 250
CLOCK_FAULT_MS: Final = 1_000
"""Of the offset that no round trip explains."""
CLOCKS_NEEDED: Final = 2
SET_CLOCK: Final = "set this machine's clock (timedatectl set-ntp true)"
TICK_WARNING_MS: Final = 5_000
TICK_FAULT_MS: Final = 30_000
NAMES_MAX: Final = 4
COUNTRY: Final = "this country is not served (docs/going-live.md)"
CAUSES: Final = {
    Cause.UNREACHABLE: "check network, DNS, proxy and firewall",
    Cause.BLOCKED: COUNTRY,
}
STATUSES: Final = {
    401: "the account's log-in is not accepted",
    418: "this address is banned for a while: wait, and ask less",
    425: "the venue restarts: wait two minutes",
    429: "too many requests from this address: wait, and look for another program that asks",
    451: COUNTRY,
}


def clock_finding(offsets: Mapping[str, Sequence[tuple[float, float]]]) -> Finding:
    """Judge this machine's clock by (offset, round trip) in ms, of each exchange that answered.

    Of each the median counts, less half of its round trip: so far a slow answer may mislead.
    """
    told: list[str] = []
    worst = 0.0
    for name, samples in sorted(offsets.items()):
        offset_ms = statistics.median(offset for offset, _ in samples)
        slack_ms = statistics.median(trip for _, trip in samples) / 2
        least_ms = max(0.0, abs(offset_ms) - slack_ms)
        worst = max(worst, least_ms)
        told.append(f"{-offset_ms:+.0f} ms against {name} (+-{slack_ms:.0f})")
    detail = ", ".join(told)
    if not told:
        return fault("clock", f"no exchange told its time: {CAUSES[Cause.UNREACHABLE]}")
    if worst > CLOCK_FAULT_MS:
        return fault("clock", f"{detail}; at most {CLOCK_FAULT_MS}: {SET_CLOCK}")
    if worst > CLOCK_WARNING_MS:
        return warning("clock", f"{detail}; more than {CLOCK_WARNING_MS}: {SET_CLOCK}")
    if len(told) < CLOCKS_NEEDED:
        return warning("clock", f"{detail}; only one exchange told its time")
    return ok("clock", detail)


def host_finding(what: str, status: int, body: bytes, families: str) -> Finding:
    """Tell the ways apart in which a host refuses."""
    if status < 400 or status == 404:  # noqa: PLR2004 HTTP: it answers
        return ok(what, f"answers, {families}")
    if status == 403:  # noqa: PLR2004 HTTP
        return fault(what, f"HTTP 403: {_forbidden(body)}")
    to_do = STATUSES.get(status)
    if to_do is not None:
        return fault(what, f"HTTP {status}: {to_do}")
    return warning(what, f"HTTP {status}: it has trouble of its own; wait")


def _forbidden(body: bytes) -> str:
    if b"1010" in body:
        return "its front refuses this program (error 1010): a proxy changes the user agent"
    if b"CloudFront" in body or b"country" in body.lower():
        return COUNTRY
    return "its front refuses this address: another network, or wait"


def source_finding(name: str, found: Instruments | Refusal, assets: Sequence[Asset]) -> Finding:
    """Name what a source does not trade; an absence is no fault where another source has it."""
    if isinstance(found, Refusal):
        to_do = CAUSES.get(found.cause, "the other sources serve meanwhile")
        return warning(f"source {name}", f"{found.cause}: {found.reason}: {to_do}")
    absent = [str(asset) for asset in assets if not found.has(asset)]
    if absent:
        return note(
            f"source {name}", f"{counted(len(found.found), 'asset')}; does not have {_some(absent)}"
        )
    return ok(f"source {name}", f"{len(found.found)} of {counted(len(assets), 'asset')}")


def sources_finding(found: dict[str, Instruments | Refusal], assets: Sequence[Asset]) -> Finding:
    """Say whether each asset has a source at all."""
    lists = [one for one in found.values() if isinstance(one, Instruments)]
    bare = [str(asset) for asset in assets if not any(one.has(asset) for one in lists)]
    if bare:
        return fault("sources", f"no source has {_some(bare)}: these assets cannot decide")
    if len(lists) < CLOCKS_NEEDED:
        return warning("sources", f"{len(lists)} answers: nothing stands in where it fails")
    return ok("sources", f"each asset has a source; {len(lists)} of {len(found)} answer")


def region_finding(blocked: bool, country: str) -> Finding:  # noqa: FBT001 what was said
    if blocked:
        return fault("region", f"{country}: orders from here are refused; paper is not affected")
    return ok("region", f"{country}: not blocked; the first order is the truth")


def version_finding(version: str, known: str) -> Finding:
    if version == known:
        return ok("protocol", f"version {version}")
    return fault(
        "protocol", f"version {version}, known is {known}: nothing is bought; look for a release"
    )


def markets_finding(wanted: int, wrong: dict[str, str]) -> Finding:
    """Judge the next hour's windows; `wrong` says of each that is not tradable why."""
    good = wanted - len(wrong)
    detail = f"{good} of {wanted} windows of the next hour are listed and agree"
    if not wrong:
        return ok("markets", detail)
    first = "; ".join(f"{slug}: {why}" for slug, why in sorted(wrong.items())[:2])
    if good == 0:
        return fault("markets", f"{detail}; {first}: nothing can be traded")
    return warning("markets", f"{detail}; {first}: these are not traded")


def prices_finding(ages_ms: dict[Asset, int | None], why: str = "") -> Finding:
    """Judge how old the newest average of each asset is."""
    if why:
        return fault("prices", f"{why}: without averages nothing is decided")
    late = {asset: age for asset, age in ages_ms.items() if age is None or age > TICK_WARNING_MS}
    if not late:
        oldest = max((age for age in ages_ms.values() if age is not None), default=0)
        return ok(
            "prices", f"averages of {counted(len(ages_ms), 'asset')}, the oldest {oldest} ms old"
        )
    names = _some([f"{asset} ({_age(age)})" for asset, age in late.items()])
    gone = all(age is None or age > TICK_FAULT_MS for age in late.values())
    return (fault if gone and len(late) == len(ages_ms) else warning)(
        "prices", f"no new averages of {names}: these assets do not decide"
    )


def _age(age_ms: int | None) -> str:
    return "none" if age_ms is None else f"{age_ms} ms"


def _some(names: Sequence[str]) -> str:
    more = len(names) - NAMES_MAX
    return ", ".join(names[:NAMES_MAX]) + (f" and {more} more" if more > 0 else "")
