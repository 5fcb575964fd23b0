"""`python -m callcenter`: what it prints, and the exit code a script goes by."""

import io
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, text

from callcenter import __main__ as command_line
from callcenter.console import auth
from callcenter.storage import factor_book, sessions, tables as t
from callcenter.storage.engine import connect
from config import logs
from tests.integration.conftest import write_presses
from tests.processes import ROOT, Service

HEADER = "id,name,household_id,address,area"


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


@dataclass
class Deployment:
    """`run` is `python -m callcenter ...` without the second that starting Python takes; `really` is with it."""

    service: Service
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"sqlite:///{self.service.directory / 'callcenter.db'}"

    def run(self, *arguments: str, typed: str = "") -> Done:
        self.service.extra = self.extra
        for name in [name for name in os.environ if name.startswith("CALLCENTER_")]:
            self.monkeypatch.delenv(name)
        for name, value in self.service.environment.items():
            if name.startswith("CALLCENTER_"):
                self.monkeypatch.setenv(name, value)
        self.monkeypatch.setattr(sys, "argv", ["callcenter", *arguments])
        self.monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        self.monkeypatch.setattr(logs, "configure", lambda *_level, **_how: None)  # it belongs to the process
        self.monkeypatch.setattr(command_line, "_run_loop", ran_after_all)
        self.capsys.readouterr()
        try:
            code = command_line.main()
        except SystemExit as ended:  # argparse
            code = int(ended.code or 0)
        captured = self.capsys.readouterr()
        return Done(code, captured.out, captured.err)

    def really(self, *arguments: str) -> subprocess.CompletedProcess:
        self.service.extra = self.extra
        return self.service.run(*arguments)


def ran_after_all(*_arguments: object) -> int:
    raise AssertionError("the service would have started")


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Deployment:
    """A deployment with nothing in it yet."""
    return Deployment(Service(tmp_path / "data"), monkeypatch, capsys)


@pytest.fixture
def filled(empty: Deployment, sqlite_template: Path) -> Deployment:
    empty.service.directory.mkdir()
    shutil.copy(sqlite_template, empty.service.directory / "callcenter.db")
    return empty


def csv(directory: Path, *lines: str, name: str = "people.csv", encoding: str = "utf-8") -> str:
    path = directory / name
    path.write_bytes("\n".join(lines).encode(encoding) + b"\n")
    return str(path)


def assert_one_clear_line(done: Done | subprocess.CompletedProcess, *words: str) -> None:
    assert done.returncode == 2, done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("callcenter: ")
    for word in words:
        assert word in lines[0]


# -- import


def test_people_are_imported_and_a_second_time_nothing_changes(empty: Deployment, tmp_path: Path) -> None:
    residents = csv(tmp_path, HEADER, "r-1,王秀英,h-1,李村1号,d1", "r-2,李建国,h-2,李村2号,d1")
    devices = csv(tmp_path, "id,family,resident_id,household_id", "bracelet-1,bracelet,r-1,", name="devices.csv")
    responders = csv(tmp_path, "id,name,kind,phone,area", "n-1,邻居,neighbour,+86 100,d1", name="responders.csv")
    done = empty.really("import", "residents", residents)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == "residents: 2 added, 0 changed, 0 unchanged, 0 wrong"
    assert empty.run("import", "devices", devices).returncode == 0
    assert empty.run("import", "responders", responders).returncode == 0
    again = empty.run("import", "residents", residents)
    assert again.stdout.strip() == "residents: 0 added, 0 changed, 2 unchanged, 0 wrong"


def test_a_wrong_row_is_named_with_its_line_and_the_others_go_in(empty: Deployment, tmp_path: Path) -> None:
    path = csv(
        tmp_path,
        HEADER + ",risk",
        "r-1,王秀英,h-1,李村1号,d1,high",
        "r 2,空格,h-2,李村2号,d1,low",
        "r-3,,h-3,李村3号,d1,low",
        "r-4,李建国,h-4,李村4号,d1,enormous",
        "r-5,少,h-5",
        "r-6,多,h-6,李村6号,d1,low,more",
        "r-7,赵敏,h-7,李村7号,d1,normal",
    )
    done = empty.run("import", "residents", path)
    assert done.returncode == 1
    assert done.stdout.strip() == "residents: 2 added, 0 changed, 0 unchanged, 5 wrong"
    where = [line.split(": ")[0] for line in done.stderr.strip().splitlines()]
    assert where == [f"{path}:{line}" for line in (3, 4, 5, 6, 7)]
    assert "risk" in done.stderr.splitlines()[2]


