"""A number that the carrier will never ring is marked on the person: it is seen, is no cover, and is asked last."""

import json
from pathlib import Path

import pytest

from callcenter.storage import network, queries, refused_phones
from simulators.carrier.account import Network
from simulators.carrier.callees import Callee
from tests.telephone.exchange import NEIGHBOURS, RESIDENT, Exchange, fill

WRONG = NEIGHBOURS[0]


@pytest.fixture
def village_url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    fill(url)
    return url


def marked(exchange: Exchange) -> set[str]:
    return set(exchange.read(refused_phones.parties))


def asked(exchange: Exchange, alert: str) -> list[str]:
    """Whom the alert asked to go, in order."""
    return [call.party for call in exchange.calls(alert) if call.dialogue == "offer"]


async def test_it_is_seen_and_is_no_cover_and_is_asked_last_the_next_time(village_url: str, tmp_path: Path) -> None:
    forbidden = Network(forbidden=(WRONG,))
    async with Exchange(village_url, tmp_path, default=Callee("ignore"), network=forbidden) as exchange:
        exchange.callees(Callee("busy"), RESIDENT)  # so that others are asked at once
        first = await exchange.press()
        await exchange.until(lambda: marked(exchange), what="a mark")
        assert marked(exchange) == {"responder:n1"}
        assert "responder:n1" in asked(exchange, first)[:3]
        # seen
        (entry,) = [e for e in exchange.entries() if e.rule == "phone.refused"]
        said = json.loads(entry.data)
        assert (entry.alert_id, said["party"], said["name"], said["reason"]) == (
            first, "responder:n1", "n1", "not_permitted",
        )  # fmt: skip
        assert WRONG.removeprefix("+86") not in entry.data, "no number in clear"
        shown = {row["id"]: row["phone_refused"] for row in exchange.read(queries.responders, "", 100)}
        assert (shown["n1"]["gateway"], shown["n2"]) == ("twilio", None)
        # no cover
        lines = {post.line for post in exchange.read(network.posts, after=exchange.clock.now())}
        assert WRONG not in lines
        assert NEIGHBOURS[1] in lines
        # last, and still asked
        await exchange.act(first, "claim")
        await exchange.act(first, "resolve", outcome="helped_at_home")
        await exchange.all_over(first)
        second = await exchange.press()
        await exchange.until(lambda: "responder:n1" in asked(exchange, second), what="who was refused before")
        assert "responder:n1" not in asked(exchange, second)[:3], "with the last wave of the level, not with the first"
        assert [e.alert_id for e in exchange.entries() if e.rule == "phone.refused"] == [first], "told once"


async def test_who_is_rung_after_all_is_marked_no_more(village_url: str, tmp_path: Path) -> None:
    async with Exchange(village_url, tmp_path, default=Callee("ignore")) as exchange:
        await exchange.door.later(
            lambda c: refused_phones.mark(
                c, "resident:r-1", gateway="twilio", reason="number_rejected", at=exchange.clock.now()
            )
        )
        assert exchange.read(queries.resident, "r-1")["phone_refused"]["reason"] == "number_rejected"
        alert = await exchange.press()  # a resident is rung, marked or not
        await exchange.until(lambda: exchange.dialled(RESIDENT), what="the resident")
        await exchange.until(lambda: "call.rings" in exchange.rules(alert), what="the news of it")
        assert exchange.read(queries.resident, "r-1")["phone_refused"] is None
