"""Duties (할 일·기한): every legal clock is a row, warned about, escalated, and never lost."""
