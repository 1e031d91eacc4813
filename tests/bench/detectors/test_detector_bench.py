"""`make bench`: the figures of gate and detectors, shorter than the module's own run."""

import pytest

from tests.bench.detectors.__main__ import main


@pytest.mark.bench
def test_print_false_alarms_and_delays() -> None:
    main(["--periods", "20", "--runs", "300"])
