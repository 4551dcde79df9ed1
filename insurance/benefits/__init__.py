"""How the cost of an encounter is shared between the fund, the patient and others."""
