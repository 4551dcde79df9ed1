"""The second screen in a real browser, before a real server that dies."""

import asyncio
import os
import re
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from billing.screens.service import PairScreen, pair_screen
from billing.shifts.service import add_counter
from hospital.processes import child, free_port, wait_until_it_answers
from kernel.clock import utc_now
from tests.billing.builders import CASHIER, a_request, an_episode
from tests.conftest import RealDatabase

CHROMIUM = "/usr/bin/chromium"


@pytest.mark.browser
@pytest.mark.slow
async def test_the_code_comes_by_push_and_leaves_when_the_line_is_lost(
    real_db: RealDatabase, tmp_path: Path
) -> None:
    async with real_db.sessions.begin() as session:
        await add_counter(session, "Q1", "Quầy thu 1")
        episode = await an_episode(session)
    environment = {
        **os.environ,
        "DATABASE_URL": real_db.url,
        "HOSPITAL_DATA_DIR": str(tmp_path),
        "HOSPITAL_INLINE_WORKER": "false",
        "HOSPITAL_CPU_WORKERS": "0",
        "HOSPITAL_DEMO": "true",
    }
    port, log = free_port(), tmp_path / "web.log"
    async with async_playwright() as playwright:
        path = CHROMIUM if Path(CHROMIUM).exists() else None
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 1920, "height": 1080})
        with child("serve", "--port", str(port), environment=environment, log=log) as server:
            await asyncio.to_thread(wait_until_it_answers, f"http://127.0.0.1:{port}/readyz", server, log)
            await page.goto(f"http://127.0.0.1:{port}/screens/Q1")
            code = re.sub(r"\D", "", await page.inner_text(".pair"))
            async with real_db.sessions.begin() as session:
                await pair_screen(session, PairScreen("Q1", code), actor=CASHIER, now=utc_now())
            await page.wait_for_selector("[data-face=waiting]")
            # Asked for by another process: the news travels through the database.
            async with real_db.app.state.sessions.begin() as session:
                request = await a_request(session, episode)
            await page.wait_for_selector("[data-face=paying] svg")
            assert request.reference in await page.inner_text(".paying")
            side = await page.evaluate("document.querySelector('.code svg').getBoundingClientRect().width")
            assert 680 <= side <= 740
        await page.wait_for_selector("text=Đang nối lại", timeout=12_000)
        assert await page.locator(".code svg").count() == 0
        await browser.close()
