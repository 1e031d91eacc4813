"""A mistyped slot, day or release is an error that names what was meant, never an empty answer."""

from pathlib import Path

import pytest

from checkpoints.storage import LocalStorage
from cluster.__main__ import run
from cluster.commands.arguments import check_release
from cluster.config.load import DEFAULT_FILE
from cluster.config.offline import read_offline
from cluster.config.slots import check_configured
from cluster.errors import ClusterError


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["audit", "trades", "--slot", "btc-7m"], "unknown slot btc-7m; did you mean btc-5m?"),
        (["audit", "trades", "--day", "2030-13-45"], "write YYYY-MM-DD"),
        (["replay", "--slot", "qqq"], "unknown slot qqq; there are btc-5m"),
        (["update", "--slots", "btc-5m,foo"], "unknown slot foo"),
        (["update", "--canary", "foo"], "unknown slot foo"),
        (["rolling-update", "params", "--set", "a=1", "--slot", "btc5m"], "did you mean btc-5m?"),
        (["update", "--bake", "-1"], "-1 is not in the range"),
    ],
)
def test_a_wrong_name_is_a_usage_error(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run([*words, "--state", str(tmp_path)]) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_a_release_that_nobody_knows_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match='no release begins with "zzz"; known: none yet'):
        check_release(LocalStorage(tmp_path), "zzz")
    with pytest.raises(ClusterError, match="known: abcdef012345"):
        check_release(LocalStorage(tmp_path), "", ["abcdef0123456789"])
    check_release(LocalStorage(tmp_path), "abc", ["abcdef0123456789"])


def test_a_slot_that_this_fleet_does_not_have_is_named() -> None:
    fleet = read_offline(DEFAULT_FILE)[0]
    check_configured(["btc-5m", "zec-15m"], fleet)
    with pytest.raises(ClusterError, match="this fleet has no slot btc-4h; did you mean btc-5m"):
        check_configured(["btc-5m", "btc-4h"], fleet)
    with pytest.raises(
        ClusterError, match=r"no slot ton-4h; .*its configuration lists btc-5m, eth"
    ):
        check_configured(["ton-4h"], fleet)
