"""Settings, policies and logging: values only, importing nothing of ours."""
