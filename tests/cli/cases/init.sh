run pannier init
run pannier init
ls -A
cat .pannier/.gitignore
run pannier init models
run pannier init models/deeper/still
ls -A models
mkdir sub
(cd sub && run pannier init && ls -A)
(cd sub && run pannier init . && ls -A)
run pannier init --store elsewhere
PANNIER_STORE=$PWD/from-environment run pannier init
ls -d elsewhere/pannier.db from-environment/pannier.db
run pannier init -q again
touch file
run pannier init file
