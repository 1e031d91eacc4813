"""A plan refuses a release that sends what the running shared actors cannot read."""

from actors import messages
from actors.rollout.message_versions import Messages, message_refusals, messages_in
from tests.rolling_update.trees import ROOT

OLD = Messages(release="a" * 64, sends=1, reads=1)
READER = Messages(release="b" * 64, sends=1, reads=2)
SENDER = Messages(release="c" * 64, sends=2, reads=2)


def test_the_versions_are_read_from_the_text_of_a_release() -> None:
    text = (ROOT / "actors/messages.py").read_text(encoding="utf-8")
    found = messages_in("r", text)
    assert found is not None
    assert (found.sends, found.reads) == (messages.MESSAGE_VERSION, messages.MESSAGES_READ)
    assert messages_in("r", "MESSAGE_VERSION = 3\n") == Messages(release="r", sends=3, reads=3)
    assert messages_in("r", "") is None


def test_two_rolls_bring_a_new_message_and_one_is_refused() -> None:
    assert list(message_refusals(READER, [OLD, OLD])) == []
    assert list(message_refusals(SENDER, [READER])) == []
    (refusal,) = message_refusals(SENDER, [READER, OLD])
    assert OLD.release[:12] in refusal
    assert "--all" in refusal


def test_what_an_archive_does_not_tell_refuses_nothing() -> None:
    assert list(message_refusals(None, [OLD])) == []
    assert list(message_refusals(SENDER, [None])) == []
