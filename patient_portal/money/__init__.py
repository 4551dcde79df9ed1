"""What a patient owes, pays by QR on the phone, and paid."""
