"""Who has said yes gets the address by text. A telephone that takes none (21614), or a carrier that sends none, is told
to people, so that somebody says it aloud; the number stands nowhere."""

import json
from pathlib import Path

import pytest

from callcenter.storage import work
from simulators.carrier.account import Network
from simulators.carrier.callees import Callee
from simulators.carrier.faults import Faults
from tests.telephone.exchange import NEIGHBOURS, RESIDENT, Exchange, fill

GOES = NEIGHBOURS[0]


@pytest.mark.parametrize(
    ("how", "reason"), [("landline", "no_text"), ("error", "text_unsure"), ("throttled", "text_not_sent")]
)
async def test_the_operator_sees_that_somebody_has_to_say_the_address(how: str, reason: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    fill(url)
    network = Network(landlines=(GOES,) if how == "landline" else ())
    faults = Faults(answers={how: 1.0} if how != "landline" else {}, operations=("CreateMessage",))
    async with Exchange(url, tmp_path, default=Callee("ignore"), network=network, faults=faults) as exchange:
        exchange.callees(Callee("busy"), RESIDENT)  # responders are asked at once
        exchange.callees(Callee("press", digits=("1",), rings_s=1), GOES)
        alert = await exchange.press()
        await exchange.until(lambda: "effect.failed" in exchange.rules(alert), what="the operator's notice")
        (entry,) = [e for e in exchange.entries() if e.rule == "effect.failed"]
        said = json.loads(entry.data)
        assert (said["effect"], said["reason"], said["name"]) == ("send_text", reason, "n1")
        assert entry.ring
        assert not any(GOES.removeprefix("+86") in e.data for e in exchange.entries()), "no number in clear"
        assert exchange.alert(alert).responder == "responder:n1", "they go all the same"
        rows = exchange.read(lambda c: c.execute(work.t.outbox.select()).all())
        assert [row.state for row in rows if row.kind == "send_text"] == ["failed"], "said once, and not sent again"


async def test_an_address_that_was_sent_is_nobodys_business(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    fill(url)
    async with Exchange(url, tmp_path, default=Callee("ignore")) as exchange:
        exchange.callees(Callee("busy"), RESIDENT)
        exchange.callees(Callee("press", digits=("1",), rings_s=1), GOES)
        alert = await exchange.press()
        await exchange.until(lambda: [text["to"] for text in exchange.carrier.texts()] == [GOES], what="the text")
        assert "effect.failed" not in exchange.rules(alert)
