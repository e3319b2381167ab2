"""Reading odd cameras in a process of its own (별도 프로세스 수신): HTTP, HLS, RTMP, files, snapshots.

FFmpeg's demuxers parse what a stranger sends, so they run where there are no keys: a child with at most 25 streams,
one thread each, that gets an address and an account over its socket pair and sends whole access units of video back.
Nothing here reads another medium: the video stream is opened, the rest of a container is discarded by the demuxer.
"""
