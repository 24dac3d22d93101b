# A wrong command line: exit 2, what is wrong, and where the help is.
run pannier
run pannier pakc
run pannier frobnicate
run pannier --nonsense
run pannier pack --protable
run pannier pack -Z
run pannier pack -qZ
run pannier pack one two
run pannier pack --portable=yes
run pannier pack --name a@b
run pannier pack --level
run pannier pack --level 0
run pannier pack --level 13
run pannier pack --level=6x
run pannier pack --level -- 6
run pannier pack -o
run pannier pack -o ''
run pannier pack ''
run pannier pack -o zip --no-zip
run pannier pack -o - --no-zip
run pannier pack --progress=loud
run pannier log --wait never
run pannier log --wait 86401
run pannier log -n 0
run pannier log -n-1
run pannier log -n 99999999999999999999999
run pannier log extra
run pannier export latest
run pannier export
run pannier verify
run pannier verify x.zip --expect c01c
run pannier unpack x.zip
run pannier show
run pannier cat
run pannier init a --store b
run pannier validate - --assets -
run pannier log --workspace nowhere
# Commands that do not exist yet are not accepted.
for command in gc rebuild; do
	run pannier "$command"
done
ls -A
