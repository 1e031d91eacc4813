from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.config import FleetConfig, Mode, RiskLimits, Venue
from actors.detectors.policy import Reaction
from cluster.config.errors import ConfigError, nearest
from cluster.config.load import DEFAULT_FILE, Deployment, read_config, read_document
from signals.market import SLOTS_MAX, Asset
from signals.market_time import MarketClock

URLS = {f.name: "http://127.0.0.1:9" for f in msgspec.structs.fields(Venue) if "_url" in f.name}


def deployment() -> Deployment:
    return Deployment(
        storage="/s", clock=MarketClock(speed=30), venue=URLS, private_key_file="/key"
    )


def read(folder: Path, text: str) -> FleetConfig:
    file = folder / "fleet.toml"
    file.write_text(text)
    return read_config(file, deployment())


def test_the_shipped_configuration_has_sixteen_slots_in_the_fleets_order() -> None:
    config = read_config(DEFAULT_FILE, deployment())
    assert config.mode is Mode.SANDBOX
    assert [slot.slot for slot in config.slots][:2] == ["btc-5m", "eth-5m"]
    assert len(config.slots) == 16
    assert config.venue.private_key_file == "/key"
    assert config.clock.speed == 30
    assert msgspec.json.decode(msgspec.json.encode(config), type=FleetConfig) == config


def test_the_policy_names_kinds_and_reactions_or_is_refused(tmp_path: Path) -> None:
    told = read(tmp_path, 'mode = "sandbox"\n[policy]\nwrong_code = "halt"\n')
    assert told.policy == {"wrong_code": Reaction.HALT}
    with pytest.raises(ConfigError, match=r"policy.wrong_cod.*did you mean policy.wrong_code"):
        read(tmp_path, 'mode = "sandbox"\n[policy]\nwrong_cod = "halt"\n')
    with pytest.raises(ConfigError, match=r"policy.wrong_code.*notify or reduce"):
        read(tmp_path, 'mode = "sandbox"\n[policy]\nwrong_code = "stop"\n')


@pytest.mark.parametrize("value", ['"24:00"', '"2:30"', '"02:60"', '""', "230", "true", '"no"'])
def test_the_time_of_the_daily_audit_is_a_time_or_off(tmp_path: Path, value: str) -> None:
    head = 'mode = "sandbox"\n[daily_audit]\nat_utc = '
    assert read(tmp_path, f'{head}"23:59"').daily_audit.minutes == 23 * 60 + 59
    assert read(tmp_path, f'{head}"00:00"').daily_audit.minutes == 0
    assert read(tmp_path, f'{head}"off"').daily_audit.minutes is None
    with pytest.raises(ConfigError, match=r"daily_audit\.at_utc.*a time of day in UTC"):
        read(tmp_path, f"{head}{value}")


def test_a_file_with_the_mode_alone_gives_the_defaults_and_all_slots(tmp_path: Path) -> None:
    config = read(tmp_path, 'mode = "sandbox"')
    assert len(config.slots) == 16
    assert config.risk == RiskLimits()


@pytest.mark.parametrize(
    ("text", "order"), [("", 5), ("[risk]\n", 5), ("[risk]\norder_micro_usd = 7_000_000\n", 7)]
)
def test_a_live_file_without_limits_has_the_first_ones_and_not_a_sandboxes(
    tmp_path: Path, text: str, order: int
) -> None:
    gate = f'[gate]\noperator_keys = {{ ann = "{"c" * 64}" }}\n'
    risk = read(tmp_path, f'mode = "live"\n{gate}{text}').risk
    assert risk.order_micro_usd == order * 1_000_000
    assert risk.fleet_exposure_micro_usd == 50_000_000
    assert risk.daily_loss_micro_usd == 20_000_000


