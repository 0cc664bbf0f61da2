"""The pages: the only rooms that know Flask and WTForms."""
