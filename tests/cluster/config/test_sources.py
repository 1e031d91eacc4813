"""`sources` of a paper file: which exchanges serve, in which order."""

from typing import Any

import pytest

from actors.config import Mode
from actors.market_data.sources.addresses import REAL, SourceAddress
from cluster.config.errors import ConfigError
from cluster.config.sources import sources_of

STAND_INS = tuple(
    SourceAddress(
        name=one.name, rest_url=f"http://127.0.0.1:9/{one.name}", socket_url="ws://127.0.0.1:9"
    )
    for one in REAL
)


def read(names: Any, stand_ins: tuple[SourceAddress, ...] = ()) -> tuple[SourceAddress, ...]:
    document = {} if names is None else {"sources": names}
    return sources_of("paper.toml", document, Mode.PAPER, stand_ins)


def test_without_the_key_all_serve_in_the_usual_order() -> None:
    assert read(None) == REAL
    assert read(None, STAND_INS) == STAND_INS
    assert sources_of("sandbox.toml", {}, Mode.SANDBOX, STAND_INS) == ()


def test_the_files_order_counts_and_stand_ins_go_before_real_addresses() -> None:
    assert [one.name for one in read(["bybit", "okx"])] == ["bybit", "okx"]
    for entry in ("okx", {"name": "okx", "rest_url": "http://a", "socket_url": "ws://a"}):
        (found,) = read([entry], STAND_INS)
        assert found.rest_url == "http://127.0.0.1:9/okx"
    (own,) = read([{"name": "okx", "rest_url": "http://a", "socket_url": "ws://a"}])
    assert own.rest_url == "http://a"
    assert read(["okx"], read(["bybit", "okx"])) == read(["okx"]), "what a running fleet has"


@pytest.mark.parametrize(
    "names", [[], "okx", ["nowhere"], ["okx", "okx"], [5], [{"name": "okx"}], {"okx": 1}]
)
def test_anything_else_is_refused_by_its_key(names: Any) -> None:
    with pytest.raises(ConfigError) as refused:
        read(names)
    assert "sources" in str(refused.value)


def test_a_sandbox_has_no_such_list() -> None:
    with pytest.raises(ConfigError):
        sources_of("sandbox.toml", {"sources": ["okx"]}, Mode.SANDBOX, ())
