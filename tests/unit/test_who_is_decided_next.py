"""The door's queues: a storm of presses keeps no deadline and no person waiting, and is kept waiting by none."""

import asyncio

from hypothesis import given, strategies as st

from handlers.intake import LARGEST_GROUP, OTHERS, _Queues, _Waiting

some = st.integers(0, 3 * LARGEST_GROUP)


def filled(others: int, presses: int) -> _Queues:
    queues, loop = _Queues(), asyncio.new_event_loop()
    loop.close()
    queues.urgent.extend(_Waiting(("other", n), asyncio.Future(loop=loop)) for n in range(others))
    queues.storm.extend(_Waiting(("press", n), asyncio.Future(loop=loop)) for n in range(presses))
    return queues


@given(some, some)
def test_each_has_half_of_a_group_and_what_the_other_leaves(others: int, presses: int) -> None:
    group = [one.what[0] for one in filled(others, presses).next_group()]
    assert len(group) == min(LARGEST_GROUP, others + presses)
    assert group.count("other") >= min(others, OTHERS)
    assert group.count("press") >= min(presses, LARGEST_GROUP - OTHERS)
    assert group == sorted(group), "presses last"


@given(some, some)
def test_everything_is_decided_once_each_kind_in_its_order(others: int, presses: int) -> None:
    queues, decided = filled(others, presses), []
    while queues:
        decided += queues.next_group()
    for kind, number in (("other", others), ("press", presses)):
        assert [one.what[1] for one in decided if one.what[0] == kind] == list(range(number))
