"""What redemptions take from the private side of the SDK, and how answers are read."""

from importlib.metadata import version
from pathlib import Path

import msgspec
import pytest
from eth_utils.crypto import keccak
from polymarket.errors import RateLimitError, RequestRejectedError, TransportError

from actors.config import Venue
from actors.venue.keys import REHEARSAL_RELAYER_KEY, PrivateKeyError, load_relayer_key
from actors.venue.polymarket import relayed
from actors.venue.polymarket.environment import CHECKED_SDK_VERSION
from actors.venue.polymarket.redeem_answers import UNDER_WAY, reason_of, surely_refused

VENUE = Venue(
    **dict.fromkeys(
        (
            "clob_url",
            "gamma_url",
            "data_url",
            "relayer_url",
            "market_ws_url",
            "user_ws_url",
            "prices_ws_url",
            "binance_url",
        ),
        "http://127.0.0.1:1",
    )
)


def test_the_private_names_were_checked_with_the_installed_sdk() -> None:
    assert version("polymarket-client") == CHECKED_SDK_VERSION


def test_call_data_and_topics_are_those_of_the_contracts() -> None:
    assert keccak(b"nonce()")[:4].hex() == relayed.SAFE_NONCE.removeprefix("0x")
    assert keccak(b"getNonce(address)")[:4].hex() == relayed.RELAY_NONCE.removeprefix("0x")
    topic = keccak(b"Transfer(address,address,uint256)").hex()
    assert topic == relayed.TRANSFER_TOPIC.removeprefix("0x")


@pytest.mark.parametrize(
    ("error", "sure"),
    [
        (RequestRejectedError("no", status=400), True),
        (RequestRejectedError("no", status=401), True),
        (RateLimitError("slow down", retry_after=60), True),
        (RequestRejectedError("busy", status=500), False),
        (RequestRejectedError("gateway", status=502), False),
        (TransportError("lost"), False),
        (TimeoutError(), False),
        (ValueError("odd"), False),
        (relayed.JsonRpcCallError("eth_send", -32_000, "insufficient funds", None), True),
        (relayed.JsonRpcCallError("eth_send", -32_000, "request timed out", None), False),
        (relayed.JsonRpcCallError("eth_send", -32_603, "Internal error", None), False),
        (RequestRejectedError("timed out", status=408), False),
        (RequestRejectedError("there is one already", status=409), False),
    ],
)
def test_only_clear_words_mean_that_nothing_was_taken(error: Exception, sure: bool) -> None:  # noqa: FBT001 a column of the table
    assert surely_refused(error) is sure


@pytest.mark.parametrize(
    "address",
    [
        "https://node.example/v2/S3CRET",
        "https://node.example?key=S3CRET",
        "https://node.example:8545/#S3CRET",
        "https://S3CRET@node.example/",
        "https://user:S3CRET@node.example",
        "wss://node.example/S3CRET/ws",
        "HTTPS://node.example/v2/S3CRET",
    ],
)
def test_a_token_in_a_nodes_address_is_not_kept(address: str) -> None:
    for text in (f"Request to {address} failed with status 502", f"no answer: '{address}'"):
        said = reason_of(RequestRejectedError(text, status=502))
        assert "S3CRET" not in said
        assert "node.example" in said
        assert ("status 502" in said) is ("status 502" in text)


@pytest.mark.parametrize(
    "words",
    [
        "batch nonce 3 does not match on-chain nonce 4",
        "wallet busy: active action",
        "wallet has in-flight action",
        "already known",
        "nonce too low: next nonce 4, tx nonce 3",
        "replacement transaction underpriced",
    ],
)
def test_words_of_a_transaction_under_way_are_looked_up_not_tried_again(words: str) -> None:
    assert UNDER_WAY.search(words)


def test_a_relayer_key_is_read_from_a_private_file_only(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    file = tmp_path / "relayer"
    file.write_text("0123-abcd-4567\n")
    file.chmod(0o600)
    venue = msgspec.structs.replace(VENUE, relayer_key_file=str(file))
    assert load_relayer_key(venue) == "0123-abcd-4567"
    file.chmod(0o644)
    with pytest.raises(PrivateKeyError, match="relayer_key_file"):
        load_relayer_key(venue)
    file.chmod(0o600)
    file.write_text("two words here\n")
    with pytest.raises(PrivateKeyError, match="one relayer key") as refused:
        load_relayer_key(venue)
    assert "two words" not in str(refused.value)
    assert load_relayer_key(VENUE) is None


def test_a_rehearsal_finds_the_relayer_key_beside_its_throw_away_key(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    beside = tmp_path / REHEARSAL_RELAYER_KEY
    beside.write_text("0123-abcd-4567\n")
    beside.chmod(0o600)
    venue = msgspec.structs.replace(VENUE, private_key_file=str(tmp_path / "sandbox-private-key"))
    assert load_relayer_key(venue) == "0123-abcd-4567"
