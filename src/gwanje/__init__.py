"""gwanje (관제): law opens keys."""
