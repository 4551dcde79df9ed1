"""Accounts: one per đợt khám chữa bệnh."""
