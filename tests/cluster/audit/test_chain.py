"""One trade on one page: everything that happened, and which code did it."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from actors.messages import IntentRefused
from checkpoints import journal_days
from checkpoints.journal import JOURNAL_SCHEMA
from checkpoints.snapshots import SNAPSHOTS
from checkpoints.storage import LocalStorage
from cluster.audit.chain import trade_chain
from cluster.audit.errors import AuditError
from cluster.audit.journal_view import JournalView, read_journal
from cluster.audit.screens import chain_screen, show
from signals.market import Outcome
from signals.snapshot import Feed
from tests.cluster.audit.builders import DAY, GATEWAY, MARKET_DATA, Story

OLD, NEW = "ab" * 32, "cd" * 32


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(LocalStorage(tmp_path), OLD)


def test_the_chain_goes_from_snapshot_to_profit_with_the_release_of_each_line(
    story: Story, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fact = story.want()
    order_id = story.sign(fact)
    story.claim(NEW, "beef")
    story.confirm(story.fill(order_id))
    story.end(order_id)
    story.settle(fact, fact.intents[0].outcome)
    found = trade_chain(JournalView(tmp_path), fact.intents[0].intent_id)
    steps = [line.step for line in found.lines]
    assert steps == [
        "snapshot", *["factor"] * 5, "decision", "intent", "risk", "order", "order", "fill", "fill",
        "order", "settlement", "p&l",
    ]  # fmt: skip
    by = {line.step: (line.actor, line.release, line.booked_release) for line in found.lines}
    assert by == {
        "snapshot": ("market data", MARKET_DATA, OLD),
        "factor": ("slot", OLD, OLD),
        "decision": ("slot", OLD, OLD),
        "intent": ("slot", OLD, OLD),
        "risk": ("gateway", GATEWAY, OLD),
        "order": ("gateway", GATEWAY, NEW),
        "fill": ("gateway", GATEWAY, NEW),
        "settlement": ("gateway", GATEWAY, NEW),
        "p&l": ("slot", NEW, NEW),
    }
    assert found.releases == (MARKET_DATA, OLD, GATEWAY, NEW)
    assert [one.feed for one in found.inputs] == [str(feed) for feed in Feed]
    ages = {one.feed: one.age_ms for one in found.inputs}
    assert all(one.fresh for one in found.inputs)
    assert (ages["candles"], ages["books"]) == (20_000, 1_000)
    assert found.decision == fact.decision
    assert found.intent == fact.intents[0]
    assert found.trade is not None
    assert found.trade.pnl_micro_usd == story.state.realized_pnl_micro_usd > 0
    assert found.problems == ()
    show(chain_screen(found))
    page = capsys.readouterr().out
    for text in (
        order_id,
        OLD[:10],
        NEW[:10],
        GATEWAY[:10],
        MARKET_DATA[:10],
        "settlement",
        "confirmed",
        "open_interest",
    ):
        assert text in page


def test_a_gateway_that_rolled_in_between_is_named_with_both_releases_and_an_older_one_as_unknown(
    story: Story, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fact = story.want()
    story.gateway_release = ""
    order_id = story.sign(fact)
    story.gateway_release = NEW
    story.fill(order_id)
    LocalStorage(tmp_path).write(f"releases/{NEW}.commit", b"beef\n")
    found = trade_chain(JournalView(tmp_path), order_id)
    by = {line.step: (line.release, line.commit) for line in found.lines}
    assert by["risk"] == (None, None)
    assert by["fill"] == (NEW, "beef")
    assert found.trade is not None
    assert found.trade.signed_by is None
    show(chain_screen(found))
    assert "not recorded" in capsys.readouterr().out


def test_intent_id_order_id_and_the_beginning_of_one_find_the_same_trade(
    story: Story, tmp_path: Path
) -> None:
    fact = story.trade(Outcome.UP)
    view = JournalView(tmp_path)
    order_id = f"0xbtc-5m{fact.due_ms}"
    names = (fact.intents[0].intent_id, order_id, order_id[:20])
    assert len({trade_chain(view, name).lines for name in names}) == 1


def test_an_intent_that_risk_refused_has_a_chain_without_an_order(
    story: Story, tmp_path: Path
) -> None:
    fact = story.want()
    intent_id = fact.intents[0].intent_id
    story.apply(IntentRefused, intent_id=intent_id, code="collar", reason="too far from the mid")
    found = trade_chain(JournalView(tmp_path), intent_id)
    assert found.trade is None
    assert found.lines[-1].text == "refused: collar: too far from the mid"


def test_an_unknown_trade_is_refused_with_the_latest_known_ones(
    story: Story, tmp_path: Path
) -> None:
    with pytest.raises(AuditError, match="none at all"):
        trade_chain(JournalView(tmp_path), "0xdeadbeef")
    fact = story.trade(Outcome.UP)
    with pytest.raises(AuditError, match=fact.intents[0].intent_id):
        trade_chain(JournalView(tmp_path), "0xdeadbeef")


def test_the_beginning_of_two_order_ids_is_refused_with_both(story: Story, tmp_path: Path) -> None:
    story.trade(Outcome.UP)
    story.trade(Outcome.UP)
    with pytest.raises(AuditError, match="several trades"):
        trade_chain(JournalView(tmp_path), "0xbtc-5m17")


def test_a_payload_that_was_flipped_is_named_however_large_the_journal_is(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_days, "VERIFIED_BYTES", 0)
    fact = story.trade(Outcome.UP)
    journal_days.compact_day(story.storage, DAY, "2026-01-02")
    file = tmp_path / f"journal/{DAY}.parquet"
    place = JOURNAL_SCHEMA.get_field_index("payload")
    chunk = pq.read_metadata(file).row_group(0).column(place)
    intact = file.read_bytes()
    told: list[str] = []
    for at in range(8, chunk.total_compressed_size, 97):
        data = bytearray(intact)
        data[chunk.data_page_offset + at] ^= 1
        file.write_bytes(data)
        try:
            found = read_journal(
                tmp_path, lambda view: trade_chain(view, fact.intents[0].intent_id)
            )
        except AuditError as error:
            told.append(str(error))  # the page could not be unpacked: its day is left out
        else:
            told.append(" ".join(one.subject for one in found.problems))
    assert told
    assert all(f"journal/{DAY}.parquet" in text for text in told)


@pytest.mark.parametrize("damage", ["missing", "altered"])
def test_without_its_snapshot_the_rest_of_the_chain_still_comes(
    story: Story, tmp_path: Path, damage: str
) -> None:
    fact = story.trade(Outcome.UP)
    file = tmp_path / SNAPSHOTS / DAY / f"{fact.snapshot}.arrow.zst"
    if damage == "missing":
        file.unlink()
    else:
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
    found = trade_chain(JournalView(tmp_path), fact.intents[0].intent_id)
    assert found.inputs == ()
    assert [one.subject for one in found.problems] == [f"snapshot {fact.snapshot}"]
    assert found.lines[-1].step == "p&l"
