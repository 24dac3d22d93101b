json pannier init --json
json pannier init --json
touch file
json pannier init file --json
