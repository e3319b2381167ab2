"""First migration: the kernel's tables, grants and row-level security."""
