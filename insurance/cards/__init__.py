"""Health insurance cards and what was found when one was checked."""
