"""Timing pyflex beside torch."""
