"""Cameras (영상정보처리기기): the registry, installation points, the national standard list."""
