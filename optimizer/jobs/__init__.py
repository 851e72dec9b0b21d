"""The jobs behind the commands: a case or a run in, a run folder or a part of one out. No command line needed."""
