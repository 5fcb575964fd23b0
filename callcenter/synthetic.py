"""The test alarm's account and device, and how its prober is started (docs/adr/0027)."""

import sys

from callcenter.clock import SystemClock
from callcenter.console.auth import add_operator
from callcenter.storage import synthetic
from callcenter.storage.sessions import PROBER
from callcenter.storage.writer import Writer
from config.settings import Settings

NAME = "Test alarm 测试警报"


def prepare(settings: Settings, writer: Writer) -> None:
    """As the settings say: with a password there is a test alarm, without one there is none."""
    password = settings.synthetic_password.get_secret_value()
    with writer.transaction() as connection:
        if not password:
            synthetic.take_away(connection)
            return
        now = SystemClock().now()
        add_operator(connection, synthetic.ACCOUNT, name=NAME, role=PROBER, password=password, now=now)
        synthetic.register(connection)


def prober(settings: Settings) -> tuple[list[str], dict[str, str]]:
    """Command, and what its environment needs beside ours."""
    command = [
        sys.executable, "-m", "simulators", "prober", "--http", settings.public,
        "--device", synthetic.DEVICE, "--username", synthetic.ACCOUNT,
    ]  # fmt: skip
    environment = {
        "CALLCENTER_MQTT_URL": settings.brokers[0],
        "CALLCENTER_SYNTHETIC_PASSWORD": settings.synthetic_password.get_secret_value(),
        "CALLCENTER_SYNTHETIC_COMMAND": settings.synthetic_command,
    }
    return command, environment
