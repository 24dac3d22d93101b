# Places to push to: by name, never with a secret.
run pannier remote add share ./share
ls -A
run pannier remote add share "$PWD/share/"
run pannier remote add share /mnt/elsewhere
run pannier remote add disk file:///mnt/my%20disk
run pannier remote list
json pannier remote list --json | sed 's/"addedAt": ".*"/"addedAt": "$TIME"/'
json pannier remote add --json third /mnt/third
run pannier remote remove third
run pannier remote remove third
json pannier remote remove --json third
run pannier remote add cloud s3://key:secret@bucket/prefix
run pannier remote add web ftp://host/x
run pannier remote add 'a b' /mnt/x
run pannier remote add abcd /mnt/x
run pannier remote
run pannier remote frobnicate
run pannier remote add name
run pannier remote list name
run pannier remote remove
run pannier push none
