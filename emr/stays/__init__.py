"""Stays (đợt điều trị nội trú) and beds."""
