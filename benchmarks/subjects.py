"""What is measured: the bare floor and the whole centre, each in a process of its own."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import insert

from callcenter.clock import SystemClock
from callcenter.console.auth import add_operator
from callcenter.storage import tables as t
from callcenter.storage.engine import connect
from callcenter.storage.schema import migrate
from config.policies import DEFAULT_FILE
from tests.processes import PASSWORD, ROOT, free_port, stop, wait_for

HEARTBEATS_S = 833  # 40,000 bracelets and 210,000 phones every five minutes (field.md 3)
CHUNK = 10_000


@dataclass
class Subject:
    process: subprocess.Popen
    mqtt_port: int
    live: str
    http: str = ""
    token: str = ""
    press_ids: Sequence[str] = ()
    heartbeat_ids: Sequence[str] = ()
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def pid(self) -> int:
        return self.process.pid

    def broker_mb(self) -> float:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return sum(memory_mb(int(child)) for child in children)

    def commit_profile(self) -> str:
        with urllib.request.urlopen(f"{self.http}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        value = {name: float(found) for name, found in re.findall(r"^(vnh_\w+) ([0-9.e+-]+)$", text, re.M)}
        groups = value["vnh_commit_seconds_count"]
        return (
            f"    {groups:.0f} groups, {value['vnh_group_inputs_sum'] / groups:.2f} inputs each, "
            f"{1000 * value['vnh_commit_seconds_sum'] / groups:.2f} ms from begin to committed"
        )

    def stop(self) -> None:
        stop(self.process)


def memory_mb(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else float("nan")


def _ready(http: str) -> bool:
    try:
        with urllib.request.urlopen(f"{http}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:  # not listening yet, or 503: not hearing yet
        return False


def floor(directory: Path) -> Subject:
    directory.mkdir()
    mqtt_port, http_port = free_port(), free_port()
    command = [sys.executable, "-m", "benchmarks.floor", str(directory), str(mqtt_port), str(http_port)]
    process = subprocess.Popen(command, cwd=ROOT)
    http = f"http://127.0.0.1:{http_port}"
    wait_for(lambda: _ready(http), what="the floor")
    ids = [f"bracelet-{n:06}" for n in range(50_000)]
    return Subject(process, mqtt_port, f"{http}/live", heartbeat_ids=ids)


def _register(url: str, devices: int) -> list[str]:
    """Residents with a bracelet each, in bulk; and one operator."""
    migrate(url)
    ids = [f"bracelet-{n:06}" for n in range(devices)]
    engine = connect(url, writer=True, size=1)
    with engine.begin() as connection:
        connection.execute(insert(t.areas), [{"id": "d1", "name": "d1"}])
        add_operator(connection, "bench", name="Bench", role="operator", password=PASSWORD, now=SystemClock().now())
    for start in range(0, devices, CHUNK):
        part = range(start, min(start + CHUNK, devices))
        with engine.begin() as connection:
            connection.execute(
                insert(t.households), [{"id": f"h-{n}", "address": f"测试村{n}号", "area_id": "d1"} for n in part]
            )
            connection.execute(
                insert(t.residents), [{"id": f"r-{n}", "household_id": f"h-{n}", "name": f"居民{n}"} for n in part]
            )
            connection.execute(
                insert(t.devices), [{"id": ids[n], "family": "bracelet", "resident_id": f"r-{n}"} for n in part]
            )
            connection.execute(insert(t.device_state), [{"device_id": ids[n]} for n in part])
    engine.dispose()
    return ids


def _patient_policy(directory: Path) -> Path:
    """The shipped policy with every rung an hour later.

    Nobody claims the alerts of a benchmark. Thousands of them climbing the ladder are a load of their own, which
    would be measured with the presses.
    """
    text = DEFAULT_FILE.read_text(encoding="utf-8")
    path = directory / "policy.toml"
    path.write_text(
        re.sub(r"\bafter_s = (\d+)", lambda found: f"after_s = {3600 + int(found[1])}", text), encoding="utf-8"
    )
    return path


def centre(directory: Path, database: str, devices: int) -> Subject:
    directory.mkdir()
    ids = _register(database or f"sqlite:///{directory / 'callcenter.db'}", devices)
    mqtt_port, http_port = free_port(), free_port()
    settings = {
        "CALLCENTER_DATA_DIR": str(directory),
        "CALLCENTER_DATABASE_URL": database,
        "CALLCENTER_MQTT_PORT": str(mqtt_port),
        "CALLCENTER_HTTP_PORT": str(http_port),
        "CALLCENTER_POLICY_FILE": str(_patient_policy(directory)),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.patient", "serve"],
        cwd=ROOT,
        env=os.environ | settings,
        stderr=subprocess.DEVNULL,
    )
    http = f"http://127.0.0.1:{http_port}"
    wait_for(lambda: _ready(http), what="the centre")
    body = json.dumps({"username": "bench", "password": PASSWORD}).encode()
    request = urllib.request.Request(
        f"{http}/api/v1/session", data=body, headers={"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        token = json.load(answer)["token"]
    half = len(ids) // 2
    return Subject(
        process, mqtt_port, f"{http}/api/v1/live", http=http, token=token,
        press_ids=ids[:half], heartbeat_ids=ids[half : half + 50_000],
    )  # fmt: skip
