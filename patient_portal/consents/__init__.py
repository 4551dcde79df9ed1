"""Consent per purpose (đồng ý xử lý dữ liệu cá nhân)."""
