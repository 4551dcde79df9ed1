"""Facts that patient_portal publishes."""
