"""Brokers deliver twice, late and out of order. However a press comes, it counts once, even when its alert is over."""

import json
from collections.abc import Callable

import paho.mqtt.client as paho
import pytest

from callcenter.storage import tables as t
from tests.e2e.deployment import Deployment
from tests.processes import wait_for

pytestmark = pytest.mark.slow
MORNING, NOON = "2026-11-21T08:00:00Z", "2026-11-21T12:00:00Z"


class Hand:
    """Sends any message at any time, as a broker might hand it over."""

    def __init__(self, one: Deployment) -> None:
        self._one = one
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="hand")
        self._client.connect("127.0.0.1", one.service.mqtt_port)
        self._client.loop_start()

    def send(self, device: str, msg: str, *, at: str, rep: int) -> None:
        """Returns when the centre has decided on it."""
        body = json.dumps({"v": 1, "msg": msg, "kind": "sos", "at": at, "clock": "net", "rep": rep})
        before = self._decided()
        self._client.publish(f"vnh/v1/{device}/up/sos", body, qos=1).wait_for_publish(5)
        wait_for(lambda: self._decided() > before, what="a decision")

    def _decided(self) -> float:
        metric = self._one.metric
        return metric('vnh_alarms_received_total{kind="sos"}') + metric("vnh_signals_repeated_total")

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def resolve(one: Deployment) -> None:
    for alert in one.books.rows(t.alerts, t.alerts.c.state == "waiting"):
        assert one.act(alert.id, "claim") == 200
        assert one.act(alert.id, "resolve", outcome="helped_at_home") == 200


def test_a_press_counts_once_however_it_is_delivered(deploy: Callable[..., Deployment]) -> None:
    one = deploy()
    one.start()
    one.sign_in()
    hand = Hand(one)

    def counts() -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for alert in sorted(one.books.rows(t.alerts), key=lambda row: row.opened_at):
            found.setdefault(alert.device_id, []).append(alert.press_count)
        return found

    try:
        # The repeat overtakes the first sending, which the broker gives again only after its ack_wait.
        hand.send("bracelet-1", "1", at=MORNING, rep=1)
        resolve(one)
        hand.send("bracelet-1", "1", at=MORNING, rep=0)
        # A bracelet counts from 1 again: another press, and all that is said of the first one holds for it too.
        hand.send("bracelet-2", "1", at=MORNING, rep=0)
        resolve(one)
        hand.send("bracelet-2", "1", at=NOON, rep=0)
        hand.send("bracelet-2", "1", at=NOON, rep=0)
        hand.send("bracelet-2", "1", at=NOON, rep=1)
        while_open = counts()
        resolve(one)
        hand.send("bracelet-2", "1", at=NOON, rep=0)
        hand.send("bracelet-2", "1", at=NOON, rep=2)
        assert (while_open["bracelet-2"], counts()) == ([1, 1], {"bracelet-1": [1], "bracelet-2": [1, 1]})
    finally:
        hand.close()
