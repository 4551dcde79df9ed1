"""Signatures whose key is elsewhere: a remote service that asks the person's phone, a token in the doctor's own PC."""
