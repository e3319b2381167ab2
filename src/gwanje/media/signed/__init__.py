"""The camera's own signature in its video (영상 자체 서명): ONVIF Media Signing, read and reckoned (design 0030)."""
