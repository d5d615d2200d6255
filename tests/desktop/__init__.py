"""The app as a program on an X display, with a window manager, a real pointer and another program beside it."""
