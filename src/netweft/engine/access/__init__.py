"""Who may do what: roles, the things that rights are about, what a user may do and see, and who is asking."""
