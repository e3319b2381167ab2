"""Retention (보관·파기): what is kept how long, what dies when and why, and the certificate that it died."""
