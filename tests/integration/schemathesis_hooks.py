"""What schemathesis does not know of our contract. Its own process loads this file, see
test_nothing_undocumented_is_answered.py.
"""

import os
from typing import Any

import schemathesis
from schemathesis import GenerationMode

# Operation -> what it is sent beside the password. Nobody confirms a second factor by chance.
RIGHT = {"signIn": {"username": "operator1"}, "beginSecondFactor": {}, "endSecondFactor": {"code": "000000"}}


@schemathesis.hook
def filter_case(_context: schemathesis.HookContext, case: schemathesis.Case) -> bool:
    """An empty parameter counts as not given (that is how forms send it), whatever its schema says."""
    return all(value != "" for value in (case.query or {}).values())


@schemathesis.hook
def before_call(_context: schemathesis.HookContext, case: schemathesis.Case, _kwargs: dict[str, Any]) -> None:
    """A wrong password costs a growing delay: one that could be right is right."""
    operation = case.operation.definition.raw.get("operationId")
    if operation in RIGHT and case.meta and case.meta.generation.mode == GenerationMode.POSITIVE:
        case.body = RIGHT[operation] | {"password": os.environ["VNH_PASSWORD"]}
