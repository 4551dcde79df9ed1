"""Deposits (tạm ứng) and money to give back (nộp thừa chờ hoàn)."""
