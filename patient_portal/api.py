"""What other packages may use of patient_portal."""
