"""The same form written as tutorials write it, for the fault tests to compare with."""
