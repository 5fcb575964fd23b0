"""The deployment under chaos: four processes of the centre, three brokers, PostgreSQL, a carrier, and wires between."""

import contextlib
import re
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from config.policies import DEFAULT_FILE
from tests.chaos.parts import CALLER_ID, SID, SOS_NUMBER, TOKEN, CarrierProcess, Disk, NatsNode
from tests.chaos.wires import Wire, Wires
from tests.e2e.books import Books
from tests.processes import Postgres, Service, free_port

ACTOR = str(Path(__file__).with_name("actor.py"))
HASTE = 5  # the ladder climbs so much faster than as shipped, so that minutes show what takes a quarter of an hour
HOUSEHOLDS = 40
LOOK_S = 0.5
# Two whole processes, and one that is two: each part runs at least three times.
PARTS = {"a": "", "b": "", "c": "intake,timers", "d": "outbox,console"}
SERVE_PEOPLE = ("a", "b", "d")
RESPONDERS = """id,name,kind,phone,area
n1,邻居一,neighbour,+861000000701,d1
n2,邻居二,neighbour,+861000000702,d1
v1,村医,village_doctor,+861000000711,d1
t1,镇站,town_station,+861000000721,d1
c1,区指挥,district_command,+861000000731,d1
"""


def hasty_policy(directory: Path) -> Path:
    """The shipped policy with a ladder that climbs `HASTE` times as fast."""
    shipped = DEFAULT_FILE.read_text(encoding="utf-8")
    hasty = re.sub(r"after_s = (\d+)", lambda found: f"after_s = {max(1, int(found[1]) // HASTE)}", shipped)
    path = directory / "policy.toml"
    path.write_text(hasty, encoding="utf-8")
    return path


class Pulse:
    """Asks every process twice a second whether it can store alarms, and remembers since when it says so."""

    def __init__(self, ports: dict[str, int]) -> None:
        self._ports = ports
        self._ready_since: dict[str, float] = {}
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(name,), daemon=True) for name in ports]
        for thread in self._threads:
            thread.start()

    def _ask(self, name: str) -> None:
        url = f"http://127.0.0.1:{self._ports[name]}/readyz"
        while not self._over.wait(LOOK_S):
            began, ready = time.monotonic(), False
            with contextlib.suppress(OSError, ValueError), urllib.request.urlopen(url, timeout=1) as answer:
                ready = answer.status == 200
            if ready:
                self._ready_since.setdefault(name, began)
            else:
                self._ready_since.pop(name, None)

    def is_well(self, port: int) -> bool:
        return any(self._ports[name] == port for name in tuple(self._ready_since))

    def ready_for(self, names: tuple[str, ...]) -> float:
        """Seconds for which one of these has been ready without a break; 0: none is."""
        now = time.monotonic()
        return max((now - since for name, since in tuple(self._ready_since.items()) if name in names), default=0.0)

    def close(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(3)


@dataclass
class Town:
    """`build` makes it all, `close` takes it all down. Faults are done to its parts by name."""

    directory: Path
    seed: int
    build_name: str = ""
    wires: dict[str, Wire] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    nats: dict[str, NatsNode] = field(default_factory=dict)
    postgres: Postgres = field(default_factory=Postgres)

    def build(self) -> None:
        self._clean_up = contextlib.ExitStack()
        strings = Wires()
        self._clean_up.callback(strings.close)
        self.disk = Disk(self.postgres.directory)
        self._clean_up.callback(self.disk.remove)
        self.disk.make()
        self.postgres.start()
        self._clean_up.callback(self.postgres.stop)
        url = self.postgres.create()
        self.books = Books(url)
        self._start_brokers()
        for node, server in self.nats.items():
            self.wires[node] = strings.string([server.port])
        self.wires["fleet"] = strings.string([server.port for server in self.nats.values()])
        self.carrier = CarrierProcess(self.directory / "carrier.log", self.seed)
        self.carrier.start()
        self._clean_up.callback(self.carrier.stop)
        self.wires["carrier"] = strings.string([self.carrier.port])
        ports = {name: free_port() for name in PARTS}
        self.pulse = Pulse(ports)
        self._clean_up.callback(self.pulse.close)
        people = [ports[name] for name in SERVE_PEOPLE]
        for name in ("desk", "callbacks"):
            self.wires[name] = strings.string(people, well=self.pulse.is_well)
        for name in PARTS:
            self.wires[f"db-{name}"] = strings.string([self.postgres.port])
            self.services[name] = self._service(name, ports[name], url)
        self._register(url)
        for name in PARTS:
            self.start(name, ready=True)
            self._clean_up.callback(self.services[name].stop)

    def _start_brokers(self) -> None:
        routes = [free_port() for _ in range(3)]
        for number in range(3):
            node = self.nats[f"nats-{number}"] = NatsNode(number, self.directory / f"nats-{number}", routes)
            node.start(wait=False)
            self._clean_up.callback(node.kill)

    def _service(self, name: str, port: int, url: str) -> Service:
        directory = self.directory / name
        directory.mkdir()
        (directory / "clock").write_text("0")
        address = url.replace(f":{self.postgres.port}/", f":{self.wires[f'db-{name}'].port}/")
        brokers = ",".join(f"mqtt://127.0.0.1:{self.wires[node].port}" for node in sorted(self.nats))
        return Service(
            directory, address, brokers, http_port=port, households=HOUSEHOLDS,
            extra={
                "CALLCENTER_NODE": name, "CHAOS_BUILD": self.build_name, "CHAOS_CLOCK": str(directory / "clock"),
                "CALLCENTER_TELEPHONY": "twilio", "CALLCENTER_CALLER_ID": CALLER_ID,
                "CALLCENTER_SOS_NUMBER": SOS_NUMBER, "CALLCENTER_TWILIO_ACCOUNT": SID,
                "CALLCENTER_TWILIO_TOKEN": TOKEN,
                "CALLCENTER_TWILIO_API": f"http://127.0.0.1:{self.wires['carrier'].port}",
                "CALLCENTER_PUBLIC_URL": f"http://127.0.0.1:{self.wires['callbacks'].port}",
                "CALLCENTER_SECRET_KEY": "bm90aGluZyByZWFsIGlzIHNlYWxlZCB3aXRoIHRoaXM=",
                "CALLCENTER_POLICY_FILE": str(hasty_policy(directory)),
            },
        )  # fmt: skip

    def _register(self, url: str) -> None:
        """Past the wires, before anything happens."""
        made = Service(self.directory / "made", url, households=HOUSEHOLDS)
        made.register(operators=("operator1", "operator2", "operator3"))
        made.hire("watcher", "auditor")
        responders = made.directory / "responders.csv"
        responders.write_text(RESPONDERS, encoding="utf-8")
        made.take_in("responders", responders)

    def start(self, name: str, *, ready: bool = False) -> None:
        parts = PARTS[name]
        program = (ACTOR, "serve", "--only", parts) if parts else (ACTOR, "serve")
        self.services[name].start(program=program, ready=ready)

    def clock(self, name: str, seconds: float) -> None:
        """How wrong this process's clock is from now on."""
        (self.services[name].directory / "clock").write_text(str(seconds))

    def close(self) -> None:
        self._clean_up.close()
