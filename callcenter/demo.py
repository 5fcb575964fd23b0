"""The demo: a small simulated town is registered, and lives beside the centre in a process of its own."""

import asyncio
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from callcenter import people, synthetic
from callcenter.clock import SystemClock
from callcenter.console.auth import add_operator
from callcenter.storage import directory
from callcenter.storage.writer import Writer
from config.settings import Settings
from devices.children import die_with_parent

SEED, RESIDENTS = "20", "120"
STOP_S = 2.0
SIMULATED = ((2, "Two", "二"), (3, "Three", "三"), (4, "Four", "四"))  # seats that the living town works
# Id, name, role, and the area whose people they see: None is everybody.
OPERATORS = (
    ("operator1", "Operator One 一号座席", "operator", None),
    *((f"operator{n}", f"Operator {word} {seat}号座席（模拟）", "operator", None) for n, word, seat in SIMULATED),
    ("village1", "Village 村值班员", "operator", "d1-t1-v1"),
    ("supervisor1", "Supervisor 值班长", "supervisor", None),
    ("auditor1", "Auditor 审计员", "auditor", None),
    ("admin", "Administrator 管理员", "admin", None),
)


# The simulated carrier's account: nothing outside this machine knows it.
CARRIER_ID, HOTLINE, SOS_NUMBER = "+861000012349", "+861000012340", "+861000012345"
SEATS = {f"operator{n}": f"+86100000900{n}" for n in range(1, 5)}
ACCOUNT = "AC" + "0" * 31 + "1"


Command = tuple[list[str], dict[str, str]]  # and what its environment needs beside ours


@dataclass(frozen=True, slots=True)
class Day:
    """A recorded day, played again so many times as fast."""

    file: Path
    speed: float


class Town:
    """The simulators' processes: the carrier, and the people when the town lives."""

    def __init__(self, processes: Sequence[Command], announce: Callable[[], None]) -> None:
        self._arguments = processes
        self._announce = announce
        self._processes: list[asyncio.subprocess.Process] = []

    async def start(self) -> None:
        self._announce()
        for arguments, environment in self._arguments:
            process = await asyncio.create_subprocess_exec(
                *arguments,
                env=os.environ | environment,
                stdin=asyncio.subprocess.DEVNULL,
                preexec_fn=die_with_parent,
                start_new_session=True,
            )
            self._processes.append(process)

    async def stop(self) -> None:
        processes, self._processes = self._processes, []
        await asyncio.gather(*(_end(process) for process in processes))


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), STOP_S)
    except TimeoutError:
        process.kill()
        await process.wait()


