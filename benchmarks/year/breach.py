"""That something does not hold: which promise, of which alert, and what was seen."""


class Breach(Exception):
    def __init__(self, promise: str, alert: str | None, says: str) -> None:
        super().__init__(f"{promise}: {says}")
        self.promise, self.alert, self.says = promise, alert, says
