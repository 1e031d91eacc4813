"""The redeemer's log: what is read back, by whom, and who may write."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.redemption.claim import Claim, Held, Payment, SignedTransaction, Step
from actors.redemption.log import (
    LOG,
    AlreadyRedeemingError,
    encode,
    encode_base,
    open_log,
    read_book,
    take_lock,
)
from actors.redemption.state import State
from signals.units import MicroShares, MicroUsd

CLAIM = Claim(
    condition_id="0xc",
    slug="btc-updown-5m-1",
    phase=Step.SUBMITTING,
    held=(Held(token_id="1", shares=MicroShares(5_000_000)),),
    worth_micro_usd=MicroUsd(5_000_000),
    seen_wire_ms=1,
    signed=SignedTransaction(kind="WALLET", nonce=3, body=b"{}", deadline_s=600),
)
PAID = replace(
    CLAIM,
    condition_id="0xd",
    phase=Step.PAID,
    signed=None,
    payments=(Payment(transaction_hash="0x1", micro_usd=MicroUsd(5_000_000)),),
)


def test_each_claim_is_read_as_it_stood_last(tmp_path: Path) -> None:
    log, book = open_log(tmp_path)
    assert book.claims == {}
    log.append(encode([replace(CLAIM, phase=Step.WAITING, signed=None)]))
    log.append(encode([CLAIM, PAID]))
    log.close()
    log, book = open_log(tmp_path)
    assert book.claims == {"0xc": CLAIM, "0xd": PAID}
    assert (book.owed_micro_usd, book.paid_micro_usd) == (5_000_000, 5_000_000)
    assert book == read_book(tmp_path)
    log.close()


def test_a_log_that_begins_anew_keeps_claims_and_sums(tmp_path: Path) -> None:
    log, _ = open_log(tmp_path)
    log.append(encode([CLAIM, PAID]))
    log.rotate(encode_base(State(claims={"0xc": CLAIM}, forgotten_micro_usd=5_000_000)))
    log.close()
    log, book = open_log(tmp_path)
    assert book.claims == {"0xc": CLAIM}
    assert book.paid_micro_usd == 5_000_000
    log.close()


def test_a_torn_tail_is_cut_and_damage_is_said(tmp_path: Path) -> None:
    log, _ = open_log(tmp_path)
    log.append(encode([CLAIM]))
    log.close()
    file = next((tmp_path / LOG).glob("*.log"))
    whole = file.read_bytes()
    file.write_bytes(whole + b"\xf5MS")
    log, book = open_log(tmp_path)
    assert book.claims == {"0xc": CLAIM}
    log.close()
    file.write_bytes(whole[:60] + b"\0\1\2" + whole[63:])
    assert isinstance(read_book(tmp_path), str)


def test_a_storage_without_a_redeemer_has_no_book(tmp_path: Path) -> None:
    assert read_book(tmp_path) is None


def test_a_second_redeemer_of_a_storage_is_refused(tmp_path: Path) -> None:
    take_lock(tmp_path)
    with pytest.raises(AlreadyRedeemingError):
        take_lock(tmp_path)
