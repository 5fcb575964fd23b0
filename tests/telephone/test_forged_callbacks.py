"""At the real addresses of a centre: what is forged is refused and counted, what is played again changes nothing."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from callcenter import metrics
from callcenter.alerts.call_model import Call, CallState
from callcenter.storage import tables as t
from callcenter.telephony.twiml import RETRIED
from simulators.carrier.callees import Callee
from simulators.carrier.webhooks import signature
from tests.telephone.exchange import HOTLINE, NEIGHBOURS, RESIDENT, SID, TOKEN, Exchange
from tests.telephone.village import rows, village

pytestmark = pytest.mark.long


class Forger:
    """Sends callbacks to a centre, signed with whatever token, or not at all."""

    def __init__(self, exchange: Exchange, session: aiohttp.ClientSession) -> None:
        self.exchange, self.session = exchange, session

    async def send(
        self, path: str, form: dict[str, str], *, token: str | None = TOKEN, overrides: str = "", **headers: str
    ) -> int:
        url = f"http://127.0.0.1:{self.exchange.port}/telephony/twilio/v1/{path}"
        data = {"AccountSid": SID} | form
        if token is not None:
            headers = {"X-Twilio-Signature": signature(token, url + overrides, data.items())} | headers
        async with self.session.post(url, data=data, headers=headers) as answer:
            return answer.status


@pytest.fixture
async def forger(tmp_path: Path) -> AsyncIterator[Forger]:
    """In a village where neighbours are being asked."""
    async with village(tmp_path, default=Callee("ignore")) as exchange, aiohttp.ClientSession() as session:
        yield Forger(exchange, session)


async def asked(exchange: Exchange) -> Call:
    """A neighbour who hears the question and presses nothing yet."""
    exchange.callees(Callee("busy"), "+861000000501")
    exchange.callees(Callee("press", digits=("",), rings_s=1), NEIGHBOURS[0])
    alert = await exchange.press()

    def hears() -> Call | None:
        calls = exchange.calls(alert)
        return next((c for c in calls if c.number == NEIGHBOURS[0] and c.step == "offer" and c.provider_ref), None)

    return await exchange.until(hears, what="the question")


def refused() -> float:
    return sum(
        sample.value
        for metric in metrics.callbacks.collect()
        for sample in metric.samples
        if sample.name.endswith("_total") and sample.labels["outcome"] == "refused"
    )


def yes(call: Call) -> tuple[str, dict[str, str]]:
    return f"step/{call.id}?step=offer&role=responder&room={call.room}", {"CallSid": call.provider_ref, "Digits": "1"}


async def test_a_forged_or_unsigned_yes_is_refused_counted_and_not_even_stored(forger: Forger) -> None:
    exchange = forger.exchange
    call = await asked(exchange)
    path, form = yes(call)
    before, kept = refused(), len(rows(exchange, t.callbacks))
    assert await forger.send(path, form, token="somebody else's") == 403
    assert await forger.send(path, form, token=None) == 403
    assert await forger.send(path, form, **{"X-Twilio-Signature": "", "token": ""}) == 403
    other_account = {"AccountSid": "AC" + "1" * 32} | form
    assert await forger.send(path, form | other_account) == 403
    assert refused() == before + 4
    assert {row["what"] for row in rows(exchange, t.callbacks)[kept:]} <= {"ringing", "queued", "answered", "ended"}
    assert not exchange.alert(call.alert_id or "").responder


async def test_a_genuine_callback_changed_on_its_way_is_refused(forger: Forger) -> None:
    exchange = forger.exchange
    call = await asked(exchange)
    path, form = yes(call)
    url = f"http://127.0.0.1:{exchange.port}/telephony/twilio/v1/{path}"
    genuine = signature(TOKEN, url, ({"AccountSid": SID} | form | {"Digits": "2"}).items())
    assert await forger.send(path, form, token=None, **{"X-Twilio-Signature": genuine}) == 403
    assert (
        await forger.send(path.replace(call.id, "01OTHER"), form, token=None, **{"X-Twilio-Signature": genuine}) == 403
    )
    assert not exchange.alert(call.alert_id or "").responder


async def test_played_again_a_callback_is_answered_and_counted_and_changes_nothing(forger: Forger) -> None:
    exchange = forger.exchange
    call = await asked(exchange)
    path, form = f"status/{call.id}", {"CallSid": call.provider_ref, "CallStatus": "ringing", "SequenceNumber": "77"}
    assert await forger.send(path, form) == 204
    told = metrics.callbacks_repeated.labels("twilio")._value.get()
    stored = [row for row in rows(exchange, t.callbacks) if row["event_id"].endswith(":77")]
    assert len(stored) == 1
    assert await forger.send(path, form, **{"I-Twilio-Idempotency-Token": "another"}) == 204
    assert metrics.callbacks_repeated.labels("twilio")._value.get() == told + 1
    assert [row for row in rows(exchange, t.callbacks) if row["event_id"].endswith(":77")] == stored
    assert next(c for c in exchange.calls() if c.id == call.id).state is CallState.TALKING, "old news raises nothing"


async def test_an_old_yes_played_again_accepts_for_nobody_else(forger: Forger) -> None:
    exchange = forger.exchange
    call = await asked(exchange)
    path, form = yes(call)
    assert await forger.send(path, form) == 200
    alert = exchange.alert(call.alert_id or "")
    assert alert.responder == call.party
    entries = exchange.rules(alert.id).count("call.accepted_waiting")
    assert await forger.send(path, form) == 200
    assert exchange.rules(alert.id).count("call.accepted_waiting") == entries == 1


async def test_a_signed_callback_for_a_leg_of_ours_that_nobody_knows_is_kept_and_counted(forger: Forger) -> None:
    exchange = forger.exchange
    before = metrics.callbacks_unknown.labels("twilio")._value.get()
    form: dict[str, Any] = {"CallSid": "CA" + "9" * 32, "CallStatus": "completed", "SequenceNumber": "1"}
    assert await forger.send("status/01NEVERHEARDOF", form) == 204
    ours = {"Direction": "outbound-api", "From": HOTLINE, "To": RESIDENT}
    assert await forger.send("status", form | ours | {"CallSid": "CA" + "8" * 32}) == 204
    assert metrics.callbacks_unknown.labels("twilio")._value.get() == before + 2
    kept = [row for row in rows(exchange, t.callbacks) if not row["known"]]
    assert [row["call_id"] for row in kept] == ["01NEVERHEARDOF", ""]
    assert all(b"CA999" not in bytes(row["raw_sealed"]) for row in kept)
    assert exchange.calls() == []


async def test_a_notice_is_genuine_whether_its_overrides_are_signed_or_not(forger: Forger) -> None:
    """Nobody has written down which it is; of what somebody waits for on the line no address has any."""
    form = {"CallSid": "CA" + "8" * 32, "CallStatus": "ringing"}
    assert await forger.send("status/01GONE", form, overrides=RETRIED) == 204
    assert await forger.send("status/01GONE", form, overrides="#rc=4&rp=all") == 403
    assert await forger.send("voice/01GONE", form, overrides=RETRIED) == 403
