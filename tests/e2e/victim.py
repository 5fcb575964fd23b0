"""The centre with a fault built in, as a process of its own: it kills itself at a chosen stage.

    VICTIM_STAGE  heard      a message of VICTIM_DEVICE has come, the door has not seen it
                  flushed    decided and written, not committed
                  committed  committed, nobody has been told: no PUBACK, no down/ack, no frame, no answer
                  told       the device has its down/ack, the effect is not marked as done
    VICTIM_RULE   rule whose entry triggers `flushed` and `committed`
    VICTIM_BUILD  early      tells broker and device "stored" before anything is stored: must be caught by the tests
    VICTIM_SLOW   seconds that pass between flush and commit

Only what the production code calls by its public names is wrapped; the code itself knows nothing of this.
"""

import asyncio
import contextlib
import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from callcenter.__main__ import main
from callcenter.centre import Centre
from callcenter.storage.unit import Unit
from callcenter.storage.writer import Writer
from devices.events import Ack, AckLevel, Signal, topic
from handlers.device_acks import DeviceAcks
from handlers.listening import Listener

STAGE = os.environ.get("VICTIM_STAGE", "")
DEVICE = os.environ.get("VICTIM_DEVICE", "")
RULE = os.environ.get("VICTIM_RULE", "")
BUILD = os.environ.get("VICTIM_BUILD", "")
SLOW = float(os.environ.get("VICTIM_SLOW", "0"))


def die(stage: str) -> None:
    os.write(2, f"victim: dies, {stage} {DEVICE} {RULE}\n".encode())
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)  # never gets further


def marked(unit: Unit) -> bool:
    """Whether this transaction is the one to die in."""
    actor = f"device:{DEVICE}"
    return bool(RULE) and any(e.rule == RULE and (not DEVICE or e.actor == actor) for e in unit.entries)


def build_in_kills() -> None:
    hear, flush, unit_of, tell = Listener.hear, Unit.flush, Writer.unit, DeviceAcks.tell_device

    def hear_and_die(self, event):
        if STAGE == "heard" and isinstance(event, Signal) and event.device == DEVICE:
            die(STAGE)
        return hear(self, event)

    def flush_and_die(self):
        flush(self)
        if self.entries:
            time.sleep(SLOW)
        if STAGE == "flushed" and marked(self):
            die(STAGE)

    @contextlib.contextmanager
    def commit_and_die(self, now):
        with unit_of(self, now) as unit:
            yield unit
        if STAGE == "committed" and marked(unit):
            die(STAGE)

    async def tell_and_die(self, effect):
        outcome = await tell(self, effect)
        if STAGE == "told" and effect.device == DEVICE:
            die(STAGE)
        return outcome

    Listener.hear, Unit.flush = hear_and_die, flush_and_die
    Writer.unit, DeviceAcks.tell_device = commit_and_die, tell_and_die


def build_in_early_acks() -> None:
    """The mistake that all of this is about: acknowledge first, store then."""
    receive, telling = Centre._receive, []

    def receive_and_tell(self, message):
        stored = receive(self, message)
        device = message.topic.split("/")[2]
        if message.topic.endswith("up/sos"):
            ref = message.payload.decode().split('"msg": "')[1].split('"')[0]
            ack = Ack(ref=ref, level=AckLevel("stored"), alert=None, at=datetime.now(UTC))
            telling.append(asyncio.ensure_future(self.voice.publish(topic(device, "down/ack"), ack.encode(), qos=1)))
            message.acknowledge()
        return stored

    Centre._receive = receive_and_tell


if __name__ == "__main__":
    build_in_kills()
    if BUILD == "early":
        build_in_early_acks()
    sys.argv[1:] = ["serve"]
    sys.exit(main())
