"""Code lists: ICD-10, services, drugs, ethnic groups, provinces and wards."""
