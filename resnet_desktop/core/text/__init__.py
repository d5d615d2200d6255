"""Text from elsewhere, made safe to print, to log and to open in a spreadsheet."""
