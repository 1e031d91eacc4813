"""What our processes are given of the environment that they were started from."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.local.environment import SET, child_environment, rule_of
from cluster.local.environment_rules import RULES, Fate
from cluster.local.head import head_environment
from cluster.local.jobs import WORKING_TREE
from cluster.local.state_folder import StateFolder

PAGE = WORKING_TREE / "docs/environment.md"
KEPT = ("PATH", "HOME", "TZ", "TERM", "NO_COLOR", "LD_PRELOAD", "OMP_NUM_THREADS", "MY_KEY")


@pytest.mark.parametrize(
    "name",
    [
        *("http_proxy", "HTTPS_PROXY", "all_proxy", "grpc_proxy", "PYTHONPATH", "PYTHONHOME"),
        *("PYTHONOPTIMIZE", "PYTHONWARNINGS", "PYTHONSTARTUP", "PYTHONHASHSEED", "VIRTUAL_ENV"),
        *("CONDA_PREFIX", "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "RAY_ADDRESS"),
        *("RAY_TMPDIR", "RAY_anything_at_all", "PIP_TARGET", "UV_PROJECT", "LC_CTYPE", "LANG"),
        *("XDG_RUNTIME_DIR", "NOTIFY_SOCKET", "BASH_ENV", "SSLKEYLOGFILE", "MIDSTRIDE_OWNER"),
    ],
)
def test_what_would_change_our_processes_is_not_passed_on(name: str) -> None:
    assert name not in child_environment({name: "value"})


def test_what_a_person_set_for_all_programs_or_for_a_key_is_passed_on() -> None:
    kept = child_environment(dict.fromkeys(KEPT, "value"))
    assert {name: kept[name] for name in KEPT} == dict.fromkeys(KEPT, "value")


def test_a_certificate_file_or_temporary_folder_is_passed_on_only_if_it_exists(
    tmp_path: Path,
) -> None:
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "TMPDIR"):
        assert child_environment({name: str(tmp_path)})[name] == str(tmp_path)
        assert name not in child_environment({name: str(tmp_path / "gone")})


def test_loopback_is_asked_directly_and_texts_are_utf_8_whatever_was_given() -> None:
    made = child_environment({"NO_PROXY": "example.org", "LC_ALL": "xx_YY", "PYTHONUTF8": "0"})
    assert "127.0.0.1" in made["NO_PROXY"]
    assert "127.0.0.1" in made["no_proxy"]
    assert (made["LC_ALL"], made["PYTHONUTF8"], made["NETRC"]) == ("C.UTF-8", "1", os.devnull)


@pytest.mark.parametrize("value", ["0", "-1", "abc", "", "9", "\u0664\u0664"])
def test_a_terminal_size_that_is_none_is_not_passed_on(value: str) -> None:
    assert "COLUMNS" not in child_environment({"COLUMNS": value})
    assert child_environment({"COLUMNS": "80"})["COLUMNS"] == "80"


@given(st.dictionaries(st.sampled_from([*KEPT, "http_proxy", "LANG", "RAY_X", "A"]), st.text()))
def test_cleaning_twice_is_cleaning_once(given_environment: dict[str, str]) -> None:
    once = child_environment(given_environment, lambda _: True)
    assert child_environment(once, lambda _: True) == {
        name: value for name, value in once.items() if name in SET or rule_of(name) is None
    }


def test_the_page_names_every_variable_that_a_rule_decides_and_every_one_that_is_set() -> None:
    page = PAGE.read_text(encoding="utf-8")
    names = [name for rule in RULES for name in rule.names]
    assert [name for name in (*names, *SET, *KEPT[:-1]) if f"`{name}`" not in page] == []
    assert {rule.fate for rule in RULES} == set(Fate)


def front_door(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cluster", *words],
        cwd=WORKING_TREE,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "odd",
    [
        {"PYTHONPATH": "{folder}"},
        {"PYTHONOPTIMIZE": "2", "PYTHONWARNINGS": "error"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"},
        {"http_proxy": "http://127.0.0.1:9", "ALL_PROXY": "socks5://127.0.0.1:9"},
        {"HOME": "{folder}/a home of j\u00fcrgen", "TERM": "dumb", "COLUMNS": "0"},
        {"RAY_ADDRESS": "10.0.0.1:1", "GIT_DIR": "/nowhere", "TMPDIR": "/nowhere"},
    ],
    ids=["foreign-modules", "no-asserts", "ascii", "proxy", "home", "elsewhere"],
)
def test_a_command_works_in_an_odd_shell(tmp_path: Path, odd: dict[str, str]) -> None:
    (tmp_path / "msgspec.py").write_text("raise SystemExit('a foreign module was imported')")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    given = {name: value.replace("{folder}", str(tmp_path)) for name, value in odd.items()}
    found = front_door(environment | given, "config", "check")
    assert found.returncode == 0, found.stderr
    assert "Traceback" not in found.stderr


def test_closed_streams_and_an_open_umask_harm_nothing(tmp_path: Path) -> None:
    state = tmp_path / "s"
    command = f'umask 000; exec "$0" -m cluster doctor --state "{state}" <&- >&- 2>&-'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable], cwd=WORKING_TREE, check=False, env=os.environ
    )
    assert done.returncode in {0, 1}
    assert state.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("words", ["config check", "config check --json", "strategies list"])
def test_a_reader_that_has_seen_enough_is_no_fault(tmp_path: Path, words: str) -> None:
    said = tmp_path / "said"
    command = f'"$0" -m cluster {words} 2>"{said}" | true; sleep 0'
    subprocess.run(["bash", "-c", command, sys.executable], cwd=WORKING_TREE, check=True)
    assert "Error" not in said.read_text()


@pytest.mark.parametrize("words", ["config check --json", "strategies list"])
def test_an_answer_that_cannot_be_written_is_a_failure_with_one_line(words: str) -> None:
    command = f'"$0" -m cluster {words} >/dev/full'
    done = subprocess.run(
        ["bash", "-c", command, sys.executable],
        cwd=WORKING_TREE,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith(
        "error: the output cannot be written (No space left on device): free"
    )


def test_a_user_without_a_home_folder_is_told_to_name_one(tmp_path: Path) -> None:
    from cluster.errors import ClusterError
    from cluster.local.state_folder import state_folder

    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(ClusterError, match="--state"):
        state_folder(str(loop / "x"), {})
    assert state_folder(None, {"XDG_STATE_HOME": "relative"}).root.is_absolute()


def test_the_head_remembers_few_calls(tmp_path: Path) -> None:
    kept = head_environment(StateFolder(tmp_path))["RAY_task_events_max_num_task_in_gcs"]
    assert int(kept) <= 10_000, "the head's memory is bounded"
