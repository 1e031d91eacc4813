"""All bad releases of the table, by what is wrong with them."""

from typing import Final

from tests.bad_releases.answering import ANSWERING
from tests.bad_releases.case import Case
from tests.bad_releases.hanging import HANGING
from tests.bad_releases.leaving import LEAVING
from tests.bad_releases.never_serving import NEVER_SERVING
from tests.bad_releases.shared_actors import SHARED
from tests.bad_releases.surroundings import SURROUNDINGS

GROUPS: Final[dict[str, tuple[Case, ...]]] = {
    "never serving": NEVER_SERVING,
    "leaving decide": LEAVING,
    "hanging": HANGING,
    "answering": ANSWERING,
    "surroundings": SURROUNDINGS,
    "shared actors": SHARED,
}
