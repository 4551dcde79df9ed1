"""Patients and relatives sign: a sitting at a tablet, witnesses for who does not sign, a fingerprint on paper."""
