"""The price-time book, by example and against a naive list of orders."""

from hypothesis import given
from hypothesis import strategies as st

from cluster.sandbox.book import Book, Resting, flip, is_bid
from cluster.sandbox.model import MICRO, Level, Outcome, Side

CENT = 10_000


def resting(
    name: str, cents: int, shares: int, side: Side = Side.BUY, outcome: Outcome = Outcome.UP
) -> Resting:
    return Resting(
        order_id=name,
        api_key="someone",
        outcome=outcome,
        side=side,
        up_price=flip(outcome, cents * CENT),
        shares=shares,
    )


def test_at_one_price_the_older_order_is_hit_first() -> None:
    book = Book()
    assert book.add(resting("old", 40, 10)) == 0
    assert book.add(resting("young", 40, 10)) == 10
    hits = book.hits(buying_up=False, up_limit=40 * CENT, shares=15)
    assert [(hit.resting.order_id, hit.shares) for hit in hits] == [("old", 10), ("young", 5)]


def test_a_better_price_is_hit_before_an_older_order() -> None:
    book = Book()
    book.add(resting("old", 40, 10))
    book.add(resting("better", 41, 10))
    hits = book.hits(buying_up=False, up_limit=40 * CENT, shares=20)
    assert [hit.resting.order_id for hit in hits] == ["better", "old"]


def test_a_limit_is_never_passed() -> None:
    book = Book()
    book.add(resting("bid", 40, 10))
    assert book.hits(buying_up=False, up_limit=41 * CENT, shares=10) == []


def test_buying_down_is_an_ask_for_up() -> None:
    book = Book()
    book.add(resting("down", 30, 10, outcome=Outcome.DOWN))
    assert book.best(bid=False) == 70 * CENT
    assert book.levels(Outcome.DOWN) == ((Level(30 * CENT, 10),), ())
    assert book.levels(Outcome.UP) == ((), (Level(70 * CENT, 10),))


def test_shares_ahead_shrink_when_older_orders_leave() -> None:
    book = Book()
    for name in ("a", "b", "c"):
        book.add(resting(name, 40, 10))
    assert book.ahead("c") == 20
    book.remove("a")
    assert book.ahead("c") == 10
    assert book.ahead("a") is None


ORDERS = st.tuples(
    st.sampled_from(list(Outcome)),
    st.sampled_from(list(Side)),
    st.integers(1, 99),
    st.integers(1, 50),
)


@given(st.lists(st.tuples(st.sampled_from(["add", "take", "remove"]), ORDERS), max_size=60))
def test_the_book_agrees_with_a_sorted_list(
    actions: list[tuple[str, tuple[Outcome, Side, int, int]]],
) -> None:
    book, naive = Book(), []
    for number, (action, (outcome, side, cents, shares)) in enumerate(actions):
        up_price = flip(outcome, cents * CENT)
        bid = is_bid(outcome, side)
        if action == "add":
            order = resting(str(number), cents, shares, side, outcome)
            book.add(order)
            naive.append([bid, up_price, number, shares])
        elif action == "remove" and naive:
            gone = naive.pop(shares % len(naive))
            book.remove(str(gone[2]))
        else:
            wanted = _naive_hits(naive, up_price, shares, buying=bid)
            hits = book.hits(buying_up=bid, up_limit=up_price, shares=shares)
            assert [(int(h.resting.order_id), h.shares) for h in hits] == wanted
            for hit in hits:
                book.lower(hit.resting, hit.shares)
            for name, taken in wanted:
                next(o for o in naive if o[2] == name)[3] -= taken
            naive = [o for o in naive if o[3]]
        assert _levels(naive, bid=True) == [(x.price, x.shares) for x in book.levels(Outcome.UP)[0]]
        assert _levels(naive, bid=False) == [
            (x.price, x.shares) for x in book.levels(Outcome.UP)[1]
        ]


def _naive_hits(
    naive: list[list[int]], limit: int, shares: int, *, buying: bool
) -> list[tuple[int, int]]:
    sign = 1 if buying else -1
    other = [o for o in naive if bool(o[0]) is not buying and sign * o[1] <= sign * limit]
    found = []
    for _, _, name, size in sorted(other, key=lambda o: (sign * o[1], o[2])):
        if shares:
            found.append((name, min(size, shares)))
            shares -= min(size, shares)
    return found


def _levels(naive: list[list[int]], *, bid: bool) -> list[tuple[int, int]]:
    prices = {o[1] for o in naive if bool(o[0]) is bid}
    return [
        (p, sum(o[3] for o in naive if bool(o[0]) is bid and o[1] == p))
        for p in sorted(prices, reverse=bid)
    ]


def test_touched_levels_are_told_once() -> None:
    book = Book()
    book.add(resting("a", 40, MICRO))
    assert book.take_touched() == [(True, 40 * CENT)]
    assert book.take_touched() == []
