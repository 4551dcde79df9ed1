"""Code lists: the real ones, searched without marks."""

from datetime import date
from time import perf_counter

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from emr.catalogs.load import load_code_lists
from emr.catalogs.models import DrugItem, Icd10Code, Ward
from emr.catalogs.service import (
    NoSuchCode,
    NoSuchService,
    get_drug,
    get_icd10,
    get_service,
    list_ethnic_groups,
    list_provinces,
    main_code_of_pair,
    search_drugs,
    search_icd10,
    search_services,
    search_wards,
    words_query,
)
from kernel.text import fold

DAY = date(2026, 11, 21)


FOUND = [
    ("F32.1", "F32.1"),
    ("f321", "F32.1"),
    ("giai đoạn trầm cảm vừa", "F32.1"),
    ("tram cam vua", "F32.1"),
    ("bệnh tả", "A00"),
    ("cholera", "A00.9"),
]


async def test_the_real_lists_are_loaded_once_and_searched_quickly(session: AsyncSession) -> None:
    await load_code_lists(session)
    assert await session.scalar(select(func.count()).select_from(Icd10Code)) == 12_137
    assert await session.scalar(select(func.count()).select_from(Ward)) == 3_321
    assert await load_code_lists(session) == 0
    assert len(await list_provinces(session)) == 34
    assert len(await list_ethnic_groups(session)) == 56
    for typed, code in FOUND:
        assert code in [found.code for found in await search_icd10(session, typed)], typed
    for typed in ("", "  ", "!!!", "khongcobenhnay"):
        assert await search_icd10(session, typed) == []
    assert (await get_icd10(session, "a00")).needs_detail
    assert (await get_icd10(session, "A02.2")).marker == "dagger"
    assert await main_code_of_pair(session, "A01.0", "G01") == "G01"
    assert await main_code_of_pair(session, "A01.0", "Z00") is None
    with pytest.raises(NoSuchCode):
        await get_icd10(session, "Z99.99")
    assert "Phường Cẩm Thành" in [
        ward.name for ward in await search_wards(session, "cam thanh", province="51")
    ]
    assert await search_wards(session, "cam thanh", province="01") == []
    for typed in ("tram cam", "viem phoi", "f2", "tang huyet ap", "u"):
        started = perf_counter()
        await search_icd10(session, typed)
        assert perf_counter() - started < 0.1  # 10 ms is the budget; tests share a busy machine.


async def test_services_in_force_are_found(hospital: AsyncSession) -> None:
    assert [one.code for one in await search_services(hospital, "glucose", on=DAY)] == ["XN01"]
    assert [one.code for one in await search_services(hospital, "xn0", on=DAY)] == ["XN01", "XN02"]
    assert [one.code for one in await search_services(hospital, "", on=DAY, kinds=("EXAM",))] == ["KB01"]
    assert await search_services(hospital, "glucose", on=date(2025, 12, 31)) == []
    assert (await get_service(hospital, "XN01", on=DAY)).room == "XN1"
    for code, day in (("XX", DAY), ("XN01", date(2025, 12, 31))):
        with pytest.raises(NoSuchService):
            await get_service(hospital, code, on=day)


async def test_drugs_are_found_by_name_substance_and_code(session: AsyncSession) -> None:
    session.add(
        DrugItem(
            code="T001",
            name="Paramau",
            inn="Paracetamol",
            key=fold("Paramau Paracetamol T001"),
            strength="500 mg",
            form="viên nén",
            unit="viên",
            route="uống",
            control="",
            active=True,
        )
    )
    await session.flush()
    for typed in ("para", "PARACETAMOL", "t001", "paracetamol param"):
        assert [drug.code for drug in await search_drugs(session, typed)] == ["T001"]
    assert (await get_drug(session, "T001")).inn == "Paracetamol"
    with pytest.raises(NoSuchCode):
        await get_drug(session, "T999")


def test_each_typed_word_is_a_beginning() -> None:
    assert words_query("Viêm  phổi!") == "'viem':* & 'phoi':*"
