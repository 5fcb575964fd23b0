"""`make chaos`: a whole deployment of many processes is broken in every way for minutes, and nothing may be lost."""
