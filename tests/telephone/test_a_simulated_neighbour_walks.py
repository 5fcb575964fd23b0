"""A neighbour of the demo: gets the link by text, presses 1, opens it, walks, is at the door with a proof, is done."""

import asyncio
from pathlib import Path
from random import Random

import pytest

from callcenter.storage import tables as t
from simulators.neighbours import Neighbours
from tests.telephone.exchange import NEIGHBOURS, PACE, SEAL, fill
from tests.telephone.page import pages, served
from tests.telephone.test_offers import offers, sent
from tests.telephone.test_the_responders_page import _furnish
from tests.telephone.village import GOES, attended, change, rows

pytestmark = pytest.mark.long


async def test_the_whole_way_from_the_text_message(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    fill(url)
    change(url, _furnish)
    async with attended(url, tmp_path, settings={"links_in_texts": True}) as exchange:
        exchange.callees(GOES, NEIGHBOURS[0])
        made = pages(exchange.reader, exchange.door.submit, SEAL, exchange.clock)
        async with served(made.routes()) as base:
            people = Neighbours(exchange.carrier.url, base, Random(3), pace=PACE)
            living = asyncio.create_task(people.run())
            try:
                alert = await sent(exchange)
                await exchange.until(lambda: people.done, what="a neighbour who is done")
            finally:
                living.cancel()
                await asyncio.wait([living])
        (mine,) = (one for theirs in offers(exchange, alert).values() for one in theirs if one["state"] == "done")
        assert mine["proof"] == "position"
        assert exchange.alert(alert).responder == "", "who was there may be asked again"
        assert exchange.rules(alert).count("responder.moves") == 1
        assert exchange.alert(alert).state == "helping"
        assert rows(exchange, t.offer_positions) == []
        texts = [text["body"] for text in exchange.carrier.texts() if "/r/" in text["body"]]
        assert texts
        assert not any("王秀英" in text or "1号" in text for text in texts), "neither a whole name nor an address"
        assert all("王女士需要帮助" in text for text in texts)
