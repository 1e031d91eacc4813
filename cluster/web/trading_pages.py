"""Addresses of the page that halts, reduces and resumes."""

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from actors.clock import wall_ms
from cluster.web.console import WebConsole, Wrong, any_reason, reason_in
from cluster.web.login import USED, Login
from cluster.web.trading import TradingOrders
from cluster.web.trading_view import TradingView, trading_view

BUSY: Final = (
    "Another order to the fleet has not ended yet: wait for it, then press again. "
    "A halt waits for none."
)


class TradingPages:
    def __init__(self, console: WebConsole, login: Login) -> None:
        self._console = console
        self._login = login
        self._orders = TradingOrders(console.state)

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/halt", self.show, methods=["GET"]),
            Route("/halt", self.halt, methods=["POST"]),
            Route("/halt/progress", self.progress, methods=["GET"]),
            Route("/reduce", self.reduce, methods=["POST"]),
            Route("/resume", self.resume, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        return await self._page(request, 200, "")

    async def progress(self, request: Request) -> Response:
        """Return what the newest order says, for the open page."""
        del request
        return self._console.renderer.page("trading/progress.html", newest=self._orders.newest)

    async def halt(self, request: Request) -> Response:
        form = request.state.form
        if form.get("fleet", "").strip() != self._console.fleet:
            said = f"Nothing was done: type the fleet's name, {self._console.fleet}, to halt it."
            return await self._page(request, 400, said)
        await self._orders.halt(any_reason(form), self._console.who(request))
        return RedirectResponse("/halt", 303)

    async def reduce(self, request: Request) -> Response:
        return await self._set(request, "reduce")

    async def resume(self, request: Request) -> Response:
        """Trade again; whoever found an open browser cannot: it takes a new code."""
        reason = reason_in(request.state.form)
        if isinstance(reason, Wrong):
            return await self._page(request, 400, reason.said)
        if self._orders.busy:
            return await self._page(request, 409, BUSY)
        if not await self._login.is_right(request.state.form.get("code", "")):
            await self._login.pause()
            return await self._page(request, 403, USED)
        return await self._set(request, "resume")

    async def _set(self, request: Request, what: str) -> Response:
        reason = reason_in(request.state.form)
        if isinstance(reason, Wrong):
            return await self._page(request, 400, reason.said)
        if self._orders.busy:
            return await self._page(request, 409, BUSY)
        self._orders.begin(what, reason, self._console.who(request))
        return RedirectResponse("/halt", 303)

    async def _page(self, request: Request, status: int, said: str) -> Response:
        console = self._console
        view: TradingView = await console.in_thread(
            trading_view, console.storage, console.fleet_source.seen, int(wall_ms())
        )
        if said:
            request.state.session.said = said
        return console.page(
            request, "trading.html", status, title="Halt", view=view, newest=self._orders.newest
        )
