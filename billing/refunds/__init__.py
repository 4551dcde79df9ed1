"""Hoàn ứng, hoàn tiền nộp thừa: asked, approved by another person, paid out, confirmed."""
