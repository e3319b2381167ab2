"""Migrations of preservation."""
