"""What a deployment of several machines is made of: three brokers, a carrier, and a disk that can be filled."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devices.broker import configuration, executable
from tests.processes import ROOT, answers, free_port, stop, wait_for

SID, TOKEN = "AC" + "0" * 32, "not-a-real-token"
CALLER_ID, SOS_NUMBER = "+8663112349", "+8663112345"
DISK_MB = 700


@dataclass
class NatsNode:
    """One of three servers with MQTT, JetStream and its streams on all three."""

    number: int
    directory: Path
    routes: list[int]  # the cluster ports of all
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self, *, wait: bool = True) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        config = self.directory / "nats.conf"
        name, store = f"chaos-{self.number}", self.directory / "jetstream"
        config.write_text(
            configuration(
                host="127.0.0.1", port=self.port, store=store, name=name,
                cluster_port=self.routes[self.number], routes=[f"nats://127.0.0.1:{port}" for port in self.routes],
            )
        )  # fmt: skip
        with (self.directory / "nats.log").open("ab") as log:
            self.process = subprocess.Popen([executable(), "-c", str(config)], stdout=log, stderr=log)
        if wait:
            wait_for(lambda: answers(self.port), what="NATS")

    def kill(self, how: int = signal.SIGKILL) -> None:
        if self.process:
            stop(self.process, how=how)


@dataclass
class CarrierProcess:
    """`python -m simulators carrier`, and its control."""

    log: Path
    seed: int
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "simulators", "carrier", "--port", str(self.port), "--account", SID,
                   "--token", TOKEN, "--number", CALLER_ID, "--number", SOS_NUMBER, "--seed", str(self.seed),
                   "--callee", "press", "--digits", "1"]  # fmt: skip
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        wait_for(lambda: answers(self.port), what="the carrier")

    def stop(self) -> None:
        if self.process:
            stop(self.process)

    def read(self, what: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/sim/{what}", timeout=30) as answer:
            return json.load(answer)

    def set(self, what: str, **values: object) -> None:
        body = json.dumps(values).encode()
        request = urllib.request.Request(
            f"{self.url}/sim/{what}", data=body, headers={"Content-Type": "application/json"}
        )
        with contextlib.suppress(OSError):  # it refuses for a while: that was the order before
            urllib.request.urlopen(request, timeout=5).close()


@dataclass
class Disk:
    """A file system of its own in memory, which can be filled. Without root there is none: `made` is False."""

    directory: Path
    made: bool = False

    def make(self) -> None:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=755", "tmpfs", str(self.directory)]
        self.made = os.getuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0

    def fill(self) -> None:
        with contextlib.suppress(OSError), (self.directory / "full").open("wb", buffering=0) as file:
            while file.write(b"\0" * 65536):
                pass

    def clear(self) -> None:
        (self.directory / "full").unlink(missing_ok=True)

    def remove(self) -> None:
        if self.made:
            subprocess.run(["umount", "-l", str(self.directory)], check=False)
        shutil.rmtree(self.directory, ignore_errors=True)
