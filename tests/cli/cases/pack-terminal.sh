# On a terminal: a progress line that is taken away again; colours unless NO_COLOR.
sample
seq 1 2000000 > data/policies.csv
unset LC_ALL
export TERM=xterm
script -qec 'pannier pack --include-policies --level 9' typescript < /dev/null > screen
grep -c $'\r\e\[K' screen
grep -o 'hash  *[0-9]* %' screen | head -n 1 | sed 's/ *[0-9][0-9]*/ N/'
script -qec 'pannier pack --include-policies --rehash --no-progress' typescript < /dev/null | grep -c $'\e'
script -qec 'pannier pack --include-policies --rehash -q' typescript < /dev/null | wc -c
edit_table
script -qec 'pannier status --include-policies' typescript < /dev/null | cat -v
NO_COLOR=1 script -qec 'pannier status --include-policies' typescript < /dev/null | cat -v
NO_COLOR='' script -qec 'pannier status --include-policies' typescript < /dev/null | cat -v
TERM=dumb script -qec 'pannier status --include-policies' typescript < /dev/null | cat -v
