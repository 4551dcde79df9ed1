"""Health insurance (BHYT): benefit rates and effective-dated parameters; knows no record."""
