"""Readings: one declaration of the rules, read in several independent ways that must agree."""
