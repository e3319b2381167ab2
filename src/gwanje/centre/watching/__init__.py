"""Watching (관제): the wall, the map, live tokens, emergency widening, events."""
