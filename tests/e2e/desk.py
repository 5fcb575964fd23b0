"""What people and machines see of a centre by HTTP, and what they were told."""

import http.client
import json
import urllib.error
import urllib.request

from tests.e2e.books import Answers
from tests.processes import PASSWORD


class Desk:
    """Where somebody works. `answers` keeps account of what they sent and were told."""

    http: str
    token: str
    answers: Answers

    def get(self, path: str, *, seconds: float = 15) -> tuple[int, bytes]:
        """(status, body); status 0 when there is no answer in time."""
        request = urllib.request.Request(self.http + path, headers=self._headers())
        return _ask(request, seconds)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def sign_in(self, who: str = "operator1") -> None:
        body = json.dumps({"username": who, "password": PASSWORD}).encode()
        request = urllib.request.Request(
            f"{self.http}/api/v1/session", data=body, headers={"Content-Type": "application/json"}
        )
        status, answer = _ask(request, 10)
        assert status == 200, answer
        self.token = json.loads(answer)["token"]

    def act(self, alert: str, action: str, *, seconds: float = 15, **more: str) -> int:
        """Send an action and keep account of it; returns the status, 0 without an answer."""
        request = urllib.request.Request(
            f"{self.http}/api/v1/alerts/{alert}/actions",
            data=json.dumps({"action": action} | more).encode(),
            headers=self._headers() | {"Content-Type": "application/json"},
        )
        status, answer = _ask(request, seconds)
        if status == 200:
            self.answers.done.append((alert, action, json.loads(answer)["n"]))
        elif status == 0 or b'"not_answered"' in answer:
            self.answers.open.append((alert, action))
        return status

    def metric(self, line: str) -> float:
        """A sample of /metrics by its full name with labels; 0 when it is not there."""
        status, text = self.get("/metrics")
        assert status == 200
        for sample in text.decode().splitlines():
            if sample.startswith(line + " "):
                return float(sample.rsplit(" ", 1)[1])
        return 0.0


def _ask(request: urllib.request.Request, seconds: float) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()
    except (OSError, http.client.HTTPException):  # also half an answer is none
        return 0, b""
