"""docs/messages.md and the tables of docs/detectors.md are what the code says."""

from tests import detectors_page
from tests.messages_page import PAGE, page, raised, refusals


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.messages_page"


def test_the_tables_of_detectors_are_what_the_registry_says() -> None:
    text = detectors_page.PAGE.read_text(encoding="utf-8")
    assert text == detectors_page.page(text), "python -m tests.detectors_page"


def test_the_page_finds_errors_and_reasons() -> None:
    texts = [text for _, text in raised()]
    print(f"{len(texts)} errors of commands, {len(refusals())} reasons of a refused roll")
    assert len(texts) > 100
    assert len(refusals()) > 15


def test_nothing_speaks_of_the_module_that_it_runs() -> None:
    assert "python -m cluster" not in PAGE.read_text(encoding="utf-8")
