"""Who a person at home is: phone, one-time code, birth date, remembered devices, sessions."""
