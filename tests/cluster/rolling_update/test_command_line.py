"""The operator's words reach the job that rolls."""

from cluster.commands.pace import job_options


def test_a_zero_is_a_word_too_and_what_was_not_said_is_left_out() -> None:
    given = {
        "shadow": 0,
        "bake": 2,
        "together": True,
        "fast": False,
        "canary": None,
        "slots": "",
        "submitted": 1.5,
    }
    expected = ["--shadow=0", "--bake=2", "--together", "--submitted=1.5"]
    assert job_options(given) == expected
