"""Processes of ours: how they are started, limited, told to end, and what their exit status says."""