def test_a_device_of_nobody_is_wrong(filled: Deployment, tmp_path: Path) -> None:
    path = csv(
        tmp_path,
        "id,family,resident_id,household_id",
        "bracelet-98,bracelet,nobody,",
        "bracelet-99,bracelet,,",
        "BAD,bracelet,r-1,",
        "bracelet-new,bracelet,r-1,",
    )
    done = filled.run("import", "devices", path)
    assert done.returncode == 1
    assert [line.split(": ")[0] for line in done.stderr.strip().splitlines()] == [f"{path}:{n}" for n in (2, 3, 4)]
    assert done.stdout.startswith("devices: 1 added")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, ["people.csv"]),
        ((HEADER + "\nr-1,王,h-1,村,d1\n").encode("gb18030"), ["people.csv"]),
        ((HEADER + "\nr-1," + "x" * 200_000 + ",h-1,a,d1\n").encode(), []),
    ],
    ids=["no such file", "not UTF-8", "a field beyond all"],
)
def test_a_file_that_cannot_be_read(empty: Deployment, tmp_path: Path, content: bytes | None, words: list[str]) -> None:
    path = tmp_path / "people.csv"
    if content is not None:
        path.write_bytes(content)
    done = empty.run("import", "residents", str(path))
    assert "Traceback" not in done.stderr
    assert done.returncode in (1, 2)
    assert len(done.stderr.strip().splitlines()) == 1
    for word in words:
        assert word in done.stderr


def test_something_else_than_people_is_refused(empty: Deployment, tmp_path: Path) -> None:
    done = empty.run("import", "cats", csv(tmp_path, HEADER))
    assert done.returncode == 2
    assert "cats" in done.stderr


# -- settings

IMPOSSIBLE = {
    "a port that is no number": ({"CALLCENTER_HTTP_PORT": "web"}, ["CALLCENTER_HTTP_PORT"]),
    "a port beyond all": ({"CALLCENTER_HTTP_PORT": "70000"}, ["CALLCENTER_HTTP_PORT"]),
    "one port for two": ({"CALLCENTER_HTTP_PORT": "21000", "CALLCENTER_MQTT_PORT": "21000"}, ["CALLCENTER_MQTT_PORT"]),
    "a database in memory": ({"CALLCENTER_DATABASE_URL": "sqlite:///:memory:"}, ["CALLCENTER_DATABASE_URL"]),
    "an unknown database": ({"CALLCENTER_DATABASE_URL": "mysql://x/y"}, ["CALLCENTER_DATABASE_URL"]),
    "a broker without a host": ({"CALLCENTER_MQTT_URL": "mqtt://"}, ["CALLCENTER_MQTT_URL"]),
    "a broker of another kind": ({"CALLCENTER_MQTT_URL": "amqp://x"}, ["CALLCENTER_MQTT_URL"]),
    "an open embedded broker": ({"CALLCENTER_MQTT_HOST": "0.0.0.0"}, ["CALLCENTER_MQTT_URL"]),
    "telephony that does not exist": ({"CALLCENTER_TELEPHONY": "smoke signals"}, ["CALLCENTER_TELEPHONY"]),
    "a log level that does not exist": ({"CALLCENTER_LOG_LEVEL": "loud"}, ["CALLCENTER_LOG_LEVEL"]),
    "a node name no broker takes": ({"CALLCENTER_NODE": "Node 1"}, ["CALLCENTER_NODE"]),
    "no such policy": ({"CALLCENTER_POLICY_FILE": "/nowhere/policy.toml"}, ["policy.toml"]),
    "a data directory that cannot be": ({"CALLCENTER_DATA_DIR": "/dev/null/data"}, ["/dev/null"]),
}  # fmt: skip


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_impossible_settings_are_refused_in_one_line(empty: Deployment, name: str) -> None:
    empty.extra, words = IMPOSSIBLE[name]
    assert_one_clear_line(empty.run("serve"), *words)


