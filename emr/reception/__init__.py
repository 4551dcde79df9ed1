"""Reception (tiếp đón): from a scan to a visit with a number, as one road."""
