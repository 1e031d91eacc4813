"""A trading key that is missing or malformed is named by its configuration key, never shown."""

import os
from pathlib import Path

import msgspec
import pytest

from actors.config import Venue
from actors.venue.keys import PrivateKeyError, load_private_key
from cluster.local.environment import child_environment
from tests.actors.venue.test_environment import venue

KEY = "4f" * 32
NAME = "MIDSTRIDE_TEST_TRADING_KEY"


def with_file(path: Path) -> Venue:
    return msgspec.structs.replace(venue(), private_key_file=str(path))


def key_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "key"
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("text", [KEY, f"0x{KEY}", f"  0x{KEY}\n", KEY.upper()])
def test_a_key_is_read_with_or_without_its_prefix(tmp_path: Path, text: str) -> None:
    assert load_private_key(with_file(key_file(tmp_path, text))) == f"0x{KEY}"


def test_a_key_comes_from_the_environment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, KEY)
    named = msgspec.structs.replace(venue(), private_key_env=NAME)
    assert load_private_key(named) == f"0x{KEY}"


def test_an_environment_variable_that_is_not_set_is_named() -> None:
    named = msgspec.structs.replace(venue(), private_key_env=NAME)
    with pytest.raises(PrivateKeyError, match=rf"venue\.private_key_env = '{NAME}'.*not set"):
        load_private_key(named)


def test_no_key_at_all_says_which_settings_exist() -> None:
    with pytest.raises(PrivateKeyError, match=r"private_key_file or venue\.private_key_env"):
        load_private_key(venue())


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(PrivateKeyError, match="chmod 600"):
        load_private_key(with_file(key_file(tmp_path, KEY, mode)))


@pytest.mark.parametrize(
    "text", ["", KEY[:-1], KEY + "0", "zz" * 32, "00" * 32, "ff" * 32, "not a key at all"]
)
def test_a_malformed_key_is_refused_without_its_content(tmp_path: Path, text: str) -> None:
    with pytest.raises(PrivateKeyError, match="private_key_file") as refused:
        load_private_key(with_file(key_file(tmp_path, text)))
    assert not text or text not in str(refused.value)


def test_a_file_of_bytes_is_refused_without_its_content(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"\xff\xfe" * 32)
    path.chmod(0o600)
    with pytest.raises(PrivateKeyError, match="64 hex digits"):
        load_private_key(with_file(path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PrivateKeyError, match="cannot be read: No such file"):
        load_private_key(with_file(tmp_path / "nowhere"))


def test_a_pipe_is_no_key_file_and_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "key", 0o600)
    with pytest.raises(PrivateKeyError, match="no plain file"):
        load_private_key(with_file(tmp_path / "key"))


def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = key_file(tmp_path, KEY)
    owner = path.stat().st_uid
    monkeypatch.setattr("actors.venue.keys.os.geteuid", lambda: owner + 1)
    if owner == 0:
        os.chown(path, 4_242, -1)
    with pytest.raises(PrivateKeyError, match=r"belongs to uid \d+, who can change it"):
        load_private_key(with_file(path))


@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_a_folder_in_which_others_may_replace_the_key_is_refused(tmp_path: Path, mode: int) -> None:
    path = key_file(tmp_path, KEY)
    tmp_path.chmod(mode)
    with pytest.raises(PrivateKeyError, match="others may write in"):
        load_private_key(with_file(path))
    tmp_path.chmod(0o700)
    assert load_private_key(with_file(path))


def test_a_file_that_is_too_large_is_no_key(tmp_path: Path) -> None:
    with pytest.raises(PrivateKeyError, match="64 hex digits"):
        load_private_key(with_file(key_file(tmp_path, KEY + "0" * 10_000_000)))


# ---- credentials of systemd -------------------------------------------------------------------


def credential(name: str = "trading-key") -> Venue:
    return msgspec.structs.replace(venue(), private_key_file=f"$CREDENTIALS_DIRECTORY/{name}")


@pytest.mark.parametrize("mode", [0o400, 0o440, 0o600])
def test_a_key_comes_from_a_credential_as_systemd_makes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    key_file(tmp_path, KEY, mode).rename(tmp_path / "trading-key")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert load_private_key(credential()) == f"0x{KEY}"


@pytest.mark.parametrize("mode", [0o444, 0o460, 0o604])
def test_a_credential_that_others_may_read_or_write_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    key_file(tmp_path, KEY, mode).rename(tmp_path / "trading-key")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(PrivateKeyError, match="others may read it"):
        load_private_key(credential())


@pytest.mark.parametrize("folder", [None, "", "relative"])
def test_a_credential_without_its_unit_says_how_to_start_the_command(
    monkeypatch: pytest.MonkeyPatch, folder: str | None
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    if folder is not None:
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", folder)
    with pytest.raises(PrivateKeyError, match="systemd-run"):
        load_private_key(credential())


def test_the_fleet_keeps_the_name_of_the_credentials_folder() -> None:
    given = {"CREDENTIALS_DIRECTORY": "/run/credentials/midstride.service"}
    assert child_environment(given)["CREDENTIALS_DIRECTORY"] == given["CREDENTIALS_DIRECTORY"]
