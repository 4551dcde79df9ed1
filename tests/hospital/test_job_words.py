"""What the operator reads on /admin/jobs is Vietnamese, whichever package the job is of."""

import hospital.handlers  # noqa: F401  (importing registers the handlers)
from kernel.outbox.registry import known_kinds, periodic_handlers
from kernel.outbox.words import job_words


def test_every_job_has_words_for_the_operator() -> None:
    kinds = [kind for kind in [*known_kinds(), *periodic_handlers()] if not kind.startswith("test.")]
    assert len(kinds) > 20
    assert [kind for kind in kinds if job_words(kind) == kind] == []
