"""The simulation can fail: each rule that is taken away is noticed by a seed."""

import pytest

from tests.simulation.mutations import MUTATIONS, Mutation
from tests.simulation.patches import patched
from tests.simulation.run import simulate

pytestmark = pytest.mark.timeout(1800)  # a minute of a core at most; a loaded machine gives a tenth


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_the_simulation_notices_that(mutation: Mutation) -> None:
    with patched(mutation.patches()):
        assert any(simulate(seed, mutation.wish).violations for seed in mutation.seeds), (
            mutation.name
        )


def test_the_same_wishes_without_a_mutation_violate_nothing() -> None:
    wishes = {repr(mutation.wish): mutation.wish for mutation in MUTATIONS}
    for wish in wishes.values():
        for seed in range(2):
            assert not simulate(seed, wish).violations, (seed, wish)
