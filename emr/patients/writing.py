"""The statement that registers a person: chart, numbers and audit row in one round trip."""

from typing import cast

from sqlalchemy import (
    ARRAY,
    CTE,
    Integer,
    Table,
    Text,
    bindparam,
    column,
    func,
    literal,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import insert

from emr.patients.models import Patient, PatientIdentifier
from kernel.audit.api import audited
from kernel.statements import Statement

_P = cast(Table, Patient.__table__).c
_I = cast(Table, PatientIdentifier.__table__).c
_MADE: tuple[str, ...] = (
    "id",
    "name",
    "name_key",
    "given_key",
    "name_pairs",
    "birth_date",
    "birth_precision",
)
_MADE += (
    "sex",
    "citizen_id",
    "insurance_no",
    "passport_no",
    "phone",
    "address",
    "ward_code",
    "province_code",
)
_MADE += ("ethnic_code", "nationality", "occupation", "allergies", "revision", "fingerprint")
_MADE += ("registered_at", "registered_by")
_GIVEN = {name: bindparam(f"given_{name}", type_=_P[name].type) for name in _MADE}
# Parameters are named given_… because SQLAlchemy takes a plain "id" for a column of the INSERT.

_PATIENT = (
    insert(_P.id.table)
    .from_select(
        ["code", *_MADE],
        select(
            func.emr_next_code(
                "BN", bindparam("year", type_=Integer()), literal_column("'emr_patient_number'::regclass")
            ),
            *_GIVEN.values(),
        ),
        include_defaults=False,
    )
    .on_conflict_do_nothing(index_elements=["id"])
    .returning(_P.id, _P.code)
    .cte("patient")
)
_NUMBER = (
    func.unnest(bindparam("kinds", type_=ARRAY(Text)), bindparam("numbers", type_=ARRAY(Text)))
    .table_valued(column("kind", Text), column("value", Text), name="number")
    .render_derived()
)
_NUMBERS = insert(_I.kind.table).from_select(
    ["patient_id", "kind", "value", "recorded_at", "active", "recorded_by", "ended_reason"],
    select(
        _PATIENT.c.id,
        _NUMBER.c.kind,
        _NUMBER.c.value,
        _GIVEN["registered_at"],
        true(),
        _GIVEN["registered_by"],
        literal(""),
    ).select_from(_PATIENT.join(_NUMBER, true())),
    include_defaults=False,
)


def _registering(taken: CTE) -> Statement:
    """Answer the new chart's code, none if the id is known, and the kinds of the numbers that were free."""
    code = select(_PATIENT.c.code).scalar_subquery().label("code")
    kinds = func.array(select(taken.c.kind).scalar_subquery(), type_=ARRAY(Text)).label("taken")
    return Statement(select(code, kinds).add_cte(audited(_PATIENT)))


REGISTER = _registering(_NUMBERS.on_conflict_do_nothing().returning(_I.kind).cte("taken"))
"""A number that names another chart is left out of `taken`; one being registered right now is waited for."""
REGISTER_ALONE = _registering(_NUMBERS.returning(_I.kind).cte("taken"))
"""For a transaction of its own: a number that names another chart makes the database refuse the whole."""
ONE_CHART_A_NUMBER = "uq_emr_patient_identifier_kind_value"
