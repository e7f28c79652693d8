"""The engine's rules: each looks at the whole orchestration and returns the events that follow, or none."""