MORE = [f"coin{number}" for number in range(57)]
SIXTY_FIVE = "\n".join(
    (
        'mode = "sandbox"\n[venue]',
        f"more_assets = {MORE}".replace("'", '"'),
        "[slots]",
        *(f"{asset}-4h = {{}}" for asset in [*Asset, *MORE]),
    )
)
BAD = {
    'mode = "live"': ["gate.operator_keys is empty", "`midstride gate key`"],
    'mode = "live"\n[gate]\nmode = "open"': ["gate.mode", "closed"],
    'mode = "live"\n[venue]\nclob_ur = "x"': ["venue.clob_ur", "did you mean venue.clob_url?"],
    'mode = "paper"\n[venue]\nprivate_key_file = "k"': ["venue.private_key_file", "without"],
    'mode = "paper"\n[venue]\nprivate_key_env = "K"': ["venue.private_key_env", "without"],
    'mode = "paper"\n[venue]\nwallet = "0x1"': ["venue.wallet", "without"],
    'mode = "paper"\n[venue]\nclob_ur = "x"': ["venue.clob_ur", "did you mean venue.clob_url?"],
    'mode = "sandbox"\n[venue]\nclob_url = "x"': ["venue.clob_url", "known"],
    'mode = "paper"\n[paper]\ncash_micro_usd = -1': ["paper.cash_micro_usd"],
    'mode = "dry"': ["mode", "'dry'", "sandbox, paper or live"],
    "": ["mode", "sandbox"],
    'mode = "sandbox"\nriks = 1': ["riks", "did you mean risk?"],
    'mode = "sandbox"\n[risk]\nslot_exposur_micro_usd = 5': [
        "risk.slot_exposur_micro_usd",
        "did you mean risk.slot_exposure_micro_usd?",
    ],
    'mode = "sandbox"\n[risk]\norders_per_minute = -1': [
        "risk.orders_per_minute",
        "-1",
        "0 .. 2400",
    ],
    'mode = "sandbox"\n[risk]\norders_per_minute = "ten"': ["'ten'", "a whole number in 0 .. 2400"],
    'mode = "sandbox"\n[risk]\norders_per_minute = true': ["True", "a whole number"],
    'mode = "sandbox"\n[timing]\nheartbeat_seconds = 9.5': ["9.5", "0.1 .. 8"],
    'mode = "sandbox"\n[timing]\ndecision_offsets_ms = [5, 4]': ["ascending", "299999"],
    'mode = "sandbox"\n[feeds]\nticks_ms = 0': ["feeds.ticks_ms", "1 .."],
    'mode = "sandbox"\n[slots]\nada-5m = {}': ["unknown slot ada-5m", "venue.more_assets"],
    'mode = "sandbox"\n[slots]\nbct-5m = {}': ["unknown slot bct-5m", "did you mean btc?"],
    'mode = "sandbox"\n[slots]\nBTC-5m = {}': ["unknown slot BTC-5m; did you mean btc-5m?"],
    'mode = "sandbox"\n[slots]\nbtc-1h = {}': [
        "unknown slot btc-1h",
        "the venue has no 1h markets, it has 5m, 15m, 4h",
    ],
    'mode = "sandbox"\n[slots]\nbtc-5m = {}\nbtc-5m = {}': [
        "btc-5m (line 4) stands in the file twice: remove one of the two"
    ],
    'mode = "sandbox"\n[slots.btc-5m]\n[slots.btc-5m]': ["[slots.btc-5m] (line 3) stands"],
    'mode = "sandbox"\n[slots]\nbtc-5m = {}\n"btc-5m" = {}\neth-5m = {}': ["stands in the file"],
    'mode = "sandbox"\n[slots]\nbtc-5m = {}\n[slots.btc-5m]\nstrategy = "x"': [
        "[slots.btc-5m] (line 4) stands in the file twice"
    ],
    SIXTY_FIVE: ["65 slots are listed, one fleet has at most 64: remove 1 of them"],
    'mode = "sandbox"\n[venue]\nmore_assets = ["btc"]': ["venue.more_assets", "none of btc"],
    'mode = "sandbox"\n[venue]\nmore_assets = ["ton", "ton"]': ["venue.more_assets", "each once"],
    'mode = "sandbox"\n[venue]\nmore_assets = ["TON"]': ["venue.more_assets", "small letters"],
    'mode = "sandbox"\n[venue]\nmore_assets = "ton"': ["venue.more_assets", "a list"],
    'mode = "sandbox"\n[venue]\nadapter = "elsewhere"': ["venue.adapter", "must be polymarket"],
    'mode = "sandbox"\n[slots]\nbtc-5n = {}': ["unknown slot btc-5n; did you mean btc-5m?"],
    'mode = "sandbox"\n[slots]\nbtc-5m = { strategy = "nope" }': ["slots.btc-5m.strategy", "nope"],
    'mode = "sandbox"\n[slots]\nbtc-5m = { stratgy = "x" }': [
        "did you mean slots.btc-5m.strategy?"
    ],
    'mode = "sandbox"\n[slots]\nbtc-5m = { params = { "sizing.nope" = 1 } }': ["sizing.nope"],
    'mode = "sandbox"\n[slots]\nbtc-5m = 3': ["slots.btc-5m", "3", "a table"],
    'mode = "sandbox"\n[slots]': ["slots", "at least one"],
    'mode = "sandbox"\n[params.sizing]\nnope = 1': ["params", "sizing.nope"],
    'mode = "sandbox"\n[venue]\nprivate_key = "0xabc"': ["venue.private_key", "private_key_file"],
    'mode = "sandbox"\n[venue]\nclob_url = "http://evil"': ["venue.clob_url", "unknown key"],
    'mode = "sandbox': ["TOML"],
}


