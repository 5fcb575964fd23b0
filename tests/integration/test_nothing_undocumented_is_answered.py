"""Schemathesis asks the service whatever openapi.yaml describes, and much that it forbids.

No answer may be an error of ours, or have a status, a type or a body that the document does not list.
"""

import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest

from callcenter.people.rows import ResponderRow
from tests.integration.contract import DOCUMENT, FILE
from tests.processes import PASSWORD, ROOT, Service, press, running, wait_for

pytestmark = pytest.mark.long  # test_the_api_keeps_its_contract.py is there for every run

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
)
ENDING = ("signOut", "leave")
OPERATIONS = sum(map(len, DOCUMENT["paths"].values()))
# Most random ids are nobody's: two of three are of something there is. What is made by the way, like an incident,
# schemathesis finds by itself in the answers. Known passwords: see schemathesis_hooks.py.
CONFIG = """
hooks = "HOOKS"
[dictionaries]
alerts = { values = ALERTS }
areas = { values = ["d1"] }
residents = { values = ["r-1", "r-2"] }
[parameters]
"path.resident" = { dictionary = "residents", probability = 0.67 }
[[operations]]
include-path-regex = "/alerts/"
parameters = { "path.id" = { dictionary = "alerts", probability = 0.67 } }
[[operations]]
include-path-regex = "/residents/"
parameters = { "path.id" = { dictionary = "residents", probability = 0.67 } }
[[operations]]
include-operation-id = "raiseIncident"
parameters = { "body.area" = { dictionary = "areas", probability = 0.67 } }
[checks]
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 409, 413, 415]
[phases.coverage]
unexpected-methods = []  # test_the_api_keeps_its_contract.py
"""


@dataclass(frozen=True)
class Town:
    """A service of its own, because here incidents are raised, policies put into force and seats taken."""

    service: Service

    def ask(self, method: str, path: str, body: object = None, *, token: str = "") -> Any:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.service.http}/api/v1{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def token(self) -> str:
        return self.ask("POST", "/session", {"username": "supervisor1", "password": PASSWORD})["token"]

    def ids(self, of: str, token: str) -> list[str]:
        return [one["id"] for one in self.ask("GET", f"/{of}", token=token)[of]]

    def prepare(self) -> None:
        """Three alerts, and the configuration that names them. Calls: test_call_log.py."""
        token = self.token()
        for number in (1, 2, 3):
            press(self.service.mqtt_port, f"bracelet-{number}", json.dumps({"v": 1, "msg": "p", "kind": "sos"}))
        alerts = wait_for(lambda: len(found := self.ids("alerts", token)) == 3 and found, what="three alerts")
        hooks = Path(__file__).with_name("schemathesis_hooks.py")
        names = {"HOOKS": str(hooks), "ALERTS": json.dumps(alerts)}
        text = re.sub("HOOKS|ALERTS", lambda found: names[found[0]], CONFIG)
        (self.service.directory / "schemathesis.toml").write_text(text, encoding="utf-8")

    def explore(self, *arguments: str, token: str = "") -> str:
        """Runs schemathesis and returns its report, which is also what a failure says."""
        # Hypothesis remembers there what it knows of Unicode, which takes it eight seconds to find out.
        remembered = {"HYPOTHESIS_STORAGE_DIRECTORY": str(ROOT / ".hypothesis"), "VNH_PASSWORD": PASSWORD}
        finished = subprocess.run(
            [sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml", "run", str(FILE),
             "--url", self.service.http, "--checks", ",".join(CHECKS), "--seed", "1", "--generation-database", "none",
             "--continue-on-failure", "--warnings", "off", "--no-color",
             *(("-H", f"Authorization: Bearer {token}") if token else ()), *arguments],
            cwd=self.service.directory, env=self.service.environment | remembered,
            capture_output=True, text=True, check=False, timeout=1200,
        )  # fmt: skip
        # Bodies may be very long; what is wrong with them stands before them.
        said = "\n".join(line[:400] for line in (finished.stdout + finished.stderr).splitlines())
        assert finished.returncode == 0, said[:20_000]
        return finished.stdout


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    service = Service(tmp_path_factory.mktemp("town"), households=3)
    service.register()
    responders = service.directory / "responders.csv"
    lines = [
        f"g-{kind},来的人,{kind},+861390000{n:04},d1\n"
        for n, kind in enumerate(get_args(ResponderRow.model_fields["kind"].annotation))
    ]
    responders.write_text("id,name,kind,phone,area\n" + "".join(lines), encoding="utf-8")
    service.take_in("responders", responders)
    with running(service):
        made = Town(service)
        made.prepare()
        yield made


@pytest.mark.parametrize(
    ("asked", "arguments"),
    [
        # Of an operation with one optional parameter nothing is to be covered.
        pytest.param("Selected", ("--phases", "coverage"), id="short"),
        pytest.param("Tested", ("--phases", "coverage,fuzzing", "--max-examples", "100"), id="long"),
    ],
)
def test_a_supervisor_may_ask_anything(town: Town, asked: str, arguments: tuple[str, ...]) -> None:
    """Everything but to sign out, which would make all that follows the question of a stranger."""
    token = town.token()
    without = [part for name in ENDING for part in ("--exclude-operation-id", name)]
    report = town.explore(*without, *arguments, token=token)
    assert f"{asked}: {OPERATIONS - len(ENDING)}" in report
    assert town.ask("GET", "/session", token=token)["operator"]["id"] == "supervisor1"


@pytest.mark.parametrize("examples", ["1", "30"])
def test_a_stranger_may_ask_anything(town: Town, examples: str) -> None:
    """With no session, and with those that schemathesis makes up."""
    assert f"Tested: {OPERATIONS}" in town.explore("--phases", "fuzzing", "--max-examples", examples)


@pytest.mark.parametrize("name", ENDING)
def test_a_session_may_be_ended_in_any_way(town: Town, name: str) -> None:
    report = town.explore(
        "--include-operation-id", name, "--phases", "fuzzing", "--max-examples", "3", token=town.token()
    )
    assert "Tested: 1" in report
