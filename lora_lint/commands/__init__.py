"""What each command does, apart from parsing its options: a module a command, and what they share."""
