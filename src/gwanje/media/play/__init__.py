"""Playback (저장영상 재생): a Permit opens sealed parts in memory, second by second, for one officer."""
