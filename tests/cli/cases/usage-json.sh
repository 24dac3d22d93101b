# With --json also a wrong command line gives one document, wherever --json stands.
json pannier --json
json pannier pakc --json
json pannier --json pack --protable
json pannier pack --level 99 --json
json pannier export latest -o - --json
json pannier pack -o - --json
# After "--" it is an operand.
run pannier pack a -- --json
