"""`doctor` asks the running sandbox exchange, before and after it knows the price credential."""

import asyncio
from pathlib import Path

import pytest

from actors.config import FleetConfig
from actors.feeds.price_credential import PriceLogin, credential_file
from cluster.local.findings import Finding, Verdict
from cluster.local.services import services_of
from tests.actors.sandbox import sandbox

pytestmark = pytest.mark.exchange


def ask(fleet: FleetConfig) -> dict[str, Finding]:
    async def rows() -> list[Finding]:
        async with services_of(fleet) as services:
            return await services.findings()

    return {row.what: row for row in asyncio.run(rows())}


def test_the_sandbox_passes_every_check_and_its_prices_are_asked_once_there_is_a_credential(
    tmp_path: Path,
) -> None:
    with sandbox(tmp_path) as exchange:
        fleet = exchange.config()
        first = ask(fleet)
        login = PriceLogin(credential_file(fleet.storage))
        asyncio.run(login.credential(fleet.venue))
        second = ask(fleet)
    assert first["markets"].detail.startswith("128 of 128")
    assert first["prices"].verdict is Verdict.NOTE
    assert second["prices"].verdict is Verdict.OK
    for row in (*first.values(), *second.values()):
        assert row.verdict in (Verdict.OK, Verdict.NOTE), row
