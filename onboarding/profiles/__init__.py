"""The questions, the answers and their rules. Knows no Flask and nothing of Better-Auth."""
