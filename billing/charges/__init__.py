"""Charges (chi phí): what an order costs at the price of the day of service."""
