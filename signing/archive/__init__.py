"""Long life of signed files: validation material and a document timestamp, appended after the last signature (B-LT, B-LTA)."""
