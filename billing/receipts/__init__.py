"""Receipts with gapless numbers, one book per till and one for automatic receipts."""
