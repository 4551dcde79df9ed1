"""Pages are drawn from one set of components and served safely and small."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from jinja2 import DictLoader
from litestar import Litestar
from litestar.routes import HTTPRoute

from hospital.app import template_directories
from hospital.rail import RAIL
from kernel.staff.api import Role
from kernel.web.assets import asset, icon
from kernel.web.setup import TEMPLATES, RailItem, age_text, compile_all, initials_of, make_environment
from tests.conftest import SignedIn

FOLDERS = [TEMPLATES, *template_directories()]


def test_every_template_compiles() -> None:
    assert compile_all(make_environment(template_directories(), RAIL)) >= 20


@pytest.mark.parametrize(
    "pattern",
    [r"\sstyle=\"", r"<script(?![^>]*\bsrc=)", r"\son[a-z]+=\"", r"hx-on", r"https?://(?!www\.w3\.org)"],
)
def test_templates_hold_nothing_the_browser_is_told_to_drop(pattern: str) -> None:
    """No inline style, script or handler, and nothing of another server."""
    found = [p.name for f in FOLDERS for p in f.rglob("*.html") if re.search(pattern, p.read_text())]
    assert found == []


def test_only_the_tokens_name_a_colour() -> None:
    styles = Path(TEMPLATES).parent / "static" / "app.css"
    colours = set(re.findall(r"#[0-9a-f]{3,8}\b", styles.read_text()))
    assert colours <= {"#fff", "#ffffff73", "#ffffff26"}


async def test_the_story_page_shows_all_components(client: httpx.AsyncClient) -> None:
    answer = await client.get("/_design")
    assert answer.status_code == 200
    assert "NGUYỄN THỊ THU HÀ" in answer.text
    assert "580.000 ₫" in answer.text


async def test_pages_carry_their_policy(client: httpx.AsyncClient) -> None:
    headers = (await client.get("/login")).headers
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"


async def test_a_static_file_is_kept_for_a_year_and_packed(client: httpx.AsyncClient) -> None:
    answer = await client.get(asset("app.css"), headers={"accept-encoding": "br"})
    assert answer.headers["content-encoding"] == "br"
    assert "immutable" in answer.headers["cache-control"]
    old = await client.get("/static/of-an-older-release/app.css")
    assert (old.status_code, old.headers["cache-control"]) == (200, "no-cache")


@pytest.mark.parametrize("name", ["nothing.css", "../setup.py", "vendor/fonts/BeVietnamPro-Regular.ttf"])
async def test_only_files_of_pages_are_served(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.get(f"/static/x/{name}")).status_code == 404


async def test_pages_are_compressed_as_the_browser_can(client: httpx.AsyncClient) -> None:
    packed = await client.get("/_design", headers={"accept-encoding": "gzip"})
    plain = await client.get("/_design", headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert len(packed.text) == pytest.approx(len(plain.text), abs=200)


async def test_first_load_stays_small(client: httpx.AsyncClient) -> None:
    """Page, styles, scripts and fonts together, as sent: 200 kB (DESIGN, budgets)."""
    page = (await client.get("/_design")).text
    names = set(re.findall(r"/static/[^\"']+", page))
    scripts = (Path(TEMPLATES).parent / "static").glob("*.js")
    names |= {asset(p.name) for p in scripts}
    fonts = re.findall(r"url\((vendor/[^)]+)\)", (Path(TEMPLATES).parent / "static/tokens.css").read_text())
    names |= {asset(name) for name in fonts}
    total = 0
    for name in names:
        async with client.stream("GET", name, headers={"accept-encoding": "gzip"}) as answer:
            total += int(answer.headers["content-length"])
    assert total < 170_000


async def test_a_wrong_address_is_told_in_words(client: httpx.AsyncClient, signed_in: SignedIn) -> None:
    stranger = await client.get("/khong-co")
    assert (stranger.status_code, "Không tìm thấy trang này" in stranger.text) == (404, True)
    await signed_in(Role.DOCTOR)
    assert "Không tìm thấy trang này" in (await client.get("/khong-co")).text


async def test_a_wrong_password_keeps_the_name_and_says_why(client: httpx.AsyncClient) -> None:
    await client.get("/login")
    answer = await client.post("/login", data={"username": "bacsi", "password": "sai"})
    assert answer.status_code == 422
    assert 'value="bacsi"' in answer.text
    assert "data-error-summary" in answer.text


@pytest.mark.parametrize(
    "born, words",
    [
        (date(2026, 11, 1), "20 ngày tuổi"),
        (date(2026, 10, 12), "1 tháng tuổi"),
        (date(2020, 11, 22), "71 tháng tuổi"),
        (date(2020, 11, 21), "6 tuổi"),
        (date(1988, 11, 22), "37 tuổi"),
    ],
)
def test_ages_are_said_as_the_ward_does(born: date, words: str) -> None:
    assert age_text(born, date(2026, 11, 21)) == words


def test_a_person_has_two_letters() -> None:
    assert initials_of("Nguyễn Thị Thu Hà") == "TH"


def test_an_unknown_icon_is_found_at_once() -> None:
    with pytest.raises(KeyError, match="no icon"):
        icon("no-such-icon")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", asset("app.css")])
async def test_what_asks_for_no_form_gets_no_cookie(client: httpx.AsyncClient, path: str) -> None:
    assert "set-cookie" not in (await client.get(path)).headers


async def test_no_handler_spawns_tasks_for_what_it_needs(app: Litestar) -> None:
    models = [
        model
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for _, model in route.route_handler_map.values()
    ]
    assert models
    assert all(len(batch) == 1 for model in models for batch in model.dependency_batches)


def test_a_kept_part_is_drawn_for_its_values_and_escaped() -> None:
    kept: Any = make_environment([]).globals["kept"]
    places = (RailItem("/a", "<i>", "wallet"), RailItem("/b", "B", "wallet"))
    at_a, at_b = (kept("base/_rail.html", rail=places, place=place) for place in ("/a", "/b"))
    assert '<a href="/a" class="on"' in at_a
    assert '<a href="/b" class="on"' in at_b
    assert "&lt;i&gt;" in at_a
    assert "<i>" not in at_a


def test_a_kept_part_takes_one_for_no_truth_value() -> None:
    """1 and true are equal keys of a dict, but not the same text."""
    environment = make_environment([])
    environment.loader = DictLoader({"value.html": "{{ value }}"})
    kept: Any = environment.globals["kept"]
    assert [kept("value.html", value=value) for value in (1, True)] == ["1", "True"]


async def test_the_kept_bar_of_one_person_is_never_shown_to_another(
    client: httpx.AsyncClient, signed_in: SignedIn
) -> None:
    for name in ("Trần Thị Mẫu", "Lê Văn Ví Dụ", "Trần Thị Mẫu"):
        await signed_in(Role.DOCTOR, name=name)
        page = (await client.get("/workbench?every=true")).text
        others = {"Trần Thị Mẫu", "Lê Văn Ví Dụ"} - {name}
        assert name in page
        assert not any(other in page for other in others)
        tokens = set(re.findall(r"[0-9a-f]{128}", page))
        assert tokens == {client.cookies["lanh_csrf"]}
        client.cookies.clear()
