"""Patients, visits, stays, queues, orders, prescriptions, record sheets, catalogs."""