def test_a_database_nobody_answers_for_is_one_line_of_every_command_but_serve(empty: Deployment) -> None:
    """`serve` waits for it: tests/e2e/test_database_away.py."""
    empty.extra = {"CALLCENTER_DATABASE_URL": "postgresql+psycopg://x@127.0.0.1:1/x"}
    assert_one_clear_line(empty.run("migrate"), "database", "refused")


@pytest.mark.parametrize(("only", "says"), [("intake,cats", "there is no cats"), ("intake", "PostgreSQL")])
def test_a_part_that_could_not_work_is_refused(empty: Deployment, only: str, says: str) -> None:
    assert_one_clear_line(empty.run("serve", "--only", only), "--only", says)


def test_a_script_sees_the_refusal_in_the_exit_code(empty: Deployment) -> None:
    empty.extra = {"CALLCENTER_HTTP_PORT": "web"}
    assert_one_clear_line(empty.really("serve"), "CALLCENTER_HTTP_PORT")


def test_a_policy_that_leaves_a_kind_without_a_ladder_is_refused(empty: Deployment, tmp_path: Path) -> None:
    whole = (ROOT / "config" / "escalation.toml").read_text(encoding="utf-8")
    (tmp_path / "policy.toml").write_text(whole.replace('"fall", ', ""), encoding="utf-8")
    empty.extra = {"CALLCENTER_POLICY_FILE": str(tmp_path / "policy.toml")}
    assert_one_clear_line(empty.run("serve"), "fall")


def test_a_policy_that_leaves_an_emergency_alone_for_a_day_is_refused(empty: Deployment, tmp_path: Path) -> None:
    whole = (ROOT / "config" / "escalation.toml").read_text(encoding="utf-8")
    (tmp_path / "policy.toml").write_text(whole.replace("repeat_s = 60", "repeat_s = 86400"), encoding="utf-8")
    empty.extra = {"CALLCENTER_POLICY_FILE": str(tmp_path / "policy.toml")}
    assert_one_clear_line(empty.run("serve"), "ladder.0.repeat_s", "86400 is too long")


