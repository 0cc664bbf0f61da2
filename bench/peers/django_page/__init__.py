"""The page in Django: models of the same tables, one query by `select_related`."""
