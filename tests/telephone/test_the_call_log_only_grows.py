"""The call log: whatever happens, what is written of a call stays as it is; and no number can be read anywhere."""

import json
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from callcenter.alerts.call_model import Role
from callcenter.ports import Committed
from callcenter.storage import tables as t
from simulators.carrier.callees import Callee
from simulators.carrier.faults import Faults
from tests.telephone.exchange import ANN_PHONE, CHANCE, DAUGHTER, NEIGHBOURS, RESIDENT, SOS_NUMBER, Exchange
from tests.telephone.village import joined, rings, rows, village

pytestmark = pytest.mark.long

# Said once, when the row is written.
FIXED = (
    "id", "direction", "role", "dialogue", "number_sealed", "number_digest", "party", "name", "alert_id", "area_id",
    "wave", "language", "wanted_at",
)  # fmt: skip
# Written when it happens, and then as firm. (`unknown_at` and `due` say what the centre waits for: no facts of a call.)
ONCE = (
    "placed_at", "ringing_at", "answered_at", "joined_at", "ended_at", "hang_up_at", "answer", "outcome", "talk_s",
    "provider_ref",
)  # fmt: skip
OVER = ("ended", "failed")


class Watcher:
    """Looks at every row after every commit."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.seen: dict[str, dict[str, Any]] = {}
        self.edits: list[tuple[str, str, Any, Any]] = []
        exchange.door.listen(self.look)

    def look(self, _committed: Committed | None = None) -> None:
        now = {row["id"]: row for row in rows(self.exchange, t.calls)}
        self.edits += [("row", call, None, None) for call in self.seen.keys() - now.keys()]
        for call, before in self.seen.items():
            after = now.get(call, before)
            firm = FIXED + tuple(name for name in ONCE if before[name] not in (None, ""))
            if before["state"] in OVER:
                firm += ("state", "cause", *(name for name in ONCE if name != "provider_ref"))
            self.edits += [(call, name, before[name], after[name]) for name in firm if before[name] != after[name]]
        self.seen = now


async def everything(exchange: Exchange) -> None:
    """A press, a resident who is heard, neighbours who go, refuse and are too late, callers who wait and give up."""
    exchange.callees(Callee("answer", rings_s=2, stays_s=30), ANN_PHONE)
    exchange.callees(Callee("speaks", says=("喂",), rings_s=2), RESIDENT)
    exchange.callees(Callee("ignore"), DAUGHTER)
    exchange.callees(Callee("answer", rings_s=1, stays_s=12), CHANCE)
    await exchange.seat()
    alert = await exchange.press()
    await exchange.until(lambda: joined(exchange, alert) == {Role.ELDER, Role.OPERATOR}, what="a talk")
    await exchange.act(alert, "claim")
    exchange.callees(Callee("press", digits=("1",), rings_s=1), *NEIGHBOURS[:2])
    await exchange.act(alert, "dispatch")
    await exchange.until(lambda: exchange.alert(alert).responder, what="somebody goes")
    rings(exchange, CHANCE, callee=Callee("silent", stays_s=4))
    rings(exchange, CHANCE.replace("599", "598"), SOS_NUMBER, Callee("silent", stays_s=25))
    await exchange.until(lambda: CHANCE in exchange.dialled(), what="a call-back")
    await exchange.until(lambda: all(leg["ended_at"] for leg in exchange.carrier.ledger() if leg["to"] == CHANCE),
                         what="its end")  # fmt: skip


async def test_nothing_written_of_a_call_is_ever_edited_though_the_carrier_repeats_reorders_and_loses(
    tmp_path: Path,
) -> None:
    lies = Faults(callbacks={"duplicate": 0.3, "reorder": 0.2, "lose": 0.1})
    async with village(tmp_path, faults=lies) as exchange:
        watcher = Watcher(exchange)
        await everything(exchange)
        watcher.look()
        assert len(watcher.seen) > 6
        assert watcher.edits == []


def on_disk(directory: Path) -> bytes:
    return b"".join(file.read_bytes() for file in directory.glob("village.db*"))


async def test_no_number_can_be_read_in_the_database_the_log_or_the_timeline(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Of callers: the numbers of residents, contacts and seats are lists that people keep."""
    stranger = CHANCE.removeprefix("+86")
    with capture_logs() as logged:
        async with village(tmp_path) as exchange:
            await everything(exchange)
            raw = [row["raw_sealed"] for row in rows(exchange, t.callbacks)]
            assert any(exchange.writer._seal.open(one).count(stranger) for one in raw if exchange.writer._seal), (
                "it was told"
            )
            timeline = json.dumps([entry.data + str(entry.after) for entry in exchange.entries()])
    for known in (stranger, RESIDENT.removeprefix("+86"), NEIGHBOURS[0].removeprefix("+86"), "1000000598"):
        assert known not in timeline
        assert known not in json.dumps(logged, default=str)
        assert known not in caplog.text
        assert known not in "".join(capfd.readouterr())
    assert stranger.encode() not in on_disk(tmp_path)
