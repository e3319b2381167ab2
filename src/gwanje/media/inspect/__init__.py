"""Automatic inspection (자동 점검): a child process looks at key frames; what it says is figures, no picture."""
