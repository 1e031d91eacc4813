"""Every alarm that anyone raises has its row in the registry, and every row is raised."""

import functools

from actors.detectors.policy import POLICY, reaction_of
from actors.detectors.registry import KINDS, SECTIONS, advice_of, severity_of
from checkpoints.alarms import Severity
from tests.detectors.raise_sites import Reader, Site

OWN_SEVERITY = {"disk_low", "damaged_alarm"}
"""One grows graver as the disk fills; the store of alarms stands below the registry."""
NOT_OF_A_FLEET = ("actors/rehearsal/",)
"""A rehearsal raises a kind of its own inside a room that is thrown away."""


@functools.cache
def read() -> tuple[tuple[Site, ...], tuple[str, ...]]:
    reader = Reader()
    sites = tuple(s for s in reader.sites() if not s.file.startswith(NOT_OF_A_FLEET))
    return sites, tuple(reader.unread)


def test_every_kind_that_is_raised_has_a_row_and_every_row_is_raised() -> None:
    sites, unread = read()
    raised: dict[str, list[str]] = {}
    for site in sites:
        for kind in site.kinds:
            raised.setdefault(kind, []).append(f"{site.file}:{site.line}")
    print(f"{len(raised)} kinds, raised at {sum(len(found) for found in raised.values())} places")
    assert not unread, "a kind that this test cannot read"
    assert {kind: raised[kind] for kind in set(raised) - set(KINDS)} == {}, "raised without a row"
    assert set(KINDS) - set(raised) == set(), "a row that nobody raises"


def test_severities_come_from_the_registry() -> None:
    for site in read()[0]:
        if not site.severity:
            continue
        by_registry = site.severity.startswith("severity_of(") or site.severity == "effect.severity"
        assert by_registry or site.kinds <= OWN_SEVERITY, site
    assert severity_of("damaged_alarm") is Severity.CRITICAL
    assert (KINDS["disk_low"].severity, KINDS["disk_low"].worst) == ("warning", "critical")


def test_a_row_says_what_happened_and_what_to_do_in_sentences() -> None:
    for row in KINDS.values():
        for text in (row.means, row.remedy):
            assert text[0].isupper() or text[0] == "`", (row.kind, text)
            assert text[-1] in ".?", (row.kind, text)
        assert len(row.advice) < 260, row.kind
        assert "`make" not in row.advice, row.kind
        assert "python -m" not in row.advice, row.kind


def test_policy_and_sections_hold_every_kind_once() -> None:
    assert {kind: row.reaction for kind, row in KINDS.items()} == POLICY
    assert len(KINDS) == sum(len(section) for section in SECTIONS.values())


def test_a_kind_of_a_newer_release_is_told_as_critical() -> None:
    assert severity_of("kind_of_tomorrow") is Severity.CRITICAL
    assert reaction_of("kind_of_tomorrow") == "notify"
    assert advice_of("kind_of_tomorrow")
