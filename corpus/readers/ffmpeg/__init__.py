"""What video files need of FFmpeg, through PyAV: opening, time stamps, filters and colours."""
