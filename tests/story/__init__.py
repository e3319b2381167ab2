"""Stories of the whole centre."""
