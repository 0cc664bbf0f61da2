"""Alembic: our one table and our version table, ever."""
