"""A list with a limit begins like the whole one, whatever the alerts are: nothing pressing is cut off."""

from hypothesis import HealthCheck, given, settings, strategies as st
from sqlalchemy import delete

from callcenter.alerts.model import Kind, State
from callcenter.storage import queries, tables as t
from callcenter.storage.engine import connect
from tests.processes import lay_out
from tests.unit.test_schema import NOW, alert_of

SOME = st.lists(
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from([kind.value for kind in Kind]),
            "state": st.sampled_from([State.WAITING, State.CLAIMED, State.RESOLVED]),
            "raised": st.integers(0, 9),
            "silent": st.booleans(),
            "press_count": st.integers(0, 3),
            "troubles": st.integers(0, 2),
            "owner_id": st.sampled_from([None, "operator1"]),
        }
    ),
    max_size=8,
)


def test_a_limit_cuts_off_what_presses_least(database_url: str) -> None:
    lay_out(database_url)
    engine = connect(database_url, writer=True, size=1)

    @given(SOME)
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    def holds(some: list[dict]) -> None:
        with engine.begin() as connection:
            connection.execute(delete(t.alerts))
            for number, fields in enumerate(some):
                row = alert_of(State.WAITING, f"A{number}") | fields | {"opened_at": NOW.replace(second=number)}
                row |= {"subject": f"resident:{number}", "owner_name": fields["owner_id"]}
                connection.execute(t.alerts.insert(), row | {"state": fields["state"].value})
            whole = [alert.id for alert in queries.alerts(connection)]
            for limit in range(1, len(whole)):
                assert [alert.id for alert in queries.alerts(connection, limit=limit)] == whole[:limit]

    holds()
    engine.dispose()
