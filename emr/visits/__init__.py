"""Visits, episodes (đợt khám chữa bệnh) and stays."""
