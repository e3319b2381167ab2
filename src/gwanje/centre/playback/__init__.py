"""Playback (저장 영상 열람·재생): asked with a ground, approved by another officer, opened by a Permit of vaultd."""
