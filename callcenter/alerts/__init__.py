"""The alert machine: pure, standard library only. Tables in alert_rules, engine in rules."""
