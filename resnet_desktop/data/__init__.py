"""Data sets as other people's programs write them, before anything is known of a job."""
