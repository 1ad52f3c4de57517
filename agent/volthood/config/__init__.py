"""Configuration: one TOML file into frozen dataclasses. Unknown keys are refused; messages name file, key, unit, range."""
