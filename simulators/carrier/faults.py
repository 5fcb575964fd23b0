"""What goes wrong between the carrier and its customer, drawn from the seed or listed one by one."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from random import Random

# Of an answer to a request; `_after` means that it was carried out, and only the answer is lost.
ANSWER_FAULTS = ("throttled", "error", "hang", "reset", "html", "error_after", "hang_after", "reset_after", "early")
CALLBACK_FAULTS = ("duplicate", "reorder", "delay", "lose")
NONE = ""


@dataclass(frozen=True, slots=True)
class Faults:
    """Probabilities by name of the fault. A plan is used up first, one entry a request or callback; "" is no fault."""

    answers: Mapping[str, float] = field(default_factory=dict)
    callbacks: Mapping[str, float] = field(default_factory=dict)
    answer_plan: tuple[str, ...] = ()
    callback_plan: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()  # only these, such as CreateCall; none: all
    delay_s: float = 5.0
    hang_s: float = 3600.0
    retry_after_s: int = 1

    def __post_init__(self) -> None:
        for names, known in (
            ((*self.answers, *self.answer_plan), ANSWER_FAULTS),
            ((*self.callbacks, *self.callback_plan), CALLBACK_FAULTS),
        ):
            if unknown := set(names) - {*known, NONE}:
                raise ValueError(f"no such fault: {', '.join(sorted(unknown))}")

    @classmethod
    def of(cls, data: Mapping[str, object]) -> "Faults":
        if unknown := set(data) - {one.name for one in fields(cls)}:
            raise ValueError(f"faults have no {', '.join(sorted(unknown))}")
        values = {key: tuple(map(str, value)) if isinstance(value, list) else value for key, value in data.items()}
        return cls(**values)  # type: ignore[arg-type]


class Fates:
    """Deals the faults out. Each draw has dice of its own, so that what runs side by side disturbs no draw."""

    def __init__(self, seed: int, faults: Faults | None = None) -> None:
        self._seed = seed
        self._draws: Counter[str] = Counter()
        self.set(faults or Faults())

    def set(self, faults: Faults) -> None:
        self.faults = faults
        self._answer_plan = list(faults.answer_plan)
        self._callback_plan = list(faults.callback_plan)

    def of_answer(self, operation: str) -> str:
        if self.faults.operations and operation not in self.faults.operations:
            return NONE
        return self._draw(f"answer/{operation}", self._answer_plan, self.faults.answers)

    def of_callback(self, key: str) -> str:
        return self._draw(f"callback/{key}", self._callback_plan, self.faults.callbacks)

    def _draw(self, what: str, plan: list[str], odds: Mapping[str, float]) -> str:
        self._draws[what] += 1
        if plan:
            return plan.pop(0)
        rest = Random(f"{self._seed}/{what}/{self._draws[what]}").random()
        for name, probability in odds.items():
            rest -= probability
            if rest < 0:
                return name
        return NONE