@pytest.mark.parametrize("variable", ["CALLCENTER_HTTP_PORT", "CALLCENTER_MQTT_PORT"])
def test_a_port_that_is_taken_is_named_with_its_setting(empty: Deployment, variable: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        empty.extra = {variable: str(port)}
        assert_one_clear_line(empty.run("serve"), str(port), variable)


# -- doctor and audit


def test_the_doctor_says_what_is_missing(empty: Deployment) -> None:
    before = empty.run("doctor")
    assert before.returncode == 1
    assert "migrate" in before.stdout
    assert empty.run("migrate").returncode == 0
    done = empty.run("doctor")
    assert done.returncode == 1
    bad = [line for line in done.stdout.splitlines() if line.startswith("BAD")]
    assert any("user add" in line for line in bad)
    assert any("import" in line for line in bad)
    assert any("broker" in line for line in bad)


def test_the_doctor_does_not_break_when_nobody_answers(empty: Deployment) -> None:
    empty.extra = {"CALLCENTER_DATABASE_URL": "postgresql+psycopg://x@127.0.0.1:1/x"}
    done = empty.run("doctor")
    assert done.returncode == 1
    assert "CALLCENTER_DATABASE_URL" in done.stdout
    assert "Traceback" not in done.stderr


def test_the_audit_of_a_whole_and_of_an_altered_log(filled: Deployment) -> None:
    write_presses(filled.url, 3)
    done = filled.run("audit", "verify")
    assert (done.returncode, done.stderr) == (0, "")
    assert "3 entries" in done.stdout

    engine = connect(filled.url, writer=True, size=1)
    for tampering in ("UPDATE timeline SET actor = 'operator:nobody' WHERE n = 2", "DELETE FROM timeline WHERE n = 2"):
        with engine.begin() as connection:
            connection.execute(text(tampering))
        done = filled.run("audit", "verify")
        assert done.returncode == 1
        assert "2" in done.stdout
    engine.dispose()


def test_the_audit_where_there_is_no_log(empty: Deployment) -> None:
    done = empty.run("audit", "verify")
    assert done.returncode != 0
    assert "migrate" in done.stdout + done.stderr


def test_adding_an_operator(empty: Deployment) -> None:
    done = empty.run("user", "add", "ann", "--name", "Ann", "--password-stdin", typed="long enough\n")
    assert (done.returncode, done.stdout.strip()) == (0, "ann may sign in as operator.")
    assert_one_clear_line(empty.run("user", "add", "ben", "--name", "Ben", "--password-stdin", typed="short\n"), "8")
    engine = connect(empty.url, writer=False)
    with engine.connect() as connection:
        stored = connection.execute(select(t.operators.c.password_hash)).scalar_one()
    engine.dispose()
    assert PasswordHasher().verify(stored, "long enough")
    for costly in (stored, auth._NOBODY):  # who tests sign in have a cheap one
        assert not PasswordHasher().check_needs_rehash(costly)


def test_a_person_is_signed_out_and_a_lost_second_factor_taken_away(filled: Deployment) -> None:
    engine = connect(filled.url, writer=True, size=1)
    at = datetime(2026, 11, 21, tzinfo=UTC)
    with engine.begin() as connection:
        for token in ("t1", "t2"):
            sessions.open_session(connection, sessions.NewSession(token, "operator1", at, limited=True))
        sessions.open_session(connection, sessions.NewSession("t3", "operator2", at))
        factor_book.begin(connection, "operator1", b"sealed")
        factor_book.confirm(connection, "operator1", 1, ["hash"], at)
    done = filled.run("user", "reset-second-factor", "operator1", "--reason", "lost at sea")
    assert (done.returncode, done.stdout.strip()) == (0, "operator1 signs in with the password alone.")
    assert_one_clear_line(filled.run("user", "reset-second-factor", "operator1"), "--reason")
    with engine.connect() as connection:
        assert factor_book.factor(connection, "operator1").since is None
        assert not sessions.session(connection, "t1", at - timedelta(1), at).limited
    done = filled.run("user", "sign-out", "operator1")
    assert done.returncode == 0
    assert done.stdout.startswith("2 sessions of operator1 have ended")
    assert_one_clear_line(filled.run("user", "sign-out", "nobody"), "nobody")
    with engine.connect() as connection:
        found = [sessions.session(connection, token, at - timedelta(1), at) for token in ("t1", "t2", "t3")]
        said = connection.execute(select(t.timeline.c.rule, t.timeline.c.actor, t.timeline.c.data)).all()
    engine.dispose()
    assert [bool(one) for one in found] == [False, False, True]
    assert said == [
        ("second_factor.reset", "system", '{"operator":"operator1","reason":"lost at sea"}'),
        ("session.ended", "system", '{"operator":"operator1","sessions":2}'),
    ]
    assert filled.run("audit", "verify").returncode == 0


def test_help_says_which_commands_there_are(empty: Deployment) -> None:
    done = empty.run("--help")
    assert done.returncode == 0
    for command in ("serve", "demo", "migrate", "import", "user", "audit", "doctor", "backup", "restore", "retain"):
        assert command in done.stdout


def test_what_is_taken_away_is_said_by_its_rule(filled: Deployment) -> None:
    done = filled.run("retain")
    assert done.returncode == 0, done.stderr
    assert "positions: 0 from before " in done.stdout
    assert "alerts:" not in done.stdout, "for ever unless somebody chooses"
    filled.extra = {"CALLCENTER_KEEP_ALERTS_DAYS": "400"}
    assert "alerts: 0 from before " in filled.run("retain").stdout
    filled.extra = {"CALLCENTER_KEEP_ALERTS_DAYS": "4"}
    assert_one_clear_line(filled.run("retain"), "CALLCENTER_KEEP_ALERTS_DAYS", "180")
