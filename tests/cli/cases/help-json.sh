json pannier --version --json
filter='.success, (.help | startswith("Usage: pannier pack"))' json pannier --json pack --help
filter='.success, (.help | startswith("Usage: pannier COMMAND"))' json pannier --json -h
