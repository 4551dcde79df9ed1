"""Ids, money, time, text, database, problems, audit, outbox, staff: no hospital word in it."""