def test_a_4h_market_and_a_ninth_asset_are_added_by_the_configuration_alone(
    tmp_path: Path,
) -> None:
    text = 'mode = "sandbox"\n[venue]\nmore_assets = ["ton"]\n[slots]\n'
    config = read(tmp_path, text + "ton-4h = {}\nzec-4h = {}\nton-5m = {}\nbtc-15m = {}")
    assert [slot.slot for slot in config.slots] == ["ton-5m", "btc-15m", "zec-4h", "ton-4h"]
    assert msgspec.json.decode(msgspec.json.encode(config), type=FleetConfig) == config


def test_sixty_four_slots_are_one_fleet(tmp_path: Path) -> None:
    config = read(tmp_path, SIXTY_FIVE.rpartition("\n")[0])
    assert len(config.slots) == SLOTS_MAX == 64


def test_a_configuration_stored_before_there_were_other_assets_means_the_default() -> None:
    config = read_config(DEFAULT_FILE, deployment())
    stored = msgspec.to_builtins(config)
    del stored["venue"]["more_assets"], stored["venue"]["adapter"]
    assert msgspec.convert(stored, FleetConfig) == config


@pytest.mark.parametrize("text", BAD)
def test_each_mistake_names_file_key_value_and_what_is_allowed(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    message = str(caught.value)
    assert "fleet.toml" in message
    for part in BAD[text]:
        assert part in message


def test_a_closed_gate_needs_someone_who_may_approve(tmp_path: Path) -> None:
    closed = 'mode = "sandbox"\n[gate]\nmode = "closed"\n'
    with pytest.raises(ConfigError, match=r"operator_keys is empty, and the gate is closed"):
        read(tmp_path, closed)
    fleet = read(tmp_path, f'{closed}operator_keys = {{ ann = "{"ab" * 32}" }}')
    assert not fleet.gate_is_open


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: must be a TOML file that exists"):
        read_config(tmp_path / "none.toml", deployment())


@given(key=st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1), value=st.integers(-5, 5))
def test_no_unknown_key_passes_silently(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: int
) -> None:
    known = {field.name for field in msgspec.structs.fields(RiskLimits)}
    if key in known:
        return
    folder = tmp_path_factory.mktemp("c")
    with pytest.raises(ConfigError, match="unknown key"):
        read(folder, f'mode = "sandbox"\n[risk]\n{key} = {value}')


def test_a_file_saved_with_a_byte_order_mark_and_crlf_is_read(tmp_path: Path) -> None:
    text = DEFAULT_FILE.read_text(encoding="utf-8")
    file = tmp_path / "saved.toml"
    file.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert read_config(file, deployment()) == read_config(DEFAULT_FILE, deployment())


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_file_saved_by_another_systems_editor_is_read(
    tmp_path: Path, mark: bytes, end: bytes
) -> None:
    file = tmp_path / "fleet.toml"
    lines = (b'mode = "sandbox"', b"[slots]", b'btc-5m = { strategy = "late_favourite" }')
    file.write_bytes(mark + end.join(lines) + end)
    (slot,) = read_config(file, deployment()).slots
    assert slot.strategy == "late_favourite"


@pytest.mark.parametrize(
    "text",
    ["x = " + "[" * 5_000, "x = " + "9" * 5_000, 'mode = "sandbox"\n[a]\nx = ' + "{b = " * 3_000],
)
def test_a_file_too_deep_or_too_long_to_read_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"c\.toml: must be TOML"):
        read_document(tmp_path / "c.toml")


def test_a_slot_in_capitals_is_told_its_own_name() -> None:
    assert nearest("BTC-5m", ["zec-5m", "btc-5m", "btc-15m"]) == ["btc-5m"]
    assert nearest("?", ["zec-5m"]) == []
