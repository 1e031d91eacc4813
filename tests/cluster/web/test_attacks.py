"""Each attack is refused with its status, and nothing is done; against the real application."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import httpx
import msgspec
import pytest

from actors.gateway.lock import HALT_FILE
from cluster.web.guard import BODY_BYTES_MAX
from cluster.web.operators import OperatorJournal
from tests.cluster.web.console_client import BASE, OWN, client_of, log_in, state_in

FORM: Final = "application/x-www-form-urlencoded"


class Attack(msgspec.Struct, frozen=True, kw_only=True):
    method: str = "POST"
    path: str = "/halt"
    headers: Mapping[str, str] = {}
    body: bytes | None = None
    """None: a right form, with the session's own field."""
    session: bool = True
    status: int = 403
    twice: Mapping[str, str] = {}
    """Headers that come a second time."""


def _without(name: str) -> Mapping[str, str]:
    return {key: value for key, value in OWN.items() if key != name}


ATTACKS: Final[Mapping[str, Attack]] = {
    "a form of another site": Attack(
        headers={"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    ),
    "another origin alone": Attack(headers={"Origin": "https://evil.example"}),
    "another program on this machine": Attack(
        headers={"Origin": "http://127.0.0.1:3000", "Sec-Fetch-Site": "same-site"}
    ),
    "the other name of this machine": Attack(headers={"Origin": "http://localhost:8420"}),
    "a user name in front of our address": Attack(
        headers={"Origin": "http://127.0.0.1:8420@evil.example"}
    ),
    "our address as a prefix": Attack(headers={"Origin": "http://127.0.0.1:8420.evil.example"}),
    "an origin that is null": Attack(headers={"Origin": "null"}),
    "an origin that is no address": Attack(headers={"Origin": "http://[::1"}),
    "our origin from a foreign page": Attack(
        headers={"Origin": BASE, "Sec-Fetch-Site": "cross-site"}
    ),
    "our origin and another": Attack(headers=OWN, twice={"Origin": "https://evil.example"}),
    "no origin and no site": Attack(headers={}),
    "no field of the session": Attack(headers=OWN, body=b"fleet=fleet-a"),
    "the field of another session": Attack(headers=OWN, body=b"csrf=abc&fleet=fleet-a"),
    "no session": Attack(headers=OWN, session=False, status=401),
    "a cookie of another fleet": Attack(
        headers=OWN | {"Cookie": "midstride-000000000000=abc"}, session=False, status=401
    ),
    "a session that was made up": Attack(
        headers=OWN | {"Cookie": "midstride-x=; =; ;;;"}, session=False, status=401
    ),
    "no session, the stream": Attack(method="GET", path="/live/fleet", session=False, status=401),
    "no session, a path that is not there": Attack(
        method="GET", path="/nothing", session=False, status=401
    ),
    "no session, out of the static folder": Attack(
        method="GET", path="/static/..%2f..%2fapp.py", session=False, status=404
    ),
    "no session, an address that begins like an open one": Attack(
        method="GET", path="/login/../halt/x", session=False, status=401
    ),
    "a foreign host": Attack(headers=OWN | {"Host": "evil.example"}, status=400),
    "a host that is made to point here": Attack(
        method="GET", path="/", headers={"Host": "127.0.0.1.evil.example:8420"}, status=400
    ),
    "a host with a name behind its port": Attack(
        method="GET", path="/", headers={"Host": "127.0.0.1:8420.evil.example"}, status=400
    ),
    "two hosts": Attack(method="GET", path="/", twice={"Host": "evil.example"}, status=400),
    "no host": Attack(method="GET", path="/", headers={"Host": ""}, status=400),
    "another method": Attack(method="DELETE", headers=OWN, status=405),
    "a method that asks for rights": Attack(method="OPTIONS", headers=OWN, status=405),
    "a method that is made up": Attack(method="HALT", headers=OWN, status=405),
    "TRACE": Attack(method="TRACE", headers=OWN, status=405),
    "a page that only reads, pressed": Attack(path="/", headers=OWN, status=405),
    "a button that is read": Attack(method="GET", path="/resume", status=405),
    "a body of a megabyte": Attack(headers=OWN, body=b"reason=" + b"x" * 1_000_000, status=413),
    "a body of one byte too many": Attack(
        headers=OWN, body=b"x" * (BODY_BYTES_MAX + 1), status=413
    ),
    "a thousand fields": Attack(headers=OWN, body=b"&".join([b"a=1"] * 1_000), status=400),
    "bytes that are no text": Attack(headers=OWN, body=b"csrf=\xff\xfe", status=400),
    "json": Attack(headers=OWN | {"Content-Type": "application/json"}, body=b"{}", status=415),
    "text that a form of any site can send": Attack(
        headers=OWN | {"Content-Type": "text/plain"}, body=b"csrf=", status=415
    ),
    "files": Attack(
        headers=OWN | {"Content-Type": "multipart/form-data; boundary=x"}, body=b"", status=415
    ),
    "an address of forty kilobytes": Attack(method="GET", path="/?" + "x" * 40_000, status=414),
    "a page of another site reads ours": Attack(
        method="GET", path="/", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
    ),
    "a page of another port frames or loads ours": Attack(
        method="GET",
        path="/",
        headers={"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
    ),
    "another site reads without saying how": Attack(
        method="GET", path="/live/fleet", headers={"Sec-Fetch-Site": "cross-site"}
    ),
    "the wrong name": Attack(headers=OWN, body=b"CSRF&fleet=fleet", status=400),
    "no name": Attack(headers=OWN, body=b"CSRF&fleet=", status=400),
    "a resume with a code that is wrong": Attack(
        path="/resume", headers=OWN, body=b"CSRF&reason=over&code=abc", status=403
    ),
    "a resume without a reason": Attack(
        path="/resume", headers=OWN, body=b"CSRF&code=abc", status=400
    ),
    "a reduction with a reason of spaces": Attack(
        path="/reduce", headers=OWN, body=b"CSRF&reason=+++%0a", status=400
    ),
    "a reason of a thousand letters": Attack(
        path="/reduce", headers=OWN, body=b"CSRF&reason=" + b"x" * 1_000, status=400
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_and_nothing_is_done(name: str, tmp_path: Path) -> None:
    attack = ATTACKS[name]
    state = state_in(tmp_path)

    async def run() -> httpx.Response:
        async with client_of(state) as client:
            csrf = await log_in(client, state)
            if not attack.session:
                client.cookies.clear()
            field = f"csrf={csrf}".encode()
            body = attack.body
            if body is None:
                body = field + b"&fleet=fleet-a"
            headers = [("Content-Type", FORM)] if "Content-Type" not in attack.headers else []
            request = client.build_request(
                attack.method,
                attack.path,
                content=None if attack.method == "GET" else body.replace(b"CSRF", field),
                headers=[*headers, *attack.headers.items(), *attack.twice.items()],
            )
            return await client.send(request)

    answer = asyncio.run(run())
    print(f"{answer.status_code}  {name}")
    assert answer.status_code == attack.status, answer.text
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert not (state.storage / HALT_FILE).exists()
    assert OperatorJournal(state.root).rows(10) == ()
