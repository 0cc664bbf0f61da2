"""The web app: the gate, the pages and the API. Only this package and `cli` know Flask and WTForms."""
