import io
import json
import logging
from collections.abc import Iterator
from uuid import UUID

import pytest
import structlog

from kernel.logs import configure_logs, log_request, scrub

PATIENT = "Nguyễn Văn An"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    configure_logs(stream=stream)
    yield stream
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def lines(written: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_line_is_json_with_the_moment_and_the_place(written: io.StringIO) -> None:
    visit = UUID(int=7)
    structlog.get_logger("lanh.x").info("visit.opened", visit_id=visit, ms=1.5, kind="emr.open", first=True)
    (line,) = lines(written)
    assert (line["event"], line["level"], line["logger"]) == ("visit.opened", "info", "lanh.x")
    assert (line["visit_id"], line["ms"], line["kind"], line["first"]) == (str(visit), 1.5, "emr.open", True)
    assert str(line["timestamp"]).endswith("Z")


def test_a_request_is_one_line_of_the_programs_own_words(written: io.StringIO) -> None:
    log_request(logging.WARNING, method="GET", route="/a/{id}", status=200, ms=1204.5)
    (line,) = lines(written)
    assert str(line.pop("timestamp")).endswith("Z")
    assert line == {
        "event": "request",
        "level": "warning",
        "logger": "lanh.request",
        "method": "GET",
        "route": "/a/{id}",
        "status": 200,
        "ms": 1204.5,
    }


def test_a_request_below_the_level_is_not_written() -> None:
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logs(level="WARNING", stream=stream)
    try:
        log_request(logging.INFO, method="GET", route="/", status=200, ms=1.0)
        log_request(logging.ERROR, method="GET", route="/", status=500, ms=1.0)
    finally:
        root.handlers[:], root.level = handlers, level
        structlog.reset_defaults()
    assert [line["status"] for line in lines(stream)] == [500]


def test_fields_that_may_carry_patient_data_are_withheld(written: io.StringIO) -> None:
    log = structlog.get_logger("lanh.x")
    log.warning("x", name=PATIENT, patient={"name": PATIENT}, citizen_id=79012345678, note=[PATIENT])
    (line,) = lines(written)
    assert line["withheld"] == ["citizen_id", "name", "note", "patient"]
    assert "An" not in json.dumps(line, ensure_ascii=False)


def test_the_text_of_an_exception_is_withheld(written: io.StringIO) -> None:
    try:
        raise KeyError(PATIENT)
    except KeyError:
        structlog.get_logger("lanh.x").exception("failed")
        logging.getLogger("some.library").exception("it broke\nparameters: %s", PATIENT)
    ours, theirs = lines(written)
    for line in (ours, theirs):
        assert line["error"] == "KeyError"
        assert "test_logs.py" in str(line["trace"])
        assert PATIENT not in json.dumps(line, ensure_ascii=False)
    assert theirs["event"] == "it broke"


def test_numbers_of_people_and_query_strings_are_hidden_in_other_peoples_messages() -> None:
    assert scrub('GET /find?name=An%20Nguyen "ok"') == 'GET /find?… "ok"'
    assert scrub("card 079012345678, phone 0912 345 678, port 8000") == "card •, phone •, port 8000"


def test_debug_lines_are_off_and_noisy_libraries_are_quiet(written: io.StringIO) -> None:
    logging.getLogger("x").debug("no")
    logging.getLogger("httpx").info("HTTP Request: GET http://x/?phone=1")
    assert lines(written) == []
