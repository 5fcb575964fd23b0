"""The demo: a small simulated town is registered, and lives beside the centre in a process of its own."""

import asyncio
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from callcenter import people
from callcenter.clock import SystemClock
from callcenter.console.auth import add_operator
from callcenter.storage.writer import Writer
from config.settings import Settings
from devices.broker import die_with_parent

SEED, RESIDENTS = "20", "120"
STOP_S = 2.0
OPERATORS = (
    ("operator1", "Operator One 一号座席", "operator"),
    ("operator2", "Operator Two 二号座席（模拟）", "operator"),
    ("supervisor1", "Supervisor 值班长", "supervisor"),
    ("admin", "Administrator 管理员", "admin"),
)


class Town:
    """The simulators' process."""

    def __init__(self, arguments: list[str], announce: Callable[[], None], *, lives: bool) -> None:
        self._arguments = arguments
        self._announce = announce
        self._lives = lives
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._announce()
        if self._lives:
            self._process = await asyncio.create_subprocess_exec(
                *self._arguments, stdin=asyncio.subprocess.DEVNULL, preexec_fn=die_with_parent, start_new_session=True
            )

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()


def _simulators(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "simulators", *arguments]


def prepare(settings: Settings, writer: Writer) -> Town:
    """Register the town's people and operators; running it again changes nothing but the passwords."""
    password = settings.demo_password or secrets.token_urlsafe(9)
    town = settings.data_dir / "town"
    subprocess.run(
        _simulators("town", "--seed", SEED, "--residents", RESIDENTS, "--password", password, "--out", str(town)),
        check=True,
        stdout=subprocess.DEVNULL,
    )
    for kind in ("residents", "devices", "responders"):
        report = people.import_file(writer, kind, town / f"{kind}.csv")
        if report.wrong:
            raise RuntimeError(f"the town's {kind} cannot be read: {report.wrong[0]}")
    with writer.transaction() as connection:
        for operator, name, role in OPERATORS:
            add_operator(connection, operator, name=name, role=role, password=password, now=SystemClock().now())
    return Town(_living(settings, town, password), lambda: _announce(settings, password), lives=settings.simulate)


def _living(settings: Settings, town: Path, password: str) -> list[str]:
    return _simulators(
        "run", "--mqtt", settings.mqtt, "--http", f"http://{settings.http_host}:{settings.http_port}",
        "--town", str(town), "--password", password, "--seed", SEED, "--operator", "operator2",
    )  # fmt: skip


def _announce(settings: Settings, password: str) -> None:
    names = ", ".join(operator for operator, _name, _role in OPERATORS)
    host, _, port = settings.mqtt.rpartition("/")[2].rpartition("@")[2].partition(":")
    press = (
        f"mosquitto_pub -h {host} -p {port} -u demo-bracelet -P {password} -i demo-bracelet -q 1 "
        '-t vnh/v1/demo-bracelet/up/sos -m \'{"v":1,"msg":"\'$(date +%s)\'","kind":"sos","src":"button"}\''
    )
    lives = "lives: alarms arrive by themselves" if settings.simulate else "is registered but quiet"
    print(
        f"""
  The call centre runs. 呼叫中心已启动。

  Console 控制台      {settings.public}/
  Sign in 登录        {names}
  Password 密码       {password}
  The town 模拟小镇   {lives}

  Press SOS on the spare bracelet 按下备用手环的 SOS:
    {press}

  Ctrl-C stops everything. 按 Ctrl-C 全部停止。
""",
        flush=True,
    )
