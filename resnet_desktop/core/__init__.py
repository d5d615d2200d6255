"""The ground floor: errors, paths, settings, atomic writes, the log. Standard library and platformdirs alone."""
