"""Tests of providers, sessions, classifying and batches."""
