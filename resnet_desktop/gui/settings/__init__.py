"""The settings window, made from the declarations."""
