"""What a patient reads of their own: visits, documents, money, who looked."""
