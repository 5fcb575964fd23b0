"""A phone carrier that speaks Twilio's REST, TwiML and callbacks: seeded, scriptable, and able to fail."""
