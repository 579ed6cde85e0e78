"""Where systems keep what, and how it is read: files, output of programs, values of the registry."""
