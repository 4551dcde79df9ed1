"""Sign and verify documents (PAdES, XML-DSig), certificates, timestamps; knows no patient."""
