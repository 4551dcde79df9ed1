"""Trying out everything a signer needs, before the day it counts."""
