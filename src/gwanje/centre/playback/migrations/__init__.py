"""Migrations of playback."""
