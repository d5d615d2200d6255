"""What programs for camera traps write: tables, packages and detections."""
