"""Tests on a cluster of Ray, run by ``make ray`` in an environment of their own."""
