"""A stand-in for Asterisk's REST interface: the calls and events our gateway uses, scripted callees, and faults."""
