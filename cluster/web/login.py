"""Logging in and out.

The link that a person follows has its code behind a `#`: a browser keeps that to itself, so the
code stands in no request line, no log and no Referer. The page's script posts it.
"""

import asyncio

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from cluster.web.render import Renderer
from cluster.web.sessions import SESSION_S_MAX, LoginCodes, Sessions, WrongCodes

CODE_LETTERS_MAX = 200
USED = (
    "This code is not right, too old, or was used before. "
    "`midstride console --link` prints a new one."
)


class Login:
    def __init__(
        self, sessions: Sessions, codes: LoginCodes, cookie: str, renderer: Renderer
    ) -> None:
        self._sessions = sessions
        self._codes = codes
        self._cookie = cookie
        self._renderer = renderer
        self._wrong = WrongCodes()

    async def show(self, request: Request) -> Response:
        if request.state.session is not None:
            return RedirectResponse("/", 303)
        return self._renderer.login(200, "")

    async def enter(self, request: Request) -> Response:
        """Begin a session for a right code; answer a wrong one late."""
        if not await self.is_right(request.state.form.get("code", "")):
            if self._wrong.too_many:
                return PlainTextResponse("too many wrong codes at once\n", 429)
            await self.pause()
            return self._renderer.login(403, USED)
        session = self._sessions.begin()
        answer = RedirectResponse("/", 303)
        answer.set_cookie(
            self._cookie,
            session.id,
            max_age=int(SESSION_S_MAX),
            httponly=True,
            samesite="strict",
        )
        return answer

    async def is_right(self, code: str) -> bool:
        """Tell whether a code is right, and use it up."""
        right = 0 < len(code) <= CODE_LETTERS_MAX and await asyncio.to_thread(
            self._codes.use, code.strip()
        )
        if right:
            self._wrong.right()
        return right

    async def pause(self) -> None:
        """Let who sent a wrong code wait."""
        wait_s = self._wrong.begin()
        try:
            await asyncio.sleep(wait_s)
        finally:
            self._wrong.answered()

    async def leave(self, request: Request) -> Response:
        self._sessions.end(request.state.session)
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(self._cookie, httponly=True, samesite="strict")
        return answer