def with_telephone(settings: Settings) -> Settings:
    """The demo's settings: unless a gateway is chosen, calls go to a simulated carrier on this machine."""
    if settings.gateways:
        return settings
    return settings.model_copy(
        update={
            "telephony": "twilio",
            "public_url": settings.public,
            "caller_id": CARRIER_ID,
            "sos_number": SOS_NUMBER,
            "twilio_account": ACCOUNT,
            "twilio_token": SecretStr(secrets.token_hex(16)),
            "links_in_texts": True,  # the simulated neighbours open them
            "twilio_api": f"http://127.0.0.1:{_free_port()}",
        }
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _simulators(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "simulators", *arguments]


def prepare(settings: Settings, writer: Writer, day: Day | None = None) -> Town:
    """Register the town's people and operators; running it again changes nothing but the passwords. With a `day` that
    is what happens, and the seats are left to whoever practises.
    """
    password = settings.demo_password or new_password()
    town = settings.data_dir / "town"
    subprocess.run(
        _simulators("town", "--seed", SEED, "--residents", RESIDENTS, "--password", password, "--out", str(town)),
        check=True,
        stdout=subprocess.DEVNULL,
    )
    for kind in ("areas", "residents", "devices", "responders", "plans"):
        report = people.import_file(writer, kind, town / f"{kind}.csv")
        if report.wrong:
            raise RuntimeError(f"the town's {kind} cannot be read: {report.wrong[0]}")
    with writer.transaction() as connection:
        now = SystemClock().now()
        for operator, name, role, area in OPERATORS:
            add_operator(connection, operator, name=name, role=role, password=password, now=now, area=area)
        for operator, phone in SEATS.items():
            ready = "ready" if settings.simulate_operators else "away"
            directory.set_seat(connection, operator, state=ready, phone=phone, now=SystemClock().now())
    if not settings.synthetic_password.get_secret_value():
        settings = settings.model_copy(update={"synthetic_password": SecretStr(secrets.token_hex(16))})
    synthetic.prepare(settings, writer)
    processes = [_carrier(settings, town)] if settings.twilio_account == ACCOUNT else []
    if day:
        processes.append(_replaying(settings, town, password, day))
    elif settings.simulate:
        processes.append(_living(settings, town, password))
    processes.append(synthetic.prober(settings))
    return Town(processes, lambda: _announce(settings, password))


def _carrier(settings: Settings, town: Path) -> Command:
    callbacks = f"{settings.public}/telephony/twilio/v1"
    numbers = [part for number in (CARRIER_ID, HOTLINE, SOS_NUMBER) for part in ("--number", number)]
    arguments = _simulators(
        "carrier", "--port", str(urlsplit(settings.twilio_api).port), "--account", ACCOUNT,
        "--token", settings.twilio_token.get_secret_value(), "--town", str(town), "--seed", SEED,
        "--voice-url", f"{callbacks}/voice", "--status-url", f"{callbacks}/status", *numbers,
    )  # fmt: skip
    return arguments, {}


def new_password() -> str:
    """Letters and digits only: it is typed, and stands on command lines, where a leading "-" begins an option."""
    return secrets.token_hex(6)


def _living(settings: Settings, town: Path, password: str) -> Command:
    carrier = ("--carrier", settings.twilio_api) if settings.twilio_account == ACCOUNT else ()
    operators = SIMULATED if settings.simulate_operators else ()
    arguments = _simulators(
        "run", "--mqtt", settings.mqtt, "--http", f"http://{settings.http_host}:{settings.http_port}",
        "--town", str(town), "--password", password, "--seed", SEED, *carrier,
        *(part for n, *_ in operators for part in ("--operator", f"operator{n}")),
    )  # fmt: skip
    return arguments, {}


def _replaying(settings: Settings, town: Path, password: str, day: Day) -> Command:
    arguments = _simulators(
        "replay", str(day.file), "--speed", str(day.speed), "--mqtt", settings.mqtt, "--town", str(town),
        "--password", password,
    )  # fmt: skip
    return arguments, {}


def _announce(settings: Settings, password: str) -> None:
    names = ", ".join(operator for operator, *_more in OPERATORS)
    host, _, port = settings.mqtt.rpartition("/")[2].rpartition("@")[2].partition(":")
    press = (
        f"mosquitto_pub -h {host} -p {port} -u demo-bracelet -P {password} -i demo-bracelet -q 1 "
        '-t vnh/v1/demo-bracelet/up/sos -m \'{"v":1,"msg":"\'$(date +%s)\'","kind":"sos","src":"button"}\''
    )
    simulated = settings.twilio_account == ACCOUNT
    telephone = f"a simulated carrier at {settings.twilio_api}/sim/ledger" if simulated else settings.telephony
    lives = "lives: alarms arrive by themselves" if settings.simulate else "is registered but quiet"
    print(
        f"""
  The call centre runs. 呼叫中心已启动。

  Console 控制台      {settings.public}/
  Sign in 登录        {names}
  Password 密码       {password}
  The town 模拟小镇   {lives}

  Telephones 电话     {telephone}

  Press SOS on the spare bracelet 按下备用手环的 SOS:
    {press}

  Ctrl-C stops everything. 按 Ctrl-C 全部停止。
""",
        flush=True,
    )
