"""Faults between the app and its database, and what people notice of them."""
