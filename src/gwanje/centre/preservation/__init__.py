"""Preservation (보존): seconds that outlive their retention under a hold, and seconds that are deleted before it."""
