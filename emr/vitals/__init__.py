"""Dấu hiệu sinh tồn: measured by nurses before the doctor calls."""
