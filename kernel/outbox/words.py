"""What a job does, in the words of the operator; each package says it beside its handlers."""

from collections.abc import Mapping

_words: dict[str, str] = {}


def name_jobs(words: Mapping[str, str]) -> None:
    """Give kinds of jobs the Vietnamese words that /admin/jobs shows."""
    _words.update(words)


def job_words(kind: str) -> str:
    """Return the words of a kind, or the kind itself when nobody named it."""
    return _words.get(kind, kind)
