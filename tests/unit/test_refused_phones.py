"""Marks of refused numbers: made once, kept by an import that says the same, cleared by another number."""

from datetime import UTC, datetime

from callcenter.storage import refused_phones, tables as t
from tests.unit.registry import HEAD, Town

NOON = datetime(2026, 11, 21, 4, tzinfo=UTC)
PEOPLE = "id,name,kind,phone,area"


def test_another_number_in_an_import_clears_it_and_the_same_one_does_not(town: Town) -> None:
    def reads(phone: str) -> set[str]:
        assert not town.read("responders", PEOPLE, f"n1,n1,neighbour,{phone},d1-t1-v1").wrong
        head = f"{HEAD},phone,contact1_name,contact1_relation,contact1_phone,contact1_keyholder"
        assert not town.residents(f"r-1,李,h-1,村1号,d1-t1-v1,{phone},王,女儿,{phone},yes", head=head).wrong
        with town.writer.transaction() as connection:
            return set(refused_phones.parties(connection))

    reads("13800000001")
    contact = f"contact:{town.rows(t.contacts)[0]['id']}"
    people = {"responder:n1", contact, "resident:r-1"}
    with town.writer.transaction() as connection:
        for party in sorted(people):
            assert refused_phones.mark(connection, party, gateway="twilio", reason="number_rejected", at=NOON)
            assert not refused_phones.mark(connection, party, gateway="ari", reason="not_permitted", at=NOON)
    assert reads("13800000001") == people
    assert reads("13800000002") == set()


def test_operators_and_typed_numbers_are_in_no_list_to_be_corrected(town: Town) -> None:
    with town.writer.transaction() as connection:
        for party in ("operator:operator1", "number:abc", ""):
            assert not refused_phones.mark(connection, party, gateway="g", reason="number_rejected", at=NOON)
