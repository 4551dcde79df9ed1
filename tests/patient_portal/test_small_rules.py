"""Consent wordings and states of telehealth requests."""

import pytest

from patient_portal.consents.rules import WORDINGS, Purpose
from patient_portal.telehealth.rules import NEXT, RequestState, may_become


@pytest.mark.parametrize("purpose", Purpose)
def test_each_purpose_says_that_the_data_are_sensitive(purpose: Purpose) -> None:
    assert "dữ liệu nhạy cảm" in WORDINGS[purpose].text
    assert "rút lại" in WORDINGS[purpose].text


def test_each_wording_has_its_own_hash() -> None:
    assert len({wording.sha256 for wording in WORDINGS.values()}) == len(Purpose)


@pytest.mark.parametrize(
    ("old", "new"), [(old, new) for old in RequestState for new in RequestState if new not in NEXT[old]]
)
def test_an_answered_request_stays_answered(old: RequestState, new: RequestState) -> None:
    assert not may_become(old, new)
