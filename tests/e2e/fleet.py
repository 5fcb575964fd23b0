"""Bracelets that press all the time, and a ledger of what they were told. Nothing here is the centre's own code.

Each bracelet is a plain paho client. It repeats a press until it hears an ack for its `msg`, as the contract says,
only faster. The ledger lives in the test's process, which nobody kills.
"""

import contextlib
import json
import random
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime

import paho.mqtt.client as paho

TICK_S = 0.005
MOST_UNANSWERED = 5  # nobody presses a hundred times a second; a bracelet with so many open presses waits
LONGEST_REPEAT_S = 5.0


@dataclass(slots=True)
class Press:
    """One press and everything the bracelet knows about it; times are monotonic."""

    device: str
    msg: str
    pressed: float
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat())  # the same in every repeat
    sent: list[float] = field(default_factory=list)
    taken: list[float] = field(default_factory=list)  # the broker has acknowledged a sending
    acks: list[tuple[float, str, str | None]] = field(default_factory=list)  # (when, level, alert)

    @property
    def key(self) -> tuple[str, str]:
        return self.device, self.msg

    @property
    def levels(self) -> set[str]:
        return {level for _when, level, _alert in self.acks}


class Bracelet:
    """One connection of one device. All its fields are changed under the fleet's lock."""

    def __init__(self, fleet: "Fleet", device: str, port: int) -> None:
        self.device = device
        self.presses: dict[str, Press] = {}
        self.unanswered: dict[str, Press] = {}
        self.next_press = 0.0
        self._fleet = fleet
        self._prefix = f"vnh/v1/{device}/"
        self._by_mid: dict[int, Press] = {}
        self._taken: deque[tuple[int, float]] = deque()
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=device, clean_session=True)
        self.client.username_pw_set(device, "a test password")
        self.client.max_inflight_messages_set(1000)
        self.client.reconnect_delay_set(0.1, 0.6)
        self.client.on_connect = lambda client, *_: client.subscribe(f"{self._prefix}down/#", qos=1)
        self.client.on_subscribe = self._granted
        self.client.on_message = lambda _client, _data, message: self._hear(message)
        # paho holds a lock of its own meanwhile, which publish() wants too: never take the fleet's lock there.
        self.client.on_publish = lambda _client, _data, mid, *_: self._taken.append((mid, time.monotonic()))
        self.client.connect_async("127.0.0.1", port, keepalive=20)

    def _granted(self, client: paho.Client, _data: object, _mid: int, codes: list, _properties: object) -> None:
        """A cluster that is just electing refuses: connected and deaf, nobody would hear an answer."""
        if any(code.is_failure for code in codes):
            client.subscribe(f"{self._prefix}down/#", qos=1)

    def _hear(self, message: paho.MQTTMessage) -> None:
        if not message.topic.endswith("down/ack"):
            return
        ack = json.loads(message.payload)
        with self._fleet.lock:
            press = self.presses.get(ack["ref"])
            if press is None:
                self._fleet.strange.append(f"{self.device} heard an ack for {ack['ref']}, which it never sent")
                return
            press.acks.append((time.monotonic(), ack["level"], ack.get("alert")))
            self.unanswered.pop(press.msg, None)

    def note_taken(self) -> None:
        """Write down what the broker has acknowledged."""
        while self._taken:
            mid, when = self._taken.popleft()
            if press := self._by_mid.pop(mid, None):
                press.taken.append(when)

    def press(self) -> Press:
        made = Press(self.device, f"m{len(self.presses):05}", time.monotonic())
        self.presses[made.msg] = self.unanswered[made.msg] = made
        return made

    def send(self, press: Press) -> None:
        body = {
            "v": 1,
            "msg": press.msg,
            "kind": "sos",
            "src": "button",
            "at": press.at,
            "clock": "net",
            "rep": len(press.sent),
        }
        press.sent.append(time.monotonic())
        info = self.client.publish(f"{self._prefix}up/sos", json.dumps(body), qos=1)
        self._by_mid[info.mid] = press


class Fleet:
    """Bracelets on one broker. `every_s` is the mean time between presses of one bracelet; 0: only `press()`.

    Presses come at random times of their own dice, so that nothing runs in step with whoever kills the centre.
    """

    def __init__(
        self,
        port: int,
        *,
        bracelets: int = 9,
        every_s: float = 0.0,
        repeat_s: float | None = 0.8,
        seed: int = 1,
    ) -> None:
        self.lock = threading.RLock()
        self.strange: list[str] = []
        self.every_s, self.repeat_s = every_s, repeat_s
        self.pressing = every_s > 0
        self._dice = random.Random(f"fleet/{seed}")
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fleet", daemon=True)
        self.bracelets = {f"bracelet-{n}": Bracelet(self, f"bracelet-{n}", port) for n in range(1, bracelets + 1)}

    def __enter__(self) -> "Fleet":
        for bracelet in self.bracelets.values():
            bracelet.client.loop_start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(5)
        for bracelet in self.bracelets.values():
            with contextlib.suppress(ValueError, OSError):
                bracelet.client.disconnect()
            bracelet.client.loop_stop()

    def _run(self) -> None:
        while not self._over.wait(TICK_S):
            now = time.monotonic()
            with self.lock:
                for bracelet in self.bracelets.values():
                    self._live(bracelet, now)

    def _live(self, bracelet: Bracelet, now: float) -> None:
        bracelet.note_taken()
        if self.pressing and now >= bracelet.next_press and len(bracelet.unanswered) < MOST_UNANSWERED:
            bracelet.press()
            bracelet.next_press = now + self._dice.expovariate(1 / self.every_s)
        if not bracelet.client.is_connected():
            return
        for press in bracelet.unanswered.values():
            if not press.sent or self._is_time(press, now):
                bracelet.send(press)

    def _is_time(self, press: Press, now: float) -> bool:
        """Repeats come slower and slower, as the contract has it: a broker that is slow must not be buried."""
        if self.repeat_s is None:
            return False
        return now - press.sent[-1] > min(self.repeat_s * 1.5 ** (len(press.sent) - 1), LONGEST_REPEAT_S)

    # -- the ledger

    def press(self, device: str) -> Press:
        with self.lock:
            return self.bracelets[device].press()

    @property
    def presses(self) -> list[Press]:
        with self.lock:
            return [press for bracelet in self.bracelets.values() for press in bracelet.presses.values()]

    @property
    def unanswered(self) -> list[Press]:
        with self.lock:
            return [press for bracelet in self.bracelets.values() for press in bracelet.unanswered.values()]

    def answered(self) -> set[tuple[str, str]]:
        """What devices were told is stored."""
        with self.lock:
            return {press.key for press in self.presses if press.acks}

    def settle(self, seconds: float = 90.0) -> list[Press]:
        """Stop pressing and wait until everything is answered; returns what is not."""
        self.pressing = False
        end = time.monotonic() + seconds
        while (left := self.unanswered) and time.monotonic() < end:
            time.sleep(0.02)
        return left
