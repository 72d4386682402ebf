"""What a run consists of: its spec, protocol, people sets and cells."""
