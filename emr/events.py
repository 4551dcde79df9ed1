"""Facts that emr publishes."""
