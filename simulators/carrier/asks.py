"""A REST request as the handlers read it: fields of the form or the query, and the parts of the path."""

from collections.abc import Mapping
from dataclasses import dataclass

from simulators.carrier.legs import Detection, Reports, Script, Tape
from simulators.carrier.webhooks import Hook


@dataclass(frozen=True, slots=True)
class Ask:
    path: str
    parts: Mapping[str, str]
    pairs: tuple[tuple[str, str], ...]

    def get(self, name: str, default: str = "") -> str:
        return next((value for key, value in self.pairs if key == name), default)

    def has(self, name: str) -> bool:
        return any(key == name for key, _ in self.pairs)

    def flag(self, name: str, default: bool = False) -> bool:
        return self.get(name, str(default).lower()) == "true"

    def every(self, name: str) -> frozenset[str]:
        """The values of a repeated key, or the words of one with spaces."""
        return frozenset(word for key, value in self.pairs if key == name for word in value.split())

    def hook(self, name: str, method: str = "POST") -> Hook | None:
        url = self.get(name)
        how = self.get(name.removesuffix("Url") + "Method", method)
        return Hook(url, how) if url else None

    def reports(self, name: str, default: str = "completed") -> Reports:
        return Reports(self.hook(name), self.every(f"{name}Event") or frozenset(default.split()))

    def script(self) -> Script | None:
        """An address wins over a text, as with Twilio."""
        if self.get("Url"):
            return Script(self.get("Url"), self.get("Method", "POST"))
        return Script(text=self.get("Twiml")) if self.get("Twiml") else None

    def fallback(self) -> Script | None:
        hook = self.hook("FallbackUrl")
        return Script(hook.url, hook.method) if hook else None

    def detection(self, callback: str, *, beside: bool) -> Detection | None:
        if not self.has("MachineDetection"):
            return None
        return Detection(self.hook(callback) if beside else None)

    def tape(self, source: str) -> Tape | None:
        if not self.flag("Record"):
            return None
        channels = 2 if self.get("RecordingChannels") == "dual" else 1
        return Tape(source, self.reports("RecordingStatusCallback"), channels)
