"""Which requests are answered at all, told from their heads alone. Pure.

A loopback address is no authentication: any page that the operator opens can send to it, by its
address or by a name that is made to point to it. So a request must name this machine as its host,
use a method that the console knows, and whatever is not a plain read must come from our own page.
"""

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

import msgspec

OWN_HOSTS: Final = frozenset({"127.0.0.1", "localhost"})
"""With any port: a tunnel ends on a port of its own."""
READS: Final = frozenset({"GET", "HEAD"})
METHODS: Final = frozenset({*READS, "POST"})
FORM: Final = "application/x-www-form-urlencoded"
PATH_CHARACTERS_MAX: Final = 2_000
"""Of path and query; the longest of ours has a few identifiers of 66 letters."""
HEADER_HOST: Final = "host"


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules read of a request. Headers that came several times are all here."""

    method: str
    target: str
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    """Of `Sec-Fetch-Site`; browsers set it, pages cannot."""
    modes: tuple[str, ...] = ()
    """Of `Sec-Fetch-Mode`."""
    content_types: tuple[str, ...] = ()


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    status: int
    said: str


def head_of(method: str, target: str, headers: Iterable[tuple[bytes, bytes]]) -> Head:
    """Collect what the rules read."""
    found: dict[str, list[str]] = {}
    for name, value in headers:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))

    def of(name: str) -> tuple[str, ...]:
        return tuple(found.get(name, ()))

    return Head(
        method=method,
        target=target,
        hosts=of(HEADER_HOST),
        origins=of("origin"),
        sites=of("sec-fetch-site"),
        modes=of("sec-fetch-mode"),
        content_types=of("content-type"),
    )


def refusal(head: Head) -> Refused | None:
    """Return why a request is not answered; None: it may go on to the session's check."""
    if len(head.hosts) != 1 or host_name(head.hosts[0]) not in OWN_HOSTS:
        return Refused(status=400, said="the console answers to 127.0.0.1 and localhost only")
    if head.method not in METHODS:
        return Refused(status=405, said="the console knows GET, HEAD and POST")
    if len(head.target) > PATH_CHARACTERS_MAX:
        return Refused(status=414, said="the address is too long")
    return _of_a_read(head) if head.method in READS else _of_a_post(head)


def host_name(host: str) -> str:
    """Return the name in a Host header without its port; empty where it is not one."""
    name, _, port = host.partition(":")
    return name.lower() if not port or (port.isascii() and port.isdigit()) else ""


def _of_a_read(head: Head) -> Refused | None:
    """Let another site lead to a page, but not load one of ours as a part of its own."""
    foreign = any(site not in {"same-origin", "none"} for site in head.sites)
    if foreign and any(mode != "navigate" for mode in head.modes or ("",)):
        return Refused(status=403, said="another site may not read from the console")
    return None


def _of_a_post(head: Head) -> Refused | None:
    if any(site != "same-origin" for site in head.sites):
        return Refused(status=403, said="another site may not press anything here")
    if any(not is_own(origin, head.hosts[0]) for origin in head.origins):
        return Refused(status=403, said="another origin may not press anything here")
    if not head.sites and not head.origins:
        return Refused(status=403, said="a post must say where it comes from (Origin)")
    kinds = [kind.partition(";")[0].strip().lower() for kind in head.content_types]
    if kinds != [FORM]:
        return Refused(status=415, said=f"a post is a form ({FORM})")
    return None


def is_own(origin: str, host: str) -> bool:
    """Tell whether an Origin is the very address that the request went to."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and parts.netloc.lower() == host.lower()
