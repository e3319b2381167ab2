"""Media (영상): ingest, recorder, live ring, player engine. No Django, no audio, no plaintext on a disk."""
