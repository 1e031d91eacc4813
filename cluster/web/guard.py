"""The guard of the console: every request passes here before any page sees it.

Rules of its head, its session, the cap of its body, the field that only our own pages know; and the
headers that every answer carries.
"""

import asyncio
import hmac
from typing import Final
from urllib.parse import parse_qsl

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cluster.web.guard_rules import READS, Refused, head_of, refusal
from cluster.web.render import Renderer
from cluster.web.sessions import Session, Sessions

BODY_BYTES_MAX: Final = 65_536
"""A form has a reason of some hundred letters and two words."""
BODY_S_MAX: Final = 10.0
"""Wire, for the whole body of a form from this machine."""
FIELDS_MAX: Final = 32
LOGIN: Final = "/login"
OPEN: Final = (LOGIN, "/static/", "/favicon.ico")
"""Without a session: nothing of the fleet is in them."""
CSRF_FIELD: Final = "csrf"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
NO_STORE: Final = (b"cache-control", b"no-store")


class Guard:
    """ASGI middleware; `scope["state"]` gets the session and the form."""

    def __init__(self, app: ASGIApp, sessions: Sessions, cookie: str, renderer: Renderer) -> None:
        self._app = app
        self._sessions = sessions
        self._cookie = cookie
        self._renderer = renderer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, _with_headers(send))
        elif scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        else:  # a websocket: nothing here speaks it
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._answer(scope, receive)
        if answer is not None:
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response | None:
        """Return what ends the request here; None: it may go on."""
        target = scope["path"] + "?" + scope["query_string"].decode("latin-1")
        refused = refusal(head_of(scope["method"], target, scope["headers"]))
        if refused is not None:
            return _refusal_page(refused)
        state = scope.setdefault("state", {})
        state["session"] = session = self._sessions.find(self._cookies(scope))
        if session is None and not is_open(scope["path"]):
            return self._renderer.login(401, "You are not logged in here.")
        if scope["method"] in READS:
            return None
        form = await read_form(receive)
        if isinstance(form, Refused):
            return _refusal_page(form)
        if session is not None and scope["path"] != LOGIN and not _has_csrf(session, form):
            return _refusal_page(
                Refused(status=403, said="this form is not of your session: load the page again")
            )
        state["form"] = form
        return None

    def _cookies(self, scope: Scope) -> list[str]:
        found = []
        for name, value in scope["headers"]:
            if name == b"cookie":
                found += [
                    part.partition("=")[2].strip()
                    for part in value.decode("latin-1").split(";")
                    if part.partition("=")[0].strip() == self._cookie
                ]
        return found


def is_open(path: str) -> bool:
    """Tell whether a path is shown to whoever asks."""
    return any(path.startswith(one) if one.endswith("/") else path == one for one in OPEN)


async def read_form(receive: Receive) -> dict[str, str] | Refused:
    """Read a form of limited size in limited time; of a field that comes twice the first counts."""
    try:
        async with asyncio.timeout(BODY_S_MAX):
            body = await _body(receive)
    except TimeoutError:
        return Refused(status=408, said="the form did not arrive in time")
    if isinstance(body, Refused):
        return body
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        return Refused(status=400, said="the form cannot be read")
    return dict(reversed(pairs))


async def _body(receive: Receive) -> bytes | Refused:
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return Refused(status=400, said="the form was cut short")
        body += bytes(message.get("body", b""))
        if len(body) > BODY_BYTES_MAX:
            return Refused(status=413, said=f"a form has at most {BODY_BYTES_MAX} bytes")
        if not message.get("more_body", False):
            return body


def _has_csrf(session: Session, form: dict[str, str]) -> bool:
    return hmac.compare_digest(session.csrf.encode(), form.get(CSRF_FIELD, "").encode())


def _refusal_page(refused: Refused) -> Response:
    headers = {"Connection": "close"} if refused.status in {408, 413} else {}
    if refused.status == 405:  # noqa: PLR2004 Method Not Allowed
        headers["Allow"] = "GET, HEAD, POST"
    return PlainTextResponse(f"{refused.said}\n", refused.status, headers)


def _with_headers(send: Send) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [*message.get("headers", ()), *HEADERS]
            if not any(name.lower() == NO_STORE[0] for name, _ in headers):
                headers.append(NO_STORE)
            message = {**message, "headers": headers}
        await send(message)

    return wrapped
